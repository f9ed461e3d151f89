import { createAction } from 'nango';
import { createHash, randomUUID } from 'crypto';
import { URLSearchParams } from 'url';
import { z } from 'zod';

const Input = z.object({
    lines: z.array(z.object({ price: z.string().startsWith('price_'), quantity: z.int().positive() })).min(1).max(20),
    metadata: z.record(z.string(), z.string()).optional(),
    key: z.uuid().optional()
});

const Output = z.object({ id: z.string(), url: z.url(), key: z.string() });

type Field = string | number | boolean | null | undefined | Field[] | { [name: string]: Field };

/** Nested fields in the way of a form: `a[0][b]`. */
function* flat(value: Field, name = ''): Generator<[string, string], void, void> {
    if (value === null || value === undefined) {
        return;
    }
    if (typeof value !== 'object') {
        yield [name, String(value)];
        return;
    }
    const entries = Array.isArray(value) ? value.map((item, index): [string, Field] => [String(index), item]) : Object.entries(value);
    for (const [key, item] of entries) {
        yield* flat(item, name ? `${name}[${key}]` : key);
    }
}

const action = createAction({
    description: 'Creates a payment link, at most once for a key',
    version: '1.0.0',
    input: Input,
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const key = input.key ?? randomUUID();
        const form = new URLSearchParams([...flat({ line_items: input.lines, metadata: input.metadata })]);
        const digest = createHash('sha256').update(form.toString()).digest('hex');

        // https://docs.stripe.com/api/payment-link/create
        const { data } = await nango.post<{ id: string; url: string }>({
            endpoint: '/v1/payment_links',
            headers: {
                'content-type': 'application/x-www-form-urlencoded',
                'idempotency-key': `${key}-${digest.slice(0, 8)}`
            },
            data: form.toString(),
            retries: 3
        });
        return { id: data.id, url: data.url, key };
    }
});

export default action;
