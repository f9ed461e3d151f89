// AbortController and AbortSignal, with `abort`, `timeout` and `any`.
(() => {
  "use strict";
  const { lib } = globalThis.__strata;
  const { DOMException, Event, EventTarget } = globalThis;
  const key = Symbol("constructing a signal");

  class AbortSignal extends EventTarget {
    #aborted = false;
    #reason;
    #dependents = [];
    #steps = [];

    constructor(token) {
      if (token !== key) throw new TypeError("Illegal constructor");
      super();
    }

    static abort(reason) {
      const signal = new AbortSignal(key);
      signal.#abort(reason);
      return signal;
    }

    static timeout(milliseconds) {
      const delay = Number(milliseconds);
      if (!(delay >= 0)) throw new RangeError("AbortSignal.timeout: the delay must not be negative");
      const signal = new AbortSignal(key);
      const timer = setTimeout(
        () => signal.#abort(new DOMException("The operation was aborted due to timeout", "TimeoutError")),
        delay,
      );
      timer?.unref?.();
      return signal;
    }

    static any(signals) {
      const result = new AbortSignal(key);
      const sources = [...signals];
      for (const source of sources) {
        if (!(source instanceof AbortSignal)) throw new TypeError("AbortSignal.any: every item must be an AbortSignal");
      }
      const first = sources.find((source) => source.#aborted);
      if (first) result.#abort(first.#reason);
      else for (const source of sources) source.#dependents.push(result);
      return result;
    }

    static {
      lib.newSignal = () => new AbortSignal(key);
      lib.abortSignal = (signal, reason) => signal.#abort(reason);
      // Internal steps run before listeners; the returned function removes them.
      lib.onAbort = (signal, step) => {
        signal.#steps.push(step);
        return () => {
          const at = signal.#steps.indexOf(step);
          if (at >= 0) signal.#steps.splice(at, 1);
        };
      };
    }

    get aborted() {
      return this.#aborted;
    }

    get reason() {
      return this.#reason;
    }

    throwIfAborted() {
      if (this.#aborted) throw this.#reason;
    }

    #abort(reason) {
      if (this.#aborted) return;
      this.#aborted = true;
      this.#reason = reason === undefined ? new DOMException("This operation was aborted", "AbortError") : reason;
      const steps = this.#steps;
      this.#steps = [];
      for (const step of steps) step(this.#reason);
      this.dispatchEvent(new Event("abort"));
      for (const dependent of this.#dependents) dependent.#abort(this.#reason);
      this.#dependents = [];
    }
  }
  lib.handlerAttribute(AbortSignal, "abort");
  lib.webClass(AbortSignal);

  class AbortController {
    #signal = lib.newSignal();
    get signal() {
      return this.#signal;
    }
    abort(reason) {
      lib.abortSignal(this.#signal, reason);
    }
  }
  lib.webClass(AbortController);

  lib.globals({ AbortController, AbortSignal });
})();
