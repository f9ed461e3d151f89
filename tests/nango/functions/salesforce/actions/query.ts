import { createAction, type NangoAction, type ProxyConfiguration } from 'nango';
import { z } from 'zod';

const Input = z.object({
    object: z.string().regex(/^\w+$/),
    fields: z.array(z.string()).min(1),
    where: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
    limit: z.number().int().positive().default(2000)
});

const Row = z.looseObject({ attributes: z.looseObject({ type: z.string() }).optional() });
const Output = z.object({ rows: z.array(z.record(z.string(), z.unknown())), total: z.number().int() });

type Page = { records: unknown[]; done: boolean; totalSize: number; nextRecordsUrl?: string };

const literal = (value: string | number | boolean | null): string =>
    typeof value === 'string' ? `'${value.replace(/[\\']/g, (found) => `\\${found}`)}'` : `${value}`;

async function* pages(nango: NangoAction, first: ProxyConfiguration): AsyncGenerator<Page, number, void> {
    let count = 0;
    let config: ProxyConfiguration | undefined = first;
    while (config) {
        const { data }: { data: Page } = await nango.get<Page>(config);
        count += data.records.length;
        yield data;
        config = data.done || !data.nextRecordsUrl ? undefined : { endpoint: data.nextRecordsUrl, retries: first.retries ?? 0 };
    }
    return count;
}

const action = createAction({
    description: 'Runs a query that is made of parts',
    version: '1.0.0',
    scopes: ['api'],
    input: Input,
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const { object, fields, where, limit } = Input.parse(input);
        const conditions = Object.entries(where ?? {}).map(([name, value]) => `${name} = ${literal(value)}`);
        const soql = [`SELECT ${fields.join(', ')} FROM ${object}`, conditions.length ? `WHERE ${conditions.join(' AND ')}` : '', `LIMIT ${limit}`]
            .filter(Boolean)
            .join(' ');

        const rows: Record<string, unknown>[] = [];
        let total = 0;
        // https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_query.htm
        for await (const page of pages(nango, { endpoint: '/services/data/v60.0/query', params: { q: soql }, retries: 3 })) {
            total = page.totalSize;
            for (const raw of page.records) {
                const { attributes: _, ...row } = Row.parse(raw);
                rows.push(row);
            }
        }
        return { rows, total };
    }
});

export default action;
