import { createAction } from 'nango';
import { z } from 'zod';

const Input = z.object({
    baseId: z.string().regex(/^app\w+$/),
    table: z.string().min(1).describe('Name or id'),
    records: z.array(z.record(z.string(), z.unknown())).min(1).max(1000).describe('Fields of each row, by name'),
    typecast: z.boolean().default(false).describe('Whether Airtable may convert texts')
});

const Output = z.object({ ids: z.array(z.string()) });

const Created = z.object({ records: z.array(z.object({ id: z.string() })) });

/** What one request takes. */
const BATCH = 10;

const action = createAction({
    description: 'Inserts rows into a table',
    version: '1.0.0',
    scopes: ['data.records:write'],
    input: Input,
    output: Output,

    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const { baseId, table, records, typecast } = (await nango.zodValidateInput({ zodSchema: Input, input })).data;
        const ids: string[] = [];
        for (let start = 0; start < records.length; start += BATCH) {
            try {
                const response = await nango.post({
                    // https://airtable.com/developers/web/api/create-records
                    endpoint: `/v0/${baseId}/${encodeURIComponent(table)}`,
                    data: { records: records.slice(start, start + BATCH).map((fields) => ({ fields })), typecast },
                    // Another attempt could insert the rows twice.
                    retries: 0
                });
                ids.push(...Created.parse(response.data).records.map(({ id }) => id));
            } catch (error) {
                if (ids.length === 0) {
                    throw error;
                }
                // Whoever called must know which rows exist already.
                const response = (error as { response?: { status?: number; data?: unknown } }).response;
                throw new nango.ActionError({ type: 'partly_created', ids, status: response?.status ?? null, cause: response?.data ?? null });
            }
        }
        return { ids };
    }
});

export type NangoActionLocal = Parameters<(typeof action)['exec']>[0];
export default action;
