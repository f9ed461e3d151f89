import { createAction } from 'nango';
import { z } from 'zod';

const Line = z.object({
    sku: z.string().min(1),
    quantity: z.number().int().positive(),
    unitPrice: z.number().nonnegative()
});

const Order = z.object({
    id: z.union([z.string(), z.number()]),
    status: z.enum(['open', 'paid', 'refunded']),
    placedAt: z.iso.datetime(),
    lines: z.array(Line).min(1)
});

const Input = z.object({
    customerId: z.string().min(1),
    currency: z.string().length(3).default('EUR'),
    orders: z.array(Order).max(1000)
});

const Product = z.object({ sku: z.string(), quantity: z.number().int(), revenue: z.number() });

const Output = z.object({
    customerId: z.string(),
    currency: z.string(),
    orders: z.number().int(),
    revenue: z.number(),
    lastOrder: z.string().nullable(),
    products: z.array(Product)
});

const cents = (amount: number): number => Math.round(amount * 100) / 100;

const action = createAction({
    description: 'What the orders of a customer add up to, by product',
    version: '1.0.0',
    input: Input,
    output: Output,

    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const parsed = Input.safeParse(input);
        if (!parsed.success) {
            throw new nango.ActionError({ type: 'invalid_input', issues: parsed.error.issues.map(({ message }) => message) });
        }
        const { customerId, currency, orders } = parsed.data;
        const paid = orders.filter(({ status }) => status === 'paid');
        const products = new Map<string, z.infer<typeof Product>>();
        for (const { sku, quantity, unitPrice } of paid.flatMap(({ lines }) => lines)) {
            const before = products.get(sku) ?? { sku, quantity: 0, revenue: 0 };
            products.set(sku, { sku, quantity: before.quantity + quantity, revenue: cents(before.revenue + quantity * unitPrice) });
        }
        const sorted = [...products.values()].sort((left, right) => right.revenue - left.revenue || left.sku.localeCompare(right.sku));
        return {
            customerId,
            currency,
            orders: paid.length,
            revenue: cents(sorted.reduce((sum, { revenue }) => sum + revenue, 0)),
            lastOrder: paid.map(({ placedAt }) => placedAt).sort().at(-1) ?? null,
            products: sorted
        };
    }
});

export default action;
