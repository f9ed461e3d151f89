import { createSync } from 'nango';
import { z } from 'zod';

const User = z.object({
    id: z.string(),
    name: z.string(),
    realName: z.string().nullable(),
    email: z.string().nullable(),
    timezone: z.string().nullable(),
    bot: z.boolean(),
    admin: z.boolean()
});

const Member = z.object({
    id: z.string(),
    name: z.string(),
    deleted: z.boolean().default(false),
    is_bot: z.boolean().default(false),
    is_admin: z.boolean().default(false),
    tz: z.string().nullish(),
    profile: z.object({ real_name: z.string().nullish(), email: z.string().nullish() }).default({})
});

const Page = z.discriminatedUnion('ok', [
    z.object({ ok: z.literal(true), members: z.array(Member), response_metadata: z.object({ next_cursor: z.string() }).optional() }),
    z.object({ ok: z.literal(false), error: z.string() })
]);

const sync = createSync({
    description: 'People and bots of the workspace; deactivated ones leave',
    version: '1.0.0',
    frequency: 'every day',
    autoStart: true,
    syncType: 'full',
    scopes: ['users:read', 'users:read.email'],
    models: { User },

    exec: async (nango) => {
        await nango.trackDeletesStart('User');
        let cursor = '';
        do {
            const response = await nango.get({
                // https://docs.slack.dev/reference/methods/users.list
                endpoint: '/users.list',
                params: { limit: 200, ...(cursor && { cursor }) },
                retries: 10,
                retryHeader: { after: 'retry-after' }
            });
            // Slack tells of most failures with status 200. Paginating would take
            // such an answer for an empty last page, and everybody for deleted.
            const page = Page.parse(response.data);
            if (!page.ok) {
                throw new nango.ActionError({ type: page.error });
            }
            const members = page.members.filter((member) => !member.deleted);
            await nango.batchSave(
                members.map(({ id, name, profile, tz, is_bot: bot, is_admin: admin }) => ({
                    id,
                    name,
                    realName: profile.real_name || null,
                    email: profile.email ?? null,
                    timezone: tz ?? null,
                    bot,
                    admin
                })),
                'User'
            );
            cursor = page.response_metadata?.next_cursor ?? '';
        } while (cursor);
        await nango.trackDeletesEnd('User');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
