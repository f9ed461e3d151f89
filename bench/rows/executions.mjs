// Synchronous executions, each in a fresh sandbox.
import { join } from "node:path";

import { repeat } from "../lib/load.mjs";
import { measured, run, serve } from "../lib/processes.mjs";
import { startStrata } from "../lib/strata.mjs";
import { milliseconds, over, rate, times, verdict } from "../lib/table.mjs";

const TARGET = "/greet?name=Ada";
const EXPECT = "Hello, Ada!";
const CLIENTS = [1, 16];

export async function executions(bench) {
  const { programs, root, settings, work } = bench;
  const handler = join(root, "bench/handler");
  const archive = join(work, "handler.tar.gz");
  await run("tar", ["-czf", archive, "-C", handler, "main.js"]);
  const server = await startStrata(bench, "executions");
  const node = await serve(process.execPath, [join(handler, "server.mjs")], /^(\d+)$/);
  const rounds = CLIENTS.map(() => ({ ours: [], warm: [], once: [] }));
  try {
    const upload = { archive, entrypoint: "main.js", path: TARGET, expect: EXPECT, prefix: "greet", count: 1 };
    await server.load("deploys", upload);
    const call = {
      method: "POST",
      path: "/v1/functions/greet-0/executions",
      body: JSON.stringify({ path: TARGET, method: "GET" }),
      expect: EXPECT,
    };
    const most = { "max-seconds": settings.seconds };
    // Until the function has moved to its own component, when it does.
    await server.load("requests", { ...call, ...most, clients: 16, requests: 2000 });
    await new Promise((resolve) => setTimeout(resolve, 5000));
    for (let round = 0; round < bench.rounds; round += 1) {
      for (const [index, clients] of CLIENTS.entries()) {
        const share = { ...most, clients, requests: settings.executions };
        rounds[index].ours.push(await server.load("requests", { ...call, ...share }));
        const address = `127.0.0.1:${node.match[1]}`;
        rounds[index].warm.push(
          await measured(programs.load, "requests", { address, path: TARGET, expect: EXPECT, ...share }),
        );
        rounds[index].once.push(await processes(join(handler, "once.mjs"), clients, settings.processes));
      }
    }
  } finally {
    await server.stop();
    await node.stop();
  }
  return CLIENTS.flatMap((clients, index) => rows(clients, rounds[index]));
}

function rows(clients, { ours, warm, once }) {
  const show = (rounds) =>
    `${rate(over(rounds, (one) => one.per_second))}, p50 ${milliseconds(over(rounds, (one) => one.p50_us))}, p99 ${milliseconds(over(rounds, (one) => one.p99_us))}`;
  const against = (theirs) => over(ours, (one) => one.per_second) / over(theirs, (one) => one.per_second);
  const who = clients === 1 ? "1 client" : `${clients} clients`;
  return [
    {
      what: `Executions over HTTP, ${who}; peer: one node process for each`,
      ours: show(ours),
      peer: show(once),
      ratio: times(against(once)),
      floor: times(50),
      aim: "–",
      verdict: verdict(against(once), 50, 50).replace("aim", "floor"),
    },
    {
      what: `Executions over HTTP, ${who}; peer: a warm node server, which keeps state between requests and stores nothing`,
      ours: show(ours),
      peer: show(warm),
      ratio: times(against(warm)),
      floor: "–",
      aim: times(1),
      verdict: against(warm) >= 1 ? "aim" : "not the aim",
    },
  ];
}

function processes(script, clients, requests) {
  return repeat({ clients, requests }, () => async () => {
    const text = await run(process.execPath, [script, TARGET]);
    return () => {
      if (!text.includes(EXPECT)) throw new Error(`not the answer that was expected: ${text}`);
    };
  });
}
