import { createSync, type ProxyConfiguration } from 'nango';
import { z } from 'zod';

const Issue = z.object({
    id: z.string(),
    number: z.number(),
    repository: z.string().describe('owner/name'),
    title: z.string(),
    body: z.string().nullable(),
    state: z.enum(['open', 'closed']),
    author: z.string().nullable(),
    assignees: z.array(z.string()),
    labels: z.array(z.string()),
    url: z.string(),
    createdAt: z.string(),
    updatedAt: z.string(),
    closedAt: z.string().nullable()
});

const GithubIssue = z.object({
    id: z.number(),
    number: z.number(),
    title: z.string(),
    body: z.string().nullish(),
    state: z.enum(['open', 'closed']),
    user: z.object({ login: z.string() }).nullable(),
    assignees: z.array(z.object({ login: z.string() })).nullish(),
    labels: z.array(z.union([z.string(), z.object({ name: z.string().nullish() })])),
    html_url: z.string(),
    repository: z.object({ full_name: z.string() }),
    pull_request: z.unknown().optional(),
    created_at: z.string(),
    updated_at: z.string(),
    closed_at: z.string().nullable()
});

const sync = createSync({
    description: 'Issues of all repositories that the connected account can see, by last change',
    version: '1.0.0',
    frequency: 'every hour',
    autoStart: true,
    syncType: 'incremental',
    scopes: ['repo'],
    checkpoint: z.object({ since: z.string() }),
    models: { Issue },

    exec: async (nango) => {
        const checkpoint = await nango.getCheckpoint();
        const config: ProxyConfiguration = {
            // https://docs.github.com/en/rest/issues/issues#list-issues-assigned-to-the-authenticated-user
            endpoint: '/issues',
            params: {
                filter: 'all',
                state: 'all',
                sort: 'updated',
                direction: 'asc',
                ...(checkpoint && { since: checkpoint.since })
            },
            headers: { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' },
            paginate: { type: 'link', link_rel_in_response_header: 'next', limit_name_in_request: 'per_page', limit: 100 },
            retries: 10
        };

        for await (const page of nango.paginate<unknown>(config)) {
            const issues = page.map((raw) => GithubIssue.parse(raw));
            await nango.batchSave(
                // A pull request is an issue as well for this API.
                issues.filter((issue) => issue.pull_request === undefined).map(toIssue),
                'Issue'
            );
            const last = issues.at(-1);
            if (last) {
                await nango.saveCheckpoint({ since: last.updated_at });
            }
        }
    }
});

function toIssue(issue: z.infer<typeof GithubIssue>): z.infer<typeof Issue> {
    return {
        id: String(issue.id),
        number: issue.number,
        repository: issue.repository.full_name,
        title: issue.title,
        body: issue.body ?? null,
        state: issue.state,
        author: issue.user?.login ?? null,
        assignees: issue.assignees?.map(({ login }) => login) ?? [],
        labels: issue.labels.flatMap((label) => (typeof label === 'string' ? [label] : label.name ? [label.name] : [])),
        url: issue.html_url,
        createdAt: issue.created_at,
        updatedAt: issue.updated_at,
        closedAt: issue.closed_at
    };
}

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
