// Web Crypto against published vectors and against itself.
const { subtle } = crypto;
const text = (t) => new TextEncoder().encode(t);
const hex = (b) => [...new Uint8Array(b)].map((x) => x.toString(16).padStart(2, "0")).join("");
equal(hex(await subtle.digest("SHA-256", text("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
equal(hex(await subtle.digest({ name: "sha-1" }, text("abc"))), "a9993e364706816aba3e25717850c26c9cd0d89d");
await rejects(subtle.digest("MD5", text("")), "NotSupportedError");

const key = await subtle.importKey("raw", text("Jefe"), { name: "HMAC", hash: "SHA-256" }, true, ["sign", "verify"]);
const mac = await subtle.sign("HMAC", key, text("what do ya want for nothing?"));
equal(hex(mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
equal([await subtle.verify("HMAC", key, mac, text("what do ya want for nothing?")), await subtle.verify("HMAC", key, mac, text("other"))], [true, false]);
const jwk = await subtle.exportKey("jwk", key);
equal(jwk, { key_ops: ["sign", "verify"], ext: true, kty: "oct", k: "SmVmZQ", alg: "HS256" });
equal(hex(await subtle.exportKey("raw", await subtle.importKey("jwk", jwk, { name: "HMAC", hash: "SHA-256" }, true, ["sign"]))), "4a656665");

for (const name of ["AES-GCM", "AES-CBC", "AES-CTR"]) {
  const aes = await subtle.generateKey({ name, length: 256 }, true, ["encrypt", "decrypt"]);
  const iv = crypto.getRandomValues(new Uint8Array(name === "AES-GCM" ? 12 : 16));
  const params = name === "AES-CTR" ? { name, counter: iv, length: 64 } : { name, iv, ...(name === "AES-GCM" ? { additionalData: text("aad") } : {}) };
  const sealed = await subtle.encrypt(params, aes, text("a secret"));
  equal(new TextDecoder().decode(await subtle.decrypt(params, aes, sealed)), "a secret");
  if (name === "AES-CTR") continue;
  new Uint8Array(sealed)[sealed.byteLength - 1] ^= 1;
  await rejects(subtle.decrypt(params, aes, sealed), "OperationError");
}
const sealOnly = await subtle.generateKey({ name: "AES-GCM", length: 128 }, false, ["encrypt"]);
await rejects(subtle.decrypt({ name: "AES-GCM", iv: new Uint8Array(12) }, sealOnly, new Uint8Array(16)), "InvalidAccessError");
await rejects(subtle.exportKey("raw", sealOnly), "InvalidAccessError");

const password = await subtle.importKey("raw", text("password"), "PBKDF2", false, ["deriveBits", "deriveKey"]);
equal(hex(await subtle.deriveBits({ name: "PBKDF2", hash: "SHA-1", salt: text("salt"), iterations: 2 }, password, 160)), "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957");
const derived = await subtle.deriveKey({ name: "PBKDF2", hash: "SHA-256", salt: text("salt"), iterations: 10 }, password, { name: "AES-GCM", length: 256 }, true, ["encrypt"]);
equal([derived.algorithm, derived.usages, derived.type], [{ name: "AES-GCM", length: 256 }, ["encrypt"], "secret"]);
const ikm = await subtle.importKey("raw", new Uint8Array(22).fill(11), "HKDF", false, ["deriveBits"]);
const salt = Uint8Array.from({ length: 13 }, (_, i) => i);
const info = Uint8Array.from({ length: 10 }, (_, i) => 0xf0 + i);
equal(hex(await subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt, info }, ikm, 128)), "3cb25f25faacd57a90434f64d0362f2a");
