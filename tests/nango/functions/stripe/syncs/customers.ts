import { createSync } from 'nango';
import { z } from 'zod';

const Customer = z.object({
    id: z.string().min(1),
    name: z.string().nullable(),
    email: z.string().nullable(),
    balance: z.number().int(),
    createdAt: z.string()
});

const Page = z.object({
    data: z.array(
        z
            .object({
                id: z.string(),
                name: z.string().nullish(),
                email: z.string().nullish(),
                balance: z.number().optional(),
                created: z.number().int(),
                deleted: z.literal(true).optional()
            })
            .loose()
    ),
    has_more: z.boolean()
});

const sync = createSync({
    description: 'Customers, with a checkpoint after each page so that a long run can be resumed',
    version: '1.0.0',
    frequency: 'every day',
    autoStart: true,
    checkpoint: z.object({ startingAfter: z.string() }),
    models: { Customer },
    exec: async (nango) => {
        const checkpoint = await nango.getCheckpoint();
        await nango.trackDeletesStart('Customer');

        let startingAfter = checkpoint?.startingAfter;
        let more: boolean;
        do {
            // https://docs.stripe.com/api/customers/list
            const response = await nango.get({
                endpoint: '/v1/customers',
                params: { limit: '2', ...(startingAfter && { starting_after: startingAfter }) },
                headers: { 'Stripe-Version': '2025-03-31.basil' },
                retries: 10
            });
            const page = Page.parse(response.data);
            await nango.batchSave(
                page.data
                    .filter((customer) => !customer.deleted)
                    .map((customer) => ({
                        id: customer.id,
                        name: customer.name ?? null,
                        email: customer.email ?? null,
                        balance: customer.balance ?? 0,
                        createdAt: new Date(customer.created * 1000).toISOString()
                    })),
                'Customer'
            );
            startingAfter = page.data.at(-1)?.id;
            more = page.has_more && startingAfter !== undefined;
            if (more) {
                await nango.saveCheckpoint({ startingAfter: startingAfter! });
            }
        } while (more);

        await nango.trackDeletesEnd('Customer');
        await nango.clearCheckpoint();
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
