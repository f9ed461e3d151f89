// Text, URLs, events, clone, blobs.
equal(new TextEncoder().encode("é€😀\ud800"), new Uint8Array([0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80, 0xef, 0xbf, 0xbd]));
const long = "añ😀".repeat(1000);
equal(new TextDecoder().decode(new TextEncoder().encode(long)) === long, true);
equal(new TextDecoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 0x61, 0xe2, 0x82])), "a\ufffd");
equal(new TextDecoder("utf-8", { ignoreBOM: true }).decode(new Uint8Array([0xef, 0xbb, 0xbf])), "\ufeff");
throws(() => new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([0xff])), "TypeError");
throws(() => new TextDecoder("nonsense"), "RangeError");
const stream = new TextDecoder();
equal([0xf0, 0x9f, 0x98, 0x80].map((b) => stream.decode(new Uint8Array([b]), { stream: true })).join("|") + stream.decode(), "|||😀");
equal(new TextDecoder("utf-16le").decode(new Uint8Array([0x3d, 0xd8, 0x00, 0xde])), "😀");
equal(new TextDecoder("latin1").encoding, "windows-1252");
equal(new TextDecoder("shift_jis").decode(new Uint8Array([0x83, 0x65])), "テ");
equal(new TextEncoder().encodeInto("aé", new Uint8Array(2)), { read: 1, written: 1 });
equal(btoa("hello"), "aGVsbG8=");
equal(atob(" aGVs bG8 "), "hello");
throws(() => atob("a"), "InvalidCharacterError");
throws(() => btoa("€"), "InvalidCharacterError");

const url = new URL("https://user:pa%20ss@example.com:8080/a/./b/../c?x=1&y=2#frag");
equal([url.origin, url.pathname, url.search, url.hash, url.port, url.password], ["https://example.com:8080", "/a/c", "?x=1&y=2", "#frag", "8080", "pa%20ss"]);
url.searchParams.append("z", "a b&c");
equal(url.href, "https://user:pa%20ss@example.com:8080/a/c?x=1&y=2&z=a+b%26c#frag");
const params = url.searchParams;
url.search = "?q=ä";
equal([params.get("q"), url.search], ["ä", "?q=%C3%A4"]);
url.port = "";
url.protocol = "http";
equal(url.origin, "http://example.com");
equal(JSON.stringify({ url: new URL("http://a/b") }), '{"url":"http://a/b"}');
throws(() => new URL("nope"), "ERR_INVALID_URL");
equal([URL.canParse("x:y"), URL.canParse("/x"), URL.parse("/x")], [true, false, null]);
const p = new URLSearchParams("a=1&b=2&a=3&c=%zz&d=%ff+%2B");
equal([...p], [["a", "1"], ["b", "2"], ["a", "3"], ["c", "%zz"], ["d", "\ufffd +"]]);
p.set("a", "9");
p.delete("b", "no");
p.sort();
equal(`${p}`, "a=9&b=2&c=%25zz&d=%EF%BF%BD+%2B");
equal(`${new URLSearchParams({ "x y": "!'()~*-._" })}`, "x+y=%21%27%28%29%7E*-._");
equal([new URLSearchParams([["a", "b"]]).size, new URLSearchParams("?a").get("a")], [1, ""]);

const target = new EventTarget();
const seen = [];
target.addEventListener("x", { handleEvent: (e) => seen.push(e.detail) }, { once: true });
target.addEventListener("x", (e) => e.preventDefault());
equal(target.dispatchEvent(new CustomEvent("x", { detail: 1, cancelable: true })), false);
equal(target.dispatchEvent(new CustomEvent("x", { detail: 2 })), true);
equal(seen, [1]);

const controller = new AbortController();
const any = AbortSignal.any([controller.signal, new AbortController().signal]);
any.onabort = () => seen.push("any");
controller.abort(new Error("why"));
equal([any.aborted, any.reason.message, seen], [true, "why", [1, "any"]]);
equal(AbortSignal.abort().reason.name, "AbortError");
const timed = AbortSignal.timeout(5);
await new Promise((resolve) => timed.addEventListener("abort", resolve));
equal(timed.reason.name, "TimeoutError");
equal([new DOMException("m", "AbortError").code, DOMException.ABORT_ERR, new DOMException("m") instanceof Error], [20, 20, true]);

const source = { d: new Date(5), m: new Map([["k", new Set([1])]]), r: /x/gi, b: new Uint8Array([1, 2]), e: new RangeError("no"), n: 10n };
source.self = source;
const copy = structuredClone(source);
equal([copy.self === copy, copy.m.get("k").has(1), copy.r.flags, copy.b, copy.e instanceof RangeError, copy.e.message, copy.n], [true, true, "gi", new Uint8Array([1, 2]), true, "no", 10n]);
throws(() => structuredClone(() => {}), "DataCloneError");
const buffer = new ArrayBuffer(4);
const moved = structuredClone({ buffer }, { transfer: [buffer] });
equal([moved.buffer.byteLength, buffer.byteLength], [4, 0]);

const blob = new Blob(["ab", new Uint8Array([99]), new Blob(["d"])], { type: "Text/Plain" });
equal([blob.size, blob.type, await blob.text(), await blob.slice(1, 3).text()], [4, "text/plain", "abcd", "bc"]);
const file = new File(["x"], "n.txt", { lastModified: 7 });
equal([file.name, file.lastModified, file instanceof Blob], ["n.txt", 7, true]);

equal(typeof performance.now(), "number");
equal([crypto.randomUUID().length, crypto.getRandomValues(new Uint8Array(8)).length], [36, 8]);
throws(() => crypto.getRandomValues(new Float32Array(1)), "TypeMismatchError");

const { port1, port2 } = new MessageChannel();
const got = new Promise((resolve) => (port2.onmessage = (event) => resolve(event.data)));
port1.postMessage({ a: [1, new Date(3)] });
equal(await got, { a: [1, new Date(3)] });
port1.close();
