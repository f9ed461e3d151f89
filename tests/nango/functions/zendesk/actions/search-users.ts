import { createAction } from 'nango';
import * as z from 'zod';

const Input = z.object({ query: z.string(), limit: z.number().int().min(1).max(1000).optional() });

const User = z.object({
    id: z.string(),
    name: z.string(),
    email: z.email().nullable(),
    phone: z.e164().nullish()
});

const Output = z.object({ users: z.array(User) });

type ZendeskUser = { id: number; name: string; email: string | null; phone: string | null };

const action = createAction({
    description: 'Finds users',
    version: '1.0.0',
    scopes: ['users:read'],
    input: Input,
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const limit = input.limit ?? 100;
        const users: z.infer<typeof User>[] = [];
        // https://developer.zendesk.com/api-reference/ticketing/users/users/#search-users
        const pages = nango.paginate<ZendeskUser>({
            endpoint: '/api/v2/users/search.json',
            params: { query: input.query },
            paginate: {
                type: 'link',
                link_path_in_response_body: 'next_page',
                response_path: 'users',
                limit_name_in_request: 'per_page',
                limit: Math.min(limit, 100)
            },
            retries: 3
        });
        search: for await (const page of pages) {
            for (const user of page) {
                if (users.length >= limit) {
                    break search;
                }
                const phone = user.phone?.replace(/[\s()-]/g, '');
                users.push({
                    id: `${user.id}`,
                    name: user.name,
                    email: user.email,
                    ...(phone && z.e164().safeParse(phone).success ? { phone } : {})
                });
            }
        }
        return { users };
    }
});

export default action;
