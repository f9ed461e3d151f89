import { createSync } from 'nango';
import { z } from 'zod';

const Issue = z.object({
    id: z.string(),
    identifier: z.string(),
    title: z.string(),
    estimate: z.number().nonnegative().nullable(),
    labels: z.array(z.string())
});

interface Node {
    id: string;
    identifier: string;
    title: string;
    estimate: number | null;
    labels: { nodes: { name: string }[] };
}

const query = `query Issues($after: String, $first: Int) {
  issues(after: $after, first: $first) {
    nodes { id identifier title estimate labels { nodes { name } } }
    pageInfo { endCursor }
  }
}`;

const sync = createSync({
    description: 'Issues of the workspace',
    version: '1.0.0',
    frequency: 'every quarter hour',
    autoStart: true,
    scopes: ['read'],
    models: { Issue },
    exec: async (nango) => {
        await nango.trackDeletesStart('Issue');
        for await (const page of nango.paginate<Node>({
            // https://linear.app/developers/pagination
            method: 'POST',
            endpoint: '/graphql',
            data: { query, variables: { after: null } },
            paginate: {
                type: 'cursor',
                in_body: true,
                cursor_name_in_request: 'variables.after',
                cursor_path_in_response: 'data.issues.pageInfo.endCursor',
                response_path: 'data.issues.nodes',
                limit_name_in_request: 'variables.first',
                limit: 50
            },
            retries: 3
        })) {
            await nango.batchSave(
                page.map(({ labels, ...issue }) => ({ ...issue, labels: labels.nodes.map(({ name }) => name) })),
                'Issue'
            );
        }
        await nango.trackDeletesEnd('Issue');
    }
});

export default sync;
