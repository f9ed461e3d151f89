// What both halves of node:stream stand on: the base class Stream, default
// high-water marks, destroying and constructing.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const { EventEmitter } = lib;
  const { inherits } = S.modules["node:util"]();
  lib.tick = (fn, ...args) => S.timers.queueMicrotask(() => fn(...args));

  function Stream(options) {
    EventEmitter.call(this, options);
  }
  inherits(Stream, EventEmitter);
  Object.setPrototypeOf(Stream, EventEmitter);
  Stream.prototype.pipe = function (target, options) {
    const onData = (chunk) => {
      if (target.writable && target.write(chunk) === false) this.pause?.();
    };
    const onDrain = () => this.resume?.();
    const onEnd = () => target.end?.();
    this.on("data", onData);
    target.on("drain", onDrain);
    if (options?.end !== false && !target._isStdio) this.once("end", onEnd);
    this.once("close", () => target.removeListener("drain", onDrain));
    target.emit("pipe", this);
    return target;
  };
  lib.Stream = Stream;

  const defaultMark = { bytes: 65536, objects: 16 };
  lib.streamMark = (options, own, objectMode) => {
    const mark = options?.highWaterMark ?? options?.[own];
    if (mark === undefined || mark === null) return objectMode ? defaultMark.objects : defaultMark.bytes;
    if (!Number.isInteger(mark) || mark < 0) throw lib.nodeError(TypeError, "ERR_INVALID_ARG_VALUE", `The property 'options.highWaterMark' is invalid. Received ${lib.inspect(mark)}`);
    return Math.floor(mark);
  };
  lib.setStreamMark = (objectMode, value) => {
    defaultMark[objectMode ? "objects" : "bytes"] = value;
  };
  lib.getStreamMark = (objectMode) => defaultMark[objectMode ? "objects" : "bytes"];

  // ---- destroying, shared with the writable half ----

  const statesOf = (stream) => [stream._readableState, stream._writableState].filter(Boolean);

  lib.destroyStream = function (error, callback) {
    const states = statesOf(this);
    if (states.some((s) => s.destroyed)) {
      if (callback) callback(error ?? null);
      return this;
    }
    for (const s of states) {
      s.destroyed = true;
      if (error) s.errored ??= error;
    }
    const finish = (raised) => {
      raised = raised ?? error;
      for (const s of states) {
        s.closed = true;
        if (raised) s.errored ??= raised;
      }
      callback?.(raised ?? null);
      lib.tick(() => {
        if (raised && !states.some((s) => s.errorEmitted)) {
          for (const s of states) s.errorEmitted = true;
          this.emit("error", raised);
        }
        if (states.some((s) => s.emitClose) && !states.some((s) => s.closeEmitted)) {
          for (const s of states) s.closeEmitted = true;
          this.emit("close");
        }
      });
    };
    const run = () => {
      let called = false;
      const done = (raised) => {
        if (called) return;
        called = true;
        finish(raised);
      };
      try {
        const result = this._destroy(error ?? null, done);
        if (typeof result?.then === "function") result.then(() => lib.tick(done), (e) => lib.tick(done, e));
      } catch (raised) {
        done(raised);
      }
    };
    if (states.every((s) => s.constructed)) run();
    else this.once("strata:constructed", run);
    return this;
  };

  // A failure outside of destroy: destroys when the stream does that by itself.
  lib.errorOrDestroy = (stream, error) => {
    const states = statesOf(stream);
    if (states.some((s) => s.destroyed)) return;
    if (states.every((s) => s.autoDestroy)) stream.destroy(error);
    else {
      for (const s of states) {
        s.errored ??= error;
        s.errorEmitted = true;
      }
      lib.tick(() => stream.emit("error", error));
    }
  };

  lib.constructStream = (stream, then) => {
    if (typeof stream._construct !== "function") return;
    const states = statesOf(stream);
    for (const s of states) s.constructed = false;
    lib.tick(() => {
      const done = (error) => {
        for (const s of states) s.constructed = true;
        if (error) lib.errorOrDestroy(stream, error);
        stream.emit("strata:constructed");
        if (!error) then();
      };
      try {
        const result = stream._construct(done);
        if (typeof result?.then === "function") result.then(() => done(), done);
      } catch (error) {
        done(error);
      }
    });
  };

  // Read-only properties over a stream's state.
  lib.streamGetters = (target, state, map) => {
    for (const name of Object.keys(map)) {
      Object.defineProperty(target, name, {
        configurable: true,
        get() {
          const s = this[state];
          return s === undefined ? undefined : map[name](s, this);
        },
        set() {},
      });
    }
  };
})();
