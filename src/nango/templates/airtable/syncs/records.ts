import { createSync } from 'nango';
import { z } from 'zod';

const Metadata = z.object({
    baseId: z.string().regex(/^app\w+$/).describe('Id of the base'),
    tables: z.array(z.string()).min(1).describe('Names or ids of tables')
});

const Record = z.object({
    id: z.string(),
    table: z.string(),
    fields: z.record(z.string(), z.unknown()),
    createdAt: z.string()
});

const AirtableRecord = z.object({
    id: z.string(),
    createdTime: z.string(),
    fields: z.record(z.string(), z.unknown())
});

const sync = createSync({
    description: 'Rows of the tables that the metadata of the connection names',
    version: '1.0.0',
    frequency: 'every hour',
    // Nothing can be read before somebody has named the tables.
    autoStart: false,
    syncType: 'full',
    scopes: ['data.records:read'],
    metadata: Metadata,
    models: { Record },

    exec: async (nango) => {
        const metadata = Metadata.safeParse(await nango.getMetadata());
        if (!metadata.success) {
            throw new nango.ActionError({ type: 'metadata_needed', message: z.prettifyError(metadata.error) });
        }
        const { baseId, tables } = metadata.data;

        await nango.trackDeletesStart('Record');
        for (const table of tables) {
            for await (const page of nango.paginate<unknown>({
                // https://airtable.com/developers/web/api/list-records
                endpoint: `/v0/${baseId}/${encodeURIComponent(table)}`,
                paginate: {
                    type: 'cursor',
                    cursor_name_in_request: 'offset',
                    cursor_path_in_response: 'offset',
                    response_path: 'records',
                    limit_name_in_request: 'pageSize',
                    limit: 100
                },
                retries: 10
            })) {
                await nango.batchSave(
                    page.map((raw) => {
                        const { id, fields, createdTime: createdAt } = AirtableRecord.parse(raw);
                        return { id, table, fields, createdAt };
                    }),
                    'Record'
                );
            }
        }
        await nango.trackDeletesEnd('Record');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
