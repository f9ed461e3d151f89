// POST /functions/compile, with and without the check of types.
import { cp, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { load } from "../lib/load.mjs";
import { expectStatus, headers, project } from "../lib/nango.mjs";
import { run } from "../lib/processes.mjs";
import { startStrata } from "../lib/strata.mjs";
import { median, milliseconds, over, times } from "../lib/table.mjs";
import { broken, numbered, WARM } from "../nango/source.mjs";

const FUNCTION = "bench/functions/nango-action.ts";
/** What the server says checked the types. */
const CHECKED = /^strata-type-check: typescript \S+\r?$/im;
const UNCHECKED = /^strata-type-check: none; reason="it is switched off"\r?$/im;

export async function nangoCompile(bench) {
  const source = await readFile(join(bench.root, FUNCTION), "utf8");
  const ours = { first: [], checked: [], cached: [], unchecked: [] };
  const peers = { program: [], service: [], bundle: [], definition: [] };
  for (let round = 0; round < bench.rounds; round += 1) {
    const checked = await withServer(bench, "nango-compile", {}, (server) => checking(bench, server, source, round));
    for (const name of ["first", "checked", "cached"]) ours[name].push(checked[name]);
    const settings = { "type-check": false };
    ours.unchecked.push(
      await withServer(bench, "nango-compile", settings, (server) => notChecking(bench, server, source, round)),
    );
    const folder = await packages(bench);
    for (const mode of Object.keys(peers)) {
      const words = [join(bench.root, "bench/nango/compile.mjs"), mode, folder, join(bench.root, FUNCTION)];
      const text = await run(process.execPath, [...words, String(bench.settings.compiles)], { cwd: folder });
      peers[mode].push(JSON.parse(text));
    }
  }
  return rows(ours, peers);
}

/** On the folder of earlier rounds: packages and engine are there from the first one on. */
async function withServer(bench, name, settings, use) {
  // What is downloaded at the very first compilation is no part of any row.
  if (bench.prepared !== name) {
    bench.prepared = name;
    const source = await readFile(join(bench.root, FUNCTION), "utf8");
    await withServer(bench, name, {}, (server) => compile(server, 1, () => numbered(source, "prepare"), CHECKED));
  }
  const server = await startStrata(bench, name, settings);
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}

/** Compiles sources; each answer must be the bundle of its own source. */
function compile(server, requests, text, check) {
  const request = (number) => ({
    path: "/functions/compile",
    headers: headers(server),
    body: JSON.stringify({ code: text(number) }),
  });
  return load(server.address, { requests }, request, (answer, number) => {
    const { bundled_js: code, bundle_size_bytes: size } = expectStatus(200, answer);
    if (!check.test(answer.head)) throw new Error(`types were not checked as they should: ${answer.head}`);
    const [, mark] = text(number).match(/by product, (\S+)'/);
    if (!code?.includes(mark) || Buffer.byteLength(code) !== size) throw new Error("the bundle is not of this source");
  });
}

async function checking({ settings }, server, source, round) {
  const fresh = (what) => (number) => numbered(source, `${what}-${round}-${number}`);
  const first = await compile(server, 1, fresh("first"), CHECKED);
  await compile(server, WARM, fresh("warm"), CHECKED);
  const checked = await compile(server, settings.compiles, fresh("checked"), CHECKED);
  const known = fresh("checked")(1);
  const cached = await compile(server, settings.compiles, () => known, CHECKED);
  // A checker that finds nothing here finds nothing at all.
  const request = { path: "/functions/compile", headers: headers(server), body: JSON.stringify({ code: broken(source) }) };
  await load(server.address, { requests: 1 }, () => request, (answer) => {
    const { error } = expectStatus(400, answer);
    if (error.errors?.[0]?.code !== "TS2551") throw new Error(`a misspelt property is not seen: ${error.message}`);
  });
  return { first, checked, cached };
}

async function notChecking({ settings }, server, source, round) {
  const fresh = (what) => (number) => numbered(source, `${what}-${round}-${number}`);
  await compile(server, WARM, fresh("plain-warm"), UNCHECKED);
  return compile(server, settings.compiles, fresh("plain"), UNCHECKED);
}

/** The packages that a function is checked and bundled with, our own types of `nango` among them. */
async function packages(bench) {
  const folder = await project(bench, ["zod", "@types", "undici-types"]);
  await cp(join(bench.root, "compiler/nango/types"), join(folder, "node_modules/nango"), { recursive: true });
  await mkdir(join(folder, "function/functions"), { recursive: true });
  return folder;
}

function rows(ours, peers) {
  const [{ typescript, esbuild }] = peers.program;
  const show = (rounds) =>
    `p50 ${milliseconds(over(rounds, (one) => one.p50_us))}, p99 ${milliseconds(over(rounds, (one) => one.p99_us))}`;
  const p50 = (rounds) => over(rounds, (one) => one.p50_us);
  /** `most`: bound in milliseconds; without one the row is only a figure. */
  const row = (what, mine, theirs, most) => {
    const ratio = theirs && p50(theirs) / p50(mine);
    const holds = p50(mine) / 1000 <= most && ratio > 1;
    return {
      what,
      ours: show(mine),
      peer: theirs && show(theirs),
      ratio: theirs && times(ratio),
      ...(most && { floor: `${most} ms, > 1×`, verdict: holds ? "floor" : "**below the floor**" }),
    };
  };
  const subject = `Compile ${FUNCTION}`;
  const checker = `typescript ${typescript}`;
  const first = (rounds) => median(rounds.map((one) => one.first_us ?? one.p50_us));
  return [
    row(
      `${subject}, a new source, types checked; peer: ${checker}, createProgram, and esbuild ${esbuild}`,
      ours.checked,
      peers.program,
      400,
    ),
    row(
      `The same; peer: ${checker}, a language service that stays warm, and esbuild`,
      ours.checked,
      peers.service,
      400,
    ),
    row(
      `${subject}, a new source, types not checked; peer: esbuild alone, which neither loads the bundle nor reads its definition`,
      ours.unchecked,
      peers.bundle,
      20,
    ),
    row(
      "The same; peer: esbuild, then the bundle is loaded in a new context and its definition read",
      ours.unchecked,
      peers.definition,
    ),
    row(`${subject}, the same source again, types checked`, ours.cached),
    {
      what: `${subject}, the first of a new process, types checked; peer: createProgram and esbuild, after their modules are loaded`,
      ours: milliseconds(first(ours.first)),
      peer: milliseconds(first(peers.program)),
      ratio: times(first(peers.program) / first(ours.first)),
    },
  ];
}
