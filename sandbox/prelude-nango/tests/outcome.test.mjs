import assert from "node:assert/strict";
import test from "node:test";
import { json, runAction, runDefinition, runSync } from "./world.mjs";

test("an action's output is answered as it is", async () => {
  const { statusCode, headers, outcome, text } = await runAction("return { a: [1, null], d: new Date(0) };");
  assert.equal(statusCode, 200);
  assert.deepEqual(headers, [["content-type", "application/json; charset=utf-8"]]);
  assert.deepEqual(outcome, { ok: true });
  assert.equal(text, '{"a":[1,null],"d":"1970-01-01T00:00:00.000Z"}');
  assert.equal((await runAction("return null;")).text, "null");
});

test("nothing returned is an empty text", async () => {
  const { statusCode, outcome, text } = await runAction("");
  assert.equal(statusCode, 200);
  assert.deepEqual(outcome, { ok: true, undefined: true });
  assert.equal(text, "");
});

test("a deployed action without an input gets an empty object, a dry run what there is", async () => {
  for (const input of [null, 0, "", false]) assert.equal((await runAction("return input;", { input })).text, "{}");
  assert.equal((await runAction("return input;")).text, "{}");
  assert.equal((await runAction("return input;", { input: [1] })).text, "[1]");
  assert.equal((await runAction("return input;", { input: 0, dryRun: true })).text, "0");
  assert.equal((await runAction("return typeof input;", { dryRun: true })).text, '"undefined"');
});

test("exec is a method of the definition and its promise may be any thenable", async () => {
  const { output } = await runDefinition(`{ type: "action", description: "d", extra: 5, exec(nango, input) { return { then: (ok) => ok(this.extra) }; } }`);
  assert.equal(output, 5);
});

test("output over the limit fails when deployed", async () => {
  const body = "return 'é'.repeat(1048576 - 1);";
  assert.equal((await runAction(body)).outcome.ok, true);
  const { statusCode, output, outcome } = await runAction("return 'é'.repeat(1048576);");
  assert.equal(statusCode, 500);
  assert.equal(output.error.code, "script_internal_error");
  assert.match(output.error.payload.message, /^Output size is too large/);
  assert.equal(outcome.ok, false);
  assert.equal((await runAction("return 'é'.repeat(1048576);", { dryRun: true })).outcome.ok, true);
});

test("output that has no JSON form is an internal error", async () => {
  const { output } = await runAction("const a = {}; a.a = a; return a;");
  assert.equal(output.error.code, "script_internal_error");
  assert.equal((await runAction("return 1n;")).output.error.payload.name, "TypeError");
});

test("half of a surrogate pair does not reach the host", async () => {
  const { text } = await runAction("return { a: '\\ud800x', b: '😀' };");
  assert.equal(text, '{"a":"\ufffdx","b":"😀"}');
});

test("ActionError is told with its payload", async () => {
  const failed = (payload, options) => runAction(`const fail = () => { throw new nango.ActionError(${payload}); }; fail();`, options);
  const { statusCode, text, outcome } = await failed('{ type: "no_data", n: 1 }');
  assert.equal(statusCode, 500);
  assert.equal(text, '{"error":{"message":"The action script failed with a runtime error","code":"action_script_runtime_error","payload":{"type":"no_data","n":1}}}');
  assert.deepEqual(outcome, { ok: false, error: { type: "action_script_runtime_error", payload: { type: "no_data", n: 1 }, status: 500 } });
  assert.deepEqual((await failed("[1]")).output.error.payload, { message: [1] });
  assert.deepEqual((await failed("'no'")).output.error.payload, { message: "no" });
  assert.deepEqual((await failed("")).output.error.payload, {});
  assert.deepEqual((await failed("[1]", { dryRun: true })).outcome.error.payload, [1]);
});

test("ActionError is an Error without a message, known by identity", async () => {
  const { output } = await runAction(`
    const error = new nango.ActionError({ a: 1 });
    return [error instanceof Error, error instanceof nango.ActionError, error.message, error.type, error.payload];`);
  assert.deepEqual(output, [true, true, "", "action_script_runtime_error", { a: 1 }]);
  const lookalike = await runAction("throw Object.assign(new Error('x'), { type: 'action_script_runtime_error', payload: {} });");
  assert.equal(lookalike.output.error.code, "script_internal_error");
});

