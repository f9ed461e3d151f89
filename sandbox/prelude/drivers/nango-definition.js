// Reads what a function says about itself: no run, only `exports.default`.
//
// Request   { file, integration, name, schemas? }; `schemas: false` leaves out the
//           definitions of `json_schema`, which are most of the work
// Response  { ok: true, definition } or { ok: false, kind, message }, where
//           `kind` is `no-default` or `definition`.
//
// definition: { type, description, version?, scopes?, endpoints, features,
//   json_schema: { definitions }, metadata?: name, checkpoint?: true } and
//   action, function   input?: name, returns: [name]
//   sync               models and returns: [name], runs (as given), frequency
//                      (`5m`), interval_ms, autoStart, syncType, trackDeletes,
//                      webhookSubscriptions, hasOnWebhook
//   onEvent            event
const S = globalThis.__strata;
const N = (S.nango ??= {});

const CREATORS = { action: "createAction", sync: "createSync", onEvent: "createOnEvent", function: "createFunction" };
const EVENTS = ["post-connection-creation", "pre-connection-deletion", "validate-connection"];
const WRAPPERS = new Set(["optional", "nullable", "default", "prefault", "readonly", "nonoptional", "catch"]);

// A rule that the definition breaks.
class Broken extends Error {}

const kindOf = (schema) => schema?._zod?.def?.type;
const isSchema = (schema) => kindOf(schema) !== undefined;

const checkerOf = (type) => (property, holds, text) => {
  if (!holds) throw new Broken(`${CREATORS[type]} > ${property} ${text}`);
};

const isFlat = (schema) => {
  const kind = kindOf(schema);
  const { innerType, options, values } = schema?._zod?.def ?? {};
  if (WRAPPERS.has(kind)) return isFlat(innerType);
  if (kind === "union") return options.every(isFlat);
  if (kind === "literal") return values.every((value) => ["string", "number", "boolean"].includes(typeof value));
  return kind === "string" || kind === "number" || kind === "boolean" || kind === "enum";
};

const checkCommon = (given, check) => {
  check("description", typeof given.description === "string", "A description is required");
  check("exec", typeof given.exec === "function", "A function is required");
  check("version", given.version === undefined || typeof given.version === "string", "The version must be a text");
  const { scopes, metadata, checkpoint } = given;
  check("scopes", scopes === undefined || (Array.isArray(scopes) && scopes.every((scope) => typeof scope === "string")), "The scopes must be a list of texts");
  check("metadata", metadata === undefined || ["object", "void"].includes(kindOf(metadata)), "The metadata must be a zod object or z.void()");
  if (checkpoint === undefined) return;
  const flat = kindOf(checkpoint) === "object" && Object.values(checkpoint._zod.def.shape).every(isFlat);
  check("checkpoint", flat, "The checkpoint must be a zod object of strings, numbers and booleans");
};

const endpointsOf = (given, check) => {
  const list = given.endpoints ?? (given.endpoint === undefined ? [] : [given.endpoint]);
  check("endpoints", Array.isArray(list), "The endpoints must be a list");
  const seen = new Set();
  return list.map((endpoint) => {
    const { method = "GET", path, group } = endpoint ?? {};
    check("endpoints", typeof path === "string" && typeof method === "string", "An endpoint needs a method and a path");
    const name = `${method.toUpperCase()} ${path}`;
    check("endpoints", !seen.has(name), `The endpoint ${name} is there twice`);
    seen.add(name);
    return { method: method.toUpperCase(), path, ...(group !== undefined && { group }) };
  });
};

const usesCheckpoints = (given) =>
  given.checkpoint !== undefined || [given.exec, given.onWebhook].some((fn) => typeof fn === "function" && /\.(?:get|save|clear)Checkpoint\b/.test(String(fn)));

const plain = (text) => String(text ?? "").replace(/[^a-zA-Z0-9]/g, "");

// `<kind>_<integration>_<function>`.
const namer = ({ integration, name }) => (kind) => `${kind}_${String(integration ?? "").replace(/[^a-zA-Z0-9]/g, "_")}_${plain(name)}`;

