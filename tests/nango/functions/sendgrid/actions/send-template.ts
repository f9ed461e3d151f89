import { createAction } from 'nango';
import { z } from 'zod';

const Address = z.union([z.email(), z.object({ email: z.email(), name: z.string() }).strict()]);

const Input = z.object({
    from: Address,
    to: z.array(Address).min(1).max(1000),
    template: z.string().startsWith('d-'),
    data: z.record(z.string(), z.json()).optional(),
    attachments: z.array(z.object({ name: z.string(), text: z.string() })).optional()
});

const Output = z.object({ messageId: z.string().nullable(), accepted: z.number() });

const address = (value: z.infer<typeof Address>) => (typeof value === 'string' ? { email: value } : value);

/** Base64 of a text; `btoa` where there is one and the text is plain. */
function base64(text: string): string {
    if (typeof btoa === 'function' && /^[\x20-\x7e]*$/.test(text)) {
        return btoa(text);
    }
    return Buffer.from(text).toString('base64');
}

const action = createAction({
    description: 'Sends a mail from a template',
    version: '1.0.0',
    scopes: ['mail.send'],
    input: Input,
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        // https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
        const response = await nango.post<string>({
            endpoint: '/v3/mail/send',
            data: {
                from: address(input.from),
                template_id: input.template,
                personalizations: input.to.map((to) => ({ to: [address(to)], ...(input.data && { dynamic_template_data: input.data }) })),
                ...(input.attachments?.length
                    ? { attachments: input.attachments.map(({ name, text }) => ({ filename: name, content: base64(text), type: 'text/plain' })) }
                    : {})
            },
            responseType: 'text',
            retries: 1
        });
        if (response.data.startsWith('{')) {
            const { warnings = [] } = JSON.parse(response.data) as { warnings?: string[] };
            await nango.log(warnings.join('; '), { level: 'warn' });
        }
        return { messageId: response.headers['x-message-id'] ?? null, accepted: response.status === 202 ? input.to.length : 0 };
    }
});

export default action;
