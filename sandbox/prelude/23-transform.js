// TransformStream, and the transforms built on it: text encoding and decoding,
// compression. Compression collects the input and works when the stream ends.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const { ReadableStream, TextDecoder, WritableStream } = globalThis;
  const key = Symbol("internal");

  class TransformStreamDefaultController {
    constructor(token, methods) {
      if (token !== key) throw new TypeError("Illegal constructor");
      lib.define(this, key, methods);
    }
    get desiredSize() {
      return this[key].desired();
    }
    enqueue(chunk) {
      this[key].enqueue(chunk);
    }
    error(error) {
      this[key].error(error);
    }
    terminate() {
      this[key].terminate();
    }
  }
  lib.webClass(TransformStreamDefaultController);

  class TransformStream {
    #readable;
    #writable;
    constructor(transformer = {}, writableStrategy, readableStrategy) {
      const { start, transform, flush, cancel } = transformer ?? {};
      let out;
      let sink;
      let wanted = Promise.withResolvers();
      const started = Promise.withResolvers();
      const fail = (error) => {
        out.error(error);
        sink.error(error);
        wanted.resolve();
      };
      const controller = new TransformStreamDefaultController(key, {
        desired: () => out.desiredSize,
        enqueue: (chunk) => {
          // Renewed first: the enqueue itself may ask for the next chunk.
          wanted = Promise.withResolvers();
          out.enqueue(chunk);
          if (out.desiredSize > 0) wanted.resolve();
        },
        error: fail,
        terminate: () => {
          out.close();
          sink.error(new TypeError("The transform was terminated"));
          wanted.resolve();
        },
      });
      this.#readable = new ReadableStream(
        {
          start: (c) => {
            out = c;
            return started.promise;
          },
          pull: () => wanted.resolve(),
          cancel: async (reason) => {
            sink.error(reason);
            wanted.resolve();
            await cancel?.call(transformer, reason);
          },
        },
        { highWaterMark: readableStrategy?.highWaterMark ?? 0, size: readableStrategy?.size },
      );
      this.#writable = new WritableStream(
        {
          start: (c) => {
            sink = c;
            return started.promise;
          },
          write: async (chunk) => {
            if (!(out.desiredSize > 0)) await wanted.promise;
            try {
              if (transform) await transform.call(transformer, chunk, controller);
              else controller.enqueue(chunk);
            } catch (error) {
              fail(error);
              throw error;
            }
          },
          close: async () => {
            try {
              await flush?.call(transformer, controller);
            } catch (error) {
              fail(error);
              throw error;
            }
            try {
              out.close();
            } catch {
              // Already terminated or cancelled.
            }
          },
          abort: async (reason) => {
            await cancel?.call(transformer, reason);
            out.error(reason);
          },
        },
        writableStrategy,
      );
      started.resolve(start?.call(transformer, controller));
    }
    get readable() {
      return this.#readable;
    }
    get writable() {
      return this.#writable;
    }
  }
  lib.webClass(TransformStream);

  // A class whose instances wrap one transform and expose its two ends.
  class Pair {
    #inner;
    constructor(transformer) {
      this.#inner = new TransformStream(transformer);
    }
    get readable() {
      return this.#inner.readable;
    }
    get writable() {
      return this.#inner.writable;
    }
  }

  class TextEncoderStream extends Pair {
    constructor() {
      let high = "";
      super({
        transform(chunk, controller) {
          let text = high + String(chunk);
          high = "";
          if (/[\ud800-\udbff]$/.test(text)) [high, text] = [text.slice(-1), text.slice(0, -1)];
          if (text) controller.enqueue(lib.utf8Encode(text));
        },
        flush(controller) {
          if (high) controller.enqueue(new Uint8Array([0xef, 0xbf, 0xbd]));
        },
      });
    }
    get encoding() {
      return "utf-8";
    }
  }
  lib.webClass(TextEncoderStream);

  class TextDecoderStream extends Pair {
    #decoder;
    constructor(label, options) {
      const decoder = new TextDecoder(label, options);
      super({
        transform(chunk, controller) {
          const text = decoder.decode(chunk, { stream: true });
          if (text) controller.enqueue(text);
        },
        flush(controller) {
          const text = decoder.decode();
          if (text) controller.enqueue(text);
        },
      });
      this.#decoder = decoder;
    }
    get encoding() {
      return this.#decoder.encoding;
    }
    get fatal() {
      return this.#decoder.fatal;
    }
    get ignoreBOM() {
      return this.#decoder.ignoreBOM;
    }
  }
  lib.webClass(TextDecoderStream);

  const FORMATS = { gzip: "gzip", deflate: "zlib", "deflate-raw": "raw" };
  const compression = (op) =>
    class extends Pair {
      constructor(format) {
        if (!Object.hasOwn(FORMATS, `${format}`)) throw new TypeError(`Unsupported compression format: '${format}'`);
        const chunks = [];
        super({
          transform(chunk) {
            chunks.push(lib.copyBytes(chunk, "chunk"));
          },
          flush(controller) {
            let data;
            try {
              data = S.call(op, { format: FORMATS[format] }, lib.concat(chunks, 0)).data;
            } catch (error) {
              throw new TypeError(error.message);
            }
            if (data.byteLength) controller.enqueue(data);
          },
        });
      }
    };
  const CompressionStream = lib.webClass(compression("zlib.deflate"), "CompressionStream");
  const DecompressionStream = lib.webClass(compression("zlib.inflate"), "DecompressionStream");
  Object.defineProperty(CompressionStream, "name", { value: "CompressionStream" });
  Object.defineProperty(DecompressionStream, "name", { value: "DecompressionStream" });

  lib.globals({
    TransformStream, TransformStreamDefaultController, TextEncoderStream, TextDecoderStream, CompressionStream, DecompressionStream,
  });
})();
