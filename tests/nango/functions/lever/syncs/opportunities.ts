import { createSync } from 'nango';
import { z } from 'zod';

const Opportunity = z.object({
    id: z.string(),
    name: z.string(),
    stage: z.string().nullable(),
    sources: z.array(z.string()),
    createdAt: z.string()
});

type LeverOpportunity = { id: string; name: string; stage: { text: string } | string | null; sources?: string[]; createdAt: number; archived?: { archivedAt: number } | null };

const iso = (millis: number): string => {
    const date = new Date(millis);
    return Number.isNaN(date.getTime()) ? '' : date.toISOString();
};

const sync = createSync({
    description: 'Opportunities; archived ones leave',
    version: '1.0.0',
    frequency: 'every 2 hours',
    autoStart: true,
    models: { Opportunity },
    exec: async (nango) => {
        const archived: { id: string }[] = [];
        for await (const page of nango.paginate<LeverOpportunity>({
            // https://hire.lever.co/developer/documentation#list-all-opportunities
            endpoint: '/v1/opportunities',
            params: { expand: 'stage' },
            paginate: {
                type: 'cursor',
                cursor_name_in_request: 'offset',
                cursor_path_in_response: 'next',
                response_path: 'data',
                limit_name_in_request: 'limit',
                limit: 100
            },
            retries: 3
        })) {
            const active = [];
            for (const { id, name, stage, sources, createdAt, archived: away } of page) {
                if (away) {
                    archived.push({ id });
                    continue;
                }
                active.push({
                    id,
                    name,
                    stage: stage === null || typeof stage === 'string' ? stage : stage.text,
                    sources: [...new Set(sources)],
                    createdAt: iso(createdAt)
                });
            }
            await nango.batchSave(active, 'Opportunity');
        }
        if (archived.length) {
            await nango.batchDelete(archived, 'Opportunity');
        }
    }
});

export default sync;
