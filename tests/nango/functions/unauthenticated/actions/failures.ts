import { createAction, type ActionError } from 'nango';
import { z } from 'zod';

const Input = z.object({ how: z.enum(['object', 'array', 'text', 'number', 'nothing', 'error', 'thrown-text', 'rethrown', 'caught', 'fetch']) });
const Output = z.union([z.string(), z.null()]);

const action = createAction({
    description: 'Fails in the way that is asked for',
    version: '1.0.0',
    input: Input,
    output: Output,
    exec: async (nango, { how }): Promise<z.infer<typeof Output>> => {
        switch (how) {
            case 'object':
                throw new nango.ActionError({ type: 'asked_for', nested: { list: [1, null] } });
            case 'array':
                throw new nango.ActionError(['a', { b: 1 }]);
            case 'text':
                throw new nango.ActionError('asked for');
            case 'number':
                throw new nango.ActionError(7);
            case 'nothing':
                throw new nango.ActionError();
            case 'error':
                throw new RangeError('asked for');
            case 'thrown-text':
                throw 'asked for';
            case 'rethrown':
                try {
                    throw new nango.ActionError({ inner: true });
                } catch (error) {
                    if (error instanceof nango.ActionError) {
                        throw error;
                    }
                    return 'not recognised';
                }
            case 'caught':
                try {
                    throw new nango.ActionError({ reason: 'inner' });
                } catch (error) {
                    const { type, payload, message } = error as ActionError;
                    return `${type} ${JSON.stringify(payload)} [${message}]`;
                } finally {
                    await nango.log('cleaned up');
                }
            case 'fetch':
                // Type-checks, and fails where a function is deployed.
                await fetch('https://example.com');
                return null;
        }
    }
});

export default action;
