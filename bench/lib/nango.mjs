// What the rows of the Nango dialect share.
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A folder with packages of the benchmarks in its node_modules, for a peer. */
export async function project({ root, folder }, packages) {
  const path = folder();
  await mkdir(join(path, "node_modules"), { recursive: true });
  await writeFile(join(path, "package.json"), '{"private":true,"type":"module"}');
  for (const name of packages) {
    await symlink(join(root, "bench/node_modules", name), join(path, "node_modules", name));
  }
  return path;
}

/** Headers of every request of the dialect. */
export const headers = ({ key }) => ({ authorization: `Bearer ${key}`, "content-type": "application/json" });

/** The body of an answer that must have this status. */
export function expectStatus(wanted, { status, body }) {
  if (status !== wanted) throw new Error(`not the answer that was expected: ${status}, ${body.toString("utf8", 0, 2000)}`);
  return JSON.parse(body);
}
