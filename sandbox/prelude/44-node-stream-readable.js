// The Readable half of node:stream. Written from the documented behaviour:
// flowing and paused mode, highWaterMark, pipe, async iteration.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const { Stream } = lib;
  const { inherits } = S.modules["node:util"]();

  class ReadableState {
    constructor(options, duplex) {
      this.objectMode = !!(options?.objectMode || (duplex && options?.readableObjectMode));
      this.highWaterMark = lib.streamMark(options, duplex ? "readableHighWaterMark" : "", this.objectMode);
      Object.assign(this, {
        buffer: [], length: 0, pipes: [], flowing: null, ended: false, endEmitted: false, reading: false, sync: false,
        needReadable: false, emittedReadable: false, readableListening: false, resumeScheduled: false, readingMore: false,
        destroyed: false, closed: false, closeEmitted: false, errored: null, errorEmitted: false, constructed: true,
        emitClose: options?.emitClose !== false, autoDestroy: options?.autoDestroy !== false, dataEmitted: false,
        defaultEncoding: options?.defaultEncoding ?? "utf8", decoder: null, encoding: null, awaiting: new Set(),
      });
    }
  }

  function Readable(options) {
    if (!(this instanceof Readable)) return new Readable(options);
    const duplex = lib.Duplex !== undefined && this instanceof lib.Duplex;
    this._readableState = new ReadableState(options, duplex);
    Stream.call(this, options);
    if (typeof options?.read === "function") this._read = options.read;
    if (typeof options?.destroy === "function") this._destroy = options.destroy;
    if (typeof options?.construct === "function") this._construct = options.construct;
    if (options?.encoding) this.setEncoding(options.encoding);
    if (options?.signal && !duplex) lib.addAbortSignal(options.signal, this);
    if (!duplex) lib.constructStream(this, () => this._readableState.needReadable && this.read(0));
  }
  inherits(Readable, Stream);
  Object.setPrototypeOf(Readable, Stream);

  const add = (stream, chunk, encoding, front) => {
    const s = stream._readableState;
    if (chunk === null) {
      s.reading = false;
      if (!s.ended) atEnd(stream, s);
      return false;
    }
    if (!s.objectMode) {
      if (typeof chunk === "string") {
        encoding = encoding || s.defaultEncoding;
        if (!(s.encoding && s.encoding === encoding)) chunk = globalThis.Buffer.from(chunk, encoding);
      } else if (chunk instanceof Uint8Array) {
        if (!globalThis.Buffer.isBuffer(chunk)) chunk = lib.toBuffer(chunk);
      } else if (chunk !== undefined) {
        lib.errorOrDestroy(stream, lib.argType("chunk", "of type string or an instance of Buffer, TypedArray, or DataView", chunk));
        return false;
      }
      if (chunk === undefined || chunk.length === 0) {
        s.reading = false;
        more(stream, s);
        return room(s);
      }
    }
    if (front) {
      if (s.endEmitted) lib.errorOrDestroy(stream, lib.nodeError(Error, "ERR_STREAM_UNSHIFT_AFTER_END_EVENT", "stream.unshift() after end event"));
      else put(stream, s, chunk, true);
    } else if (s.ended) {
      lib.errorOrDestroy(stream, lib.nodeError(Error, "ERR_STREAM_PUSH_AFTER_EOF", "stream.push() after EOF"));
    } else if (s.destroyed || s.errored) {
      return false;
    } else {
      s.reading = false;
      if (s.decoder && typeof chunk !== "string") {
        chunk = s.decoder.write(chunk);
        if (s.objectMode || chunk.length > 0) put(stream, s, chunk, false);
        else more(stream, s);
      } else put(stream, s, chunk, false);
    }
    return room(s);
  };
  const room = (s) => !s.ended && (s.length < s.highWaterMark || s.length === 0);

  function put(stream, s, chunk, front) {
    if (s.flowing && s.length === 0 && !s.sync && stream.listenerCount("data") > 0) {
      s.dataEmitted = true;
      stream.emit("data", chunk);
    } else {
      s.length += s.objectMode ? 1 : chunk.length;
      if (front) s.buffer.unshift(chunk);
      else s.buffer.push(chunk);
      if (s.needReadable) emitReadable(stream);
    }
    more(stream, s);
  }

  function atEnd(stream, s) {
    s.ended = true;
    if (s.decoder) {
      const rest = s.decoder.end();
      if (rest.length) {
        s.buffer.push(rest);
        s.length += s.objectMode ? 1 : rest.length;
      }
    }
    if (s.sync) emitReadable(stream);
    else {
      s.needReadable = false;
      s.emittedReadable = true;
      emitNow(stream);
    }
  }

  function emitReadable(stream) {
    const s = stream._readableState;
    s.needReadable = false;
    if (s.emittedReadable) return;
    s.emittedReadable = true;
    lib.tick(emitNow, stream);
  }

  function emitNow(stream) {
    const s = stream._readableState;
    if (!s.destroyed && !s.errored && (s.length || s.ended)) {
      stream.emit("readable");
      s.emittedReadable = false;
    }
    s.needReadable = !s.flowing && !s.ended && s.length <= s.highWaterMark;
    flow(stream);
  }

  function more(stream, s) {
    if (s.readingMore || !s.constructed) return;
    s.readingMore = true;
    lib.tick(() => {
      while (!s.reading && !s.ended && !s.destroyed && (s.length < s.highWaterMark || (s.flowing && s.length === 0))) {
        const before = s.length;
        stream.read(0);
        if (before === s.length) break;
      }
      s.readingMore = false;
    });
  }

  function flow(stream) {
    const s = stream._readableState;
    while (s.flowing && stream.read() !== null);
  }

  function take(s, n) {
    if (s.objectMode) return s.buffer.shift();
    if (!n || n >= s.length) {
      const all = s.decoder ? s.buffer.join("") : s.buffer.length === 1 ? s.buffer[0] : globalThis.Buffer.concat(s.buffer);
      s.buffer = [];
      return all;
    }
    const parts = [];
    let left = n;
    while (left > 0) {
      const first = s.buffer[0];
      if (first.length <= left) {
        parts.push(s.buffer.shift());
        left -= first.length;
      } else {
        parts.push(first.slice(0, left));
        s.buffer[0] = first.slice(left);
        left = 0;
      }
    }
    return s.decoder ? parts.join("") : parts.length === 1 ? parts[0] : globalThis.Buffer.concat(parts);
  }

  function endReadable(stream) {
    const s = stream._readableState;
    if (s.endEmitted || s.ending) return;
    s.ending = true;
    lib.tick(() => {
      if (s.errored || s.closeEmitted || s.endEmitted || s.length > 0) {
        s.ending = false;
        return;
      }
      s.endEmitted = true;
      stream.emit("end");
      const w = stream._writableState;
      if (w && stream.allowHalfOpen === false) {
        if (!w.ending && !w.destroyed) stream.end();
      } else if (s.autoDestroy && (!w || (w.autoDestroy && (w.finished || w.writableEnded === false)))) {
        if (!w || w.finished) stream.destroy();
      }
    });
  }

  const resume = (stream, s) => {
    if (s.resumeScheduled) return;
    s.resumeScheduled = true;
    lib.tick(() => {
      if (!s.reading) stream.read(0);
      s.resumeScheduled = false;
      stream.emit("resume");
      flow(stream);
      if (s.flowing && !s.reading) stream.read(0);
    });
  };

  lib.methods(Readable.prototype, {
    destroy: lib.destroyStream,
    _destroy(error, callback) {
      callback(error);
    },
    _read() {
      throw lib.nodeError(Error, "ERR_METHOD_NOT_IMPLEMENTED", "The _read() method is not implemented");
    },
    push(chunk, encoding) {
      return add(this, chunk, encoding, false);
    },
    unshift(chunk, encoding) {
      return add(this, chunk, encoding, true);
    },
    isPaused() {
      return this._readableState.flowing === false || this._readableState.paused === true;
    },
    setEncoding(encoding) {
      const s = this._readableState;
      s.decoder = new lib.StringDecoder(encoding);
      s.encoding = s.decoder.encoding;
      const text = s.buffer.map((chunk) => s.decoder.write(chunk)).join("");
      s.buffer = text ? [text] : [];
      s.length = text.length;
      return this;
    },
    read(n) {
      const s = this._readableState;
      n = n === undefined ? NaN : parseInt(n, 10);
      const asked = n;
      if (n > s.highWaterMark) s.highWaterMark = n;
      if (n !== 0) s.emittedReadable = false;
      if (n === 0 && s.needReadable && ((s.highWaterMark !== 0 ? s.length >= s.highWaterMark : s.length > 0) || s.ended)) {
        if (s.length === 0 && s.ended) endReadable(this);
        else emitReadable(this);
        return null;
      }
      n = amount(n, s);
      if (n === 0 && s.ended) {
        if (s.length === 0) endReadable(this);
        return null;
      }
      let doRead = s.needReadable || s.length === 0 || s.length - n < s.highWaterMark;
      if (s.ended || s.reading || s.destroyed || s.errored || !s.constructed) doRead = false;
      if (doRead) {
        s.reading = true;
        s.sync = true;
        if (s.length === 0) s.needReadable = true;
        try {
          this._read(s.highWaterMark);
        } catch (error) {
          lib.errorOrDestroy(this, error);
        }
        s.sync = false;
        if (!s.reading) n = amount(asked, s);
      }
      let chunk = n > 0 ? take(s, n) : null;
      if (chunk === null || chunk === undefined) {
        chunk = null;
        s.needReadable = s.length <= s.highWaterMark;
        n = 0;
      } else {
        s.length -= s.objectMode ? 1 : n;
        s.awaiting.clear();
      }
      if (s.length === 0) {
        if (!s.ended) s.needReadable = true;
        if (asked !== n && s.ended) endReadable(this);
      }
      if (chunk !== null && !s.errored && !s.closeEmitted) {
        s.dataEmitted = true;
        this.emit("data", chunk);
      }
      return chunk;
    },
    on(type, listener) {
      const result = Stream.prototype.on.call(this, type, listener);
      const s = this._readableState;
      if (type === "data") {
        s.readableListening = this.listenerCount("readable") > 0;
        if (s.flowing !== false) this.resume();
      } else if (type === "readable" && !s.endEmitted && !s.readableListening) {
        s.readableListening = s.needReadable = true;
        s.flowing = false;
        s.emittedReadable = false;
        if (s.length) emitReadable(this);
        else if (!s.reading) lib.tick(() => this.read(0));
      }
      return result;
    },
    removeListener(type, listener) {
      const result = Stream.prototype.removeListener.call(this, type, listener);
      if (type === "readable") lib.tick(() => updateListening(this));
      return result;
    },
    removeAllListeners(type) {
      const result = Stream.prototype.removeAllListeners.call(this, type);
      if (type === "readable" || type === undefined) lib.tick(() => updateListening(this));
      return result;
    },
    resume() {
      const s = this._readableState;
      if (!s.flowing) {
        s.flowing = !s.readableListening;
        resume(this, s);
      }
      s.paused = false;
      return this;
    },
    pause() {
      const s = this._readableState;
      if (s.flowing !== false) {
        s.flowing = false;
        this.emit("pause");
      }
      s.paused = true;
      return this;
    },
    wrap(old) {
      old.on("data", (chunk) => {
        if (!this.push(chunk)) old.pause?.();
      });
      old.on("end", () => this.push(null));
      old.on("error", (error) => lib.errorOrDestroy(this, error));
      old.on("close", () => this.destroy());
      this._read = () => old.resume?.();
      return this;
    },
    pipe(target, options) {
      const s = this._readableState;
      const source = this;
      s.pipes.push(target);
      const ends = options?.end !== false && target !== lib.process.stdout && target !== lib.process.stderr;
      const onEnd = () => target.end();
      const onDrain = () => {
        s.awaiting.delete(target);
        if (s.awaiting.size === 0 && source.listenerCount("data")) {
          s.flowing = true;
          flow(source);
        }
      };
      const onData = (chunk) => {
        if (target.write(chunk) === false && s.pipes.includes(target)) {
          s.awaiting.add(target);
          source.pause();
          target.once("drain", onDrain);
        }
      };
      const onError = (error) => {
        source.unpipe(target);
        target.removeListener("error", onError);
        if (target.listenerCount("error") === 0) {
          if (target._writableState) lib.errorOrDestroy(target, error);
          else target.emit("error", error);
        }
      };
      const onClose = () => source.unpipe(target);
      const onUnpipe = (from) => {
        if (from !== source) return;
        source.removeListener("data", onData);
        source.removeListener("end", onEnd);
        for (const [type, fn] of [["drain", onDrain], ["error", onError], ["close", onClose], ["finish", onClose], ["unpipe", onUnpipe]]) target.removeListener(type, fn);
        if (s.awaiting.delete(target)) onDrain();
      };
      if (ends) {
        if (s.endEmitted) lib.tick(onEnd);
        else this.once("end", onEnd);
      }
      target.on("unpipe", onUnpipe);
      this.on("data", onData);
      target.prependListener("error", onError);
      target.once("close", onClose);
      target.once("finish", onClose);
      target.emit("pipe", this);
      if (target.writableNeedDrain === true) {
        s.awaiting.add(target);
        this.pause();
        target.once("drain", onDrain);
      } else if (!s.flowing) this.resume();
      return target;
    },
    unpipe(target) {
      const s = this._readableState;
      const gone = target === undefined ? s.pipes.splice(0) : s.pipes.includes(target) ? s.pipes.splice(s.pipes.indexOf(target), 1) : [];
      if (gone.length && s.pipes.length === 0) this.pause();
      for (const one of gone) one.emit("unpipe", this, { hasUnpiped: false });
      return this;
    },
    iterator(options) {
      return lib.streamIterator(this, options);
    },
    [Symbol.asyncIterator]() {
      return lib.streamIterator(this);
    },
  });
  Readable.prototype.addListener = Readable.prototype.on;
  Readable.prototype.off = Readable.prototype.removeListener;

  function amount(n, s) {
    if (n <= 0 || (s.length === 0 && s.ended)) return 0;
    if (s.objectMode) return 1;
    if (Number.isNaN(n)) return s.flowing && s.length ? s.buffer[0].length : s.length;
    return n <= s.length ? n : s.ended ? s.length : 0;
  }

  function updateListening(stream) {
    const s = stream._readableState;
    s.readableListening = stream.listenerCount("readable") > 0;
    if (s.resumeScheduled && !s.paused) s.flowing = true;
    else if (stream.listenerCount("data") > 0) stream.resume();
    else if (!s.readableListening) s.flowing = null;
  }

  lib.streamGetters(Readable.prototype, "_readableState", {
    readable: (s) => !s.destroyed && !s.errorEmitted && !s.endEmitted,
    readableDidRead: (s) => s.dataEmitted,
    readableAborted: (s) => (s.destroyed || !!s.errored) && !s.endEmitted,
    readableHighWaterMark: (s) => s.highWaterMark,
    readableBuffer: (s) => s.buffer,
    readableLength: (s) => s.length,
    readableObjectMode: (s) => s.objectMode,
    readableEncoding: (s) => s.encoding,
    readableEnded: (s) => s.endEmitted,
    closed: (s) => s.closed,
    errored: (s) => s.errored,
  });
  Object.defineProperty(Readable.prototype, "readableFlowing", {
    configurable: true,
    get() {
      return this._readableState.flowing;
    },
    set(value) {
      this._readableState.flowing = value;
    },
  });
  Object.defineProperty(Readable.prototype, "destroyed", {
    configurable: true,
    get() {
      return this._readableState?.destroyed ?? false;
    },
    set(value) {
      if (this._readableState) this._readableState.destroyed = value;
    },
  });

  lib.Readable = Readable;
})();
