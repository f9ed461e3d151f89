// process, node:os, node:timers, node:perf_hooks and node:async_hooks.
// AsyncLocalStorage follows one `run` until its promise settles; stores of two
// runs that overlap in time can be mixed up after an `await`, as the engine has
// no hook there.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const { console } = globalThis;
  const { EventEmitter, Writable } = lib;
  const VERSION = "v22.12.0";

  const unavailable = (lib.unavailable = (what) => lib.nodeError(Error, "ERR_FEATURE_UNAVAILABLE_ON_PLATFORM", `${what} is not available in Strata functions`));

  // ---- process ----

  // Lines of one output; an unfinished line is written with the next one.
  function output(fd, level) {
    let held = "";
    const stream = new Writable({
      decodeStrings: false,
      write(chunk, encoding, callback) {
        held += typeof chunk === "string" ? chunk : lib.utf8Decode(chunk);
        const lines = held.split("\n");
        held = lines.pop();
        if (lines.length === 0 && held.length > 0) lines.push(held), (held = "");
        for (const line of lines) S.call("log", { level, line });
        callback();
      },
    });
    return Object.assign(stream, { fd, isTTY: false, columns: 80, _isStdio: true });
  }

  class Process extends EventEmitter {}
  const process = new Process();
  const start = () => S.now();
  let title = "strata";
  let outputs = null;
  const stdio = () => (outputs ??= { stdout: output(1, "info"), stderr: output(2, "error"), stdin: new lib.Readable({ read() { this.push(null); } }) });
  const hrtime = (since) => {
    const ns = BigInt(Math.round(start() * 1e6));
    const now = [Number(ns / 1000000000n), Number(ns % 1000000000n)];
    if (!since) return now;
    let [s, n] = [now[0] - since[0], now[1] - since[1]];
    if (n < 0) [s, n] = [s - 1, n + 1e9];
    return [s, n];
  };
  hrtime.bigint = () => BigInt(Math.round(start() * 1e6));
  const memoryUsage = () => ({ rss: 64 << 20, heapTotal: 32 << 20, heapUsed: 16 << 20, external: 1 << 20, arrayBuffers: 0 });
  memoryUsage.rss = () => 64 << 20;

  lib.methods(process, {
    version: VERSION,
    versions: { node: VERSION.slice(1), v8: "12.4.254.21-node.21", uv: "1.49.1", zlib: "1.3.0.1", modules: "127", openssl: "3.0.15", unicode: "16.0" },
    release: { name: "node", lts: "Jod" },
    arch: "x64",
    platform: "linux",
    argv: ["/usr/bin/node", "/usr/code/index.js"],
    argv0: "node",
    execArgv: [],
    execPath: "/usr/bin/node",
    pid: 1,
    ppid: 0,
    exitCode: undefined,
    debugPort: 9229,
    features: { inspector: false, debug: false, uv: false, ipv6: true, tls: true, typescript: false },
    config: { target_defaults: {}, variables: {} },
    report: {},
    allowedNodeEnvironmentFlags: new Set(),
    cwd: () => "/usr/code",
    chdir: () => {
      throw unavailable("process.chdir");
    },
    umask: () => 0o22,
    getuid: () => 1000,
    geteuid: () => 1000,
    getgid: () => 1000,
    getegid: () => 1000,
    getgroups: () => [1000],
    nextTick(fn, ...args) {
      if (typeof fn !== "function") throw lib.argType("callback", "of type function", fn);
      S.timers.queueMicrotask(args.length ? () => fn(...args) : fn);
    },
    hrtime,
    memoryUsage,
    constrainedMemory: () => 0,
    availableMemory: () => 64 << 20,
    cpuUsage: () => ({ user: 0, system: 0 }),
    resourceUsage: () => ({ userCPUTime: 0, systemCPUTime: 0, maxRSS: 65536 }),
    uptime: () => start() / 1000,
    exit(code = process.exitCode ?? 0) {
      throw lib.nodeError(Error, "ERR_PROCESS_EXIT", `process.exit(${code}) was called: a Strata function ends by returning`);
    },
    abort() {
      throw unavailable("process.abort");
    },
    kill() {
      throw unavailable("process.kill");
    },
    binding(name) {
      throw unavailable(`process.binding(${name})`);
    },
    dlopen() {
      throw unavailable("process.dlopen");
    },
    emitWarning(warning, type) {
      const name = (typeof type === "object" ? type?.type : type) ?? warning?.name ?? "Warning";
      console.warn(`(node:1) ${name}: ${warning?.message ?? warning}`);
    },
    getBuiltinModule: (name) => S.modules[name.startsWith("node:") ? name : `node:${name}`]?.(),
    setUncaughtExceptionCaptureCallback: () => {},
    hasUncaughtExceptionCaptureCallback: () => false,
    setSourceMapsEnabled: () => {},
    getActiveResourcesInfo: () => [],
    ref: () => {},
    unref: () => {},
  });
  for (const key of Object.keys(Object.getOwnPropertyDescriptors(process))) {
    if (!key.startsWith("_")) Object.defineProperty(process, key, { enumerable: true });
  }
  Object.defineProperties(process, {
    env: { enumerable: true, configurable: true, get: () => S.env, set: (v) => Object.assign(S.env, v) },
    stdout: { enumerable: true, configurable: true, get: () => stdio().stdout },
    stderr: { enumerable: true, configurable: true, get: () => stdio().stderr },
    stdin: { enumerable: true, configurable: true, get: () => stdio().stdin },
    title: { enumerable: true, configurable: true, get: () => title, set: (v) => (title = String(v)) },
  });
  Object.defineProperty(process, Symbol.toStringTag, { value: "process", configurable: true });
  process.setMaxListeners(0);
  S.modules["node:process"] = () => process;
  lib.process = process;
  lib.globals({ process });

  S.modules["node:console"] = () => globalThis.console;

  // ---- os ----

  const signals = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGUSR1: 10, SIGUSR2: 12, SIGPIPE: 13, SIGALRM: 14, SIGTERM: 15 };
  const os = {
    EOL: "\n",
    devNull: "/dev/null",
    constants: { signals, errno: { EACCES: 13, EEXIST: 17, EINVAL: 22, ENOENT: 2, EPERM: 1, EPIPE: 32, ETIMEDOUT: 110 }, priority: {}, dlopen: {}, UV_UDP_REUSEADDR: 4 },
    arch: () => "x64",
    platform: () => "linux",
    type: () => "Linux",
    release: () => "6.0.0",
    version: () => "#1 SMP",
    machine: () => "x86_64",
    hostname: () => "strata",
    homedir: () => "/usr/code",
    tmpdir: () => "/tmp",
    endianness: () => "LE",
    uptime: () => start() / 1000,
    loadavg: () => [0, 0, 0],
    totalmem: () => 512 << 20,
    freemem: () => 256 << 20,
    cpus: () => [{ model: "wasm", speed: 0, times: { user: 0, nice: 0, sys: 0, idle: 0, irq: 0 } }],
    availableParallelism: () => 1,
    networkInterfaces: () => ({}),
    userInfo: () => ({ uid: 1000, gid: 1000, username: "strata", homedir: "/usr/code", shell: null }),
    getPriority: () => 0,
    setPriority: () => {},
  };
  S.modules["node:os"] = () => os;

  // ---- timers ----

  const aborted = (signal) => signal?.aborted;
  const timed = (arm, disarm) => (delay, value, { signal } = {}) =>
    new Promise((resolve, reject) => {
      if (aborted(signal)) return reject(lib.abortError(signal));
      const onAbort = () => {
        disarm(timer);
        reject(lib.abortError(signal));
      };
      const timer = arm(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve(value);
      }, delay);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  const delayed = timed((fn, ms) => globalThis.setTimeout(fn, ms), (t) => globalThis.clearTimeout(t));
  const immediate = timed((fn) => globalThis.setImmediate(fn), (t) => globalThis.clearImmediate(t));
  const promises = {
    setTimeout: delayed,
    setImmediate: (value, options) => immediate(0, value, options),
    async *setInterval(delay, value, options) {
      for (;;) yield delayed(delay, value, options);
    },
    scheduler: { wait: (delay, options) => delayed(delay, undefined, options), yield: () => immediate(0) },
  };
  S.modules["node:timers/promises"] = () => promises;
  S.modules["node:timers"] = () => {
    const { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate } = globalThis;
    const custom = Symbol.for("nodejs.util.promisify.custom");
    Object.defineProperty(setTimeout, custom, { value: promises.setTimeout, configurable: true });
    Object.defineProperty(setImmediate, custom, { value: promises.setImmediate, configurable: true });
    return { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate, promises };
  };

  // ---- perf_hooks ----

  S.modules["node:perf_hooks"] = () => ({
    performance: globalThis.performance,
    Performance: globalThis.Performance,
    PerformanceEntry: globalThis.PerformanceEntry,
    PerformanceObserver: globalThis.PerformanceObserver,
    constants: {},
    monitorEventLoopDelay: () => ({ enable: () => true, disable: () => true, reset() {}, percentile: () => 0, min: 0, max: 0, mean: 0, stddev: 0 }),
    createHistogram: () => ({ record() {}, reset() {}, percentile: () => 0, min: 0, max: 0, mean: 0, stddev: 0, count: 0 }),
  });

  // ---- async_hooks ----

  class AsyncLocalStorage {
    #store;
    run(store, fn, ...args) {
      const before = this.#store;
      this.#store = store;
      let result;
      try {
        result = fn(...args);
      } catch (error) {
        this.#store = before;
        throw error;
      }
      if (result === null || typeof result !== "object" || typeof result.then !== "function") {
        this.#store = before;
        return result;
      }
      const restore = () => {
        if (this.#store === store) this.#store = before;
      };
      result.then(restore, restore);
      return result;
    }
    exit(fn, ...args) {
      return this.run(undefined, fn, ...args);
    }
    getStore() {
      return this.#store;
    }
    enterWith(store) {
      this.#store = store;
    }
    disable() {
      this.#store = undefined;
    }
    static bind(fn) {
      return fn;
    }
    static snapshot() {
      return (fn, ...args) => fn(...args);
    }
  }
  class AsyncResource {
    constructor(type) {
      this.type = type;
    }
    runInAsyncScope(fn, thisArg, ...args) {
      return fn.apply(thisArg, args);
    }
    bind(fn, thisArg) {
      return fn.bind(thisArg ?? this);
    }
    static bind(fn, type, thisArg) {
      return thisArg === undefined ? fn : fn.bind(thisArg);
    }
    emitDestroy() {
      return this;
    }
    asyncId() {
      return 1;
    }
    triggerAsyncId() {
      return 0;
    }
  }
  const hooks = {
    AsyncLocalStorage, AsyncResource,
    createHook: () => ({ enable() { return this; }, disable() { return this; } }),
    executionAsyncId: () => 1, triggerAsyncId: () => 0, executionAsyncResource: () => ({}), asyncWrapProviders: {},
  };
  S.modules["node:async_hooks"] = () => hooks;
  S.modules["node:diagnostics_channel"] = () => {
    const channels = new Map();
    class Channel {
      #subscribers = [];
      constructor(name) {
        this.name = name;
      }
      get hasSubscribers() {
        return this.#subscribers.length > 0;
      }
      subscribe(fn) {
        this.#subscribers.push(fn);
      }
      unsubscribe(fn) {
        const at = this.#subscribers.indexOf(fn);
        if (at >= 0) this.#subscribers.splice(at, 1);
        return at >= 0;
      }
      publish(message) {
        for (const fn of this.#subscribers) fn(message, this.name);
      }
      runStores(context, fn, thisArg, ...args) {
        return fn.apply(thisArg, args);
      }
      bindStore() {}
      unbindStore() {}
    }
    const channel = (name) => {
      if (!channels.has(name)) channels.set(name, new Channel(name));
      return channels.get(name);
    };
    const tracingChannel = (name) => {
      const parts = Object.fromEntries(["start", "end", "asyncStart", "asyncEnd", "error"].map((e) => [e, channel(`tracing:${name}:${e}`)]));
      return { ...parts, hasSubscribers: false, subscribe() {}, unsubscribe() {}, traceSync: (fn, c, t, ...a) => fn.apply(t, a), tracePromise: (fn, c, t, ...a) => fn.apply(t, a), traceCallback: (fn, p, c, t, ...a) => fn.apply(t, a) };
    };
    return { Channel, channel, tracingChannel, hasSubscribers: (name) => channel(name).hasSubscribers, subscribe: (name, fn) => channel(name).subscribe(fn), unsubscribe: (name, fn) => channel(name).unsubscribe(fn) };
  };
})();
