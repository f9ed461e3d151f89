// `require("crypto")`. Reference: section 13.6. Hashes are hexadecimal, MACs
// and signatures Base64 in the URL-safe alphabet with padding; signatures with
// P-256 are the two numbers, as JSON Web Keys go with them.
const S = globalThis.__strata;
const { lib } = S;
const P = (S.pubnub ??= {});
const { Error, String } = globalThis;

const HMAC = { __proto__: null, HMAC_SHA1: "sha1", HMAC_SHA256: "sha256", HMAC_SHA512: "sha512" };
const SIGNING = {
  __proto__: null,
  ED25519: { kind: "Ed25519", options: {} },
  ECDSA_P256_SHA1: { kind: "P-256", options: { hash: "sha1" } },
  ECDSA_P256_SHA256: { kind: "P-256", options: { hash: "sha256" } },
  ECDSA_P256_SHA512: { kind: "P-256", options: { hash: "sha512" } },
};

const padded = (bytes) => {
  const text = lib.base64Encode(bytes, true);
  return text + "=".repeat((4 - (text.length % 4)) % 4);
};

P.digest = (hash, bytes) => S.call("crypto.digest", { __proto__: null, hash }, bytes).data;
P.hmac = (hash, key, bytes) => S.call("crypto.hmac", { __proto__: null, hash, key: key.length }, lib.concat([key, bytes], 0)).data;

const BASE64 = /^(?:[A-Za-z0-9+/_-]{4})*(?:[A-Za-z0-9+/_-]{2}==|[A-Za-z0-9+/_-]{3}=)?$/;
// Keys are Base64; some functions pass a text.
const keyOf = (key) => {
  if (typeof key !== "string") return P.message(key, "crypto: the key");
  return key !== "" && BASE64.test(key) ? lib.base64Decode(key) : P.bytes(key);
};

const signing = (algorithm, jwk) => {
  const found = SIGNING[algorithm];
  if (found === undefined) throw new Error(`crypto: unknown algorithm ${String(algorithm)}`);
  if (jwk === null || typeof jwk !== "object") throw new TypeError("crypto: the key must be a JSON Web Key");
  const key = lib.keys.fromJwk(jwk);
  if (key.kind !== found.kind) throw new Error(`crypto: the key does not fit ${algorithm}`);
  return { key, options: found.options };
};

const hash = (name) => async (message) => lib.hexEncode(P.digest(name, P.message(message, "crypto: the message")));

P.modules.crypto = () => {
  const ALGORITHM = {};
  for (const name of [...Object.keys(SIGNING), ...Object.keys(HMAC)]) ALGORITHM[name] = name;
  return {
    ALGORITHM,
    async hmac(key, message, algorithm) {
      const name = HMAC[algorithm];
      if (name === undefined) throw new Error(`crypto: unknown algorithm ${String(algorithm)}`);
      return padded(P.hmac(name, keyOf(key), P.message(message, "crypto: the message")));
    },
    sha1: hash("sha1"),
    sha256: hash("sha256"),
    sha512: hash("sha512"),
    async sign(jwk, message, algorithm) {
      const { key, options } = signing(algorithm, jwk);
      if (key.private === null) throw new Error("crypto: the key is not a private one");
      return padded(lib.keys.sign(key, options, P.message(message, "crypto: the message")));
    },
    async verify(signature, jwk, message, algorithm) {
      const { key, options } = signing(algorithm, jwk);
      if (typeof signature !== "string") throw new TypeError("crypto: the signature must be a string");
      return lib.keys.verify(key, options, lib.base64Decode(signature), P.message(message, "crypto: the message"));
    },
  };
};
