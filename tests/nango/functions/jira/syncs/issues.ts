import { createSync, type NangoAction } from 'nango';
import { z } from 'zod';

const Metadata = z.object({ cloudId: z.string().optional(), projects: z.array(z.string()).optional() });

const Issue = z.object({
    id: z.string(),
    key: z.string(),
    summary: z.string(),
    status: z.string(),
    assignee: z.string().nullable(),
    updatedAt: z.coerce.date().transform((date) => date.toISOString())
});

const Fields = z.object({
    summary: z.string().catch('(no summary)'),
    status: z.object({ name: z.string() }),
    assignee: z.object({ accountId: z.string() }).nullable(),
    updated: z.string()
});

const SearchPage = z.object({
    issues: z.array(z.object({ id: z.string(), key: z.string(), fields: Fields })),
    nextPageToken: z.string().optional(),
    isLast: z.boolean().optional()
});

/** Id of the site, from the connection or from the sites that the token reaches. */
async function findCloudId(nango: Pick<NangoAction, 'get' | 'getConnection'>): Promise<string> {
    const connection = await nango.getConnection();
    const configured: unknown = connection.connection_config['cloudId'];
    if (typeof configured === 'string' && configured) {
        return configured;
    }
    // https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/
    const sites = await nango.get<{ id: string; url: string }[]>({ endpoint: '/oauth/token/accessible-resources', retries: 10 });
    const [site] = sites.data;
    if (!site) {
        throw new Error('The token reaches no site');
    }
    return site.id;
}

const sync = createSync({
    description: 'Issues of all or of some projects',
    version: '2.1.0',
    frequency: 'every 15 minutes',
    autoStart: true,
    scopes: ['read:jira-work'],
    metadata: Metadata,
    models: { Issue },
    exec: async (nango) => {
        const { cloudId: known, projects } = (await nango.getMetadata()) ?? {};
        const cloudId = known ?? (await findCloudId(nango));
        if (!known) {
            await nango.updateMetadata({ cloudId });
        }

        await nango.trackDeletesStart('Issue');
        const jql = projects?.length ? `project in (${projects.map((key) => `"${key}"`).join(', ')}) order by updated` : 'order by updated';
        let token: string | undefined;
        while (true) {
            // https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-search/
            const response = await nango.get({
                endpoint: `/ex/jira/${cloudId}/rest/api/3/search/jql`,
                params: { jql, fields: 'summary,status,assignee,updated', maxResults: 50, ...(token ? { nextPageToken: token } : {}) },
                retries: 10
            });
            const page = SearchPage.parse(response.data);
            await nango.batchSave(
                page.issues.map(({ id, key, fields: { summary, status, assignee, updated } }) => ({
                    id,
                    key,
                    summary,
                    status: status.name,
                    assignee: assignee?.accountId ?? null,
                    updatedAt: new Date(updated).toISOString()
                })),
                'Issue'
            );
            token = page.nextPageToken;
            if (!token || page.isLast) {
                break;
            }
        }
        await nango.trackDeletesEnd('Issue');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
