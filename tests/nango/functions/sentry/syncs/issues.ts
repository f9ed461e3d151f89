import { createSync, type ProxyConfiguration } from 'nango';
import { z } from 'zod';

const Metadata = z.object({ organization: z.string(), projects: z.array(z.number()).optional() });

const Issue = z.object({ id: z.string(), title: z.string(), level: z.string(), events: z.number().int(), lastSeen: z.string() });

type Link = { url: string; rel: string; results: boolean; cursor: string };

/** Links of a header; this API marks the last page with `results="false"`. */
function* links(header: string): Generator<Link, void, void> {
    for (const match of header.matchAll(/<([^>]+)>;\s*rel="(\w+)";\s*results="(true|false)";\s*cursor="([^"]+)"/g)) {
        const [, url, rel, results, cursor] = match;
        if (url && rel && cursor) {
            yield { url, rel, results: results === 'true', cursor };
        }
    }
}

const sync = createSync({
    description: 'Unresolved issues',
    version: '1.0.0',
    frequency: 'every 30 minutes',
    autoStart: true,
    scopes: ['event:read'],
    metadata: Metadata,
    models: { Issue },
    exec: async (nango) => {
        const { organization, projects } = await nango.getMetadata();
        await nango.trackDeletesStart('Issue');
        let cursor: string | undefined;
        while (cursor !== '') {
            const config: ProxyConfiguration = {
                // https://docs.sentry.io/api/events/list-an-organizations-issues/
                endpoint: `/api/0/organizations/${organization}/issues/`,
                params: { query: 'is:unresolved', ...(projects ? { project: projects.join() } : {}), ...(cursor && { cursor }) },
                retries: 3
            };
            const response = await nango.get<{ id: string; title: string; level: string; count: string; lastSeen: string }[]>(config);
            await nango.batchSave(
                response.data.map(({ count, id, title, level, lastSeen }) => ({ id, title, level, lastSeen, events: parseInt(count, 10) })),
                'Issue'
            );
            const header: unknown = response.headers['link'];
            const next = [...links(typeof header === 'string' ? header : '')].find(({ rel }) => rel === 'next');
            cursor = next?.results ? next.cursor : '';
        }
        await nango.trackDeletesEnd('Issue');
    }
});

export default sync;
