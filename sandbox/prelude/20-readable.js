// ReadableStream with its default reader and controller, byte sources
// (`type: "bytes"`, with BYOB reads served by copying), tee, pipeTo,
// pipeThrough, async iteration and ReadableStream.from. Transferring streams is
// left out.
(() => {
  "use strict";
  const { lib } = globalThis.__strata;

  const key = lib.readerKey;
  const AsyncIteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}).prototype);

  const cores = new WeakMap();
  const coreOf = (stream) => {
    const core = cores.get(stream);
    if (!core) throw new TypeError("Not a ReadableStream");
    return core;
  };

  class ReadableStreamDefaultController {
    constructor(token, core) {
      if (token !== key) throw new TypeError("Illegal constructor");
      lib.define(this, key, core);
    }
    get desiredSize() {
      return this[key].desired;
    }
    enqueue(chunk) {
      this[key].enqueue(chunk);
    }
    close() {
      this[key].close();
    }
    error(error) {
      this[key].fail(error);
    }
  }
  lib.webClass(ReadableStreamDefaultController);

  class ReadableByteStreamController extends ReadableStreamDefaultController {
    get byobRequest() {
      return null;
    }
    enqueue(chunk) {
      if (!ArrayBuffer.isView(chunk)) throw new TypeError("A byte stream takes only views of array buffers");
      if (chunk.byteLength === 0) throw new TypeError("A byte stream takes no empty chunks");
      this[key].enqueue(lib.bytesOf(chunk));
    }
  }
  lib.webClass(ReadableByteStreamController);

  function attach(reader, stream) {
    const core = coreOf(stream);
    if (core.reader) throw new TypeError("The stream is locked to another reader");
    const closed = Promise.withResolvers();
    lib.define(reader, key, { core, closed });
    core.reader = reader;
    if (core.state === "closed") closed.resolve();
    if (core.state === "errored") {
      lib.handled(closed.promise);
      closed.reject(core.error);
    }
  }

  function release(reader) {
    const { core, closed } = reader[key];
    if (!core) return;
    const error = new TypeError("The reader was released");
    const reads = core.reads;
    core.reads = [];
    for (const read of reads) read.error(error);
    if (core.state === "readable") {
      lib.handled(closed.promise);
      closed.reject(error);
    } else {
      reader[key].closed = Promise.withResolvers();
      lib.handled(reader[key].closed.promise);
      reader[key].closed.reject(error);
    }
    core.reader = null;
    reader[key].core = null;
  }

  class Reader {
    get closed() {
      return this[key].closed.promise;
    }
    cancel(reason) {
      const { core } = this[key];
      return core ? core.cancel(reason) : Promise.reject(new TypeError("The reader was released"));
    }
    releaseLock() {
      release(this);
    }
  }

  class ReadableStreamDefaultReader extends Reader {
    constructor(stream) {
      super();
      attach(this, stream);
    }
    read() {
      const { core } = this[key];
      if (!core) return Promise.reject(new TypeError("The reader was released"));
      return new Promise((resolve, reject) =>
        core.read({
          chunk: (value) => resolve({ value, done: false }),
          close: () => resolve({ value: undefined, done: true }),
          error: reject,
        }),
      );
    }
  }

  class ReadableStreamBYOBReader extends Reader {
    constructor(stream) {
      if (!coreOf(stream).bytes) throw new TypeError("A BYOB reader needs a byte stream");
      super();
      attach(this, stream);
    }
    read(view) {
      const { core } = this[key];
      if (!core) return Promise.reject(new TypeError("The reader was released"));
      if (!ArrayBuffer.isView(view) || view.byteLength === 0) return Promise.reject(new TypeError("read needs a view that is not empty"));
      const like = (bytes) => (view instanceof DataView ? new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) : new view.constructor(bytes.buffer, bytes.byteOffset, bytes.byteLength / (view.BYTES_PER_ELEMENT ?? 1)));
      return new Promise((resolve, reject) =>
        core.read({
          chunk: (chunk) => {
            const target = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
            const n = Math.min(chunk.byteLength, target.length);
            target.set(chunk.subarray(0, n));
            if (n < chunk.byteLength) {
              core.queue.unshift({ chunk: chunk.subarray(n), size: 0 });
              if (core.state === "closed") [core.state, core.closing] = ["readable", true];
            }
            resolve({ value: like(target.subarray(0, n)), done: false });
          },
          close: () => resolve({ value: like(new Uint8Array(view.buffer, view.byteOffset, 0)), done: true }),
          error: reject,
        }),
      );
    }
  }
  lib.webClass(Reader, "ReadableStreamDefaultReader");
  lib.webClass(ReadableStreamDefaultReader);
  lib.webClass(ReadableStreamBYOBReader);

  class ReadableStream {
    constructor(source, strategy) {
      const core = new lib.ReadableCore(this);
      cores.set(this, core);
      source = source === undefined ? {} : source;
      if (source === null || typeof source !== "object") throw new TypeError("ReadableStream: the source must be an object");
      core.bytes = source.type !== undefined;
      if (core.bytes && `${source.type}` !== "bytes") throw new TypeError("ReadableStream: the only type of source is bytes");
      const { highWaterMark, size } = lib.strategy(strategy, core.bytes ? 0 : 1);
      core.highWaterMark = highWaterMark;
      core.size = core.bytes ? (chunk) => chunk.byteLength : size;
      const controller = new (core.bytes ? ReadableByteStreamController : ReadableStreamDefaultController)(key, core);
      const { start, pull, cancel } = source;
      if (pull !== undefined) core.pullStep = () => pull.call(source, controller);
      if (cancel !== undefined) core.cancelStep = (reason) => cancel.call(source, reason);
      const begun = start === undefined ? undefined : start.call(source, controller);
      Promise.resolve(begun).then(
        () => {
          core.started = true;
          core.pull();
        },
        (error) => core.fail(error),
      );
    }

    static from(iterable) {
      const method = iterable?.[Symbol.asyncIterator] ?? iterable?.[Symbol.iterator];
      if (typeof method !== "function") throw new TypeError("ReadableStream.from needs an iterable");
      const iterator = method.call(iterable);
      return new ReadableStream(
        {
          async pull(controller) {
            const { value, done } = await iterator.next();
            if (done) controller.close();
            else controller.enqueue(await value);
          },
          async cancel(reason) {
            await iterator.return?.(reason);
          },
        },
        { highWaterMark: 0 },
      );
    }

    get locked() {
      return coreOf(this).reader !== null;
    }

    cancel(reason) {
      if (this.locked) return Promise.reject(new TypeError("Cannot cancel a locked stream"));
      return coreOf(this).cancel(reason);
    }

    getReader(options) {
      if (options?.mode === undefined) return new ReadableStreamDefaultReader(this);
      if (`${options.mode}` !== "byob") throw new TypeError("getReader: the only mode is byob");
      return new ReadableStreamBYOBReader(this);
    }

    tee() {
      const reader = this.getReader();
      const cancels = [];
      const canceled = Promise.withResolvers();
      let reading = false;
      let again = false;
      const controllers = [];
      const pull = () => {
        if (reading) {
          again = true;
          return;
        }
        reading = true;
        coreOf(this).read({
          chunk: (value) => {
            reading = false;
            controllers.forEach((controller, i) => {
              if (!(i in cancels)) controller.enqueue(i === 1 && ArrayBuffer.isView(value) ? value.slice?.() ?? value : value);
            });
            if (again) {
              again = false;
              pull();
            }
          },
          close: () => {
            controllers.forEach((controller, i) => i in cancels || controller.close());
            if (cancels.length < 2) canceled.resolve();
          },
          error: () => {},
        });
      };
      reader.closed.catch((error) => {
        for (const controller of controllers) controller.error(error);
        canceled.resolve();
      });
      const branch = (i) =>
        new ReadableStream(
          {
            type: coreOf(this).bytes ? "bytes" : undefined,
            start: (controller) => {
              controllers[i] = controller;
            },
            pull,
            cancel: (reason) => {
              cancels[i] = reason;
              if (0 in cancels && 1 in cancels) canceled.resolve(reader.cancel([cancels[0], cancels[1]]));
              return canceled.promise;
            },
          },
          coreOf(this).bytes ? { highWaterMark: 0 } : undefined,
        );
      return [branch(0), branch(1)];
    }

    pipeThrough(transform, options) {
      const { readable, writable } = transform ?? {};
      if (!(readable instanceof ReadableStream) || !writable) throw new TypeError("pipeThrough needs a pair of readable and writable");
      lib.handled(this.pipeTo(writable, options));
      return readable;
    }

    async pipeTo(destination, { preventClose, preventAbort, preventCancel, signal } = {}) {
      if (!(lib.isWritableStream(destination))) throw new TypeError("pipeTo needs a WritableStream");
      if (this.locked || destination.locked) throw new TypeError("pipeTo needs streams that are not locked");
      const reader = this.getReader();
      const writer = destination.getWriter();
      lib.handled(writer.closed);
      lib.handled(writer.ready);
      const stop = Promise.withResolvers();
      lib.handled(stop.promise);
      const off = signal && lib.onAbort(signal, (reason) => stop.reject(reason));
      try {
        if (signal?.aborted) stop.reject(signal.reason);
        const broken = writer.closed.then(
          () => {
            throw { destination: new TypeError("The destination is closed") };
          },
          (error) => {
            throw { destination: error };
          },
        );
        lib.handled(broken);
        for (;;) {
          await Promise.race([stop.promise, writer.ready.catch(() => broken), broken]);
          const next = await Promise.race([stop.promise, reader.read().catch((error) => Promise.reject({ source: error })), broken]);
          if (next.done) break;
          lib.handled(writer.write(next.value));
        }
        if (!preventClose) await Promise.race([stop.promise, writer.close().catch((error) => Promise.reject({ destination: error }))]);
      } catch (raised) {
        const aborted = signal?.aborted && raised === signal.reason;
        const error = aborted ? raised : raised !== null && typeof raised === "object" && "source" in raised ? raised.source : raised?.destination;
        const fromSource = !aborted && raised !== null && typeof raised === "object" && "source" in raised;
        const work = [];
        if ((aborted || fromSource) && !preventAbort) work.push(writer.abort(error));
        if ((aborted || !fromSource) && !preventCancel) work.push(reader.cancel(error));
        await Promise.allSettled(work);
        throw error;
      } finally {
        off?.();
        reader.releaseLock();
        writer.releaseLock();
      }
    }

    values({ preventCancel = false } = {}) {
      const reader = this.getReader();
      let finished = false;
      const end = (result) => {
        finished = true;
        reader.releaseLock();
        return result;
      };
      const iterator = {
        async next() {
          if (finished) return { value: undefined, done: true };
          try {
            const result = await reader.read();
            return result.done ? end(result) : result;
          } catch (error) {
            end();
            throw error;
          }
        },
        async return(value) {
          if (!finished) {
            const work = preventCancel ? undefined : reader.cancel(value);
            end();
            await work;
          }
          return { value, done: true };
        },
      };
      return Object.setPrototypeOf(iterator, AsyncIteratorPrototype);
    }
  }
  lib.webClass(ReadableStream);
  lib.define(ReadableStream.prototype, Symbol.asyncIterator, ReadableStream.prototype.values);

  lib.isDisturbed = (stream) => coreOf(stream).disturbed;

  // Calls back once, when the stream is closed or errored, without a reader.
  lib.watchReadable = (stream, watch) => {
    const core = coreOf(stream);
    if (core.state === "readable") core.watches.push(watch);
    else watch(core.state === "errored" ? core.error : undefined);
  };

  // A stream over bytes that are already there.
  lib.streamOfBytes = (bytes) =>
    new ReadableStream({
      type: "bytes",
      pull(controller) {
        if (bytes.byteLength > 0) controller.enqueue(bytes);
        controller.close();
      },
    });

  lib.readAllBytes = async (stream) => {
    const reader = stream.getReader();
    const chunks = [];
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      if (!(value instanceof Uint8Array)) throw new TypeError("The body stream produced a chunk that is not a Uint8Array");
      chunks.push(value);
    }
    return lib.concat(chunks, 0);
  };

  lib.globals({
    ReadableStream, ReadableStreamDefaultReader, ReadableStreamBYOBReader, ReadableStreamDefaultController,
    ReadableByteStreamController,
  });
})();
