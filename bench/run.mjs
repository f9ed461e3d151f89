// Runs the benchmarks and prints a Markdown table; docs/benchmarks.md says what
// each row measures. `node bench/run.mjs [ROW …] [--rounds N] [--setting N …]`
import { access, mkdtemp, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { killAll } from "./lib/processes.mjs";
import { markdown } from "./lib/table.mjs";
import { bundle } from "./rows/bundle.mjs";
import { commands, commandsOverHttp } from "./rows/commands.mjs";
import { deploys } from "./rows/deploys.mjs";
import { executions } from "./rows/executions.mjs";
import { lists } from "./rows/lists.mjs";
import { memory } from "./rows/memory.mjs";
import { nangoAction } from "./rows/nango-action.mjs";
import { nangoCompile } from "./rows/nango-compile.mjs";
import { postgres } from "./rows/postgres.mjs";
import { rebuild } from "./rows/rebuild.mjs";
import { takeover } from "./rows/takeover.mjs";

const ROWS = {
  commands,
  "http-commands": commandsOverHttp,
  postgres,
  takeover,
  rebuild,
  lists,
  deploys,
  bundle,
  executions,
  "nango-compile": nangoCompile,
  "nango-action": nangoAction,
  memory,
};

// How much each row does; every one can be given on the command line.
const SETTINGS = {
  /** Commands of one round; over HTTP half of them. */
  commands: 40_000,
  /** Longest time of one load. */
  seconds: 8,
  rebuildEvents: 1_000_000,
  peerRebuildEvents: 25_000,
  /** Functions that are listed. */
  functions: 100_000,
  /** Lists of one round, now and as of each. */
  lists: 200,
  /** Uploads of one round. */
  deploys: 20,
  bundles: 20,
  /** Executions of one round, of functions and of actions. */
  executions: 4000,
  /** Compilations of one round. */
  compiles: 20,
  /** Node processes of one round. */
  processes: 40,
  /** Functions that are deployed to look at the memory. */
  deployed: 1000,
  deployedSeconds: 240,
};

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const options = { rounds: { type: "string", default: "3" }, log: { type: "string", default: "error" } };
for (const name of Object.keys(SETTINGS)) options[name] = { type: "string" };
const { values, positionals } = parseArgs({ options, allowPositionals: true });
for (const name of Object.keys(SETTINGS)) {
  if (values[name] !== undefined) SETTINGS[name] = Number(values[name]);
}
const names = positionals.length ? positionals : Object.keys(ROWS);
for (const name of names) {
  if (!ROWS[name]) throw new Error(`there is no row ${name}; there are ${Object.keys(ROWS).join(", ")}`);
}

const built = (name) => join(process.env.STRATA_BENCH_PROGRAMS ?? "", name);
await access(built("load")).catch(() => {
  throw new Error("the programs are not built: start the benchmarks with scripts/bench.sh");
});
const work = await mkdtemp(join(process.env.STRATA_BENCH_DIR ?? tmpdir(), "strata-bench-"));
let folders = 0;
const bench = {
  root,
  work,
  log: values.log,
  rounds: Number(values.rounds),
  settings: SETTINGS,
  programs: {
    measure: built("measure"),
    peer: built("peer"),
    load: built("load"),
    server: process.env.STRATA_BIN ?? built("server"),
  },
  folder: () => join(work, `folder-${(folders += 1)}`),
};

let over = false;
async function clean() {
  if (over) return;
  over = true;
  killAll();
  // What was just told to end may still be writing.
  await rm(work, { recursive: true, force: true, maxRetries: 10 });
}
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => clean().then(() => process.exit(130)));
}

const load = () => loadavg().map((one) => one.toFixed(1)).join(" ");
const [cpu] = cpus();
const began = new Date();
console.error(`${cpus().length} cores (${cpu.model.trim()}), node ${process.version}, load ${load()}`);
const rows = [];
const failed = [];
try {
  for (const name of names) {
    const begun = Date.now();
    try {
      rows.push(...(await ROWS[name](bench)));
    } catch (error) {
      failed.push(name);
      rows.push({ what: name, verdict: `not measured: ${error.message.split("\n")[0]}` });
    }
    console.error(`${name}: ${((Date.now() - begun) / 1000).toFixed(0)} s`);
  }
} finally {
  await clean();
}
console.log(`${began.toISOString()}, ${cpus().length} cores, ${bench.rounds} rounds, load average ${load()} at the end\n`);
console.log(markdown(rows));
process.exitCode = failed.length ? 1 : 0;
