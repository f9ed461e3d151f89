// Vectors: FIPS 180, RFC 4231, and signatures made by Node.
const crypto = require("crypto");
const { ALGORITHM } = crypto;
equal(Object.entries(ALGORITHM).every(([name, value]) => name === value), true);
equal(Object.keys(ALGORITHM).sort(), ["ECDSA_P256_SHA1", "ECDSA_P256_SHA256", "ECDSA_P256_SHA512", "ED25519", "HMAC_SHA1", "HMAC_SHA256", "HMAC_SHA512"]);

equal(await crypto.sha1("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
equal(await crypto.sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
equal((await crypto.sha512("é")).length, 128);
await rejects(crypto.sha256({}), "must be a string");

// A key that is no Base64 is a text …
const fox = "The quick brown fox jumps over the lazy dog";
equal(await crypto.hmac("key", fox, ALGORITHM.HMAC_SHA1), "3nybhbi3iqa8ino29wqQcBydtNk=");
equal(await crypto.hmac("key", fox, ALGORITHM.HMAC_SHA256), "97yD9DBThCSxMpjmqm-xQ-9NWaFJRhdZl0edvC0aPNg=");
equal(await crypto.hmac("key", fox, ALGORITHM.HMAC_SHA512), "tCrwkFe6weLUFwjkipAuCbX_fxKrQopP6GZTxz3SSPuC-UilSfe3kaW0GRXuTR7Dk1NX5OIxclDQNyr6Lr7rOg==");
// … and one that is, is decoded, as in the published example.
const mac = await crypto.hmac("SmVmZQ==", "what do ya want for nothing?", ALGORITHM.HMAC_SHA256);
equal(mac.replace(/-/g, "+").replace(/_/g, "/"), "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
await rejects(crypto.hmac("key", "m", "HMAC_MD5"), "unknown algorithm HMAC_MD5");
await rejects(crypto.hmac("key", "m", "toString"), "unknown algorithm");
await rejects(crypto.hmac("key", "m", ALGORITHM.ED25519), "unknown algorithm");

const ec = {"kty": "EC", "x": "RvVxvc9RQkWKXPRVN7bssZuXwRwsGj1krJulSDXju9c", "y": "df66yeuijvNJNjo0EG2OPEgVn9QlRx-RasB0NMw4s1g", "crv": "P-256", "d": "0rZUFWt9ZGLLixWHhDZLs5RO3Mc7hWmeTH7O_aLUdzY"};
const ecPublic = {"kty": "EC", "x": "RvVxvc9RQkWKXPRVN7bssZuXwRwsGj1krJulSDXju9c", "y": "df66yeuijvNJNjo0EG2OPEgVn9QlRx-RasB0NMw4s1g", "crv": "P-256"};
equal(await crypto.verify("2m8wfLE7bBbChambiULOQe8fD_br7NvF-vp6N1XyTN1RpCHkrJT4XpvDpSBzeXPRdc5sfb8CedQz6zd1RKyVjQ", ecPublic, "msg", ALGORITHM.ECDSA_P256_SHA1), true);
equal(await crypto.verify("YJ11c_4H_RH_zGEdYohvLaK4Ql9837t7VVWgRReHkvh36mbkZPRHkgod6OPWv_yzqW6oFLAbhoDXkO4HYFs9wg", ecPublic, "msg", ALGORITHM.ECDSA_P256_SHA512), true);
equal(await crypto.verify("YJ11c_4H_RH_zGEdYohvLaK4Ql9837t7VVWgRReHkvh36mbkZPRHkgod6OPWv_yzqW6oFLAbhoDXkO4HYFs9wg", ecPublic, "msg", ALGORITHM.ECDSA_P256_SHA256), false);
for (const algorithm of ["ECDSA_P256_SHA1", "ECDSA_P256_SHA256", "ECDSA_P256_SHA512"]) {
  const signature = await crypto.sign(ec, "text é", algorithm);
  equal(/^[A-Za-z0-9_-]{86}==$/.test(signature), true);
  equal([await crypto.verify(signature, ecPublic, "text é", algorithm), await crypto.verify(signature, ecPublic, "text", algorithm)], [true, false]);
}
const ed = {"crv": "Ed25519", "d": "f4JGHW3zf1--eut-yq7Iic1c2Fv3p6091RxQgrA8ie0", "x": "bjEzc7qDGIsf2iWuE6c2ju51ZYfW9jK_1wEXljjZHLQ", "kty": "OKP"};
const edPublic = {"crv": "Ed25519", "x": "bjEzc7qDGIsf2iWuE6c2ju51ZYfW9jK_1wEXljjZHLQ", "kty": "OKP"};
// Ed25519 gives one signature for a message.
equal(await crypto.sign(ed, "msg", ALGORITHM.ED25519), "qyyBVPE71uUMqFbcWHHIcDWgOHhEjKgI29M0CBAs8yeRRH5MHeZXeHMVH6WCT0FMIowQmlGuFgiswCMtgHIRBA==");
equal(await crypto.verify("qyyBVPE71uUMqFbcWHHIcDWgOHhEjKgI29M0CBAs8yeRRH5MHeZXeHMVH6WCT0FMIowQmlGuFgiswCMtgHIRBA", edPublic, "msg", ALGORITHM.ED25519), true);
await rejects(crypto.sign(ed, "msg", ALGORITHM.ECDSA_P256_SHA256), "does not fit");
await rejects(crypto.sign(ecPublic, "msg", ALGORITHM.ECDSA_P256_SHA256), "not a private one");
await rejects(crypto.sign("pem", "msg", ALGORITHM.ED25519), "JSON Web Key");
await rejects(crypto.sign(ed, "msg", "RSA"), "unknown algorithm RSA");
await rejects(crypto.verify("x", edPublic, "msg", "none"), "unknown algorithm none");
