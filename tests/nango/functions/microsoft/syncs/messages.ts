import { createSync } from 'nango';
import { z } from 'zod';

const Message = z.object({
    id: z.string(),
    subject: z.string().nullable(),
    from: z.string().nullable(),
    receivedAt: z.date().or(z.string())
});

type GraphMessage = {
    id: string;
    subject: string | null;
    receivedDateTime: string;
    from?: { emailAddress: { address: string } };
    '@removed'?: { reason: string };
};

const sync = createSync({
    description: 'Mail of the inbox',
    version: '1.0.0',
    frequency: 'every 5 minutes',
    autoStart: true,
    syncType: 'incremental',
    scopes: ['Mail.Read'],
    checkpoint: z.object({ deltaLink: z.string() }),
    models: { Message },
    exec: async (nango) => {
        const checkpoint = await nango.getCheckpoint();
        let deltaLink: string | undefined;

        for await (const page of nango.paginate<GraphMessage>({
            // https://learn.microsoft.com/en-us/graph/delta-query-messages
            endpoint: checkpoint?.deltaLink ?? '/v1.0/me/mailFolders/inbox/messages/delta',
            ...(checkpoint ? {} : { params: { $select: 'subject,from,receivedDateTime' } }),
            headers: { prefer: 'odata.maxpagesize=50' },
            paginate: {
                type: 'link',
                link_path_in_response_body: '@odata.nextLink',
                response_path: 'value',
                on_page: async ({ response }) => {
                    deltaLink = response.data['@odata.deltaLink'] ?? deltaLink;
                }
            },
            retries: 3
        })) {
            const messages = page ?? [];
            await nango.batchDelete(
                messages.filter((message) => message['@removed']).map(({ id }) => ({ id })),
                'Message'
            );
            await nango.batchSave(
                messages
                    .filter((message) => !message['@removed'])
                    .map(({ id, subject, from, receivedDateTime }) => ({
                        id,
                        subject,
                        from: from?.emailAddress.address ?? null,
                        receivedAt: receivedDateTime
                    })),
                'Message'
            );
        }
        if (deltaLink) {
            await nango.saveCheckpoint({ deltaLink });
        }
    }
});

export default sync;
