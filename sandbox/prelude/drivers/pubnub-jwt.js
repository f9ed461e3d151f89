// `require("jwt")`: JSON Web Tokens (RFC 7519) signed with HS256, HS384, HS512,
// RS256 or ES256. `none` is refused. Options, texts and names of errors are
// those of the library that most programs use. Reference: section 13.8.
const S = globalThis.__strata;
const { lib } = S;
const P = (S.pubnub ??= {});
const { Date, Error, String } = globalThis;
const { now } = Date;
const { createPrivateKey, createPublicKey } = lib.nodeCrypto;

class JsonWebTokenError extends Error {
  constructor(message) {
    super(message);
    this.name = "JsonWebTokenError";
  }
}
class TokenExpiredError extends JsonWebTokenError {
  constructor(message, expiredAt) {
    super(message);
    this.name = "TokenExpiredError";
    this.expiredAt = expiredAt;
  }
}
class NotBeforeError extends JsonWebTokenError {
  constructor(message, date) {
    super(message);
    this.name = "NotBeforeError";
    this.date = date;
  }
}

const HMAC = { __proto__: null, HS256: "sha256", HS384: "sha384", HS512: "sha512" };
const KINDS = { __proto__: null, RS256: "rsa", ES256: "P-256" };
const SYMMETRIC = Object.keys(HMAC);
const ASYMMETRIC = Object.keys(KINDS);
const KEY_OPTIONS = { __proto__: null, hash: "sha256" };

// ---- keys ----

const isPem = (key) => typeof key === "string" && key.includes("-----BEGIN ");
const isAsymmetric = (key) => isPem(key) || (key !== null && typeof key === "object" && !lib.isBufferSource(key));

const secretOf = (key) => {
  if (key === undefined || key === null || key === "") throw new JsonWebTokenError("secret or public key must be provided");
  // A public key is known to everybody and must not be taken for a secret.
  if (isAsymmetric(key)) throw new JsonWebTokenError("secretOrPublicKey must be a symmetric key when using an HS algorithm");
  return P.message(key, "jwt: the secret");
};

const pairOf = (key, read, algorithm) => {
  if (!isAsymmetric(key)) throw new JsonWebTokenError(`secretOrPublicKey must be an asymmetric key when using ${algorithm}`);
  let parts;
  try {
    if (isPem(key)) parts = lib.keyObjectData(read(key)).key;
    else if (isPem(key.key)) parts = lib.keyObjectData(read(key.key)).key;
    else parts = lib.keys.fromJwk(key);
  } catch (error) {
    throw new JsonWebTokenError(`the key cannot be read: ${error.message}`);
  }
  if (parts.kind !== KINDS[algorithm]) throw new JsonWebTokenError(`the key does not fit ${algorithm}`);
  return parts;
};

const signature = (algorithm, key, input) => {
  if (algorithm in HMAC) return P.hmac(HMAC[algorithm], secretOf(key), input);
  const parts = pairOf(key, createPrivateKey, algorithm);
  if (parts.private === null) throw new JsonWebTokenError("secretOrPrivateKey must be a private key");
  return lib.keys.sign(parts, KEY_OPTIONS, input);
};

const isSame = (a, b) => {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a[i] ^ b[i % Math.max(b.length, 1)];
  return difference === 0;
};

const holds = (algorithm, key, input, given) => {
  if (algorithm in HMAC) return isSame(P.hmac(HMAC[algorithm], secretOf(key), input), given);
  return lib.keys.verify(pairOf(key, createPublicKey, algorithm), KEY_OPTIONS, given, input);
};

// ---- parts ----

const URL_SAFE = /^[A-Za-z0-9_-]+$/;
const part = (value) => lib.base64Encode(P.bytes(value), true);

const jsonOf = (text) => P.parse(P.text(lib.base64Decode(text)));
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

// Header, payload and what is signed; null when it is no token.
const read = (token) => {
  const parts = typeof token === "string" ? token.split(".") : [];
  if (parts.length !== 3 || !parts.every((one) => URL_SAFE.test(one))) return null;
  let header;
  try {
    header = jsonOf(parts[0]);
  } catch {
    return null;
  }
  if (!isObject(header)) return null;
  let payload = P.text(lib.base64Decode(parts[1]));
  try {
    payload = P.parse(payload);
  } catch {
    // A payload may be any text.
  }
  return { header, payload, signature: parts[2], signed: `${parts[0]}.${parts[1]}` };
};

// ---- times, in seconds ----

const UNITS = { __proto__: null, ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800, y: 31_557_600 };
const WORDS =
  /^(-?(?:\d+)?\.?\d+) *(?:(ms|msecs?|milliseconds?)|(s|secs?|seconds?)|(m|mins?|minutes?)|(h|hrs?|hours?)|(d|days?)|(w|weeks?)|(y|yrs?|years?))?$/i;

const spanOf = (span, name) => {
  if (typeof span === "number" && Number.isFinite(span)) return span;
  const found = typeof span === "string" ? WORDS.exec(span) : null;
  if (found === null) throw new Error(`"${name}" should be a number of seconds or string representing a timespan`);
  const at = found.findIndex((one, i) => i > 1 && one !== undefined);
  // A text without a unit counts milliseconds.
  const unit = Object.values(UNITS)[at < 0 ? 0 : at - 2];
  return Number(found[1]) * unit;
};

// ---- the module ----

const CLAIMS = { __proto__: null, audience: "aud", issuer: "iss", subject: "sub", jwtid: "jti" };

