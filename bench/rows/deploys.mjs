// From an upload to the first answer.
import { join } from "node:path";

import { run } from "../lib/processes.mjs";
import { startStrata } from "../lib/strata.mjs";
import { milliseconds, number, over, verdict } from "../lib/table.mjs";

const ORDER = JSON.stringify({ customer: "Ada", items: [{ sku: "a", quantity: 2, price: 1.5 }] });

/** Archive and call of an example. */
export async function uploads({ root, work }) {
  const archive = async (name) => {
    const path = join(work, `${name}.tar.gz`);
    await run("tar", ["-czf", path, "-C", join(root, "examples", name), "."]);
    return path;
  };
  return {
    hello: { archive: await archive("hello"), path: "/greet?name=Ada", expect: "Hello, Ada!" },
    orders: {
      archive: await archive("orders"),
      commands: "npm install",
      method: "POST",
      body: ORDER,
      expect: '\\"total\\":3',
    },
  };
}

export async function deploys(bench) {
  const { hello, orders } = await uploads(bench);
  const server = await startStrata(bench, "deploys");
  const rounds = { hello: [], orders: [] };
  try {
    await server.load("deploys", { ...hello, prefix: "warm-hello", count: 2 });
    await server.load("deploys", { ...orders, prefix: "warm-orders", count: 2 });
    for (let round = 0; round < bench.rounds; round += 1) {
      for (const [name, upload] of Object.entries({ hello, orders })) {
        const count = bench.settings.deploys;
        rounds[name].push(await server.load("deploys", { ...upload, prefix: `${name}-${round}`, count }));
        await settled(server);
      }
    }
  } finally {
    await server.stop();
  }
  const row = (what, rounds, floor, aim) => {
    const p50 = over(rounds, (one) => one.p50_us);
    return {
      what,
      ours: `p50 ${milliseconds(p50)}, p99 ${milliseconds(over(rounds, (one) => one.p99_us))} (${number(rounds[0].done)} a round)`,
      floor: `${floor} ms`,
      aim: `${aim} ms`,
      verdict: verdict(p50 / 1000, floor, aim, "lower"),
    };
  };
  return [
    row("Upload → first answer over HTTP: examples/hello", rounds.hello, 60, 15),
    row("Upload → first answer over HTTP: examples/orders (zod), packages cached", rounds.orders, 250, 60),
  ];
}

/** Lets background work that a deployment left end, as far as it can be seen. */
async function settled() {
  await new Promise((resolve) => setTimeout(resolve, 1500));
}
