import assert from "node:assert/strict";
import test from "node:test";
import { runAction, runSync } from "./world.mjs";

const stored = { "nango.records": () => ({ added: 1, updated: 0, deleted: 0, unchanged: 0, duplicates: [] }) };

const failing = async (body, host = stored) => (await runSync(body, { host })).outcome.error?.payload.message;

test("records are sent in chunks of 1000 without their metadata", async () => {
  const { world, outcome } = await runSync(
    `const records = Array.from({ length: 2001 }, (_, i) => ({ id: String(i + 1), _nango_metadata: { cursor: "c" } }));
     if ((await nango.batchSave(records, "A")) !== true) throw new Error("not true");
     if (records[0]._nango_metadata === undefined) throw new Error("changed");
     await nango.batchSend([{ id: 7, v: 1 }], "B");
     await nango.batchUpdate([{ id: "u" }], "A");
     await nango.batchDelete([{ id: "d" }], "A");`,
    { host: stored },
  );
  assert.deepEqual(outcome, { ok: true, undefined: true });
  const calls = world.of("nango.records");
  assert.deepEqual(calls.map(({ arg, data }) => [arg.op, arg.model, JSON.parse(data).length]), [
    ["save", "A", 1000], ["save", "A", 1000], ["save", "A", 1], ["save", "B", 1], ["update", "A", 1], ["delete", "A", 1],
  ]);
  assert.deepEqual(JSON.parse(calls[0].data)[0], { id: "1" });
  assert.deepEqual(JSON.parse(calls[3].data), [{ id: 7, v: 1 }]);
});

test("nothing to store is no call", async () => {
  const { world } = await runSync("for (const none of [[], null, undefined]) if ((await nango.batchSave(none, 'A')) !== true) throw new Error('x');", { host: stored });
  assert.deepEqual(world.of("nango.records"), []);
});

test("records need an id, and nothing is sent when one has none", async () => {
  for (const record of ["{}", "{ id: '' }", "{ id: 0 }", "{ id: null }", "{ id: {} }", "{ id: 'x'.repeat(256) }", "null", "'a'"]) {
    const { world, outcome } = await runSync(`await nango.batchSave([{ id: "ok" }, ${record}], "A");`, { host: stored });
    assert.equal(outcome.ok, false, record);
    assert.deepEqual(world.of("nango.records"), []);
  }
  assert.equal(await failing("await nango.batchSave([{ id: 'x'.repeat(255) }, { id: 5 }], 'A');"), undefined);
});

test("duplicates are logged as errors", async () => {
  const host = { "nango.records": () => ({ added: 1, duplicates: ["a", "b"] }) };
  const { world } = await runSync("await nango.batchSave([{ id: 'a' }], 'A');", { host });
  const lines = world.of("nango.log").map(({ arg }) => [arg.level, arg.message.includes("'a'") || arg.message.includes("'b'")]);
  assert.deepEqual(lines, [["error", true], ["error", true]]);
});

test("a model that is not declared fails every member that takes one", async () => {
  for (const call of [
    "batchSave([], 'C')", "batchSend([], 'C')", "batchUpdate([], 'C')", "batchDelete([], 'C')", "trackDeletesStart('C')", "trackDeletesEnd('C')",
    "deleteRecordsFromPreviousExecutions('C')", "getRecordsByIds([], 'C')", "listRecords('C').next()", "setMergingStrategy({ strategy: 'override' }, 'C')",
  ]) {
    assert.equal(await failing(`await nango.${call};`), "The model 'C' is not included in the declared sync models: A, B", call);
  }
});

test("a store that refuses fails the call", async () => {
  assert.equal(await failing("await nango.batchSave([{ id: 'a' }], 'A');", { "nango.records": () => ({ error: { message: "full" } }) }), "full");
});

