import { createAction } from 'nango';
import { z } from 'zod';

const Input = z.object({ ids: z.array(z.string()).min(1).max(100), fields: z.array(z.string()).optional() });
const Output = z.object({
    users: z.record(z.string(), z.object({ displayName: z.string(), mail: z.string().nullable() }).passthrough()),
    missing: z.array(z.string())
});

type Part = { id: string; status: number; body: { displayName: string; mail: string | null } };

const action = createAction({
    description: 'Reads many users, twenty with a request',
    version: '1.0.0',
    scopes: ['User.Read.All'],
    input: Input,
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const token = await nango.getToken();
        if (typeof token !== 'string') {
            throw new nango.ActionError({ type: 'no_token', found: typeof token });
        }
        const select = ['displayName', 'mail', ...(input.fields ?? [])].join(',');
        const groups: string[][] = [];
        for (let i = 0; i < input.ids.length; i += 20) {
            groups.push(input.ids.slice(i, i + 20));
        }

        // https://learn.microsoft.com/en-us/graph/json-batching
        const settled = await Promise.allSettled(
            groups.map((group) =>
                nango.post<{ responses: Part[] }>({
                    endpoint: '/v1.0/$batch',
                    data: { requests: group.map((id) => ({ id, method: 'GET', url: `/users/${encodeURIComponent(id)}?$select=${select}` })) },
                    retries: 1
                })
            )
        );

        const users = new Map<string, Part['body']>();
        const missing: string[] = [];
        settled.forEach((result, index) => {
            const group = groups[index] ?? [];
            if (result.status === 'rejected') {
                missing.push(...group);
                return;
            }
            for (const part of result.value.data.responses) {
                if (part.status === 200) {
                    users.set(part.id, part.body);
                } else {
                    missing.push(part.id);
                }
            }
        });
        return { users: Object.fromEntries(users), missing: missing.toSorted() };
    }
});

export default action;
