import { createOnEvent } from 'nango';
import { z } from 'zod';

const onEvent = createOnEvent({
    description: 'Takes our event hook away before the connection goes',
    event: 'pre-connection-deletion',
    version: '1.0.0',
    metadata: z.object({ hookId: z.string().optional() }),
    exec: async (nango) => {
        const url = await nango.getWebhookURL();
        const { hookId } = await nango.getMetadata();
        if (!hookId) {
            await nango.log(`no hook to remove, webhooks ${url ? 'have' : 'have no'} address`);
            return;
        }
        // https://developer.okta.com/docs/api/openapi/okta-management/management/tag/EventHook/
        await nango.post({ endpoint: `/api/v1/eventHooks/${hookId}/lifecycle/deactivate`, retries: 1 });
        await nango.delete({ endpoint: `/api/v1/eventHooks/${hookId}`, retries: 1 });
    }
});

export default onEvent;
