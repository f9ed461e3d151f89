import assert from "node:assert/strict";
import test from "node:test";
import { json, runAction } from "./world.mjs";

// Goes through all pages of `config`. `answers` are given in turn; the last of
// them is given again. Returned: the events in order (`page …` as yielded,
// `next …` as told to on_page), the calls, the config as it was left.
const paged = async (config, answers, { defaults, stopAfter = 20, raw = false } = {}) => {
  const left = [...answers];
  const host = {
    "nango.provider": () => ({ name: "github", ...(defaults && { paginate: defaults }) }),
    "nango.http": () => {
      const answer = left.length > 1 ? left.shift() : left[0];
      return raw || (answer && "value" in Object(answer)) ? answer : json(answer);
    },
  };
  const { output, outcome, world } = await runAction(
    `const events = [];
     const on_page = async ({ nextPageParam, response }) => { events.push("next " + nextPageParam + " " + response.status); };
     const config = ${config};
     let count = 0;
     for await (const page of nango.paginate(config)) {
       events.push("page " + JSON.stringify(page));
       if (++count === ${stopAfter}) break;
     }
     delete config.paginate;
     return { events, config };`,
    { host },
  );
  if (!outcome.ok) return { failed: outcome.error.payload.message };
  return { ...output, calls: world.of("nango.http").map(({ arg, data }) => ({ ...arg, data })), world };
};

const cursor = (more = "") => `{ endpoint: "/l", paginate: { type: "cursor", cursor_name_in_request: "after", cursor_path_in_response: "meta.next", response_path: "items", on_page ${more} } }`;

test("cursor: pages until there is no next cursor", async () => {
  const { events, calls, config } = await paged(cursor(), [{ items: [1], meta: { next: " b " } }, { items: [2], meta: { next: 7 } }, { items: [3], meta: { next: null } }]);
  assert.deepEqual(events, ["page [1]", "next b 200", "page [2]", "next 7 200", "page [3]", "next undefined 200"]);
  assert.deepEqual(calls.map(({ params }) => params), [{}, { after: "b" }, { after: "7" }]);
  assert.deepEqual(config, { endpoint: "/l", method: "GET", params: { after: 7 } });
});

test("cursor: an empty or missing page ends before it is yielded", async () => {
  for (const last of [{ items: [], meta: { next: "c" } }, { meta: { next: "c" } }, { items: null }]) {
    const { events } = await paged(cursor(), [{ items: [1], meta: { next: "b" } }, last]);
    assert.deepEqual(events, ["page [1]", "next b 200"]);
  }
});

test("cursor: blank texts and other values are no cursor", async () => {
  for (const next of ["", "  ", true, { a: 1 }, undefined]) {
    const { calls } = await paged(cursor(), [{ items: [1], meta: { next } }]);
    assert.equal(calls.length, 1);
  }
  const zero = await paged(cursor(), [{ items: [1], meta: { next: 0 } }, { items: [] }]);
  assert.deepEqual(zero.calls[1].params, { after: "0" });
});

test("cursor: goes into the body of a POST, dotted names as objects", async () => {
  const { calls, config } = await paged(
    `{ endpoint: "/l", method: "POST", data: { q: 1, page: { size: 5 } }, paginate: { type: "CURSOR", cursor_name_in_request: "page.after", cursor_path_in_response: "next", response_path: "d[0].items", limit: 5, limit_name_in_request: "page.limit" } }`,
    [{ d: [{ items: [1] }], next: "b" }, { d: [{ items: [2] }] }],
  );
  assert.deepEqual(calls.map(({ data }) => JSON.parse(data)), [{ q: 1, page: { size: 5, limit: 5 } }, { q: 1, page: { size: 5, limit: 5, after: "b" } }]);
  assert.deepEqual(calls.map(({ params }) => params), [undefined, undefined]);
  assert.deepEqual(config.data, { q: 1, page: { size: 5, limit: 5, after: "b" } });
});

