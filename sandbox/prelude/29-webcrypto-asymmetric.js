// The asymmetric side of Web Crypto: ECDSA (P-256, P-384), Ed25519,
// RSASSA-PKCS1-v1_5, and RSA-PSS to verify. Making RSA keys, encrypting with
// RSA, and key agreement are left out.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const fail = lib.cryptoError;
  const refuse = (what) => fail("NotSupportedError", `${what} is not available in Strata functions`);

  // ---- keys as { kind, public, private }, shared with node:crypto ----

  const call = (op, arg, data) => S.call(op, arg, data);
  const asKey = ({ value, data }) => ({
    kind: value.kind,
    public: data.slice(0, value.public),
    private: value.private ? data.slice(value.public) : null,
  });
  const raw = (kind, bytes, secret) => asKey(call("crypto.keyImport", { format: "raw", kind, private: secret }, bytes));
  const b64 = (text, what) => {
    if (typeof text !== "string") throw new TypeError(`The JSON Web Key lacks "${what}"`);
    return lib.base64Decode(text);
  };
  const out = (bytes) => lib.base64Encode(bytes, true);
  const RSA = ["n", "e", "d", "p", "q", "dp", "dq", "qi"];

  const keys = (lib.keys = {
    fromDer: (format, bytes) => asKey(call("crypto.keyImport", { format }, bytes)),
    raw,
    generate: (kind) => {
      // The chance that random bytes are no valid scalar is negligible, but it
      // is there for P-256.
      for (let tries = 0; ; tries++) {
        try {
          return asKey(call("crypto.keyGenerate", { kind, format: "" }, lib.random(kind === "P-384" ? 48 : 32)));
        } catch (error) {
          if (tries > 8) throw error;
        }
      }
    },
    toDer(key, format) {
      return call("crypto.keyExport", { kind: key.kind, format }, format === "spki" ? key.public : key.private).data;
    },
    fromJwk(jwk) {
      if (jwk?.kty === "OKP" && jwk.crv === "Ed25519") return jwk.d !== undefined ? raw("Ed25519", b64(jwk.d, "d"), true) : raw("Ed25519", b64(jwk.x, "x"), false);
      if (jwk?.kty === "EC") {
        if (jwk.d !== undefined) return raw(jwk.crv, b64(jwk.d, "d"), true);
        return raw(jwk.crv, lib.concat([new Uint8Array([4]), b64(jwk.x, "x"), b64(jwk.y, "y")], 0), false);
      }
      if (jwk?.kty === "RSA") {
        const parts = (jwk.d !== undefined ? RSA : RSA.slice(0, 2)).map((name) => b64(jwk[name], name));
        return asKey(call("crypto.rsaKey", { lengths: parts.map((p) => p.length) }, lib.concat(parts, 0)));
      }
      throw new TypeError(`Unsupported JSON Web Key type: ${jwk?.kty} ${jwk?.crv ?? ""}`);
    },
    toJwk(key, secret) {
      if (key.kind === "rsa") {
        const { value: lengths, data } = call("crypto.rsaParts", { private: secret }, secret ? key.private : key.public);
        const jwk = { kty: "RSA" };
        let at = 0;
        lengths.forEach((length, i) => {
          jwk[RSA[i]] = out(data.slice(at, at + length));
          at += length;
        });
        return jwk;
      }
      if (key.kind === "Ed25519") return { crv: "Ed25519", ...(secret && { d: out(key.private) }), x: out(key.public), kty: "OKP" };
      const half = (key.public.length - 1) / 2;
      const jwk = { kty: "EC", x: out(key.public.slice(1, 1 + half)), y: out(key.public.slice(1 + half)), crv: key.kind };
      if (secret) jwk.d = out(key.private);
      return jwk;
    },
    modulusLength: (key) => {
      const { value, data } = call("crypto.rsaParts", { private: false }, key.public);
      let bits = value[0] * 8;
      for (let top = data[0]; top < 128 && bits > 0; top <<= 1) bits--;
      return bits;
    },
    sign: (key, options, message) => call("crypto.sign", { kind: key.kind, ...options, key: key.private.length }, lib.concat([key.private, message], 0)).data,
    verify: (key, options, signature, message) =>
      call("crypto.verify", { kind: key.kind, ...options, key: key.public.length, signature: signature.length }, lib.concat([key.public, signature, message], 0)).value,
  });

  // ---- algorithms of subtle ----

  const shape = (key, name, algorithm) => {
    if (key.kind === "rsa") return { name, modulusLength: keys.modulusLength(key), publicExponent: new Uint8Array([1, 0, 1]), hash: { name: lib.cryptoHash(algorithm.hash) } };
    return key.kind === "Ed25519" ? { name } : { name, namedCurve: key.kind };
  };

  function define(name, fits, signing) {
    const check = (usages, secret) => {
      for (const usage of usages) if (usage !== (secret ? "sign" : "verify")) throw fail("SyntaxError", `Unsupported key usage for a ${name} key`);
      if (secret && usages.length === 0) throw fail("SyntaxError", "Usages cannot be empty when importing a private key.");
    };
    const wrap = (key, algorithm, extractable, usages, secret) => {
      if (!fits(key, algorithm)) throw fail("DataError", "The key is of another type");
      return lib.makeKey(secret ? "private" : "public", shape(key, name, algorithm), secret ? extractable : true, usages, key);
    };
    lib.asymmetric[name.toUpperCase()] = {
      generate(algorithm, extractable, usages) {
        if (name.startsWith("RSA")) throw refuse("Generating RSA keys");
        const kind = name === "Ed25519" ? name : algorithm.namedCurve;
        if (kind !== "Ed25519" && kind !== "P-256" && kind !== "P-384") throw fail("NotSupportedError", `Unsupported curve: ${kind}`);
        const key = keys.generate(kind);
        return {
          publicKey: wrap({ ...key, private: null }, algorithm, true, usages.filter((u) => u === "verify"), false),
          privateKey: wrap(key, algorithm, extractable, usages.filter((u) => u === "sign"), true),
        };
      },
      import(format, data, algorithm, extractable, usages) {
        let key;
        try {
          if (format === "jwk") key = keys.fromJwk(data);
          else if (format === "raw") key = raw(name === "Ed25519" ? name : algorithm.namedCurve, lib.copyBytes(data), false);
          else if (format === "pkcs8" || format === "spki") key = keys.fromDer(format, lib.bytesOf(data, "key"));
        } catch (error) {
          throw fail("DataError", error.message);
        }
        if (!key) throw fail("NotSupportedError", `Unable to import a key with format ${format}`);
        const secret = key.private !== null;
        check(usages, secret);
        return wrap(key, algorithm, extractable, usages, secret);
      },
      export(format, key, d) {
        const secret = d.type === "private";
        if (format === "jwk") return { key_ops: [...d.usages], ext: d.extractable, ...keys.toJwk(d.material, secret) };
        if (format === "raw" && !secret && d.material.kind !== "rsa") return d.material.public.slice().buffer;
        if (format !== (secret ? "pkcs8" : "spki")) throw fail("NotSupportedError", `Unable to export a ${d.type} key with format ${format}`);
        return keys.toDer(d.material, format).slice().buffer;
      },
      sign(algorithm, d, data) {
        if (name === "RSA-PSS") throw refuse("Signing with RSA-PSS");
        try {
          return keys.sign(d.material, signing(algorithm, d), data);
        } catch (error) {
          throw fail("OperationError", error.message);
        }
      },
      verify: (algorithm, d, signature, data) => keys.verify(d.material, signing(algorithm, d), signature, data),
    };
  }

  const ofKey = (_, d) => ({ hash: lib.cryptoHashOp(d.algorithm.hash.name) });
  define("ECDSA", (key, a) => key.kind === a.namedCurve, (a) => ({ hash: lib.cryptoHashOp(lib.cryptoHash(a.hash)) }));
  define("Ed25519", (key) => key.kind === "Ed25519", () => ({}));
  define("RSASSA-PKCS1-v1_5", (key) => key.kind === "rsa", ofKey);
  define("RSA-PSS", (key) => key.kind === "rsa", (a, d) => ({ ...ofKey(a, d), pss: true }));
})();
