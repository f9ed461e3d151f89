// `require("uuid")`. Reference: section 13.7; forms and versions: RFC 9562.
const S = globalThis.__strata;
const { lib } = S;
const P = (S.pubnub ??= {});
const { now } = Date;

const NIL = "00000000-0000-0000-0000-000000000000";
const FORM = /^(?:[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}|0{8}(?:-0{4}){3}-0{12}|f{8}(?:-f{4}){3}-f{12})$/i;
const DNS = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
const URL = "6ba7b811-9dad-11d1-80b4-00c04fd430c8";

const validate = (value) => typeof value === "string" && FORM.test(value);

const written = (bytes) => lib.hexEncode(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");

const marked = (bytes, version) => {
  bytes[6] = (bytes[6] & 0x0f) | (version << 4);
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return written(bytes);
};

const read = (text) => lib.hexDecode(text.replaceAll("-", ""));

const named = (version, hash) => {
  const make = (name, namespace) => {
    if (!validate(namespace)) throw new TypeError("uuid: the namespace must be a UUID");
    const digest = P.digest(hash, lib.concat([read(namespace), P.message(name, "uuid: the name")], 0));
    return marked(digest.slice(0, 16), version);
  };
  make.DNS = DNS;
  make.URL = URL;
  return make;
};

// 100 ns since 15 October 1582.
const EPOCH = 122_192_928_000_000_000n;
let last = 0n;
const timed = () => {
  const bytes = lib.random(16).slice();
  let ticks = BigInt(now()) * 10_000n + EPOCH;
  if (ticks <= last) ticks = last + 1n;
  last = ticks;
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Number(ticks & 0xffff_ffffn));
  view.setUint16(4, Number((ticks >> 32n) & 0xffffn));
  view.setUint16(6, Number((ticks >> 48n) & 0x0fffn));
  // A node that is no address of a network card.
  bytes[10] |= 1;
  return marked(bytes, 1);
};

P.modules.uuid = () => ({
  v1: timed,
  v3: named(3, "md5"),
  v4: () => marked(lib.random(16).slice(), 4),
  v5: named(5, "sha1"),
  validate,
  version(value) {
    if (!validate(value)) throw new TypeError("Invalid UUID");
    return parseInt(value[14], 16);
  },
  NIL,
});
