// The published token of jwt.io, tokens made by Node, and what the common
// library says of bad ones.
const jwt = require("jwt");
const known = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c";
equal(jwt.verify(known, "your-256-bit-secret"), { sub: "1234567890", name: "John Doe", iat: 1516239022 });
equal(jwt.sign({ sub: "1234567890", name: "John Doe", iat: 1516239022 }, "your-256-bit-secret"), known);
equal(jwt.decode(known), { sub: "1234567890", name: "John Doe", iat: 1516239022 });
equal(jwt.decode(known, { complete: true }), { header: { alg: "HS256", typ: "JWT" }, payload: { sub: "1234567890", name: "John Doe", iat: 1516239022 }, signature: "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c" });
for (const garbage of ["", "x", "a.b", "a.b.c", "!.!.!", null, undefined, 5]) equal(jwt.decode(garbage), null);

const rsaPublic = "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAs5d08LNv3qZPR8i/YUgC\nERcE4jSQIOYXJdeNFOaY3NwDJ7w5d7f/zzM6DKRl3sJfIn7KZ9z1M5liPEOFoGjR\nK4m55nVIqN9BJvKmpkkFW1mYaO0dJTnH1FaI16ZRjll0KNK1ySuMa+myF7o6KanW\nMb2K4CwxZlwwckZYOzAoWH3J0rA+6orIKz7f/iAbNWBK8WWNgxxCnyYe9f+UXP1I\nJkobDmDXn/abHPP+WRlmiyaPZ+2OEo68NjTHScwMUEOfH8yka6E490TjgfREB+ZD\nFJflMuMfhDY6AMHwqjvzW3FE4zn/ue73rEupeyjnbiUP6sConOYLGJ2n5kq1af5P\nRwIDAQAB\n-----END PUBLIC KEY-----\n";
const rsaPrivate = "-----BEGIN PRIVATE KEY-----\nMIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQCzl3Tws2/epk9H\nyL9hSAIRFwTiNJAg5hcl140U5pjc3AMnvDl3t//PMzoMpGXewl8ifspn3PUzmWI8\nQ4WgaNEribnmdUio30Em8qamSQVbWZho7R0lOcfUVojXplGOWXQo0rXJK4xr6bIX\nujopqdYxvYrgLDFmXDByRlg7MChYfcnSsD7qisgrPt/+IBs1YErxZY2DHEKfJh71\n/5Rc/UgmShsOYNef9psc8/5ZGWaLJo9n7Y4Sjrw2NMdJzAxQQ58fzKRroTj3ROOB\n9EQH5kMUl+Uy4x+ENjoAwfCqO/NbcUTjOf+57vesS6l7KOduJQ/qwKic5gsYnafm\nSrVp/k9HAgMBAAECggEAA/Qs1Whwk+YfxF9QOKaQBmtLfBAXL4+RPo/edxwqjQuP\noDjTH7vJIc5+voIst05FL5UQr1+xyvHbXqNH665TEz0kKXA3P3cxeoIzbAwbK5XZ\n4U7TFPDkNtxe2oyQABfKaGRXLzd1DyJ6fW49Uzx+JDiIOFjmD4WuZV2qGfInTpIQ\n2KOmipfrr+19rIWPQ7LpsQbZ+d+PtK8ggG0zhGrko1wJ4q30ZG5SzQsGApxAT1ze\nFhYPrBWe26l36V7FiOTXJ04DUM4M/GhE0yOsTs6dCv1FpD5gvXpmzwT4uVZ6XUlE\n+VT8aVEP7SUQceMk6QlCP2VgKIQTT0JAQPaALaqxnQKBgQD21VNOMhJrL3eaoh4+\nC2c2qjLtZMMrL3jY7UQEIF2t6BCuBH4fOxeA2rxYKqCCHY09WnydGJBHsdzRRybD\ntz6e2Wt8tnyn8qkQXOXGfBu01cioWuOC1ZG1rMNYe0GZ6Yhn9xXdO0JaXrgAId5Q\nxUssjUxG0tXroYcJiXmd63n2+wKBgQC6QttEXU7iQmSaQbxosf/t/mowkJNsBrLF\nPbBOggsk29adJGj2P4sq0BK8Cmhn0spb6HNhJQ6kE6138kKXSZzfIQ91GUujTPRS\nDVc3Sa72aEWeVof/mDtefZxnVfJjbDzb3pMxBRTH96xlm/WMITTb05IXd0fWPwKY\ntL8lezpHJQKBgDirBTMgn8Xn4eeobJUF/S45qPODfKM/hNkYr9Las2cnrhylf2cg\nI+c7UJ5VOwBkVHbPfWh7qTQsi2uokCfCvCev9tNs+fV86n+NNFt7Rskfg6/THgR9\nj7RL85UuxwLU8LIdsfFWl4cz076ECAw3H2kdD3P7F42/ScdQvpEY7KldAoGAU1DC\nieL+/SBbpdCPuXkdlNR/pXeWKfUZFDdS3Ns4puUbK7F0remgk6b9KlWxe/eDAveI\nXMTZtrUCnCumc8u+uuQr6OJGviYXB3jmMVnpRFlCAuCL9t2eeNbRFjwQrz5kPqlh\nx8SRFh2IZO8NOABGh6osqAh3/rKys6Ht+pMTb20CgYAJkP5PiZD9AjqCFdS/vXRR\nJREhrU/IfixJXkjOEjn1g6/bhMYrzZO4hknnhXkLHKniHUUGqzl7Km/abBDA6G0s\nMUkbflIoYFFu+1xaTVIvOvlcGoijS3rpOjp2DTMNfnh62/lhpf8pFW1F5jy1fTA3\nWyI3rQeESzMZTRcykKw0gw==\n-----END PRIVATE KEY-----\n";
const ecPublic = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAERvVxvc9RQkWKXPRVN7bssZuXwRws\nGj1krJulSDXju9d1/rrJ66KO80k2OjQQbY48SBWf1CVHH5FqwHQ0zDizWA==\n-----END PUBLIC KEY-----\n";
const ecPrivate = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg0rZUFWt9ZGLLixWH\nhDZLs5RO3Mc7hWmeTH7O/aLUdzahRANCAARG9XG9z1FCRYpc9FU3tuyxm5fBHCwa\nPWSsm6VINeO713X+usnroo7zSTY6NBBtjjxIFZ/UJUcfkWrAdDTMOLNY\n-----END PRIVATE KEY-----\n";
const ecJwk = {"kty": "EC", "x": "RvVxvc9RQkWKXPRVN7bssZuXwRwsGj1krJulSDXju9c", "y": "df66yeuijvNJNjo0EG2OPEgVn9QlRx-RasB0NMw4s1g", "crv": "P-256", "d": "0rZUFWt9ZGLLixWHhDZLs5RO3Mc7hWmeTH7O_aLUdzY"};
const ecPublicJwk = {"kty": "EC", "x": "RvVxvc9RQkWKXPRVN7bssZuXwRwsGj1krJulSDXju9c", "y": "df66yeuijvNJNjo0EG2OPEgVn9QlRx-RasB0NMw4s1g", "crv": "P-256"};
const made = {
  HS256: "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbm4iLCJpYXQiOjE1MTYyMzkwMjJ9.fJMAHk3WtenUS-nXnUWiX6BFv8eOtJfwXTctawDFwx0",
  HS384: "eyJhbGciOiJIUzM4NCIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbm4iLCJpYXQiOjE1MTYyMzkwMjJ9.YgnkfJ9ujYUxnAItZJEIrWqTABqLcEvqgVCuv8J_UkLhYIQ5O9vZvwiqAiCl8TBL",
  HS512: "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbm4iLCJpYXQiOjE1MTYyMzkwMjJ9.ZBxEPX4yMnd1XvAUPrXNy4TiEq1ZIiARDYsAfDaBKHAnwHc0BA-8eSxoV7j3Hroc3KjGhihCnErKAW8AVyUGuw",
  RS256: "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbm4iLCJpYXQiOjE1MTYyMzkwMjJ9.SWnJa6AW_M-0rEsZq5up1Hges3q1r4pXyS3R4VZpWEVV5xn7sPEE7xrm2r_2T_dKZdEPZUPUTFpZnHvvgVCfe6CGE6uxFpa5lA8bj3ktAhZMcSEbQDWJ8zD4m8tN-jIWVNCjlM9hCOQDeyh8GBAemR0orFsV30zLxKY_5qOrlPp_BqErkl5dyHHrGDwtD60YGdkUd6mbOU-ulGA2F5VFNU3TSSVM2kg0ROyG48nc-OVFTZ3PmNrpU7pw1bFmq_L2lMQw_KEXxfhPIxuHjBq4oL6OVY1qlR0dzVTGoKNtG0CNp8pOLskHGfNZwK8-O7v-KdtZHOZ83shGmAj4cITlGw",
  ES256: "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbm4iLCJpYXQiOjE1MTYyMzkwMjJ9.IzfTTy3UhDUqdTD1LqfU1pNmnki7QGI9aZKN36qqhXnm1fvAMl9kPaWh4WvF0UwHwKgWthesuksK6hM_aMpZHA",
};
const publics = { HS256: "secret", HS384: "secret", HS512: "secret", RS256: rsaPublic, ES256: ecPublic };
const privates = { ...publics, RS256: rsaPrivate, ES256: ecPrivate };
for (const algorithm of Object.keys(made)) {
  equal(jwt.verify(made[algorithm], publics[algorithm]).sub, "ann");
  const token = jwt.sign({ a: 1 }, privates[algorithm], { algorithm });
  equal(jwt.decode(token, { complete: true }).header, { alg: algorithm, typ: "JWT" });
  equal(jwt.verify(token, publics[algorithm], { algorithms: [algorithm] }).a, 1);
  throws(() => jwt.verify(token, publics[algorithm], { algorithms: ["none"] }), "invalid algorithm");
}
// Only one signature is right for these.
equal(jwt.sign({ sub: "ann", iat: 1516239022 }, rsaPrivate, { algorithm: "RS256" }), made.RS256);
equal(jwt.verify(jwt.sign({ a: 1 }, ecJwk, { algorithm: "ES256" }), ecJwk).a, 1);
equal(jwt.verify(made.ES256, { key: ecPublic }).sub, "ann");

