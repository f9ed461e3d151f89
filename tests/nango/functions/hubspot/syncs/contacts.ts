import { createSync, ProxyConfiguration } from 'nango';
import { z } from 'zod';

const Contact = z.object({
    id: z.string(),
    email: z.string().email().nullable(),
    name: z.string(),
    changedAt: z.string()
});

const Hit = z.looseObject({
    id: z.string(),
    properties: z.record(z.string(), z.string().nullable()),
    updatedAt: z.string()
});

const sync = createSync({
    description: 'Contacts that changed since the last run',
    version: '3.0.0',
    frequency: 'every 10 minutes',
    autoStart: true,
    syncType: 'incremental',
    scopes: ['crm.objects.contacts.read'],
    checkpoint: z.object({ changedAt: z.string(), complete: z.boolean() }),
    models: { Contact },
    exec: async (nango) => {
        const checkpoint = await nango.getCheckpoint();
        const from = checkpoint?.changedAt ?? nango.lastSyncDate?.toISOString() ?? '1970-01-01T00:00:00.000Z';
        const properties = ['email', 'firstname', 'lastname'] as const;
        let pages = 0;

        const config: ProxyConfiguration = {
            // https://developers.hubspot.com/docs/api-reference/search/guide
            method: 'POST',
            endpoint: '/crm/v3/objects/contacts/search',
            data: {
                filterGroups: [{ filters: [{ propertyName: 'lastmodifieddate', operator: 'GTE', value: String(new Date(from).getTime()) }] }],
                sorts: [{ propertyName: 'lastmodifieddate', direction: 'ASCENDING' }],
                properties
            },
            paginate: {
                type: 'cursor',
                in_body: true,
                cursor_name_in_request: 'after',
                cursor_path_in_response: 'paging.next.after',
                response_path: 'results',
                limit_name_in_request: 'limit',
                limit: 100,
                on_page: async ({ nextPageParam }) => {
                    pages++;
                    await nango.log(`contacts: page ${pages}, next ${nextPageParam ?? 'none'}`);
                }
            },
            retries: 3
        };

        let changedAt = from;
        for await (const page of nango.paginate(config)) {
            const records = [];
            for (const raw of page) {
                const parsed = Hit.safeParse(raw);
                if (!parsed.success) {
                    await nango.log('not a contact', { raw, level: 'warn' });
                    continue;
                }
                const { id, properties: found, updatedAt } = parsed.data;
                const name = [found['firstname'], found['lastname']].filter((part) => part).join(' ');
                records.push({ id, email: found['email'] ?? null, name, changedAt: updatedAt });
                changedAt = updatedAt > changedAt ? updatedAt : changedAt;
            }
            await nango.batchSave(records, 'Contact');
            await nango.saveCheckpoint({ changedAt, complete: false });
        }
        await nango.saveCheckpoint({ changedAt, complete: true });
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
