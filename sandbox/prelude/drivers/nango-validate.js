// Values against a function's own schemas. A deployed run checks only what the
// request asks for, and fails; a dry run checks everything unless told not to,
// and warns.
const S = globalThis.__strata;
const N = (S.nango ??= {});
const SHOWN = 20;

const isSchema = (schema) => typeof schema?.safeParseAsync === "function";

const issuesOf = (error) => error.issues.slice(0, SHOWN).map(({ code, message, path }) => ({ code, message, path: path.map(String) }));

const warn = (text) => S.call("nango.console", { level: "warn", line: text });

const lines = (issues) => issues.map(({ message, path }) => `  ${path.join(".") || "(value)"}: ${message}`).join("\n");

// `what` is `input` or `output`. Fails with `invalid_action_<what>`: status 400
// for an input, 500 for an output.
N.checkValue = async (what, schema, value, { dry, wanted }) => {
  if (!isSchema(schema) || !(wanted ?? dry)) return;
  // `z.void()` says that there is none.
  if (schema._zod?.def?.type === "void") return;
  const parsed = await schema.safeParseAsync(value);
  if (parsed.success) return;
  const issues = issuesOf(parsed.error);
  if (dry) {
    warn(`Invalid action ${what}:\n${lines(issues)}`);
    return;
  }
  const message = `The ${what} does not match the schema of the action`;
  throw new N.RunError(`invalid_action_${what}`, message, { status: what === "input" ? 400 : 500, payload: { message, validation: issues } });
};

// The first records that do not match, in dry runs.
N.warnRecords = (records, schema, model) => {
  if (typeof schema?.safeParse !== "function") return;
  let shown = 0;
  for (const record of records) {
    let parsed;
    try {
      parsed = schema.safeParse(record);
    } catch {
      // A schema with asynchronous parts.
      return;
    }
    if (parsed.success) continue;
    warn(`Invalid record of the model '${model}', id '${record.id}':\n${lines(issuesOf(parsed.error))}`);
    if (++shown === SHOWN) return;
  }
};
