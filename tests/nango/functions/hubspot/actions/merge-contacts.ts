import { createAction } from 'nango';
import { z } from 'zod';

const Id = z.string().regex(/^\d+$/);

const Input = z
    .intersection(
        z.object({ keep: Id, remove: z.tuple([Id], Id) }),
        z.object({ properties: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional() })
    )
    .superRefine((value, context) => {
        if (value.remove.includes(value.keep)) {
            context.addIssue({ code: 'custom', message: 'A contact cannot be merged into itself', path: ['remove'] });
        }
        if (new Set(value.remove).size !== value.remove.length) {
            context.addIssue({ code: 'custom', message: 'An id is there twice', path: ['remove'] });
        }
    });

const Output = z.object({ id: z.string(), merged: z.array(z.string()), failed: z.array(z.string()) }).strict();

const action = createAction({
    description: 'Copies properties to one contact and deletes the others',
    version: '1.0.0',
    scopes: ['crm.objects.contacts.write'],
    input: Input,
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const { data } = await nango.zodValidateInput({ zodSchema: Input, input });

        if (data.properties && Object.keys(data.properties).length > 0) {
            // https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/basic/patch-crm-v3-objects-contacts-contactId
            await nango.patch({
                endpoint: `/crm/v3/objects/contacts/${data.keep}`,
                data: { properties: data.properties },
                retries: 3
            });
        }

        const merged: string[] = [];
        const failed: string[] = [];
        for (const id of data.remove) {
            const answer = await nango
                .delete({ endpoint: `/crm/v3/objects/contacts/${id}`, retries: 3 })
                .then((response) => response.status)
                .catch((error) => (error.response?.status as number | undefined) ?? 0);
            (answer === 204 ? merged : failed).push(id);
        }
        return { id: data.keep, merged, failed };
    }
});

export default action;
