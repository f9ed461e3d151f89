// POST /action/trigger, each in a fresh sandbox.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";

import { load, repeat } from "../lib/load.mjs";
import { expectStatus, headers, project } from "../lib/nango.mjs";
import { run, serve } from "../lib/processes.mjs";
import { startStrata } from "../lib/strata.mjs";
import { milliseconds, over, rate, times } from "../lib/table.mjs";

const NAME = "nango-report";
const CLIENTS = [1, 16];
/** A call in a process of its own: the script of `node -e`, beside the bundle. */
const ONCE = `
const { default: action } = require("./bundle.cjs");
class ActionError extends Error {}
action.exec({ ActionError }, JSON.parse(process.argv[1])).then((output) => process.stdout.write(JSON.stringify(output)));
`;
/** Longest wait for a deployment. */
const PATIENCE = 60_000;

export async function nangoAction(bench) {
  const { root, settings } = bench;
  const source = join(root, "bench/functions", NAME);
  const code = await readFile(`${source}.ts`, "utf8");
  const { input, expect } = JSON.parse(await readFile(`${source}.test.json`, "utf8"));
  const right = checker(expect.output);
  const server = await startStrata(bench, "nango-action");
  const rounds = CLIENTS.map(() => ({ ours: [], warm: [], once: [] }));
  let node;
  try {
    const { bundled_js: bundle } = await server.call("POST", "/functions/compile", { code });
    const folder = await project(bench, ["zod"]);
    const path = join(folder, "bundle.cjs");
    await writeFile(path, bundle);
    node = await serve(process.execPath, [join(root, "bench/nango/server.mjs"), path], /^(\d+)$/);
    await deploy(server, code);
    const request = {
      path: "/action/trigger",
      headers: { ...headers(server), "connection-id": "c", "provider-config-key": "bench" },
      body: JSON.stringify({ action_name: NAME, input }),
    };
    const trigger = (address, share) =>
      load(address, { seconds: settings.seconds, ...share }, () => request, (answer) => right(answer.body, answer));
    const warm = `127.0.0.1:${node.match[1]}`;
    const words = ["-e", ONCE, JSON.stringify(input)];
    // Until the function has moved to its own component, when it does.
    for (const address of [server.address, warm]) await trigger(address, { clients: 16, requests: 2000 });
    await new Promise((resolve) => setTimeout(resolve, 5000));
    for (let round = 0; round < bench.rounds; round += 1) {
      for (const [index, clients] of CLIENTS.entries()) {
        const share = { clients, requests: settings.executions };
        rounds[index].ours.push(await trigger(server.address, share));
        rounds[index].warm.push(await trigger(warm, share));
        const processes = { clients, requests: settings.processes };
        rounds[index].once.push(
          await repeat(processes, () => async () => {
            const text = await run(process.execPath, words, { cwd: folder });
            return () => right(Buffer.from(text));
          }),
        );
      }
    }
  } finally {
    await server.stop();
    await node?.stop();
  }
  return CLIENTS.flatMap((clients, index) => rows(clients, rounds[index]));
}

/** Throws unless some bytes are the JSON of the output. Looks only once at the same bytes. */
function checker(output) {
  const known = [];
  return (bytes, answer) => {
    if (known.some((one) => one.equals(bytes)) && (answer?.status ?? 200) === 200) return;
    const got = answer ? expectStatus(200, answer) : JSON.parse(bytes);
    if (!isDeepStrictEqual(got, output)) throw new Error(`not the answer that was expected: ${bytes}`);
    known.push(Buffer.from(bytes));
  };
}

/** An integration with a connection and the action, deployed. */
async function deploy(server, code) {
  await server.call("POST", "/integrations", { provider: "unauthenticated", unique_key: "bench" });
  const credentials = { type: "NONE" };
  await server.call("POST", "/connections", { provider_config_key: "bench", connection_id: "c", credentials });
  const { id } = await server.call("POST", "/functions/deployments", {
    type: "function",
    integration_id: "bench",
    function_name: NAME,
    function_type: "action",
    code,
  });
  const begun = Date.now();
  for (;;) {
    const now = await server.call("GET", `/functions/deployments/${id}`);
    if (now.status === "success") return;
    if (!["waiting", "running"].includes(now.status)) {
      throw new Error(`the deployment ended as ${now.status}: ${now.error?.message}`);
    }
    if (Date.now() - begun > PATIENCE) throw new Error("the deployment takes too long");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function rows(clients, { ours, warm, once }) {
  const show = (rounds) =>
    `${rate(over(rounds, (one) => one.per_second))}, p50 ${milliseconds(over(rounds, (one) => one.p50_us))}, p99 ${milliseconds(over(rounds, (one) => one.p99_us))}`;
  const who = clients === 1 ? "1 client" : `${clients} clients`;
  const row = (peer, theirs) => ({
    what: `Actions over HTTP (bench/functions/${NAME}.ts), ${who}; peer: ${peer}`,
    ours: show(ours),
    peer: show(theirs),
    ratio: times(over(ours, (one) => one.per_second) / over(theirs, (one) => one.per_second)),
  });
  return [
    row("one node process for each, with the same bundle and zod", once),
    row("a warm node server, the same bundle in a new vm context for each, which stores nothing", warm),
  ];
}
