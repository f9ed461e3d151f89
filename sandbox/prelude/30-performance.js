// performance (clock and user timing marks in a plain form), navigator.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const { DOMException, EventTarget } = globalThis;

  class PerformanceEntry {
    #e;
    constructor(entry) {
      this.#e = entry;
    }
    get name() { return this.#e.name; }
    get entryType() { return this.#e.entryType; }
    get startTime() { return this.#e.startTime; }
    get duration() { return this.#e.duration; }
    get detail() { return this.#e.detail ?? null; }
    toJSON() {
      return { ...this.#e };
    }
  }
  lib.webClass(PerformanceEntry);

  class Performance extends EventTarget {
    #entries = [];
    // Not kept: a kept one would be frozen into a snapshot.
    get timeOrigin() {
      return Date.now() - S.now();
    }
    now() {
      return S.now();
    }
    mark(name, options = {}) {
      const entry = new PerformanceEntry({ name: `${name}`, entryType: "mark", startTime: options.startTime ?? this.now(), duration: 0, detail: options.detail ?? null });
      this.#entries.push(entry);
      return entry;
    }
    measure(name, start, end) {
      const options = start !== null && typeof start === "object" ? start : { start, end };
      const at = (v, otherwise) => {
        if (v === undefined) return otherwise;
        if (typeof v === "number") return v;
        const mark = this.#entries.findLast((e) => e.name === `${v}` && e.entryType === "mark");
        if (!mark) throw new DOMException(`The "${v}" performance mark has not been set`, "SyntaxError");
        return mark.startTime;
      };
      const to = at(options.end, this.now());
      const from = at(options.start, 0);
      const entry = new PerformanceEntry({ name: `${name}`, entryType: "measure", startTime: from, duration: options.duration ?? to - from, detail: options.detail ?? null });
      this.#entries.push(entry);
      return entry;
    }
    #clear(type, name) {
      this.#entries = this.#entries.filter((e) => e.entryType !== type || (name !== undefined && e.name !== name));
    }
    clearMarks(name) {
      this.#clear("mark", name);
    }
    clearMeasures(name) {
      this.#clear("measure", name);
    }
    getEntries() {
      return [...this.#entries];
    }
    getEntriesByName(name, type) {
      return this.#entries.filter((e) => e.name === name && (type === undefined || e.entryType === type));
    }
    getEntriesByType(type) {
      return this.#entries.filter((e) => e.entryType === type);
    }
    eventLoopUtilization() {
      return { idle: 0, active: 0, utilization: 0 };
    }
    markResourceTiming() {}
    setResourceTimingBufferSize() {}
    clearResourceTimings() {}
    timerify(fn) {
      return fn;
    }
    toJSON() {
      return { timeOrigin: this.timeOrigin };
    }
  }
  lib.webClass(Performance);

  class PerformanceObserver {
    static supportedEntryTypes = ["mark", "measure"];
    observe() {}
    disconnect() {}
    takeRecords() {
      return [];
    }
  }

  class Navigator {
    get userAgent() { return "Node.js/22"; }
    get hardwareConcurrency() { return 1; }
    get language() { return "en-US"; }
    get languages() { return Object.freeze(["en-US"]); }
    get platform() { return "linux"; }
    get onLine() { return true; }
  }
  lib.webClass(Navigator);

  lib.globals({ Performance, PerformanceEntry, PerformanceObserver, performance: new Performance(), Navigator, navigator: new Navigator() });
  lib.define(globalThis, "reportError", (error) => lib.report(error));
})();
