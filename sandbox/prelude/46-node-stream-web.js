// The bridge between node's streams and web streams, node:stream/consumers and
// node:stream/web.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const { Blob, ReadableStream, WritableStream } = globalThis;
  const { Readable, Writable, Duplex } = lib;
  const finished = (...args) => lib.Stream.finished(...args);

  Readable.fromWeb = (web, options) => {
    const reader = web.getReader();
    let closed = false;
    return new Readable({
      ...options,
      read() {
        reader.read().then(
          ({ value, done }) => {
            closed ||= done;
            this.push(done ? null : value);
          },
          (error) => {
            closed = true;
            this.destroy(error);
          },
        );
      },
      destroy(error, callback) {
        if (closed) return callback(error);
        reader.cancel(error ?? undefined).then(() => callback(error), () => callback(error));
      },
    });
  };
  Readable.toWeb = (stream) =>
    new ReadableStream(
      {
        start(controller) {
          stream.pause();
          stream.on("data", (chunk) => {
            controller.enqueue(globalThis.Buffer.isBuffer(chunk) ? new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength) : chunk);
            if (controller.desiredSize <= 0) stream.pause();
          });
          stream.pause();
          finished(stream, { writable: false }, (error) => {
            try {
              if (error) controller.error(error);
              else controller.close();
            } catch {
              // Cancelled already.
            }
          });
        },
        pull: () => void stream.resume(),
        cancel: (reason) => void stream.destroy(reason),
      },
      { highWaterMark: 1 },
    );
  Writable.fromWeb = (web, options) => {
    const writer = web.getWriter();
    return new Writable({
      ...options,
      write: (chunk, encoding, callback) => void writer.ready.then(() => writer.write(chunk)).then(() => callback(), callback),
      final: (callback) => void writer.close().then(() => callback(), callback),
      destroy: (error, callback) => void (error ? writer.abort(error).then(() => callback(error), () => callback(error)) : callback(null)),
    });
  };
  Writable.toWeb = (stream) =>
    new WritableStream({
      write: (chunk) => new Promise((resolve, reject) => stream.write(chunk, (error) => (error ? reject(error) : resolve()))),
      close: () => new Promise((resolve) => stream.end(resolve)),
      abort: (reason) => void stream.destroy(reason),
    });
  Duplex.fromWeb = ({ readable, writable }, options) => {
    const source = Readable.fromWeb(readable);
    const sink = Writable.fromWeb(writable);
    const duplex = new Duplex({
      ...options,
      read: () => void source.resume(),
      write: (chunk, encoding, callback) => void sink.write(chunk, encoding, callback),
      final: (callback) => void sink.end(callback),
    });
    source.on("data", (chunk) => duplex.push(chunk) || source.pause());
    source.on("end", () => duplex.push(null));
    source.on("error", (error) => duplex.destroy(error));
    sink.on("error", (error) => duplex.destroy(error));
    return duplex;
  };
  Duplex.toWeb = (duplex) => ({ readable: Readable.toWeb(duplex), writable: Writable.toWeb(duplex) });
  Duplex.from = (source) => {
    if (source instanceof Duplex) return source;
    if (source?.readable && source?.writable && typeof source.readable.pipe === "function") {
      const { readable, writable } = source;
      const duplex = new Duplex({ read: () => void readable.resume(), write: (c, e, cb) => void writable.write(c, e, cb), final: (cb) => void writable.end(cb) });
      readable.on("data", (chunk) => duplex.push(chunk) || readable.pause());
      readable.on("end", () => duplex.push(null));
      return duplex;
    }
    const readable = Readable.from(source);
    const duplex = new Duplex({ objectMode: true, writable: false, read: () => void readable.resume() });
    readable.on("data", (chunk) => duplex.push(chunk) || readable.pause());
    readable.on("end", () => duplex.push(null));
    return duplex;
  };

  const gather = async (stream) => {
    const chunks = [];
    for await (const chunk of stream) chunks.push(typeof chunk === "string" ? lib.utf8Encode(chunk) : chunk);
    return lib.toBuffer(lib.concat(chunks, 0));
  };
  S.modules["node:stream/consumers"] = () => ({
    arrayBuffer: async (stream) => (await gather(stream)).buffer,
    blob: async (stream) => new Blob([await gather(stream)]),
    buffer: gather,
    json: async (stream) => JSON.parse((await gather(stream)).toString()),
    text: async (stream) => (await gather(stream)).toString(),
  });

  S.modules["node:stream/web"] = () => {
    const names = [
      "ReadableStream", "ReadableStreamDefaultReader", "ReadableStreamBYOBReader", "ReadableStreamDefaultController", "ReadableByteStreamController",
      "WritableStream", "WritableStreamDefaultWriter", "WritableStreamDefaultController", "TransformStream", "TransformStreamDefaultController",
      "ByteLengthQueuingStrategy", "CountQueuingStrategy", "TextEncoderStream", "TextDecoderStream", "CompressionStream", "DecompressionStream",
    ];
    return Object.fromEntries(names.map((name) => [name, globalThis[name]]));
  };
})();
