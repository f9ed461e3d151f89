// node:crypto: hashes, HMAC, random values, key derivation, AES ciphers, and
// secret keys. A cipher collects its input and works in `final`, so `update`
// returns nothing. Asymmetric keys, sign and verify are in
// 50-node-crypto-keys.js; Diffie-Hellman, certificates and engines are left out.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const { Transform } = lib;
  const { Buffer, crypto: webcrypto } = globalThis;

  const bytesOf = (lib.cryptoBytes = (value, encoding, name = "data") => {
    if (typeof value === "string") return lib.encodeText(value, encoding === "buffer" ? "utf8" : encoding);
    if (lib.KeyObject && value instanceof lib.KeyObject) return lib.keyObjectBytes(value);
    if (lib.isBufferSource(value)) return lib.bytesOf(value);
    throw lib.argType(name, "of type string or an instance of ArrayBuffer, Buffer, TypedArray, or DataView", value);
  });
  const output = (lib.cryptoOutput = (bytes, encoding) => (encoding && encoding !== "buffer" ? lib.decodeText(bytes, encoding) : lib.toBuffer(bytes)));
  const op = (name, arg, data) => S.call(name, arg, data).data;

  const hashName = (lib.nodeHash = (name) => {
    const key = String(name).toLowerCase().replace(/^rsa-/, "");
    return { "sha-1": "sha1", "sha-224": "sha224", "sha-256": "sha256", "sha-384": "sha384", "sha-512": "sha512", "sha512/256": "sha512-256", "sha512/224": "sha512-224" }[key] ?? key;
  });
  const HASHES = ["md5", "sha1", "sha224", "sha256", "sha3-224", "sha3-256", "sha3-384", "sha3-512", "sha384", "sha512", "sha512-224", "sha512-256"];
  const checkHash = (lib.checkHash = (name) => {
    const hash = hashName(name);
    if (!HASHES.includes(hash)) throw lib.nodeError(Error, "ERR_CRYPTO_INVALID_DIGEST", `Invalid digest: ${name}`);
    return hash;
  });

  // ---- hashes ----

  class Hash extends Transform {
    #hash;
    #chunks;
    #done = false;
    constructor(algorithm, options, chunks = []) {
      super(options);
      this.#hash = hashName(algorithm);
      if (!HASHES.includes(this.#hash)) throw lib.nodeError(Error, "ERR_OSSL_EVP_UNSUPPORTED", "Digest method not supported");
      this.#chunks = chunks;
    }
    update(data, encoding) {
      if (this.#done) throw lib.nodeError(Error, "ERR_CRYPTO_HASH_FINALIZED", "Digest already called");
      this.#chunks.push(lib.copyBytes(bytesOf(data, encoding)));
      return this;
    }
    digest(encoding) {
      if (this.#done) throw lib.nodeError(Error, "ERR_CRYPTO_HASH_FINALIZED", "Digest already called");
      this.#done = true;
      return output(op("crypto.digest", { hash: this.#hash }, lib.concat(this.#chunks, 0)), encoding);
    }
    copy() {
      if (this.#done) throw lib.nodeError(Error, "ERR_CRYPTO_HASH_FINALIZED", "Digest already called");
      return new Hash(this.#hash, undefined, [...this.#chunks]);
    }
    _transform(chunk, encoding, callback) {
      this.update(chunk, encoding);
      callback();
    }
    _flush(callback) {
      this.push(this.digest());
      callback();
    }
  }

  class Hmac extends Transform {
    #hash;
    #key;
    #chunks = [];
    #done = false;
    constructor(algorithm, key, options) {
      super(options);
      this.#hash = checkHash(algorithm);
      this.#key = lib.copyBytes(bytesOf(key, "utf8", "key"));
    }
    update(data, encoding) {
      if (this.#done) throw lib.nodeError(Error, "ERR_CRYPTO_HASH_FINALIZED", "Digest already called");
      this.#chunks.push(lib.copyBytes(bytesOf(data, encoding)));
      return this;
    }
    digest(encoding) {
      if (this.#done) return output(new Uint8Array(0), encoding);
      this.#done = true;
      return output(op("crypto.hmac", { hash: this.#hash, key: this.#key.length }, lib.concat([this.#key, ...this.#chunks], 0)), encoding);
    }
    _transform(chunk, encoding, callback) {
      this.update(chunk, encoding);
      callback();
    }
    _flush(callback) {
      this.push(this.digest());
      callback();
    }
  }

  // ---- ciphers ----

  const CIPHERS = {};
  for (const bits of [128, 192, 256]) {
    for (const mode of ["cbc", "ctr", "gcm"]) CIPHERS[`aes-${bits}-${mode}`] = { mode, key: bits / 8, iv: mode === "gcm" ? 12 : 16 };
    CIPHERS[`id-aes${bits}-gcm`] = CIPHERS[`aes-${bits}-gcm`];
    CIPHERS[`aes${bits}`] = CIPHERS[`aes-${bits}-cbc`];
  }

  class Cipher extends Transform {
    #c;
    #encrypt;
    #key;
    #iv;
    #aad = new Uint8Array(0);
    #tag = null;
    #tagLength;
    #padding = true;
    #chunks = [];
    #done = false;
    constructor(name, key, iv, options, encrypt) {
      super(options);
      this.#c = CIPHERS[String(name).toLowerCase()];
      if (!this.#c) throw lib.nodeError(Error, "ERR_CRYPTO_UNKNOWN_CIPHER", "Unknown cipher");
      this.#encrypt = encrypt;
      this.#key = lib.copyBytes(bytesOf(key, "utf8", "key"));
      this.#iv = iv === null ? new Uint8Array(0) : lib.copyBytes(bytesOf(iv, "utf8", "iv"));
      if (this.#key.length !== this.#c.key) throw lib.nodeError(RangeError, "ERR_CRYPTO_INVALID_KEYLEN", "Invalid key length");
      if (this.#c.mode === "gcm" ? this.#iv.length === 0 : this.#iv.length !== 16) throw lib.nodeError(TypeError, "ERR_CRYPTO_INVALID_IV", "Invalid initialization vector");
      this.#tagLength = options?.authTagLength ?? 16;
    }
    update(data, inputEncoding, outputEncoding) {
      if (this.#done) throw lib.nodeError(Error, "ERR_CRYPTO_INVALID_STATE", "Unsupported state");
      this.#chunks.push(lib.copyBytes(bytesOf(data, inputEncoding)));
      return output(new Uint8Array(0), outputEncoding);
    }
    final(encoding) {
      if (this.#done) throw lib.nodeError(Error, "ERR_CRYPTO_INVALID_STATE", "Unsupported state");
      this.#done = true;
      const gcm = this.#c.mode === "gcm";
      const tag = gcm ? (this.#encrypt ? this.#tagLength : this.#tag?.length) : 0;
      if (gcm && tag === undefined) throw new Error("Unsupported state or unable to authenticate data");
      const arg = { mode: this.#c.mode, encrypt: this.#encrypt, key: this.#key.length, iv: this.#iv.length, aad: this.#aad.length, tag, padding: this.#padding };
      const parts = [this.#key, this.#iv, this.#aad, ...this.#chunks];
      if (gcm && !this.#encrypt) parts.push(this.#tag);
      let result = op("crypto.cipher", arg, lib.concat(parts, 0));
      if (gcm && this.#encrypt) {
        this.#tag = result.slice(result.length - tag);
        result = result.subarray(0, result.length - tag);
      }
      return output(result, encoding);
    }
    setAutoPadding(on = true) {
      this.#padding = !!on;
      return this;
    }
    setAAD(data, options) {
      this.#aad = lib.copyBytes(bytesOf(data, options?.encoding));
      return this;
    }
    getAuthTag() {
      if (!this.#encrypt || !this.#done || !this.#tag) throw lib.nodeError(Error, "ERR_CRYPTO_INVALID_STATE", "Invalid state for operation getAuthTag");
      return lib.toBuffer(this.#tag);
    }
    setAuthTag(tag, encoding) {
      const bytes = lib.copyBytes(bytesOf(tag, encoding));
      if (![4, 8, 12, 13, 14, 15, 16].includes(bytes.length)) throw lib.nodeError(TypeError, "ERR_CRYPTO_INVALID_AUTH_TAG", `Invalid authentication tag length: ${bytes.length}`);
      this.#tag = bytes;
      return this;
    }
    _transform(chunk, encoding, callback) {
      this.update(chunk, encoding);
      callback();
    }
    _flush(callback) {
      try {
        this.push(this.final());
        callback();
      } catch (error) {
        callback(error);
      }
    }
  }

  // ---- random ----

  const MAX_RANDOM = 2 ** 31 - 1;
  const randomBuffer = (size) => {
    if (typeof size !== "number") throw lib.argType("size", "of type number", size);
    if (!(size >= 0 && size <= MAX_RANDOM)) throw lib.outOfRange("size", `>= 0 && <= ${MAX_RANDOM}`, size);
    return lib.toBuffer(lib.random(size));
  };
  // Runs `work` now and gives its outcome to the callback later.
  const later = (lib.callLater = (callback, work) => {
    if (typeof callback !== "function") throw lib.argType("callback", "of type function", callback);
    let result;
    let error = null;
    try {
      result = work();
    } catch (raised) {
      error = raised;
    }
    S.timers.setImmediate(() => (error ? callback(error) : callback(null, result)));
  });

  function randomInt(min, max, callback) {
    if (max === undefined || typeof max === "function") [min, max, callback] = [0, min, max];
    if (!Number.isSafeInteger(min)) throw lib.argType("min", "a safe integer", min);
    if (!Number.isSafeInteger(max)) throw lib.argType("max", "a safe integer", max);
    if (max <= min) throw lib.outOfRange("max", `greater than the value of "min" (${min})`, max);
    const range = max - min;
    if (range > 2 ** 48 - 1) throw lib.outOfRange("max - min", "<= 281474976710655", range);
    const pick = () => {
      const limit = 2 ** 48 - (2 ** 48 % range);
      for (;;) {
        const n = randomBuffer(6).readUIntBE(0, 6);
        if (n < limit) return min + (n % range);
      }
    };
    return callback === undefined ? pick() : later(callback, pick);
  }

  function randomFillSync(target, offset = 0, size) {
    const bytes = lib.bytesOf(target);
    const unit = target.BYTES_PER_ELEMENT ?? 1;
    const from = offset * unit;
    const length = size === undefined ? bytes.length - from : size * unit;
    bytes.set(lib.random(length), from);
    return target;
  }

  // ---- derivation ----

  const count = (value, name, min = 0) => {
    if (typeof value !== "number") throw lib.argType(name, "of type number", value);
    if (!Number.isInteger(value) || value < min) throw lib.outOfRange(name, `>= ${min}`, value);
    return value;
  };

  function pbkdf2Sync(password, salt, iterations, length, digest) {
    const key = bytesOf(password, "utf8", "password");
    const arg = { hash: checkHash(digest), iterations: count(iterations, "iterations", 1), length: count(length, "keylen"), password: key.length };
    return lib.toBuffer(op("crypto.pbkdf2", arg, lib.concat([key, bytesOf(salt, "utf8", "salt")], 0)));
  }

  function scryptSync(password, salt, length, options = {}) {
    const key = bytesOf(password, "utf8", "password");
    const n = options.N ?? options.cost ?? 16384;
    const r = options.r ?? options.blockSize ?? 8;
    const p = options.p ?? options.parallelization ?? 1;
    if (128 * n * r > (options.maxmem ?? 32 << 20)) throw lib.nodeError(RangeError, "ERR_CRYPTO_INVALID_SCRYPT_PARAMS", "Invalid scrypt params: memory limit exceeded");
    if (length === 0) return Buffer.alloc(0);
    return lib.toBuffer(op("crypto.scrypt", { n, r, p, length: count(length, "keylen"), password: key.length }, lib.concat([key, bytesOf(salt, "utf8", "salt")], 0)));
  }

  function hkdfSync(digest, key, salt, info, length) {
    const [k, s, i] = [bytesOf(key), bytesOf(salt), bytesOf(info)];
    const out = op("crypto.hkdf", { hash: checkHash(digest), length: count(length, "length"), key: k.length, salt: s.length }, lib.concat([k, s, i], 0));
    return out.buffer.slice(out.byteOffset, out.byteOffset + out.byteLength);
  }

  function timingSafeEqual(a, b) {
    const [x, y] = [bytesOf(a, undefined, "buf1"), bytesOf(b, undefined, "buf2")];
    if (x.length !== y.length) throw lib.nodeError(RangeError, "ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH", "Input buffers must have the same byte length");
    return lib.equalBytes(x, y);
  }

  const crypto = {
    createHash: (name, options) => new Hash(name, options),
    createHmac: (name, key, options) => new Hmac(name, key, options),
    createCipheriv: (name, key, iv, options) => new Cipher(name, key, iv, options, true),
    createDecipheriv: (name, key, iv, options) => new Cipher(name, key, iv, options, false),
    hash: (name, data, encoding = "hex") => output(op("crypto.digest", { hash: checkHash(name) }, bytesOf(data)), encoding),
    Hash: function (name, options) {
      return new Hash(name, options);
    },
    Hmac: function (name, key, options) {
      return new Hmac(name, key, options);
    },
    getHashes: () => ["RSA-MD5", "RSA-SHA1", "RSA-SHA256", "RSA-SHA384", "RSA-SHA512", ...HASHES],
    getCiphers: () => Object.keys(CIPHERS),
    getCurves: () => ["prime256v1", "secp384r1"],
    getCipherInfo(name) {
      const c = CIPHERS[String(name).toLowerCase()];
      return c && { mode: c.mode, name: String(name).toLowerCase(), blockSize: c.mode === "cbc" ? 16 : undefined, ivLength: c.iv, keyLength: c.key };
    },
    randomBytes: (size, callback) => (callback === undefined ? randomBuffer(size) : later(callback, () => randomBuffer(size))),
    randomFillSync,
    randomFill(target, ...rest) {
      const callback = rest.pop();
      later(callback, () => randomFillSync(target, ...rest));
    },
    randomInt,
    randomUUID: () => webcrypto.randomUUID(),
    pbkdf2Sync,
    pbkdf2: (password, salt, iterations, length, digest, callback) => later(callback, () => pbkdf2Sync(password, salt, iterations, length, digest)),
    scryptSync,
    scrypt(password, salt, length, options, callback) {
      if (typeof options === "function") [callback, options] = [options, {}];
      later(callback, () => scryptSync(password, salt, length, options));
    },
    hkdfSync,
    hkdf: (digest, key, salt, info, length, callback) => later(callback, () => hkdfSync(digest, key, salt, info, length)),
    timingSafeEqual,
    webcrypto,
    subtle: webcrypto.subtle,
    getRandomValues: (array) => webcrypto.getRandomValues(array),
    getFips: () => 0,
    setFips: () => {},
    constants: { RSA_PKCS1_PADDING: 1, RSA_NO_PADDING: 3, RSA_PKCS1_OAEP_PADDING: 4, RSA_PKCS1_PSS_PADDING: 6, RSA_PSS_SALTLEN_DIGEST: -1, RSA_PSS_SALTLEN_MAX_SIGN: -2, RSA_PSS_SALTLEN_AUTO: -2 },
  };
  crypto.pseudoRandomBytes = crypto.prng = crypto.rng = crypto.randomBytes;
  crypto.Hash.prototype = Hash.prototype;
  crypto.Hmac.prototype = Hmac.prototype;
  lib.nodeCrypto = crypto;
  S.modules["node:crypto"] = () => crypto;
})();
