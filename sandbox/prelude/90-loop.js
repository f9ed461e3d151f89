// The event loop's JavaScript half, timers, Math.random, and the entry points
// of the component.
//
// The engine drains its job queue after every call of an entry point, and the
// host decides what happens next: `resume` with the answer of a started
// operation, or `tick` when a timer or an immediate is due. Each call does one
// thing, so that the jobs of one callback run before the next callback.
const S = globalThis.__strata;
const { deliver, wellFormed, bytes: toBytes, wake, settle, renew } = S.inner;
delete S.inner;
const indirectEval = globalThis.eval;
const { parse } = JSON;
const { apply } = Reflect;
const engine = globalThis.__cqjs;
Object.defineProperty(globalThis, "__cqjs", { enumerable: false });
delete globalThis.wit;
const now = S.now;

// ---- timers ----

// A binary heap by (due, order).
const heap = [];
const immediates = [];
let order = 0;
let told = null;

const before = (a, b) => a.due < b.due || (a.due === b.due && a.order < b.order);
const place = (entry, at) => {
  heap[at] = entry;
  entry.at = at;
};
const up = (at) => {
  const entry = heap[at];
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(entry, heap[parent])) break;
    place(heap[parent], at);
    at = parent;
  }
  place(entry, at);
};
const down = (at) => {
  const entry = heap[at];
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child += 1;
    if (!before(heap[child], entry)) break;
    place(heap[child], at);
    at = child;
  }
  place(entry, at);
};
const drop = (entry) => {
  const at = entry.at;
  if (at < 0) return;
  entry.at = -1;
  const last = heap.pop();
  if (last === entry) return;
  place(last, at);
  up(at);
  down(last.at);
};

// Tells the host when `tick` is wanted, if that has changed.
const announce = () => {
  const at = immediates.length > 0 ? 0 : heap.length > 0 ? heap[0].due : null;
  if (at !== told) {
    told = at;
    wake(at);
  }
};

const timers = new Map();
let nextId = 1;

