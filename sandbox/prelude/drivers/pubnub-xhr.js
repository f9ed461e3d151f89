// `require("xhr")` and `require("vault")`: what functions read from outside of
// the installation, and the secrets that they do it with. Reference: sections
// 13.3 and 13.4.
const S = globalThis.__strata;
const { lib } = S;
const P = (S.pubnub ??= {});
const { Error, String, URL } = globalThis;

const METHODS = new Set(["GET", "POST", "PUT", "OPTIONS", "DELETE", "PATCH"]);
// Milliseconds.
const TIMEOUT = 5000;
const LONGEST = 9000;

const utf8 = (bytes) => P.text(bytes);
const latin1 = (bytes) => lib.latin1Decode(bytes);
// How the bytes of an answer become its text.
const DECODERS = { __proto__: null, utf8, "utf-8": utf8, latin1, binary: latin1, ascii: latin1, base64: (bytes) => lib.base64Encode(bytes), hex: (bytes) => lib.hexEncode(bytes) };

const urlOf = (given) => {
  let url;
  try {
    url = new URL(String(given));
  } catch {
    throw new TypeError(`xhr: invalid URL ${String(given)}`);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") throw new TypeError(`xhr: the protocol ${url.protocol} is not allowed`);
  return url.href;
};

const timeoutOf = (given) => {
  if (given === undefined) return TIMEOUT;
  if (typeof given !== "number" || given !== given) throw new TypeError("xhr: the timeout must be a number of milliseconds");
  return Math.min(Math.max(Math.ceil(given), 1), LONGEST);
};

const pairsOf = (headers) => {
  const pairs = [];
  for (const name of Object.keys(headers ?? {})) {
    const value = headers[name];
    if (value !== undefined && value !== null) pairs.push([name, String(value)]);
  }
  return pairs;
};

P.modules.xhr = () => ({
  async fetch(address, options) {
    const given = options ?? {};
    const url = urlOf(address);
    const method = String(given.method ?? "GET").toUpperCase();
    if (!METHODS.has(method)) throw new TypeError(`xhr: the method ${method} is not allowed`);
    const decode = DECODERS[String(given.encoding ?? "utf8").toLowerCase()];
    if (decode === undefined) throw new TypeError(`xhr: unknown encoding ${String(given.encoding)}`);
    const { body } = given;
    if (body !== undefined && body !== null && typeof body !== "string") throw new TypeError("xhr: the body must be a string");
    if ((method === "POST" || method === "PUT") && typeof body !== "string") throw new TypeError(`xhr: ${method} needs a body`);
    const arg = { __proto__: null, url, method, headers: pairsOf(given.headers), timeoutMs: timeoutOf(given.timeout) };
    const data = typeof body === "string" ? P.bytes(body) : undefined;
    P.spend("xhr");
    const { value, bytes } = await P.ask("pubnub.xhr", arg, data);
    return { status: value.status, body: decode(bytes), headers: P.headers(value.headers) };
  },
});

P.modules.vault = () => ({
  async get(name) {
    if (typeof name !== "string") throw new TypeError("vault: the name must be a string");
    P.spend("vault");
    return (await P.ask("pubnub.vault-get", { __proto__: null, name })).value.value ?? null;
  },
});
