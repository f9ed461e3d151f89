// A filtered list of 50 of many functions, now and at random positions.
import { join } from "node:path";

import { measured } from "../lib/processes.mjs";
import { startStrata } from "../lib/strata.mjs";
import { milliseconds, number, over, times, verdict } from "../lib/table.mjs";

const VALUES = { runtime: '"node-22"', enabled: "true" };

export async function lists(bench) {
  const { programs, rounds, settings, work } = bench;
  const name = "lists";
  const dir = join(work, name);
  const { head } = await measured(programs.measure, "fill", {
    dir,
    functions: settings.functions,
    updates: 2 * settings.functions,
  });
  const results = [];
  // Early enough for many versions, late enough for 50 that match.
  const first = Math.max(1000, Math.floor(settings.functions / 100));
  const requests = settings.lists;
  for (const attribute of ["runtime", "enabled"]) {
    const api = [];
    for (let round = 0; round < rounds; round += 1) {
      api.push(await measured(programs.measure, "lists", { dir, attribute, first, requests, seed: round }));
    }
    results.push({ way: "read-model API", attribute, rounds: api });
  }
  const server = await startStrata(bench, name);
  try {
    await caughtUp(server, head);
    for (const attribute of ["runtime", "enabled"]) {
      const http = [];
      for (let round = 0; round < rounds; round += 1) {
        const values = { attribute, value: VALUES[attribute], first, last: head, requests, seed: round };
        http.push(await server.load("lists", values));
      }
      results.push({ way: "HTTP", attribute, rounds: http });
    }
  } finally {
    await server.stop();
  }
  const share = { runtime: "one in ten matches", enabled: "all match" };
  return results.map(({ way, attribute, rounds }) => {
    const ratio = over(rounds, (one) => one.as_of.p50_us) / over(rounds, (one) => one.now.p50_us);
    const show = (which) =>
      `${milliseconds(over(rounds, (one) => one[which].p50_us))}, p99 ${milliseconds(over(rounds, (one) => one[which].p99_us))}`;
    return {
      what: `List 50 of ${number(settings.functions)} functions by ${attribute} (${share[attribute]}), newest first, with total; ${way}: as of ÷ now`,
      ours: `as of: p50 ${show("as_of")}`,
      peer: `now: p50 ${show("now")}`,
      ratio: times(ratio),
      floor: "≤ 1.5×",
      aim: "≤ 1.1×",
      verdict: verdict(ratio, 1.5, 1.1, "lower"),
    };
  });
}

async function caughtUp(server, head) {
  for (let wait = 0; wait < 300; wait += 1) {
    const state = await server.call("GET", "/readyz").catch(() => undefined);
    if (state?.projections.every((one) => (one.lag ?? 0) === 0) && state.head >= head) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error("the read models did not get there");
}
