import assert from "node:assert/strict";
import test from "node:test";
import { json, runAction } from "./world.mjs";

// The one HTTP call that `body` makes, and what came of it.
const calling = async (body, answer = json({})) => {
  const run = await runAction(body, { host: { "nango.http": () => answer } });
  const [call] = run.world.of("nango.http");
  return { ...run, call };
};

test("every option of a call reaches the host", async () => {
  const { call } = await calling(`await nango.proxy({ endpoint: "/a", method: "put", params: { a: 1, b: ["x", "y"], c: undefined }, headers: { "X-A": 1, gone: undefined },
    retries: 3, retryOn: [404], baseUrlOverride: "https://b.test", responseType: "text", decompress: true, retryHeader: { at: "x-at" },
    forwardHeadersOnRedirect: true, providerConfigKey: "other", connectionId: "c2" });`);
  assert.deepEqual(call.arg, {
    method: "PUT", endpoint: "/a", params: { a: "1", b: "x,y" }, headers: { "x-a": "1" }, retries: 3, retryOn: [404], baseUrlOverride: "https://b.test",
    responseType: "text", decompress: true, retryHeader: { at: "x-at" }, forwardHeadersOnRedirect: true, providerConfigKey: "other", connectionId: "c2", body: "none",
  });
});

test("the short forms set the method and leave the caller's object alone", async () => {
  const { world, output } = await runAction(
    `const config = { endpoint: "/a", method: "PATCH" };
     for (const name of ["get", "post", "put", "patch", "delete"]) { const fn = nango[name]; await fn(config); }
     await nango.proxy({ endpoint: "/a" });
     return config;`,
    { host: { "nango.http": () => json({}) } },
  );
  assert.deepEqual(world.of("nango.http").map(({ arg }) => arg.method), ["GET", "POST", "PUT", "PATCH", "DELETE", "GET"]);
  assert.deepEqual(output, { endpoint: "/a", method: "PATCH" });
});

test("calls without an endpoint, or with two queries, are refused", async () => {
  for (const config of ["{}", "undefined", "{ endpoint: 5 }", "{ endpoint: '' }", "{ endpoint: '/a?b=1', params: 'c=2' }", "{ endpoint: '/a', method: 'TRACE' }"]) {
    const { outcome, world } = await runAction(`await nango.proxy(${config});`);
    assert.equal(outcome.ok, false, config);
    assert.deepEqual(world.of("nango.http"), []);
  }
  const { call } = await calling("await nango.get({ endpoint: '/a', params: '?c=2' });");
  assert.equal(call.arg.params, "c=2");
});

const sent = async (data, { headers = "{}", method = "post" } = {}) => {
  const { call, outcome } = await calling(`await nango.${method}({ endpoint: "/", headers: ${headers}, data: ${data} });`);
  assert.deepEqual(outcome, { ok: true, undefined: true });
  return { kind: call.arg.body, type: call.arg.contentType, text: call.data, headers: call.arg.headers };
};

test("bodies are what axios makes of them", async () => {
  const form = "application/x-www-form-urlencoded";
  const table = [
    ["{ a: [1], b: undefined }", {}, ["json", "application/json", '{"a":[1]}']],
    ["[1]", {}, ["json", "application/json", "[1]"]],
    ["5", {}, ["json", "application/json", "5"]],
    ["'a=1'", {}, ["text", form, "a=1"]],
    ["'a=1'", { method: "delete" }, ["text", undefined, "a=1"]],
    ["'<a/>'", { headers: "{ 'Content-Type': 'text/xml' }" }, ["text", undefined, "<a/>"]],
    ["'{\"a\":1} '", { headers: "{ 'content-type': 'application/json' }" }, ["json", undefined, '{"a":1}']],
    ["'plain'", { headers: "{ 'content-type': 'application/json' }" }, ["json", undefined, '"plain"']],
    ["{ a: 1 }", { headers: "{ 'content-type': 'application/vnd.api+json' }" }, ["json", undefined, '{"a":1}']],
    ["new URLSearchParams({ a: 'b c' })", {}, ["form", `${form};charset=utf-8`, "a=b+c"]],
    ["{ a: 'b c', l: [1, 2], o: { p: null }, u: undefined, d: new Date(0) }", { headers: `{ 'content-type': '${form}' }` }, ["form", undefined, "a=b+c&l%5B%5D=1&l%5B%5D=2&o%5Bp%5D=&d=1970-01-01T00%3A00%3A00.000Z"]],
    ["Buffer.from('raw')", { headers: "{ 'content-type': 'image/png' }" }, ["bytes", undefined, "raw"]],
    ["new Uint8Array([97, 98]).buffer", {}, ["bytes", form, "ab"]],
    ["(async function* () { yield Buffer.from('a'); yield 'b'; })()", { headers: "{ 'content-type': 'a/b' }" }, ["bytes", undefined, "ab"]],
    ["undefined", {}, ["none", undefined, ""]],
    ["null", {}, ["none", undefined, ""]],
    ["{ a: 1 }", { method: "get" }, ["none", undefined, ""]],
    ["{ a: '\\ud800' }", {}, ["json", "application/json", '{"a":"\ufffd"}']],
  ];
  for (const [data, options, expected] of table) {
    const { kind, type, text } = await sent(data, options);
    assert.deepEqual([kind, type, text], expected, `${data} ${JSON.stringify(options)}`);
  }
});

