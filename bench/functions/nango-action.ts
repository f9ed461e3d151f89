import { createAction, type ProxyConfiguration } from 'nango';
import { z } from 'zod';

const Input = z.object({
    customerId: z.string().min(1).describe('Id of the customer'),
    from: z.iso.date(),
    to: z.iso.date(),
    currency: z.string().length(3).default('EUR'),
    limit: z.number().int().positive().max(1000).default(500)
});

const Line = z.object({
    sku: z.string(),
    quantity: z.number().int().nonnegative(),
    unitPrice: z.number().nonnegative()
});

const Order = z.object({
    id: z.union([z.string(), z.number()]),
    status: z.string(),
    currency: z.string(),
    lines: z.array(Line).default([])
});

const Product = z.object({ sku: z.string(), quantity: z.number(), revenue: z.number() });

const Output = z.object({
    customerId: z.string(),
    orders: z.number().int(),
    skipped: z.array(z.object({ id: z.string(), reason: z.string() })),
    revenue: z.number(),
    byStatus: z.record(z.string(), z.number()),
    products: z.array(Product)
});

type Report = z.infer<typeof Output>;

const cents = (amount: number): number => Math.round(amount * 100) / 100;

function isHttpError(error: unknown): error is { response: { status: number; data?: { message?: string } } } {
    return typeof error === 'object' && error !== null && 'response' in error && error.response !== undefined;
}

/** Adds one order to the report. */
function add(report: Report, products: Map<string, z.infer<typeof Product>>, order: z.infer<typeof Order>): void {
    let total = 0;
    for (const { sku, quantity, unitPrice } of order.lines) {
        const before = products.get(sku) ?? { sku, quantity: 0, revenue: 0 };
        const amount = quantity * unitPrice;
        products.set(sku, { sku, quantity: before.quantity + quantity, revenue: cents(before.revenue + amount) });
        total += amount;
    }
    report.orders += 1;
    report.revenue = cents(report.revenue + total);
    report.byStatus[order.status] = (report.byStatus[order.status] ?? 0) + 1;
}

const action = createAction({
    description: 'What a customer bought in a period, by product',
    version: '1.0.0',
    scopes: ['orders:read'],
    input: Input,
    output: Output,

    exec: async (nango, input): Promise<Report> => {
        const parsed = Input.safeParse(input);
        if (!parsed.success) {
            throw new nango.ActionError({
                type: 'invalid_input',
                issues: parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
            });
        }
        const { customerId, from, to, currency, limit } = parsed.data;

        const config: ProxyConfiguration = {
            endpoint: `/v1/customers/${encodeURIComponent(customerId)}/orders`,
            params: { from, to },
            paginate: {
                type: 'cursor',
                cursor_name_in_request: 'cursor',
                cursor_path_in_response: 'meta.next',
                response_path: 'orders',
                limit_name_in_request: 'limit',
                limit: 100
            },
            retries: 3
        };

        const products = new Map<string, z.infer<typeof Product>>();
        const report: Report = { customerId, orders: 0, skipped: [], revenue: 0, byStatus: {}, products: [] };
        try {
            pages: for await (const page of nango.paginate<unknown>(config)) {
                for (const raw of page) {
                    if (report.orders >= limit) {
                        break pages;
                    }
                    const order = Order.parse(raw);
                    if (order.currency !== currency) {
                        report.skipped.push({ id: String(order.id), reason: `currency ${order.currency}` });
                        continue;
                    }
                    add(report, products, order);
                }
            }
        } catch (error) {
            if (isHttpError(error) && error.response.status === 404) {
                throw new nango.ActionError({ type: 'unknown_customer', customerId });
            }
            throw error;
        }

        report.products = [...products.values()].sort((left, right) => right.revenue - left.revenue || left.sku.localeCompare(right.sku));
        return report;
    }
});

export default action;
