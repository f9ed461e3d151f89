// A PostgreSQL server of the run's own, with the settings that initdb gives it:
// every commit is flushed.
import { access, chmod, chown, mkdir, readdir } from "node:fs/promises";
import { delimiter, join } from "node:path";

import { run, serve } from "./processes.mjs";

/** The folder of the newest server's programs. */
async function programs() {
  const packaged = "/usr/lib/postgresql";
  const versions = (await readdir(packaged).catch(() => [])).sort((a, b) => Number(b) - Number(a));
  const folders = [...versions.map((one) => join(packaged, one, "bin")), ...(process.env.PATH ?? "").split(delimiter)];
  for (const folder of folders) {
    const needed = ["initdb", "postgres", "psql"].map((name) => access(join(folder, name)));
    if (await Promise.all(needed).then(() => true, () => false)) return folder;
  }
  throw new Error("no PostgreSQL was found: install the package postgresql");
}

/**
 * Words before a command, so that it is not run as root, which the server
 * refuses to be. Whoever runs it owns `folder`.
 */
async function unprivileged(folder) {
  if (process.getuid() !== 0) return [];
  for (const user of ["postgres", "nobody"]) {
    const id = (which) => run("id", [which, user], { stdio: ["pipe", "pipe", "ignore"] }).then(Number);
    const ids = await Promise.all([id("-u"), id("-g")]).catch(() => undefined);
    if (!ids) continue;
    const [uid, gid] = ids;
    await chown(folder, uid, gid);
    return ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--"];
  }
  throw new Error("PostgreSQL does not run as root, and there is neither a user postgres nor nobody");
}

let servers = 0;

/** Starts a server in the run's folder, on a socket and no port. */
export async function startPostgres({ work }) {
  const bin = await programs();
  const folder = join(work, `postgres-${(servers += 1)}`);
  await mkdir(folder, { recursive: true });
  // Whoever runs the server must get to its folder.
  await chmod(work, 0o711);
  const before = await unprivileged(folder);
  const data = join(folder, "data");
  const initial = ["-D", data, "-U", "strata", "-A", "trust", "-E", "UTF8", "--locale=C"];
  await run("env", [...before, join(bin, "initdb"), ...initial], { cwd: folder });
  const words = ["-D", data, "-k", folder, "-c", "listen_addresses="];
  // It speaks on its error output.
  const shell = ["sh", "-c", 'exec "$@" 2>&1', "sh", join(bin, "postgres"), ...words];
  const settings = { cwd: folder, last: "SIGQUIT" };
  const server = await serve("env", [...before, ...shell], /ready to accept connections/, settings);
  const place = ["-XqAt", "-v", "ON_ERROR_STOP=1", "-h", folder, "-U", "strata"];
  const sql = (database, statement) => run(join(bin, "psql"), [...place, "-d", database, "-c", statement]);
  let databases = 0;
  return {
    ...server,
    /** Hands the address of a new database to `use`, and drops it after that. */
    async database(use) {
      const name = `bench_${(databases += 1)}`;
      await sql("postgres", `CREATE DATABASE ${name}`);
      // Everybody begins right after a checkpoint.
      await sql("postgres", "CHECKPOINT");
      const url = `postgres://strata@localhost/${name}?host=${encodeURIComponent(folder)}`;
      const result = await use(url, (statement) => sql(name, statement));
      await sql("postgres", `DROP DATABASE ${name}`);
      return result;
    },
  };
}
