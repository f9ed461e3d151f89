import { createSync, type ProxyConfiguration } from 'nango';
import { z } from 'zod';

const Metadata = z.object({
    projects: z.array(z.string().regex(/^[A-Z][A-Z0-9_]+$/)).optional().describe('Keys of projects; all without it')
});

const Issue = z.object({
    id: z.string(),
    key: z.string(),
    summary: z.string(),
    type: z.string(),
    status: z.string(),
    assignee: z.string().nullable(),
    reporter: z.string().nullable(),
    createdAt: z.string(),
    updatedAt: z.string()
});

const Person = z.object({ displayName: z.string() }).nullish();

const Page = z.object({
    issues: z.array(
        z.object({
            id: z.string(),
            key: z.string(),
            fields: z.object({
                summary: z.string().nullish(),
                issuetype: z.object({ name: z.string() }),
                status: z.object({ name: z.string() }),
                assignee: Person,
                reporter: Person,
                created: z.string(),
                updated: z.string()
            })
        })
    ),
    nextPageToken: z.string().optional()
});

const Sites = z.array(z.object({ id: z.string(), url: z.string() }));

const sync = createSync({
    description: 'Issues of a Jira Cloud site, all or those of some projects',
    version: '1.0.0',
    frequency: 'every hour',
    autoStart: true,
    syncType: 'incremental',
    scopes: ['read:jira-work', 'offline_access'],
    metadata: Metadata,
    checkpoint: z.object({ updatedAt: z.string() }),
    models: { Issue },

    exec: async (nango) => {
        const { projects } = Metadata.parse((await nango.getMetadata()) ?? {});
        const checkpoint = await nango.getCheckpoint();

        const connection = await nango.getConnection();
        let cloudId: unknown = connection.connection_config['cloudId'];
        if (typeof cloudId !== 'string') {
            // https://developer.atlassian.com/cloud/confluence/oauth-2-3lo-apps/#3-1-get-the-cloudid-for-your-site
            const response = await nango.get({ endpoint: '/oauth/token/accessible-resources', retries: 10 });
            cloudId = Sites.parse(response.data)[0]?.id;
        }
        if (typeof cloudId !== 'string') {
            throw new nango.ActionError({ type: 'no_site', message: 'The connected account reaches no site' });
        }

        const conditions = [
            ...(projects?.length ? [`project in (${projects.join(', ')})`] : []),
            // The search knows minutes only, so the last minute is read again.
            ...(checkpoint ? [`updated >= "${checkpoint.updatedAt.slice(0, 16).replace('T', ' ')}"`] : ['updated is not EMPTY'])
        ];

        let token: string | undefined;
        do {
            const config: ProxyConfiguration = {
                // https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-search/#api-rest-api-3-search-jql-get
                endpoint: `/ex/jira/${cloudId}/rest/api/3/search/jql`,
                params: {
                    jql: `${conditions.join(' AND ')} ORDER BY updated ASC`,
                    fields: 'summary,issuetype,status,assignee,reporter,created,updated',
                    maxResults: 100,
                    ...(token && { nextPageToken: token })
                },
                retries: 10
            };
            const page = Page.parse((await nango.get(config)).data);
            await nango.batchSave(
                page.issues.map(({ id, key, fields }) => ({
                    id,
                    key,
                    summary: fields.summary ?? '',
                    type: fields.issuetype.name,
                    status: fields.status.name,
                    assignee: fields.assignee?.displayName ?? null,
                    reporter: fields.reporter?.displayName ?? null,
                    createdAt: fields.created,
                    updatedAt: fields.updated
                })),
                'Issue'
            );
            const last = page.issues.at(-1);
            if (last) {
                await nango.saveCheckpoint({ updatedAt: last.fields.updated });
            }
            token = page.nextPageToken;
        } while (token);
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