const sign = (payload, key, options) => {
  const given = options ?? {};
  const algorithm = given.algorithm ?? "HS256";
  if (!(algorithm in HMAC) && !(algorithm in KINDS)) throw new Error('"algorithm" must be a valid string enum value');
  if (payload === undefined) throw new Error("payload is required");
  if (!isObject(payload) && typeof payload !== "string") throw new Error('Expected "payload" to be a plain object.');
  const header = { alg: algorithm, ...(isObject(payload) && { typ: "JWT" }), ...given.header };
  header.alg = algorithm;
  if (given.keyid !== undefined) header.kid = given.keyid;
  let body = payload;
  if (isObject(payload)) {
    body = { ...payload };
    const seconds = body.iat ?? Math.floor(now() / 1000);
    if (typeof seconds !== "number") throw new Error('"iat" should be a number of seconds');
    if (given.noTimestamp) delete body.iat;
    else body.iat = seconds;
    for (const [option, claim] of [["expiresIn", "exp"], ["notBefore", "nbf"]]) {
      if (given[option] === undefined) continue;
      if (body[claim] !== undefined) throw new Error(`Bad "options.${option}" option the payload already has an "${claim}" property.`);
      body[claim] = Math.floor(seconds + spanOf(given[option], option));
    }
    for (const option of Object.keys(CLAIMS)) {
      if (given[option] === undefined) continue;
      if (body[CLAIMS[option]] !== undefined) throw new Error(`Bad "options.${option}" option. The payload already has an "${CLAIMS[option]}" property.`);
      body[CLAIMS[option]] = given[option];
    }
  }
  const input = `${part(P.json(header))}.${part(typeof body === "string" ? body : P.json(body))}`;
  return `${input}.${lib.base64Encode(signature(algorithm, key, P.bytes(input)), true)}`;
};

const decode = (token, options) => {
  const found = read(token);
  if (found === null) return null;
  return options?.complete ? { header: found.header, payload: found.payload, signature: found.signature } : found.payload;
};

const matches = (wanted, value) => (wanted instanceof RegExp ? wanted.test(value) : wanted === value);
const list = (value) => (Array.isArray(value) ? value : [value]);

// Throws where a claim does not hold.
const checkClaims = (payload, given) => {
  const at = given.clockTimestamp ?? Math.floor(now() / 1000);
  const slack = given.clockTolerance ?? 0;
  if (payload.nbf !== undefined && !given.ignoreNotBefore) {
    if (typeof payload.nbf !== "number") throw new JsonWebTokenError("invalid nbf value");
    if (payload.nbf > at + slack) throw new NotBeforeError("jwt not active", new Date(payload.nbf * 1000));
  }
  if (payload.exp !== undefined && !given.ignoreExpiration) {
    if (typeof payload.exp !== "number") throw new JsonWebTokenError("invalid exp value");
    if (at >= payload.exp + slack) throw new TokenExpiredError("jwt expired", new Date(payload.exp * 1000));
  }
  if (given.audience !== undefined) {
    const wanted = list(given.audience);
    if (!list(payload.aud).some((one) => wanted.some((other) => matches(other, one)))) throw new JsonWebTokenError(`jwt audience invalid. expected: ${wanted.join(" or ")}`);
  }
  if (given.issuer !== undefined && !list(given.issuer).includes(payload.iss)) throw new JsonWebTokenError(`jwt issuer invalid. expected: ${list(given.issuer).join(",")}`);
  if (given.subject !== undefined && payload.sub !== given.subject) throw new JsonWebTokenError(`jwt subject invalid. expected: ${given.subject}`);
  if (given.jwtid !== undefined && payload.jti !== given.jwtid) throw new JsonWebTokenError(`jwt jwtid invalid. expected: ${given.jwtid}`);
  if (given.maxAge !== undefined) {
    if (typeof payload.iat !== "number") throw new JsonWebTokenError("iat required when maxAge is specified");
    const until = payload.iat + spanOf(given.maxAge, "maxAge");
    if (at >= until + slack) throw new TokenExpiredError("maxAge exceeded", new Date(until * 1000));
  }
};

const verify = (token, key, given) => {
  if (token === undefined || token === null || token === "") throw new JsonWebTokenError("jwt must be provided");
  if (typeof token !== "string") throw new JsonWebTokenError("jwt must be a string");
  const found = read(token);
  if (found === null) {
    const parts = token.split(".");
    // Three parts, the last of them empty: nobody signed it.
    throw new JsonWebTokenError(parts.length !== 3 ? "jwt malformed" : parts[2] === "" ? "jwt signature is required" : "invalid token");
  }
  const { header, payload } = found;
  const allowed = given.algorithms ?? (isAsymmetric(key) ? ASYMMETRIC : SYMMETRIC);
  const algorithm = header.alg;
  if (!list(allowed).includes(algorithm) || (!(algorithm in HMAC) && !(algorithm in KINDS))) throw new JsonWebTokenError("invalid algorithm");
  const bytes = lib.base64Decode(found.signature);
  // One text for one signature: the last digit has bits that mean nothing.
  const isWritten = lib.base64Encode(bytes, true) === found.signature;
  if (!isWritten || !holds(algorithm, key, P.bytes(found.signed), bytes)) throw new JsonWebTokenError("invalid signature");
  if (isObject(payload)) checkClaims(payload, given);
  return given.complete ? { header, payload, signature: found.signature } : payload;
};

P.modules.jwt = () => ({
  sign,
  decode,
  verify(token, key, options, callback) {
    const done = typeof options === "function" ? options : callback;
    const given = typeof options === "function" ? {} : (options ?? {});
    if (typeof done !== "function") return verify(token, key, given);
    let payload;
    try {
      payload = verify(token, key, given);
    } catch (error) {
      done(error);
      return undefined;
    }
    done(null, payload);
    return payload;
  },
  JsonWebTokenError,
  TokenExpiredError,
  NotBeforeError,
});
