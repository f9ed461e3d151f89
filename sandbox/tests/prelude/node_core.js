// buffer, events, util, path, url, querystring, assert, string_decoder, os, process.
const { Buffer } = require("node:buffer");
equal(Buffer.from("héllo").toString("hex"), "68c3a96c6c6f");
equal([Buffer.from("aGk_", "base64").length, Buffer.from("6869zz", "hex").toString(), Buffer.from("hi", "utf16le"), Buffer.from("é", "latin1")], [3, "hi", Buffer.from([104, 0, 105, 0]), Buffer.from([233])]);
equal([Buffer.from("hi?>").toString("base64"), Buffer.from("hi?>").toString("base64url"), Buffer.from([200, 97]).toString("ascii")], ["aGk/Pg==", "aGk_Pg", "Ha"]);
equal(Buffer.concat([Buffer.from("a"), new Uint8Array([98])], 3), Buffer.from([97, 98, 0]));
equal([Buffer.compare(Buffer.from("a"), Buffer.from("b")), Buffer.from("a").equals(Buffer.from("a")), Buffer.byteLength("€"), Buffer.byteLength("aGk=", "base64")], [-1, true, 3, 2]);
equal(JSON.stringify(Buffer.from("ab")), '{"type":"Buffer","data":[97,98]}');
equal(Buffer.from(JSON.parse('{"type":"Buffer","data":[97,98]}')).toString(), "ab");
const b = Buffer.alloc(16);
b.writeUInt32BE(0xdeadbeef, 0);
b.writeInt16LE(-2, 4);
b.writeDoubleLE(1.5, 8);
b.writeUIntBE(0x1234, 6, 2);
equal([b.readUInt32LE(0), b.readInt16LE(4), b.readDoubleLE(8), b.readUInt16BE(6), b.readIntBE(0, 3)], [0xefbeadde, -2, 1.5, 0x1234, -2183746]);
b.writeBigUInt64BE(2n ** 64n - 1n);
equal([b.readBigInt64LE(0), b.readFloatBE(0)], [-1n, NaN]);
throws(() => b.readUInt8(16), "ERR_OUT_OF_RANGE");
throws(() => b.writeUInt8(256), "ERR_OUT_OF_RANGE");
throws(() => Buffer.from("x", "what"), "ERR_UNKNOWN_ENCODING");
throws(() => Buffer.from(5), "ERR_INVALID_ARG_TYPE");
const s = Buffer.from("abcabc");
equal([s.indexOf("ca"), s.lastIndexOf("abc"), s.includes(99), s.indexOf(Buffer.from("x")), s.subarray(1, 3).toString(), s.slice(-2).toString()], [2, 3, true, -1, "bc", "bc"]);
s.subarray(0, 1)[0] = 122;
equal([s.toString(), s.fill("xy", 1, 4).toString(), Buffer.from([1, 2, 3, 4]).swap16(), s.write("é", 5)], ["zbcabc", "zxyxbc", Buffer.from([2, 1, 4, 3]), 0]);
equal([Buffer.isBuffer(s.subarray(0)), Buffer.isBuffer(new Uint8Array(1)), s instanceof Uint8Array, Buffer.isBuffer(s.map((x) => x))], [true, false, true, true]);

const EventEmitter = require("node:events");
const util = require("node:util");
const emitter = new EventEmitter();
const seen = [];
emitter.once("a", (x) => seen.push(["once", x]));
emitter.on("a", (x) => seen.push(["on", x]));
emitter.prependListener("a", (x) => seen.push(["first", x]));
equal([emitter.emit("a", 1), emitter.emit("a", 2), emitter.emit("none"), seen], [true, true, false, [["first", 1], ["once", 1], ["on", 1], ["first", 2], ["on", 2]]]);
throws(() => emitter.emit("error", new Error("loud")), "loud");
setTimeout(() => emitter.emit("later", 7), 1);
equal(await EventEmitter.once(emitter, "later"), [7]);
function Old() {
  EventEmitter.call(this);
}
util.inherits(Old, EventEmitter);
equal([new Old().on("x", () => {}).listenerCount("x"), Old.super_ === EventEmitter], [1, true]);

equal(util.format("%s %d %i %j %% %o", "a", "4", 4.9, { x: 1 }, [1]), "a 4 4 {\"x\":1} % [ 1, [length]: 1 ]");
equal(util.inspect({ a: { b: { c: { d: 1 } } }, s: "it's", n: -0, f: class A extends Array {}, m: new Map([["k", [1]]]), sym: Symbol("q"), u: undefined }, { breakLength: Infinity }), "{ a: { b: { c: [Object] } }, s: \"it's\", n: -0, f: [class A extends Array], m: Map(1) { 'k' => [ 1 ] }, sym: Symbol(q), u: undefined }");
const loop = { name: "x" };
loop.self = loop;
equal(util.inspect(loop), "<ref *1> { name: 'x', self: [Circular *1] }");
equal([util.inspect(new (class Foo { x = 1; })()), util.inspect([1, , 3]), util.inspect(Buffer.from("hi")), util.inspect(new Proxy({}, {})), util.inspect("a\n'b")], ["Foo { x: 1 }", "[ 1, <1 empty item>, 3 ]", "<Buffer 68 69>", "{}", '"a\\n\'b"']);
equal(util.inspect({ [util.inspect.custom]: (depth, options) => `custom ${depth}` }), "custom 2");
equal([util.isDeepStrictEqual({ a: [1, new Set([{ b: 2 }])] }, { a: [1, new Set([{ b: 2 }])] }), util.isDeepStrictEqual([0], [-0]), util.types.isDate(new Date()), util.types.isTypedArray(b)], [true, false, true, true]);
equal(await util.promisify((x, cb) => cb(null, x + 1))(1), 2);
await rejects(util.promisify((cb) => cb(new Error("no")))(), "no");
equal(await new Promise((resolve) => util.callbackify(async (x) => x * 2)(4, (e, v) => resolve([e, v]))), [null, 8]);
equal({ ...util.parseArgs({ args: ["-v", "--name=x", "rest"], options: { verbose: { type: "boolean", short: "v" }, name: { type: "string" } }, allowPositionals: true }) }, { values: { verbose: true, name: "x" }, positionals: ["rest"] });

