// Programs that are run to their end, and servers that are stopped in the end.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** What runs, and the signal that ends it when the driver itself is ended. */
const running = new Map();
// Capturing the stack of every error is for debugging; some shells ask for it.
const env = { ...process.env, RUST_BACKTRACE: "0" };

function start(program, words, { last = "SIGKILL", ...options } = {}) {
  const child = spawn(program, words, { stdio: ["pipe", "pipe", "inherit"], env, ...options });
  running.set(child, last);
  child.once("exit", () => running.delete(child));
  return child;
}

/** Runs a program to its end and takes its standard output. */
export async function run(program, words, { patience = 600_000, ...options } = {}) {
  const child = start(program, words, options);
  const timer = setTimeout(() => child.kill("SIGKILL"), patience);
  child.stdin.end();
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk) => (text += chunk));
  const [code, signal] = await once(child, "close").finally(() => clearTimeout(timer));
  if (code !== 0) throw new Error(`${program} ${words.join(" ")} ended with ${code ?? signal}`);
  return text;
}

/** Runs one of the benchmark programs and takes what it measured. */
export async function measured(program, command, values) {
  const words = Object.entries(values).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return JSON.parse(await run(program, [command, ...words]));
}

/** Starts a server, and waits for the line of its output that `ready` matches. */
export async function serve(program, words, ready, options = {}) {
  const child = start(program, words, options);
  const lines = createInterface({ input: child.stdout });
  const begun = Date.now();
  const match = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${program} does not start`)), 120_000);
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`${program} ended at once`)));
    lines.on("line", (line) => {
      const found = line.match(ready);
      if (!found) return;
      clearTimeout(timer);
      resolve(found);
    });
  }).catch((error) => {
    child.kill("SIGKILL");
    throw error;
  });
  return {
    pid: child.pid,
    match,
    startedMs: Date.now() - begun,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.stdin.end();
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
      await gone;
      clearTimeout(timer);
    },
  };
}

/** Ends whatever is left, when the driver itself is ended. */
export function killAll() {
  for (const [child, last] of running) child.kill(last);
}
