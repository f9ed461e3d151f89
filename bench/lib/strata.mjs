// A server of ours on a data directory of its own.
import { readFile } from "node:fs/promises";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { measured, serve } from "./processes.mjs";

const KEY = "benchmark-root-key-0123456789";

/** Starts the server on a data directory, on a free port of the loopback. */
export async function startStrata({ programs, work, log }, name, settings = {}) {
  const data = join(work, name);
  await mkdir(data, { recursive: true });
  const words = ["serve", "--data-dir", data, "--listen", "127.0.0.1:0", "--log", log, "--root-key", KEY];
  for (const [setting, value] of Object.entries(settings)) words.push(`--${setting}`, String(value));
  const server = await serve(programs.server, words, /^listening on http:\/\/(.*)$/);
  const address = server.match[1];
  const headers = {
    "x-appwrite-project": "default",
    "x-appwrite-key": KEY,
    authorization: `Bearer ${KEY}`,
    "content-type": "application/json",
  };
  return {
    ...server,
    data,
    address,
    key: KEY,
    /** Load on this server. */
    load: (command, values) => measured(programs.load, command, { address, key: KEY, ...values }),
    /** One request; the answer must be a success. */
    async call(method, path, body) {
      const response = await fetch(`http://${address}${path}`, {
        method,
        headers,
        body: body && JSON.stringify(body),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
      return text ? JSON.parse(text) : undefined;
    },
    /** Resident memory in MiB. */
    async resident() {
      const status = await readFile(`/proc/${server.pid}/status`, "utf8");
      return Number(status.match(/^VmRSS:\s+(\d+) kB$/m)[1]) / 1024;
    },
  };
}
