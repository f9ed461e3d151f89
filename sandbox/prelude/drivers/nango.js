// Runs a function by the contract of Nango: `definition.exec(nango, input)`,
// where `definition` is the default export of its bundle.
//
// Request  { job: "action" | "sync" | "webhook" | "on-event", dryRun, input?,
//   validate?: { input?, output? }, context: { connectionId, providerConfigKey,
//   provider, environmentId, environmentName, accountId, activityLogId, syncId?,
//   syncJobId?, variant?, lastSyncDate? (ISO 8601), scriptName,
//   logLevel?: "debug" | "info" | "warn" | "error" (default "warn") } }.
//   `input` is the payload of a webhook, too.
// Response { statusCode, headers: [[name, value]], outcome }, and a text: the
//   action's output as JSON ("" for none) or the envelope of its failure.
//   outcome  { ok: true, undefined?: true } (nothing was returned, or the job
//            is not an action) or { ok: false, error }, see nango-errors.js.
//   Types of `error` beside those: invalid_action_input, invalid_action_output
//   (nango-validate.js), execution_interrupted, and function_not_found when
//   the definition is of another type than the job.
//
// Operations of the host. The argument is JSON, `data` are bytes. All are begun
// with `wait` but the first two.
//
//   nango.log { level, message, meta?, at (ISO 8601) }, by `call`
//   nango.console { level, line }, by `call`, in dry runs only
//   nango.http { method, endpoint, params (a text, or a text for each key),
//     headers (lower-case), retries, retryOn, baseUrlOverride, responseType,
//     decompress, retryHeader, forwardHeadersOnRedirect, providerConfigKey?,
//     connectionId?, body: "none" | "json" | "text" | "form" | "multipart" |
//     "bytes", contentType? } + body
//     -> { status, statusText, headers (lower-case), url, method } + body, or
//     { failure: { code, message } }. `contentType` is to be sent; without it
//     the type is in `headers`, if anywhere. Redirects and retries are the
//     host's. A code in capitals is one of the network.
//   nango.fetch { url, method, headers } + body -> { status, statusText,
//     headers, url } + body, or { failure }, `url_not_allowed` among its codes
//   nango.provider { providerConfigKey? } -> { name, paginate? }
//   nango.connection { integrationId?, connectionId?, forceRefresh?,
//     refreshToken?, refreshGithubAppJwtToken? } -> connection or { error }
//   nango.integration { include? } -> integration or { error }
//   nango.metadata { mode: "set" | "update", metadata } -> {} or { error }
//   nango.webhook-url -> { url }
//   nango.environment -> { variables: [{ name, value }] | null }
//   nango.trigger-action { integrationId, connectionId, action, input? }
//     -> { output } or { error: { status, body } }
//   nango.trigger-sync { integrationId, connectionId, sync: name | { name,
//     variant }, opts?, syncMode?, fullResync? } -> {} or { error }
//   nango.start-sync { integrationId, syncs: [name | { name, variant }],
//     connectionId? } -> {} or { error }
//   nango.lock { key, ttlMs } -> { acquired }; nango.unlock { key }
//     -> { released }; nango.unlock-all
//   nango.checkpoint { op: "get" | "save" | "clear", value?, version? }
//     -> { checkpoint, version, interrupt? } or { conflict: true }; `version`
//     is the one last seen, absent when the function has not looked
//   nango.records { op: "save" | "update" | "delete", model } + a JSON array of
//     at most 1000 -> { added, updated, deleted, unchanged, duplicates: [id] }
//   nango.records-get { model, ids } (at most 100) -> { records }
//   nango.records-list { model, cursor?, limit? } -> { records, next_cursor }
//   nango.track-deletes { op: "start" | "end" | "previous", model }
//     -> { deletedKeys } or { error }
//   nango.merging { model, strategy } -> {} or { error }
//
// Every operation may answer { stopped: { type, message } } instead: the run is
// to stop, and gets that as an error.
//
// An `error` is { status?, type?, message?, body? }. Where the member stands
// for a call of the API it becomes an error of that HTTP call, `body` or
// { error: { code: type, message } } being the answer; else a plain one with
// its message.
const S = globalThis.__strata;
const N = S.nango;
delete S.nango;

const OUTPUT_LIMIT = 2_097_152;
const JSON_TYPE = ["content-type", "application/json; charset=utf-8"];
// Types of definitions that a job runs.
const RUNS = { action: "action", sync: "sync", webhook: "sync", "on-event": "onEvent" };

const missing = (message) => new N.RunError("function_not_found", message);

const definitionOf = ({ exports, job, scriptName }) => {
  const definition = exports?.default;
  if (definition === null || typeof definition !== "object" || definition.type !== RUNS[job]) throw missing(`Unable to find script file for "${scriptName}"`);
  const method = job === "webhook" ? "onWebhook" : "exec";
  if (typeof definition[method] !== "function") throw missing(`The script "${scriptName}" has no ${method} function`);
  return definition;
};

// A deployed action without an input gets an empty one.
const inputOf = ({ job, dry, request }) => {
  const given = "input" in request ? request.input : undefined;
  return job === "action" && !dry ? given || {} : given;
};

const call = async (run, nango) => {
  const { definition, job, dry, request } = run;
  if (job === "webhook") return definition.onWebhook(nango, request.input);
  if (job !== "action") return definition.exec(nango);
  const input = inputOf(run);
  const { validate = {} } = request;
  await N.checkValue("input", definition.input, input, { dry, wanted: validate.input });
  const output = await definition.exec(nango, input);
  await N.checkValue("output", definition.output, output, { dry, wanted: validate.output });
  return output;
};

const success = ({ job, dry }, output) => {
  const text = job === "action" ? N.json(output) : undefined;
  if (text === undefined) return { value: { statusCode: 200, headers: [JSON_TYPE], outcome: { ok: true, undefined: true } }, text: "" };
  if (!dry && N.isLonger(text, OUTPUT_LIMIT)) throw new Error(`Output size is too large: it must be at most ${OUTPUT_LIMIT} bytes of JSON`);
  return { value: { statusCode: 200, headers: [JSON_TYPE], outcome: { ok: true } }, text };
};

const failure = (error, dry) => {
  const described = N.describe(error, dry);
  const { statusCode, text } = N.envelope(described);
  return { value: { statusCode, headers: [JSON_TYPE], outcome: { ok: false, error: described } }, text };
};

S.drivers.nango = async ({ exports, request }) => {
  const { job, context } = request;
  const dry = request.dryRun === true;
  N.console({ dry });
  let release;
  try {
    const definition = definitionOf({ exports, job, scriptName: context.scriptName });
    const run = { definition, job, dry, request, context };
    const facade = N.facade(run);
    release = facade.release;
    return success(run, await call(run, facade.nango));
  } catch (error) {
    return failure(error, dry);
  } finally {
    try {
      await release?.();
    } catch {
      // The host gives up the locks of a run that is over by itself.
    }
  }
};
