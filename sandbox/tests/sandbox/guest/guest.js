import { Fields, OutgoingRequest, OutgoingResponse, OutgoingBody, ResponseOutparam } from "wasi:http/types@0.2.0";
import outgoing from "wasi:http/outgoing-handler@0.2.0";
import stdout from "wasi:cli/stdout@0.2.0";
import stderr from "wasi:cli/stderr@0.2.0";
import environment from "wasi:cli/environment@0.2.0";

const bytes = (text) => Uint8Array.from(unescape(encodeURIComponent(text)), (c) => c.charCodeAt(0));
const string = (bytes) => decodeURIComponent(escape(String.fromCharCode(...bytes)));
// A resource goes before the one that it came from.
const drop = (...resources) => {
  for (const resource of resources) resource[Symbol.dispose]();
};
const print = (stream, line) => {
  stream.blockingWriteAndFlush(bytes(`${line}\n`));
  drop(stream);
};

let count = 0;

const readAll = (request) => {
  const body = request.consume();
  const stream = body.stream();
  const all = [];
  try {
    for (;;) all.push(...stream.blockingRead(4096));
  } catch {
    drop(stream, body);
    return string(all);
  }
};

// Asks the authority named by the path; gives status or the error's tag.
const ask = (authority) => {
  const request = new OutgoingRequest(new Fields());
  request.setScheme({ tag: "HTTP" });
  request.setAuthority(authority);
  request.setPathWithQuery("/asked");
  try {
    const future = outgoing.handle(request, null);
    const pollable = future.subscribe();
    pollable.block();
    drop(pollable);
    const answer = future.get();
    drop(future);
    if (answer.val.tag !== "ok") return answer.val.val.tag;
    const status = String(answer.val.val.status());
    drop(answer.val.val);
    return status;
  } catch (error) {
    return error.payload?.tag ?? String(error);
  }
};

export const incomingHandler = {
  handle(request, out) {
    const path = request.pathWithQuery();
    if (path === "/loop") for (;;);
    if (path === "/bomb") for (const all = []; ; ) all.push(new Uint8Array(1 << 20));
    if (path === "/nothing") return;
    if (path === "/throw") throw new Error("on purpose");
    print(stdout.getStdout(), `path ${path}`);
    print(stderr.getStderr(), "an error line");
    const fields = request.headers();
    const headers = fields.entries().map(([name, value]) => [name, string(value)]);
    drop(fields);
    const body = JSON.stringify({
      method: request.method().tag,
      path,
      authority: request.authority(),
      custom: headers.find(([name]) => name === "x-custom")?.[1],
      body: readAll(request),
      env: Object.fromEntries(environment.getEnvironment()),
      count: ++count,
      asked: path.startsWith("/ask/") ? ask(path.slice(5)) : undefined,
    });
    const own = new Fields();
    own.append("content-type", bytes("application/json"));
    const response = new OutgoingResponse(own);
    response.setStatusCode(201);
    const outgoingBody = response.body();
    ResponseOutparam.set(out, { tag: "ok", val: response });
    const stream = outgoingBody.write();
    const payload = bytes(path === "/big" ? "x".repeat(100000) : body);
    for (let at = 0; at < payload.length; at += 4096) stream.blockingWriteAndFlush(payload.slice(at, at + 4096));
    drop(stream);
    OutgoingBody.finish(outgoingBody, null);
  },
};
