// `require("kvstore")`. Reference: section 13.2.
const S = globalThis.__strata;
const P = (S.pubnub ??= {});
const { Error } = globalThis;

const KEY_LIMIT = 1000;
const VALUE_LIMIT = 32_000;
// Minutes.
const DAY = 1440;
const YEAR = 525_600;

const keyOf = (key) => {
  if (typeof key !== "string" || key === "") throw new TypeError("kvstore: the key must be a non-empty string");
  if (key.length > KEY_LIMIT) throw new RangeError(`kvstore: the key is longer than ${KEY_LIMIT} characters`);
  return key;
};

const checkSize = (text) => {
  if (text.length > VALUE_LIMIT) throw new RangeError(`kvstore: the value is longer than ${VALUE_LIMIT} characters`);
  return text;
};

const secondsOf = (minutes) => {
  if (minutes === undefined) return DAY * 60;
  if (typeof minutes !== "number" || minutes !== minutes) throw new TypeError("kvstore: the time to live must be a number of minutes");
  return Math.min(Math.max(Math.ceil(minutes), 1), YEAR) * 60;
};

// An async function: what is wrong with its arguments rejects its promise.
const call = (op, arg) => {
  P.spend("kvstore");
  return P.ask(op, arg);
};

const store = async (arg) => {
  await call("pubnub.kv-set", arg);
  return null;
};

const read = async (given) => {
  const key = keyOf(given);
  return (await call("pubnub.kv-get", { __proto__: null, key })).value;
};

const list = async (kind, page) => {
  if (page !== undefined && page !== null && typeof page !== "string") throw new TypeError("kvstore: the page must be the token of an earlier answer");
  const arg = { __proto__: null, kind };
  if (page) arg.token = page;
  const { value } = await call("pubnub.kv-keys", arg);
  const keys = [...value.keys];
  // Some callers take an array, others `{ keys, next }`. Not enumerable, so
  // that `for … in` meets the keys alone.
  Object.defineProperty(keys, "keys", { value: [...value.keys], writable: true, configurable: true });
  Object.defineProperty(keys, "next", { value: value.next ?? null, writable: true, configurable: true });
  return keys;
};

P.modules.kvstore = () => ({
  async set(key, value, ttl) {
    keyOf(key);
    const text = P.json(value);
    if (text === undefined) throw new TypeError("kvstore: the value cannot be stored as JSON");
    checkSize(text);
    return store({ __proto__: null, key, kind: "json", value: P.parse(text), ttlSeconds: secondsOf(ttl) });
  },
  async get(key) {
    const { found, value } = await read(key);
    return found ? value : null;
  },
  async setItem(key, value, ttl) {
    keyOf(key);
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") throw new TypeError("kvstore: setItem stores strings");
    return store({ __proto__: null, key, kind: "string", value: checkSize(`${value}`), ttlSeconds: secondsOf(ttl) });
  },
  async getItem(key) {
    const { found, value } = await read(key);
    if (!found) return null;
    return typeof value === "string" ? value : P.json(value);
  },
  async removeItem(given) {
    const key = keyOf(given);
    await call("pubnub.kv-remove", { __proto__: null, key });
    return null;
  },
  async incrCounter(given, by = 1) {
    const key = keyOf(given);
    if (!Number.isSafeInteger(by)) throw new TypeError("kvstore: a counter is incremented by an integer");
    return Number((await call("pubnub.kv-increment", { __proto__: null, key, by })).value.value);
  },
  async getCounter(given) {
    const key = keyOf(given);
    return Number((await call("pubnub.kv-counter", { __proto__: null, key })).value.value);
  },
  getKeys: async (page) => list("entries", page),
  getCounterKeys: async (page) => list("counters", page),
});
