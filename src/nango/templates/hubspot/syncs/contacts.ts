import { createSync } from 'nango';
import { z } from 'zod';

const Contact = z.object({
    id: z.string(),
    email: z.string().nullable(),
    firstName: z.string().nullable(),
    lastName: z.string().nullable(),
    phone: z.string().nullable(),
    company: z.string().nullable(),
    stage: z.string().nullable(),
    createdAt: z.string(),
    updatedAt: z.string()
});

const Value = z.string().nullish();

const HubspotContact = z.object({
    id: z.string(),
    properties: z.object({ email: Value, firstname: Value, lastname: Value, phone: Value, company: Value, lifecyclestage: Value }),
    createdAt: z.string(),
    updatedAt: z.string()
});

const properties = Object.keys(HubspotContact.shape.properties.shape).join(',');

const sync = createSync({
    description: 'All contacts; archived ones leave',
    version: '1.0.0',
    frequency: 'every hour',
    autoStart: true,
    syncType: 'full',
    scopes: ['crm.objects.contacts.read'],
    // A run that is cut off goes on after the page it had saved.
    checkpoint: z.object({ after: z.string() }),
    models: { Contact },

    exec: async (nango) => {
        const checkpoint = await nango.getCheckpoint();
        await nango.trackDeletesStart('Contact');

        for await (const page of nango.paginate<unknown>({
            // https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/basic/get-crm-v3-objects-contacts
            endpoint: '/crm/v3/objects/contacts',
            params: { properties, archived: 'false', ...(checkpoint && { after: checkpoint.after }) },
            paginate: {
                type: 'cursor',
                cursor_name_in_request: 'after',
                cursor_path_in_response: 'paging.next.after',
                response_path: 'results',
                limit_name_in_request: 'limit',
                limit: 100,
                on_page: async ({ nextPageParam }) => {
                    if (nextPageParam !== undefined) {
                        await nango.saveCheckpoint({ after: String(nextPageParam) });
                    }
                }
            },
            retries: 10
        })) {
            await nango.batchSave(
                page.map((raw) => {
                    const { id, properties: known, createdAt, updatedAt } = HubspotContact.parse(raw);
                    return {
                        id,
                        email: known.email || null,
                        firstName: known.firstname || null,
                        lastName: known.lastname || null,
                        phone: known.phone || null,
                        company: known.company || null,
                        stage: known.lifecyclestage || null,
                        createdAt,
                        updatedAt
                    };
                }),
                'Contact'
            );
        }

        await nango.trackDeletesEnd('Contact');
        await nango.clearCheckpoint();
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
