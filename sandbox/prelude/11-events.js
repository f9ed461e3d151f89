// DOMException, Event, CustomEvent, EventTarget, ErrorEvent and MessageEvent.
// There is no tree of nodes here: events are dispatched at their target only.
(() => {
  "use strict";
  const { lib } = globalThis.__strata;

  const CODES = {
    IndexSizeError: 1, HierarchyRequestError: 3, WrongDocumentError: 4, InvalidCharacterError: 5,
    NoModificationAllowedError: 7, NotFoundError: 8, NotSupportedError: 9, InUseAttributeError: 10,
    InvalidStateError: 11, SyntaxError: 12, InvalidModificationError: 13, NamespaceError: 14,
    InvalidAccessError: 15, TypeMismatchError: 17, SecurityError: 18, NetworkError: 19, AbortError: 20,
    URLMismatchError: 21, QuotaExceededError: 22, TimeoutError: 23, InvalidNodeTypeError: 24, DataCloneError: 25,
  };

  class DOMException extends Error {
    #name;
    constructor(message = "", options = "Error") {
      super(String(message));
      const isObject = options !== null && typeof options === "object";
      this.#name = String(isObject ? options.name ?? "Error" : options);
      if (isObject && "cause" in options) lib.define(this, "cause", options.cause);
    }
    get name() {
      return this.#name;
    }
    get code() {
      return CODES[this.#name] ?? 0;
    }
  }
  lib.webClass(DOMException);
  for (const name of Object.keys(CODES)) {
    const constant = name.replace(/Error$/, "").replace(/([a-z])([A-Z])/g, "$1_$2").toUpperCase() + "_ERR";
    for (const target of [DOMException, DOMException.prototype])
      Object.defineProperty(target, constant, { value: CODES[name], enumerable: true });
  }

  const state = Symbol("event state");

  class Event {
    constructor(type, init = {}) {
      lib.requireArgs(arguments, 1, "Event constructor");
      init = init ?? {};
      lib.define(this, state, {
        type: String(type), bubbles: !!init.bubbles, cancelable: !!init.cancelable, composed: !!init.composed,
        target: null, phase: 0, canceled: false, stopped: false, passive: false, dispatching: false, time: 0,
      });
    }
    get type() { return this[state].type; }
    get bubbles() { return this[state].bubbles; }
    get cancelable() { return this[state].cancelable; }
    get composed() { return this[state].composed; }
    get target() { return this[state].target; }
    get srcElement() { return this[state].target; }
    get currentTarget() { return this[state].dispatching ? this[state].target : null; }
    get eventPhase() { return this[state].phase; }
    get defaultPrevented() { return this[state].canceled; }
    get returnValue() { return !this[state].canceled; }
    get timeStamp() { return this[state].time; }
    get isTrusted() { return false; }
    get cancelBubble() { return this[state].stopped; }
    set cancelBubble(value) { if (value) this.stopPropagation(); }
    composedPath() { return this[state].dispatching ? [this[state].target] : []; }
    preventDefault() {
      const s = this[state];
      if (s.cancelable && !s.passive) s.canceled = true;
    }
    stopPropagation() {}
    stopImmediatePropagation() { this[state].stopped = true; }
    initEvent(type, bubbles = false, cancelable = false) {
      const s = this[state];
      if (s.dispatching) return;
      Object.assign(s, { type: String(type), bubbles: !!bubbles, cancelable: !!cancelable, canceled: false, stopped: false });
    }
  }
  lib.webClass(Event);
  for (const [i, name] of ["NONE", "CAPTURING_PHASE", "AT_TARGET", "BUBBLING_PHASE"].entries())
    for (const target of [Event, Event.prototype]) Object.defineProperty(target, name, { value: i, enumerable: true });

  class CustomEvent extends Event {
    #detail;
    constructor(type, init = {}) {
      super(type, init);
      this.#detail = init?.detail ?? null;
    }
    get detail() { return this.#detail; }
  }
  lib.webClass(CustomEvent);

  class ErrorEvent extends Event {
    #init;
    constructor(type, init = {}) {
      super(type, init);
      this.#init = init ?? {};
    }
    get message() { return String(this.#init.message ?? ""); }
    get filename() { return String(this.#init.filename ?? ""); }
    get lineno() { return Number(this.#init.lineno ?? 0); }
    get colno() { return Number(this.#init.colno ?? 0); }
    get error() { return this.#init.error; }
  }
  lib.webClass(ErrorEvent);

  class MessageEvent extends Event {
    #init;
    constructor(type, init = {}) {
      super(type, init);
      this.#init = init ?? {};
    }
    get data() { return this.#init.data ?? null; }
    get origin() { return String(this.#init.origin ?? ""); }
    get lastEventId() { return String(this.#init.lastEventId ?? ""); }
    get source() { return this.#init.source ?? null; }
    get ports() { return this.#init.ports ?? []; }
  }
  lib.webClass(MessageEvent);

  const listeners = Symbol("listeners");

  class EventTarget {
    constructor() {
      lib.define(this, listeners, []);
    }

    addEventListener(type, callback, options) {
      lib.requireArgs(arguments, 2, "addEventListener");
      if (callback === null || callback === undefined) return;
      if (typeof callback !== "function" && typeof callback !== "object")
        throw new TypeError("An event listener must be a function or an object");
      const o = typeof options === "object" && options !== null ? options : { capture: !!options };
      const entry = { type: String(type), callback, capture: !!o.capture, once: !!o.once, passive: !!o.passive, removed: false };
      if (o.signal?.aborted) return;
      const list = this[listeners];
      if (list.some((l) => l.type === entry.type && l.callback === callback && l.capture === entry.capture)) return;
      list.push(entry);
      o.signal?.addEventListener("abort", () => remove(this, entry), { once: true });
    }

    removeEventListener(type, callback, options) {
      const capture = typeof options === "object" && options !== null ? !!options.capture : !!options;
      const found = this[listeners].find((l) => l.type === String(type) && l.callback === callback && l.capture === capture);
      if (found) remove(this, found);
    }

    dispatchEvent(event) {
      if (!(event instanceof Event)) throw new TypeError("dispatchEvent: the argument must be an Event");
      const s = event[state];
      if (s.dispatching) throw new DOMException("The event is already being dispatched", "InvalidStateError");
      Object.assign(s, { target: this, dispatching: true, phase: 2, stopped: false });
      for (const entry of [...this[listeners]]) {
        if (entry.removed || entry.type !== s.type) continue;
        if (entry.once) remove(this, entry);
        s.passive = entry.passive;
        try {
          if (typeof entry.callback === "function") entry.callback.call(this, event);
          else entry.callback.handleEvent(event);
        } catch (error) {
          lib.report(error);
        }
        s.passive = false;
        if (s.stopped) break;
      }
      s.dispatching = false;
      s.phase = 0;
      return !s.canceled;
    }
  }
  lib.webClass(EventTarget);

  function remove(target, entry) {
    entry.removed = true;
    const list = target[listeners];
    const at = list.indexOf(entry);
    if (at >= 0) list.splice(at, 1);
  }

  // Adds an `on<type>` attribute whose handler runs as one more listener.
  lib.handlerAttribute = (ctor, type) => {
    const handlers = new WeakMap();
    Object.defineProperty(ctor.prototype, `on${type}`, {
      configurable: true,
      enumerable: true,
      get() {
        return handlers.get(this)?.fn ?? null;
      },
      set(fn) {
        fn = typeof fn === "function" ? fn : null;
        const slot = handlers.get(this);
        if (slot) slot.fn = fn;
        else if (fn) {
          const fresh = { fn };
          handlers.set(this, fresh);
          this.addEventListener(type, (event) => fresh.fn?.call(this, event));
        }
      },
    });
  };

  lib.globals({ DOMException, Event, CustomEvent, ErrorEvent, MessageEvent, EventTarget });
})();
