import { createSync } from 'nango';
import { z } from 'zod';

const Repository = z.object({
    id: z.string(),
    name: z.string(),
    stars: z.number().int().nonnegative(),
    archived: z.boolean(),
    details: z.object({ language: z.string().nullable(), topics: z.array(z.string()) })
});

type Row = z.infer<typeof Repository>;

interface GithubRepository {
    id: number;
    full_name: string;
    stargazers_count: number;
    archived: boolean;
    language: string | null;
    topics?: string[];
}

const sync = createSync({
    description: 'Repositories; known ones only get what has changed',
    version: '2.0.1',
    frequency: 'every 6 hours',
    autoStart: true,
    models: { Repository },

    exec: async (nango) => {
        await nango.setMergingStrategy({ strategy: 'ignore_if_modified_after' }, 'Repository');

        const names = new Map<string, string>();
        for await (const stored of nango.listRecords('Repository')) {
            names.set(stored.id, stored.name);
        }
        await nango.log(`${names.size} repositories are known`, { level: 'debug' });

        const pages = nango.paginate<GithubRepository>({
            // https://docs.github.com/en/rest/repos/repos#list-repositories-for-the-authenticated-user
            endpoint: 'user/repos',
            paginate: { type: 'link', link_rel_in_response_header: 'next', limit_name_in_request: 'per_page', limit: 100 },
            retries: 3
        });
        for await (const page of pages) {
            const known = await nango.getRecordsByIds(
                page.map((repository) => String(repository.id)),
                'Repository'
            );
            const added: Row[] = [];
            const changed: { id: string; name: string; stars: number }[] = [];
            for (const repository of page) {
                const id = String(repository.id);
                const before = known.get(id);
                if (before === undefined) {
                    added.push({
                        id,
                        name: repository.full_name,
                        stars: repository.stargazers_count,
                        archived: repository.archived,
                        details: { language: repository.language, topics: repository.topics ?? [] }
                    });
                } else if (before.stars !== repository.stargazers_count || before.name !== repository.full_name) {
                    changed.push({ id, name: repository.full_name, stars: repository.stargazers_count });
                }
                names.delete(id);
            }
            await nango.batchSave(added, 'Repository');
            await nango.batchUpdate(changed, 'Repository');
        }

        await nango.batchDelete(
            [...names.keys()].map((id) => ({ id })),
            'Repository'
        );
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
