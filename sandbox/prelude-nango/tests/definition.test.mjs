import assert from "node:assert/strict";
import test from "node:test";
import { World, bundle } from "./world.mjs";

const REQUEST = { file: "function/functions/function.ts", integration: "google-mail.eu", name: "send-email_2" };

const readBundle = async (source) => {
  const { kind, value } = await new World().run(source, "nango-definition", REQUEST);
  assert.equal(kind, "done", JSON.stringify(value));
  return value;
};
const read = (definition, head) => readBundle(bundle(definition, head));
const good = async (definition, head) => {
  const value = await read(definition, head);
  assert.equal(value.ok, true, JSON.stringify(value));
  return value.definition;
};
const broken = async (definition, head) => {
  const { ok, kind, message } = await read(definition, head);
  assert.deepEqual([ok, kind], [false, "definition"]);
  return message;
};

const action = (more = "") => `{ type: "action", description: "d", input: z.object({ city: z.string() }), output: z.void(), exec: async () => {}, ${more} }`;
const sync = (more = "", models = "{ Aa: z.object({ id: z.string() }) }") => `{ type: "sync", description: "d", frequency: "every hour", models: ${models}, exec: async () => {}, ${more} }`;

test("an action", async () => {
  const definition = await good(action(`version: "1.0.0", scopes: ["a"], endpoint: { method: "post", path: "/x", group: "G" }, metadata: z.object({ m: z.string() })`));
  assert.deepEqual(definition, {
    type: "action",
    description: "d",
    version: "1.0.0",
    scopes: ["a"],
    returns: ["ActionOutput_google_mail_eu_sendemail2"],
    input: "ActionInput_google_mail_eu_sendemail2",
    endpoints: [{ method: "POST", path: "/x", group: "G" }],
    features: [],
    metadata: "SyncMetadata_google_mail_eu_sendemail2",
    json_schema: {
      definitions: {
        ActionInput_google_mail_eu_sendemail2: { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false },
        ActionOutput_google_mail_eu_sendemail2: { type: "null" },
        SyncMetadata_google_mail_eu_sendemail2: { type: "object", properties: { m: { type: "string" } }, required: ["m"], additionalProperties: false },
      },
    },
  });
});

test("a sync", async () => {
  const definition = await good(
    sync(`syncType: "incremental", autoStart: "yes", checkpoint: z.object({ at: z.string().optional(), n: z.number(), b: z.boolean(), e: z.enum(["x"]) }), webhookSubscriptions: ["w"], onWebhook() {}`, "{ Aa: z.object({ id: z.string() }), B_2: z.looseObject({ id: z.uuid() }) }"),
  );
  const { json_schema, ...rest } = definition;
  assert.deepEqual(rest, {
    type: "sync", description: "d", models: ["Aa", "B_2"], returns: ["Aa", "B_2"], runs: "every hour", frequency: "1h", interval_ms: 3_600_000, autoStart: false,
    syncType: "incremental", trackDeletes: false, webhookSubscriptions: ["w"], hasOnWebhook: true, endpoints: [], features: ["checkpoints"], checkpoint: true,
  });
  assert.deepEqual(Object.keys(json_schema.definitions), ["Aa", "B_2"]);
  assert.deepEqual(json_schema.definitions.B_2.additionalProperties, {});
  const plain = await good(sync("autoStart: true, trackDeletes: true"));
  assert.deepEqual([plain.autoStart, plain.syncType, plain.trackDeletes, plain.hasOnWebhook, plain.features], [true, "full", true, false, []]);
});

test("without schemas everything else is the same", async () => {
  for (const source of [action(""), sync("")]) {
    const whole = await good(source);
    const { kind, value } = await new World().run(bundle(source), "nango-definition", { ...REQUEST, schemas: false });
    assert.equal(kind, "done");
    assert.deepEqual(value.definition, { ...whole, json_schema: { definitions: {} } });
  }
});

test("the use of checkpoints is a feature", async () => {
  assert.deepEqual((await good(action("").replace("exec: async () => {}", "exec: async (nango) => { await nango.saveCheckpoint({ a: 1 }); }"))).features, ["checkpoints"]);
});

