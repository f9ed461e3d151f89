import { createAction } from 'nango';
import { z } from 'zod';

const Input = z.object({
    repository: z.string().regex(/^[\w.-]+\/[\w.-]+$/),
    workflow: z.string(),
    ref: z.string().default('main'),
    wait: z.boolean().optional()
});

const Output = z.object({
    runId: z.number().nullable(),
    conclusion: z.string().nullable()
});

interface Run {
    id: number;
    status: 'queued' | 'in_progress' | 'completed';
    conclusion: string | null;
}

/** Longer pauses with every attempt, in milliseconds. */
function pause(attempt: number): number {
    return Math.min(10 * 2 ** attempt, 200);
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

const action = createAction({
    description: 'Starts a workflow and waits until it has ended',
    version: '0.3.0',
    scopes: ['repo', 'workflow'],
    input: Input,
    output: Output,

    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const { repository, workflow, ref, wait } = Input.parse(input);
        const base = `/repos/${repository}/actions`;

        await nango.post({
            // https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event
            endpoint: `${base}/workflows/${encodeURIComponent(workflow)}/dispatches`,
            data: { ref },
            retries: 2,
            retryOn: [404],
            retryHeader: { after: 'x-try-again' }
        });
        if (!wait) {
            return { runId: null, conclusion: null };
        }

        const started = Date.now();
        for (let attempt = 0; ; attempt++) {
            await sleep(pause(attempt));
            // https://docs.github.com/en/rest/actions/workflow-runs
            const { data } = await nango.get<{ workflow_runs: Run[] }>({
                endpoint: `${base}/workflows/${encodeURIComponent(workflow)}/runs`,
                params: { event: 'workflow_dispatch', per_page: 1 },
                retries: 3
            });
            const [run] = data.workflow_runs;
            if (run?.status === 'completed') {
                return { runId: run.id, conclusion: run.conclusion };
            }
            if (Date.now() - started > 120_000) {
                throw new nango.ActionError({ type: 'too_slow', workflow });
            }
        }
    }
});

export default action;
