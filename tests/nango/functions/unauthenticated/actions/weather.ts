import { createAction } from 'nango';
import { z } from 'zod';

const Input = z.object({ latitude: z.number().min(-90).max(90), longitude: z.number().min(-180).max(180) });
const Output = z.object({ celsius: z.number(), from: z.string() });

const action = createAction({
    description: 'Weather now, from a base URL of the connection or the metadata',
    version: '1.0.0',
    endpoint: { method: 'GET', path: '/weather' },
    metadata: z.object({ baseUrl: z.string().optional() }),
    input: Input,
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const [metadata, connection] = await Promise.all([nango.getMetadata(), nango.getConnection()]);
        const configured: unknown = connection.connection_config['baseUrl'];
        const base = metadata.baseUrl ?? (typeof configured === 'string' ? configured : undefined);
        if (base === undefined) {
            throw new nango.ActionError({ type: 'no_base_url' });
        }
        const { data } = await nango.get<{ current?: { temperature_2m: number } }>({
            // https://open-meteo.com/en/docs
            baseUrlOverride: base,
            endpoint: '/v1/forecast',
            params: { latitude: input.latitude, longitude: input.longitude, current: 'temperature_2m' },
            retries: 3
        });
        if (!data.current) {
            throw new nango.ActionError({ type: 'no_data' });
        }
        return { celsius: data.current.temperature_2m, from: metadata.baseUrl ? 'metadata' : 'connection' };
    }
});

export default action;