test("an on-event and a function", async () => {
  const event = await good(`{ type: "onEvent", description: "d", event: "validate-connection", exec() {} }`);
  assert.deepEqual([event.event, event.json_schema], ["validate-connection", { definitions: {} }]);
  assert.match(await broken(`{ type: "onEvent", description: "d", event: "other", exec() {} }`), /^createOnEvent > event /);
  const fn = await good(`{ type: "function", description: "d", input: z.string(), trigger: { kind: "none" }, exec() {} }`);
  assert.deepEqual([fn.input, fn.returns], ["ActionInput_google_mail_eu_sendemail2", []]);
  for (const [more, property] of [["trigger: { kind: 'schedule' }", "trigger"], ["data: {}", "data"], ["requires: { connection: false }", "requires"], ["requires: { invoke: ['x'] }", "requires"]]) {
    assert.match(await broken(`{ type: "function", description: "d", exec() {}, ${more} }`), new RegExp(`^createFunction > ${property} `));
  }
});

test("without a default export", async () => {
  const none = { ok: false, kind: "no-default", message: "Script should have a default export function/functions/function.ts" };
  assert.deepEqual(await readBundle(""), none);
  assert.deepEqual(await readBundle("exports.default = undefined;"), none);
  for (const other of ["5", "{}", "() => {}", "{ type: 'other' }", "{ type: 'constructor' }"]) {
    assert.equal(await broken(other), "Invalid default export: should be createAction(), createSync() or createOnEvent()");
  }
});

test("frequencies", async () => {
  const of = async (text) => {
    const { frequency, interval_ms, runs } = await good(sync().replace("every hour", text));
    assert.equal(runs, text);
    return [frequency, interval_ms];
  };
  for (const [text, expected] of [
    ["every month", ["30d", 2_592_000_000]], ["every week", ["1w", 604_800_000]], ["every day", ["1d", 86_400_000]], ["every half day", ["12h", 43_200_000]],
    ["every half hour", ["30m", 1_800_000]], ["every quarter hour", ["15m", 900_000]], ["every 5 minutes", ["5 minutes", 300_000]], ["every 5m", ["5m", 300_000]],
    ["every 30s", ["30s", 30_000]], ["every 1.5 hours", ["1.5 hours", 5_400_000]], ["every 30000", ["30000", 30_000]],
  ]) {
    assert.deepEqual(await of(text), expected, text);
  }
  const wrong = async (text) => broken(sync().replace('"every hour"', text));
  for (const text of ['"hourly"', '"every"', '"every blue moon"', '"every 5 parsecs"', "undefined", "5", '"every toString"', '"every 5 constructor"']) {
    assert.equal(await wrong(text), "createSync > frequency Interval is invalid, check syntax here https://github.com/vercel/ms", text);
  }
  assert.match(await wrong('"every 29 seconds"'), /^createSync > frequency .*30 seconds/);
});

test("rules and their texts", async () => {
  const unequal = "createSync > endpoints The number of endpoints doesn't match the number of models. You need as many endpoints as models";
  const twice = "[{ method: 'GET', path: '/a' }, { method: 'get', path: '/a' }]";
  const two = "{ Aa: z.object({ id: z.string() }), Bb: z.object({ id: z.string() }) }";
  const name = (model) => `createSync > models Model "${model}" contains invalid characters. It should start with an uppercase and only contains alphanumeric characters`;
  for (const [definition, text] of [
    [sync("endpoints: [{ method: 'GET', path: '/a' }]", two), unequal],
    [sync("", "{ 'a-b': z.object({ id: z.string() }) }"), name("a-b")],
    [sync("", "{ Aa: z.object({ id: z.string() }), lower: z.object({ id: z.string() }) }"), name("lower")],
    [sync("syncType: 'incremental', trackDeletes: true"), "createSync > trackDeletes Track deletes is not supported for incremental syncs"],
  ]) {
    assert.equal(await broken(definition), text);
  }
  for (const [definition, start] of [
    [sync(`endpoints: ${twice}`, two), "createSync > endpoints The endpoint GET /a is there twice"],
    [sync("endpoints: [{}]"), "createSync > endpoints "],
    [sync("", "{ Aa: z.string() }"), 'createSync > models Model "Aa" must be a zod object'],
    [sync("", "{ Aa: z.object({ id: z.number() }) }"), 'createSync > models Model "Aa" must have an id'],
    [sync("", "{ Aa: z.object({ id: z.string().optional() }) }"), 'createSync > models Model "Aa" must have an id'],
    [sync("", "{ Aa: z.object({}) }"), 'createSync > models Model "Aa" must have an id'],
    [sync("", "null"), "createSync > models "],
    [sync("syncType: 'other'"), "createSync > syncType "],
    [sync("checkpoint: z.string()"), "createSync > checkpoint "],
    [sync("checkpoint: z.object({ a: z.object({}) })"), "createSync > checkpoint "],
    [sync("checkpoint: z.object({ a: z.array(z.string()) })"), "createSync > checkpoint "],
    [sync("metadata: z.string()"), "createSync > metadata "],
    [sync("version: 1"), "createSync > version "],
    [sync("scopes: 'a'"), "createSync > scopes "],
    [sync("description: undefined"), "createSync > description "],
    [sync("exec: 5"), "createSync > exec "],
    [action("input: undefined"), "createAction > input "],
    [action("output: 5"), "createAction > output "],
    [action("description: 1"), "createAction > description "],
  ]) {
    const message = await broken(definition);
    assert.ok(message.startsWith(start), `${definition}: ${message}`);
  }
  assert.equal((await good(action("metadata: z.void()"))).json_schema.definitions.SyncMetadata_google_mail_eu_sendemail2.type, "null");
});