test("a payload is cut to about 99,000 bytes", async () => {
  const { text, output } = await runAction("throw new nango.ActionError({ a: 'é'.repeat(200000), b: 1 });");
  assert.ok(Buffer.byteLength(text) < 100_000 && Buffer.byteLength(text) > 70_000);
  assert.ok(output.error.payload.a.endsWith("..."));
  const many = await runAction("throw new nango.ActionError({ list: Array.from({ length: 50000 }, (_, i) => ({ i })) });");
  assert.ok(Buffer.byteLength(many.text) < 100_000 && many.output.error.payload.list.length > 1000);
});

const upstream = { host: { "nango.http": () => json({ reason: "gone" }, { status: 404, headers: { "x-ratelimit-limit": "5", "set-cookie": ["a", "b"], authorization: "s" } }) } };

test("an upstream HTTP error is 424 with the upstream's answer", async () => {
  const { statusCode, output, outcome } = await runAction("await nango.get({ endpoint: '/x' });", upstream);
  assert.equal(statusCode, 424);
  const shown = { status: 404, headers: { "content-type": "application/json", "x-ratelimit-limit": "5" }, body: { reason: "gone" } };
  assert.deepEqual(output, { error: { payload: { reason: "gone" }, code: "script_http_error", upstream: shown } });
  assert.deepEqual(outcome.error, { type: "script_http_error", payload: { reason: "gone" }, status: 404, upstream: shown });
});

test("a dry run tells an HTTP error with the upstream's status", async () => {
  const dry = async (answer) => (await runAction("await nango.get({ endpoint: '/x' });", { dryRun: true, host: { "nango.http": () => answer } })).outcome.error;
  assert.deepEqual(await dry(json({ reason: "gone" }, { status: 404 })), { type: "script_http_error", payload: { reason: "gone" }, status: 404 });
  assert.deepEqual(await dry({ ...json("", { status: 502 }), data: "oops" }), { type: "script_http_error", payload: { message: "oops" }, status: 502 });
  assert.deepEqual(await dry({ ...json("", { status: 500 }), data: "" }), {
    type: "script_http_error",
    payload: { name: "AxiosError", code: "ERR_BAD_RESPONSE", message: "Request failed with status code 500" },
    status: 500,
  });
  assert.deepEqual(await dry({ failure: { code: "ECONNREFUSED", message: "connect ECONNREFUSED" } }), {
    type: "script_http_error",
    payload: { name: "AxiosError", code: "ECONNREFUSED", message: "connect ECONNREFUSED" },
    status: 500,
  });
});

test("a network error is 500 script_network_error", async () => {
  const host = { "nango.http": () => ({ failure: { code: "ETIMEDOUT", message: "timed out" } }) };
  const { statusCode, output } = await runAction("await nango.get({ endpoint: '/x' });", { host });
  assert.equal(statusCode, 500);
  assert.deepEqual(output, { error: { payload: { name: "AxiosError", code: "ETIMEDOUT", message: "timed out" }, code: "script_network_error" } });
});

test("other errors are internal, with at most 10 lines of stack", async () => {
  const { statusCode, output } = await runAction("const deep = (n) => { if (n === 0) throw Object.assign(new RangeError('no'), { code: 'E1' }); deep(n - 1); }; deep(30);");
  assert.equal(statusCode, 500);
  const { stacktrace, ...payload } = output.error.payload;
  assert.equal(output.error.code, "script_internal_error");
  assert.deepEqual(payload, { name: "RangeError", code: "E1", message: "no" });
  assert.equal(stacktrace.length, 10);
  assert.equal(stacktrace[0], "RangeError: no");
});

test("a dry run shows 5 lines of stack beside the payload", async () => {
  const { outcome } = await runAction("const deep = (n) => { if (n === 0) throw new Error('no'); deep(n - 1); }; deep(30);", { dryRun: true });
  const { stacktrace, ...error } = outcome.error;
  assert.deepEqual(error, { type: "script_internal_error", payload: { name: "Error", message: "no" }, status: 500 });
  assert.equal(stacktrace.length, 5);
});

test("what is thrown need not be an error", async () => {
  const thrown = async (what) => (await runAction(`throw ${what};`, { dryRun: true })).outcome.error;
  assert.deepEqual(await thrown("'x'"), { type: "script_internal_error", payload: { name: "Error", message: '"x"' }, status: 500 });
  assert.equal((await thrown("undefined")).payload.message, "undefined");
  assert.equal((await thrown("{ a: 1 }")).payload.message, '{"a":1}');
  assert.equal((await thrown("null")).payload.message, "null");
});

