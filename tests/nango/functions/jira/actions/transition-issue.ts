import { createAction } from 'nango';
import { z } from 'zod';

const Input = z.object({
    issue: z.string().regex(/^[A-Z][A-Z0-9]+-\d+$/i),
    status: z.string().trim(),
    comment: z.string().optional()
});

const Output = z.object({ changed: z.boolean(), possible: z.array(z.string()) });

type Transition = { id: string; to: { name: string } };

const Compare = z.function({ input: [z.string(), z.string()], output: z.boolean() });
const same = Compare.implement((left, right) => left.localeCompare(right, 'en', { sensitivity: 'base' }) === 0);

const action = createAction({
    description: 'Moves an issue to another status',
    version: '1.0.0',
    scopes: ['write:jira-work'],
    metadata: z.object({ cloudId: z.string() }),
    input: Input,
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const { cloudId } = await nango.getMetadata();
        const endpoint = `/ex/jira/${cloudId}/rest/api/3/issue/${input.issue.toUpperCase()}/transitions`;
        const { data } = await nango.get<{ transitions: Transition[] }>({ endpoint, retries: 3 });

        const possible = data.transitions.map(({ to }) => to.name).sort((left, right) => left.localeCompare(right));
        const transition = data.transitions.find(({ to }) => same(to.name, input.status));
        if (transition === undefined) {
            return { changed: false, possible };
        }

        // https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/
        await nango.post({
            endpoint,
            data: {
                transition: { id: transition.id },
                ...(input.comment
                    ? {
                          update: {
                              comment: [
                                  {
                                      add: {
                                          body: {
                                              type: 'doc',
                                              version: 1,
                                              content: input.comment
                                                  .split(/\n+/g)
                                                  .map((line) => ({ type: 'paragraph', content: [{ type: 'text', text: line }] }))
                                          }
                                      }
                                  }
                              ]
                          }
                      }
                    : {})
            },
            retries: 3
        });
        return { changed: true, possible };
    }
});

export type NangoActionLocal = Parameters<(typeof action)['exec']>[0];
export default action;
