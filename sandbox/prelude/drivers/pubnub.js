// Runs a function by the contract of PubNub Functions: the default export of a
// bundle that `compiler::handler` has made is called with what its trigger
// gives. Reference: sections 10 to 15 of `pubnub-functions.md`.
//
// Request  { type: "BEFORE_PUBLISH" | "BEFORE_PUBLISH_FILE" | "BEFORE_SIGNAL" |
//   "AFTER_PUBLISH" | "AFTER_PUBLISH_FILE" | "AFTER_SIGNAL" | "AFTER_PRESENCE" |
//   "ON_INTERVAL" | "SUBSCRIBE_ON_INTERVAL" | "ON_REQUEST", event, depth,
//   inspect? }
//   event    of a message: { message, channels, verb, pubkey, subkey, version,
//            meta, params, uri }; of a timer: { timestamp (ms), interval (ms),
//            pubkey, subkey, version }; of ON_REQUEST: { method, path, query
//            (as it stands in the address), headers: [[name, value]], pubkey,
//            subkey, version, meta, uri }, and the raw bytes are its body.
//   depth    hops of the chain; the host's, nothing here depends on it.
//   inspect  `true`: nothing is called. The answer is { statusCode: 200 }, or
//            the failure that the default export is not a function.
// Response of ON_REQUEST: { statusCode, headers: [[name, value]] } and a text,
//   the HTTP answer itself. Of all others: statusCode 200 (ok) or 400 (abort)
//   and the text `{"decision":"ok"|"abort","text":string|null}`, with a member
//   `message`, the message as the function left it, for message triggers;
//   after an abort it is null where it cannot be serialised.
// Failure  what the function threw or rejected with, no result, what cannot be
//   serialised, too many iterations of loops: `Failure::Threw`, whose text is
//   `String(error)`, then the frames of its stack.
//
// Operations of the host. The argument is JSON, `data` are bytes. All are begun
// with `wait` but the first. An `error` is a text, and rejects the call.
//
//   pubnub.console { level: "log" | "error" | "info" | "warn" | "debug", text
//     (at most 1024 bytes), ts (ms) }, by `call`
//   pubnub.kv-get { key } -> { found, kind?: "string" | "json", value? };
//     `value` is the text, or the JSON value itself
//   pubnub.kv-set { key, kind, value, ttlSeconds } -> {}
//   pubnub.kv-remove { key } -> {}
//   pubnub.kv-counter { key } -> { value: "<decimal>" }
//   pubnub.kv-increment { key, by } -> { value: "<decimal>" } or { error }
//   pubnub.kv-keys { kind: "entries" | "counters", token? }
//     -> { keys: [key], next: token | null }
//   pubnub.vault-get { name } -> { value: string | null }
//   pubnub.xhr { url, method, headers: [[name, value]], timeoutMs } + body
//     -> { status, headers: [[name, value]] } + body, or { error }
//   pubnub.publish { mode: "publish" | "fire" | "signal", channel, message,
//     meta? } -> { answer: [status, text, timetoken] } or { error }
//   pubnub.here-now { channels, includeUUIDs?, includeState? }
//     -> { answer } or { error }
//   pubnub.where-now { uuid } -> { answer } or { error }
//
// Arguments are checked here, but a function may tamper with how they become
// JSON: what must hold whatever comes is for the host to check again.
const S = globalThis.__strata;
const P = S.pubnub;
delete S.pubnub;
const { Error, TypeError } = globalThis;
const { stringify } = JSON;

// What sets a function off, by the type of its trigger.
const CAUSES = {
  __proto__: null,
  BEFORE_PUBLISH: "message",
  BEFORE_PUBLISH_FILE: "message",
  BEFORE_SIGNAL: "message",
  AFTER_PUBLISH: "message",
  AFTER_PUBLISH_FILE: "message",
  AFTER_SIGNAL: "message",
  AFTER_PRESENCE: "message",
  ON_INTERVAL: "timer",
  SUBSCRIBE_ON_INTERVAL: "timer",
  ON_REQUEST: "http",
};
const JSON_TYPE = ["content-type", "application/json"];

// ---- what bundles ask for ----

const made = { __proto__: null };
const require = (name) => {
  if (typeof name !== "string" || P.modules[name] === undefined) throw new Error(`Module not found: ${String(name)}`);
  return (made[name] ??= P.modules[name]());
};

// Asking for it is the first thing that a bundle does: from then on, the
// globals are those of a function.
S.modules["strata:pubnub"] = () => {
  P.enclose();
  return { __proto__: null, require, loop: P.loop };
};

// ---- running ----

const messageText = (message, word) => {
  let text;
  try {
    text = P.json(message);
  } catch (error) {
    if (word === "abort") return "null";
    throw error;
  }
  if (text !== undefined) return text;
  if (word === "abort") return "null";
  throw new TypeError("The message cannot be serialised");
};

const decided = ({ word, text }, message) => ({
  value: { __proto__: null, statusCode: word === "ok" ? 200 : 400, headers: [JSON_TYPE] },
  text: `{"decision":"${word}","text":${text === null ? "null" : P.json(text)}${message === undefined ? "" : `,"message":${message}`}}`,
});

const run = async (fn, { type, event }, body) => {
  const result = P.result();
  const cause = CAUSES[type];
  if (cause === "message") {
    const request = P.messageRequest(event, result);
    await fn(request);
    P.settled(result, "ok() or abort()");
    return decided(result, messageText(request.message, result.word));
  }
  if (cause === "timer") {
    await fn(P.intervalEvent(event, result));
    P.settled(result, "ok() or abort()");
    return decided(result);
  }
  if (cause !== "http") throw new Error(`unknown trigger type ${type}`);
  await fn(P.httpRequest(event, body), P.httpResponse(result));
  P.settled(result, "send()");
  return result.answer;
};

S.drivers.pubnub = async ({ exports, request, body, fail }) => {
  P.begin(fail);
  try {
    const fn = exports?.default;
    if (typeof fn !== "function") throw new TypeError("The default export is not a function");
    if (request.inspect === true) return { value: { statusCode: 200, headers: [] }, text: "" };
    return await run(fn, request, body);
  } catch (error) {
    fail("failed", P.told(error));
    return {};
  }
};
