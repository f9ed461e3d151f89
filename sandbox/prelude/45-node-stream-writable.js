// The Writable half of node:stream, Duplex, Transform and PassThrough.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const { Stream, Readable } = lib;
  const { inherits } = S.modules["node:util"]();

  class WritableState {
    constructor(options, duplex) {
      this.objectMode = !!(options?.objectMode || (duplex && options?.writableObjectMode));
      this.highWaterMark = lib.streamMark(options, duplex ? "writableHighWaterMark" : "", this.objectMode);
      Object.assign(this, {
        length: 0, buffered: [], writing: false, corked: 0, sync: false, needDrain: false, ending: false, ended: false, finished: false,
        prefinished: false, finalCalled: false, destroyed: false, closed: false, closeEmitted: false, errored: null, errorEmitted: false,
        constructed: true, emitClose: options?.emitClose !== false, autoDestroy: options?.autoDestroy !== false, pending: 0,
        decodeStrings: options?.decodeStrings !== false, defaultEncoding: options?.defaultEncoding ?? "utf8", onFinished: [],
      });
    }
    getBuffer() {
      return this.buffered;
    }
  }

  function Writable(options) {
    const duplex = lib.Duplex !== undefined && this instanceof lib.Duplex;
    if (!duplex && !(this instanceof Writable)) return new Writable(options);
    this._writableState = new WritableState(options, duplex);
    if (!duplex) Stream.call(this, options);
    if (typeof options?.write === "function") this._write = options.write;
    if (typeof options?.writev === "function") this._writev = options.writev;
    if (typeof options?.final === "function") this._final = options.final;
    if (duplex) return;
    if (typeof options?.destroy === "function") this._destroy = options.destroy;
    if (typeof options?.construct === "function") this._construct = options.construct;
    if (options?.signal) lib.addAbortSignal(options.signal, this);
    lib.constructStream(this, () => advance(this, this._writableState));
  }
  inherits(Writable, Stream);
  Object.setPrototypeOf(Writable, Stream);
  Object.defineProperty(Writable, Symbol.hasInstance, {
    value(object) {
      if (Function.prototype[Symbol.hasInstance].call(this, object)) return true;
      return this === Writable && object?._writableState instanceof WritableState;
    },
  });

  function begin(stream, s, chunk, encoding, callback) {
    s.writing = true;
    s.sync = true;
    const size = s.objectMode ? 1 : chunk.length;
    const done = onceOnly((error) => wrote(stream, s, size, callback, error));
    try {
      stream._write(chunk, encoding, done);
    } catch (error) {
      s.sync = false;
      if (!s.errored) done(error);
    }
    s.sync = false;
  }

  const onceOnly = (fn) => {
    let called = false;
    return (...args) => {
      if (called) return;
      called = true;
      fn(...args);
    };
  };

  function wrote(stream, s, size, callback, error) {
    s.writing = false;
    s.length -= size;
    if (error) {
      s.errored ??= error;
      const report = () => {
        s.pending--;
        callback(error);
        fail(stream, s, error);
        lib.errorOrDestroy(stream, error);
      };
      s.pending++;
      if (s.sync) lib.tick(report);
      else report();
      return;
    }
    s.pending++;
    const after = () => {
      const drain = !s.ending && !s.destroyed && s.length === 0 && s.needDrain;
      if (drain) {
        s.needDrain = false;
        stream.emit("drain");
      }
      s.pending--;
      callback(null);
      if (s.destroyed) fail(stream, s, s.errored);
      finishMaybe(stream, s);
    };
    if (s.buffered.length > 0 && !s.corked) advance(stream, s);
    if (s.sync) lib.tick(after);
    else after();
  }

  function fail(stream, s, error) {
    const gone = s.buffered;
    s.buffered = [];
    for (const { callback } of gone) callback(error ?? lib.nodeError(Error, "ERR_STREAM_DESTROYED", "Cannot call write after a stream was destroyed"));
    for (const fn of s.onFinished.splice(0)) fn(error ?? lib.nodeError(Error, "ERR_STREAM_DESTROYED", "Cannot call end after a stream was destroyed"));
  }

  function advance(stream, s) {
    if (s.corked || s.writing || s.destroyed || !s.constructed || s.buffered.length === 0) return;
    if (typeof stream._writev === "function" && stream._writev !== Writable.prototype._writev && s.buffered.length > 1) {
      const batch = s.buffered;
      s.buffered = [];
      const size = batch.reduce((sum, b) => sum + (s.objectMode ? 1 : b.chunk.length), 0);
      s.writing = true;
      s.sync = true;
      stream._writev(batch.map(({ chunk, encoding }) => ({ chunk, encoding })), onceOnly((error) => wrote(stream, s, size, (e) => batch.forEach((b) => b.callback(e)), error)));
      s.sync = false;
      return;
    }
    while (s.buffered.length > 0 && !s.writing && !s.destroyed) {
      const { chunk, encoding, callback } = s.buffered.shift();
      begin(stream, s, chunk, encoding, callback);
    }
  }

  function write(stream, chunk, encoding, callback) {
    const s = stream._writableState;
    if (typeof encoding === "function") [callback, encoding] = [encoding, undefined];
    encoding = encoding || s.defaultEncoding;
    callback = typeof callback === "function" ? callback : () => {};
    if (chunk === null) throw lib.nodeError(TypeError, "ERR_STREAM_NULL_VALUES", "May not write null values to stream");
    if (!s.objectMode) {
      if (typeof chunk === "string") {
        if (s.decodeStrings) [chunk, encoding] = [globalThis.Buffer.from(chunk, encoding), "buffer"];
      } else if (chunk instanceof Uint8Array) {
        if (!globalThis.Buffer.isBuffer(chunk)) chunk = lib.toBuffer(chunk);
        encoding = "buffer";
      } else throw lib.argType("chunk", "of type string or an instance of Buffer, TypedArray, or DataView", chunk);
    }
    let error;
    if (s.ending) error = lib.nodeError(Error, "ERR_STREAM_WRITE_AFTER_END", "write after end");
    else if (s.destroyed) error = lib.nodeError(Error, "ERR_STREAM_DESTROYED", "Cannot call write after a stream was destroyed");
    if (error) {
      lib.tick(callback, error);
      lib.errorOrDestroy(stream, error);
      return error;
    }
    s.length += s.objectMode ? 1 : chunk.length;
    const room = s.length < s.highWaterMark;
    if (!room) s.needDrain = true;
    if (s.writing || s.corked || s.errored || !s.constructed) s.buffered.push({ chunk, encoding, callback });
    else begin(stream, s, chunk, encoding, callback);
    return room && !s.errored && !s.destroyed;
  }

  function finishMaybe(stream, s) {
    const ready = () => s.ending && !s.destroyed && s.constructed && s.length === 0 && !s.errored && s.buffered.length === 0 && !s.finished && !s.writing && !s.errorEmitted;
    if (!ready()) return;
    if (!s.prefinished && !s.finalCalled) {
      s.finalCalled = true;
      if (typeof stream._final === "function") {
        s.pending++;
        const done = onceOnly((error) => {
          s.pending--;
          if (error) {
            for (const fn of s.onFinished.splice(0)) fn(error);
            lib.errorOrDestroy(stream, error);
            return;
          }
          s.prefinished = true;
          stream.emit("prefinish");
          finishMaybe(stream, s);
        });
        lib.tick(() => {
          try {
            const result = stream._final(done);
            if (typeof result?.then === "function") result.then(() => lib.tick(done), (e) => lib.tick(done, e));
          } catch (error) {
            done(error);
          }
        });
        return;
      }
      s.prefinished = true;
      stream.emit("prefinish");
    }
    if (!s.prefinished || s.pending > 0) return;
    s.pending++;
    lib.tick(() => {
      s.pending--;
      if (!ready()) return;
      s.finished = true;
      for (const fn of s.onFinished.splice(0)) fn(null);
      stream.emit("finish");
      if (s.autoDestroy) {
        const r = stream._readableState;
        if (!r || (r.autoDestroy && (r.endEmitted || stream.readable === false))) stream.destroy();
      }
    });
  }

  lib.methods(Writable.prototype, {
    _write(chunk, encoding, callback) {
      if (typeof this._writev === "function") this._writev([{ chunk, encoding }], callback);
      else throw lib.nodeError(Error, "ERR_METHOD_NOT_IMPLEMENTED", "The _write() method is not implemented");
    },
    _writev: null,
    _destroy(error, callback) {
      callback(error);
    },
    destroy(error, callback) {
      const s = this._writableState;
      if (!s.destroyed && (s.buffered.length || s.onFinished.length)) lib.tick(() => fail(this, s, error));
      return lib.destroyStream.call(this, error, callback);
    },
    pipe() {
      lib.errorOrDestroy(this, lib.nodeError(Error, "ERR_STREAM_CANNOT_PIPE", "Cannot pipe, not readable"));
    },
    write(chunk, encoding, callback) {
      return write(this, chunk, encoding, callback) === true;
    },
    cork() {
      this._writableState.corked++;
    },
    uncork() {
      const s = this._writableState;
      if (s.corked && --s.corked === 0 && !s.writing) advance(this, s);
    },
    setDefaultEncoding(encoding) {
      this._writableState.defaultEncoding = lib.encodingOf(encoding);
      return this;
    },
    end(chunk, encoding, callback) {
      const s = this._writableState;
      if (typeof chunk === "function") [callback, chunk, encoding] = [chunk, undefined, undefined];
      else if (typeof encoding === "function") [callback, encoding] = [encoding, undefined];
      let error;
      if (chunk !== null && chunk !== undefined) {
        const result = write(this, chunk, encoding);
        if (result instanceof Error) error = result;
      }
      if (s.corked) {
        s.corked = 1;
        this.uncork();
      }
      if (!error && !s.errored && !s.ending) {
        s.ending = true;
        s.ended = true;
        if (callback) s.onFinished.push(callback);
        finishMaybe(this, s);
        return this;
      }
      if (!error) {
        if (s.finished) error = lib.nodeError(Error, "ERR_STREAM_ALREADY_FINISHED", "Cannot call end after a stream was finished");
        else if (s.destroyed) error = lib.nodeError(Error, "ERR_STREAM_DESTROYED", "Cannot call end after a stream was destroyed");
      }
      if (callback) {
        if (error || s.finished) lib.tick(callback, error ?? null);
        else s.onFinished.push(callback);
      }
      return this;
    },
  });

  lib.streamGetters(Writable.prototype, "_writableState", {
    writableFinished: (s) => s.finished,
    writableObjectMode: (s) => s.objectMode,
    writableBuffer: (s) => s.buffered,
    writableEnded: (s) => s.ending,
    writableNeedDrain: (s) => !s.destroyed && !s.ending && s.needDrain,
    writableHighWaterMark: (s) => s.highWaterMark,
    writableCorked: (s) => s.corked,
    writableLength: (s) => s.length,
    writableAborted: (s) => (s.destroyed || !!s.errored) && !s.finished,
    closed: (s) => s.closed,
    errored: (s) => s.errored,
  });
  Object.defineProperty(Writable.prototype, "writable", {
    configurable: true,
    get() {
      const s = this._writableState;
      return s !== undefined && this._notWritable !== true && !s.destroyed && !s.errored && !s.ending && !s.ended;
    },
    set(value) {
      this._notWritable = !value;
    },
  });
  Object.defineProperty(Writable.prototype, "destroyed", {
    configurable: true,
    get() {
      return this._writableState?.destroyed ?? false;
    },
    set(value) {
      if (this._writableState) this._writableState.destroyed = value;
    },
  });

  // ---- Duplex, Transform ----

  function Duplex(options) {
    if (!(this instanceof Duplex)) return new Duplex(options);
    this._readableState = undefined;
    Readable.call(this, options);
    Writable.call(this, options);
    this.allowHalfOpen = options?.allowHalfOpen !== false;
    if (options?.readable === false) Object.assign(this._readableState, { ended: true, endEmitted: true });
    if (options?.writable === false) Object.assign(this._writableState, { ending: true, ended: true, finished: true });
    if (options?.signal) lib.addAbortSignal(options.signal, this);
    lib.constructStream(this, () => {
      advance(this, this._writableState);
      if (this._readableState.needReadable) this.read(0);
    });
  }
  inherits(Duplex, Readable);
  Object.setPrototypeOf(Duplex, Readable);
  for (const key of Object.getOwnPropertyNames(Writable.prototype)) {
    if (key in Duplex.prototype && !["destroy"].includes(key)) continue;
    Object.defineProperty(Duplex.prototype, key, Object.getOwnPropertyDescriptor(Writable.prototype, key));
  }
  Object.defineProperty(Duplex.prototype, "destroyed", {
    configurable: true,
    get() {
      return this._readableState !== undefined && this._writableState !== undefined && this._readableState.destroyed && this._writableState.destroyed;
    },
    set(value) {
      if (this._readableState && this._writableState) this._readableState.destroyed = this._writableState.destroyed = value;
    },
  });

  const held = Symbol("callback");

  function Transform(options) {
    if (!(this instanceof Transform)) return new Transform(options);
    Duplex.call(this, options);
    this._readableState.sync = false;
    this[held] = null;
    if (typeof options?.transform === "function") this._transform = options.transform;
    if (typeof options?.flush === "function") this._flush = options.flush;
  }
  inherits(Transform, Duplex);
  Object.setPrototypeOf(Transform, Duplex);
  lib.methods(Transform.prototype, {
    _transform() {
      throw lib.nodeError(Error, "ERR_METHOD_NOT_IMPLEMENTED", "The _transform() method is not implemented");
    },
    _final(callback) {
      const done = (error, data) => {
        if (error) return callback(error);
        if (data !== null && data !== undefined) this.push(data);
        this.push(null);
        callback();
      };
      if (typeof this._flush !== "function" || this.destroyed) return done();
      const result = this._flush(done);
      if (typeof result?.then === "function") result.then((data) => done(null, data), done);
    },
    _write(chunk, encoding, callback) {
      const r = this._readableState;
      const w = this._writableState;
      const length = r.length;
      const done = (error, value) => {
        if (error) return callback(error);
        if (value !== null && value !== undefined) this.push(value);
        if (w.ended || length === r.length || r.length < r.highWaterMark) callback();
        else this[held] = callback;
      };
      const result = this._transform(chunk, encoding, done);
      if (typeof result?.then === "function") result.then((value) => lib.tick(done, null, value), (error) => lib.tick(done, error));
    },
    _read() {
      const callback = this[held];
      if (!callback) return;
      this[held] = null;
      callback();
    },
  });

  function PassThrough(options) {
    if (!(this instanceof PassThrough)) return new PassThrough(options);
    Transform.call(this, options);
  }
  inherits(PassThrough, Transform);
  Object.setPrototypeOf(PassThrough, Transform);
  lib.define(PassThrough.prototype, "_transform", (chunk, encoding, callback) => callback(null, chunk));

  Object.assign(lib, { Writable, Duplex, Transform, PassThrough });
})();
