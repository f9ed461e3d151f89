import { createAction } from 'nango';
import crypto from 'crypto';
import { z } from 'zod';

const Base = z.object({ listId: z.string(), email: z.email() });

const Input = Base.extend({
    status: z.enum(['subscribed', 'unsubscribed', 'cleaned', 'pending']).default('pending'),
    phone: z.string().e164().optional(),
    fields: z.record(z.string(), z.union([z.string(), z.number()])).optional()
});

const Output = Base.pick({ email: true }).extend({ id: z.string(), status: z.string() });

const action = createAction({
    description: 'Adds a member to an audience or changes it',
    version: '1.0.0',
    input: Input,
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const { listId, email, status, phone, fields } = Input.parse(input);
        const id = crypto.createHash('md5').update(email.toLowerCase()).digest('hex');
        // https://mailchimp.com/developer/marketing/api/list-members/add-or-update-list-member/
        const { data } = await nango.put<{ id: string; status: string; email_address: string }>({
            endpoint: `/3.0/lists/${listId}/members/${id}`,
            params: { skip_merge_validation: 'true' },
            data: { email_address: email, status_if_new: status, ...(phone || fields ? { merge_fields: { ...fields, ...(phone && { PHONE: phone }) } } : {}) },
            retries: 3
        });
        return { id: data.id, status: data.status, email: data.email_address };
    }
});

export default action;
