import { createAction } from 'nango';
import { z } from 'zod';

const Change = z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('title'), title: z.string().min(1) }),
    z.object({ kind: z.literal('priority'), priority: z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3), z.literal(4)]) }),
    z.object({ kind: z.literal('due'), date: z.iso.date().nullable() })
]);

const Input = z.object({ id: z.string(), changes: z.array(Change).min(1) });
const Output = z.object({ success: z.boolean(), url: z.string().nullable() });

type Change = z.infer<typeof Change>;
type Update = { title?: string; priority?: number; dueDate?: string | null };

function never(value: never): never {
    throw new Error(`unexpected ${JSON.stringify(value)}`);
}

function apply(update: Update, change: Change): Update {
    switch (change.kind) {
        case 'title':
            return { ...update, title: change.title };
        case 'priority':
            return { ...update, priority: change.priority };
        case 'due':
            return { ...update, dueDate: change.date };
        default:
            return never(change);
    }
}

type Answer = { data?: { issueUpdate: { success: boolean; issue: { url: string } | null } }; errors?: { message: string }[] };

const action = createAction({
    description: 'Changes an issue',
    version: '1.0.0',
    scopes: ['write'],
    input: Input,
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const { data } = await nango.proxy<Answer>({
            method: 'POST',
            endpoint: 'graphql',
            data: {
                query: 'mutation Update($id: String!, $input: IssueUpdateInput!) { issueUpdate(id: $id, input: $input) { success issue { url } } }',
                variables: { id: input.id, input: input.changes.reduce(apply, {}) }
            },
            retries: 3
        });
        if (data.errors?.length) {
            throw new nango.ActionError({ type: 'graphql', messages: data.errors.map((error) => error.message) });
        }
        const result = data.data?.issueUpdate;
        return { success: result?.success ?? false, url: result?.issue?.url ?? null };
    }
});

export default action;
