// What the files of the pubnub drivers share: `S.pubnub`, a table of their
// parts by name. `pubnub.js`, the last of them, takes the table away; the parts
// keep it in their closures. Here: JSON, bytes, and questions to the host.
//
// Functions may replace what they can reach, members of prototypes included.
// What bounds them therefore rests on names taken here before they run, on
// objects without prototypes and on plain variables.
const S = globalThis.__strata;
const { lib } = S;
const P = (S.pubnub ??= {});
const { Error } = globalThis;
const { parse, stringify } = JSON;

const includes = Function.prototype.call.bind(String.prototype.includes);
const toWellFormed = Function.prototype.call.bind(String.prototype.toWellFormed);

const whole = (_, value) => (typeof value === "string" ? toWellFormed(value) : value);

P.parse = parse;

// JSON text. Half of a surrogate pair becomes a replacement character: parsers
// other than JavaScript's refuse its escape.
P.json = (value) => {
  const text = stringify(value);
  return text !== undefined && includes(text, "\\ud") ? stringify(value, whole) : text;
};

P.text = (bytes) => lib.utf8Decode(bytes);
P.bytes = (text) => lib.utf8Encode(text);
P.size = (text) => lib.utf8Length(text);

// The bytes of a text, or of what holds bytes.
P.message = (value, what) => {
  if (typeof value === "string") return lib.utf8Encode(value);
  if (lib.isBufferSource(value)) return lib.bytesOf(value);
  throw new TypeError(`${what} must be a string`);
};

// The value of a host operation; an `error` in it is thrown.
P.ask = async (op, arg, data) => {
  const { value, data: bytes } = await S.wait(op, arg, data);
  if (value !== null && typeof value === "object" && value.error !== undefined) {
    throw new Error(typeof value.error === "string" ? value.error : String(value.error?.message));
  }
  return { value, bytes };
};

// `a=1&b=2` as an object: `+` and percent escapes are decoded, the last of
// repeated names wins.
const decoded = (text) => {
  const spaced = text.replaceAll("+", " ");
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
};
P.query = (text, defaults) => {
  const out = { ...defaults };
  for (const pair of (text.startsWith("?") ? text.slice(1) : text).split("&")) {
    if (pair === "") continue;
    const at = pair.indexOf("=");
    const name = decoded(at < 0 ? pair : pair.slice(0, at));
    // Not by assignment: a name may be `__proto__`.
    Object.defineProperty(out, name, { value: at < 0 ? "" : decoded(pair.slice(at + 1)), writable: true, enumerable: true, configurable: true });
  }
  return out;
};

// Headers by lower-case name; repeated ones are joined.
P.headers = (pairs) => {
  const out = {};
  for (const [given, value] of pairs ?? []) {
    const name = given.toLowerCase();
    const known = Object.hasOwn(out, name) ? `${out[name]}, ` : "";
    Object.defineProperty(out, name, { value: `${known}${value}`, writable: true, enumerable: true, configurable: true });
  }
  return out;
};

// name -> () => exports, what `require` of a function gives.
P.modules = { __proto__: null };
