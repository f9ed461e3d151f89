//! Small functions to compile, deploy and run.

/// An action that asks its provider for something.
pub const ACTION: &str = "import { createAction } from 'nango';
import { z } from 'zod';

const Input = z.object({ city: z.string() });
const Output = z.object({ celsius: z.number() });

/** Reads one temperature. */
const action = createAction({
    description: 'Current temperature of a city',
    version: '1.0.0',
    input: Input,
    output: Output,
    exec: async (nango, input): Promise<z.infer<typeof Output>> => {
        const res = await nango.get<{ t: number }>({ endpoint: '/now', params: { q: input.city }, retries: 3 });
        if (typeof res.data.t !== 'number') {
            throw new nango.ActionError({ type: 'no_data', city: input.city });
        }
        return { celsius: res.data.t };
    }
});

export type NangoActionLocal = Parameters<(typeof action)['exec']>[0];
export default action;
";

/// A sync that saves one page of records.
pub const SYNC: &str = "import { createSync } from 'nango';
import { z } from 'zod';

const Thing = z.object({ id: z.string(), name: z.string() });

const sync = createSync({
    description: 'Things',
    version: '1.0.0',
    frequency: 'every hour',
    models: { Thing },
    exec: async (nango) => {
        const page = await nango.get<{ things: { id: string; name: string }[] }>({ endpoint: '/things' });
        await nango.batchSave(page.data.things, 'Thing');
    }
});

export default sync;
";

/// An on-event.
pub const ON_EVENT: &str = "import { createOnEvent } from 'nango';

export default createOnEvent({
    description: 'Says hello to a new connection',
    event: 'post-connection-creation',
    exec: async (nango) => {
        await nango.log('hello');
    }
});
";

/// A function of the experimental kind.
pub const FUNCTION: &str = "import { createFunction } from 'nango/experimental';
import { z } from 'zod';

export default createFunction({
    description: 'Twice as much',
    input: z.object({ amount: z.number() }),
    output: z.object({ amount: z.number() }),
    exec: async (_nango, { input }) => ({ amount: input.amount * 2 })
});
";

/// An action with a body of its own, which may use `nango` and `input`; `top` stands above it.
pub fn action(top: &str, body: &str) -> String {
    let parameters = match (body.contains("nango"), body.contains("input")) {
        (true, true) => "nango, input",
        (true, false) => "nango",
        (false, true) => "_nango, input",
        (false, false) => "",
    };
    format!(
        "import {{ createAction }} from 'nango';
import {{ z }} from 'zod';
{top}
export default createAction({{
    description: 'x',
    input: z.any(),
    output: z.any(),
    exec: async ({parameters}) => {{
{body}
    }}
}});
"
    )
}

/// A sync of the models `Thing` and `Other` with a body of its own; `more` are further properties.
pub fn sync(more: &str, body: &str) -> String {
    let parameters = if body.contains("nango") { "nango" } else { "" };
    format!(
        "import {{ createSync }} from 'nango';
import {{ z }} from 'zod';
const Thing = z.object({{ id: z.string(), name: z.string().optional() }});
const Other = z.object({{ id: z.string() }});
export default createSync({{
    description: 'x',
    frequency: 'every day',
    models: {{ Thing, Other }},
    {more}
    exec: async ({parameters}) => {{
{body}
    }}
}});
"
    )
}
