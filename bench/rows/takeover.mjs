// How long it takes until another node has taken over from one that was killed.
import { join } from "node:path";

import { startPostgres } from "../lib/postgres.mjs";
import { startStrata } from "../lib/strata.mjs";
import { milliseconds, over, verdict } from "../lib/table.mjs";

/** Takeovers in one round. */
const TIMES = 5;
const LEASES = ["sagas", "projections"];

export async function takeover(bench) {
  const postgres = await startPostgres(bench);
  const took = [];
  let started = 0;
  try {
    await postgres.database(async (database) => {
      const shared = {
        "database-url": database,
        "master-key": "ab".repeat(32),
        blobs: join(bench.work, "takeover-blobs"),
      };
      const start = () => startStrata(bench, `takeover-${(started += 1) % 2}`, shared);
      /** Whether a node holds all that only one may hold. */
      const leads = async (node) => {
        const { node: self, nodes } = await node.call("GET", "/strata/v1/nodes");
        const leases = nodes.find(({ id }) => id === self)?.leases ?? [];
        return LEASES.every((lease) => leases.includes(lease));
      };
      const until = async (node) => {
        while (!(await leads(node))) await new Promise((resolve) => setTimeout(resolve, 5));
      };
      let leader = await start();
      await until(leader);
      let next = await start();
      try {
        for (let round = 0; round < bench.rounds * TIMES; round += 1) {
          await next.call("GET", "/v1/functions");
          const begun = performance.now();
          process.kill(leader.pid, "SIGKILL");
          await until(next);
          // A command is answered when the read models have it.
          await next.call("POST", "/v1/functions", { functionId: `t${round}`, name: "t", runtime: "node-22" });
          took.push((performance.now() - begun) * 1000);
          leader = next;
          next = await start();
        }
      } finally {
        await Promise.all([leader.stop(), next.stop()]);
      }
    });
  } finally {
    await postgres.stop();
  }
  took.sort((a, b) => a - b);
  const median = over(took, (one) => one);
  return [
    {
      what: `Takeover after kill -9: another node leads everything and has answered a command (${took.length} times)`,
      ours: `median ${milliseconds(median)}, longest ${milliseconds(took.at(-1))}`,
      aim: "1 s",
      verdict: verdict(median, 2_000_000, 1_000_000, "lower"),
    },
  ];
}
