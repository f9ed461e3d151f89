import { createAction } from 'nango';
import * as z from 'zod';

interface Item {
    text: string;
    items?: Item[] | undefined;
}

const Item: z.ZodType<Item> = z.lazy(() => z.object({ text: z.string().max(2000), items: z.array(Item).optional() }));

const Input = z.object({ page: z.string(), outline: z.array(Item).min(1) });
const Output = z.object({ blocks: z.number().int() });

type Block = { object: 'block'; type: 'bulleted_list_item'; bulleted_list_item: { rich_text: { type: 'text'; text: { content: string } }[]; children?: Block[] } };

function block({ text, items }: Item): Block {
    return {
        object: 'block',
        type: 'bulleted_list_item',
        bulleted_list_item: {
            rich_text: [{ type: 'text', text: { content: text } }],
            ...(items && items.length > 0 && { children: items.map(block) })
        }
    } satisfies Block;
}

const count = (items: Item[]): number => items.reduce((sum, item) => sum + 1 + count(item.items ?? []), 0);

const action = createAction({
    description: 'Appends an outline to a page',
    version: '0.2.0',
    input: Input,
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const { page, outline } = Input.parse(input);
        // https://developers.notion.com/reference/patch-block-children
        await nango.patch({
            endpoint: `/v1/blocks/${page}/children`,
            headers: { 'Notion-Version': '2022-06-28' },
            data: { children: outline.map(block) },
            retries: 3
        });
        return { blocks: count(outline) };
    }
});

export default action;
