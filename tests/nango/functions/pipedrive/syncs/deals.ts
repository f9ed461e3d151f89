import { createSync } from 'nango';
import { z } from 'zod';

const Deal = z.object({
    id: z.string(),
    title: z.string(),
    value: z.number().nullable(),
    currency: z.string().length(3),
    owner: z.string().optional(),
    contacts: z.array(z.string())
});

type PipedriveDeal = {
    id: number;
    title: string;
    value: number | null;
    currency: string;
    user_id?: { name: string };
    participants?: { emails?: { value: string }[] }[];
};

const sync = createSync({
    description: 'Deals; the variant names the status',
    version: '1.0.0',
    frequency: 'every 1d',
    autoStart: true,
    scopes: ['deals:read'],
    models: { Deal },
    exec: async (nango) => {
        const status = nango.variant === 'base' ? 'all_not_deleted' : nango.variant;
        for await (const page of nango.paginate<PipedriveDeal>({
            // https://developers.pipedrive.com/docs/api/v1/Deals#getDeals
            endpoint: '/v1/deals',
            params: { status },
            paginate: {
                type: 'offset',
                offset_name_in_request: 'start',
                offset_start_value: 0,
                offset_calculation_method: 'by-response-size',
                response_path: 'data',
                limit_name_in_request: 'limit',
                limit: 2
            },
            retries: 3
        })) {
            await nango.batchSave(
                page.map((deal) => {
                    const contacts = (deal.participants ?? []).flatMap(({ emails }) => emails?.map(({ value }) => value) ?? []);
                    return {
                        id: String(deal.id),
                        title: deal.title,
                        value: deal.value,
                        currency: deal.currency,
                        ...(deal.user_id && { owner: deal.user_id.name }),
                        contacts
                    };
                }),
                'Deal'
            );
        }
    }
});

export default sync;
