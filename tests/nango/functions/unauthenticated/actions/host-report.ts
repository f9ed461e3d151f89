import { createAction } from 'nango';
import { z } from 'zod';

const Input = z.any();

const Output = z.object({
    connection: z.string(),
    integration: z.string(),
    provider: z.string().nullable(),
    kind: z.string(),
    hidden: z.array(z.string()),
    variables: z.array(z.string()),
    mapping: z.record(z.string(), z.string()),
    absent: z.array(z.string()),
    input: z.string()
});

const action = createAction({
    description: 'What the host is like',
    version: '1.0.0',
    input: Input,
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        nango.setLogger({ level: 'debug' });
        await nango.log('debug line', { level: 'debug' });
        await nango.log('info line', { a: 1 }, { level: 'info' });
        await nango.log('warn line', ['a', 'b'], { level: 'warn' });
        await nango.log('error line', { level: 'error' });

        const integration = await nango.getIntegration({ include: ['webhook'] });
        const variables = (await nango.getEnvironmentVariables()) ?? [];
        await nango.setFieldMapping({ name: 'full_name' });
        const mapping = await nango.getFieldMapping();

        // Types are wide here on purpose: which of these are there differs between hosts.
        const ids: unknown[] = [
            nango.environmentId,
            nango.environmentName,
            nango.accountId,
            nango.activityLogId,
            nango.syncId,
            nango.isCLI,
            nango.logger,
            nango.runnerFlags,
            nango.syncConfig,
            nango.getFlowAttributes()
        ];
        await nango.log(`${ids.length} more fields`);

        const absent = ['fetch', 'process', 'setInterval', 'structuredClone', 'TextEncoder', 'btoa', 'crypto'].filter((name) => !(name in globalThis));
        return {
            connection: nango.connectionId,
            integration: nango.providerConfigKey,
            provider: nango.provider ?? null,
            kind: nango.scriptType,
            hidden: Object.entries(integration)
                .filter(([name]) => name === 'credentials')
                .map(([name]) => name),
            variables: variables.map(({ name, value }) => `${name}=${value}`),
            mapping: { ...mapping },
            absent,
            input: JSON.stringify(input)
        };
    }
});

export default action;
