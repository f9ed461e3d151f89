import { createAction } from 'nango';
import type { NangoAction } from 'nango';
import { z } from 'zod';

const Input = z.object({ projectId: z.number().int(), name: z.string(), maxDepth: z.number().int().min(0).max(5).optional() });
const Output = z.object({ path: z.string().nullable(), foldersRead: z.number().int() });

interface Entry {
    type: 'tree' | 'blob';
    path: string;
    name: string;
}

/** Every entry below `path`, folder by folder. */
async function* walk(nango: NangoAction, projectId: number, path: string, depth: number, read: { folders: number }): AsyncGenerator<Entry, void, void> {
    read.folders += 1;
    try {
        for await (const page of nango.paginate<Entry>({
            // https://docs.gitlab.com/api/repositories/#list-repository-tree
            endpoint: `/api/v4/projects/${projectId}/repository/tree`,
            params: { ...(path && { path }) },
            paginate: {
                type: 'offset',
                offset_name_in_request: 'page',
                offset_start_value: 1,
                offset_calculation_method: 'per-page',
                limit_name_in_request: 'per_page',
                limit: 2
            },
            retries: 3
        })) {
            for (const entry of page) {
                yield entry;
                if (entry.type === 'tree' && depth > 0) {
                    yield* walk(nango, projectId, entry.path, depth - 1, read);
                }
            }
        }
    } finally {
        // Runs as well when the reader stops early.
        await nango.log(`left ${path || '/'}`);
    }
}

const action = createAction({
    description: 'The first file of a given name',
    input: Input,
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const read = { folders: 0 };
        let path: string | null = null;
        const entries = walk(nango, input.projectId, '', input.maxDepth ?? 3, read);
        if (typeof entries[Symbol.asyncIterator] !== 'function') {
            throw new Error('not iterable');
        }
        for await (const entry of entries) {
            if (entry.type === 'blob' && entry.name === input.name) {
                path = entry.path;
                break;
            }
        }
        return { path, foldersRead: read.folders };
    }
});

export default action;
