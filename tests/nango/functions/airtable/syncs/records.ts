import { createSync } from 'nango';
import { z } from 'zod';

const Metadata = z.object({
    baseId: z.string().length(17),
    tables: z.array(z.string()).min(1),
    view: z.string().optional()
});

const Row = z
    .object({ id: z.string(), table: z.string(), createdAt: z.string() })
    .catchall(z.unknown());

const AirtableRecord = z.object({ id: z.string(), createdTime: z.string(), fields: z.record(z.string(), z.any()) });

const sync = createSync({
    description: 'Rows of the tables that the metadata names',
    version: '1.4.0',
    frequency: 'every hour',
    autoStart: false,
    scopes: ['data.records:read'],
    metadata: Metadata,
    models: { Row },
    exec: async (nango) => {
        const metadata = Metadata.safeParse(await nango.getMetadata());
        if (!metadata.success) {
            throw new nango.ActionError({ type: 'bad_metadata', at: metadata.error.issues.map((issue) => issue.path.join('.')) });
        }
        const { baseId, tables, view } = metadata.data;

        for (const table of tables) {
            for await (const page of nango.paginate<unknown>({
                // https://airtable.com/developers/web/api/list-records
                endpoint: `/v0/${baseId}/${encodeURIComponent(table)}`,
                ...(view ? { params: { view } } : {}),
                paginate: {
                    type: 'cursor',
                    cursor_name_in_request: 'offset',
                    cursor_path_in_response: 'offset',
                    response_path: 'records',
                    limit_name_in_request: 'pageSize',
                    limit: 100
                },
                retries: 3
            })) {
                const rows = page
                    .map((raw) => AirtableRecord.parse(raw))
                    .map(({ id, createdTime, fields }) => ({ ...fields, id, table, createdAt: createdTime }));
                await nango.batchSave(rows, 'Row');
            }
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
