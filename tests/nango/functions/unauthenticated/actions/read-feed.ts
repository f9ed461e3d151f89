import { createAction } from 'nango';
import { z } from 'zod';

declare global {
    var __feedUserAgent: string | undefined;
}

// `Headers` is not there in a deployed function; only a test that sets the variable gets here.
const extra: Record<string, string> = {};
if (typeof globalThis.__feedUserAgent === 'string' && typeof Headers !== 'undefined') {
    new Headers({ 'user-agent': globalThis.__feedUserAgent }).forEach((value, name) => {
        extra[name] = value;
    });
}

const Input = z.object({ url: z.url(), limit: z.number().int().optional() });
const Output = z.object({ title: z.string().nullable(), host: z.string(), items: z.array(z.object({ title: z.string(), link: z.string() })) });

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"' };
const plain = (text: string) =>
    text
        .replace(/<!\[CDATA\[([\s\S]*?)\]\]>/g, '$1')
        .replace(/&(amp|lt|gt|quot);/gi, (_, name: string) => entities[name.toLowerCase()] ?? '')
        .trim();
const tag = (name: string, xml: string): string | null => {
    const found = new RegExp(`<${name}[^>]*>([\\s\\S]*?)</${name}>`, 'i').exec(xml);
    return found?.[1] === undefined ? null : plain(found[1]);
};

const action = createAction({
    description: 'Titles and links of an RSS feed',
    version: '1.0.0',
    input: Input,
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const url = new URL(input.url);
        url.searchParams.set('limit', String(input.limit ?? 10));
        const response = await nango.uncontrolledFetch({ url, method: 'GET', headers: { accept: 'application/rss+xml', ...extra } });
        if (!response.ok) {
            throw new nango.ActionError({ type: 'feed', status: response.status });
        }
        const xml = await response.text();
        const [head = '', ...items] = xml.split(/<item[ >]/i);
        return {
            title: tag('title', head),
            host: url.host.replace(/:\d+$/, ''),
            items: items.slice(0, input.limit ?? 10).map((item) => ({
                title: tag('title', item) ?? '',
                link: decodeURIComponent(tag('link', item) ?? '')
            }))
        };
    }
});

export default action;
