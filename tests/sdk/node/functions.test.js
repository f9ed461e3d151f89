// Every method of the Functions service of the official SDK against a running
// server: STRATA_ENDPOINT (…/v1), STRATA_PROJECT, STRATA_KEY.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { AppwriteException, Client, Functions, ID, Query } from "node-appwrite";
import { InputFile } from "node-appwrite/file";

const { STRATA_ENDPOINT, STRATA_PROJECT = "default", STRATA_KEY } = process.env;
const client = new Client().setEndpoint(STRATA_ENDPOINT).setProject(STRATA_PROJECT).setKey(STRATA_KEY);
const functions = new Functions(client);
const work = mkdtempSync(join(tmpdir(), "strata-sdk-"));

const ECHO = `
export default async ({ req, res, log, error }) => {
  if (req.path === "/throw") throw new Error("on purpose");
  if (req.path === "/status") return res.text("teapot", 418);
  if (req.path === "/wait") await new Promise((done) => setTimeout(done, 5000));
  log("called " + req.method + " " + req.path);
  error("to the other stream");
  return res.json({
    version: VERSION,
    method: req.method,
    query: req.query,
    body: req.bodyText,
    header: req.headers["x-custom"] ?? null,
    execution: req.headers["x-appwrite-execution-id"] ?? null,
    variable: process.env.GREETING ?? null,
    secret: process.env.SECRET ?? null,
    functionId: process.env.APPWRITE_FUNCTION_ID,
  });
};
`;

function archive(name, files) {
  const root = join(work, name);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  const out = join(work, `${name}.tar.gz`);
  execFileSync("tar", ["--create", "--gzip", "--file", out, "--directory", root, "."]);
  return InputFile.fromPath(out, "code.tar.gz");
}

const echo = (version) => archive(`echo-${version}`, { "src/main.js": ECHO.replace("VERSION", JSON.stringify(version)) });

async function until(what, check, timeout = 120_000) {
  const end = Date.now() + timeout;
  for (;;) {
    const value = await check();
    if (value) return value;
    assert.ok(Date.now() < end, `${what} takes too long`);
    await sleep(100);
  }
}

async function built(functionId, deploymentId, status = "ready") {
  const done = await until("a build", async () => {
    const deployment = await functions.getDeployment({ functionId, deploymentId });
    return ["ready", "failed", "canceled"].includes(deployment.status) && deployment;
  });
  assert.equal(done.status, status, done.buildLogs);
  return done;
}

async function refused(promise, code, type) {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof AppwriteException, String(error));
    assert.deepEqual([error.code, error.type], [code, type], error.message);
    assert.equal(JSON.parse(error.response).code, code);
    return true;
  });
}

let functionId;
let first;

before(async () => {
  assert.ok(STRATA_ENDPOINT && STRATA_KEY, "STRATA_ENDPOINT and STRATA_KEY are needed");
  const created = await functions.create({
    functionId: ID.unique(),
    name: "echo",
    runtime: "node-22",
    execute: ["any"],
    entrypoint: "src/main.js",
    scopes: ["functions.read"],
    timeout: 20,
  });
  functionId = created.$id;
  first = await functions.createDeployment({ functionId, code: echo("one"), activate: true });
  assert.equal(first.status, "waiting");
  await built(functionId, first.$id);
});

test("ping", async () => {
  // The SDK wraps text that is not JSON.
  assert.deepEqual(await client.ping(), { message: "Pong!" });
});

test("runtimes and specifications", async () => {
  const runtimes = await functions.listRuntimes();
  assert.equal(runtimes.total, runtimes.runtimes.length);
  const node = runtimes.runtimes.find((runtime) => runtime.$id === "node-22");
  assert.deepEqual([node.key, node.name, node.version], ["node", "Node.js", "22"]);
  const specifications = await functions.listSpecifications();
  assert.ok(specifications.specifications.some((one) => one.slug === "s-1vcpu-512mb" && one.memory === 512));
});

