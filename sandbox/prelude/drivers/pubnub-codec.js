// `require("codec/…")`: HTTP Basic, Base64 and query strings. Text is UTF-8
// both ways. Reference: section 13.10.
const S = globalThis.__strata;
const { lib } = S;
const P = (S.pubnub ??= {});
const { Error, String } = globalThis;

const encode = (text) => lib.base64Encode(P.bytes(String(text)));

P.modules["codec/auth"] = () => ({
  basic: (user, password) => `Basic ${encode(`${user ?? ""}:${password ?? ""}`)}`,
});

P.modules["codec/base64"] = () => ({
  btoa: encode,
  atob(given) {
    const text = String(given).replace(/\s+/g, "");
    if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) throw new Error("codec/base64: the text is not Base64");
    return P.text(lib.base64Decode(text));
  },
  // The published pair is `+` to `_`.
  encodeString: (text) => String(text).replace(/[^A-Za-z0-9\-._~]/gu, "_"),
});

const escaped = (value) => encodeURIComponent(String(value).toWellFormed());

P.modules["codec/query_string"] = () => ({
  parse: (text, defaults) => P.query(String(text ?? ""), defaults),
  stringify(object) {
    const pairs = [];
    for (const name of Object.keys(object ?? {})) {
      const values = Array.isArray(object[name]) ? object[name] : [object[name]];
      for (const value of values) if (value !== undefined) pairs.push(`${escaped(name)}=${value === null ? "" : escaped(value)}`);
    }
    return pairs.join("&");
  },
});
