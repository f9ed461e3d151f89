import { createSync } from 'nango';
import { z } from 'zod';

const Metadata = z.object({ calendarId: z.string().optional().describe('The main calendar without it') });

const Event = z.object({
    id: z.string(),
    status: z.string(),
    title: z.string().nullable(),
    description: z.string().nullable(),
    location: z.string().nullable(),
    start: z.string().nullable().describe('A date for an event of whole days'),
    end: z.string().nullable(),
    organizer: z.string().nullable(),
    attendees: z.array(z.object({ email: z.string().nullable(), response: z.string().nullable() })),
    url: z.string().nullable(),
    updatedAt: z.string().nullable()
});

const When = z.object({ date: z.string().optional(), dateTime: z.string().optional() }).optional();

const Page = z.object({
    items: z
        .array(
            z.object({
                id: z.string(),
                status: z.string().default('confirmed'),
                summary: z.string().optional(),
                description: z.string().optional(),
                location: z.string().optional(),
                start: When,
                end: When,
                organizer: z.object({ email: z.string().optional() }).optional(),
                attendees: z.array(z.object({ email: z.string().optional(), responseStatus: z.string().optional() })).optional(),
                htmlLink: z.string().optional(),
                updated: z.string().optional()
            })
        )
        .default([]),
    nextPageToken: z.string().optional(),
    nextSyncToken: z.string().optional()
});

const statusOf = (error: unknown): number | undefined => (error as { response?: { status?: number } }).response?.status;

const sync = createSync({
    description: 'Events of one calendar; cancelled ones leave',
    version: '1.0.0',
    frequency: 'every 15 minutes',
    autoStart: true,
    syncType: 'incremental',
    scopes: ['https://www.googleapis.com/auth/calendar.readonly'],
    metadata: Metadata,
    checkpoint: z.object({ syncToken: z.string() }),
    models: { Event },

    exec: async (nango) => {
        const { calendarId = 'primary' } = Metadata.parse((await nango.getMetadata()) ?? {});
        let syncToken = (await nango.getCheckpoint())?.syncToken;
        let pageToken: string | undefined;

        for (;;) {
            let page: z.infer<typeof Page>;
            try {
                const response = await nango.get({
                    // https://developers.google.com/workspace/calendar/api/v3/reference/events/list
                    endpoint: `/calendar/v3/calendars/${encodeURIComponent(calendarId)}/events`,
                    params: { maxResults: 2500, ...(syncToken && { syncToken }), ...(pageToken && { pageToken }) },
                    retries: 10
                });
                page = Page.parse(response.data);
            } catch (error) {
                if (statusOf(error) !== 410 || !syncToken) {
                    throw error;
                }
                // The token is too old: read everything again.
                await nango.clearCheckpoint();
                syncToken = undefined;
                pageToken = undefined;
                continue;
            }

            await nango.batchSave(
                page.items
                    .filter(({ status }) => status !== 'cancelled')
                    .map((event) => ({
                        id: event.id,
                        status: event.status,
                        title: event.summary ?? null,
                        description: event.description ?? null,
                        location: event.location ?? null,
                        start: event.start?.dateTime ?? event.start?.date ?? null,
                        end: event.end?.dateTime ?? event.end?.date ?? null,
                        organizer: event.organizer?.email ?? null,
                        attendees: (event.attendees ?? []).map(({ email, responseStatus }) => ({ email: email ?? null, response: responseStatus ?? null })),
                        url: event.htmlLink ?? null,
                        updatedAt: event.updated ?? null
                    })),
                'Event'
            );
            await nango.batchDelete(
                page.items.filter(({ status }) => status === 'cancelled').map(({ id }) => ({ id })),
                'Event'
            );

            pageToken = page.nextPageToken;
            if (!pageToken) {
                if (page.nextSyncToken) {
                    await nango.saveCheckpoint({ syncToken: page.nextSyncToken });
                }
                return;
            }
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
