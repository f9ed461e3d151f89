// node:util: inspection, promisify and callbackify, deep equality, type tests,
// parseArgs, styleText. MIMEType and transferable helpers are left out.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const { console, CryptoKey } = globalThis;
  const customPromisify = Symbol.for("nodejs.util.promisify.custom");
  const tag = (v) => Object.prototype.toString.call(v).slice(8, -1);
  const viewTag = (v) => (ArrayBuffer.isView(v) ? Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag).get.call(v) : undefined);
  const object = (test) => (v) => v !== null && (typeof v === "object" || typeof v === "function") && test(v);
  const views = ["Uint8Array", "Uint8ClampedArray", "Uint16Array", "Uint32Array", "Int8Array", "Int16Array", "Int32Array", "Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array"];
  const boxes = { isNumberObject: "Number", isStringObject: "String", isBooleanObject: "Boolean", isBigIntObject: "BigInt", isSymbolObject: "Symbol" };

  const types = {
    isDate: object(lib.is.date),
    isRegExp: object((v) => v instanceof RegExp),
    isMap: object(lib.is.map),
    isSet: object(lib.is.set),
    isWeakMap: object(lib.is.weakMap),
    isWeakSet: object(lib.is.weakSet),
    isPromise: object((v) => v instanceof Promise),
    isNativeError: object(lib.is.error),
    isArrayBuffer: (v) => v instanceof ArrayBuffer,
    isSharedArrayBuffer: (v) => typeof SharedArrayBuffer !== "undefined" && v instanceof SharedArrayBuffer,
    isAnyArrayBuffer: lib.isBuffer,
    isArrayBufferView: ArrayBuffer.isView,
    isTypedArray: (v) => viewTag(v) !== undefined,
    isDataView: (v) => v instanceof DataView,
    isAsyncFunction: (v) => typeof v === "function" && tag(v).startsWith("Async"),
    isGeneratorFunction: (v) => typeof v === "function" && tag(v).endsWith("GeneratorFunction"),
    isGeneratorObject: (v) => tag(v) === "Generator",
    isMapIterator: (v) => tag(v) === "Map Iterator",
    isSetIterator: (v) => tag(v) === "Set Iterator",
    isArgumentsObject: (v) => tag(v) === "Arguments",
    isBoxedPrimitive: object((v) => lib.is.boxed(v) !== undefined),
    isModuleNamespaceObject: (v) => tag(v) === "Module",
    isProxy: () => false,
    isExternal: () => false,
    isKeyObject: (v) => lib.KeyObject !== undefined && v instanceof lib.KeyObject,
    isCryptoKey: (v) => v instanceof CryptoKey,
  };
  for (const name of views) types[`is${name}`] = (v) => viewTag(v) === name;
  for (const name of Object.keys(boxes)) types[name] = object((v) => lib.is.boxed(v) === boxes[name]);

  // ---- deep equality, shared with node:assert ----

  const enumerableSymbols = (v) => Object.getOwnPropertySymbols(v).filter((s) => Object.prototype.propertyIsEnumerable.call(v, s));

  function sameItems(a, b, strict, memo) {
    if (a.size !== b.size) return false;
    const left = [];
    for (const item of a) if (!b.has(item) || !strict && typeof item !== "object") left.push(item);
    const others = [...b];
    return left.every((item) => {
      const at = others.findIndex((other) => deepEqual(item, other, strict, memo));
      if (at < 0) return false;
      others.splice(at, 1);
      return true;
    });
  }

  function sameEntries(a, b, strict, memo) {
    if (a.size !== b.size) return false;
    const others = [...b];
    return [...a].every(([key, value]) => {
      const at = others.findIndex(([k, v]) => deepEqual(key, k, strict, memo) && deepEqual(value, v, strict, memo));
      if (at < 0) return false;
      others.splice(at, 1);
      return true;
    });
  }

  function deepEqual(a, b, strict, memo = []) {
    if (a === b) return a !== 0 || !strict || Object.is(a, b);
    const simple = (v) => v === null || (typeof v !== "object" && typeof v !== "function");
    if (simple(a) || simple(b)) {
      if (strict) return Object.is(a, b);
      // eslint-disable-next-line eqeqeq
      return simple(a) && simple(b) && (a == b || (Number.isNaN(a) && Number.isNaN(b)));
    }
    if (typeof a === "function" || typeof b === "function") return false;
    if (strict && Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
    if (tag(a) !== tag(b) || Array.isArray(a) !== Array.isArray(b)) return false;
    if (lib.is.date(a)) {
      if (!lib.is.date(b) || !Object.is(a.getTime(), b.getTime())) return false;
    } else if (a instanceof RegExp) {
      if (!(b instanceof RegExp) || String(a) !== String(b) || a.lastIndex !== b.lastIndex) return false;
    } else if (lib.is.error(a)) {
      if (!lib.is.error(b) || a.message !== b.message || a.name !== b.name) return false;
    } else if (ArrayBuffer.isView(a)) {
      if (!ArrayBuffer.isView(b) || !lib.equalBytes(lib.bytesOf(a), lib.bytesOf(b))) return false;
      if (viewTag(a) !== viewTag(b)) return false;
    } else if (lib.isBuffer(a)) {
      if (!lib.isBuffer(b) || !lib.equalBytes(new Uint8Array(a), new Uint8Array(b))) return false;
    } else if (lib.is.boxed(a)) {
      const kind = lib.is.boxed(a);
      if (lib.is.boxed(b) !== kind || !Object.is(globalThis[kind].prototype.valueOf.call(a), globalThis[kind].prototype.valueOf.call(b))) return false;
    } else if (lib.is.promise(a) || lib.is.weakMap(a) || lib.is.weakSet(a)) {
      return false;
    }
    if (memo.some(([x, y]) => x === a && y === b)) return true;
    memo.push([a, b]);
    if (lib.is.set(a) && !(lib.is.set(b) && sameItems(a, b, strict, memo))) return false;
    if (lib.is.map(a) && !(lib.is.map(b) && sameEntries(a, b, strict, memo))) return false;
    if (Array.isArray(a) && a.length !== b.length) return false;
    if (ArrayBuffer.isView(a)) return true;
    const keys = [...Object.keys(a), ...(strict ? enumerableSymbols(a) : [])];
    const others = [...Object.keys(b), ...(strict ? enumerableSymbols(b) : [])];
    const result = keys.length === others.length && keys.every((k) => Object.prototype.propertyIsEnumerable.call(b, k) && deepEqual(a[k], b[k], strict, memo));
    memo.pop();
    return result;
  }
  lib.deepEqual = deepEqual;

  // ---- functions ----

  function promisify(original) {
    if (typeof original !== "function") throw lib.argType("original", "of type function", original);
    if (original[customPromisify]) {
      const fn = original[customPromisify];
      if (typeof fn !== "function") throw lib.argType("util.promisify.custom", "of type function", fn);
      return Object.defineProperty(fn, customPromisify, { value: fn, configurable: true });
    }
    function promisified(...args) {
      return new Promise((resolve, reject) => Reflect.apply(original, this, [...args, (error, ...values) => (error ? reject(error) : resolve(values[0]))]));
    }
    Object.setPrototypeOf(promisified, Object.getPrototypeOf(original));
    Object.defineProperty(promisified, customPromisify, { value: promisified, configurable: true });
    return Object.defineProperties(promisified, Object.getOwnPropertyDescriptors(original));
  }
  promisify.custom = customPromisify;

  function callbackify(original) {
    if (typeof original !== "function") throw lib.argType("original", "of type function", original);
    return function (...args) {
      const callback = args.pop();
      if (typeof callback !== "function") throw lib.argType("last argument", "of type function", callback);
      Reflect.apply(original, this, args).then(
        (value) => S.timers.queueMicrotask(() => callback.call(this, null, value)),
        (error) => S.timers.queueMicrotask(() => callback.call(this, error ?? lib.nodeError(Error, "ERR_FALSY_VALUE_REJECTION", "Promise was rejected with falsy value"))),
      );
    };
  }

  function inherits(ctor, parent) {
    if (typeof ctor !== "function") throw lib.argType("ctor", "of type function", ctor);
    if (typeof parent !== "function") throw lib.argType("superCtor", "of type function", parent);
    Object.defineProperty(ctor, "super_", { value: parent, writable: true, configurable: true });
    Object.setPrototypeOf(ctor.prototype, parent.prototype);
  }

  const warned = new Set();
  function deprecate(fn, message, code) {
    return function (...args) {
      const key = code ?? message;
      if (!warned.has(key)) {
        warned.add(key);
        console.warn(`DeprecationWarning: ${message}`);
      }
      return new.target ? Reflect.construct(fn, args, new.target) : Reflect.apply(fn, this, args);
    };
  }

  function debuglog(section) {
    const enabled = () => new RegExp(`(^|,)\\s*${section.replace(/[^\w-]/g, "")}\\s*(,|$)`, "i").test(S.env.NODE_DEBUG ?? "");
    const log = (...args) => {
      if (enabled()) console.error(`${section.toUpperCase()}: ${lib.format(...args)}`);
    };
    Object.defineProperty(log, "enabled", { get: enabled });
    return log;
  }

  const ERRNO = { EACCES: -13, EADDRINUSE: -98, ECONNREFUSED: -111, ECONNRESET: -104, EEXIST: -17, ENOENT: -2, ENOTFOUND: -3008, EPERM: -1, EPIPE: -32, ETIMEDOUT: -110 };

  function parseArgs({ args, options = {}, strict = true, allowPositionals = !strict, tokens: wantTokens = false } = {}) {
    args = args ?? lib.process.argv.slice(2);
    const values = Object.create(null);
    const positionals = [];
    const bad = (code, message) => lib.nodeError(TypeError, code, message);
    const store = (name, value, raw) => {
      const option = options[name];
      if (!option && strict) throw bad("ERR_PARSE_ARGS_UNKNOWN_OPTION", `Unknown option '${raw}'`);
      if (strict && option.type === "string" && typeof value !== "string") throw bad("ERR_PARSE_ARGS_INVALID_OPTION_VALUE", `Option '${raw} <value>' argument missing`);
      if (strict && option.type === "boolean" && typeof value === "string") throw bad("ERR_PARSE_ARGS_INVALID_OPTION_VALUE", `Option '${raw}' does not take an argument`);
      const result = value ?? true;
      if (option?.multiple) (values[name] ??= []).push(result);
      else values[name] = result;
    };
    for (let i = 0; i < args.length; i++) {
      const arg = args[i];
      if (arg === "--") {
        positionals.push(...args.slice(i + 1));
        break;
      }
      if (arg.startsWith("--")) {
        const eq = arg.indexOf("=");
        let name = eq < 0 ? arg.slice(2) : arg.slice(2, eq);
        if (eq >= 0) store(name, arg.slice(eq + 1), `--${name}`);
        else if (options[name]?.type === "string") store(name, args[++i], `--${name}`);
        else store(name, undefined, arg);
      } else if (arg.length > 1 && arg.startsWith("-")) {
        for (let j = 1; j < arg.length; j++) {
          const name = Object.keys(options).find((k) => options[k].short === arg[j]) ?? arg[j];
          if (options[name]?.type === "string") {
            store(name, j + 1 < arg.length ? arg.slice(j + 1) : args[++i], `-${arg[j]}`);
            break;
          }
          store(name, undefined, `-${arg[j]}`);
        }
      } else {
        if (!allowPositionals) throw bad("ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL", `Unexpected argument '${arg}'. This command does not take positional arguments`);
        positionals.push(arg);
      }
    }
    for (const name of Object.keys(options)) if (values[name] === undefined && options[name].default !== undefined) values[name] = options[name].default;
    return wantTokens ? { values, positionals, tokens: [] } : { values, positionals };
  }

  const util = {
    inspect: lib.inspect,
    format: lib.format,
    formatWithOptions: lib.formatWithOptions,
    promisify,
    callbackify,
    inherits,
    deprecate,
    debuglog,
    debug: debuglog,
    types,
    isDeepStrictEqual: (a, b) => deepEqual(a, b, true),
    parseArgs,
    stripVTControlCharacters: (text) => String(text).replace(/\u001b\[[0-?]*[ -/]*[@-~]|\u001b\][^\u0007]*\u0007/g, ""),
    styleText: (format, text) => String(text),
    toUSVString: (text) => String(text).toWellFormed(),
    aborted: (signal) => new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener("abort", () => resolve(), { once: true }))),
    getSystemErrorName: (n) => Object.keys(ERRNO).find((k) => ERRNO[k] === n),
    getSystemErrorMap: () => new Map(Object.entries(ERRNO).map(([k, v]) => [v, [k, k]])),
    TextEncoder: globalThis.TextEncoder,
    TextDecoder: globalThis.TextDecoder,
    isArray: Array.isArray,
    isRegExp: types.isRegExp,
    isDate: types.isDate,
    isError: (v) => v instanceof Error,
    isBuffer: globalThis.Buffer.isBuffer,
    isFunction: (v) => typeof v === "function",
    isString: (v) => typeof v === "string",
    isNumber: (v) => typeof v === "number",
    isObject: (v) => v !== null && typeof v === "object",
    isUndefined: (v) => v === undefined,
    isNull: (v) => v === null,
    isNullOrUndefined: (v) => v === null || v === undefined,
    isBoolean: (v) => typeof v === "boolean",
    isSymbol: (v) => typeof v === "symbol",
    isPrimitive: (v) => v === null || (typeof v !== "object" && typeof v !== "function"),
    _extend: Object.assign,
  };
  S.modules["node:util"] = () => util;
  S.modules["node:util/types"] = () => types;
  S.modules["node:sys"] = () => util;
})();
