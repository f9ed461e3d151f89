// The peer of the row nango-compile, in one warm process:
// `node compile.mjs MODE PROJECT SOURCE COUNT`. Prints one line of JSON.
//
// MODE is `program` (a new TypeScript program for each source, and esbuild),
// `service` (a language service that keeps what it knows, and esbuild), `bundle`
// (esbuild alone) or `definition` (esbuild, then the bundle is loaded and its
// definition is read, as the server does). PROJECT has the packages and is the
// working directory.
import { build, version as esbuild } from "esbuild";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import ts from "typescript";

import { summary } from "../lib/load.mjs";
import { evaluate } from "./host.mjs";
import { broken, numbered, WARM } from "./source.mjs";

const [mode, project, source, count] = process.argv.slice(2);
const folder = join(project, "function/functions");
const file = join(folder, "function.ts");
const settings = new URL("../../typecheck/src/tsconfig.json", import.meta.url);
const read = ts.convertCompilerOptionsFromJson(JSON.parse(readFileSync(settings, "utf8")).compilerOptions, project);
if (read.errors.length) throw new Error(`settings: ${read.errors[0].messageText}`);

/** A new program each time, as the command line makes it: nothing is kept. */
function program() {
  return (text) => {
    writeFileSync(file, text);
    const made = ts.createProgram({ rootNames: [file], options: read.options });
    return ts.getPreEmitDiagnostics(made);
  };
}

/** Only the source is read and checked anew. */
function service() {
  let [current, version] = ["", 0];
  writeFileSync(file, "");
  const host = {
    getScriptFileNames: () => [file],
    getScriptVersion: (name) => (name === file ? String(version) : "0"),
    getScriptSnapshot: (name) => {
      const text = name === file ? current : ts.sys.readFile(name);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => project,
    getCompilationSettings: () => read.options,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: ts.sys.fileExists,
    readFile: ts.sys.readFile,
    readDirectory: ts.sys.readDirectory,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
    realpath: ts.sys.realpath,
  };
  const made = ts.createLanguageService(host);
  return (text) => {
    [current, version] = [text, version + 1];
    return [
      ...made.getCompilerOptionsDiagnostics(),
      ...made.getSyntacticDiagnostics(file),
      ...made.getSemanticDiagnostics(file),
    ];
  };
}

async function bundle(text) {
  const { outputFiles } = await build({
    absWorkingDir: project,
    stdin: { contents: text, resolveDir: folder, sourcefile: file, loader: "ts" },
    bundle: true,
    write: false,
    outfile: join(folder, "function.js"),
    platform: "node",
    format: "cjs",
    target: "esnext",
    packages: "external",
    sourcemap: "inline",
    logLevel: "error",
  });
  return outputFiles[0].text;
}

const check = { program, service }[mode]?.();
const zod = createRequire(join(project, "package.json"))("zod");

/** One compilation: what it found, and the bundle. */
async function compile(text) {
  // esbuild is a process of its own and works beside the checker.
  const bundled = bundle(text);
  const found = check ? check(text) : [];
  const code = await bundled;
  if (mode !== "definition") return { found, code };
  return { found, code, definition: evaluate(code, (name) => ({ zod })[name]) };
}

const original = readFileSync(source, "utf8");
const micros = [];
for (let index = 0; index < WARM + Number(count); index += 1) {
  const mark = `${process.pid}-${index}`;
  const text = numbered(original, mark);
  const begun = performance.now();
  const { found, code, definition } = await compile(text);
  micros.push((performance.now() - begun) * 1000);
  if (found.length) throw new Error(`not expected: ${ts.flattenDiagnosticMessageText(found[0].messageText, "\n")}`);
  if (!code.includes(mark)) throw new Error("the bundle is not of this source");
  if (mode === "definition" && !(definition.type === "action" && definition.input.shape.customerId)) {
    throw new Error(`not the definition: ${Object.keys(definition)}`);
  }
}
if (check) {
  // A checker that finds nothing here finds nothing at all.
  const codes = check(broken(original)).map(({ code }) => code);
  if (!codes.includes(2551)) throw new Error(`the checker does not see a misspelt property: ${codes}`);
}
const measured = micros.slice(WARM);
const seconds = measured.reduce((sum, one) => sum + one, 0) / 1e6;
console.log(JSON.stringify({ typescript: ts.version, esbuild, first_us: micros[0], ...summary(measured, seconds) }));
