import { createAction } from 'nango';
import { randomUUID } from 'crypto';
import { z } from 'zod';

const Input = z.object({
    email: z.email().optional(),
    name: z.string().max(256).optional(),
    description: z.string().optional(),
    metadata: z.record(z.string().max(40), z.string().max(500)).optional(),
    idempotencyKey: z.string().max(255).optional().describe('The same key never creates a second customer')
});

const Output = z.object({ id: z.string(), livemode: z.boolean() });

const action = createAction({
    description: 'Creates a customer',
    version: '1.0.0',
    scopes: ['read_write'],
    input: Input,
    output: Output,

    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const { idempotencyKey, metadata, ...fields } = (await nango.zodValidateInput({ zodSchema: Input, input })).data;
        const form = new URLSearchParams();
        for (const [name, value] of Object.entries(fields)) {
            if (value !== undefined) {
                form.append(name, value);
            }
        }
        for (const [name, value] of Object.entries(metadata ?? {})) {
            form.append(`metadata[${name}]`, value);
        }
        const response = await nango.post({
            // https://docs.stripe.com/api/customers/create
            endpoint: '/v1/customers',
            data: form,
            headers: {
                'content-type': 'application/x-www-form-urlencoded',
                'idempotency-key': idempotencyKey ?? randomUUID()
            },
            // The key makes another attempt harmless.
            retries: 3
        });
        return Output.parse(response.data);
    }
});

export type NangoActionLocal = Parameters<(typeof action)['exec']>[0];
export default action;
