// node:events: EventEmitter with its static helpers, `once` and `on`.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const { console } = globalThis;
  const captureRejections = Symbol.for("nodejs.rejection");
  const captureKey = Symbol("events.captureRejections");
  const errorMonitor = Symbol("events.errorMonitor");
  let defaultMaxListeners = 10;

  function need(listener) {
    if (typeof listener !== "function") throw lib.argType("listener", "of type function", listener);
  }

  // A plain function, so that `EventEmitter.call(this)` and `util.inherits` work.
  function EventEmitter(options) {
    EventEmitter.init.call(this, options);
  }
  EventEmitter.init = function (options) {
    if (this._events === undefined || this._events === Object.getPrototypeOf(this)._events) {
      this._events = Object.create(null);
      this._eventsCount = 0;
    }
    this._maxListeners = this._maxListeners || undefined;
    if (options?.captureRejections) lib.define(this, captureKey, true);
  };

  const listOf = (emitter, type) => {
    const slot = emitter._events?.[type];
    return slot === undefined ? [] : typeof slot === "function" ? [slot] : slot;
  };
  const unwrap = (fn) => fn.listener ?? fn;

  function add(emitter, type, listener, first) {
    need(listener);
    if (emitter._events === undefined) {
      emitter._events = Object.create(null);
      emitter._eventsCount = 0;
    } else if (emitter._events.newListener !== undefined) {
      emitter.emit("newListener", type, unwrap(listener));
    }
    const slot = emitter._events[type];
    if (slot === undefined) {
      emitter._events[type] = listener;
      emitter._eventsCount++;
      return emitter;
    }
    const list = typeof slot === "function" ? (emitter._events[type] = first ? [listener, slot] : [slot, listener]) : slot;
    if (list === slot) list[first ? "unshift" : "push"](listener);
    const limit = emitter.getMaxListeners();
    if (limit > 0 && list.length > limit && !list.warned) {
      lib.define(list, "warned", true);
      console.warn(`MaxListenersExceededWarning: Possible EventEmitter memory leak detected. ${list.length} ${String(type)} listeners added to [${emitter.constructor?.name}]. MaxListeners is ${limit}. Use emitter.setMaxListeners() to increase limit`);
    }
    return emitter;
  }

  function onceWrapper(emitter, type, listener) {
    need(listener);
    const wrapped = function (...args) {
      emitter.removeListener(type, wrapped);
      return listener.apply(emitter, args);
    };
    wrapped.listener = listener;
    return wrapped;
  }

  Object.assign(EventEmitter.prototype, {
    _events: undefined,
    _eventsCount: 0,
    _maxListeners: undefined,
    setMaxListeners(n) {
      if (typeof n !== "number" || n < 0 || Number.isNaN(n)) throw lib.outOfRange("setMaxListeners", "a non-negative number", n);
      this._maxListeners = n;
      return this;
    },
    getMaxListeners() {
      return this._maxListeners ?? defaultMaxListeners;
    },
    emit(type, ...args) {
      if (type === "error") {
        if (this._events?.[errorMonitor] !== undefined) this.emit(errorMonitor, ...args);
        if (this._events?.error === undefined) {
          const [error] = args;
          if (error instanceof Error) throw error;
          const raised = lib.nodeError(Error, "ERR_UNHANDLED_ERROR", `Unhandled error. (${typeof error === "string" ? `'${error}'` : lib.inspect(error)})`);
          raised.context = error;
          throw raised;
        }
      }
      const slot = this._events?.[type];
      if (slot === undefined) return false;
      const capture = EventEmitter.captureRejections || this[captureKey];
      for (const listener of typeof slot === "function" ? [slot] : slot.slice()) {
        const result = listener.apply(this, args);
        if (capture && typeof result?.then === "function") {
          result.then(undefined, (error) => {
            if (typeof this[captureRejections] === "function") this[captureRejections](error, type, ...args);
            else this.emit("error", error);
          });
        }
      }
      return true;
    },
    addListener(type, listener) {
      return add(this, type, listener, false);
    },
    on(type, listener) {
      return add(this, type, listener, false);
    },
    prependListener(type, listener) {
      return add(this, type, listener, true);
    },
    once(type, listener) {
      return this.on(type, onceWrapper(this, type, listener));
    },
    prependOnceListener(type, listener) {
      return this.prependListener(type, onceWrapper(this, type, listener));
    },
    removeListener(type, listener) {
      need(listener);
      const list = listOf(this, type);
      const at = list.findLastIndex((fn) => fn === listener || fn.listener === listener);
      if (at < 0) return this;
      const removed = list[at];
      const rest = list.filter((_, i) => i !== at);
      if (rest.length === 0) {
        delete this._events[type];
        this._eventsCount--;
      } else this._events[type] = rest.length === 1 ? rest[0] : rest;
      if (this._events.removeListener !== undefined) this.emit("removeListener", type, unwrap(removed));
      return this;
    },
    off(type, listener) {
      return this.removeListener(type, listener);
    },
    removeAllListeners(type) {
      if (this._events === undefined) return this;
      if (this._events.removeListener !== undefined) {
        for (const key of type === undefined ? Reflect.ownKeys(this._events).filter((k) => k !== "removeListener") : [type]) {
          for (const listener of listOf(this, key).slice().reverse()) this.removeListener(key, listener);
        }
      }
      if (type === undefined) {
        this._events = Object.create(null);
        this._eventsCount = 0;
      } else if (this._events[type] !== undefined) {
        delete this._events[type];
        this._eventsCount--;
      }
      return this;
    },
    listeners(type) {
      return listOf(this, type).map(unwrap);
    },
    rawListeners(type) {
      return listOf(this, type).slice();
    },
    listenerCount(type, listener) {
      const list = listOf(this, type);
      return listener === undefined ? list.length : list.filter((fn) => unwrap(fn) === listener).length;
    },
    eventNames() {
      return this._events === undefined ? [] : Reflect.ownKeys(this._events);
    },
  });

  const isTarget = (v) => typeof v?.addEventListener === "function";
  const subscribe = (emitter, type, fn, once) => {
    if (typeof emitter.on === "function") {
      if (once) emitter.once(type, fn);
      else emitter.on(type, fn);
      return () => emitter.removeListener(type, fn);
    }
    if (isTarget(emitter)) {
      emitter.addEventListener(type, fn, { once });
      return () => emitter.removeEventListener(type, fn);
    }
    throw lib.argType("emitter", "an instance of EventEmitter", emitter);
  };

  function once(emitter, type, { signal } = {}) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortError(signal));
      const offs = [];
      const finish = (settle) => (...args) => {
        for (const off of offs) off();
        settle(...args);
      };
      offs.push(subscribe(emitter, type, finish((...args) => resolve(args)), true));
      if (type !== "error" && typeof emitter.once === "function") offs.push(subscribe(emitter, "error", finish(reject), true));
      if (signal) offs.push(subscribe(signal, "abort", finish(() => reject(abortError(signal))), true));
    });
  }

  const abortError = (lib.abortError = (signal) => {
    const error = lib.nodeError(Error, "ABORT_ERR", "The operation was aborted");
    error.name = "AbortError";
    if (signal?.reason !== undefined) lib.define(error, "cause", signal.reason);
    return error;
  });

  function on(emitter, type, { signal, close = [] } = {}) {
    if (signal?.aborted) throw abortError(signal);
    const queue = [];
    const waiting = [];
    let failure = null;
    let finished = false;
    const offs = [];
    const end = () => {
      finished = true;
      for (const off of offs.splice(0)) off();
      for (const w of waiting.splice(0)) w.resolve({ value: undefined, done: true });
    };
    const fail = (error) => {
      for (const off of offs.splice(0)) off();
      if (waiting.length) waiting.shift().reject(error);
      else failure = { error };
      finished = true;
    };
    offs.push(subscribe(emitter, type, (...args) => (waiting.length ? waiting.shift().resolve({ value: args, done: false }) : queue.push(args)), false));
    if (type !== "error" && typeof emitter.on === "function") offs.push(subscribe(emitter, "error", fail, false));
    for (const name of close) offs.push(subscribe(emitter, name, end, true));
    if (signal) offs.push(subscribe(signal, "abort", () => fail(abortError(signal)), true));
    return {
      async next() {
        if (queue.length) return { value: queue.shift(), done: false };
        if (failure) {
          const { error } = failure;
          failure = null;
          throw error;
        }
        if (finished) return { value: undefined, done: true };
        return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
      },
      async return() {
        end();
        return { value: undefined, done: true };
      },
      async throw(error) {
        fail(error);
        return { value: undefined, done: true };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  class EventEmitterAsyncResource extends EventEmitter {
    emitDestroy() {}
    get asyncId() {
      return 0;
    }
    get triggerAsyncId() {
      return 0;
    }
  }

  Object.assign(EventEmitter, {
    EventEmitter,
    EventEmitterAsyncResource,
    once,
    on,
    errorMonitor,
    captureRejectionSymbol: captureRejections,
    captureRejections: false,
    usingDomains: false,
    listenerCount: (emitter, type) => emitter.listenerCount(type),
    getEventListeners: (emitter, type) => (typeof emitter.listeners === "function" ? emitter.listeners(type) : []),
    getMaxListeners: (emitter) => emitter.getMaxListeners?.() ?? defaultMaxListeners,
    setMaxListeners(n = defaultMaxListeners, ...emitters) {
      if (emitters.length === 0) defaultMaxListeners = n;
      else for (const emitter of emitters) emitter.setMaxListeners?.(n);
    },
    addAbortListener(signal, listener) {
      signal.addEventListener("abort", listener, { once: true });
      return { [Symbol.dispose ?? Symbol("dispose")]: () => signal.removeEventListener("abort", listener) };
    },
  });
  Object.defineProperty(EventEmitter, "defaultMaxListeners", {
    enumerable: true,
    get: () => defaultMaxListeners,
    set: (n) => {
      defaultMaxListeners = n;
    },
  });

  lib.EventEmitter = EventEmitter;
  S.modules["node:events"] = () => EventEmitter;
})();