// ---- refusals ----
const changed = known.slice(0, -1) + "d";
throws(() => jwt.verify(changed, "your-256-bit-secret"), "invalid signature");
throws(() => jwt.verify(known.replace(".Sfl", ".Tfl"), "your-256-bit-secret"), "invalid signature");
throws(() => jwt.verify(known, "other"), "invalid signature");
throws(() => jwt.verify(`${known}*`, "your-256-bit-secret"), "invalid token");
throws(() => jwt.verify("a.b", "s"), "jwt malformed");
throws(() => jwt.verify(undefined, "s"), "jwt must be provided");
throws(() => jwt.verify(5, "s"), "jwt must be a string");
throws(() => jwt.verify(known, undefined), "must be provided");
const unsigned = `${btoa64({ alg: "none" })}.${btoa64({ sub: "x" })}.`;
throws(() => jwt.verify(unsigned, "s", { algorithms: ["none"] }), "jwt signature is required");
throws(() => jwt.verify(`${unsigned}AA`, "s", { algorithms: ["none"] }), "invalid algorithm");
throws(() => jwt.sign({}, "s", { algorithm: "none" }), "algorithm");
throws(() => jwt.sign({}, "s", { algorithm: "toString" }), "algorithm");
// A public key as the secret of an HMAC is an old trick.
throws(() => jwt.sign({}, rsaPublic), "symmetric key");
const forged = jwt.sign({ sub: "x" }, "secret");
throws(() => jwt.verify(forged, rsaPublic), "invalid algorithm");
throws(() => jwt.verify(forged, rsaPublic, { algorithms: ["HS256", "RS256"] }), "symmetric key");
throws(() => jwt.verify(made.RS256, "secret", { algorithms: ["RS256"] }), "asymmetric key");
throws(() => jwt.verify(made.RS256, ecPublic, { algorithms: ["RS256"] }), "does not fit");
throws(() => jwt.sign({}, rsaPublic, { algorithm: "RS256" }), "JsonWebTokenError");
throws(() => jwt.sign({}, ecPublicJwk, { algorithm: "ES256" }), "must be a private key");
throws(() => jwt.sign({}, "-----BEGIN nothing", { algorithm: "RS256" }), "JsonWebTokenError");
throws(() => jwt.sign([], "s"), "plain object");
throws(() => jwt.sign(undefined, "s"), "payload is required");

