import { createSync, type NangoSync } from 'nango';
import { z } from 'zod';

const Metadata = z.object({ folders: z.array(z.string()).min(1), withTrash: z.boolean().optional() });

const File = z.object({
    id: z.string(),
    name: z.string(),
    folders: z.array(z.string()),
    bytes: z.coerce.number().nullable()
});

interface DriveFile {
    id: string;
    name: string;
    mimeType: string;
    size?: string;
}

const FOLDER = 'application/vnd.google-apps.folder';
const quote = (text: string) => `'${text.replaceAll("'", "\\'")}'`;

/** Reads one folder; returns the folders in it. */
async function readFolder(nango: Pick<NangoSync, 'paginate'>, id: string, trash: boolean, found: Map<string, z.infer<typeof File>>): Promise<string[]> {
    const below: string[] = [];
    for await (const page of nango.paginate<DriveFile>({
        // https://developers.google.com/workspace/drive/api/reference/rest/v3/files/list
        endpoint: '/drive/v3/files',
        params: {
            q: `${quote(id)} in parents${trash ? '' : ' and trashed = false'}`,
            fields: 'nextPageToken,files(id,name,mimeType,size)'
        },
        paginate: {
            type: 'cursor',
            cursor_name_in_request: 'pageToken',
            cursor_path_in_response: 'nextPageToken',
            response_path: 'files',
            limit_name_in_request: 'pageSize',
            limit: 100
        },
        retries: 10
    })) {
        for (const { id: fileId, name, mimeType, size } of page) {
            if (mimeType === FOLDER) {
                below.push(fileId);
                continue;
            }
            const known = found.get(fileId);
            const folders = [...(known?.folders ?? []), id];
            found.set(fileId, { id: fileId, name, folders, bytes: size === undefined ? null : Number(size) });
        }
    }
    return below;
}

const sync = createSync({
    description: 'Files below chosen folders',
    version: '1.1.0',
    frequency: 'every 12 hours',
    autoStart: false,
    scopes: ['https://www.googleapis.com/auth/drive.metadata.readonly'],
    metadata: Metadata,
    models: { File },
    exec: async (nango) => {
        const { folders, withTrash = false } = Metadata.parse(await nango.getMetadata());
        await nango.trackDeletesStart('File');

        const found = new Map<string, z.infer<typeof File>>();
        const seen = new Set<string>();
        const open = [...folders];
        while (open.length > 0) {
            const id = open.shift()!;
            if (seen.has(id)) {
                continue;
            }
            seen.add(id);
            open.push(...(await readFolder(nango, id, withTrash, found)));
        }
        await nango.batchSave([...found.values()], 'File');
        await nango.trackDeletesEnd('File');
    }
});

export type NangoSyncLocal = Parameters<(typeof sync)['exec']>[0];
export default sync;
