import { createSync } from 'nango';
import { z } from 'zod';

const Project = z.object({
    id: z.string(),
    name: z.string(),
    path: z.string(),
    description: z.string().nullable(),
    visibility: z.string(),
    archived: z.boolean(),
    defaultBranch: z.string().nullable(),
    url: z.string(),
    lastActivityAt: z.string()
});

const GitlabProject = z.object({
    id: z.number(),
    name: z.string(),
    path_with_namespace: z.string(),
    description: z.string().nullish(),
    visibility: z.string().default('private'),
    archived: z.boolean().default(false),
    default_branch: z.string().nullish(),
    web_url: z.string(),
    last_activity_at: z.string()
});

const sync = createSync({
    description: 'Projects that the connected account is a member of',
    version: '1.0.0',
    frequency: 'every 6 hours',
    autoStart: true,
    syncType: 'full',
    scopes: ['read_api'],
    models: { Project },

    exec: async (nango) => {
        await nango.trackDeletesStart('Project');
        for await (const page of nango.paginate<unknown>({
            // https://docs.gitlab.com/api/projects/#list-all-projects
            endpoint: '/api/v4/projects',
            params: { membership: 'true', pagination: 'keyset', order_by: 'id', sort: 'asc' },
            paginate: { type: 'link', link_rel_in_response_header: 'next', limit_name_in_request: 'per_page', limit: 100 },
            retries: 10
        })) {
            const projects = page.map((raw) => GitlabProject.parse(raw));
            await nango.batchSave(
                projects.map((project) => ({
                    id: String(project.id),
                    name: project.name,
                    path: project.path_with_namespace,
                    description: project.description ?? null,
                    visibility: project.visibility,
                    archived: project.archived,
                    defaultBranch: project.default_branch ?? null,
                    url: project.web_url,
                    lastActivityAt: project.last_activity_at
                })),
                'Project'
            );
        }
        await nango.trackDeletesEnd('Project');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
