import { createSync } from 'nango';
import { z } from 'zod';

declare global {
    var oktaPageSize: number | undefined;
}

// Set by tests of the one who wrote this; absent in a deployed function.
const pageSize = globalThis.oktaPageSize ?? 200;

const Profile = z.object({ login: z.string(), email: z.string(), firstName: z.string().nullish(), lastName: z.string().nullish() }).strict();

const User = z.object({ id: z.string(), status: z.string(), profile: Profile, lastLogin: z.string().nullable() });

interface OktaUser {
    id: string;
    status: string;
    lastLogin: string | null;
    profile: Record<string, unknown>;
}

const known = Object.keys(Profile.shape);

const sync = createSync({
    description: 'Users of the organisation',
    version: '1.0.0',
    frequency: 'every week',
    autoStart: true,
    scopes: ['okta.users.read'],
    models: { User },
    exec: async (nango) => {
        await nango.trackDeletesStart('User');
        for await (const page of nango.paginate<OktaUser>({
            // https://developer.okta.com/docs/api/openapi/okta-management/management/tag/User/
            endpoint: '/api/v1/users',
            paginate: { type: 'link', link_rel_in_response_header: 'next', limit_name_in_request: 'limit', limit: pageSize },
            retries: 3
        })) {
            const users: z.infer<typeof User>[] = [];
            for (const { id, status, lastLogin, profile } of page) {
                const strict = Profile.safeParse(Object.fromEntries(Object.entries(profile).filter(([name]) => known.includes(name))));
                if (!strict.success) {
                    await nango.log(`user ${id} has no usable profile`, strict.error.issues.length, { level: 'error' });
                    continue;
                }
                users.push({ id, status, lastLogin, profile: strict.data });
            }
            await nango.batchSave(users, 'User');
        }
        await nango.trackDeletesEnd('User');
    }
});

export default sync;
