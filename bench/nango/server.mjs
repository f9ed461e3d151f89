// A warm server that evaluates the bundle in a new context for each call:
// `node server.mjs BUNDLE`. zod comes from beside the bundle and is loaded once.
// Prints its port, ends with its standard input.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";

import { ActionError, evaluate, script } from "./host.mjs";

const [bundle] = process.argv.slice(2);
const zod = createRequire(bundle)("zod");
const compiled = script(readFileSync(bundle, "utf8"));

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  let [status, answer] = [200, undefined];
  try {
    const { input } = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    const definition = evaluate(compiled, (name) => ({ zod })[name]);
    answer = await definition.exec({ ActionError }, input ?? {});
  } catch (error) {
    [status, answer] = [500, { error: { code: error.type ?? "script_internal_error", payload: error.payload ?? error.message } }];
  }
  const body = JSON.stringify(answer);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  response.end(body);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
