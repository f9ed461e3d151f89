import { createSync, type ProxyConfiguration } from 'nango';
import { z } from 'zod';

const Event = z.object({
    id: z.string(),
    title: z.string(),
    start: z.string(),
    end: z.string(),
    attendees: z.array(z.email())
});

const When = z.object({ date: z.iso.date(), dateTime: z.iso.datetime({ offset: true }) }).partial();

const GoogleEvent = z.object({
    id: z.string(),
    status: z.string().optional(),
    summary: z.string().optional(),
    start: When.optional(),
    end: When.optional(),
    attendees: z.array(z.object({ email: z.string() }).loose()).optional()
});

const Page = z.object({ items: z.array(GoogleEvent).default([]), nextPageToken: z.string().optional(), nextSyncToken: z.string().optional() });

/** Whether the server has forgotten the token, so that everything must be read again. */
function isGone(error: unknown): error is { response: { status: 410 } } {
    return typeof error === 'object' && error !== null && 'response' in error && (error.response as { status?: number }).status === 410;
}

const sync = createSync({
    description: 'Events of the main calendar, by sync token',
    version: '2.0.0',
    frequency: 'every 5 minutes',
    autoStart: true,
    syncType: 'incremental',
    scopes: ['https://www.googleapis.com/auth/calendar.events.readonly'],
    metadata: z.void(),
    checkpoint: z.object({ syncToken: z.string() }),
    models: { Event },
    exec: async (nango) => {
        let syncToken = (await nango.getCheckpoint())?.syncToken;
        let pageToken: string | undefined;
        do {
            const config: ProxyConfiguration = {
                // https://developers.google.com/workspace/calendar/api/v3/reference/events/list
                endpoint: '/calendar/v3/calendars/primary/events',
                params: {
                    maxResults: 250,
                    ...(syncToken ? { syncToken } : { singleEvents: 'true' }),
                    ...(pageToken ? { pageToken } : {})
                },
                retries: 3
            };
            let data: unknown;
            try {
                data = (await nango.get(config)).data;
            } catch (error) {
                if (!isGone(error) || !syncToken) {
                    throw error;
                }
                await nango.log('the token has expired, reading everything', { level: 'warn' });
                await nango.clearCheckpoint();
                syncToken = undefined;
                pageToken = undefined;
                continue;
            }

            const page = Page.parse(data);
            const gone = page.items.filter((event) => event.status === 'cancelled');
            const there = page.items.filter((event) => event.status !== 'cancelled');
            await nango.batchSave(
                there.map((event) => ({
                    id: event.id,
                    title: event.summary ?? '(untitled)',
                    start: event.start?.dateTime ?? event.start?.date ?? '',
                    end: event.end?.dateTime ?? event.end?.date ?? '',
                    attendees: event.attendees?.map(({ email }) => email) ?? []
                })),
                'Event'
            );
            await nango.batchDelete(
                gone.map(({ id }) => ({ id })),
                'Event'
            );
            pageToken = page.nextPageToken;
            if (page.nextSyncToken) {
                await nango.saveCheckpoint({ syncToken: page.nextSyncToken });
                return;
            }
        } while (true);
    }
});

export default sync;
