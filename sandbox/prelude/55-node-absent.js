// Modules of node that have no meaning here. They can be imported, as many
// packages do without using them; using a member throws an error that names it.
// node:fs answers questions as an empty file system would.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const { unavailable } = lib;
  // Members that module loaders and interop helpers look at.
  const QUIET = new Set(["__esModule", "default", "then", "toJSON", "prototype", "constructor", "length", "name", "caller", "arguments"]);

  // A function, class and namespace at once, each use of which fails.
  function missing(path) {
    const target = function () {};
    return new Proxy(target, {
      get(_, key) {
        if (typeof key === "symbol" || QUIET.has(key)) return key === "prototype" ? target.prototype : Reflect.get(target, key);
        return missing(`${path}.${key}`);
      },
      apply() {
        throw unavailable(path);
      },
      construct() {
        throw unavailable(path);
      },
    });
  }

  const absent = (name, known = {}) => {
    const module = new Proxy(known, {
      get(target, key) {
        if (typeof key === "symbol" || key in target) return target[key];
        if (key === "default") return module;
        if (QUIET.has(key)) return undefined;
        return (target[key] = missing(`${name}.${key}`));
      },
      has: (target, key) => key in target || (typeof key === "string" && !QUIET.has(key)),
    });
    return module;
  };

  const noEntry = (call, path) => {
    const error = lib.nodeError(Error, "ENOENT", `ENOENT: no such file or directory, ${call} '${path}' (Strata functions have no file system)`);
    return Object.assign(error, { errno: -2, syscall: call, path: `${path}` });
  };
  const READS = { access: "access", readFile: "open", open: "open", stat: "stat", lstat: "lstat", readdir: "scandir", readlink: "readlink", realpath: "lstat", opendir: "opendir" };
  const promises = {};
  const fs = {
    constants: { F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1, O_RDONLY: 0, O_WRONLY: 1, O_RDWR: 2, O_CREAT: 64, O_EXCL: 128, O_TRUNC: 512, O_APPEND: 1024, COPYFILE_EXCL: 1, S_IFMT: 61440, S_IFREG: 32768, S_IFDIR: 16384, S_IFLNK: 40960 },
    existsSync: () => false,
    exists: (path, callback) => lib.tick(callback, false),
    promises: absent("node:fs/promises", promises),
    F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1,
    createReadStream(path) {
      const stream = new lib.Readable({ read() {} });
      lib.tick(() => stream.destroy(noEntry("open", path)));
      return stream;
    },
  };
  for (const [name, call] of Object.entries(READS)) {
    fs[`${name}Sync`] = (path, options) => {
      if (options?.throwIfNoEntry === false) return undefined;
      throw noEntry(call, path);
    };
    fs[name] = (path, ...rest) => lib.tick(rest.at(-1), noEntry(call, path));
    promises[name] = async (path) => {
      throw noEntry(call, path);
    };
  }
  promises.constants = fs.constants;
  fs.realpathSync.native = fs.realpathSync;
  fs.realpath.native = fs.realpath;
  class Stats {}
  class Dirent {}
  Object.assign(fs, { Stats, Dirent });

  const isIPv4 = (text) => /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(text);
  const isIPv6 = (text) => {
    if (typeof text !== "string" || !text.includes(":")) return false;
    return S.call("url.parse", { input: `http://[${text.replace(/%.*$/, "")}]/` }).value !== undefined;
  };
  const net = { isIPv4, isIPv6, isIP: (text) => (isIPv4(text) ? 4 : isIPv6(text) ? 6 : 0), Socket: lib.Socket };

  const table = {
    "node:fs": fs,
    "node:net": net,
    "node:worker_threads": { isMainThread: true, parentPort: null, workerData: null, threadId: 0, resourceLimits: {}, markAsUncloneable() {}, markAsUntransferable() {}, isMarkedAsUntransferable: () => false, getEnvironmentData: () => undefined, setEnvironmentData() {}, SHARE_ENV: Symbol.for("nodejs.worker_threads.SHARE_ENV"), MessageChannel: globalThis.MessageChannel, MessagePort: globalThis.MessagePort },
    "node:tls": { rootCertificates: [], DEFAULT_MIN_VERSION: "TLSv1.2", DEFAULT_MAX_VERSION: "TLSv1.3", checkServerIdentity: () => undefined },
    "node:cluster": { isMaster: true, isPrimary: true, isWorker: false, workers: {} },
    "node:module": { builtinModules: [], isBuiltin: (name) => S.modules[name] !== undefined || S.modules[`node:${name}`] !== undefined },
    "node:tty": { isatty: () => false },
    "node:http2": { constants: { HTTP2_HEADER_STATUS: ":status", HTTP2_HEADER_METHOD: ":method", HTTP2_HEADER_PATH: ":path", HTTP2_HEADER_AUTHORITY: ":authority", HTTP2_HEADER_SCHEME: ":scheme", HTTP2_HEADER_CONTENT_LENGTH: "content-length" } },
    "node:v8": { getHeapStatistics: () => ({ total_heap_size: 32 << 20, used_heap_size: 16 << 20, heap_size_limit: 512 << 20 }) },
  };
  for (const name of ["child_process", "dns", "dns/promises", "dgram", "readline", "readline/promises", "repl", "inspector", "vm", "wasi", "trace_events", "domain", "test", "sqlite", "sea"]) table[`node:${name}`] ??= {};
  for (const name of Object.keys(table)) {
    const module = absent(name, table[name]);
    S.modules[name] = () => module;
  }
  S.modules["node:fs/promises"] = () => fs.promises;
  const createRequire = () => (name) => S.require(name.startsWith("node:") || S.modules[name] ? name : `node:${name}`);
  table["node:module"].createRequire = createRequire;
  const constants = { ...fs.constants, ...S.modules["node:os"]().constants.signals, ...S.modules["node:os"]().constants.errno };
  S.modules["node:constants"] = () => constants;
})();
