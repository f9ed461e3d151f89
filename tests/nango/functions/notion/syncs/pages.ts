import { createSync } from 'nango';
import { z } from 'zod';

const Page = z.object({
    id: z.string(),
    title: z.string(),
    parent: z.string().nullable(),
    editedAt: z.string()
});

const Parent = z.discriminatedUnion('type', [
    z.object({ type: z.literal('page_id'), page_id: z.string() }),
    z.object({ type: z.literal('database_id'), database_id: z.string() }),
    z.object({ type: z.literal('workspace'), workspace: z.literal(true) })
]);

const Result = z.object({
    object: z.literal('page'),
    id: z.string(),
    parent: Parent,
    properties: z.record(z.string(), z.unknown()),
    last_edited_time: z.preprocess((value) => (typeof value === 'number' ? new Date(value).toISOString() : value), z.iso.datetime())
});

/** Text of the one property whose type is `title`. */
function titleOf(properties: Record<string, unknown>): string {
    for (const property of Object.values(properties)) {
        if (property !== null && typeof property === 'object' && Reflect.get(property, 'type') === 'title') {
            const parts: unknown = Reflect.get(property, 'title');
            return Array.isArray(parts) ? parts.map((part: { plain_text?: string }) => part.plain_text ?? '').join('') : '';
        }
    }
    return '';
}

const sync = createSync({
    description: 'Pages that the integration may see',
    version: '1.0.0',
    frequency: 'every 6 hours',
    autoStart: true,
    models: { Page },
    exec: async (nango) => {
        await nango.trackDeletesStart('Page');
        for await (const page of nango.paginate({
            // https://developers.notion.com/reference/post-search
            method: 'POST',
            endpoint: '/v1/search',
            headers: { 'Notion-Version': '2022-06-28' },
            data: { filter: { property: 'object', value: 'page' } },
            paginate: {
                type: 'cursor',
                cursor_name_in_request: 'start_cursor',
                cursor_path_in_response: 'next_cursor',
                response_path: 'results',
                limit_name_in_request: 'page_size',
                limit: 100
            },
            retries: 3
        })) {
            await nango.batchSave(
                page.map((raw) => {
                    const { id, parent, properties, last_edited_time } = Result.parse(raw);
                    return {
                        id,
                        title: titleOf(properties),
                        parent: 'page_id' in parent ? parent.page_id : 'database_id' in parent ? parent.database_id : null,
                        editedAt: last_edited_time
                    };
                }),
                'Page'
            );
        }
        await nango.trackDeletesEnd('Page');
    }
});

export default sync;