test("create, get, list, update, delete", async () => {
  const id = `crud-${Date.now()}`;
  const created = await functions.create({
    functionId: id,
    name: "crud",
    runtime: "bun-1.1",
    execute: ["any", "users"],
    events: ["users.*.create"],
    schedule: "0 0 1 1 *",
    timeout: 30,
    enabled: false,
    logging: false,
    entrypoint: "index.ts",
    commands: "bun install",
    scopes: ["users.read"],
    buildSpecification: "s-2vcpu-2gb",
    runtimeSpecification: "s-1vcpu-1gb",
    deploymentRetention: 7,
  });
  assert.equal(created.$id, id);
  assert.equal(created.live, true);
  assert.equal(created.deploymentId, "");
  assert.match(created.$createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$/);
  assert.deepEqual(created.execute, ["any", "users"]);
  assert.equal(created.runtimeSpecification, "s-1vcpu-1gb");
  assert.deepEqual(await functions.get({ functionId: id }), created);

  await refused(functions.create({ functionId: id, name: "again", runtime: "node-22" }), 409, "function_already_exists");
  await refused(functions.create({ functionId: "unique()", name: "", runtime: "node-22" }), 400, "general_argument_invalid");
  await refused(functions.create({ functionId: "unique()", name: "x", runtime: "php-8.3" }), 404, "function_runtime_unsupported");
  await refused(functions.create({ functionId: "unique()", name: "x", runtime: "node-22", schedule: "no" }), 400, "general_argument_invalid");

  const updated = await functions.update({ functionId: id, name: "renamed" });
  assert.equal(updated.name, "renamed");
  assert.equal(updated.runtime, "bun-1.1");
  assert.equal(updated.entrypoint, "index.ts");
  assert.deepEqual([updated.execute, updated.schedule, updated.timeout, updated.live], [[], "", 15, false]);

  const found = await functions.list({ queries: [Query.equal("name", ["renamed"]), Query.limit(1)] });
  assert.deepEqual([found.total, found.functions.map((one) => one.$id)], [1, [id]]);
  const searched = await functions.list({ search: id.split("-")[1] });
  assert.deepEqual(searched.functions.map((one) => one.$id), [id]);
  assert.equal((await functions.list({ total: false })).total, 0);
  await refused(functions.list({ queries: [Query.equal("nonsense", ["x"])] }), 400, "general_argument_invalid");
  await refused(functions.list({ queries: [Query.search("name", "x")] }), 400, "general_query_invalid");
  await refused(functions.list({ queries: [Query.cursorAfter("unknown")] }), 400, "general_cursor_not_found");

  await functions.delete({ functionId: id });
  await refused(functions.get({ functionId: id }), 404, "function_not_found");
});

test("variables", async () => {
  const made = await functions.create({ functionId: ID.unique(), name: "variables", runtime: "node-22" });
  const id = made.$id;
  const clear = await functions.createVariable({ functionId: id, variableId: ID.unique(), key: "A", value: "1", secret: false });
  const secret = await functions.createVariable({ functionId: id, variableId: ID.unique(), key: "B", value: "2" });
  assert.deepEqual([clear.value, clear.secret, clear.resourceId], ["1", false, id]);
  assert.deepEqual([secret.value, secret.secret], ["", true]);
  await refused(
    functions.createVariable({ functionId: id, variableId: ID.unique(), key: "A", value: "3" }),
    409,
    "variable_already_exists",
  );
  const changed = await functions.updateVariable({ functionId: id, variableId: clear.$id, value: "3" });
  assert.deepEqual([changed.key, changed.value], ["A", "3"]);
  await refused(
    functions.updateVariable({ functionId: id, variableId: secret.$id, secret: false }),
    400,
    "variable_cannot_unset_secret",
  );
  assert.deepEqual(await functions.getVariable({ functionId: id, variableId: clear.$id }), changed);
  const all = await functions.listVariables({ functionId: id });
  assert.deepEqual([all.total, all.variables.map((one) => one.key)], [2, ["A", "B"]]);
  assert.deepEqual((await functions.get({ functionId: id })).vars.map((one) => one.value), ["3", ""]);
  assert.equal((await functions.get({ functionId: id })).live, false);
  await functions.deleteVariable({ functionId: id, variableId: clear.$id });
  await refused(functions.getVariable({ functionId: id, variableId: clear.$id }), 404, "variable_not_found");
  await functions.delete({ functionId: id });
});

