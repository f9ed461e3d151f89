// Load from this process, for what bench/load does not send: requests with
// headers or bodies of their own, and work that is no request.
import { once } from "node:events";
import { connect } from "node:net";

/** Longest wait for one answer. */
const PATIENCE = 60_000;

/** What some durations in microseconds come to; `seconds` is how long all took. */
export function summary(micros, seconds) {
  if (micros.length === 0) throw new Error("nothing was measured");
  const sorted = [...micros].sort((a, b) => a - b);
  const at = (share) => sorted[Math.round((sorted.length - 1) * share)];
  return { done: sorted.length, seconds, per_second: sorted.length / seconds, p50_us: at(0.5), p99_us: at(0.99) };
}

/**
 * Does something `requests` times, from `clients` sides, for at most `seconds`.
 * `begin` makes the work of one side, which takes the number of the request and
 * may give back a check of what came of it, for after the clock was read.
 */
export async function repeat({ clients = 1, requests, seconds = Infinity }, begin) {
  const sides = await Promise.all(Array.from({ length: clients }, begin));
  const micros = [];
  let next = 0;
  const begun = performance.now();
  const side = async (work) => {
    while (next < requests && performance.now() - begun < seconds * 1000) {
      const started = performance.now();
      const check = await work((next += 1));
      micros.push((performance.now() - started) * 1000);
      check?.();
    }
  };
  await Promise.all(sides.map(side));
  return summary(micros, (performance.now() - begun) / 1000);
}

/**
 * Sends the same kind of request again and again, each client on a kept-alive
 * connection. `request(number)` is `{ method, path, headers, body }`;
 * `check(answer, number)` throws when the answer is not the right one.
 */
export async function load(address, share, request, check) {
  const connections = [];
  try {
    return await repeat(share, async () => {
      const connection = await open(address);
      connections.push(connection);
      return async (number) => {
        const answer = await connection.send(request(number));
        return () => check(answer, number);
      };
    });
  } finally {
    for (const connection of connections) connection.close();
  }
}

/** One connection: as little work as a client can do, as it runs on the server's cores. */
async function open(address) {
  const [host, port] = address.split(":");
  const socket = connect({ host, port: Number(port), noDelay: true });
  await once(socket, "connect");
  let received = Buffer.alloc(0);
  let waiting;
  const fail = (error) => waiting?.reject(error ?? new Error("the server closed the connection"));
  socket.on("error", fail);
  socket.on("close", () => fail());
  socket.on("data", (chunk) => {
    received = received.length ? Buffer.concat([received, chunk]) : chunk;
    const answer = parse(received);
    if (!answer) return;
    received = Buffer.alloc(0);
    waiting?.resolve(answer);
  });
  return {
    async send({ method = "POST", path, headers = {}, body = "" }) {
      const bytes = Buffer.from(body);
      const lines = Object.entries({ host: address, ...headers, "content-length": bytes.length });
      const head = `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
      let timer;
      const answer = new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        timer = setTimeout(() => reject(new Error(`${method} ${path} is not answered`)), PATIENCE);
      });
      socket.write(Buffer.concat([Buffer.from(head), bytes]));
      return answer.finally(() => {
        clearTimeout(timer);
        waiting = undefined;
      });
    },
    close: () => socket.destroy(),
  };
}

/** The answer, when all of it is there. Its body must say how long it is. */
function parse(bytes) {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = bytes.latin1Slice(0, end);
  const length = head.match(/^content-length: *(\d+)\r?$/im);
  if (!length) throw new Error(`an answer does not say its length: ${head}`);
  const body = bytes.subarray(end + 4);
  if (body.length < Number(length[1])) return undefined;
  return { status: Number(head.slice(9, 12)), head, body };
}
