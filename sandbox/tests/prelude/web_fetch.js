// Headers, bodies, Request, Response, FormData and streams.
const h = new Headers({ "X-B": " 2 ", a: "1" });
h.append("a", "3");
h.append("Set-Cookie", "x=1");
h.append("set-cookie", "y=2");
equal([...h], [["a", "1, 3"], ["set-cookie", "x=1"], ["set-cookie", "y=2"], ["x-b", "2"]]);
equal(h.getSetCookie(), ["x=1", "y=2"]);
throws(() => new Headers({ "bad name": "x" }), "TypeError");
throws(() => h.set("a", "x\ny"), "TypeError");

const r = new Response("hé", { status: 201, headers: { "x-y": "z" } });
equal([r.status, r.ok, r.headers.get("content-type"), r.bodyUsed], [201, true, "text/plain;charset=UTF-8", false]);
const twin = r.clone();
equal([await r.text(), r.bodyUsed, await twin.text()], ["hé", true, "hé"]);
await rejects(r.text(), "TypeError");
equal(await Response.json({ a: [1] }).json(), { a: [1] });
equal(Response.json({}).headers.get("content-type"), "application/json");
equal([Response.redirect("http://a/b").status, Response.error().type, new Response(null, { status: 204 }).body], [302, "error", null]);
throws(() => new Response("x", { status: 204 }), "TypeError");
throws(() => new Response("", { status: 99 }), "RangeError");
equal((await new Response("abc").arrayBuffer()).byteLength, 3);
equal([(await new Response(new Blob(["q"], { type: "x/y" })).blob()).type], ["x/y"]);

const request = new Request("http://example.com/a#b", { method: "post", body: new URLSearchParams({ a: "b c" }) });
equal([request.method, request.url, request.headers.get("content-type")], ["POST", "http://example.com/a#b", "application/x-www-form-urlencoded;charset=UTF-8"]);
const again = new Request(request, { headers: { x: "1" } });
equal([again.method, request.bodyUsed, await again.text()], ["POST", true, "a=b+c"]);
throws(() => new Request("http://a", { body: "x" }), "TypeError");
throws(() => new Request("/relative"), "Failed to parse URL from /relative");

const form = new FormData();
form.append("name", "vä\nlue");
form.append("file", new File(["\r\n--x\0"], 'a"b.bin', { type: "application/x-thing" }));
form.append("blob", new Blob(["z"]));
const echoed = await new Response(form).formData();
equal([echoed.get("name"), echoed.get("file").name, echoed.get("file").type, await echoed.get("file").text(), echoed.get("blob").name], ["vä\r\nlue", 'a"b.bin', "application/x-thing", "\r\n--x\0", "blob"]);
equal([...(await new Response("a=1&b=%20", { headers: { "content-type": "application/x-www-form-urlencoded" } }).formData())], [["a", "1"], ["b", " "]]);
await rejects(new Response("x").formData(), "TypeError");

const collect = async (stream) => {
  const out = [];
  for await (const chunk of stream) out.push(chunk);
  return out;
};
let n = 0;
const pulled = new ReadableStream({
  pull(c) {
    if (++n > 3) c.close();
    else c.enqueue(n);
  },
});
equal(await collect(pulled), [1, 2, 3]);
const [left, right] = ReadableStream.from(["a", "b"]).tee();
equal(await Promise.all([collect(left), collect(right)]), [["a", "b"], ["a", "b"]]);
const upper = new TransformStream({
  transform(chunk, c) {
    c.enqueue(chunk.toUpperCase());
    if (chunk === "b") c.enqueue("!");
  },
  flush(c) {
    c.enqueue("end");
  },
});
equal(await collect(ReadableStream.from(["a", "b", "c"]).pipeThrough(upper)), ["A", "B", "!", "C", "end"]);
equal(await collect(new Response("€uro").body.pipeThrough(new TextDecoderStream())), ["€uro"]);
equal(await new Response(ReadableStream.from(["x", "y"]).pipeThrough(new TextEncoderStream())).text(), "xy");
const zipped = new Response("hello ".repeat(50)).body.pipeThrough(new CompressionStream("gzip"));
const small = await new Response(zipped).bytes();
equal([small.length < 60, await new Response(new Blob([small]).stream().pipeThrough(new DecompressionStream("gzip"))).text()], [true, "hello ".repeat(50)]);
const written = [];
const sink = new WritableStream({ write: (c) => void written.push(c), close: () => void written.push("closed") }, { highWaterMark: 1 });
const writer = sink.getWriter();
equal(writer.desiredSize, 1);
await Promise.all([writer.write(1), writer.write(2), writer.close()]);
equal(written, [1, 2, "closed"]);
const broken = new ReadableStream({ start: (c) => c.error(new Error("bad source")) });
await rejects(collect(broken), "bad source");
let cancelled;
const endless = new ReadableStream({ pull: (c) => c.enqueue(1), cancel: (why) => (cancelled = why) });
for await (const _ of endless) break;
equal([cancelled, endless.locked], [undefined, false]);
await rejects(ReadableStream.from([1]).pipeTo(new WritableStream({ write() { throw new Error("bad sink"); } })), "bad sink");
const aborter = new AbortController();
const piping = new ReadableStream({}).pipeTo(new WritableStream(), { signal: aborter.signal });
aborter.abort();
await rejects(piping, "AbortError");
const byob = new Response("abcdef").body.getReader({ mode: "byob" });
equal([(await byob.read(new Uint8Array(4))).value, (await byob.read(new Uint8Array(4))).value, (await byob.read(new Uint8Array(4))).done], [new Uint8Array([97, 98, 99, 100]), new Uint8Array([101, 102]), true]);
const locked = new ReadableStream();
locked.getReader();
throws(() => locked.getReader(), "TypeError");

equal(await (await fetch("data:text/plain;base64,aGk=")).text(), "hi");
await rejects(fetch("ftp://example.com/"), "fetch failed");
await rejects(fetch("http://example.com/", { signal: AbortSignal.abort() }), "AbortError");
