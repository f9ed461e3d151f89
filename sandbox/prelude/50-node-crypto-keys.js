// node:crypto keys and signatures: KeyObject, createSecretKey and its kin,
// Sign, Verify, sign and verify, generateKeyPair for EC and Ed25519. PEM, DER
// and JWK, without passphrases.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const { CryptoKey } = globalThis;
  const { Writable } = lib;
  const crypto = lib.nodeCrypto;
  const { keys } = lib;

  class KeyObject {
    #d;
    constructor(d) {
      if (!d?.type) throw lib.nodeError(TypeError, "ERR_INVALID_ARG_VALUE", "The argument 'type' is invalid.");
      this.#d = d;
    }
    static from(key) {
      const d = lib.keyDetails(key);
      return new KeyObject(d.type === "secret" ? { type: "secret", bytes: d.material } : { type: d.type, key: d.material });
    }
    static {
      lib.keyObjectData = (object) => object.#d;
    }
    get type() {
      return this.#d.type;
    }
    get symmetricKeySize() {
      return this.#d.bytes?.length;
    }
    get asymmetricKeyType() {
      return this.#d.key && { rsa: "rsa", Ed25519: "ed25519" }[this.#d.key.kind] || (this.#d.key ? "ec" : undefined);
    }
    get asymmetricKeyDetails() {
      const { key } = this.#d;
      if (!key) return undefined;
      if (key.kind === "rsa") return { modulusLength: keys.modulusLength(key), publicExponent: 65537n };
      return key.kind === "Ed25519" ? {} : { namedCurve: key.kind === "P-256" ? "prime256v1" : "secp384r1" };
    }
    export(options = {}) {
      const { type, bytes, key } = this.#d;
      if (type === "secret") return options.format === "jwk" ? { kty: "oct", k: lib.base64Encode(bytes, true) } : lib.toBuffer(bytes.slice());
      const secret = type === "private";
      if (options.format === "jwk") return keys.toJwk(key, secret);
      const kind = options.type ?? (secret ? "pkcs8" : "spki");
      let der;
      let label = secret ? "PRIVATE KEY" : "PUBLIC KEY";
      if (kind === "pkcs1") [der, label] = [secret ? key.private : key.public, secret ? "RSA PRIVATE KEY" : "RSA PUBLIC KEY"];
      else {
        der = keys.toDer(key, kind);
        if (kind === "sec1") label = "EC PRIVATE KEY";
      }
      if (options.format !== "pem") return lib.toBuffer(der);
      return `-----BEGIN ${label}-----\n${lib.base64Encode(der).replace(/.{64}(?=.)/g, "$&\n")}\n-----END ${label}-----\n`;
    }
    equals(other) {
      const [a, b] = [this.#d, other.#d];
      if (a.type !== b.type) return false;
      return a.bytes ? lib.equalBytes(a.bytes, b.bytes) : a.key.kind === b.key.kind && lib.equalBytes(a.key.public, b.key.public);
    }
  }
  Object.defineProperty(KeyObject.prototype, Symbol.toStringTag, { value: "KeyObject", configurable: true });
  lib.KeyObject = KeyObject;
  lib.keyObjectBytes = (object) => {
    const { bytes } = lib.keyObjectData(object);
    if (!bytes) throw lib.nodeError(TypeError, "ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE", `Invalid key object type ${object.type}, expected secret.`);
    return bytes;
  };

  const LABELS = { "PRIVATE KEY": "pkcs8", "PUBLIC KEY": "spki", "RSA PRIVATE KEY": "pkcs1-private", "RSA PUBLIC KEY": "pkcs1", "EC PRIVATE KEY": "sec1" };
  const unsupported = (message) => lib.nodeError(Error, "ERR_OSSL_UNSUPPORTED", message);

  function fromPem(text) {
    // Several blocks may stand in one file, EC parameters first among them.
    for (const [, label, body] of text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([\s\S]*?)-----END \1-----/g)) {
      if (label === "ENCRYPTED PRIVATE KEY" || body.includes("ENCRYPTED")) throw lib.nodeError(TypeError, "ERR_MISSING_PASSPHRASE", "Encrypted keys are not available in Strata functions");
      if (label === "CERTIFICATE") throw unsupported("Certificates are not available in Strata functions: pass the public key");
      if (LABELS[label]) return keys.fromDer(LABELS[label], lib.base64Decode(body));
    }
    throw lib.nodeError(Error, "ERR_OSSL_UNSUPPORTED", "error:1E08010C:DECODER routines::unsupported");
  }

  function parse(input, secret) {
    if (input instanceof KeyObject) return lib.keyObjectData(input).key;
    if (input instanceof CryptoKey) return lib.keyDetails(input).material;
    if (typeof input === "string" || lib.isBufferSource(input)) input = { key: input };
    if (input === null || typeof input !== "object") throw lib.argType("key", "of type string or an instance of Buffer, KeyObject, or Object", input);
    if (input.key instanceof KeyObject) return lib.keyObjectData(input.key).key;
    if (input.format === "jwk") return keys.fromJwk(input.key);
    if (input.format === "der") {
      const kind = input.type ?? (secret ? "pkcs8" : "spki");
      return keys.fromDer(kind === "pkcs1" && secret ? "pkcs1-private" : kind, lib.cryptoBytes(input.key, input.encoding, "key"));
    }
    const text = typeof input.key === "string" ? input.key : lib.utf8Decode(lib.bytesOf(input.key, "key"));
    return fromPem(text);
  }

  const privateKey = (input) => {
    const key = parse(input, true);
    if (!key?.private) throw lib.nodeError(TypeError, "ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE", "Invalid key object type public, expected private.");
    return key;
  };

  const options = (key, algorithm, input) => {
    if (key.kind === "Ed25519") return {};
    const pss = key.kind === "rsa" && input?.padding === crypto.constants.RSA_PKCS1_PSS_PADDING;
    return { hash: lib.checkHash(algorithm ?? "sha256"), pss, der: key.kind !== "rsa" && input?.dsaEncoding !== "ieee-p1363" };
  };

  const collecting = (finish) =>
    class extends Writable {
      #algorithm;
      #chunks = [];
      constructor(algorithm, settings) {
        super(settings);
        this.#algorithm = algorithm;
        if (!/^ed25519$/i.test(algorithm)) lib.checkHash(algorithm);
      }
      update(data, encoding) {
        this.#chunks.push(lib.copyBytes(lib.cryptoBytes(data, encoding)));
        return this;
      }
      _write(chunk, encoding, callback) {
        this.update(chunk);
        callback();
      }
      [finish](...args) {
        const message = lib.concat(this.#chunks, 0);
        if (finish === "sign") return lib.cryptoOutput(signature(this.#algorithm, message, args[0]), args[1]);
        return check(this.#algorithm, message, args[0], lib.cryptoBytes(args[1], args[2], "signature"));
      }
    };

  const signature = (algorithm, message, input) => {
    const key = privateKey(input);
    return keys.sign(key, options(key, algorithm, input), message);
  };
  const check = (algorithm, message, input, given) => {
    const key = parse(input, false);
    return keys.verify(key, options(key, algorithm, input), given, message);
  };
  const Sign = collecting("sign");
  const Verify = collecting("verify");

  const CURVES = { "P-256": "P-256", prime256v1: "P-256", secp256r1: "P-256", "P-384": "P-384", secp384r1: "P-384" };
  function generateKeyPairSync(type, settings = {}) {
    const kind = type === "ed25519" ? "Ed25519" : type === "ec" ? CURVES[settings.namedCurve] : undefined;
    if (!kind) throw unsupported(`Generating ${type} keys is not available in Strata functions`);
    const key = keys.generate(kind);
    const publicKey = new KeyObject({ type: "public", key: { ...key, private: null } });
    const privateKey_ = new KeyObject({ type: "private", key });
    const shown = (object, encoding) => (encoding ? object.export(encoding) : object);
    return { publicKey: shown(publicKey, settings.publicKeyEncoding), privateKey: shown(privateKey_, settings.privateKeyEncoding) };
  }

  Object.assign(crypto, {
    KeyObject,
    Sign,
    Verify,
    createSecretKey: (bytes, encoding) => new KeyObject({ type: "secret", bytes: lib.copyBytes(lib.cryptoBytes(bytes, encoding, "key")) }),
    createPrivateKey: (input) => new KeyObject({ type: "private", key: privateKey(input) }),
    createPublicKey: (input) => new KeyObject({ type: "public", key: { ...parse(input, false), private: null } }),
    createSign: (algorithm, settings) => new Sign(algorithm, settings),
    createVerify: (algorithm, settings) => new Verify(algorithm, settings),
    sign(algorithm, data, key, callback) {
      const work = () => lib.toBuffer(signature(algorithm, lib.cryptoBytes(data), key));
      return callback ? lib.callLater(callback, work) : work();
    },
    verify(algorithm, data, key, given, callback) {
      const work = () => check(algorithm, lib.cryptoBytes(data), key, lib.bytesOf(given));
      return callback ? lib.callLater(callback, work) : work();
    },
    generateKeySync: (type, { length }) => new KeyObject({ type: "secret", bytes: lib.random(type === "aes" || length % 8 === 0 ? length / 8 : Math.floor(length / 8)) }),
    generateKey: (type, settings, callback) => lib.callLater(callback, () => crypto.generateKeySync(type, settings)),
    generateKeyPairSync,
  });
  crypto.generateKeyPair = (type, settings, callback) => {
    let pair;
    let error = null;
    try {
      pair = generateKeyPairSync(type, settings);
    } catch (raised) {
      error = raised;
    }
    S.timers.setImmediate(() => (error ? callback(error) : callback(null, pair.publicKey, pair.privateKey)));
  };
  Object.defineProperty(crypto.generateKeyPair, Symbol.for("nodejs.util.promisify.custom"), { value: async (type, settings) => generateKeyPairSync(type, settings) });
  // Members that exist in node and have no counterpart here name themselves.
  for (const name of ["createDiffieHellman", "createDiffieHellmanGroup", "createECDH", "diffieHellman", "getDiffieHellman", "privateDecrypt", "privateEncrypt", "publicDecrypt", "publicEncrypt", "X509Certificate", "generatePrimeSync", "checkPrimeSync"]) {
    crypto[name] ??= function () {
      throw lib.nodeError(Error, "ERR_FEATURE_UNAVAILABLE_ON_PLATFORM", `node:crypto.${name} is not available in Strata functions`);
    };
  }
})();
