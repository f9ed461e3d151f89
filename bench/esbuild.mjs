// Bundles the project with esbuild's JavaScript API in one warm process:
// `node esbuild.mjs PROJECT BUILDS`. Prints one line of JSON.
import { build, context, version } from "esbuild";
import { join } from "node:path";

const [project, builds] = [process.argv[2], Number(process.argv[3])];
const options = {
  absWorkingDir: project,
  entryPoints: [join(project, "src/main.ts")],
  bundle: true,
  write: false,
  outfile: join(project, "bundle.js"),
  platform: "node",
  format: "cjs",
  target: "es2023",
  sourcemap: "external",
  logLevel: "error",
};

async function timed(work) {
  for (let warm = 0; warm < 3; warm += 1) await work();
  const micros = [];
  let bytes = 0;
  for (let index = 0; index < builds; index += 1) {
    const begun = process.hrtime.bigint();
    const { outputFiles } = await work();
    micros.push(Number(process.hrtime.bigint() - begun) / 1000);
    bytes = outputFiles.find((file) => file.path.endsWith(".js")).contents.length;
  }
  micros.sort((a, b) => a - b);
  const at = (share) => micros[Math.round((micros.length - 1) * share)];
  return { p50_us: at(0.5), p99_us: at(0.99), bytes };
}

const files = await timed(() => build(options));
const incremental = await context(options);
const warm = await timed(() => incremental.rebuild());
await incremental.dispose();
console.log(JSON.stringify({ version, files, warm }));
process.exit(0);
