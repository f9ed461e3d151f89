import { createAction } from 'nango';
import { z } from 'zod';

const Input = z.object({ orders: z.array(z.object({ id: z.string() })), resync: z.boolean().optional() });
const Output = z.object({ total: z.number(), skipped: z.boolean() });

const action = createAction({
    description: 'Asks another action for each order, then starts syncs',
    version: '1.0.0',
    input: Input,
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const { providerConfigKey, connectionId } = nango;
        const key = 'orchestrate';
        if (!(await nango.tryAcquireLock({ key, ttlMs: 5000 }))) {
            return { total: 0, skipped: true };
        }
        let total = 0;
        try {
            for (const order of input.orders) {
                const price = await nango.triggerAction<{ id: string }, { amount: number }>(providerConfigKey, connectionId, 'price', order);
                total += price.amount;
            }
            if (input.resync) {
                await nango.triggerSync(providerConfigKey, connectionId, { name: 'orders', variant: 'eu' }, 'full_refresh');
                await nango.startSync(providerConfigKey, ['orders', { name: 'orders', variant: 'eu' }], connectionId);
            }
        } finally {
            await nango.releaseLock({ key });
        }
        return { total, skipped: false };
    }
});

export default action;
