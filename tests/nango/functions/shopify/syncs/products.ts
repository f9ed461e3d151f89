import { createSync } from 'nango';
import { z } from 'zod';

const Variant = z.object({ sku: z.string().nullable(), price: z.string().regex(/^\d+(\.\d+)?$/) });

const Product = z.object({
    id: z.string(),
    title: z.string(),
    status: z.enum(['active', 'archived', 'draft']),
    variants: z.array(Variant)
});

const ShopifyProduct = z
    .object({ id: z.number(), title: z.string(), status: Product.shape.status, variants: z.array(Variant.passthrough()) })
    .passthrough();

const Webhook = z.union([
    z.object({ topic: z.literal('products/delete'), body: z.object({ id: z.number() }) }),
    z.object({ topic: z.enum(['products/create', 'products/update']), body: ShopifyProduct })
]);

const toProduct = ({ id, title, status, variants }: z.infer<typeof ShopifyProduct>): z.infer<typeof Product> => ({
    id: id.toFixed(0),
    title,
    status,
    variants: variants.map(({ sku, price }) => ({ sku, price }))
});

const sync = createSync({
    description: 'Products, kept up to date by webhooks between runs',
    version: '1.0.0',
    frequency: 'every day',
    autoStart: true,
    scopes: ['read_products'],
    webhookSubscriptions: ['products/create', 'products/update', 'products/delete'],
    models: { Product },
    exec: async (nango) => {
        await nango.trackDeletesStart('Product');
        for await (const page of nango.paginate({
            // https://shopify.dev/docs/api/admin-rest/latest/resources/product
            endpoint: '/admin/api/2025-01/products.json',
            params: { fields: 'id,title,status,variants' },
            paginate: {
                type: 'link',
                link_rel_in_response_header: 'next',
                response_path: 'products',
                limit_name_in_request: 'limit',
                limit: 250
            },
            retries: 3
        })) {
            await nango.batchSave(
                page.map((raw) => toProduct(ShopifyProduct.parse(raw))),
                'Product'
            );
        }
        await nango.trackDeletesEnd('Product');
    },
    onWebhook: async (nango, payload) => {
        const event = Webhook.safeParse(payload);
        if (!event.success) {
            await nango.log('an event of another kind', { level: 'info' });
            return;
        }
        if (event.data.topic === 'products/delete') {
            await nango.batchDelete([{ id: String(event.data.body.id) }], 'Product');
        } else {
            await nango.batchSave([toProduct(event.data.body)], 'Product');
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
