// A warm server: prints its port, ends with its standard input.
import { createServer } from "node:http";

import { answer } from "./adapter.mjs";

const server = createServer(async (request, response) => {
  const { statusCode, body } = await answer(request.url);
  response.writeHead(statusCode, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  response.end(body);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
