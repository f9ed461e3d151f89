// stream, crypto, zlib, and the modules that are absent.
const { Readable, Writable, Transform, Duplex, PassThrough, pipeline, finished } = require("node:stream");
const sp = require("node:stream/promises");
const collect = async (stream) => {
  const out = [];
  for await (const chunk of stream) out.push(chunk);
  return out;
};
equal(await collect(Readable.from(["a", "b"])), ["a", "b"]);
let n = 0;
const counter = new Readable({
  read() {
    this.push(++n > 3 ? null : Buffer.from(String(n)));
  },
});
equal(Buffer.concat(await collect(counter)).toString(), "123");
const flowing = [];
await new Promise((resolve) => Readable.from([1, 2, 3]).on("data", (x) => flowing.push(x)).on("end", resolve));
equal(flowing, [1, 2, 3]);
const written = [];
const slow = () => new Writable({
  highWaterMark: 2,
  write(chunk, encoding, callback) {
    setTimeout(() => {
      written.push(chunk.toString());
      callback();
    }, 1);
  },
  final(callback) {
    written.push("final");
    callback();
  },
});
const upper = () => new Transform({
  transform(chunk, encoding, callback) {
    callback(null, chunk.toString().toUpperCase());
  },
  flush(callback) {
    this.push("!");
    callback();
  },
});
await sp.pipeline(Readable.from(["ab", "cd", "ef"]), upper(), slow());
equal(written, ["AB", "CD", "EF", "!", "final"]);
await rejects(sp.pipeline(Readable.from(["x"]), new Transform({ transform: (c, e, cb) => cb(new Error("broken")) }), slow()), "broken");
await sp.pipeline(["a", "b"], async function* (source) {
  for await (const c of source) yield c + c;
}, new Writable({ objectMode: true, write: (c, e, cb) => { written.push(c); cb(); } }));
equal(written.slice(-2), ["aa", "bb"]);
const w = slow();
equal([w.write("1"), w.write("2"), w.writableNeedDrain, w.writableLength], [true, false, true, 2]);
await new Promise((resolve) => w.once("drain", resolve));
w.end("3");
await sp.finished(w);
equal([w.writableFinished, w.writableEnded], [true, true]);
const failing = new Readable({ read() { this.destroy(new Error("read failed")); } });
await rejects(collect(failing), "read failed");
await rejects(new Promise((resolve, reject) => slow().on("error", reject).end("x", () => {}) && setTimeout(() => { const s = slow(); s.on("error", reject); s.end(); s.write("late"); }, 1)), "ERR_STREAM_WRITE_AFTER_END");
const paused = new PassThrough();
paused.write("hello");
paused.end(" you");
paused.setEncoding("utf8");
await new Promise((resolve) => paused.once("readable", resolve));
equal([paused.read(3), paused.read()], ["hel", "lo you"]);
const dup = new Duplex({ read() { this.push("out"); this.push(null); }, write(c, e, cb) { written.push(`dup ${c}`); cb(); } });
dup.end("in");
equal([(await collect(dup)).toString(), written.at(-1)], ["out", "dup in"]);
equal(await Readable.from([1, 2, 3, 4]).filter((x) => x % 2).map((x) => x * 10).toArray(), [10, 30]);
equal(await new Promise((resolve) => pipeline(Readable.from(["z"]), new PassThrough(), async (source) => (await collect(source)).toString(), (error, value) => resolve([error, value]))), [undefined, "z"]);
const web = Readable.toWeb(Readable.from(["p", "q"]));
equal(Buffer.concat(await collect(Readable.fromWeb(web))).toString(), "pq");
const destroyed = new PassThrough();
const closing = new Promise((resolve) => finished(destroyed, (error) => resolve(error.code)));
destroyed.destroy();
equal(await closing, "ERR_STREAM_PREMATURE_CLOSE");
const piped = [];
const source = new PassThrough();
source.pipe(new Writable({ write: (c, e, cb) => { piped.push(String(c)); cb(); }, final: (cb) => { piped.push("end"); cb(); } }));
source.write("1");
source.end("2");
await sp.finished(source);
await new Promise((resolve) => setTimeout(resolve, 5));
equal(piped, ["1", "2", "end"]);
equal(await require("node:stream/consumers").text(Readable.from(["te", "xt"])), "text");

