import assert from "node:assert/strict";
import test from "node:test";
import { World, bundle, runAction, runSync } from "./world.mjs";

const MEMBERS = [
  "ActionError", "accountId", "activityLogId", "clearCheckpoint", "connectionId", "delete", "environmentId", "environmentName", "get", "getCheckpoint",
  "getConnection", "getEnvironmentVariables", "getFieldMapping", "getFlowAttributes", "getIntegration", "getMetadata", "getToken", "getWebhookURL", "isCLI",
  "log", "logger", "paginate", "patch", "post", "provider", "providerConfigKey", "proxy", "put", "releaseAllLocks", "releaseLock", "runnerFlags",
  "saveCheckpoint", "scriptType", "setFieldMapping", "setLogger", "setMetadata", "startSync", "syncConfig", "triggerAction", "triggerSync",
  "tryAcquireLock", "uncontrolledFetch", "updateMetadata", "zodValidateInput",
];
const SYNC_MEMBERS = [
  "batchDelete", "batchSave", "batchSend", "batchUpdate", "deleteRecordsFromPreviousExecutions", "getRecordsByIds", "lastSyncDate", "listRecords",
  "setMergingStrategy", "syncId", "syncJobId", "trackDeletesEnd", "trackDeletesStart", "track_deletes", "variant",
];

// What a sync logs is how it tells something.
const told = async (body, options = {}) => {
  const run = await runSync(`const out = await (async () => { ${body} })(); await nango.log(JSON.stringify(out), { level: "error" });`, options);
  if (!run.outcome.ok) throw new Error(JSON.stringify(run.outcome));
  const message = run.world.of("nango.log").at(-1).arg.message;
  return { ...run, out: message === "undefined" ? undefined : JSON.parse(message) };
};

test("the members of nango", async () => {
  const { output } = await runAction("return Object.keys(nango).sort();");
  assert.deepEqual(output, MEMBERS);
  const { out } = await told("return Object.keys(nango).sort();", { context: { syncId: "s", syncJobId: 1, lastSyncDate: "2026-01-02T03:04:05.000Z" } });
  assert.deepEqual(out, [...MEMBERS, ...SYNC_MEMBERS].sort());
});

test("fields come from the request", async () => {
  const { output } = await runAction(
    "const { connectionId, providerConfigKey, provider, environmentId, environmentName, accountId, activityLogId, scriptType, isCLI, runnerFlags, syncConfig, syncId } = nango; return { connectionId, providerConfigKey, provider, environmentId, environmentName, accountId, activityLogId, scriptType, isCLI, runnerFlags, syncConfig, syncId };",
    { dryRun: true },
  );
  assert.deepEqual(output, {
    connectionId: "conn-1", providerConfigKey: "github", provider: "github", environmentId: 1, environmentName: "dev", accountId: 7, activityLogId: "log-1",
    scriptType: "action", isCLI: true, runnerFlags: {}, syncConfig: { sync_name: "function", type: "action", models: [] },
  });
  const { out } = await told("return [nango.variant, nango.lastSyncDate instanceof Date, nango.lastSyncDate, nango.track_deletes, nango.scriptType];", { context: { lastSyncDate: "2026-01-02T03:04:05.000Z", variant: "v" } });
  assert.deepEqual(out, ["v", true, "2026-01-02T03:04:05.000Z", false, "sync"]);
  assert.deepEqual((await told("return [nango.variant, typeof nango.lastSyncDate];")).out, ["base", "undefined"]);
});

test("internals are out of reach", async () => {
  const { output } = await runAction(`
    const blocked = {};
    for (const name of ["nango", "constructor", "__proto__", "lifecycle", "abortSignal", "integrationConfig", "telemetryBag"]) {
      try { blocked[name] = typeof nango[name]; } catch (error) { blocked[name] = error.message; }
    }
    const attempt = (fn) => { try { return fn(); } catch (error) { return error.message; } };
    const { get, log } = nango;
    await log("unbound");
    return {
      blocked,
      prototype: Object.getPrototypeOf(nango),
      set: attempt(() => { nango.constructor = 1; }),
      define: attempt(() => Object.defineProperty(nango, "lifecycle", { value: 1 })),
      own: Object.hasOwn(nango, "telemetryBag"),
      setPrototype: Reflect.setPrototypeOf(nango, {}),
      has: ["lifecycle" in nango, "get" in nango, "toString" in nango],
      unknown: typeof nango.unknown,
      instance: nango instanceof Object,
      awaited: (await nango) === nango,
      bound: typeof get,
    };`);
  const { blocked, ...rest } = output;
  for (const [name, text] of Object.entries(blocked)) assert.equal(text, `Access to "${name}" is not allowed.`);
  assert.deepEqual(rest, {
    prototype: null, set: 'Access to "constructor" is not allowed.', define: 'Access to "lifecycle" is not allowed.', own: false,
    setPrototype: false, has: [false, true, false], unknown: "undefined", instance: false, awaited: true, bound: "function",
  });
});

