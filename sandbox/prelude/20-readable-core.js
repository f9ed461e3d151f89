// What the readable streams stand on: the two queuing strategies, and the core
// that holds the state of one stream. The public objects are in 20-readable.js.
(() => {
  "use strict";
  const { lib } = globalThis.__strata;

  class CountQueuingStrategy {
    #mark;
    constructor({ highWaterMark }) {
      this.#mark = Number(highWaterMark);
    }
    get highWaterMark() {
      return this.#mark;
    }
    get size() {
      return () => 1;
    }
  }
  class ByteLengthQueuingStrategy {
    #mark;
    constructor({ highWaterMark }) {
      this.#mark = Number(highWaterMark);
    }
    get highWaterMark() {
      return this.#mark;
    }
    get size() {
      return (chunk) => chunk.byteLength;
    }
  }
  lib.webClass(CountQueuingStrategy);
  lib.webClass(ByteLengthQueuingStrategy);

  lib.strategy = (strategy, mark) => {
    const highWaterMark = strategy?.highWaterMark === undefined ? mark : Number(strategy.highWaterMark);
    if (Number.isNaN(highWaterMark) || highWaterMark < 0) throw new RangeError("Invalid highWaterMark");
    const size = strategy?.size;
    return { highWaterMark, size: size === undefined ? () => 1 : (chunk) => size(chunk) };
  };

  // Marks what a reader keeps for itself.
  const key = (lib.readerKey = Symbol("reader"));

  // All state of a stream lives in one core that the public objects share.
  lib.ReadableCore = class {
    constructor(stream) {
      this.stream = stream;
      this.state = "readable";
      this.error = undefined;
      this.reader = null;
      this.reads = [];
      this.watches = [];
      this.queue = [];
      this.queued = 0;
      this.disturbed = false;
      this.closing = false;
      this.started = false;
      this.pulling = false;
      this.pullAgain = false;
      this.bytes = false;
      this.highWaterMark = 1;
      this.size = () => 1;
      this.pullStep = () => undefined;
      this.cancelStep = () => undefined;
    }

    get desired() {
      if (this.state === "errored") return null;
      return this.state === "closed" ? 0 : this.highWaterMark - this.queued;
    }

    wantsPull() {
      if (this.state !== "readable" || this.closing || !this.started) return false;
      return this.reads.length > 0 || this.desired > 0;
    }

    pull() {
      if (!this.wantsPull()) return;
      if (this.pulling) {
        this.pullAgain = true;
        return;
      }
      this.pulling = true;
      let result;
      try {
        result = this.pullStep();
      } catch (error) {
        this.fail(error);
        return;
      }
      Promise.resolve(result).then(
        () => {
          this.pulling = false;
          if (this.pullAgain) {
            this.pullAgain = false;
            this.pull();
          }
        },
        (error) => this.fail(error),
      );
    }

    enqueue(chunk) {
      if (this.closing || this.state !== "readable") throw new TypeError("The stream cannot take more chunks: it is closed or errored");
      if (this.reads.length > 0) {
        this.reads.shift().chunk(chunk);
      } else {
        let size = 1;
        try {
          size = Number(this.size(chunk));
          if (!(size >= 0) || size === Infinity) throw new RangeError("Invalid chunk size");
        } catch (error) {
          this.fail(error);
          throw error;
        }
        this.queue.push({ chunk, size });
        this.queued += size;
      }
      this.pull();
    }

    close() {
      if (this.closing || this.state !== "readable") throw new TypeError("The stream is already closed or errored");
      this.closing = true;
      if (this.queue.length === 0) this.finish();
    }

    finish() {
      this.state = "closed";
      this.clear();
      const reads = this.reads;
      this.reads = [];
      for (const read of reads) read.close();
      this.reader?.[key].closed.resolve();
      for (const watch of this.watches) watch();
    }

    fail(error) {
      if (this.state !== "readable") return;
      this.state = "errored";
      this.error = error;
      this.queue = [];
      this.queued = 0;
      this.clear();
      for (const watch of this.watches) watch(error);
      const reads = this.reads;
      this.reads = [];
      for (const read of reads) read.error(error);
      if (this.reader) {
        lib.handled(this.reader[key].closed.promise);
        this.reader[key].closed.reject(error);
      }
    }

    clear() {
      this.pullStep = this.cancelStep = () => undefined;
    }

    read(request) {
      this.disturbed = true;
      if (this.state === "closed") return request.close();
      if (this.state === "errored") return request.error(this.error);
      if (this.queue.length > 0) {
        const { chunk, size } = this.queue.shift();
        this.queued = Math.max(0, this.queued - size);
        if (this.closing && this.queue.length === 0) this.finish();
        else this.pull();
        return request.chunk(chunk);
      }
      this.reads.push(request);
      this.pull();
    }

    cancel(reason) {
      this.disturbed = true;
      if (this.state === "closed") return Promise.resolve();
      if (this.state === "errored") return Promise.reject(this.error);
      const step = this.cancelStep;
      this.queue = [];
      this.queued = 0;
      this.finish();
      return new Promise((resolve) => resolve(step(reason))).then(() => undefined);
    }
  };

  lib.globals({ CountQueuingStrategy, ByteLengthQueuingStrategy });
})();
