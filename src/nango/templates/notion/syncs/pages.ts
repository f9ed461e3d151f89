import { createSync } from 'nango';
import { z } from 'zod';

const Page = z.object({
    id: z.string(),
    title: z.string(),
    parentType: z.string(),
    parentId: z.string().nullable(),
    url: z.string(),
    createdAt: z.string(),
    editedAt: z.string()
});

const NotionPage = z.object({
    id: z.string(),
    parent: z.looseObject({ type: z.string() }),
    properties: z.record(z.string(), z.looseObject({ type: z.string() })),
    url: z.string(),
    archived: z.boolean().default(false),
    created_time: z.string(),
    last_edited_time: z.string()
});

const Title = z.object({ title: z.array(z.object({ plain_text: z.string() })) });

function titleOf({ properties }: z.infer<typeof NotionPage>): string {
    const property = Object.values(properties).find(({ type }) => type === 'title');
    const parsed = Title.safeParse(property);
    return parsed.success ? parsed.data.title.map((part) => part.plain_text).join('') : '';
}

const sync = createSync({
    description: 'Pages that were shared with the integration; archived ones leave',
    version: '1.0.0',
    frequency: 'every 6 hours',
    autoStart: true,
    syncType: 'full',
    // Notion grants capabilities, not scopes.
    scopes: [],
    models: { Page },

    exec: async (nango) => {
        await nango.trackDeletesStart('Page');
        for await (const page of nango.paginate<unknown>({
            // https://developers.notion.com/reference/post-search
            method: 'POST',
            endpoint: '/v1/search',
            headers: { 'notion-version': '2022-06-28' },
            data: {
                filter: { property: 'object', value: 'page' },
                sort: { timestamp: 'last_edited_time', direction: 'descending' }
            },
            paginate: {
                type: 'cursor',
                cursor_name_in_request: 'start_cursor',
                cursor_path_in_response: 'next_cursor',
                response_path: 'results',
                limit_name_in_request: 'page_size',
                limit: 100
            },
            retries: 10
        })) {
            const pages = page.map((raw) => NotionPage.parse(raw)).filter(({ archived }) => !archived);
            await nango.batchSave(
                pages.map((found) => {
                    const { type } = found.parent;
                    const parentId = found.parent[type];
                    return {
                        id: found.id,
                        title: titleOf(found),
                        parentType: type,
                        parentId: typeof parentId === 'string' ? parentId : null,
                        url: found.url,
                        createdAt: found.created_time,
                        editedAt: found.last_edited_time
                    };
                }),
                'Page'
            );
        }
        await nango.trackDeletesEnd('Page');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
