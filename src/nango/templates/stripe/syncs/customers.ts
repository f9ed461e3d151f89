import { createSync } from 'nango';
import { z } from 'zod';

const Customer = z.object({
    id: z.string(),
    name: z.string().nullable(),
    email: z.string().nullable(),
    phone: z.string().nullable(),
    currency: z.string().nullable(),
    balance: z.number().describe('In the smallest unit of the currency; negative is a credit'),
    delinquent: z.boolean(),
    metadata: z.record(z.string(), z.string()),
    createdAt: z.string()
});

const StripeCustomer = z.object({
    id: z.string(),
    name: z.string().nullish(),
    email: z.string().nullish(),
    phone: z.string().nullish(),
    currency: z.string().nullish(),
    balance: z.number().default(0),
    delinquent: z.boolean().nullish(),
    metadata: z.record(z.string(), z.string()).default({}),
    created: z.number().int()
});

const Page = z.object({ data: z.array(StripeCustomer), has_more: z.boolean() });

const sync = createSync({
    description: 'All customers; deleted ones leave',
    version: '1.0.0',
    frequency: 'every hour',
    autoStart: true,
    syncType: 'full',
    scopes: ['read_only'],
    // A run that is cut off goes on after the page it had saved.
    checkpoint: z.object({ startingAfter: z.string() }),
    models: { Customer },

    exec: async (nango) => {
        let startingAfter = (await nango.getCheckpoint())?.startingAfter;
        await nango.trackDeletesStart('Customer');

        // The next page is named by the last id of this one, which no setting of `paginate` can say.
        for (;;) {
            const response = await nango.get({
                // https://docs.stripe.com/api/customers/list
                endpoint: '/v1/customers',
                params: { limit: 100, ...(startingAfter && { starting_after: startingAfter }) },
                retries: 10
            });
            const page = Page.parse(response.data);
            await nango.batchSave(
                page.data.map((customer) => ({
                    id: customer.id,
                    name: customer.name ?? null,
                    email: customer.email ?? null,
                    phone: customer.phone ?? null,
                    currency: customer.currency ?? null,
                    balance: customer.balance,
                    delinquent: customer.delinquent ?? false,
                    metadata: customer.metadata,
                    createdAt: new Date(customer.created * 1000).toISOString()
                })),
                'Customer'
            );

            startingAfter = page.data.at(-1)?.id;
            if (!page.has_more || !startingAfter) {
                break;
            }
            await nango.saveCheckpoint({ startingAfter });
        }

        await nango.trackDeletesEnd('Customer');
        await nango.clearCheckpoint();
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