test("an object under multipart/form-data becomes a form", async () => {
  const { kind, type, text, headers } = await sent("{ a: 'é', n: 1, l: ['x', 'y'], o: { p: 1 }, f: Buffer.from('bytes'), gone: undefined }", {
    headers: "{ 'Content-Type': 'multipart/form-data', 'x-a': 'b' }",
  });
  assert.equal(kind, "multipart");
  assert.deepEqual(headers, { "x-a": "b" });
  const form = await new Response(Buffer.from(text), { headers: { "content-type": type } }).formData();
  const parts = [];
  for (const [name, value] of form) parts.push([name, typeof value === "string" ? value : `${value.name}:${await value.text()}`]);
  assert.deepEqual(parts, [["a", "é"], ["n", "1"], ["l", "x"], ["l", "y"], ["o", '{"p":1}'], ["f", "f:bytes"]]);
  const ready = await sent("'--b--'", { headers: "{ 'content-type': 'multipart/form-data; boundary=b' }" });
  assert.deepEqual([ready.kind, ready.headers["content-type"], ready.text], ["text", "multipart/form-data; boundary=b", "--b--"]);
});

test("a response has the shape of axios", async () => {
  const answer = json({ a: 1 }, { status: 201, headers: { etag: "e", "set-cookie": ["a", "b"] }, url: "https://api.test/p?q=1" });
  const { output } = await calling(
    `const response = await nango.post({ endpoint: "/p", data: { b: 2 }, headers: { A: "1" } });
     return [Object.keys(response).sort(), response.data, response.status, response.statusText, response.headers, response.headers.get("ETag"), response.config, response.request];`,
    answer,
  );
  assert.deepEqual(output, [
    ["config", "data", "headers", "request", "status", "statusText"],
    { a: 1 }, 201, "",
    { "content-type": "application/json", etag: "e", "set-cookie": ["a", "b"] }, "e",
    { method: "post", url: "https://api.test/p?q=1", headers: { a: "1" }, data: { b: 2 } },
    { method: "GET", protocol: "https:", host: "api.test", path: "/p?q=1", res: { responseUrl: "https://api.test/p?q=1" } },
  ]);
});

test("bodies are read by responseType", async () => {
  const read = async (type, data, show = "data") =>
    (await calling(`const { data } = await nango.get({ endpoint: "/"${type ? `, responseType: "${type}"` : ""} }); return ${show};`, { ...json(""), data })).output;
  assert.deepEqual(await read(undefined, '\ufeff{"a":1}'), { a: 1 });
  assert.equal(await read(undefined, "not json"), "not json");
  assert.equal(await read(undefined, ""), "");
  assert.equal(await read("json", "<a/>"), "<a/>");
  assert.equal(await read("text", '{"a":1}'), '{"a":1}');
  assert.equal(await read("document", "<a/>"), "<a/>");
  const bytes = new Uint8Array([0, 255, 1]);
  assert.deepEqual(await read("arraybuffer", bytes, "[Buffer.isBuffer(data), data.toString('hex')]"), [true, "00ff01"]);
  assert.deepEqual(await read("blob", bytes, "[data.size, data.type, (await data.arrayBuffer()).byteLength]"), [3, "application/json", 3]);
  assert.deepEqual(await read("stream", "abc", "await (async () => { const all = []; for await (const chunk of data) all.push(chunk); return [Buffer.concat(all).toString(), Buffer.isBuffer(all[0])]; })()"), ["abc", true]);
});