const readAction = (given, { type, check, schema }) => {
  const needed = type === "action";
  const out = { returns: [] };
  for (const property of ["input", "output"]) {
    if (given[property] === undefined && !needed) continue;
    check(property, isSchema(given[property]), "A zod schema is required");
  }
  if (given.input !== undefined) out.input = schema("ActionInput", given.input);
  if (given.output !== undefined) out.returns.push(schema("ActionOutput", given.output));
  return out;
};

const checkModels = (models, check) => {
  check("models", models !== null && typeof models === "object", "The models are required");
  for (const name of Object.keys(models)) {
    const text = "contains invalid characters. It should start with an uppercase and only contains alphanumeric characters";
    check("models", /^[A-Z][a-zA-Z0-9_]+$/.test(name), `Model "${name}" ${text}`);
    check("models", kindOf(models[name]) === "object", `Model "${name}" must be a zod object`);
    check("models", kindOf(models[name]._zod.def.shape.id) === "string", `Model "${name}" must have an id, which is a zod string`);
  }
};

const readSync = (given, { check, endpoints, define }) => {
  checkModels(given.models, check);
  const names = Object.keys(given.models);
  const { interval, ms, wrong } = N.frequency(given.frequency);
  check("frequency", wrong === undefined, wrong);
  const unequal = "The number of endpoints doesn't match the number of models. You need as many endpoints as models";
  check("endpoints", endpoints.length === 0 || endpoints.length === names.length, unequal);
  const { syncType = "full", trackDeletes = false, webhookSubscriptions } = given;
  check("syncType", syncType === "full" || syncType === "incremental", 'The type must be "full" or "incremental"');
  check("trackDeletes", !(trackDeletes && syncType === "incremental"), "Track deletes is not supported for incremental syncs");
  for (const name of names) define(name, given.models[name]);
  return {
    models: names,
    returns: names,
    runs: given.frequency,
    frequency: interval,
    interval_ms: ms,
    autoStart: given.autoStart === true,
    syncType,
    trackDeletes: trackDeletes === true,
    webhookSubscriptions: webhookSubscriptions ?? [],
    hasOnWebhook: typeof given.onWebhook === "function",
  };
};

const readOnEvent = (given, { check }) => {
  check("event", EVENTS.includes(given.event), `The event must be one of: ${EVENTS.join(", ")}`);
  return { event: given.event };
};

const readFunction = (given, parts) => {
  const { check } = parts;
  const { trigger, requires, data } = given;
  check("trigger", trigger === undefined || trigger?.kind === "none", 'Only the trigger { kind: "none" } is supported');
  check("data", data === undefined, "Data is not supported");
  check("requires", requires?.connection !== false, "A function without a connection is not supported");
  check("requires", requires?.invoke === undefined, "Invoking other functions is not supported");
  return readAction(given, parts);
};

const readers = { action: readAction, sync: readSync, onEvent: readOnEvent, function: readFunction };

const read = (given, request) => {
  const { type } = given;
  const check = checkerOf(type);
  checkCommon(given, check);
  const definitions = {};
  const named = namer(request);
  const define = (name, value) => {
    if (request.schemas !== false) N.define(definitions, name, value);
  };
  const schema = (kind, value) => {
    define(named(kind), value);
    return named(kind);
  };
  const endpoints = endpointsOf(given, check);
  const own = readers[type](given, { type, check, schema, endpoints, define });
  return {
    type,
    description: given.description,
    ...(given.version !== undefined && { version: given.version }),
    ...(given.scopes !== undefined && { scopes: given.scopes }),
    ...own,
    endpoints,
    features: usesCheckpoints(given) ? ["checkpoints"] : [],
    ...(given.checkpoint !== undefined && { checkpoint: true }),
    ...(given.metadata !== undefined && { metadata: schema("SyncMetadata", given.metadata) }),
    json_schema: { definitions },
  };
};

S.drivers["nango-definition"] = async ({ exports, request }) => {
  const given = exports?.default;
  if (given === undefined || given === null) {
    return { value: { ok: false, kind: "no-default", message: `Script should have a default export ${request.file}` } };
  }
  if (typeof given !== "object" || !Object.hasOwn(CREATORS, given.type)) {
    return { value: { ok: false, kind: "definition", message: "Invalid default export: should be createAction(), createSync() or createOnEvent()" } };
  }
  try {
    return { value: { ok: true, definition: read(given, request) } };
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    return { value: { ok: false, kind: "definition", message: error.message } };
  }
};
