import { createAction } from 'nango';
import { z } from 'zod';

const Fields = z.record(z.string(), z.unknown());

const Input = z.object({
    baseId: z.string(),
    table: z.string(),
    mergeOn: z.array(z.string()).min(1).max(3),
    records: z.array(Fields).max(100),
    typecast: z.boolean().optional()
});

const Output = z.object({ created: z.array(z.string()), updated: z.array(z.string()), skipped: z.number() });

interface Upserted {
    createdRecords: string[];
    updatedRecords: string[];
}

/** Ten at a time is what the API takes. */
function chunks<T>(items: T[], size: number): T[][] {
    const parts: T[][] = [];
    for (let start = 0; start < items.length; start += size) {
        parts.push(items.slice(start, start + size));
    }
    return parts;
}

const action = createAction({
    description: 'Inserts or updates rows',
    version: '1.0.0',
    scopes: ['data.records:write'],
    input: Input,
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const complete: z.infer<typeof Fields>[] = [];
        let skipped = 0;

        rows: for (const fields of input.records) {
            for (const name of input.mergeOn) {
                if (!(name in fields) || fields[name] === '') {
                    skipped += 1;
                    continue rows;
                }
            }
            complete.push(fields);
        }

        const created: string[] = [];
        const updated: string[] = [];
        for (const part of chunks(complete, 10)) {
            // https://airtable.com/developers/web/api/update-multiple-records
            const { data } = await nango.put<Upserted>({
                endpoint: `/v0/${input.baseId}/${encodeURIComponent(input.table)}`,
                data: {
                    performUpsert: { fieldsToMergeOn: input.mergeOn },
                    records: part.map((fields) => ({ fields })),
                    typecast: input.typecast ?? false
                },
                retries: 3
            });
            created.push(...data.createdRecords);
            updated.push(...data.updatedRecords);
        }
        return { created, updated, skipped };
    }
});

export default action;
