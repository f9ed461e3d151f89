import { createAction } from 'nango';
import { z } from 'zod';

const Input = z.object({
    to: z.union([z.e164(), z.array(z.e164()).min(1)]),
    from: z.e164().optional(),
    body: z.string().max(1600),
    account: z.object({ integration: z.string(), connection: z.string() }).optional()
});

const Output = z.array(z.object({ to: z.string(), sid: z.string().nullable(), error: z.number().nullish() }));

type Message = { sid: string; error_code: number | null };

const action = createAction({
    description: 'Sends a text message to one or several numbers',
    version: '1.0.0',
    input: Input,
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const connection = await nango.getConnection(input.account?.integration, input.account?.connection);
        const sid: unknown = connection.connection_config['accountSid'];
        if (typeof sid !== 'string') {
            throw new nango.ActionError({ type: 'no_account', connection: connection.connection_id });
        }
        const from = input.from ?? String(connection.metadata?.['from'] ?? '');
        const results: z.infer<typeof Output> = [];
        for (const to of Array.isArray(input.to) ? input.to : [input.to]) {
            const form = new URLSearchParams({ To: to, From: from });
            form.append('Body', input.body);
            try {
                // https://www.twilio.com/docs/messaging/api/message-resource
                const { data } = await nango.proxy<Message>({
                    method: 'post',
                    endpoint: `/2010-04-01/Accounts/${sid}/Messages.json`,
                    data: form,
                    retries: 0,
                    ...(input.account && { providerConfigKey: input.account.integration, connectionId: input.account.connection })
                });
                results.push({ to, sid: data.sid, error: data.error_code });
            } catch (error) {
                const { response } = error as { response?: { data?: { code?: number } } };
                if (!response?.data?.code) {
                    throw error;
                }
                results.push({ to, sid: null, error: response.data.code });
            }
        }
        return results;
    }
});

export default action;
