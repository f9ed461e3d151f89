import { createAction, type ProxyConfiguration } from 'nango';
import { z } from 'zod';

const Input = z.object({
    owner: z.string().min(1).describe('User or organisation'),
    repo: z.string().min(1).describe('Name of the repository, without its owner'),
    title: z.string().min(1),
    body: z.string().optional().describe('Markdown'),
    labels: z.array(z.string()).optional(),
    assignees: z.array(z.string()).optional().describe('Logins'),
    milestone: z.number().int().positive().optional().describe('Number of the milestone')
});

const Output = z.object({
    id: z.string(),
    number: z.number(),
    url: z.string(),
    state: z.string()
});

const Created = z.object({ id: z.number(), number: z.number(), html_url: z.string(), state: z.string() });

const action = createAction({
    description: 'Opens an issue in a repository',
    version: '1.0.0',
    scopes: ['repo'],
    input: Input,
    output: Output,

    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const { owner, repo, ...issue } = (await nango.zodValidateInput({ zodSchema: Input, input })).data;

        const config: ProxyConfiguration = {
            // https://docs.github.com/en/rest/issues/issues#create-an-issue
            endpoint: `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(repo)}/issues`,
            data: issue,
            headers: { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' },
            // Another attempt could open a second issue.
            retries: 0
        };
        const response = await nango.post(config);

        const created = Created.parse(response.data);
        return { id: String(created.id), number: created.number, url: created.html_url, state: created.state };
    }
});

export type NangoActionLocal = Parameters<(typeof action)['exec']>[0];
export default action;
