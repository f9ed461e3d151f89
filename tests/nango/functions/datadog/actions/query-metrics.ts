import { createAction } from 'nango';
import { z } from 'zod';

const Input = z.object({
    query: z.string(),
    from: z.coerce.number().int(),
    to: z.coerce.number().int(),
    percentile: z.number().min(0).max(100).default(95)
});

const Series = z.object({ scope: z.string(), points: z.number(), max: z.number().nullable(), percentile: z.number().nullable(), sum: z.string() });
const Output = z.object({ series: z.array(Series), note: z.null().or(z.string()), extra: z.never().optional() });

type Answer = { status: string; error?: string; series: { scope: string; pointlist: [number, number | null][] }[] };

const action = createAction({
    description: 'Figures of a metric',
    version: '1.0.0',
    scopes: ['timeseries_query'],
    input: Input,
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const { query, from, to, percentile } = Input.parse(input);
        // https://docs.datadoghq.com/api/latest/metrics/#query-timeseries-points
        const { data } = await nango.get<Answer>({ endpoint: '/api/v1/query', params: { query, from, to }, retries: 3 });
        if (data.status !== 'ok') {
            throw new nango.ActionError({ type: 'query', message: data.error ?? '' });
        }
        const series = data.series.map(({ scope, pointlist }) => {
            const values: number[] = [];
            let sum = BigInt(0);
            for (const [, value] of pointlist) {
                if (value === null || Number.isNaN(value)) {
                    continue;
                }
                values.push(value);
                sum += BigInt(Math.trunc(value));
            }
            values.sort((left, right) => left - right);
            const at = Math.max(Math.ceil((percentile / 100) * values.length) - 1, 0);
            return {
                scope,
                points: values.length,
                max: values.length > 0 ? Math.max(...values) : null,
                percentile: values[at] ?? null,
                sum: sum.toString()
            };
        });
        return { series, note: series.length === 0 ? 'no series' : null };
    }
});

export default action;
