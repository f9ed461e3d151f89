import { createSync } from 'nango';
import { z } from 'zod';

const Ticket = z.object({
    id: z.string(),
    subject: z.string().nullable(),
    description: z.string().nullable(),
    status: z.string(),
    priority: z.string().nullable(),
    requesterId: z.string().nullable(),
    assigneeId: z.string().nullable(),
    organizationId: z.string().nullable(),
    tags: z.array(z.string()),
    createdAt: z.string(),
    updatedAt: z.string()
});

const Id = z.number().nullish();

const Export = z.object({
    tickets: z.array(
        z.object({
            id: z.number(),
            subject: z.string().nullish(),
            description: z.string().nullish(),
            status: z.string(),
            priority: z.string().nullish(),
            requester_id: Id,
            assignee_id: Id,
            organization_id: Id,
            tags: z.array(z.string()).default([]),
            created_at: z.string(),
            updated_at: z.string()
        })
    ),
    after_cursor: z.string().nullable(),
    end_of_stream: z.boolean()
});

const text = (id: number | null | undefined) => (id ? String(id) : null);

const sync = createSync({
    description: 'Tickets that changed, from the incremental export; deleted ones leave',
    version: '1.0.0',
    frequency: 'every 15 minutes',
    autoStart: true,
    syncType: 'incremental',
    scopes: ['tickets:read'],
    checkpoint: z.object({ cursor: z.string() }),
    models: { Ticket },

    exec: async (nango) => {
        let cursor = (await nango.getCheckpoint())?.cursor;
        let end = false;
        while (!end) {
            const response = await nango.get({
                // https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/
                endpoint: '/api/v2/incremental/tickets/cursor.json',
                params: { per_page: 1000, ...(cursor ? { cursor } : { start_time: 0 }) },
                retries: 10,
                retryHeader: { after: 'retry-after' }
            });
            const page = Export.parse(response.data);

            await nango.batchSave(
                page.tickets
                    .filter(({ status }) => status !== 'deleted')
                    .map((ticket) => ({
                        id: String(ticket.id),
                        subject: ticket.subject ?? null,
                        description: ticket.description ?? null,
                        status: ticket.status,
                        priority: ticket.priority ?? null,
                        requesterId: text(ticket.requester_id),
                        assigneeId: text(ticket.assignee_id),
                        organizationId: text(ticket.organization_id),
                        tags: ticket.tags,
                        createdAt: ticket.created_at,
                        updatedAt: ticket.updated_at
                    })),
                'Ticket'
            );
            await nango.batchDelete(
                page.tickets.filter(({ status }) => status === 'deleted').map(({ id }) => ({ id: String(id) })),
                'Ticket'
            );

            if (page.after_cursor) {
                cursor = page.after_cursor;
                await nango.saveCheckpoint({ cursor });
            }
            end = page.end_of_stream || !page.after_cursor;
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