test("a status outside 2xx rejects in the shape of axios", async () => {
  const shape = async (status) =>
    (await calling(
      `try { await nango.post({ endpoint: "/p", data: { a: 1 } }); } catch (error) {
         return [error instanceof Error, error.name, error.message, error.code ?? null, error.isAxiosError, error.status, error.response.data, error.response.status, error.config.url, error.request.path, Object.keys(error.toJSON()).sort(), String(error)];
       }`,
      json({ why: "x" }, { status }),
    )).output;
  const rest = [{ why: "x" }];
  const keys = ["code", "config", "message", "name", "stack", "status"];
  for (const [status, code] of [[404, "ERR_BAD_REQUEST"], [503, "ERR_BAD_RESPONSE"], [304, null]]) {
    const message = `Request failed with status code ${status}`;
    const shown = code === null ? keys.filter((key) => key !== "code") : keys;
    const got = await shape(status);
    got[10] = got[10].filter((key) => shown.includes(key));
    assert.deepEqual(got, [true, "AxiosError", message, code, true, status, ...rest, status, "https://api.test/x", "/x", shown, `AxiosError: ${message}`]);
  }
});

test("a call without an answer rejects without a response", async () => {
  const failed = async (failure) =>
    (await calling("try { await nango.get({ endpoint: '/' }); } catch (error) { return [error.name, error.code, error.message, 'response' in error, error.isAxiosError === true]; }", { failure })).output;
  assert.deepEqual(await failed({ code: "ECONNRESET", message: "reset" }), ["AxiosError", "ECONNRESET", "reset", false, true]);
  assert.deepEqual(await failed({ code: "unknown_connection", message: "none" }), ["Error", "unknown_connection", "none", false, false]);
});

test("cancellation has a type of its own", async () => {
  const { outcome } = await calling("await nango.get({ endpoint: '/' });", { failure: { code: "script_aborted", message: "cancelled" } });
  assert.equal(outcome.error.type, "script_aborted");
});

test("uncontrolledFetch gives a Response", async () => {
  const host = { "nango.fetch": () => ({ value: { status: 404, statusText: "Not Found", headers: { "x-a": "1", "set-cookie": ["a=1", "b=2"] }, url: "https://o.test/p" }, data: '{"a":1}' }) };
  const { output, world } = await runAction(
    `const response = await nango.uncontrolledFetch({ url: new URL("https://o.test/p"), method: "post", headers: { "X-B": "2" }, body: "hi" });
     return [response.ok, response.status, response.statusText, response.url, response.headers.get("x-a"), response.headers.getSetCookie(), await response.clone().text(), await response.json()];`,
    { host },
  );
  assert.deepEqual(output, [false, 404, "Not Found", "https://o.test/p", "1", ["a=1", "b=2"], '{"a":1}', { a: 1 }]);
  assert.deepEqual(world.of("nango.fetch")[0], { op: "nango.fetch", arg: { url: "https://o.test/p", method: "POST", headers: { "x-b": "2" } }, data: "hi" });
});

test("uncontrolledFetch tells refused addresses and broken networks", async () => {
  const failed = async (failure) => (await runAction("await nango.uncontrolledFetch({ url: new URL('https://o.test/') });", { host: { "nango.fetch": () => ({ failure }) } })).output.error;
  assert.deepEqual(await failed({ code: "url_not_allowed", message: "no" }), {
    message: "The action script failed with a runtime error", code: "action_script_runtime_error", payload: { code: "url_not_allowed", message: "no" },
  });
  const broken = await failed({ code: "ECONNREFUSED", message: "refused" });
  assert.deepEqual([broken.code, broken.payload.name, broken.payload.message], ["script_internal_error", "TypeError", "fetch failed"]);
});
