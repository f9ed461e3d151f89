import { createSync } from 'nango';
import { z } from 'zod';

const Channel = z.object({
    id: z.string(),
    name: z.string(),
    private: z.boolean(),
    members: z.number().optional(),
    topic: z.string().nullish()
});

const SlackChannel = z
    .object({
        id: z.string(),
        name: z.string(),
        is_private: z.boolean().default(false),
        num_members: z.number().optional(),
        topic: z.object({ value: z.string() }).optional()
    })
    .passthrough();

const sync = createSync({
    description: 'Channels of the workspace',
    version: '1.0.2',
    frequency: 'every hour',
    autoStart: true,
    trackDeletes: true,
    scopes: ['channels:read', 'groups:read'],
    models: { Channel },
    exec: async (nango) => {
        for await (const page of nango.paginate({
            // https://docs.slack.dev/reference/methods/conversations.list
            endpoint: '/conversations.list',
            params: { types: 'public_channel,private_channel', exclude_archived: 'true' },
            paginate: {
                type: 'cursor',
                cursor_name_in_request: 'cursor',
                cursor_path_in_response: 'response_metadata.next_cursor',
                response_path: 'channels',
                limit_name_in_request: 'limit',
                limit: 200
            },
            retries: 3
        })) {
            const channels = page.flatMap((raw) => {
                const parsed = SlackChannel.safeParse(raw);
                return parsed.success ? [parsed.data] : [];
            });
            await nango.batchSave(
                channels.map((channel) => ({
                    id: channel.id,
                    name: channel.name,
                    private: channel.is_private,
                    ...(channel.num_members !== undefined && { members: channel.num_members }),
                    topic: channel.topic?.value
                })),
                'Channel'
            );
        }
        await nango.log(`track deletes is ${nango.track_deletes ? 'on' : 'off'}`);
    }
});

export default sync;
