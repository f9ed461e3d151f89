import { createAction, type ProxyConfiguration } from 'nango';
import { z } from 'zod';

const Input = z.object({
    channel: z.string().min(1).describe('Id of a channel or of a person'),
    text: z.string().min(1).max(40_000).describe('The message, in mrkdwn'),
    threadTs: z.string().optional().describe('Timestamp of the message that this one answers'),
    blocks: z.array(z.record(z.string(), z.unknown())).max(50).optional(),
    unfurlLinks: z.boolean().optional()
});

const Output = z.object({ channel: z.string(), ts: z.string() });

const Answer = z.discriminatedUnion('ok', [
    z.object({ ok: z.literal(true), channel: z.string(), ts: z.string() }),
    z.object({ ok: z.literal(false), error: z.string(), needed: z.string().optional() })
]);

const action = createAction({
    description: 'Posts a message to a channel, to a thread or to a person',
    version: '1.0.0',
    scopes: ['chat:write'],
    input: Input,
    output: Output,

    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const { data } = await nango.zodValidateInput({ zodSchema: Input, input });
        const config: ProxyConfiguration = {
            // https://docs.slack.dev/reference/methods/chat.postMessage
            endpoint: '/chat.postMessage',
            data: {
                channel: data.channel,
                text: data.text,
                ...(data.threadTs !== undefined && { thread_ts: data.threadTs }),
                ...(data.blocks && { blocks: data.blocks }),
                ...(data.unfurlLinks !== undefined && { unfurl_links: data.unfurlLinks })
            },
            headers: { 'content-type': 'application/json; charset=utf-8' },
            // Another attempt could post the message twice.
            retries: 0
        };
        const response = await nango.post(config);

        // Slack tells of most failures with status 200.
        const answer = Answer.parse(response.data);
        if (!answer.ok) {
            throw new nango.ActionError({ type: answer.error, ...(answer.needed && { neededScope: answer.needed }) });
        }
        return { channel: answer.channel, ts: answer.ts };
    }
});

export type NangoActionLocal = Parameters<(typeof action)['exec']>[0];
export default action;
