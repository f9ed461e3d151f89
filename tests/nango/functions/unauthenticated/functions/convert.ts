import { createFunction } from 'nango/experimental';
import { z } from 'zod';

const Input = z.object({ amount: z.number(), to: z.string().length(3) });
const Output = z.object({ amount: z.number(), date: z.string() });

export default createFunction({
    description: 'Euros in another currency',
    input: Input,
    output: Output,
    trigger: { kind: 'none' },
    exec: async (nango, trigger) => {
        const { amount, to } = trigger.input;
        const latest = await nango.get<{ date: string; rates: Record<string, number> }>({
            endpoint: '/latest',
            params: { base: 'EUR', symbols: to },
            retries: 3
        });
        const rate = latest.rates[to];
        if (rate === undefined) {
            throw new Error(`no rate for ${to}`);
        }
        await nango.log(`variant ${nango.getVariant()}`);
        return { amount: amount * rate, date: latest.date };
    }
});
