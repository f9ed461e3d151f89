import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";
import { World, runAction } from "./world.mjs";

const ABSENT = [
  "fetch", "Headers", "Request", "Response", "process", "global", "setInterval", "clearTimeout", "clearInterval", "setImmediate", "clearImmediate",
  "queueMicrotask", "TextEncoder", "TextDecoder", "btoa", "atob", "structuredClone", "AbortController", "AbortSignal", "crypto", "performance",
  "WebSocket", "WebAssembly", "navigator", "Blob", "File", "FormData", "ReadableStream", "EventTarget", "DOMException", "__strata",
];

test("a function sees the globals of its host and no others", async () => {
  const { output } = await runAction(`
    return {
      absent: ${JSON.stringify(ABSENT)}.filter((name) => name in globalThis),
      present: ["Buffer", "URL", "URLSearchParams", "setTimeout", "Error", "console", "Intl", "Reflect"].filter((name) => !(name in globalThis)),
      names: Object.keys(globalThis).sort(),
    };`);
  assert.deepEqual(output.absent, []);
  assert.deepEqual(output.present, []);
  const missing = await runAction("return fetch('https://x.test');");
  assert.equal(missing.outcome.error.payload.message, "fetch is not defined");
});

test("only three modules can be required, by their short names", async () => {
  const { output } = await runAction(`
    const { createHash, createHmac, randomUUID } = require("crypto");
    const { URLSearchParams: Params, parse } = require("url");
    return {
      hash: createHash("sha256").update("a").digest("hex"),
      hmac: createHmac("sha1", "k").update("a").digest("base64").length,
      uuid: randomUUID().length,
      query: new Params({ a: "b c" }).toString(),
      path: parse("https://a.test/p?q").pathname,
      same: require("zod") === require("zod"),
    };`);
  assert.deepEqual(output, { hash: createHash("sha256").update("a").digest("hex"), hmac: 28, uuid: 36, query: "a=b+c", path: "/p", same: true });
  for (const name of ["node:crypto", "fs", "soap", "node:url", "constructor"]) {
    const { outcome } = await runAction(`require(${JSON.stringify(name)});`);
    assert.equal(outcome.error.payload.message, `Module '${name}' is not allowed`);
  }
});

test("what stays works without what is gone", async () => {
  const { output } = await runAction(`
    const { randomBytes, pbkdf2, Hash } = require("crypto");
    await new Promise((resolve) => setTimeout(resolve, 5));
    const derived = await new Promise((resolve, reject) => pbkdf2("p", "s", 1, 8, "sha256", (error, key) => (error ? resolve(error.message) : resolve(key))));
    const hash = require("crypto").createHash("md5");
    const streamed = new Promise((resolve) => hash.on("data", (data) => resolve(data.toString("hex"))));
    hash.end("a");
    const url = new URL("/b?x=1", "https://a.test");
    url.searchParams.append("y", "ü");
    return {
      text: Buffer.from("héllo").toString("base64"),
      long: Buffer.from("é".repeat(2000)).toString().length,
      joined: Buffer.concat([Buffer.from("61", "hex"), Buffer.alloc(1, "b")]).toString(),
      is: Buffer.isBuffer(Buffer.from([1])),
      streamed: await streamed,
      url: url.href,
      bad: (() => { try { new URL("nope"); } catch (error) { return error.message; } })(),
      object: (() => { try { URL.createObjectURL(1); } catch (error) { return error.name; } })(),
      derived: typeof derived,
      random: randomBytes(4).length,
      stack: typeof new Error("x").stack,
    };`);
  assert.deepEqual(output, {
    text: "aMOpbGxv",
    long: 2000,
    joined: "ab",
    is: true,
    streamed: "0cc175b9c0f1b6a831c399e269772661",
    url: "https://a.test/b?x=1&y=%C3%BC",
    bad: "Invalid URL",
    object: "NotSupportedError",
    derived: "string",
    random: 4,
    stack: "string",
  });
});

