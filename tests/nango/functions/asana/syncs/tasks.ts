import { createSync } from 'nango';
import { z } from 'zod';

const Metadata = z.object({ projects: z.array(z.string()) });

const Task = z.object({ id: z.string(), name: z.string(), done: z.boolean(), due: z.iso.date().nullable(), project: z.string() });
const Project = z.object({ id: z.string(), name: z.string() });

type AsanaTask = { gid: string; name: string; completed: boolean; due_on: string | null };

const sync = createSync({
    description: 'Tasks of chosen projects, written in the older way',
    version: '0.9.0',
    frequency: 'every hour',
    autoStart: true,
    syncType: 'full',
    endpoints: [
        { method: 'GET', path: '/tasks', group: 'Tasks' },
        { method: 'GET', path: '/projects' }
    ],
    metadata: Metadata,
    models: { Task, Project },
    exec: async (nango) => {
        const { projects } = await nango.getMetadata<z.infer<typeof Metadata>>();
        for (const id of projects) {
            const { data } = await nango.get<{ data: { gid: string; name: string } }>({
                endpoint: `/api/1.0/projects/${id}`,
                params: 'opt_fields=name',
                retries: 3
            });
            await nango.batchSend([{ id: data.data.gid, name: data.data.name }], 'Project');

            for await (const page of nango.paginate<AsanaTask>({
                // https://developers.asana.com/reference/gettasks
                endpoint: '/api/1.0/tasks',
                params: { project: id, opt_fields: 'name,completed,due_on' },
                paginate: {
                    type: 'cursor',
                    cursor_name_in_request: 'offset',
                    cursor_path_in_response: 'next_page.offset',
                    response_path: 'data',
                    limit_name_in_request: 'limit',
                    limit: '50'
                },
                retries: 3
            })) {
                await nango.batchSave(
                    page.map((task) => ({ id: task.gid, name: task.name, done: task.completed, due: task.due_on, project: id })),
                    'Task'
                );
            }
        }
        const gone = await nango.deleteRecordsFromPreviousExecutions('Task');
        await nango.log(`${gone.deletedKeys.join(', ') || 'nothing'} is gone`);
    }
});

export default sync;