const path = require("node:path");
equal([path.join("/a", "../b", "./c/"), path.resolve("/a/b", "../c", "d"), path.basename("/x/y.tar.gz", ".gz"), path.extname("a/.b.c"), path.extname(".bashrc"), path.dirname("/a"), path.dirname("a/b/"), path.relative("/a/b/c", "/a/d"), path.normalize("./a//b/../.."), path.isAbsolute("/a")], ["/b/c/", "/a/c/d", "y.tar", ".c", "", "/", "a", "../../d", ".", true]);
equal({ ...path.parse("/home/u/f.txt") }, { root: "/", dir: "/home/u", base: "f.txt", ext: ".txt", name: "f" });
equal([path.format({ dir: "/a", base: "b" }), path.win32.join("C:\\a", "..", "b"), path.win32.basename("C:\\x\\y.z"), path.win32.isAbsolute("C:/")], ["/a/b", "C:\\b", "y.z", true]);

const url = require("node:url");
const parsed = url.parse("https://u:p@Host.com:81/p/a?x=1&y=2#h", true);
equal([parsed.protocol, parsed.auth, parsed.host, parsed.port, parsed.hostname, parsed.pathname, parsed.search, { ...parsed.query }, parsed.hash, parsed.path, parsed.href], ["https:", "u:p", "host.com:81", "81", "host.com", "/p/a", "?x=1&y=2", { x: "1", y: "2" }, "#h", "/p/a?x=1&y=2", "https://u:p@host.com:81/p/a?x=1&y=2#h"]);
equal([url.format({ protocol: "http", hostname: "a", port: 1, pathname: "b", query: { c: "d" } }), url.resolve("http://a/b/c", "../d?e"), url.resolve("/one/two", "three"), url.parse("/a?b").pathname], ["http://a:1/b?c=d", "http://a/d?e", "/one/three", "/a"]);
equal([url.fileURLToPath("file:///a%20b/c"), url.pathToFileURL("/a b/c#d").href, url.domainToASCII("español.com"), url.domainToUnicode("xn--espaol-zwa.com")], ["/a b/c", "file:///a%20b/c%23d", "xn--espaol-zwa.com", "español.com"]);
const qs = require("node:querystring");
equal([qs.stringify({ a: [1, 2], b: "x y", c: null }), { ...qs.parse("a=1&a=2&b=x+y&c=%zz") }], ["a=1&a=2&b=x%20y&c=", { a: ["1", "2"], b: "x y", c: "%zz" }]);
equal([require("node:punycode").encode("mañana"), require("node:punycode").toUnicode("xn--maana-pta.com")], ["maana-pta", "mañana.com"]);

const assert = require("node:assert");
assert(1);
assert.deepStrictEqual({ a: 1, b: [new Map([[1, { x: 1 }]])] }, { b: [new Map([[1, { x: 1 }]])], a: 1 });
assert.throws(() => { throw new TypeError("bad"); }, { name: "TypeError", message: /ba/ });
throws(() => assert.strictEqual(1, 2), "ERR_ASSERTION");
throws(() => assert.deepEqual([1], [2]), "ERR_ASSERTION");
throws(() => assert.throws(() => {}), "Missing expected exception");
await assert.rejects(Promise.reject(new Error("x")), /x/);
assert.equal(1, "1");
throws(() => assert.strict.equal(1, "1"), "ERR_ASSERTION");

const { StringDecoder } = require("node:string_decoder");
const decoder = new StringDecoder("utf8");
equal([decoder.write(Buffer.from([0xe2, 0x82])), decoder.write(Buffer.from([0xac])), decoder.end()], ["", "€", ""]);
const b64 = new StringDecoder("base64");
equal([b64.write(Buffer.from("ab")), b64.write(Buffer.from("cd")), b64.end()], ["", "YWJj", "ZA=="]);

equal([process.platform, typeof process.version, process.argv.length > 0, typeof process.hrtime.bigint(), Object.prototype.toString.call(process)], ["linux", "string", true, "bigint", "[object process]"]);
equal(await new Promise((resolve) => process.nextTick((a, c) => resolve([a, c]), 1, 2)), [1, 2]);
equal([require("node:os").EOL, await require("node:timers/promises").setTimeout(1, "v")], ["\n", "v"]);
const { AsyncLocalStorage } = require("node:async_hooks");
const als = new AsyncLocalStorage();
equal(await als.run({ id: 1 }, async () => {
  await null;
  await new Promise((r) => setTimeout(r, 1));
  return als.getStore();
}), { id: 1 });
equal([als.getStore(), als.run(3, () => als.getStore())], [undefined, 3]);