test("connections are kept for 60 s for each pair, unless an option is set", async () => {
  let count = 0;
  const host = { "nango.connection": () => ({ n: ++count, metadata: { m: count }, credentials: {} }) };
  const { output, world } = await runAction(
    `const n = async (...args) => (await nango.getConnection(...args)).n;
     const seen = [await n(), await n(), await n("github", "conn-1"), await n("other"), await n("other", "c"), await n()];
     seen.push(await n(undefined, undefined, { forceRefresh: true }), await n(), await n("github", "conn-1", { refreshToken: true }));
     seen.push((await nango.getMetadata()).m);
     return seen;`,
    { host },
  );
  assert.deepEqual(output, [1, 1, 1, 2, 3, 1, 4, 5, 6, 7]);
  assert.deepEqual(world.of("nango.connection").map(({ arg }) => arg), [
    {}, { integrationId: "other" }, { integrationId: "other", connectionId: "c" }, { forceRefresh: true }, {},
    { integrationId: "github", connectionId: "conn-1", refreshToken: true }, {},
  ]);
});

test("what is kept of connections and integrations grows old", async () => {
  const world = new World();
  let count = 0;
  world.host = {
    "nango.connection": () => ({ n: ++count }),
    "nango.integration": () => ({ n: ++count }),
    // Waits as long as it is told.
    "nango.environment": () => (world.sleep(59_999), { variables: [] }),
    "nango.webhook-url": () => (world.sleep(1), { url: null }),
    "nango.checkpoint": () => (world.sleep(600_000), { checkpoint: null }),
  };
  const source = bundle(`{ type: "action", description: "d", exec: async (nango) => {
    const seen = [(await nango.getConnection()).n, (await nango.getIntegration()).n];
    await nango.getEnvironmentVariables();
    seen.push((await nango.getConnection()).n);
    await nango.getWebhookURL();
    seen.push((await nango.getConnection()).n, (await nango.getIntegration()).n, (await nango.getIntegration({ include: ["webhook"] })).n);
    await nango.getCheckpoint();
    seen.push((await nango.getIntegration()).n);
    return seen; } }`);
  const { text } = await world.run(source, "nango", { job: "action", context: { scriptName: "f" } });
  assert.deepEqual(JSON.parse(text), [1, 2, 1, 3, 2, 4, 5]);
});

test("an unknown connection rejects like the call that asks for it", async () => {
  const host = { "nango.connection": () => ({ error: { status: 404, type: "unknown_connection", message: "none" } }) };
  const { output, statusCode } = await runAction("await nango.getConnection();", { host });
  assert.equal(statusCode, 424);
  assert.deepEqual(output.error.payload, { error: { code: "unknown_connection", message: "none" } });
  assert.equal(output.error.upstream.status, 404);
});

test("changed metadata is looked up again", async () => {
  let metadata = { a: 1 };
  const host = {
    "nango.connection": () => ({ metadata }),
    "nango.metadata": ({ mode, metadata: next }) => ((metadata = mode === "set" ? next : { ...metadata, ...next }), {}),
  };
  const { output } = await runAction(
    `const seen = [await nango.getMetadata()];
     await nango.updateMetadata({ b: 2 }); seen.push(await nango.getMetadata());
     await nango.setMetadata({ c: 3 }); seen.push(await nango.getMetadata());
     await nango.setFieldMapping({ x: "y" }); seen.push(await nango.getFieldMapping());
     try { await nango.setMetadata([]); } catch (error) { seen.push(error.name); }
     return seen;`,
    { host },
  );
  assert.deepEqual(output, [{ a: 1 }, { a: 1, b: 2 }, { c: 3 }, { x: "y" }, "TypeError"]);
});

test("getToken gives what the auth mode has", async () => {
  const token = async (credentials) => (await runAction("return nango.getToken();", { host: { "nango.connection": () => ({ credentials }) } })).output;
  assert.equal(await token({ type: "OAUTH2", access_token: "t" }), "t");
  assert.deepEqual(await token({ type: "OAUTH1", oauth_token: "a", oauth_token_secret: "b" }), { oAuthToken: "a", oAuthTokenSecret: "b" });
  assert.deepEqual(await token({ type: "API_KEY", apiKey: "k" }), { type: "API_KEY", apiKey: "k" });
});

