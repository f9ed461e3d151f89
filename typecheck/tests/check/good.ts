import { createAction } from 'nango';
import * as z from 'zod';

const Input = z.object({ city: z.string(), days: z.number().int().optional(), tags: z.array(z.string()).default([]) });
const Reading = z.object({ at: z.string(), celsius: z.number(), source: z.enum(['a', 'b', 'c']).optional() });
const Output = z.object({ city: z.string(), readings: z.array(Reading), next: z.string().nullable() });
type Raw = { items: { at: string; value: number; unit: 'C' | 'F' }[]; next?: string };

function celsius(value: number, unit: 'C' | 'F'): number {
    return unit === 'C' ? value : ((value - 32) * 5) / 9;
}

const action = createAction({
    description: 'Current temperature of a city',
    version: '1.0.0',
    input: Input,
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const res = await nango.get<Raw>({ endpoint: '/now', params: { q: input.city }, retries: 3 });
        if (res.status !== 200) {
            throw new nango.ActionError({ type: 'no_data', city: input.city });
        }
        const body = Buffer.from(JSON.stringify(res.data)).toString('base64');
        await nango.log(body, crypto.randomUUID(), structuredClone(res.headers));
        return {
            city: input.city,
            readings: res.data.items.map((item) => ({ at: item.at, celsius: celsius(item.value, item.unit), source: 'a' as const })),
            next: res.data.next ?? null
        };
    }
});

export type NangoActionLocal = Parameters<(typeof action)['exec']>[0];
export default action;
