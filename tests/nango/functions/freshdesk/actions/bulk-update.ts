import { createAction } from 'nango';
import { z } from 'zod';

const Input = z.object({
    tickets: z.array(z.number().int().positive()).min(1).max(500),
    change: z.object({ status: z.number().min(2).max(7), priority: z.number().min(1).max(4), tags: z.array(z.string()) }).partial()
});

const Output = z.object({ updated: z.number().int().nonnegative(), failed: z.array(z.object({ id: z.number(), status: z.number() })) });

interface Failure extends Error {
    response?: { status: number; data: unknown };
}

function isFailure(error: unknown): error is Failure {
    return error instanceof Error || (typeof error === 'object' && error !== null && 'response' in error);
}

const action = createAction({
    description: 'Changes many tickets, one run at a time',
    version: '1.0.0',
    input: Input,
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const key = `bulk-update:${nango.connectionId}`;
        const locked = await nango.tryAcquireLock({ key, ttlMs: 60_000 });
        if (!locked) {
            throw new nango.ActionError({ type: 'busy', key: 'bulk-update' });
        }
        const failed: z.infer<typeof Output>['failed'] = [];
        let updated = 0;
        try {
            for (const id of input.tickets) {
                try {
                    // https://developers.freshdesk.com/api/#update_ticket
                    await nango.put({
                        endpoint: `/api/v2/tickets/${id}`,
                        data: input.change,
                        retries: 2,
                        retryOn: [409],
                        retryHeader: { after: 'retry-after', at: 'x-ratelimit-reset' }
                    });
                    updated += 1;
                } catch (error) {
                    if (!isFailure(error) || error.response === undefined) {
                        throw error;
                    }
                    failed.push({ id, status: error.response.status });
                }
            }
        } finally {
            const released = await nango.releaseLock({ key });
            await nango.log('lock', { released });
            await nango.releaseAllLocks();
        }
        return { updated, failed };
    }
});

export default action;