test("a synchronous execution", async () => {
  await functions.createVariable({ functionId, variableId: ID.unique(), key: "GREETING", value: "hello", secret: false });
  await functions.createVariable({ functionId, variableId: ID.unique(), key: "SECRET", value: "hush" });
  const ran = await functions.createExecution({
    functionId,
    body: "ping äöü",
    xpath: "/a/b?x=1&y=",
    method: "PUT",
    headers: { "X-Custom": "yes", "content-type": "text/plain" },
  });
  assert.equal(ran.status, "completed", ran.errors);
  assert.equal(ran.responseStatusCode, 200);
  const answer = JSON.parse(ran.responseBody);
  assert.deepEqual(answer, {
    version: "one",
    method: "PUT",
    query: { x: "1", y: "" },
    body: "ping äöü",
    header: "yes",
    execution: ran.$id,
    variable: "hello",
    secret: "hush",
    functionId,
  });
  assert.equal(ran.functionId, functionId);
  assert.equal(ran.deploymentId, first.$id);
  assert.equal(ran.logs, "called PUT /a/b\n");
  assert.equal(ran.errors, "to the other stream\n");
  assert.ok(ran.duration > 0);
  assert.equal(ran.scheduledAt, null);
  const headers = Object.fromEntries(ran.responseHeaders.map((header) => [header.name, header.value]));
  assert.equal(headers["content-type"], "application/json; charset=utf-8");
  assert.equal(headers["x-appwrite-execution-id"], ran.$id);
  assert.ok(ran.requestHeaders.some((header) => header.name === "x-appwrite-client-ip"));
  assert.ok(!ran.requestHeaders.some((header) => header.name === "x-appwrite-key"));

  const stored = await functions.getExecution({ functionId, executionId: ran.$id });
  assert.equal(stored.responseBody, "");
  assert.equal(stored.logs, ran.logs);
  assert.equal(stored.$createdAt, ran.$createdAt);
});

test("executions that go wrong", async () => {
  const threw = await functions.createExecution({ functionId, xpath: "/throw" });
  assert.deepEqual([threw.status, threw.responseStatusCode, threw.responseBody], ["failed", 500, ""]);
  assert.match(threw.errors, /on purpose/);
  const teapot = await functions.createExecution({ functionId, xpath: "/status" });
  assert.deepEqual([teapot.status, teapot.responseStatusCode, teapot.responseBody], ["completed", 418, "teapot"]);

  await refused(functions.createExecution({ functionId: "missing" }), 404, "function_not_found");
  await refused(functions.createExecution({ functionId, method: "TRACE" }), 400, "general_argument_invalid");
  await refused(functions.createExecution({ functionId, headers: { "x-appwrite-user-id": "me" } }), 400, "general_argument_invalid");
  await refused(
    functions.createExecution({ functionId, scheduledAt: new Date(Date.now() + 600_000).toISOString() }),
    400,
    "general_bad_request",
  );
  const empty = await functions.create({ functionId: ID.unique(), name: "empty", runtime: "node-22" });
  await refused(functions.createExecution({ functionId: empty.$id }), 404, "deployment_not_found");
  await functions.delete({ functionId: empty.$id });
});

test("executions in the background and at a later time", async () => {
  const asked = await functions.createExecution({ functionId, async: true, body: "later" });
  assert.deepEqual([asked.status, asked.responseStatusCode, asked.trigger], ["waiting", 0, "http"]);
  const done = await until("an execution", async () => {
    const execution = await functions.getExecution({ functionId, executionId: asked.$id });
    return ["completed", "failed"].includes(execution.status) && execution;
  });
  assert.deepEqual([done.status, done.responseStatusCode], ["completed", 200], done.errors);
  assert.equal(done.logs, "called POST /\n");

  const at = new Date(Math.ceil((Date.now() + 120_000) / 60_000) * 60_000).toISOString();
  const scheduled = await functions.createExecution({ functionId, async: true, scheduledAt: at });
  assert.deepEqual([scheduled.status, scheduled.trigger], ["scheduled", "schedule"]);
  assert.equal(new Date(scheduled.scheduledAt).toISOString(), at);
  await functions.deleteExecution({ functionId, executionId: scheduled.$id });
  await refused(functions.getExecution({ functionId, executionId: scheduled.$id }), 404, "execution_not_found");

  const running = await functions.createExecution({ functionId, async: true, xpath: "/wait" });
  await refused(functions.deleteExecution({ functionId, executionId: running.$id }), 400, "execution_in_progress");
});