test("track deletes", async () => {
  const host = { "nango.track-deletes": ({ op }) => (op === "start" ? {} : { deletedKeys: ["x"] }) };
  const { world, outcome } = await runSync(
    `const started = await nango.trackDeletesStart("A");
     const ended = await nango.trackDeletesEnd("A");
     const previous = await nango.deleteRecordsFromPreviousExecutions("B");
     await nango.log(JSON.stringify([started === undefined, ended, previous]), { level: "error" });`,
    { host },
  );
  assert.equal(outcome.ok, true);
  assert.equal(world.of("nango.log")[0].arg.message, '[true,{"deletedKeys":["x"]},{"deletedKeys":["x"]}]');
  assert.deepEqual(world.of("nango.track-deletes").map(({ arg }) => arg), [{ op: "start", model: "A" }, { op: "end", model: "A" }, { op: "previous", model: "B" }]);
  assert.equal(await failing("await nango.trackDeletesEnd('A');", { "nango.track-deletes": () => ({ error: {} }) }), "No track deletes starting point found for model 'A'.");
});

test("records by id keep the caller's keys, 100 at a time", async () => {
  const host = { "nango.records-get": ({ ids }) => ({ records: ids.filter((id) => id !== "3").map((id) => ({ id })) }) };
  const { world } = await runSync(
    `const found = await nango.getRecordsByIds(Array.from({ length: 150 }, (_, i) => i + 1), "A");
     await nango.log(JSON.stringify([found instanceof Map, found.size, found.get(1), found.has("1"), found.has(3), found.get(150)]), { level: "error" });`,
    { host },
  );
  assert.equal(world.of("nango.log")[0].arg.message, '[true,149,{"id":"1"},false,false,{"id":"150"}]');
  assert.deepEqual(world.of("nango.records-get").map(({ arg }) => arg.ids.length), [100, 50]);
});

test("records are listed page by page, as far as they are wanted", async () => {
  const pages = { undefined: { records: [{ id: "1" }, { id: "2" }], next_cursor: "n" }, n: { records: [{ id: "3" }], next_cursor: null }, s: { records: [], next_cursor: null } };
  const host = { "nango.records-list": ({ cursor }) => pages[cursor] };
  const list = async (body) => {
    const { world } = await runSync(`const ids = []; ${body} await nango.log(ids.join(), { level: "error" });`, { host });
    return [world.of("nango.log")[0].arg.message, world.of("nango.records-list").map(({ arg }) => arg.cursor)];
  };
  assert.deepEqual(await list("for await (const record of nango.listRecords('A')) ids.push(record.id);"), ["1,2,3", [undefined, "n"]]);
  assert.deepEqual(await list("for await (const record of nango.listRecords('A')) { ids.push(record.id); break; }"), ["1", [undefined]]);
  assert.deepEqual(await list("for await (const record of nango.listRecords('A', { cursor: 's' })) ids.push(record.id);"), ["", ["s"]]);
});

test("a merging strategy is set once for a model and run", async () => {
  const host = { "nango.merging": () => ({}) };
  const { world } = await runSync(
    `await nango.setMergingStrategy({ strategy: "ignore_if_modified_after" }, "A");
     await nango.setMergingStrategy({ strategy: "override" }, "A");
     await nango.setMergingStrategy({ strategy: "override" }, "B");`,
    { host },
  );
  assert.deepEqual(world.of("nango.merging").map(({ arg }) => arg), [{ model: "A", strategy: "ignore_if_modified_after" }, { model: "B", strategy: "override" }]);
  assert.equal(world.of("nango.log")[0].arg.level, "warn");
  assert.match(await failing("await nango.setMergingStrategy({ strategy: 'newest' }, 'A');"), /must be one of: override, ignore_if_modified_after/);
});

test("actions have no records", async () => {
  assert.equal((await runAction("return typeof nango.batchSave;")).output, "undefined");
});

test("a dry run warns about records that do not match their model, and stores them", async () => {
  const { world, outcome } = await runSync("await nango.batchSave([{ id: 'a' }, { id: 'b', n: 'x' }], 'A');", { host: stored, dryRun: true, models: "{ A: z.object({ id: z.string(), n: z.number().optional() }) }" });
  assert.equal(outcome.ok, true);
  assert.deepEqual(world.of("nango.console").map(({ arg }) => arg.line.split("\n")[0]), ["Invalid record of the model 'A', id 'b':"]);
  assert.equal(world.of("nango.records").length, 1);
});