// ---- times and claims ----
const at = Math.floor(Date.now() / 1000);
const fresh = jwt.decode(jwt.sign({}, "s"));
equal(fresh.iat >= at && fresh.iat <= at + 2, true);
equal(jwt.decode(jwt.sign({}, "s", { noTimestamp: true })), {});
for (const [span, seconds] of [[60, 60], ["1h", 3600], ["2 days", 172800], ["1.5h", 5400], ["30s", 30], ["10m", 600], ["1000", 1], ["1w", 604800]]) {
  equal(jwt.decode(jwt.sign({ iat: 1000 }, "s", { expiresIn: span })).exp, 1000 + seconds);
}
throws(() => jwt.sign({}, "s", { expiresIn: "soon" }), "timespan");
throws(() => jwt.sign({ exp: 1 }, "s", { expiresIn: 5 }), "already has");
const expired = jwt.sign({ iat: 1000 }, "s", { expiresIn: 10 });
throws(() => jwt.verify(expired, "s"), "TokenExpiredError");
throws(() => jwt.verify(expired, "s"), "jwt expired");
equal(jwt.verify(expired, "s", { ignoreExpiration: true }).exp, 1010);
equal(jwt.verify(expired, "s", { clockTimestamp: 1009 }).exp, 1010);
equal(jwt.verify(expired, "s", { clockTimestamp: 1012, clockTolerance: 5 }).exp, 1010);
try { jwt.verify(expired, "s"); } catch (error) {
  equal([error.expiredAt.getTime(), error instanceof jwt.TokenExpiredError, error instanceof jwt.JsonWebTokenError, error instanceof Error], [1010000, true, true, true]);
}
throws(() => jwt.verify(jwt.sign({}, "s", { notBefore: "1h" }), "s"), "NotBeforeError");
throws(() => jwt.verify(jwt.sign({ iat: 1000 }, "s"), "s", { maxAge: "1h" }), "maxAge exceeded");
const full = jwt.sign({}, "s", { audience: ["a", "b"], issuer: "i", subject: "s", jwtid: "j", keyid: "k" });
equal(jwt.decode(full, { complete: true }).header.kid, "k");
equal(jwt.verify(full, "s", { audience: "b", issuer: ["x", "i"], subject: "s", jwtid: "j", complete: true }).payload.iss, "i");
equal(jwt.verify(full, "s", { audience: /^a/ }).sub, "s");
throws(() => jwt.verify(full, "s", { audience: "c" }), "jwt audience invalid. expected: c");
throws(() => jwt.verify(full, "s", { issuer: "c" }), "jwt issuer invalid. expected: c");
throws(() => jwt.verify(full, "s", { subject: "c" }), "jwt subject invalid. expected: c");
throws(() => jwt.verify(full, "s", { jwtid: "c" }), "jwt jwtid invalid. expected: c");
equal(jwt.verify(jwt.sign("plain text", "s"), "s"), "plain text");

const heard = [];
jwt.verify(known, "your-256-bit-secret", (error, payload) => heard.push(error, payload.name));
jwt.verify(known, "other", {}, (error, payload) => heard.push(error.name, payload));
equal(heard, [null, "John Doe", "JsonWebTokenError", undefined]);

function btoa64(value) {
  return require("codec/base64").btoa(JSON.stringify(value)).replace(/=+$/, "");
}