test("code cannot be made from text", async () => {
  const { output } = await runAction(`
    const attempts = {
      eval: () => eval("1"),
      indirect: () => (0, eval)("1"),
      Function: () => new Function("return 1"),
      call: () => Function("return 1"),
      constructor: () => (() => {}).constructor("return 1"),
      async: () => (async () => {}).constructor("return 1"),
      generator: () => (function* () {}).constructor("yield 1"),
      asyncGenerator: () => (async function* () {}).constructor("yield 1"),
    };
    const out = {};
    for (const [name, attempt] of Object.entries(attempts)) {
      try { attempt(); out[name] = "ran"; } catch (error) { out[name] = error.name; }
    }
    out.instance = (() => {}) instanceof Function;
    return out;`);
  const { instance, ...attempts } = output;
  assert.equal(instance, true);
  assert.deepEqual(new Set(Object.values(attempts)), new Set(["EvalError"]));
});

test("console is silent when deployed and prints in a dry run", async () => {
  const body = "console.log('a', { b: 1 }); console.error('bad'); console.table([1]); console.log(nango); return 1;";
  const deployed = await runAction(body);
  assert.equal(deployed.output, 1);
  assert.deepEqual(deployed.world.of("nango.console"), []);
  assert.deepEqual(deployed.world.printed, []);
  const dry = await runAction(body, { dryRun: true });
  const printed = dry.world.of("nango.console").map(({ arg }) => arg);
  assert.equal(printed.length, 4);
  assert.deepEqual([printed[0], printed[1], printed[3]], [
    { level: "info", line: "a { b: 1 }" },
    { level: "error", line: "bad" },
    { level: "info", line: "[nango]" },
  ]);
});

test("what a program prints while it is loaded goes nowhere", async () => {
  const { world } = await runAction("return 1;", { dryRun: true, head: "console.log('top');" });
  assert.deepEqual(world.printed, []);
  assert.deepEqual(world.of("nango.console"), []);
});

test("zod works with all of its checks", async () => {
  const { output } = await runAction(`
    const ok = (schema, value) => schema.safeParse(value).success;
    return {
      base64: [ok(z.base64(), "aGk="), ok(z.base64(), "a")],
      url: [ok(z.url(), "https://a.test"), ok(z.url(), "nope")],
      jwt: ok(z.jwt(), "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2ln"),
      object: ok(z.object({ a: z.string().email().optional(), b: z.array(z.number().int()) }).passthrough(), { b: [1], c: 2 }),
      union: z.discriminatedUnion("t", [z.object({ t: z.literal("a") }), z.object({ t: z.literal("b"), n: z.coerce.number() })]).parse({ t: "b", n: "2" }),
    };`);
  assert.deepEqual(output, { base64: [true, false], url: [true, false], jwt: true, object: true, union: { t: "b", n: 2 } });
});

test("the prelude without the image keeps its own ways", async () => {
  const world = new World({ image: false, host: { fetch: () => ({ value: { status: 200, statusText: "OK", headers: [["x-a", "1"]], url: "https://a.test/" }, data: "hi" }) } });
  const source = `
    const { Readable } = require("node:stream");
    module.exports = async ({ res }) => {
      console.log("seen");
      const response = await fetch("https://a.test/", { method: "POST", body: new URLSearchParams({ a: "1" }) });
      const chunks = [];
      for await (const chunk of Readable.from(["a", "b"])) chunks.push(chunk);
      const aborted = AbortSignal.abort();
      const channel = new MessageChannel();
      const heard = new Promise((resolve) => (channel.port2.onmessage = (event) => resolve(event.data)));
      channel.port1.postMessage({ n: 1 });
      const piped = await new Response(new Blob(["xyz"]).stream().pipeThrough(new TransformStream())).text();
      return res.json({ text: await response.text(), chunks, reason: aborted.reason.name, heard: await heard, piped });
    };`;
  const { kind, value, text } = await world.run(source, "appwrite", {});
  assert.equal(kind, "done", JSON.stringify(value));
  assert.deepEqual(JSON.parse(text), { text: "hi", chunks: ["a", "b"], reason: "AbortError", heard: { n: 1 }, piped: "xyz" });
  assert.equal(world.of("fetch")[0].data, "a=1");
  assert.equal(world.printed.at(-1), "seen");
});

test("a program gets at nothing of the platform", async () => {
  const { output } = await runAction("return [typeof __strata, typeof require.main, Object.keys(require)];");
  assert.deepEqual(output, ["undefined", "undefined", []]);
});