class Timeout {
  #entry;
  constructor(entry) {
    this.#entry = entry;
  }
  ref() {
    return this;
  }
  unref() {
    return this;
  }
  hasRef() {
    return true;
  }
  refresh() {
    arm(this.#entry);
    return this;
  }
  close() {
    clear(this.#entry.id);
    return this;
  }
  [Symbol.toPrimitive]() {
    return this.#entry.id;
  }
  [Symbol.dispose]() {
    clear(this.#entry.id);
  }
}

const arm = (entry) => {
  drop(entry);
  entry.due = now() + entry.delay;
  entry.order = order++;
  timers.set(entry.id, entry);
  heap.push(entry);
  up(heap.length - 1);
  announce();
};

const callback = (fn) => {
  if (typeof fn !== "function") {
    const error = new TypeError(`The "callback" argument must be of type function. Received ${fn === null ? "null" : typeof fn}`);
    error.code = "ERR_INVALID_ARG_TYPE";
    throw error;
  }
  return fn;
};

const schedule = (fn, delay, repeat, args) => {
  delay = Number(delay);
  if (!(delay >= 1 && delay <= 2147483647)) delay = 1;
  delay = Math.trunc(delay);
  const entry = { id: nextId++, fn: callback(fn), args, delay, repeat, due: 0, order: 0, at: -1, shown: null };
  entry.shown = new Timeout(entry);
  arm(entry);
  return entry.shown;
};

const clear = (id) => {
  const entry = timers.get(typeof id === "object" && id !== null ? +id : Number(id));
  if (!entry) return;
  timers.delete(entry.id);
  if (entry.immediate) {
    const at = immediates.indexOf(entry);
    if (at >= 0) immediates.splice(at, 1);
  } else {
    drop(entry);
  }
  announce();
};

class Immediate {
  #id;
  constructor(id) {
    this.#id = id;
  }
  ref() {
    return this;
  }
  unref() {
    return this;
  }
  hasRef() {
    return true;
  }
  [Symbol.toPrimitive]() {
    return this.#id;
  }
  [Symbol.dispose]() {
    clear(this.#id);
  }
}

const timerFunctions = {
  setTimeout: (fn, delay, ...args) => schedule(fn, delay, false, args),
  setInterval: (fn, delay, ...args) => schedule(fn, delay, true, args),
  setImmediate(fn, ...args) {
    const entry = { id: nextId++, fn: callback(fn), args, immediate: true };
    timers.set(entry.id, entry);
    immediates.push(entry);
    announce();
    return new Immediate(entry.id);
  },
  clearTimeout: (id) => clear(id ?? 0),
  clearInterval: (id) => clear(id ?? 0),
  clearImmediate: (id) => clear(id ?? 0),
  queueMicrotask(fn) {
    callback(fn);
    Promise.resolve().then(() => {
      try {
        fn();
      } catch (error) {
        crash(error);
      }
    });
  },
};
for (const name of Object.keys(timerFunctions)) {
  // A name of its own, as `setTimeout.name` shows it.
  Object.defineProperty(timerFunctions[name], "name", { value: name, configurable: true });
  Object.defineProperty(globalThis, name, {
    value: timerFunctions[name],
    enumerable: true,
    configurable: true,
    writable: true,
  });
}
S.timers = timerFunctions;

// ---- Math.random ----

// The engine's own generator is frozen into the snapshot. This one (sfc32) is
// seeded by the host in each instance when it is first asked.
let seeded = null;
Object.defineProperty(Math, "random", {
  value: function random() {
    if (seeded === null) {
      const { data } = S.call("seed");
      seeded = new Uint32Array(data.buffer.slice(data.byteOffset, data.byteOffset + 16));
    }
    const next = () => {
      const t = (seeded[0] + seeded[1] + seeded[3]) >>> 0;
      seeded[3] += 1;
      seeded[0] = seeded[1] ^ (seeded[1] >>> 9);
      seeded[1] = seeded[2] + (seeded[2] << 3);
      seeded[2] = ((seeded[2] << 21) | (seeded[2] >>> 11)) + t;
      return t;
    };
    return ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992;
  },
  writable: true,
  configurable: true,
  enumerable: false,
});

// ---- failures ----

const describe = (error) => {
  try {
    if (error instanceof Error || (typeof error === "object" && error !== null && typeof error.stack === "string")) {
      const message = wellFormed(String(error.message));
      return {
        name: wellFormed(String(error.name)),
        message,
        stack: wellFormed(String(error.stack || `${error.name}: ${message}`)),
      };
    }
    const text = typeof error === "object" && error !== null ? (JSON.stringify(error) ?? String(error)) : String(error);
    return { name: "", message: wellFormed(text), stack: wellFormed(`Uncaught ${text}`) };
  } catch {
    return { name: "", message: "an error that cannot be shown", stack: "" };
  }
};

let settled = false;
const end = (kind, value, text, body) => {
  if (settled) return;
  settled = true;
  settle(kind, value, text, body);
};
const fail = (phase, error, reason) => end("failed", { phase, reason, ...describe(error) });
const crash = (error) => fail("run", error, "uncaught");
S.crash = crash;

// ---- modules and programs ----

const made = new Map();
const require = (name) => {
  if (made.has(name)) return made.get(name);
  const factory = S.modules[name];
  if (factory === undefined) {
    const error = new Error(`Cannot find module '${name}'`);
    error.code = "MODULE_NOT_FOUND";
    throw error;
  }
  const exports = factory();
  made.set(name, exports);
  return exports;
};
S.require = require;

let program = null;

const load = (code) => {
  let factory;
  try {
    factory = indirectEval(code);
  } catch (error) {
    fail("load", error, error instanceof SyntaxError ? "syntax" : "module");
    return false;
  }
  try {
    // A dialect's image may allow its programs less than the platform has.
    program = factory({ require: S.programRequire ?? require });
  } catch (error) {
    fail("load", error, "module");
    return false;
  }
  return true;
};

const isPromise = (value) => value !== null && typeof value === "object" && typeof value.then === "function";

const handler = (exports) => {
  for (let depth = 0, value = exports; depth < 3 && value; depth++, value = value.default) {
    if (typeof value === "function") return value;
  }
  return undefined;
};

// No `then` is looked up on a promise here: a function may have replaced it.
const start = async (job, body) => {
  // Top-level await gives a promise of the exports.
  if (isPromise(program)) {
    try {
      program = await program;
    } catch (error) {
      fail("load", error, "module");
      return;
    }
  }
  const exports = program;
  if (!job.driver) {
    // What the top level left behind must not get into a snapshot.
    engine.runGc();
    const keys = exports && (typeof exports === "object" || typeof exports === "function") ? Object.keys(exports) : [];
    end("loaded", { handler: handler(exports) !== undefined, exports: keys });
    entered = false;
    return;
  }
  try {
    const driver = S.drivers[job.driver];
    if (!driver) throw new Error(`unknown driver ${job.driver}`);
    const result = await driver({
      exports,
      handler: handler(exports),
      request: job.request,
      logging: job.logging,
      body,
      fail: end,
    });
    end("done", result.value, result.text === undefined ? undefined : wellFormed(result.text), result.body);
  } catch (error) {
    fail("run", error, "threw");
  }
};

// What an entry point returns: the engine asks it for `then` and is told at
// once that the call is over. The jobs that it left behind run after that.
const over = {
  __proto__: null,
  then(resolve) {
    resolve();
  },
};

// The engine finds the entry points through a global object of its own, and so
// may a function: one that is entered again could load code as the platform
// does, or begin its execution anew. An execution is entered once; a load ends
// when it has told what it found. After `S.seal` nothing more is loaded.
let entered = false;
let sealed = false;
S.seal = () => {
  sealed = true;
};

S.entry = {
  run(text, code, body) {
    if (entered || (sealed && code !== null)) return over;
    entered = true;
    settled = false;
    const job = parse(text);
    renew();
    // What an image has in it comes before what the program is.
    const isPrepared = job.preload === undefined || load(job.preload);
    if (isPrepared && (code === null || load(code))) start(job, toBytes(body));
    return over;
  },
  resume(id, ok, value, data) {
    try {
      deliver(id, ok, value, data);
    } catch (error) {
      crash(error);
    }
    return over;
  },
  tick() {
    told = undefined;
    try {
      let entry;
      if (heap.length > 0 && heap[0].due <= now()) {
        entry = heap[0];
        drop(entry);
        if (!entry.repeat) timers.delete(entry.id);
      } else if (immediates.length > 0) {
        entry = immediates.shift();
        timers.delete(entry.id);
      }
      if (entry !== undefined) {
        apply(entry.fn, entry.shown ?? undefined, entry.args);
        if (entry.repeat && timers.has(entry.id) && entry.at < 0) arm(entry);
      }
    } catch (error) {
      crash(error);
    }
    announce();
    return over;
  },
};