test("lists of executions", async () => {
  const ids = [];
  for (const path of ["/list", "/list", "/throw"]) {
    ids.push((await functions.createExecution({ functionId, xpath: path, method: "GET" })).$id);
  }
  const newest = await functions.listExecutions({ functionId, queries: [Query.orderDesc("$createdAt"), Query.limit(1)] });
  assert.equal(newest.executions[0].$id, ids[2]);
  assert.ok(newest.total >= 3);
  const filtered = await functions.listExecutions({
    functionId,
    queries: [
      Query.equal("status", ["failed"]),
      Query.equal("requestPath", ["/throw"]),
      Query.greaterThan("responseStatusCode", 499),
    ],
  });
  assert.ok(filtered.executions.some((one) => one.$id === ids[2]));
  assert.ok(filtered.executions.every((one) => one.status === "failed"));
  const after = await functions.listExecutions({ functionId, queries: [Query.cursorAfter(ids[0])] });
  assert.deepEqual(after.executions.slice(0, 2).map((one) => one.$id), ids.slice(1));
  await functions.deleteExecution({ functionId, executionId: ids[0] });
});

test("deploy, roll back, delete", async () => {
  const made = await functions.create({
    functionId: ID.unique(), name: "rollback", runtime: "node-22", execute: ["any"], entrypoint: "src/main.js",
  });
  const id = made.$id;
  const version = async () => {
    const ran = await functions.createExecution({ functionId: id });
    return JSON.parse(ran.responseBody).version;
  };
  const one = await functions.createDeployment({ functionId: id, code: echo("one"), activate: true });
  const ready = await built(id, one.$id);
  assert.ok(ready.buildSize > 0 && ready.totalSize === ready.sourceSize + ready.buildSize);
  assert.match(ready.buildLogs, /Deployment finished\./);
  assert.equal(await until("activation", async () => (await functions.get({ functionId: id })).deploymentId), one.$id);
  assert.equal(await version(), "one");

  const two = await functions.createDeployment({ functionId: id, code: echo("two"), activate: true });
  await built(id, two.$id);
  await until("activation", async () => (await functions.get({ functionId: id })).deploymentId === two.$id);
  assert.equal(await version(), "two");

  const back = await functions.updateFunctionDeployment({ functionId: id, deploymentId: one.$id });
  assert.deepEqual([back.deploymentId, back.latestDeploymentId], [one.$id, two.$id]);
  assert.equal(await version(), "one");

  const listed = await functions.listDeployments({ functionId: id, queries: [Query.orderDesc("$createdAt")] });
  assert.deepEqual(listed.deployments.map((each) => each.$id), [two.$id, one.$id]);
  const selected = await functions.listDeployments({ functionId: id, queries: [Query.select(["status"])] });
  assert.deepEqual(Object.keys(selected.deployments[0]).sort(), ["$createdAt", "$id", "$updatedAt", "status"]);
  await refused(functions.listDeployments({ functionId: id, search: "x" }), 400, "general_query_invalid");

  const source = await functions.getDeploymentDownload({ functionId: id, deploymentId: one.$id });
  assert.equal(source.byteLength, ready.sourceSize);
  const output = await functions.getDeploymentDownload({ functionId: id, deploymentId: one.$id, type: "output" });
  assert.deepEqual([...new Uint8Array(output).slice(0, 2)], [0x1f, 0x8b]);

  const again = await functions.createDuplicateDeployment({ functionId: id, deploymentId: two.$id });
  assert.equal(again.status, "waiting");
  await built(id, again.$id);
  await refused(functions.updateDeploymentStatus({ functionId: id, deploymentId: again.$id }), 400, "build_already_completed");

  await until("activation", async () => (await functions.get({ functionId: id })).deploymentId === again.$id);
  await functions.deleteDeployment({ functionId: id, deploymentId: again.$id });
  await refused(functions.getDeployment({ functionId: id, deploymentId: again.$id }), 404, "deployment_not_found");
  await refused(functions.createExecution({ functionId: id }), 404, "deployment_not_found");
  await functions.delete({ functionId: id });
  await refused(functions.get({ functionId: id }), 404, "function_not_found");
});

