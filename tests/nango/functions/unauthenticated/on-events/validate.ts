import { createOnEvent } from 'nango';

export default createOnEvent({
    description: 'Refuses connections whose host does not answer',
    event: 'validate-connection',
    version: '1.0.0',
    exec: async (nango) => {
        const connection = await nango.getConnection(undefined, undefined, { forceRefresh: true });
        const host: unknown = connection.connection_config['baseUrl'];
        if (typeof host !== 'string' || !/^https?:/i.test(host)) {
            throw new nango.ActionError({ message: 'A base URL is needed' });
        }
        const response = await nango.get({ baseUrlOverride: host, endpoint: '/health', retries: 0 });
        if (response.status >= 400) {
            throw new nango.ActionError({ message: 'The host is not well' });
        }
    }
});