test("schemas are checked when asked for", async () => {
  const definition = `{ type: "action", description: "d", input: z.object({ a: z.string() }), output: z.object({ b: z.number() }), exec: async (nango, input) => ({ b: "x" }) }`;
  const unchecked = await runDefinition(definition, { input: { a: 1 } });
  assert.deepEqual(unchecked.output, { b: "x" });
  const input = await runDefinition(definition, { input: { a: 1 }, validate: { input: true } });
  assert.equal(input.statusCode, 400);
  assert.equal(input.output.error.code, "invalid_action_input");
  assert.deepEqual(input.output.error.payload.validation.map(({ path }) => path), [["a"]]);
  const output = await runDefinition(definition, { input: { a: "1" }, validate: { input: true, output: true } });
  assert.equal(output.statusCode, 500);
  assert.equal(output.output.error.code, "invalid_action_output");
});

test("a dry run only warns about schemas", async () => {
  const definition = `{ type: "action", description: "d", input: z.object({ a: z.string() }), output: z.object({ b: z.number() }), exec: async () => ({ b: "x" }) }`;
  const { world, outcome } = await runDefinition(definition, { input: { a: 1 }, dryRun: true });
  assert.deepEqual(outcome, { ok: true });
  assert.deepEqual(world.of("nango.console").map(({ arg }) => [arg.level, arg.line.split("\n")[0]]), [["warn", "Invalid action input:"], ["warn", "Invalid action output:"]]);
  const quiet = await runDefinition(definition, { input: { a: 1 }, dryRun: true, validate: { input: false, output: false } });
  assert.deepEqual(quiet.world.of("nango.console"), []);
});

test("webhooks, syncs and events run their function and give no output", async () => {
  const sync = `{ type: "sync", description: "d", models: { A: z.object({ id: z.string() }) },
    async exec(nango, ...rest) { await nango.log(["exec", rest.length].join()); return 1; },
    async onWebhook(nango, payload) { await nango.log(JSON.stringify(payload)); return 2; } }`;
  const host = { context: { logLevel: "info" } };
  const run = await runDefinition(sync, { job: "sync", ...host });
  assert.equal(run.text, "");
  assert.deepEqual(run.outcome, { ok: true, undefined: true });
  assert.equal(run.world.of("nango.log")[0].arg.message, "exec,0");
  const webhook = await runDefinition(sync, { job: "webhook", input: { a: null }, ...host });
  assert.equal(webhook.world.of("nango.log")[0].arg.message, '{"a":null}');
  const event = await runDefinition(`{ type: "onEvent", description: "d", event: "validate-connection", exec: async (nango) => nango.log("on") }`, { job: "on-event", ...host });
  assert.equal(event.world.of("nango.log")[0].arg.message, "on");
});

test("a job whose definition is another is not run", async () => {
  const found = async (type, job, more = "") => (await runDefinition(`{ type: "${type}", description: "d", exec() {} ${more} }`, { job })).outcome.error;
  for (const [type, job] of [["sync", "action"], ["onEvent", "action"], ["function", "action"], ["action", "sync"]]) {
    const { type: code, payload } = await found(type, job);
    assert.equal(code, "function_not_found");
    assert.equal(payload.message, 'Unable to find script file for "function"');
  }
  assert.equal((await found("sync", "webhook")).payload.message, 'The script "function" has no onWebhook function');
});

test("locks that are held are released when the run ends, however it ends", async () => {
  const host = { "nango.lock": ({ key }) => ({ acquired: key !== "taken" }), "nango.unlock": () => ({ released: true }), "nango.unlock-all": () => null };
  const ends = async (body) => (await runAction(body, { host })).world.of("nango.unlock-all").length;
  assert.equal(await ends("await nango.tryAcquireLock({ key: 'a', ttlMs: 10 });"), 1);
  assert.equal(await ends("await nango.tryAcquireLock({ key: 'a', ttlMs: 10 }); throw new Error('x');"), 1);
  assert.equal(await ends("await nango.tryAcquireLock({ key: 'taken', ttlMs: 10 });"), 0);
  assert.equal(await ends("await nango.tryAcquireLock({ key: 'a', ttlMs: 10 }); await nango.releaseLock({ key: 'a' });"), 0);
  assert.equal(await ends(""), 0);
});

test("a checkpoint that interrupts ends the run with a type of its own", async () => {
  const host = { "nango.checkpoint": ({ op }) => ({ checkpoint: null, version: 1, ...(op === "save" && { interrupt: true }) }) };
  const { outcome } = await runSync("await nango.saveCheckpoint({ a: 1 }); await nango.log('later', { level: 'error' });", { host });
  assert.equal(outcome.error.type, "execution_interrupted");
  assert.equal(outcome.ok, false);
});
