// WritableStream with its default writer and controller.
(() => {
  "use strict";
  const { lib } = globalThis.__strata;
  const { AbortController } = globalThis;
  const key = Symbol("internal");

  class Core {
    constructor() {
      this.state = "writable"; // writable | erroring | errored | closed
      this.error = undefined;
      this.writer = null;
      this.queue = [];
      this.watches = [];
      this.queued = 0;
      this.busy = false;
      this.started = false;
      this.closeRequest = null;
      this.abortRequest = null;
      this.abortController = new AbortController();
      this.backpressure = false;
      this.writeStep = () => undefined;
      this.closeStep = () => undefined;
      this.abortStep = () => undefined;
    }

    get desired() {
      if (this.state === "errored" || this.state === "erroring") return null;
      return this.state === "closed" ? 0 : this.highWaterMark - this.queued;
    }

    updateBackpressure() {
      const now = this.state === "writable" && !this.closeRequest && this.desired <= 0;
      if (now === this.backpressure) return;
      this.backpressure = now;
      if (!this.writer) return;
      if (now) this.writer[key].ready = Promise.withResolvers();
      else this.writer[key].ready.resolve();
    }

    write(chunk) {
      if (this.state === "erroring" || this.state === "errored") return Promise.reject(this.error);
      if (this.state === "closed" || this.closeRequest) return Promise.reject(new TypeError("The stream is closing or closed"));
      let size;
      try {
        size = Number(this.size(chunk));
        if (!(size >= 0) || size === Infinity) throw new RangeError("Invalid chunk size");
      } catch (error) {
        this.startErroring(error);
        return Promise.reject(error);
      }
      const done = Promise.withResolvers();
      this.queue.push({ chunk, size, done });
      this.queued += size;
      this.updateBackpressure();
      this.advance();
      return done.promise;
    }

    close() {
      if (this.closeRequest || this.state === "closed") return Promise.reject(new TypeError("The stream is already closing or closed"));
      if (this.state !== "writable") return Promise.reject(this.error);
      this.closeRequest = Promise.withResolvers();
      if (this.backpressure) this.writer?.[key].ready.resolve();
      this.backpressure = false;
      this.advance();
      return this.closeRequest.promise;
    }

    abort(reason) {
      if (this.state === "closed" || this.state === "errored") return Promise.resolve();
      this.abortController.abort(reason);
      if (this.abortRequest) return this.abortRequest.done.promise;
      this.abortRequest = { done: Promise.withResolvers(), reason, silent: this.state === "erroring" };
      const { promise } = this.abortRequest.done;
      if (this.state === "writable") this.startErroring(reason);
      return promise;
    }

    startErroring(error) {
      if (this.state !== "writable") return;
      this.state = "erroring";
      this.error = error;
      if (this.writer) {
        const slot = this.writer[key];
        if (!this.backpressure) slot.ready = Promise.withResolvers();
        lib.handled(slot.ready.promise);
        slot.ready.reject(error);
      }
      this.backpressure = false;
      if (!this.busy && this.started) this.finishErroring();
    }

    finishErroring() {
      this.state = "errored";
      const { error } = this;
      for (const watch of this.watches) watch(error);
      for (const { done } of this.queue) {
        lib.handled(done.promise);
        done.reject(error);
      }
      this.queue = [];
      this.queued = 0;
      const settle = () => {
        if (this.closeRequest) {
          lib.handled(this.closeRequest.promise);
          this.closeRequest.reject(error);
          this.closeRequest = null;
        }
        if (this.writer) {
          lib.handled(this.writer[key].closed.promise);
          this.writer[key].closed.reject(error);
        }
      };
      const request = this.abortRequest;
      if (!request) return settle();
      this.abortRequest = null;
      if (request.silent) {
        lib.handled(request.done.promise);
        request.done.reject(error);
        return settle();
      }
      new Promise((resolve) => resolve(this.abortStep(request.reason))).then(
        () => {
          request.done.resolve();
          settle();
        },
        (failure) => {
          lib.handled(request.done.promise);
          request.done.reject(failure);
          settle();
        },
      );
    }

    advance() {
      if (!this.started || this.busy) return;
      if (this.state === "erroring") return this.finishErroring();
      if (this.state !== "writable") return;
      if (this.queue.length > 0) {
        const { chunk, size, done } = this.queue[0];
        this.busy = true;
        new Promise((resolve) => resolve(this.writeStep(chunk))).then(
          () => {
            this.busy = false;
            this.queue.shift();
            this.queued = Math.max(0, this.queued - size);
            done.resolve();
            this.updateBackpressure();
            this.advance();
          },
          (error) => {
            this.busy = false;
            this.queue.shift();
            lib.handled(done.promise);
            done.reject(error);
            this.startErroring(error);
            if (this.state === "erroring") this.finishErroring();
          },
        );
        return;
      }
      if (!this.closeRequest) return;
      this.busy = true;
      new Promise((resolve) => resolve(this.closeStep())).then(
        () => {
          this.busy = false;
          this.state = "closed";
          for (const watch of this.watches) watch();
          this.closeRequest.resolve();
          this.abortRequest?.done.resolve();
          this.writer?.[key].closed.resolve();
        },
        (error) => {
          this.busy = false;
          lib.handled(this.closeRequest.promise);
          this.closeRequest.reject(error);
          this.closeRequest = null;
          this.startErroring(error);
          if (this.state === "erroring") this.finishErroring();
        },
      );
    }
  }

  const cores = new WeakMap();

  lib.watchWritable = (stream, watch) => {
    const core = cores.get(stream);
    if (core.state === "closed" || core.state === "errored") watch(core.error);
    else core.watches.push(watch);
  };

  class WritableStreamDefaultController {
    constructor(token, core) {
      if (token !== key) throw new TypeError("Illegal constructor");
      lib.define(this, key, core);
    }
    get signal() {
      return this[key].abortController.signal;
    }
    error(error) {
      this[key].startErroring(error);
    }
  }
  lib.webClass(WritableStreamDefaultController);

  class WritableStreamDefaultWriter {
    constructor(stream) {
      const core = cores.get(stream);
      if (!core) throw new TypeError("Not a WritableStream");
      if (core.writer) throw new TypeError("The stream is locked to another writer");
      const slot = { core, ready: Promise.withResolvers(), closed: Promise.withResolvers() };
      lib.define(this, key, slot);
      core.writer = this;
      if (!core.backpressure || core.state !== "writable") slot.ready.resolve();
      if (core.state === "closed") slot.closed.resolve();
      if (core.state === "erroring" || core.state === "errored") {
        slot.ready = Promise.withResolvers();
        for (const p of core.state === "errored" ? [slot.ready, slot.closed] : [slot.ready]) {
          lib.handled(p.promise);
          p.reject(core.error);
        }
      }
    }
    get closed() {
      return this[key].closed.promise;
    }
    get ready() {
      return this[key].ready.promise;
    }
    get desiredSize() {
      if (!this[key].core) throw new TypeError("The writer was released");
      return this[key].core.desired;
    }
    write(chunk) {
      return this[key].core ? this[key].core.write(chunk) : Promise.reject(new TypeError("The writer was released"));
    }
    close() {
      return this[key].core ? this[key].core.close() : Promise.reject(new TypeError("The writer was released"));
    }
    abort(reason) {
      return this[key].core ? this[key].core.abort(reason) : Promise.reject(new TypeError("The writer was released"));
    }
    releaseLock() {
      const slot = this[key];
      if (!slot.core) return;
      slot.core.writer = null;
      slot.core = null;
      const error = new TypeError("The writer was released");
      for (const name of ["ready", "closed"]) {
        slot[name].reject(error);
        lib.handled(slot[name].promise);
        slot[name] = Promise.withResolvers();
        lib.handled(slot[name].promise);
        slot[name].reject(error);
      }
    }
  }
  lib.webClass(WritableStreamDefaultWriter);

  class WritableStream {
    constructor(sink = {}, strategy) {
      const core = new Core();
      cores.set(this, core);
      Object.assign(core, lib.strategy(strategy, 1));
      const controller = new WritableStreamDefaultController(key, core);
      const { start, write, close, abort } = sink ?? {};
      if (write !== undefined) core.writeStep = (chunk) => write.call(sink, chunk, controller);
      if (close !== undefined) core.closeStep = () => close.call(sink);
      if (abort !== undefined) core.abortStep = (reason) => abort.call(sink, reason);
      core.updateBackpressure();
      const begun = start === undefined ? undefined : start.call(sink, controller);
      Promise.resolve(begun).then(
        () => {
          core.started = true;
          core.advance();
        },
        (error) => {
          core.started = true;
          core.startErroring(error);
          if (core.state === "erroring") core.finishErroring();
        },
      );
    }
    get locked() {
      return cores.get(this).writer !== null;
    }
    getWriter() {
      return new WritableStreamDefaultWriter(this);
    }
    abort(reason) {
      if (this.locked) return Promise.reject(new TypeError("Cannot abort a locked stream"));
      return cores.get(this).abort(reason);
    }
    close() {
      if (this.locked) return Promise.reject(new TypeError("Cannot close a locked stream"));
      return cores.get(this).close();
    }
  }
  lib.webClass(WritableStream);

  // The readable half comes before this file.
  lib.isWritableStream = (value) => value instanceof WritableStream;
  lib.globals({ WritableStream, WritableStreamDefaultWriter, WritableStreamDefaultController });
})();