test("an upload in chunks, in parallel", async () => {
  const made = await functions.create({
    functionId: ID.unique(), name: "chunks", runtime: "node-22", entrypoint: "src/main.js",
  });
  const id = made.$id;
  const code = archive("chunks", {
    "src/main.js": ECHO.replace("VERSION", '"large"'),
    "data.bin": randomBytes(12_000_000),
  });
  const progress = [];
  const uploaded = await functions.createDeployment({
    functionId: id, code, activate: true, onProgress: (step) => progress.push(step.chunksUploaded),
  });
  assert.deepEqual(progress, [1, 2, 3]);
  const ready = await built(id, uploaded.$id);
  assert.ok(ready.sourceSize > 12_000_000);
  const source = await functions.getDeploymentDownload({ functionId: id, deploymentId: uploaded.$id });
  assert.equal(source.byteLength, ready.sourceSize);
  await functions.delete({ functionId: id });
});

test("templates and repositories", async () => {
  const made = await functions.create({
    functionId: ID.unique(), name: "starter", runtime: "node-22", entrypoint: "src/main.js", commands: "npm install",
  });
  const id = made.$id;
  const deployment = await functions.createTemplateDeployment({
    functionId: id, repository: "templates", owner: "appwrite", rootDirectory: "node/starter",
    type: "tag", reference: "0.3.*", activate: true,
  });
  await built(id, deployment.$id);
  await until("activation", async () => (await functions.get({ functionId: id })).deploymentId);
  const ran = await functions.createExecution({ functionId: id, xpath: "/ping" });
  assert.equal(ran.responseBody, "Pong", ran.errors);
  await refused(
    functions.createTemplateDeployment({
      functionId: id, repository: "templates", owner: "nobody", rootDirectory: "x", type: "tag", reference: "1",
    }),
    404,
    "provider_repository_not_found",
  );
  await refused(functions.createVcsDeployment({ functionId: id, type: "branch", reference: "main" }), 404, "installation_not_found");
  await functions.delete({ functionId: id });
});

test("canceling an upload", async () => {
  const made = await functions.create({
    functionId: ID.unique(), name: "cancel", runtime: "node-22", entrypoint: "src/main.js",
  });
  const id = made.$id;
  const form = new FormData();
  form.set("activate", "true");
  form.set("code", new Blob([new Uint8Array(5 * 1024 * 1024)]), "code.tar.gz");
  const response = await fetch(`${STRATA_ENDPOINT}/functions/${id}/deployments`, {
    method: "POST",
    headers: {
      "x-appwrite-project": STRATA_PROJECT,
      "x-appwrite-key": STRATA_KEY,
      "content-range": `bytes 0-${5 * 1024 * 1024 - 1}/12000000`,
    },
    body: form,
  });
  assert.equal(response.status, 202);
  const { $id, status } = await response.json();
  assert.equal(status, "waiting");
  const canceled = await functions.updateDeploymentStatus({ functionId: id, deploymentId: $id });
  assert.equal(canceled.status, "canceled");
  assert.match(canceled.buildLogs, /Build has been canceled\./);
  assert.equal((await functions.updateDeploymentStatus({ functionId: id, deploymentId: $id })).status, "canceled");
  await refused(functions.updateFunctionDeployment({ functionId: id, deploymentId: $id }), 400, "build_not_ready");
  await functions.delete({ functionId: id });
});

test("guests may execute what allows them, and nothing else", async () => {
  const guest = new Functions(new Client().setEndpoint(STRATA_ENDPOINT).setProject(STRATA_PROJECT));
  const ran = await guest.createExecution({ functionId });
  assert.deepEqual([ran.status, ran.logs, ran.errors], ["completed", "", ""]);
  await refused(guest.list(), 401, "general_unauthorized_scope");
  await refused(guest.listExecutions({ functionId }), 401, "general_unauthorized_scope");
  await refused(guest.getDeploymentDownload({ functionId, deploymentId: first.$id }), 401, "user_unauthorized");
  const wrong = new Functions(new Client().setEndpoint(STRATA_ENDPOINT).setProject(STRATA_PROJECT).setKey("wrong"));
  await refused(wrong.list(), 401, "general_unauthorized_scope");
  const elsewhere = new Functions(new Client().setEndpoint(STRATA_ENDPOINT).setProject("elsewhere").setKey(STRATA_KEY));
  await refused(elsewhere.list(), 404, "project_not_found");
});

