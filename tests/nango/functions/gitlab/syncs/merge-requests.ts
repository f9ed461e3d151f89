import { createSync } from 'nango';
import * as z from 'zod';

const MergeRequest = z.object({
    id: z.string(),
    title: z.string(),
    state: z.enum(['opened', 'closed', 'locked', 'merged']),
    reviewers: z.array(z.string()),
    mergedAt: z.string().nullable()
});

const Metadata = z.object({ group: z.union([z.string(), z.number()]) }).partial();

type Raw = {
    id: number;
    title: string;
    state: string;
    reviewers?: { username: string }[];
    merged_at: string | null;
};

function isState(state: string): state is z.infer<typeof MergeRequest>['state'] {
    return MergeRequest.shape.state.safeParse(state).success;
}

const sync = createSync({
    description: 'Merge requests of a group',
    version: '1.0.0',
    frequency: 'every half hour',
    autoStart: true,
    syncType: 'full',
    scopes: ['read_api'],
    endpoints: [{ method: 'GET', path: '/merge-requests', group: 'Merge requests' }],
    metadata: Metadata,
    models: { MergeRequest },
    exec: async (nango) => {
        const { group } = await nango.getMetadata();
        await nango.trackDeletesStart('MergeRequest');

        let pages = 0;
        for await (const page of nango.paginate<Raw>({
            // https://docs.gitlab.com/api/merge_requests/
            endpoint: group === undefined ? '/api/v4/merge_requests' : `/api/v4/groups/${encodeURIComponent(group)}/merge_requests`,
            params: { scope: 'all', view: 'simple' },
            paginate: {
                type: 'offset',
                offset_name_in_request: 'page',
                offset_start_value: 1,
                offset_calculation_method: 'per-page',
                on_page: async ({ nextPageParam, response }) => {
                    pages += 1;
                    await nango.log(`page ${pages} had status ${response.status}, next is ${nextPageParam}`);
                }
            },
            retries: 10
        })) {
            const records: z.infer<typeof MergeRequest>[] = [];
            for (const { id, title, state, reviewers = [], merged_at: mergedAt } of page) {
                if (!isState(state)) {
                    continue;
                }
                records.push({ id: `${id}`, title, state, reviewers: reviewers.map(({ username }) => username), mergedAt });
            }
            await nango.batchSave(records, 'MergeRequest');
        }

        const { deletedKeys } = await nango.trackDeletesEnd('MergeRequest');
        await nango.log(`${deletedKeys.length} merge requests are gone`);
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
