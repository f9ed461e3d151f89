import { createAction } from 'nango';
import { z } from 'zod';

const Input = z.object({
    owner: z.string().trim().min(1),
    repo: z.string().trim().min(1),
    title: z.string().min(1).max(256),
    body: z.string().optional(),
    assignees: z.array(z.string()).max(10).default([])
});

const Output = z.object({
    number: z.number().int(),
    url: z.string().url()
});

const Created = z.object({ number: z.number(), html_url: z.string() });

const action = createAction({
    description: 'Opens an issue',
    version: '1.0.0',
    endpoint: { method: 'POST', path: '/issues', group: 'Issues' },
    scopes: ['repo'],
    input: Input,
    output: Output,

    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const { data } = await nango.zodValidateInput({ zodSchema: Input, input });

        const response = await nango.post({
            // https://docs.github.com/en/rest/issues/issues#create-an-issue
            endpoint: `/repos/${data.owner}/${data.repo}/issues`,
            data: { title: data.title, assignees: data.assignees, ...(data.body && { body: data.body }) },
            retries: 3
        });

        const created = Created.safeParse(response.data);
        if (!created.success) {
            throw new nango.ActionError({
                type: 'unexpected_answer',
                issues: created.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
            });
        }
        return { number: created.data.number, url: created.data.html_url };
    }
});

export type NangoActionLocal = Parameters<(typeof action)['exec']>[0];
export default action;
