// MessageChannel and MessagePort inside one function. Ports cannot be sent to
// another thread: there is none. BroadcastChannel is left out.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const { Event, EventTarget, MessageEvent, structuredClone } = globalThis;
  const key = Symbol("port");

  class MessagePort extends EventTarget {
    #peer = null;
    #queue = [];
    #started = false;
    #closed = false;

    constructor(token) {
      if (token !== key) throw new TypeError("Illegal constructor");
      super();
    }
    static {
      lib.joinPorts = (a, b) => {
        a.#peer = b;
        b.#peer = a;
      };
    }

    postMessage(message, options) {
      const transfer = Array.isArray(options) ? options : options?.transfer;
      const data = structuredClone(message, { transfer });
      const peer = this.#peer;
      if (this.#closed || !peer || peer.#closed) return;
      peer.#queue.push(data);
      if (peer.#started) peer.#schedule();
    }
    start() {
      if (this.#started) return;
      this.#started = true;
      for (let i = 0; i < this.#queue.length; i++) this.#schedule();
    }
    close() {
      if (this.#closed) return;
      this.#closed = true;
      for (const port of [this, this.#peer]) S.timers.setImmediate(() => port.dispatchEvent(new Event("close")));
    }
    #schedule() {
      S.timers.setImmediate(() => {
        if (this.#closed || this.#queue.length === 0) return;
        this.dispatchEvent(new MessageEvent("message", { data: this.#queue.shift() }));
      });
    }

    // The methods node adds, for its users' `port.on("message", …)`.
    on(type, listener) {
      this.addEventListener(type, (event) => listener(type === "message" ? event.data : event));
      if (type === "message") this.start();
      return this;
    }
    once(type, listener) {
      this.addEventListener(type, (event) => listener(type === "message" ? event.data : event), { once: true });
      if (type === "message") this.start();
      return this;
    }
    ref() {
      return this;
    }
    unref() {
      return this;
    }
  }
  lib.webClass(MessagePort);
  for (const type of ["message", "messageerror", "close"]) lib.handlerAttribute(MessagePort, type);
  const { set, get } = Object.getOwnPropertyDescriptor(MessagePort.prototype, "onmessage");
  Object.defineProperty(MessagePort.prototype, "onmessage", {
    configurable: true,
    enumerable: true,
    get,
    set(fn) {
      set.call(this, fn);
      this.start();
    },
  });

  class MessageChannel {
    #ports = [new MessagePort(key), new MessagePort(key)];
    constructor() {
      lib.joinPorts(...this.#ports);
    }
    get port1() {
      return this.#ports[0];
    }
    get port2() {
      return this.#ports[1];
    }
  }
  lib.webClass(MessageChannel);

  lib.globals({ MessagePort, MessageChannel });
})();
