// What the official SDK does with functions in the way of its messages, against a running server:
// STRATA_URL, STRATA_KEY. Only `origin` and the keys are not the vendor's.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import PubNub from "pubnub";

const { STRATA_URL, STRATA_KEY } = process.env;

const MASK = `
export default (request) => {
  const message = request.message;
  if (message.text === "forbidden") return request.abort("not here");
  if (message.text === "broken") throw new Error("boom");
  message.text = message.text.toUpperCase();
  message.seen = { verb: request.verb, user: request.params.uuid, meta: request.meta.custom ?? null };
  return request.ok();
};`;

const COUNT = `
const kv = require("kvstore");
const pubnub = require("pubnub");
export default async (request) => {
  const count = await kv.incrCounter("messages");
  await pubnub.publish({ channel: "log", message: { count, text: request.message.text } });
  return request.ok();
};`;

const on = (name, type, inputChannel, code) => ({ name, type, config: { type, inputChannel }, code });

async function ask(method, path, body) {
  const headers = {
    authorization: path.startsWith("/strata") ? `Bearer ${STRATA_KEY}` : STRATA_KEY,
    "pubnub-version": "2026-03-01",
    "content-type": "application/json",
  };
  const answer = await fetch(STRATA_URL + path, { method, headers, body: body && JSON.stringify(body) });
  const shown = await answer.json();
  assert.ok(answer.ok, `${method} ${path}: ${JSON.stringify(shown)}`);
  return shown.data ?? shown;
}

/** What was heard, and whoever waits for more. */
class Ear {
  heard = [];
  waiting = [];

  add(event) {
    this.heard.push(event);
    for (const wake of this.waiting.splice(0)) wake();
  }

  async next(what) {
    const timeout = AbortSignal.timeout(20_000);
    while (this.heard.length === 0) {
      await new Promise((wake, fail) => {
        this.waiting.push(wake);
        timeout.addEventListener("abort", () => fail(new Error(`nothing is heard of ${what}`)));
      });
    }
    return this.heard.shift();
  }
}

let pubnub;
const messages = new Ear();
const signals = new Ear();
const logs = new Ear();

before(async () => {
  const keyset = await ask("POST", "/strata/v1/keysets", { name: "sdk" });
  const made = await ask("POST", "/v2/faas/packages", {
    name: `sdk ${keyset.id}`,
    revisionName: "v1",
    functions: [
      on("mask", "BEFORE_PUBLISH", "chat.*", MASK),
      on("count", "AFTER_PUBLISH", "chat.*", COUNT),
      on("signal", "BEFORE_SIGNAL", "chat.*", MASK),
    ],
  });
  const [revision] = await ask("GET", `/v2/faas/packages/${made.id}/package-revisions`);
  const assigned = { packageRevisionId: revision.id, keysetId: keyset.id };
  const deployment = await ask("POST", "/v2/faas/package-deployments", assigned);
  const functions = `/v2/faas/package-deployments/${deployment.id}/function-deployments`;
  assert.equal((await ask("POST", functions)).state, "RUNNING");

  pubnub = new PubNub({
    publishKey: keyset.publishKey,
    subscribeKey: keyset.subscribeKey,
    userId: "ada",
    origin: new URL(STRATA_URL).host,
    ssl: false,
  });
  const connected = new Promise((done) => {
    pubnub.addListener({
      status: (event) => event.category === "PNConnectedCategory" && done(),
      message: (event) => (event.channel === "log" ? logs : messages).add(event),
      signal: (event) => signals.add(event),
    });
  });
  pubnub.subscribe({ channels: ["chat.room", "log"] });
  await connected;
});

after(() => pubnub?.destroy(true));

test("a message is changed on its way", async () => {
  const meta = { from: "here" };
  const sent = await pubnub.publish({ channel: "chat.room", message: { text: "hello / ünï" }, meta });
  assert.match(String(sent.timetoken), /^\d{17}$/);
  const heard = await messages.next("a message");
  assert.deepEqual(heard.message, {
    text: "HELLO / ÜNÏ",
    seen: { verb: "publish", user: "ada", meta },
  });
  assert.equal(heard.channel, "chat.room");
  assert.equal(heard.publisher, "ada");
  assert.equal(String(heard.timetoken), String(sent.timetoken));
  const log = await logs.next("the function after it");
  assert.deepEqual(log.message, { count: 1, text: "HELLO / ÜNÏ" });
});

test("by POST as well", async () => {
  await pubnub.publish({ channel: "chat.room", message: { text: "posted" }, sendByPost: true });
  assert.equal((await messages.next("a message")).message.text, "POSTED");
  assert.equal((await logs.next("the function after it")).message.count, 2);
});

test("a text starts no function", async () => {
  await pubnub.publish({ channel: "chat.room", message: "plain" });
  assert.equal((await messages.next("a text")).message, "plain");
});

test("fire is for functions only", async () => {
  await pubnub.fire({ channel: "chat.room", message: { text: "fired" } });
  assert.deepEqual((await logs.next("fire")).message, { count: 3, text: "FIRED" });
  assert.deepEqual(messages.heard, []);
});

test("a signal is small and delivered", async () => {
  await pubnub.signal({ channel: "chat.room", message: { text: "s" } });
  assert.equal((await signals.next("a signal")).message.seen.verb, "signal");
});

test("what a function aborts, or fails at, is not delivered", async () => {
  for (const [text, status] of [["forbidden", 400], ["broken", 500]]) {
    const refused = pubnub.publish({ channel: "chat.room", message: { text } });
    await assert.rejects(refused, (error) => error.status.statusCode === status);
  }
  assert.deepEqual(messages.heard, []);
});