test("in_body decides where parameters go", async () => {
  const inBody = await paged(cursor(", in_body: true").replace('"/l"', '"/l", method: "DELETE"'), [{ items: [1], meta: { next: "b" } }, { items: [] }]);
  assert.deepEqual(inBody.calls.map(({ data }) => data), ["{}", '{"after":"b"}']);
  const inQuery = await paged(cursor(", in_body: false").replace('"/l"', '"/l", method: "POST", data: { a: 1 }'), [{ items: [1], meta: { next: "b" } }, { items: [] }]);
  assert.deepEqual(inQuery.calls.map(({ params, data }) => [params, data]), [[{}, '{"a":1}'], [{ after: "b" }, '{"a":1}']]);
});

test("a query given as text is kept", async () => {
  const { calls } = await paged(cursor().replace('"/l"', '"/l", params: "a=1&b=2"'), [{ items: [1], meta: { next: "c" } }, { items: [] }]);
  assert.deepEqual(calls.map(({ params }) => params), [{ a: "1", b: "2" }, { a: "1", b: "2", after: "c" }]);
});

test("on_page of a cursor is called after the consumer took the page, and not after a break", async () => {
  const { events, calls } = await paged(cursor(), [{ items: [1], meta: { next: "b" } }], { stopAfter: 2 });
  assert.deepEqual(events, ["page [1]", "next b 200", "page [1]"]);
  assert.equal(calls.length, 2);
});

test("an early end runs the clean-up of a consumer's own generator", async () => {
  const { output } = await runAction(
    `const events = [];
     async function* items() {
       try { for await (const page of nango.paginate({ endpoint: "/", paginate: { type: "offset", offset_name_in_request: "o" } })) yield* page; }
       finally { events.push("cleaned"); }
     }
     for await (const item of items()) { events.push(item); if (item === 2) break; }
     const pages = nango.paginate({ endpoint: "/", paginate: { type: "offset", offset_name_in_request: "o" } });
     await pages.next();
     return [...events, await pages.return("r"), await pages.next()];`,
    { host: { "nango.provider": () => ({ name: "p" }), "nango.http": () => json([1, 2, 3]) } },
  );
  assert.deepEqual(output, [1, 2, "cleaned", { done: true, value: "r" }, { done: true }]);
});

const link = `{ endpoint: "/l", params: { a: 1 }, paginate: { type: "link", link_rel_in_response_header: "next", on_page } }`;
const linked = (body, header) => json(body, header === undefined ? {} : { headers: { link: header } });

test("link: follows the header, a full URL replaces base and path", async () => {
  const { events, calls, config } = await paged(link, [
    linked([1], '<https://a.test/first>; rel="first", <https://b.test/l?p=2,3&x=y>; title="a, b"; rel="last next"'),
    linked([2], '</l?p=3>; rel=next'),
    linked([3], '<https://b.test/l>; rel="prev"'),
  ]);
  assert.deepEqual(events, ["page [1]", "next https://b.test/l?p=2,3&x=y 200", "page [2]", "next /l?p=3 200", "page [3]", "next undefined 200"]);
  assert.deepEqual(calls.map(({ endpoint, params, baseUrlOverride }) => [endpoint, params, baseUrlOverride]), [
    ["/l", { a: "1" }, undefined],
    ["/l?p=2,3&x=y", undefined, "https://b.test"],
    ["/l?p=3", undefined, "https://b.test"],
  ]);
  assert.deepEqual(config, { endpoint: "/l?p=3", method: "GET", baseUrlOverride: "https://b.test" });
});

test("link: always yields, and stops at the link it came from", async () => {
  const inBody = `{ endpoint: "/l", paginate: { type: "link", link_path_in_response_body: "links.next", response_path: "items", limit: 2, limit_name_in_request: "n", on_page } }`;
  const { events, calls } = await paged(inBody, [{ items: [], links: { next: "/l?p=2" } }, { links: { next: "/l?p=2" } }]);
  assert.deepEqual(events, ["page []", "next /l?p=2 200", "page undefined", "next /l?p=2 200"]);
  assert.deepEqual(calls.map(({ endpoint, params }) => [endpoint, params]), [["/l", { n: "2" }], ["/l?p=2", undefined]]);
  for (const next of [null, "", 5, undefined]) assert.equal((await paged(inBody, [{ items: [1], links: { next } }])).calls.length, 1);
});