test("environment and webhook URL", async () => {
  const host = { "nango.environment": () => ({ variables: [{ name: "A", value: "1" }] }), "nango.webhook-url": () => ({ url: "https://w.test" }) };
  const { output } = await runAction("return [await nango.getEnvironmentVariables(), await nango.getWebhookURL(), nango.getFlowAttributes()];", { host });
  assert.deepEqual(output, [[{ name: "A", value: "1" }], "https://w.test", {}]);
  assert.equal((await runAction("return nango.getEnvironmentVariables();", { host: { "nango.environment": () => ({ variables: null }) } })).text, "null");
});

const logged = async (body, options) =>
  (await runAction(body, options)).world.of("nango.log").map(({ arg: { at, ...rest } }) => {
    assert.match(at, /^\d{4}-\d\d-\d\dT.*Z$/);
    return rest;
  });

test("log keeps what is at or over the threshold, warn by default", async () => {
  const body = "for (const level of ['debug', 'info', 'warn', 'error']) await nango.log(level, { level }); await nango.log('plain');";
  const levels = async (options) => (await logged(body, options)).map(({ message }) => message);
  assert.deepEqual(await levels(), ["warn", "error"]);
  assert.deepEqual(await levels({ context: { logLevel: "debug" } }), ["debug", "info", "warn", "error", "plain"]);
  assert.deepEqual(await levels({ context: { logLevel: "error" } }), ["error"]);
  assert.deepEqual(await levels({ dryRun: true, context: { logLevel: "error" } }), ["debug", "info", "warn", "error", "plain"]);
});

test("log takes message, metadata and level apart", async () => {
  const rows = await logged(
    `await nango.log("m", { a: 1 }, { level: "error" });
     await nango.log({ o: 1 }, ["x", "y"]);
     await nango.log("former", { level: "http" });
     await nango.log("former", { level: "silly" });
     await nango.log("odd", { level: "loud" });
     await nango.log(new TypeError("t"));
     await nango.log();
     await nango.log({ level: "error" });`,
    { context: { logLevel: "debug" } },
  );
  assert.deepEqual(rows, [
    { level: "error", message: "m", meta: { a: 1 } },
    { level: "info", message: '{"o":1}', meta: { 0: "x", 1: "y" } },
    { level: "info", message: "former" },
    { level: "debug", message: "former" },
    { level: "info", message: "odd" },
    { level: "info", message: "TypeError: t" },
  ]);
});

test("a dry run's message has all arguments", async () => {
  const [row] = await logged("await nango.log('a', { b: 1 }, 2, { level: 'warn' });", { dryRun: true });
  assert.deepEqual(row, { level: "warn", message: "a [object Object] 2", meta: { b: 1 } });
});

test("setLogger changes the threshold until it is off", async () => {
  const rows = await logged(
    `nango.setLogger({ level: "debug" }); await nango.log("1", { level: "debug" });
     nango.setLogger({ level: "loud" }); await nango.log("2", { level: "debug" });
     nango.setLogger({ level: "off" }); await nango.log("3", { level: "error" });
     nango.setLogger({ level: "debug" }); await nango.log("4", { level: "error" });`,
  );
  assert.deepEqual(rows.map(({ message }) => message), ["1", "2"]);
  assert.deepEqual(await logged("nango.setLogger({ level: 'off' }); await nango.log('x', { level: 'error' });", { dryRun: true }), []);
});

test("zodValidateInput gives data or fails with one log line for each issue", async () => {
  const head = "const schema = z.object({ a: z.object({ b: z.string() }), c: z.coerce.number() });";
  const good = await runAction("return nango.zodValidateInput({ zodSchema: schema, input });", { head, input: { a: { b: "x" }, c: "2" } });
  assert.deepEqual(good.output, { success: true, data: { a: { b: "x" }, c: 2 } });
  const bad = await runAction("return nango.zodValidateInput({ zodSchema: schema, input });", { head, input: { a: { b: 1 }, c: 1 } });
  assert.deepEqual(bad.output.error.payload, { message: "Invalid input provided" });
  assert.equal(bad.output.error.code, "action_script_runtime_error");
  assert.deepEqual(bad.world.of("nango.log").map(({ arg }) => [arg.level, arg.message]), [["error", "Invalid input provided: Invalid input: expected string, received number at path a.b"]]);
});

