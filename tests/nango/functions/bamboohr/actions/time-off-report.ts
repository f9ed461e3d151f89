import { createAction } from 'nango';
import { z } from 'zod';

const Day = z.date().transform((date) => {
    const parts = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
    return parts.map((part) => String(part).padStart(2, '0')).join('-');
});

const Input = z.object({
    from: z.string().datetime().pipe(z.coerce.date()).pipe(Day),
    days: z.number().positive().max(366),
    precision: z.number().int().min(0).max(3).default(1)
});

const Output = z.object({
    employees: z.array(z.object({ id: z.string(), name: z.string(), days: z.number() })),
    average: z.number().nullable()
});

type TimeOff = { employeeId: string; name: string; amount: { unit: 'days' | 'hours'; amount: string } };

const action = createAction({
    description: 'Days off for each employee',
    version: '1.0.0',
    input: z.object({ from: z.string(), days: z.number(), precision: z.number().optional() }),
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const parsed = Input.safeParse(input);
        if (!parsed.success) {
            throw new nango.ActionError({ type: 'invalid_input', fields: z.flattenError(parsed.error).fieldErrors });
        }
        const { from, days, precision } = parsed.data;
        if (!Number.isInteger(days)) {
            throw new nango.ActionError({ type: 'invalid_input', fields: { days: ['must be whole'] } });
        }
        const end = new Date(new Date(`${from}T00:00:00Z`).getTime() + (days - 1) * 24 * 60 ** 2 * 1000).toISOString().slice(0, 10);

        // https://documentation.bamboohr.com/reference/time-off-get-time-off-requests
        const { data } = await nango.get<TimeOff[]>({
            endpoint: '/v1/time_off/requests',
            params: { start: from, end, status: 'approved' },
            headers: { accept: 'application/json' },
            responseType: 'json',
            retries: 3
        });

        const round = (value: number) => Math.round(value * 10 ** precision) / 10 ** precision;
        const totals = new Map<string, { name: string; days: number }>();
        for (const { employeeId, name, amount } of data) {
            const value = Number(amount.amount);
            if (Number.isNaN(value)) {
                continue;
            }
            const before = totals.get(employeeId)?.days ?? 0;
            totals.set(employeeId, { name, days: before + (amount.unit === 'hours' ? value / 8 : value) });
        }
        const employees = [...totals].map(([id, total]) => ({ id, name: total.name, days: round(total.days) }));
        employees.sort((left, right) => right.days - left.days || left.name.localeCompare(right.name));
        const sum = employees.reduce((left, { days: right }) => left + right, 0);
        return { employees, average: employees.length > 0 ? round(sum / employees.length) : null };
    }
});

export default action;
