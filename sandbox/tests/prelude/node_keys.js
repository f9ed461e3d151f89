// Asymmetric keys: web and node sides, against a key and signatures made by openssl through node 22.
const crypto = require("node:crypto");
const { subtle } = globalThis.crypto;
const RSA = `-----BEGIN PRIVATE KEY-----
MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQDu9RbBHAAsKgxO
xdl1iVMPl7EkvZDsyICRmDK2G6Wzk3FhQuWGRXJqFZz0M+a0Kw1HRIzJR8tldj0o
+ejHyL4wk8JwiTyL2aEGAKrVzk+kaSwIhJS7nRMCrAZTD4p+wnB5nIGoDMr/OkgS
eUDK31dPEIQ3X3Vz9uHuHAqwi5c/JuFgmrckmoEzam0/QUdun6q3QRNk55uQK4vi
vYdnLAHjb5vTvYfYmbm2XCQyYplNEN7DFiAwj78MSOhxcp6KVssIPkinY4jRlLmC
doTmU071ZwitRBkjUpedyTAinPfveYNESR/j5NNCuuODApmXme3dUb+gXxDRdx+O
rsnmTBm3AgMBAAECggEAWogtskUHBbR6jD+mN0MrXm10tjxB04vVNhQJJniMC2CR
pK1BI2FdSzbcC6M8RUdIVRdyFXIna83jtwoTuNljwSjCEnvUHhH6UTlgf/eVse8M
uT9t0DTe9nSxQrfRG1xUW6bBcqdCI3dzxdf9hb8fJ3vU89utNp2zFFC4dhG04D4B
2EprWiEiseYPPF61PxoVA2vx7s0R9vIcJ/dCkg/BeeAObUptOPmOmlWJGZ1qP2Zr
DJQi151Fo2XfdGhV6qm3heanDI8rY7t7vhBMpxHaKiY73nPHbbdbPMaHYFhFz/W+
3zs8nu6J1I9CPGU2+ZM39hHS0gFA2YWEAhxVPt+wCQKBgQD6wfojFGtkW9xmAhd7
ihIgKVxFrKNahRZ2TQ/KGQalhxmK/tAXdSxrkRZ9lag2u4mADuY1zSDmDsJHPzz4
hEGkkA7hBGqOx6+FIPKImf7+OiUuXdLGFQwyMjZ276BgFgj5E9x78VuAwFw4FkQu
P1u88MwJ9okRUNjRN7kKcKRbnwKBgQDz8/U224I9zHAKEeBAc+9hOa9Hci1Ti4Rn
XDRloM+JjfrjdSa9C+5FY1qt7QOsE+lNkXHUix3BHsV6TC2iUobu2WjesVu9YQDb
bZ1CUR5SrhuDgC2SSKjMXgsS/jY4lwe/WsM3uTL4f8qTCL1KqxbojthRJ7LHjkk9
jZ3X9w+K6QKBgEyWzMDELtzzVcjuYJ/CFzEtkNpTFX3DYo31kZoHtMkAD6Qtmf9g
MZYVNYpcGInHFANCCbxrD95UqbA7N3MsaiRKP9EomSdNBGYkHw/sAT9DITIdRBBu
Q1Bdl9cR76kJceopz9EncexMVJ5o5qA9h9aYsallXI4mZGLaozD2IK0/AoGAba/k
Mp0yC01PlweAmBpIqKOCLxKkVKsnhj3MBWHvzr567yiumVOy95n7nLYz73woa0sZ
LmK6pymJyzpTTmfi6aPxZifCwvzJoN/BVJ8ajjxgfJj2ZI6s7u7d9dU9VeZ6gkxx
+C0aQOdckw3b5qXUsA4CL0M1PEq6naV+MiuQ3nkCgYBA2XPQoz+0KGF1t20EjbBn
mISIJG/OcUrq6leJo1zumbRPhjOot08qeTv1LYF39vsV5seyQVGHoLYUSLfcYT+V
Ph7uWnjh9CxqwUas2T6kpp3R7VLb4luJtgq+m5K93e4FqpuxrqO/OsPJmybOLR64
8/A2UJjPJyeNAjJmiWpPkA==
-----END PRIVATE KEY-----
`;
const EC = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg4SMJ8uG9d6cmAu1P
CXkCZwxhikzpY+0U2vNAE8yErkuhRANCAAQiJishxynGFNJfPQe/p/XgiRQWYXyc
gtrQL0DMb6c3s22DVA7K5lvxJKq2RHTv3veibGr45IPnmkROzP7JYwym
-----END PRIVATE KEY-----
`;
const message = Buffer.from("a message");
const rsa = crypto.createPrivateKey(RSA);
equal([rsa.type, rsa.asymmetricKeyType, rsa.asymmetricKeyDetails.modulusLength], ["private", "rsa", 2048]);
equal(crypto.createHash("sha256").update(crypto.sign("sha256", message, RSA)).digest("hex"), "a9dd1c300cb098db1f104764adb27f748a22b97e830a0b767ce92eaa28950529");
equal(crypto.createVerify("RSA-SHA256").update(message).verify(crypto.createPublicKey(rsa), crypto.createSign("RSA-SHA256").update(message).sign(RSA)), true);
equal(crypto.verify("sha256", Buffer.from("other"), crypto.createPublicKey(RSA), crypto.sign("sha256", message, RSA)), false);
equal(crypto.createPublicKey(RSA).export({ type: "spki", format: "pem" }).length, 451);
equal(rsa.export({ type: "pkcs8", format: "pem" }) === RSA, true);
equal(crypto.createPublicKey({ key: rsa.export({ format: "jwk" }), format: "jwk" }).equals(crypto.createPublicKey(RSA)), true);
equal(crypto.verify("sha256", message, { key: crypto.createPublicKey(EC), dsaEncoding: "ieee-p1363" }, Buffer.from("t8EtTWnA7TCNqYO50cdZaexaoMS9HvZgzGJBp1WrRN2Nbvc+6NOfKzxOdBT26ddYBgvHQ2cJi9vrU3Pa8kCb1A==", "base64")), true);
equal(crypto.verify("sha256", message, crypto.createPublicKey(EC), crypto.sign("sha256", message, EC)), true);
equal(crypto.createPrivateKey(EC).export({ format: "jwk" }).crv, "P-256");

const imported = await subtle.importKey("pkcs8", crypto.createPrivateKey(EC).export({ type: "pkcs8", format: "der" }), { name: "ECDSA", namedCurve: "P-256" }, true, ["sign"]);
const signed = await subtle.sign({ name: "ECDSA", hash: "SHA-256" }, imported, message);
const jwk = await subtle.exportKey("jwk", imported);
const open = await subtle.importKey("jwk", { kty: "EC", crv: "P-256", x: jwk.x, y: jwk.y }, { name: "ECDSA", namedCurve: "P-256" }, true, ["verify"]);
equal([signed.byteLength, await subtle.verify({ name: "ECDSA", hash: "SHA-256" }, open, signed, message), await subtle.verify({ name: "ECDSA", hash: "SHA-256" }, open, signed, Buffer.from("x"))], [64, true, false]);
for (const algorithm of [{ name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" }, { name: "Ed25519" }]) {
  const pair = await subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const made = await subtle.sign(algorithm, pair.privateKey, message);
  equal(await subtle.verify(algorithm, pair.publicKey, made, message), true);
  const again = await subtle.importKey("spki", await subtle.exportKey("spki", pair.publicKey), algorithm, true, ["verify"]);
  equal(await subtle.verify(algorithm, again, made, message), true);
}
const web = await subtle.importKey("spki", crypto.createPublicKey(RSA).export({ type: "spki", format: "der" }), { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, false, ["verify"]);
equal(await subtle.verify("RSASSA-PKCS1-v1_5", web, crypto.sign("sha256", message, RSA), message), true);
const pss = await subtle.importKey("spki", crypto.createPublicKey(RSA).export({ type: "spki", format: "der" }), { name: "RSA-PSS", hash: "SHA-256" }, false, ["verify"]);
equal(await subtle.verify({ name: "RSA-PSS", saltLength: 32 }, pss, Buffer.from("UdU8zWi4Y9hBLxp0EH+s7zQx3UBRbLIAKbGXLGw++ghWuuUYs0PD24AAFruC2KPB8HH7ctz4Osp3BdG6q7+2hfOXhwfml04HU/kXOn7vyoxln91cBg4/eytynZHijC13T8YN8iIqnFzMy2LdIrlEAJwzkCBLbcs9AMlKF1dJGGB7HRyO56nXk3SVxWVi8/YLjKXyAeFr/q3+jhbKWi8pcUU4OCc05fWqOtUU014JZGETf03wOP2NffZ2oUuA6/cuM7xFy34dqgmwGFWI5YYCa/qB/bwjd15fRXmBXBIBGjclEYEXVPqWW2KCqiq1iDZILcKTHyly0RTMW11xPXE/Pw==", "base64"), message), true);
const { publicKey, privateKey } = crypto.generateKeyPairSync("ed25519");
equal(crypto.verify(null, message, publicKey, crypto.sign(null, message, privateKey)), true);
const bytes = crypto.createSecretKey(Buffer.from("key"));
equal([bytes.type, crypto.createHmac("sha1", bytes).update("data").digest("hex")], ["secret", "104152c5bfdca07bc633eebd46199f0255c9f49d"]);
throws(() => crypto.createPrivateKey("nonsense"), "ERR_OSSL_UNSUPPORTED");
