// The globals of a function: those of the language, and of the platform's the
// ones that the reference names (section 11.1). Everything else goes when a
// bundle of this dialect is loaded, before the function's module is evaluated.
const S = globalThis.__strata;
const P = (S.pubnub ??= {});
const { Error, EvalError, TypeError } = globalThis;
const { defineProperty, getPrototypeOf } = Object;

const LANGUAGE =
  "globalThis undefined NaN Infinity Object Array Number String Boolean Symbol BigInt Math JSON Date RegExp Reflect Proxy Promise " +
  "Map Set WeakMap WeakSet WeakRef FinalizationRegistry Iterator Intl Atomics ArrayBuffer SharedArrayBuffer DataView Int8Array Uint8Array " +
  "Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array BigInt64Array BigUint64Array Float16Array Float32Array Float64Array " +
  "Error EvalError RangeError ReferenceError SyntaxError TypeError URIError AggregateError SuppressedError DisposableStack AsyncDisposableStack " +
  "parseInt parseFloat isNaN isFinite decodeURI decodeURIComponent encodeURI encodeURIComponent escape unescape";
// `__cqjs` is the engine's, which looks for it there; see 90-loop.js.
const PLATFORM = "URL URLSearchParams TextEncoder TextDecoder structuredClone __cqjs";
const kept = new Set(`${LANGUAGE} ${PLATFORM}`.split(" "));
// All globals are there: drivers come last.
const gone = Reflect.ownKeys(globalThis).filter((name) => typeof name === "string" && !kept.has(name));

const hide = (target, name, value) => defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false });

const { setTimeout, clearTimeout } = S.timers;

// Ids are numbers, and callbacks see nothing of the platform's timers.
const timers = {
  setTimeout(fn, delay, ...args) {
    if (typeof fn !== "function") throw new TypeError("The callback must be a function");
    const work = () => {
      try {
        fn(...args);
      } catch (error) {
        P.crash(error);
      }
    };
    return +setTimeout(work, delay);
  },
  clearTimeout(id) {
    if (typeof id === "number") clearTimeout(id);
  },
};

// Functions from text cannot be made by way of a constructor either.
const kinds = [function () {}, async function () {}, function* () {}, async function* () {}].map(getPrototypeOf);
const refuseText = (prototype) => {
  const Refusing = function () {
    throw new EvalError("Code generation from strings disallowed for this context");
  };
  defineProperty(Refusing, "name", { value: prototype.constructor.name, configurable: true });
  // `instanceof` goes on to work.
  defineProperty(Refusing, "prototype", { value: prototype, writable: false });
  defineProperty(prototype, "constructor", { value: Refusing, configurable: true });
  return Refusing;
};

// Whoever makes the text of stacks gets hold of every function on them, the
// platform's own included.
const nobody = { get: () => undefined, set() {}, enumerable: false, configurable: false };

P.enclose = () => {
  S.seal();
  defineProperty(Error, "prepareStackTrace", nobody);
  const [Function] = kinds.map(refuseText);
  for (const name of gone) delete globalThis[name];
  defineProperty(globalThis, "__cqjs", { value: Object.freeze(globalThis.__cqjs), writable: false, configurable: false });
  hide(globalThis, "Function", Function);
  hide(globalThis, "console", P.console());
  hide(globalThis, "setTimeout", timers.setTimeout);
  hide(globalThis, "clearTimeout", timers.clearTimeout);
};
