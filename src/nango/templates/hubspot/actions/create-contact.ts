import { createAction, type ProxyConfiguration } from 'nango';
import { z } from 'zod';

const Input = z.object({
    email: z.email(),
    firstName: z.string().optional(),
    lastName: z.string().optional(),
    phone: z.string().optional(),
    company: z.string().optional(),
    properties: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional().describe('Further properties by their internal names')
});

const Output = z.object({ id: z.string(), createdAt: z.string() });

const Created = z.object({ id: z.string(), createdAt: z.string() });

const action = createAction({
    description: 'Creates a contact',
    version: '1.0.0',
    scopes: ['crm.objects.contacts.write'],
    input: Input,
    output: Output,

    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const { data } = await nango.zodValidateInput({ zodSchema: Input, input });
        const { firstName: firstname, lastName: lastname, properties, ...rest } = data;
        const config: ProxyConfiguration = {
            // https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/basic/post-crm-v3-objects-contacts
            endpoint: '/crm/v3/objects/contacts',
            data: { properties: { ...properties, ...rest, ...(firstname && { firstname }), ...(lastname && { lastname }) } },
            // The address is unique at HubSpot, so another attempt does no harm.
            retries: 3
        };
        try {
            return Created.parse((await nango.post(config)).data);
        } catch (error) {
            const response = (error as { response?: { status?: number; data?: { message?: string } } }).response;
            if (response?.status === 409) {
                const known = /ID:\s*(\d+)/i.exec(response.data?.message ?? '')?.[1];
                throw new nango.ActionError({ type: 'already_exists', email: data.email, ...(known && { id: known }) });
            }
            throw error;
        }
    }
});

export type NangoActionLocal = Parameters<(typeof action)['exec']>[0];
export default action;
