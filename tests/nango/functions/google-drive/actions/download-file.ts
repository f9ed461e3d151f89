import { createAction } from 'nango';
import { z } from 'zod';

const Input = z.object({ fileId: z.string(), exportAs: z.string().optional(), maxBytes: z.number().int().positive().optional() });
const Output = z.object({ name: z.string(), mimeType: z.string(), size: z.number(), base64: z.string(), first: z.number().nullable() });

function toBuffer(data: unknown): Buffer | null {
    if (Buffer.isBuffer(data)) {
        return data;
    }
    if (data instanceof Uint8Array) {
        return Buffer.from(data);
    }
    if (data instanceof ArrayBuffer) {
        return Buffer.from(new Uint8Array(data));
    }
    return typeof data === 'string' ? Buffer.from(data, 'binary') : null;
}

const action = createAction({
    description: 'The content of a file as base64',
    version: '1.0.0',
    scopes: ['https://www.googleapis.com/auth/drive.readonly'],
    input: Input,
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const file = `/drive/v3/files/${encodeURIComponent(input.fileId)}`;
        // https://developers.google.com/workspace/drive/api/reference/rest/v3/files/get
        const meta = await nango.get<{ name: string; mimeType: string; size?: string }>({
            endpoint: file,
            params: { fields: 'name,mimeType,size' },
            responseType: 'json',
            retries: 3
        });
        const max = input.maxBytes ?? 1_000_000;
        if (meta.data.size && BigInt(meta.data.size) > BigInt(max)) {
            throw new nango.ActionError({ type: 'too_large', size: meta.data.size, max });
        }

        const content = await nango.get<ArrayBuffer>({
            endpoint: input.exportAs ? `${file}/export` : file,
            params: input.exportAs ? { mimeType: input.exportAs } : { alt: 'media' },
            responseType: 'arraybuffer',
            decompress: true,
            forwardHeadersOnRedirect: false,
            retries: 3
        });
        const bytes = toBuffer(content.data);
        if (!bytes) {
            throw new nango.ActionError();
        }
        return {
            name: meta.data.name,
            mimeType: input.exportAs ?? meta.data.mimeType,
            size: bytes.byteLength,
            base64: bytes.toString('base64'),
            first: bytes.at(0) ?? null
        };
    }
});

export default action;