const schemaOf = async (schema, head) => {
  const { definitions } = (await good(action(`input: ${schema}`), head)).json_schema;
  const key = "ActionInput_google_mail_eu_sendemail2";
  const { [key]: own, ActionOutput_google_mail_eu_sendemail2: _, ...others } = definitions;
  return { own, others };
};

test("schemas become JSON Schema draft 7", async () => {
  const { own } = await schemaOf(`z.object({
    s: z.string().min(1).describe("a text"), n: z.number().int().optional(), d: z.date(), v: z.void().optional(), u: z.unknown(), b: z.bigint(), t: z.string().transform(Number),
    r: z.record(z.string(), z.any()), e: z.enum(["a"]), l: z.literal(1), o: z.looseObject({}), p: z.object({}).passthrough(), c: z.object({}).catchall(z.string()), q: z.tuple([z.string()]), x: z.nullable(z.string()) }).strict()`);
  assert.equal("$schema" in own, false);
  assert.deepEqual(own.properties, {
    s: { type: "string", minLength: 1, description: "a text" },
    n: { type: "integer", minimum: -9007199254740991, maximum: 9007199254740991 },
    d: { type: "string", format: "date-time" },
    v: { type: "null" },
    u: {}, b: {}, t: {},
    r: { type: "object", propertyNames: { type: "string" }, additionalProperties: {} },
    e: { type: "string", enum: ["a"] },
    l: { type: "number", const: 1 },
    o: { type: "object", properties: {}, additionalProperties: {} },
    p: { type: "object", properties: {}, additionalProperties: {} },
    c: { type: "object", properties: {}, additionalProperties: { type: "string" } },
    q: { type: "array", items: [{ type: "string" }] },
    x: { anyOf: [{ type: "string" }, { type: "null" }] },
  });
  assert.equal(own.additionalProperties, false);
});

test("schemas that are shared or registered under an id are written out", async () => {
  const head = `
    const Address = z.object({ street: z.string() }).meta({ id: "Address", title: "An address" });
    const Other = z.object({ street: z.number() }).meta({ id: "Other" });
    z.globalRegistry.add(z.string().min(2), { id: "Short" });`;
  const { own, others } = await schemaOf("z.object({ home: Address, work: Address.describe('at work'), other: Other })", head);
  const address = { type: "object", properties: { street: { type: "string" } }, required: ["street"], additionalProperties: false, title: "An address" };
  assert.deepEqual(own.properties.home, address);
  assert.deepEqual(own.properties.work, { ...address, description: "at work" });
  assert.deepEqual(others, {});
  // The same id twice, which zod itself refuses.
  const twice = await good(action("input: z.object({ a: z.string().meta({ id: 'Same' }) }), output: z.object({ b: z.number().meta({ id: 'Same' }) })"));
  assert.equal(Object.keys(twice.json_schema.definitions).length, 2);
});

test("references of recursive schemas are to where they are found", async () => {
  const head = `
    const Node = z.object({ value: z.string(), get children() { return z.array(Node); } });
    const Tree = z.object({ root: z.lazy(() => Inner) });
    const Inner = z.object({ next: z.lazy(() => Inner).optional() });`;
  const self = await schemaOf("Node", head);
  assert.deepEqual(self.own.properties.children.items, { $ref: "#/definitions/ActionInput_google_mail_eu_sendemail2" });
  const inner = await schemaOf("Tree", head);
  const names = Object.keys(inner.others);
  assert.ok(names.length >= 1);
  const refs = [...JSON.stringify(inner).matchAll(/"\$ref":"([^"]*)"/g)].map(([, ref]) => ref);
  assert.ok(refs.length >= 1);
  for (const ref of refs) assert.ok(names.includes(ref.replace("#/definitions/", "")), ref);
});
