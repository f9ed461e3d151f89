import { createAction } from 'nango';
import { z } from 'zod';

const Attributes = z.record(z.string(), z.string().or(z.number()).or(z.boolean()));

const Input = z
    .object({
        email: z.string().email(),
        name: z.string().optional(),
        phone: z.string().optional(),
        attributes: Attributes.optional(),
        forget: z.array(z.string()).optional()
    })
    .refine((value) => !value.forget?.includes('email'), { message: 'The address cannot be forgotten', path: ['forget'] });

const Output = z.object({ id: z.string(), created: z.boolean() });

type Draft = {
    role: 'user';
    email: string;
    name?: string;
    phone?: string;
    custom_attributes?: Record<string, string | number | boolean>;
};

const version = { 'Intercom-Version': '2.11' };

const action = createAction({
    description: 'Creates or updates a contact by e-mail address',
    version: '1.0.0',
    input: Input,
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const draft: Draft = { role: 'user', email: input.email };
        draft.name ??= input.name ?? input.email.split('@')[0] ?? '';
        draft.custom_attributes ||= {};
        Object.assign(draft.custom_attributes, input.attributes);
        let plan: string | number | boolean | null = draft.custom_attributes['plan'] ?? null;
        plan &&= String(plan).toLowerCase();
        if (plan !== null) {
            draft.custom_attributes['plan'] = plan;
        }
        for (const name of input.forget ?? []) {
            delete draft.custom_attributes[name];
        }
        if (input.phone) {
            draft.phone = input.phone;
        }

        // https://developers.intercom.com/docs/references/rest-api/api.intercom.io/contacts/searchcontacts
        const found = await nango.post<{ data: { id: string }[] }>({
            endpoint: '/contacts/search',
            headers: version,
            data: { query: { field: 'email', operator: '=', value: input.email } },
            retries: 3
        });
        const [contact] = found.data.data;
        if (contact) {
            await nango.put({ endpoint: `/contacts/${contact.id}`, headers: version, data: draft, retries: 3 });
            return { id: contact.id, created: false };
        }
        const created = await nango.post<{ id: string }>({ endpoint: '/contacts', headers: version, data: draft, retries: 3 });
        return { id: created.data.id, created: true };
    }
});

export default action;
