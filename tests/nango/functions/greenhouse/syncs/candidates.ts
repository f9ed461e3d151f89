import { createSync } from 'nango';
import { z } from 'zod';

const Candidate = z.object({
    id: z.string(),
    name: z.string(),
    emails: z.array(z.string()),
    applications: z.coerce.number().int(),
    private: z.coerce.boolean()
});

const text = (value: unknown, key: string): string | undefined => {
    const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
    return typeof found === 'string' ? found : undefined;
};

const sync = createSync({
    description: 'Candidates that changed',
    version: '1.0.0',
    frequency: 'every 1h',
    autoStart: true,
    syncType: 'incremental',
    checkpoint: z.object({ updatedAfter: z.string() }),
    models: { Candidate },
    exec: async (nango) => {
        const checkpoint = await nango.getCheckpoint();
        const connection = await nango.getConnection();
        const onBehalf = connection.connection_config['userId'];

        let newest = checkpoint?.updatedAfter ?? '';
        for await (const page of nango.paginate<Record<string, unknown>>({
            // https://developers.greenhouse.io/harvest.html#get-list-candidates
            endpoint: '/v1/candidates',
            ...(checkpoint && { params: { updated_after: checkpoint.updatedAfter } }),
            ...(typeof onBehalf === 'string' ? { headers: { 'On-Behalf-Of': onBehalf } } : {}),
            paginate: { type: 'link', link_rel_in_response_header: 'next', limit_name_in_request: 'per_page', limit: 500 },
            retries: 5
        })) {
            const records = page.map((raw) =>
                Candidate.parse({
                    id: String(raw['id']),
                    name: [text(raw, 'first_name'), text(raw, 'last_name')].filter((part) => part !== undefined).join(' '),
                    emails: Array.isArray(raw['email_addresses'])
                        ? raw['email_addresses'].map((entry: unknown) => text(entry, 'value')).filter((value): value is string => value !== undefined)
                        : [],
                    applications: Array.isArray(raw['application_ids']) ? raw['application_ids'].length : '0',
                    private: raw['is_private']
                })
            );
            await nango.batchSave(records, 'Candidate');
            newest = page.map((raw) => text(raw, 'updated_at') ?? '').reduce((left, right) => (left > right ? left : right), newest);
        }
        if (newest) {
            await nango.saveCheckpoint({ updatedAfter: newest });
        }
    }
});

export default sync;