const crypto = require("node:crypto");
equal([crypto.createHash("sha256").update("a").update(Buffer.from("bc")).digest("hex"), crypto.createHash("md5").update("abc").digest("base64")], ["ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "kAFQmDzST7DWlj99KOF/cg=="]);
equal(crypto.createHmac("sha1", "key").update("data").digest("hex"), "104152c5bfdca07bc633eebd46199f0255c9f49d");
equal([crypto.pbkdf2Sync("password", "salt", 2, 20, "sha1").toString("hex"), crypto.scryptSync("password", "NaCl", 16, { N: 1024, r: 8, p: 16 }).toString("hex")], ["ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957", "fdbabe1c9d3472007856e7190d01e9fe"]);
const key = Buffer.alloc(32, 1);
for (const [name, ivLength, secret] of [["aes-256-cbc", 16, "b1f21e41a96b4a0b0cb7b0b4a64eb88e"], ["aes-256-gcm", 12, null], ["aes-256-ctr", 16, null]]) {
  const iv = Buffer.alloc(ivLength, 2);
  const cipher = crypto.createCipheriv(name, key, iv);
  if (name.endsWith("gcm")) cipher.setAAD(Buffer.from("aad"));
  const sealed = cipher.update("a message", "utf8", "hex") + cipher.final("hex");
  const open = crypto.createDecipheriv(name, key, iv);
  if (name.endsWith("gcm")) open.setAAD(Buffer.from("aad")).setAuthTag(cipher.getAuthTag());
  equal(open.update(sealed, "hex", "utf8") + open.final("utf8"), "a message");
}
throws(() => crypto.createCipheriv("aes-256-cbc", "short", Buffer.alloc(16)), "ERR_CRYPTO_INVALID_KEYLEN");
throws(() => crypto.timingSafeEqual(Buffer.from("a"), Buffer.from("ab")), "ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH");
equal([crypto.timingSafeEqual(Buffer.from("a"), Buffer.from("a")), crypto.randomBytes(5).length, crypto.getHashes().includes("sha256")], [true, 5, true]);
equal(Array.from({ length: 50 }, () => crypto.randomInt(3, 5)).every((x) => x === 3 || x === 4), true);

const zlib = require("node:zlib");
const text = "strata ".repeat(200);
for (const [pack, unpack] of [["gzip", "gunzip"], ["deflate", "inflate"], ["deflateRaw", "inflateRaw"], ["brotliCompress", "brotliDecompress"], ["gzip", "unzip"]]) {
  const small = zlib[`${pack}Sync`](text);
  equal([small.length < 100, zlib[`${unpack}Sync`](small).toString() === text], [true, true]);
}
equal((await require("node:util").promisify(zlib.gunzip)(zlib.gzipSync("x"))).toString(), "x");
throws(() => zlib.gunzipSync(Buffer.from("nonsense")), "Z_DATA_ERROR");
const through = Readable.from([Buffer.from(text)]).pipe(zlib.createGzip()).pipe(zlib.createGunzip());
equal(Buffer.concat(await collect(through)).toString() === text, true);

const fs = require("node:fs");
equal([fs.existsSync("/nowhere"), require("node:net").isIP("::1"), require("node:net").isIP("1.2.3.4"), require("node:net").isIP("x")], [false, 6, 4, 0]);
throws(() => fs.readFileSync("/nowhere"), "ENOENT");
await rejects(fs.promises.readFile("/nowhere"), "ENOENT");
if (!process.versions.uv.includes(".50")) {
  const { spawn } = require("node:child_process");
  const real = globalThis.__strata === undefined;
  if (!real) throws(() => spawn("ls"), "node:child_process.spawn is not available in Strata functions");
  if (!real) throws(() => process.exit(1), "ERR_PROCESS_EXIT");
}