test("triggering other functions", async () => {
  const host = { "nango.trigger-action": ({ input }) => ({ output: { got: input } }), "nango.trigger-sync": () => ({}), "nango.start-sync": () => ({}) };
  const { output, world } = await runAction(
    `const out = await nango.triggerAction("i", "c", "act", { a: 1 });
     await nango.triggerSync("i", "c", "s", "full_refresh");
     await nango.triggerSync("i", "c", { name: "s", variant: "v" }, { reset: true });
     await nango.triggerSync("i", "c", "s", true);
     await nango.triggerSync("i", "c", "s");
     await nango.startSync("i", ["a", { name: "b", variant: "v" }], "c");
     try { await nango.triggerAction("i", "c"); } catch (error) { return [out, error.name]; }`,
    { host },
  );
  assert.deepEqual(output, [{ got: { a: 1 } }, "TypeError"]);
  const target = { integrationId: "i", connectionId: "c" };
  assert.deepEqual(world.of("nango.trigger-sync").map(({ arg }) => arg), [
    { ...target, sync: "s", syncMode: "full_refresh" },
    { ...target, sync: { name: "s", variant: "v" }, opts: { reset: true } },
    { ...target, sync: "s", fullResync: true },
    { ...target, sync: "s" },
  ]);
  assert.deepEqual(world.of("nango.start-sync")[0].arg, { integrationId: "i", syncs: ["a", { name: "b", variant: "v" }], connectionId: "c" });
});

test("a triggered action that fails rejects with its answer", async () => {
  const body = { error: { code: "action_script_runtime_error", payload: { a: 1 } } };
  const host = { "nango.trigger-action": () => ({ error: { status: 500, body } }) };
  const { output } = await runAction("try { await nango.triggerAction('i', 'c', 'a'); } catch (error) { return [error.isAxiosError, error.response.status, error.response.data]; }", { host });
  assert.deepEqual(output, [true, 500, body]);
});

test("locks", async () => {
  const host = { "nango.lock": ({ key }) => ({ acquired: key === "free" }), "nango.unlock": ({ key }) => ({ released: key === "free" }), "nango.unlock-all": () => null };
  const { output, world } = await runAction(
    `const failures = [];
     for (const lock of [{ key: "", ttlMs: 1 }, { key: "a".repeat(256), ttlMs: 1 }, { key: "a", ttlMs: 0 }, { key: "a" }, {}]) {
       try { await nango.tryAcquireLock(lock); } catch (error) { failures.push(error.message.split(" ")[1]); }
     }
     const seen = [await nango.tryAcquireLock({ key: "free", ttlMs: 5 }), await nango.tryAcquireLock({ key: "taken", ttlMs: 5 }), await nango.releaseLock({ key: "taken" }), await nango.releaseLock({ key: "free" })];
     await nango.releaseAllLocks();
     return { failures: failures.length, seen };`,
    { host },
  );
  assert.deepEqual(output, { failures: 5, seen: [true, false, false, true] });
  assert.deepEqual(world.of("nango.lock")[0].arg, { key: "free", ttlMs: 5 });
  assert.equal(world.of("nango.unlock-all").length, 1);
});

test("checkpoints carry the version that was seen", async () => {
  let version = 4;
  const host = { "nango.checkpoint": ({ op }) => ({ checkpoint: op === "get" ? { at: "x" } : null, version: op === "get" ? version : ++version }) };
  const { output, world } = await runAction(
    "const seen = await nango.getCheckpoint(); await nango.saveCheckpoint({ at: 'y', n: 1, b: true }); await nango.saveCheckpoint({ at: 'z' }); await nango.clearCheckpoint(); return seen;",
    { host },
  );
  assert.deepEqual(output, { at: "x" });
  assert.deepEqual(world.of("nango.checkpoint").map(({ arg }) => arg), [
    { op: "get" }, { op: "save", value: { at: "y", n: 1, b: true }, version: 4 }, { op: "save", value: { at: "z" }, version: 5 }, { op: "clear", version: 6 },
  ]);
  const none = await runAction("return nango.getCheckpoint();", { host: { "nango.checkpoint": () => ({ checkpoint: null }) } });
  assert.equal(none.text, "null");
});

test("checkpoints refuse what is not flat, and tell of conflicts", async () => {
  const failed = async (body, answer) => (await runAction(body, { host: { "nango.checkpoint": () => answer ?? { version: 1 } } })).outcome.error?.payload.message;
  for (const value of ["null", "[]", "'x'", "{ a: null }", "{ a: { b: 1 } }", "{ a: undefined }", "{ a: NaN }", "{ a: [1] }"]) {
    assert.match(await failed(`await nango.saveCheckpoint(${value});`), /^Invalid checkpoint: /, value);
  }
  assert.equal(await failed("await nango.saveCheckpoint({});"), undefined);
  assert.match(await failed("await nango.saveCheckpoint({ a: 1 });", { conflict: true }), /^Error saving checkpoint: /);
  assert.match(await failed("await nango.clearCheckpoint();", { conflict: true }), /^Error clearing checkpoint: /);
});
