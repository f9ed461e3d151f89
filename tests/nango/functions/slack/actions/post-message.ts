import { createAction } from 'nango';
import { z } from 'zod';

const Block = z.discriminatedUnion('type', [
    z.object({ type: z.literal('section'), text: z.object({ type: z.literal('mrkdwn'), text: z.string().max(3000) }) }),
    z.object({ type: z.literal('divider') }),
    z.object({ type: z.literal('image'), image_url: z.url(), alt_text: z.string() })
]);

const Input = z.object({
    channel: z.string().regex(/^[CDG][A-Z0-9]{2,}$/i),
    text: z.string(),
    blocks: z.array(Block).max(50).optional(),
    thread: z.string().optional()
});

const Output = z.object({ ts: z.string(), permalink: z.string().nullable() });

type SlackAnswer = ({ ok: true; ts: string; channel: string } | { ok: false; error: string; needed?: string }) & { warning?: string };

export default createAction({
    description: 'Posts a message',
    version: '1.1.0',
    scopes: ['chat:write'],
    input: Input,
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        // https://docs.slack.dev/reference/methods/chat.postMessage
        const { data } = await nango.post<SlackAnswer>({
            endpoint: 'chat.postMessage',
            headers: { 'Content-Type': 'application/json; charset=utf-8' },
            data: {
                channel: input.channel,
                text: input.text,
                ...(input.blocks && { blocks: input.blocks }),
                ...(input.thread !== undefined ? { thread_ts: input.thread } : {})
            },
            retries: 3
        });
        if (!data.ok) {
            throw new nango.ActionError({ type: data.error, needed: data.needed ?? null });
        }
        if ('warning' in data && data.warning) {
            await nango.log('Slack warns', { warning: data.warning, level: 'warn' });
        }

        let permalink: string | null = null;
        try {
            const link = await nango.get<{ permalink?: string }>({
                endpoint: 'chat.getPermalink',
                params: { channel: data.channel, message_ts: data.ts },
                retries: 1
            });
            permalink = link.data.permalink ?? null;
        } catch {
            // The message is out; a missing link is no reason to fail.
        }
        return { ts: data.ts, permalink };
    }
});
