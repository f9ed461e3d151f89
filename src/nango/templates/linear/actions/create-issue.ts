import { createAction } from 'nango';
import { z } from 'zod';

const Input = z.object({
    teamId: z.string().min(1),
    title: z.string().min(1),
    description: z.string().optional().describe('Markdown'),
    assigneeId: z.string().optional(),
    labelIds: z.array(z.string()).optional(),
    priority: z.number().int().min(0).max(4).optional().describe('0 is none, 1 urgent, 4 low'),
    dueDate: z.iso.date().optional()
});

const Output = z.object({ id: z.string(), identifier: z.string(), url: z.string() });

const Answer = z.object({
    data: z.object({ issueCreate: z.object({ success: z.boolean(), issue: Output.nullish() }) }).nullish(),
    errors: z.array(z.object({ message: z.string() })).optional()
});

const mutation = `mutation CreateIssue($input: IssueCreateInput!) {
  issueCreate(input: $input) { success issue { id identifier url } }
}`;

const action = createAction({
    description: 'Creates an issue in a team',
    version: '1.0.0',
    scopes: ['issues:create'],
    input: Input,
    output: Output,

    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const { data } = await nango.zodValidateInput({ zodSchema: Input, input });
        const response = await nango.post({
            // https://linear.app/developers/graphql#creating-and-editing-issues
            endpoint: '/graphql',
            data: { query: mutation, variables: { input: data } },
            // Another attempt could create a second issue.
            retries: 0
        });

        const answer = Answer.parse(response.data);
        const issue = answer.data?.issueCreate.issue;
        if (!answer.data?.issueCreate.success || !issue) {
            throw new nango.ActionError({ type: 'not_created', messages: answer.errors?.map(({ message }) => message) ?? [] });
        }
        return issue;
    }
});

export type NangoActionLocal = Parameters<(typeof action)['exec']>[0];
export default action;
