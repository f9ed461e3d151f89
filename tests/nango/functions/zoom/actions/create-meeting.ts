import { createAction } from 'nango';
import { z } from 'zod';

const Meeting = z.object({
    topic: z.string().min(1).max(200),
    start: z.iso.datetime({ offset: true }),
    minutes: z.number().int().min(5).max(24 * 60),
    password: z.string().max(10).optional(),
    site: z.string().url().optional()
});

const Input = Meeting.partial({ minutes: true })
    .and(z.object({ invite: z.array(z.string().email()).default([]) }))
    .refine((meeting) => !/[<>]/.test(meeting.topic), 'The topic must be plain');

const Output = Meeting.omit({ password: true, site: true }).extend({ id: z.string(), joinUrl: z.string().url(), code: z.string().length(6).optional() });

const settings = {
    join_before_host: false,
    waiting_room: true,
    approval_type: 2
} as const satisfies Record<string, boolean | number>;

export default createAction({
    description: 'Plans a meeting',
    version: '1.0.0',
    scopes: ['meeting:write'],
    input: Input,
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const minutes = input.minutes ?? 30;
        // https://developers.zoom.us/docs/api/meetings/#tag/meetings/post/users/{userId}/meetings
        const { data } = await nango.post<{ id: number; join_url: string; password?: string }>({
            endpoint: '/users/me/meetings',
            data: {
                topic: input.topic,
                type: 2,
                start_time: new Date(input.start).toISOString(),
                duration: minutes,
                ...(input.password !== undefined && { password: input.password }),
                settings: { ...settings, meeting_invitees: (input.invite ?? []).map((email) => ({ email })) }
            },
            retries: 3
        });
        return Output.parse({
            id: String(data.id),
            topic: input.topic,
            start: input.start,
            minutes,
            joinUrl: data.join_url,
            ...(data.password && /^\d{6}$/.test(data.password) ? { code: data.password } : {})
        });
    }
});
