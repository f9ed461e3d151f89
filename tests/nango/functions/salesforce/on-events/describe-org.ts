import { createOnEvent } from 'nango';
import { z } from 'zod';

const Metadata = z.object({ orgId: z.string(), sandbox: z.boolean(), connectedBy: z.string().optional() });

export default createOnEvent({
    description: 'Remembers which organisation was connected',
    version: '1.0.0',
    event: 'post-connection-creation',
    metadata: Metadata,
    exec: async (nango) => {
        const { data } = await nango.get({
            endpoint: '/services/data/v60.0/query',
            params: { q: 'SELECT Id, IsSandbox FROM Organization' },
            retries: 3
        });
        const [org] = z.object({ records: z.array(z.object({ Id: z.string(), IsSandbox: z.boolean() })).length(1) }).parse(data).records;
        await nango.setMetadata({ orgId: org!.Id, sandbox: org!.IsSandbox });

        const connection = await nango.getConnection();
        const email = connection.end_user?.email;
        if (email) {
            await nango.updateMetadata({ connectedBy: email });
        }
    }
});
