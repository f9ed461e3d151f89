// Bundling the zod project.
import { cp } from "node:fs/promises";
import { join } from "node:path";

import { measured, run } from "../lib/processes.mjs";
import { milliseconds, number, over, times, verdict } from "../lib/table.mjs";

export async function bundle(bench) {
  const { programs, root, work, settings } = bench;
  const source = join(root, "examples/orders");
  const project = join(work, "esbuild-project");
  await cp(source, project, { recursive: true });
  await cp(join(root, "bench/node_modules/zod"), join(project, "node_modules/zod"), { recursive: true });
  const ours = [];
  const peer = [];
  for (let round = 0; round < bench.rounds; round += 1) {
    const cache = join(work, "bundle-cache");
    ours.push(await measured(programs.measure, "bundle", { source, cache, builds: settings.bundles }));
    const script = join(root, "bench/esbuild.mjs");
    peer.push(JSON.parse(await run(process.execPath, [script, project, String(settings.bundles)])));
  }
  const row = (what, name) => {
    const mine = over(ours, (one) => one[name].p50_us);
    const theirs = over(peer, (one) => one[name].p50_us);
    const show = (rounds) =>
      `p50 ${milliseconds(over(rounds, (one) => one[name].p50_us))}, p99 ${milliseconds(over(rounds, (one) => one[name].p99_us))}, ${number(rounds[0][name].bytes / 1000)} kB`;
    return {
      what,
      ours: show(ours),
      peer: show(peer),
      ratio: times(mine / theirs),
      floor: "≤ 1.0×",
      aim: "≤ 0.5×",
      verdict: verdict(mine / theirs, 1, 0.5, "lower"),
    };
  };
  return [
    row(`Bundle examples/orders (zod), every module anew; peer: esbuild ${peer[0].version}, build()`, "files"),
    row(`Bundle examples/orders (zod), modules kept from the last build; peer: esbuild, context.rebuild()`, "warm"),
  ];
}
