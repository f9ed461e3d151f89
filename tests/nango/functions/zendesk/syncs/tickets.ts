import { createSync } from 'nango';
import { z } from 'zod';

const Ticket = z.object({
    id: z.string(),
    subject: z.string().nullable(),
    status: z.string(),
    tags: z.array(z.string()),
    updatedAt: z.string()
});

const Export = z.object({
    tickets: z.array(
        z.object({ id: z.number(), subject: z.string().nullable(), status: z.string(), tags: z.array(z.string()), updated_at: z.string() })
    ),
    after_cursor: z.string().nullable(),
    end_of_stream: z.boolean()
});

const sync = createSync({
    description: 'Tickets from the incremental export',
    version: '1.0.0',
    frequency: 'every hour',
    autoStart: true,
    syncType: 'incremental',
    scopes: ['tickets:read'],
    checkpoint: z.object({ cursor: z.string() }),
    models: { Ticket },
    exec: async (nango) => {
        let cursor = (await nango.getCheckpoint())?.cursor;
        for (;;) {
            // https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/
            const response = await nango.get({
                endpoint: '/api/v2/incremental/tickets/cursor.json',
                params: cursor ? { cursor } : { start_time: 0 },
                retries: 10,
                retryHeader: { after: 'retry-after' }
            });
            const { tickets, after_cursor: after, end_of_stream: end } = Export.parse(response.data);

            const kept = tickets.filter(({ status }) => status !== 'deleted');
            await nango.batchSave(
                kept.map((ticket) => ({
                    id: String(ticket.id),
                    subject: ticket.subject,
                    status: ticket.status,
                    tags: ticket.tags,
                    updatedAt: ticket.updated_at
                })),
                'Ticket'
            );
            await nango.batchDelete(
                tickets.filter((ticket) => !kept.includes(ticket)).map(({ id }) => ({ id: id.toString() })),
                'Ticket'
            );

            if (after) {
                cursor = after;
                await nango.saveCheckpoint({ cursor });
            }
            if (end || !after) {
                return;
            }
        }
    }
});

export default sync;