test("a project of several files with packages, from upload to its past", async () => {
  const root = STRATA_ENDPOINT.replace(/\/v1$/, "");
  const head = async () => {
    const answer = await fetch(`${root}/strata/v1/head`, { headers: { authorization: `Bearer ${STRATA_KEY}` } });
    return (await answer.json()).head;
  };
  // The SDK has no `as_of`; any other client can add it to the query.
  const past = async (path, at) => {
    const headers = { "x-appwrite-project": STRATA_PROJECT, "x-appwrite-key": STRATA_KEY };
    const answer = await fetch(`${STRATA_ENDPOINT}${path}${path.includes("?") ? "&" : "?"}as_of=${at}`, { headers });
    return [answer.status, await answer.json()];
  };
  const project = (greeting) =>
    archive(`project-${greeting.length}`, {
      "package.json": JSON.stringify({
        name: "intake", private: true, type: "module",
        dependencies: { zod: "4.3.6", dayjs: "1.11.18", lodash: "4.17.21" },
      }),
      "src/main.ts": `
        import { Order, type Intake } from "./order";
        import { due } from "./lib/dates.js";
        import sum from "lodash/sumBy.js";
        export default async ({ req, res, log }: any) => {
          const order: Intake = Order.parse(req.bodyJson);
          log(\`${greeting} \${order.customer}\`);
          const total = sum(order.items, (item) => item.price * item.quantity);
          return res.json({ total, due: due(order.placed), greeting: ${JSON.stringify(greeting)} });
        };`,
      "src/order.ts": `
        import { z } from "zod";
        export const Order = z.object({
          customer: z.string().min(1),
          placed: z.iso.date(),
          items: z.array(z.object({ price: z.number(), quantity: z.int().positive() })).min(1),
        });
        export type Intake = z.infer<typeof Order>;`,
      "src/lib/dates.ts": `
        import dayjs from "dayjs";
        export enum Days { Net = 30 }
        export const due = (from: string): string => dayjs(from).add(Days.Net, "day").format("YYYY-MM-DD");`,
    });
  const created = await functions.create({
    functionId: ID.unique(), name: "intake", runtime: "node-22",
    entrypoint: "src/main.ts", commands: "npm install",
  });
  const id = created.$id;
  const beforeCode = await head();
  const deploy = async (greeting) => {
    const deployment = await functions.createDeployment({ functionId: id, code: project(greeting), activate: true });
    const done = await built(id, deployment.$id);
    assert.match(done.buildLogs, /[Bb]undled \d+ modules/);
    await until("activation", async () => (await functions.get({ functionId: id })).deploymentId === done.$id);
    return done.$id;
  };
  const order = { customer: "Ada", placed: "2026-01-31", items: [{ price: 2.5, quantity: 4 }, { price: 1, quantity: 2 }] };
  const run = async (greeting) => {
    const ran = await functions.createExecution({ functionId: id, body: JSON.stringify(order), method: "POST" });
    assert.equal(ran.status, "completed", ran.errors);
    assert.deepEqual(JSON.parse(ran.responseBody), { total: 12, due: "2026-03-02", greeting });
    assert.equal(ran.logs, `${greeting} Ada\n`);
    return ran;
  };

  const one = await deploy("Hello");
  await run("Hello");
  const withOne = await head();
  const two = await deploy("Welcome");
  await run("Welcome");
  // An error points to the line of the user's file.
  const failed = await functions.createExecution({ functionId: id, body: "{}", method: "POST" });
  assert.equal(failed.status, "failed");
  assert.match(failed.errors, /ZodError[\s\S]*src\/main\.ts:6/);

  assert.deepEqual(await past(`/functions/${id}`, beforeCode - 1).then(([status]) => status), 404);
  const at = async (position) => {
    const [status, read] = await past(`/functions/${id}`, position);
    const [, deployments] = await past(`/functions/${id}/deployments`, position);
    const [, executions] = await past(`/functions/${id}/executions`, position);
    return [status, read.deploymentId, deployments.total, executions.total];
  };
  assert.deepEqual(await at(beforeCode), [200, "", 0, 0]);
  assert.deepEqual(await at(withOne), [200, one, 1, 1]);
  assert.deepEqual(await at(await head()), [200, two, 2, 3]);
  // The old code runs again when it is asked for.
  await functions.updateFunctionDeployment({ functionId: id, deploymentId: one });
  await run("Hello");
});
