// Web Crypto: random values, and `subtle` for digests, HMAC, AES (GCM, CBC,
// CTR), PBKDF2 and HKDF, with raw and jwk keys. Asymmetric algorithms are in
// 29-webcrypto-asymmetric.js.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const { DOMException } = globalThis;

  const fail = (name, message) => new DOMException(message, name);
  const INTEGER_VIEWS = ["Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array", "Uint32Array", "BigInt64Array", "BigUint64Array"];

  const HASHES = { "SHA-1": 160, "SHA-256": 256, "SHA-384": 384, "SHA-512": 512 };
  const BLOCKS = { "SHA-1": 512, "SHA-256": 512, "SHA-384": 1024, "SHA-512": 1024 };
  const opName = (hash) => hash.toLowerCase().replace("-", "");

  const algorithmName = (a) => String(typeof a === "object" && a !== null ? a.name : a).toUpperCase();
  function hashName(hash) {
    const name = algorithmName(hash);
    if (!Object.hasOwn(HASHES, name)) throw fail("NotSupportedError", `Unrecognized hash: ${name}`);
    return name;
  }

  const op = (name, arg, data) => {
    try {
      return S.call(name, arg, data).data;
    } catch (error) {
      throw fail("OperationError", error.message);
    }
  };
  const arrayBuffer = (bytes) => (bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer);

  class CryptoKey {
    #d;
    constructor(details) {
      if (!details || details.token !== token) throw new TypeError("Illegal constructor");
      this.#d = details;
    }
    static {
      lib.keyDetails = (key) => {
        if (key === null || typeof key !== "object" || !(#d in key)) throw new TypeError("A CryptoKey is needed");
        return key.#d;
      };
    }
    get type() { return this.#d.type; }
    get extractable() { return this.#d.extractable; }
    get algorithm() { return this.#d.algorithm; }
    get usages() { return [...this.#d.usages]; }
  }
  lib.webClass(CryptoKey);
  const token = Symbol("key");
  const makeKey = (lib.makeKey = (type, algorithm, extractable, usages, material) =>
    new CryptoKey({ token, type, algorithm, extractable: !!extractable, usages: [...usages], material }));

  function need(key, usage, name) {
    const d = lib.keyDetails(key);
    if (name !== undefined && d.algorithm.name.toUpperCase() !== name) throw fail("InvalidAccessError", "The key is of another algorithm");
    if (!d.usages.includes(usage)) throw fail("InvalidAccessError", `The key does not allow ${usage}`);
    return d;
  }

  const AES = ["AES-GCM", "AES-CBC", "AES-CTR", "AES-KW"];
  // What each algorithm may be used for.
  const USAGES = {
    HMAC: ["sign", "verify"], PBKDF2: ["deriveKey", "deriveBits"], HKDF: ["deriveKey", "deriveBits"],
    "AES-GCM": ["encrypt", "decrypt", "wrapKey", "unwrapKey"], "AES-CBC": ["encrypt", "decrypt", "wrapKey", "unwrapKey"],
    "AES-CTR": ["encrypt", "decrypt", "wrapKey", "unwrapKey"], "AES-KW": ["wrapKey", "unwrapKey"],
  };
  // Asymmetric algorithms add themselves: name -> { usages, generate, import, export, sign, verify, … }.
  const extra = (lib.asymmetric = Object.create(null));

  function checkUsages(name, usages) {
    for (const usage of usages) if (!USAGES[name].includes(usage)) throw fail("SyntaxError", `Unsupported key usage for ${name}: ${usage}`);
  }

  function secretAlgorithm(algorithm, bytes, length) {
    const name = algorithmName(algorithm);
    if (name === "HMAC") {
      const hash = hashName(algorithm.hash);
      return { name, hash: { name: hash }, length: length ?? bytes.length * 8 };
    }
    if (AES.includes(name)) {
      if (![16, 24, 32].includes(bytes.length)) throw fail("DataError", "Invalid key length");
      return { name, length: bytes.length * 8 };
    }
    if (name === "PBKDF2" || name === "HKDF") return { name };
    throw fail("NotSupportedError", `Unrecognized algorithm: ${name}`);
  }

  const jwkAlg = (algorithm) =>
    algorithm.name === "HMAC" ? `HS${algorithm.hash.name === "SHA-1" ? 1 : HASHES[algorithm.hash.name]}` : `A${algorithm.length}${algorithm.name.slice(4)}`;

  function cipher(algorithm, key, data, encrypt, usage) {
    const name = algorithmName(algorithm);
    const d = need(key, usage, name);
    const mode = { "AES-GCM": "gcm", "AES-CBC": "cbc", "AES-CTR": "ctr" }[name];
    if (!mode) throw fail("NotSupportedError", `${name} cannot ${usage}`);
    const iv = lib.copyBytes(mode === "ctr" ? algorithm.counter : algorithm.iv, "iv");
    if (mode !== "gcm" && iv.length !== 16) throw fail("OperationError", "The initialization vector must be 16 bytes");
    const aad = mode === "gcm" && algorithm.additionalData !== undefined ? lib.copyBytes(algorithm.additionalData) : new Uint8Array(0);
    const tag = mode === "gcm" ? (algorithm.tagLength ?? 128) / 8 : 0;
    const arg = { mode, encrypt, key: d.material.length, iv: iv.length, aad: aad.length, tag };
    return op("crypto.cipher", arg, lib.concat([d.material, iv, aad, lib.bytesOf(data, "data")], 0));
  }

  function derive(algorithm, key, length, usage) {
    const name = algorithmName(algorithm);
    const d = need(key, usage, name);
    if (length === null || length === undefined || length % 8 !== 0) throw fail("OperationError", "The length must be a multiple of 8");
    const hash = opName(hashName(algorithm.hash));
    const salt = lib.copyBytes(algorithm.salt, "salt");
    if (name === "PBKDF2") {
      if (!(algorithm.iterations > 0)) throw fail("OperationError", "The iterations must be positive");
      return op("crypto.pbkdf2", { hash, iterations: Number(algorithm.iterations), length: length / 8, password: d.material.length }, lib.concat([d.material, salt], 0));
    }
    if (name === "HKDF") {
      const info = lib.copyBytes(algorithm.info, "info");
      return op("crypto.hkdf", { hash, length: length / 8, key: d.material.length, salt: salt.length }, lib.concat([d.material, salt, info], 0));
    }
    throw fail("NotSupportedError", `${name} cannot ${usage}`);
  }

  function derivedLength(algorithm) {
    const name = algorithmName(algorithm);
    if (AES.includes(name)) return algorithm.length;
    if (name === "HMAC") return algorithm.length ?? BLOCKS[hashName(algorithm.hash)];
    return null;
  }

  const hmac = (d, data) => op("crypto.hmac", { hash: opName(d.algorithm.hash.name), key: d.material.length }, lib.concat([d.material, lib.bytesOf(data, "data")], 0));

  const equal = (lib.equalBytes = (a, b) => {
    if (a.length !== b.length) return false;
    let differ = 0;
    for (let i = 0; i < a.length; i++) differ |= a[i] ^ b[i];
    return differ === 0;
  });

  class SubtleCrypto {
    constructor(t) {
      if (t !== token) throw new TypeError("Illegal constructor");
    }

    async digest(algorithm, data) {
      return arrayBuffer(op("crypto.digest", { hash: opName(hashName(algorithm)) }, lib.bytesOf(data, "data")));
    }

    async generateKey(algorithm, extractable, usages) {
      const name = algorithmName(algorithm);
      if (extra[name]) return extra[name].generate(algorithm, extractable, [...usages]);
      if (!Object.hasOwn(USAGES, name) || name === "PBKDF2" || name === "HKDF") throw fail("NotSupportedError", `Unrecognized algorithm: ${name}`);
      checkUsages(name, usages);
      const bits = derivedLength(algorithm);
      if (AES.includes(name) && ![128, 192, 256].includes(bits)) throw fail("OperationError", "Invalid key length");
      if ([...usages].length === 0) throw fail("SyntaxError", "Usages cannot be empty when creating a key.");
      const bytes = lib.random(bits / 8);
      return makeKey("secret", secretAlgorithm(algorithm, bytes, bits), extractable, usages, bytes);
    }

    async importKey(format, data, algorithm, extractable, usages) {
      const name = algorithmName(algorithm);
      if (extra[name]) return extra[name].import(format, data, algorithm, extractable, [...usages]);
      if (!Object.hasOwn(USAGES, name)) throw fail("NotSupportedError", `Unrecognized algorithm: ${name}`);
      checkUsages(name, usages);
      let bytes;
      if (format === "raw") bytes = lib.copyBytes(data, "key");
      else if (format === "jwk") {
        if (data?.kty !== "oct" || typeof data.k !== "string") throw fail("DataError", "The JSON Web Key is not a secret key");
        if (data.ext === false && extractable) throw fail("DataError", "The JSON Web Key is not extractable");
        bytes = lib.base64Decode(data.k);
      } else throw fail("NotSupportedError", `Unable to import a ${name} key with format ${format}`);
      if ((name === "PBKDF2" || name === "HKDF") && extractable) throw fail("SyntaxError", `A ${name} key must not be extractable`);
      if (name === "HMAC" && bytes.length === 0) throw fail("DataError", "Zero-length key is not supported");
      return makeKey("secret", secretAlgorithm(algorithm, bytes), extractable, usages, bytes);
    }

    async exportKey(format, key) {
      const d = lib.keyDetails(key);
      if (!d.extractable) throw fail("InvalidAccessError", "key is not extractable");
      const more = extra[d.algorithm.name.toUpperCase()];
      if (more) return more.export(format, key, d);
      if (format === "raw") return d.material.slice().buffer;
      if (format === "jwk")
        return { key_ops: [...d.usages], ext: d.extractable, kty: "oct", k: lib.base64Encode(d.material, true), alg: jwkAlg(d.algorithm) };
      throw fail("NotSupportedError", `Unable to export a key with format ${format}`);
    }

    async sign(algorithm, key, data) {
      const name = algorithmName(algorithm);
      const d = need(key, "sign", name);
      if (extra[name]) return arrayBuffer(await extra[name].sign(algorithm, d, lib.bytesOf(data, "data")));
      return arrayBuffer(hmac(d, data));
    }

    async verify(algorithm, key, signature, data) {
      const name = algorithmName(algorithm);
      const d = need(key, "verify", name);
      if (extra[name]) return extra[name].verify(algorithm, d, lib.bytesOf(signature, "signature"), lib.bytesOf(data, "data"));
      return equal(hmac(d, data), lib.bytesOf(signature, "signature"));
    }

    async encrypt(algorithm, key, data) {
      const more = extra[algorithmName(algorithm)];
      if (more?.encrypt) return arrayBuffer(more.encrypt(algorithm, need(key, "encrypt", algorithmName(algorithm)), lib.bytesOf(data, "data")));
      return arrayBuffer(cipher(algorithm, key, data, true, "encrypt"));
    }

    async decrypt(algorithm, key, data) {
      const more = extra[algorithmName(algorithm)];
      if (more?.decrypt) return arrayBuffer(more.decrypt(algorithm, need(key, "decrypt", algorithmName(algorithm)), lib.bytesOf(data, "data")));
      return arrayBuffer(cipher(algorithm, key, data, false, "decrypt"));
    }

    async deriveBits(algorithm, key, length) {
      const more = extra[algorithmName(algorithm)];
      if (more?.derive) return arrayBuffer(more.derive(algorithm, need(key, "deriveBits"), length));
      return arrayBuffer(derive(algorithm, key, length, "deriveBits"));
    }

    async deriveKey(algorithm, key, derived, extractable, usages) {
      const length = derivedLength(derived) ?? 256;
      const more = extra[algorithmName(algorithm)];
      const bytes = more?.derive ? more.derive(algorithm, need(key, "deriveKey"), length) : derive(algorithm, key, length, "deriveKey");
      return this.importKey("raw", bytes, derived, extractable, usages);
    }

    async wrapKey(format, key, wrapping, algorithm) {
      const exported = await this.exportKey(format, key);
      const bytes = format === "jwk" ? lib.utf8Encode(JSON.stringify(exported)) : exported;
      return arrayBuffer(cipher(algorithm, wrapping, bytes, true, "wrapKey"));
    }

    async unwrapKey(format, wrapped, unwrapping, algorithm, keyAlgorithm, extractable, usages) {
      const bytes = cipher(algorithm, unwrapping, wrapped, false, "unwrapKey");
      const data = format === "jwk" ? JSON.parse(lib.utf8Decode(bytes)) : bytes;
      return this.importKey(format, data, keyAlgorithm, extractable, usages);
    }
  }
  lib.webClass(SubtleCrypto);

  class Crypto {
    #subtle = new SubtleCrypto(token);
    constructor(t) {
      if (t !== token) throw new TypeError("Illegal constructor");
    }
    get subtle() {
      return this.#subtle;
    }
    getRandomValues(array) {
      if (!ArrayBuffer.isView(array) || !INTEGER_VIEWS.includes(Object.prototype.toString.call(array).slice(8, -1)) && !(array instanceof Uint8Array))
        throw fail("TypeMismatchError", "The data argument must be an integer-type TypedArray");
      if (array.byteLength > 65536) throw fail("QuotaExceededError", `The requested length exceeds 65,536 bytes`);
      lib.bytesOf(array).set(lib.random(array.byteLength));
      return array;
    }
    randomUUID() {
      const b = lib.random(16).slice();
      b[6] = (b[6] & 0x0f) | 0x40;
      b[8] = (b[8] & 0x3f) | 0x80;
      const hex = lib.hexEncode(b);
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
    }
  }
  lib.webClass(Crypto);

  Object.assign(lib, { cryptoError: fail, cryptoHash: hashName, cryptoHashOp: opName, cryptoOp: op, algorithmName });
  lib.globals({ CryptoKey, SubtleCrypto, Crypto, crypto: new Crypto(token) });
})();
