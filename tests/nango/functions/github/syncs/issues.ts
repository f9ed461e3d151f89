import { createSync, type ProxyConfiguration } from 'nango';
import { z } from 'zod';

const Metadata = z.object({
    owner: z.string(),
    repo: z.string(),
    labels: z.array(z.string()).optional()
});

const Issue = z.object({
    id: z.string().describe('Number of the issue in its repository'),
    title: z.string(),
    author: z.string().nullable(),
    open: z.boolean(),
    labels: z.array(z.string()),
    updatedAt: z.string().datetime()
});

const Checkpoint = z.object({ since: z.string() });

const GithubIssue = z.object({
    number: z.number().int().positive(),
    title: z.string(),
    state: z.enum(['open', 'closed']),
    user: z.object({ login: z.string() }).nullable(),
    labels: z.array(z.union([z.string(), z.object({ name: z.string() })])),
    pull_request: z.unknown().optional(),
    updated_at: z.string()
});

const sync = createSync({
    description: 'Issues of one repository, newest changes last',
    version: '1.2.0',
    frequency: 'every 5 minutes',
    autoStart: false,
    syncType: 'incremental',
    scopes: ['repo'],
    metadata: Metadata,
    checkpoint: Checkpoint,
    models: { Issue },

    exec: async (nango) => {
        const { owner, repo, labels } = await nango.getMetadata();
        const checkpoint = await nango.getCheckpoint();

        const config: ProxyConfiguration = {
            // https://docs.github.com/en/rest/issues/issues#list-repository-issues
            endpoint: `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(repo)}/issues`,
            params: {
                state: 'all',
                sort: 'updated',
                direction: 'asc',
                ...(checkpoint && { since: checkpoint.since }),
                ...(labels && labels.length > 0 ? { labels: labels.join(',') } : {})
            },
            headers: { accept: 'application/vnd.github+json' },
            paginate: {
                type: 'link',
                link_rel_in_response_header: 'next',
                limit_name_in_request: 'per_page',
                limit: 2
            },
            retries: 3
        };

        for await (const page of nango.paginate<unknown>(config)) {
            const issues = z.array(GithubIssue).parse(page);
            // The list has pull requests as well.
            const records = issues
                .filter((issue) => issue.pull_request === undefined)
                .map((issue) => ({
                    id: String(issue.number),
                    title: issue.title,
                    author: issue.user?.login ?? null,
                    open: issue.state === 'open',
                    labels: issue.labels.map((label) => (typeof label === 'string' ? label : label.name)),
                    updatedAt: issue.updated_at
                }));
            await nango.batchSave(records, 'Issue');

            const last = issues.at(-1);
            if (last) {
                await nango.saveCheckpoint({ since: last.updated_at });
            }
        }
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
