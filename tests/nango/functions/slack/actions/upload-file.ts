import { createAction } from 'nango';
import { z } from 'zod';

const Input = z.object({
    channel: z.string(),
    name: z.string(),
    content: z.string().describe('Text, or base64 when encoding says so'),
    encoding: z.enum(['utf8', 'base64']).default('utf8')
});

const Output = z.object({ fileId: z.string(), bytes: z.number().int() });

function joined(...parts: (string | Buffer)[]): Buffer {
    return Buffer.concat(parts.map((part) => (Buffer.isBuffer(part) ? part : Buffer.from(part, 'utf8'))));
}

const action = createAction({
    description: 'Sends a file as a multipart form',
    version: '0.1.0',
    scopes: ['files:write'],
    input: Input,
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const { channel, name, content, encoding } = Input.parse(input);
        const mark = Buffer.alloc(0);
        const bytes = joined(mark, Buffer.from(content, encoding));
        if (bytes.length === 0) {
            throw new nango.ActionError('The file is empty');
        }

        const { data } = await nango.post<{ ok: boolean; error?: string; file?: { id: string } }>({
            endpoint: '/files.upload',
            headers: { 'content-type': 'multipart/form-data' },
            data: { channels: channel, filename: name, content: bytes.toString('utf8') },
            retries: 2
        });
        if (!data.ok || !data.file) {
            throw new nango.ActionError([data.error ?? 'unknown', name]);
        }
        return { fileId: data.file.id, bytes: bytes.length };
    }
});

export default action;
