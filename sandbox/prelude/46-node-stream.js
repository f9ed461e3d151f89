// node:stream itself (finished, pipeline, iteration, Readable.from,
// stream/promises) and node:string_decoder.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const { ReadableStream, WritableStream } = globalThis;
  const { Stream, Readable, Writable, Duplex, Transform, PassThrough } = lib;

  // ---- string_decoder ----

  class StringDecoder {
    #held = new Uint8Array(0);
    #utf8 = new lib.Utf8Decoder();
    constructor(encoding) {
      this.encoding = lib.encodingOf(encoding);
    }
    write(chunk) {
      if (typeof chunk === "string") return chunk;
      const bytes = lib.bytesOf(chunk);
      if (this.encoding === "utf8") return this.#utf8.push(bytes);
      const unit = this.encoding === "utf16le" ? 2 : this.encoding.startsWith("base64") ? 3 : 1;
      if (unit === 1) return lib.decodeText(bytes, this.encoding);
      const all = lib.concat([this.#held, bytes], 0);
      let whole = all.length - (all.length % unit);
      if (unit === 2 && whole >= 2 && (all[whole - 1] & 0xfc) === 0xd8) whole -= 2;
      this.#held = all.slice(whole);
      return lib.decodeText(all.subarray(0, whole), this.encoding);
    }
    end(chunk) {
      let text = chunk === undefined ? "" : this.write(chunk);
      if (this.encoding === "utf8") return text + this.#utf8.end();
      text += lib.decodeText(this.#held, this.encoding);
      this.#held = new Uint8Array(0);
      return text;
    }
  }
  lib.StringDecoder = StringDecoder;
  S.modules["node:string_decoder"] = () => ({ StringDecoder });

  // ---- finished ----

  const isReadable = (s) => typeof s?.read === "function" || s?._readableState !== undefined;
  const isWritable = (s) => typeof s?.write === "function";
  const premature = () => lib.nodeError(Error, "ERR_STREAM_PREMATURE_CLOSE", "Premature close");

  function finished(stream, options, callback) {
    if (typeof options === "function") [callback, options] = [options, {}];
    options = options ?? {};
    if (stream instanceof ReadableStream || stream instanceof WritableStream) {
      const watch = stream instanceof ReadableStream ? lib.watchReadable : lib.watchWritable;
      let live = true;
      watch(stream, (error) => lib.tick(() => live && callback.call(stream, error)));
      return () => (live = false);
    }
    const wantsRead = options.readable ?? (isReadable(stream) && stream.readable !== false || (stream._readableState && !stream._writableState) || (stream._readableState && stream._readableState.endEmitted));
    const wantsWrite = options.writable ?? (isWritable(stream) && (stream._writableState !== undefined || stream.writable !== false));
    const r = stream._readableState;
    const w = stream._writableState;
    let readDone = !wantsRead || !!r?.endEmitted;
    let writeDone = !wantsWrite || !!w?.finished;
    let called = false;
    const offs = [];
    const on = (type, fn) => {
      stream.on(type, fn);
      offs.push(() => stream.removeListener(type, fn));
    };
    const off = () => {
      for (const fn of offs.splice(0)) fn();
    };
    const done = (error) => {
      if (called) return;
      called = true;
      callback.call(stream, error);
    };
    const maybe = () => {
      if (readDone && writeDone) done();
    };
    on("end", () => {
      readDone = true;
      maybe();
    });
    on("finish", () => {
      writeDone = true;
      maybe();
    });
    if (options.error !== false) on("error", done);
    on("close", () => {
      if (r?.endEmitted) readDone = true;
      if (w?.finished) writeDone = true;
      if (readDone && writeDone) return done();
      done(r?.errored ?? w?.errored ?? premature());
    });
    if (stream.aborted !== undefined && r === undefined) on("aborted", () => done(premature()));
    const errored = r?.errored ?? w?.errored;
    if (errored && (r ?? w).errorEmitted) lib.tick(done, errored);
    else if ((r ?? w)?.closeEmitted) lib.tick(() => (readDone && writeDone ? done() : done(errored ?? premature())));
    else if (readDone && writeDone) lib.tick(done);
    const { signal } = options;
    if (signal) {
      const abort = () => {
        off();
        done(lib.abortError(signal));
      };
      if (signal.aborted) lib.tick(abort);
      else {
        signal.addEventListener("abort", abort, { once: true });
        offs.push(() => signal.removeEventListener("abort", abort));
      }
    }
    return off;
  }

  // ---- iteration, Readable.from ----

  lib.streamIterator = (stream, { destroyOnReturn = true } = {}) => {
    let ending;
    let wake = null;
    const next = () => {
      const fn = wake;
      wake = null;
      fn?.();
    };
    let started = false;
    let off;
    const start = () => {
      started = true;
      stream.on("readable", next);
      off = finished(stream, { writable: false }, (error) => {
        ending = { error: error ?? null };
        next();
      });
    };
    const stop = () => {
      off?.();
      stream.removeListener("readable", next);
    };
    const iterator = {
      async next() {
        if (!started) start();
        for (;;) {
          const chunk = stream.destroyed ? null : stream.read();
          if (chunk !== null) return { value: chunk, done: false };
          if (ending) {
            const { error } = ending;
            stop();
            if (!error) {
              if (stream._readableState?.autoDestroy) stream.destroy();
              return { value: undefined, done: true };
            }
            ending = { error: null };
            throw error;
          }
          await new Promise((resolve) => (wake = resolve));
        }
      },
      async return(value) {
        stop();
        // The engine calls this at the end of the loop as well.
        if (destroyOnReturn && !ending && !stream.destroyed) stream.destroy();
        return { value, done: true };
      },
      [Symbol.asyncIterator]() {
        return iterator;
      },
    };
    return iterator;
  };

  Readable.from = (iterable, options) => {
    if (typeof iterable === "string" || iterable instanceof Uint8Array) {
      return new Readable({
        objectMode: true,
        ...options,
        read() {
          this.push(iterable);
          this.push(null);
        },
      });
    }
    const method = iterable?.[Symbol.asyncIterator] ?? iterable?.[Symbol.iterator];
    if (typeof method !== "function") throw lib.argType("iterable", "an instance of Iterable", iterable);
    const iterator = method.call(iterable);
    let busy = false;
    return new Readable({
      objectMode: true,
      highWaterMark: 1,
      ...options,
      async read() {
        if (busy) return;
        busy = true;
        try {
          for (;;) {
            const { value, done } = await iterator.next();
            if (done) {
              this.push(null);
              break;
            }
            const chunk = await value;
            if (chunk === null) throw lib.nodeError(TypeError, "ERR_STREAM_NULL_VALUES", "May not write null values to stream");
            if (!this.push(chunk)) break;
          }
        } catch (error) {
          this.destroy(error);
        }
        busy = false;
      },
      destroy(error, callback) {
        Promise.resolve(iterator.return?.()).then(() => callback(error), (e) => callback(e ?? error));
      },
    });
  };

  // Helpers over async iteration, as Readable.prototype has them.
  const helper = (fn) =>
    function (...args) {
      return Readable.from(fn(this, ...args), { objectMode: true });
    };
  lib.methods(Readable.prototype, {
    map: helper(async function* (stream, fn) {
      for await (const chunk of stream) yield fn(chunk, {});
    }),
    filter: helper(async function* (stream, fn) {
      for await (const chunk of stream) if (await fn(chunk, {})) yield chunk;
    }),
    flatMap: helper(async function* (stream, fn) {
      for await (const chunk of stream) yield* await fn(chunk, {});
    }),
    take: helper(async function* (stream, n) {
      if (n <= 0) return;
      for await (const chunk of stream) {
        yield chunk;
        if (--n <= 0) return;
      }
    }),
    drop: helper(async function* (stream, n) {
      for await (const chunk of stream) if (n-- <= 0) yield chunk;
    }),
    async toArray() {
      const out = [];
      for await (const chunk of this) out.push(chunk);
      return out;
    },
    async forEach(fn) {
      for await (const chunk of this) await fn(chunk, {});
    },
    async reduce(fn, ...initial) {
      let value = initial[0];
      let first = initial.length === 0;
      for await (const chunk of this) {
        value = first ? chunk : await fn(value, chunk, {});
        first = false;
      }
      if (first) throw lib.nodeError(TypeError, "ERR_MISSING_ARGS", "Reduce of an empty stream requires an initial value");
      return value;
    },
    async some(fn) {
      for await (const chunk of this) if (await fn(chunk, {})) return true;
      return false;
    },
    async every(fn) {
      for await (const chunk of this) if (!(await fn(chunk, {}))) return false;
      return true;
    },
    async find(fn) {
      for await (const chunk of this) if (await fn(chunk, {})) return chunk;
      return undefined;
    },
  });

  // ---- pipeline ----

  const isWeb = (s) => s instanceof ReadableStream || s instanceof WritableStream || (s?.readable instanceof ReadableStream && s?.writable instanceof WritableStream);

  function pipeline(...stages) {
    const callback = typeof stages.at(-1) === "function" ? stages.pop() : null;
    if (Array.isArray(stages[0]) && stages.length === 1) [stages] = stages;
    if (!callback) throw lib.argType("streams[stream.length - 1]", "of type function", stages.at(-1));
    return connect(stages, {}, callback);
  }

  function connect(stages, { signal, end = true }, callback) {
    if (stages.length < 2) throw lib.nodeError(TypeError, "ERR_MISSING_ARGS", 'The "streams" argument must be specified');
    let failed = null;
    let result;
    const opened = [];
    const running = [];
    const fail = (error) => {
      if (!error || failed) return;
      failed = error;
      for (const stream of opened) if (!stream.destroyed) stream.destroy(error);
    };
    if (signal) {
      const abort = () => fail(lib.abortError(signal));
      if (signal.aborted) S.timers.queueMicrotask(abort);
      else signal.addEventListener("abort", abort, { once: true });
    }
    const wait = (stream, options) =>
      running.push(
        new Promise((resolve) =>
          finished(stream, options, (error) => {
            if (error && !(error.code === "ERR_STREAM_PREMATURE_CLOSE" && failed)) fail(error);
            resolve();
          }),
        ),
      );
    const asNode = (stage, last) => {
      if (!isWeb(stage)) return stage;
      if (stage instanceof ReadableStream) return Readable.fromWeb(stage);
      if (stage instanceof WritableStream) return Writable.fromWeb(stage);
      return Duplex.fromWeb(stage);
    };
    let current = null;
    stages.forEach((stage, i) => {
      const last = i === stages.length - 1;
      stage = asNode(stage, last);
      if (typeof stage === "function") {
        const made = i === 0 ? stage({ signal }) : stage(typeof current?.pipe === "function" ? current : Readable.from(current), { signal });
        if (typeof made?.[Symbol.asyncIterator] === "function" || typeof made?.[Symbol.iterator] === "function") {
          current = Readable.from(made);
          opened.push(current);
          wait(current, { writable: false });
          if (last) current.resume();
          return;
        }
        if (!last) throw lib.nodeError(TypeError, "ERR_INVALID_RETURN_VALUE", "Expected an async iterable to be returned from a stage of the pipeline");
        running.push(Promise.resolve(made).then((value) => (result = value), fail));
        current = made;
        return;
      }
      if (i === 0) {
        current = typeof stage?.pipe === "function" ? stage : Readable.from(stage);
        opened.push(current);
        wait(current, { writable: false });
        return;
      }
      opened.push(stage);
      const ends = end || !last;
      const source = current;
      source.pipe(stage, { end: ends });
      if (ends) wait(stage, { readable: !last || undefined });
      else running.push(new Promise((resolve) => finished(source, { writable: false }, () => resolve())));
      current = stage;
    });
    Promise.all(running).then(() => lib.tick(callback, failed ?? undefined, result));
    return current;
  }

  const promises = {
    pipeline: (...stages) => {
      const options = stages.length > 1 && stages.at(-1) !== null && typeof stages.at(-1) === "object" && !isWeb(stages.at(-1)) && stages.at(-1).pipe === undefined && stages.at(-1).write === undefined && !stages.at(-1)[Symbol.asyncIterator] ? stages.pop() : {};
      return new Promise((resolve, reject) => connect(stages.length === 1 && Array.isArray(stages[0]) ? stages[0] : stages, options, (error, value) => (error ? reject(error) : resolve(value))));
    },
    finished: (stream, options) =>
      new Promise((resolve, reject) => {
        const off = finished(stream, options ?? {}, (error) => {
          if (options?.cleanup) off();
          if (error) reject(error);
          else resolve();
        });
      }),
  };

  lib.addAbortSignal = (signal, stream) => {
    const abort = () => stream.destroy(lib.abortError(signal));
    if (signal.aborted) abort();
    else {
      signal.addEventListener("abort", abort, { once: true });
      finished(stream, () => signal.removeEventListener("abort", abort));
    }
    return stream;
  };

  const custom = Symbol.for("nodejs.util.promisify.custom");
  Object.defineProperty(finished, custom, { value: promises.finished });
  Object.defineProperty(pipeline, custom, { value: promises.pipeline });
  Object.assign(Stream, {
    Stream, Readable, Writable, Duplex, Transform, PassThrough, finished, pipeline, promises,
    addAbortSignal: (signal, stream) => lib.addAbortSignal(signal, stream),
    compose: (...stages) => Duplex.from({ writable: stages[0], readable: stages.reduce((a, b) => a.pipe(b)) }),
    destroy: (stream, error) => stream.destroy(error),
    isReadable: (s) => !!s?.readable,
    isWritable: (s) => !!s?.writable,
    isErrored: (s) => !!(s?._readableState?.errored ?? s?._writableState?.errored),
    isDisturbed: (s) => (s instanceof ReadableStream ? lib.isDisturbed(s) : !!s?.readableDidRead),
    getDefaultHighWaterMark: lib.getStreamMark,
    setDefaultHighWaterMark: lib.setStreamMark,
    _uint8ArrayToBuffer: lib.toBuffer,
    _isUint8Array: (v) => v instanceof Uint8Array,
  });
  S.modules["node:stream"] = () => Stream;
  S.modules["node:stream/promises"] = () => promises;
})();