const offset = (more = "", config = "") => `{ endpoint: "/l", ${config} paginate: { type: "offset", offset_name_in_request: "skip", response_path: "items", on_page ${more} } }`;

test("offset: steps by the size of the page until one is empty", async () => {
  const { events, calls, config } = await paged(offset(), [{ items: [1, 2] }, { items: [3] }, { items: [] }]);
  assert.deepEqual(events, ["page [1,2]", "next 0 200", "page [3]", "next 2 200"]);
  assert.deepEqual(calls.map(({ params }) => params), [{ skip: "0" }, { skip: "2" }, { skip: "3" }]);
  assert.deepEqual(config.params, { skip: "3" });
});

test("offset: a page shorter than the limit ends without on_page", async () => {
  const { events, calls } = await paged(offset(", limit: 2, limit_name_in_request: 'top'"), [{ items: [1, 2] }, { items: [3] }]);
  assert.deepEqual(events, ["page [1,2]", "next 0 200", "page [3]"]);
  assert.deepEqual(calls.map(({ params }) => params), [{ top: "2", skip: "0" }, { top: "2", skip: "2" }]);
});

test("offset: counts pages from where it is told, as a number in a body", async () => {
  const { calls, events } = await paged(offset(", offset_start_value: 1, offset_calculation_method: 'per-page'", 'method: "POST",'), [{ items: [1, 2] }, { items: [3] }, { items: null }]);
  assert.deepEqual(calls.map(({ data }) => data), ['{"skip":1}', '{"skip":2}', '{"skip":3}']);
  assert.deepEqual(events, ["page [1,2]", "next 1 200", "page [3]", "next 2 200"]);
});

test("the provider's defaults are overlaid by the call's settings and asked for once", async () => {
  const defaults = { type: "offset", offset_name_in_request: "skip", limit: 100, limit_name_in_request: "top", response_path: "items" };
  const { calls, world } = await paged(`{ endpoint: "/l", paginate: { limit: 1 } }`, [{ items: [1] }, { items: [] }], { defaults });
  assert.deepEqual(calls.map(({ params }) => params), [{ top: "1", skip: "0" }, { top: "1", skip: "1" }]);
  assert.equal(world.of("nango.provider").length, 1);
  const bare = await paged(`{ endpoint: "/l" }`, [{ items: [] }], { defaults });
  assert.deepEqual(bare.events, []);
});

test("settings that cannot work are refused", async () => {
  const refused = async (settings) => (await paged(`{ endpoint: "/l"${settings ? `, paginate: ${settings}` : ""} }`, [[]])).failed;
  assert.equal(await refused(undefined), "There was no pagination configuration for this integration or configuration passed in.");
  assert.equal(await refused("{ limit: 5 }"), "There was no pagination configuration for this integration or configuration passed in.");
  assert.equal(await refused("{ type: 'page' }"), "Pagination type page is not supported. Only cursor, link and offset pagination types are supported.");
  assert.equal(await refused("{ type: 'cursor' }"), "Param cursor_name_in_request is required for cursor pagination");
  assert.equal(await refused("{ type: 'cursor', cursor_name_in_request: 'c' }"), "Param cursor_path_in_response is required for cursor pagination");
  assert.equal(await refused("{ type: 'offset' }"), "Param offset_name_in_request is required for offset pagination");
  assert.match(await refused("{ type: 'link' }"), /link_rel_in_response_header or link_path_in_response_body/);
  assert.match(await refused("{ type: 'offset', offset_name_in_request: 'o', limit: 5 }"), /limit_name_in_request is required/);
});

test("an HTTP error ends the pages after those that were yielded", async () => {
  const answers = [json([1]), json({}, { status: 500 })];
  const { output } = await runAction(
    `const events = [];
     try { for await (const page of nango.paginate({ endpoint: "/", paginate: { type: "offset", offset_name_in_request: "o" } })) events.push(page); }
     catch (error) { events.push(error.response.status); }
     return events;`,
    { host: { "nango.provider": () => ({ name: "p" }), "nango.http": () => answers.shift() } },
  );
  assert.deepEqual(output, [[1], 500]);
});
