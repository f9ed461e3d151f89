// Makes an engine image with the prelude one of Nango functions: the globals
// that their host has and no others, a `require` of three modules, a silent
// `console`, no code from text.
//
// An expression: a function of what every program is called with, and of what
// `require("zod")` is to give. The image calls it once, after the prelude and
// zod. `globalThis.__strata` must be there still; it is gone afterwards.
//
// zod looks `atob`, `btoa` and `File` up when it checks base64, JWTs and files.
// They are gone then, so its text must be evaluated in a function that binds
// these names:
//   (function (atob, btoa, File) { … })(atob, btoa, File)
(function (_platform, zod) {
  "use strict";
  const S = globalThis.__strata;

  // What the language has, and the host's own: see 10-core.js and its
  // successors. `__cqjs` is the engine's.
  const LANGUAGE =
    "globalThis undefined NaN Infinity Object Function Array Number String Boolean Symbol BigInt Math JSON Date RegExp Reflect Proxy Promise " +
    "Map Set WeakMap WeakSet WeakRef FinalizationRegistry Iterator Intl Atomics ArrayBuffer SharedArrayBuffer DataView Int8Array Uint8Array " +
    "Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array BigInt64Array BigUint64Array Float16Array Float32Array Float64Array " +
    "EvalError RangeError ReferenceError SyntaxError TypeError URIError AggregateError SuppressedError DisposableStack AsyncDisposableStack " +
    "parseInt parseFloat isNaN isFinite decodeURI decodeURIComponent encodeURI encodeURIComponent escape unescape eval";
  const HOST = "Error Buffer URL URLSearchParams setTimeout console __cqjs";
  const kept = new Set(`${LANGUAGE} ${HOST}`.split(" "));

  const hide = (target, name, value) => Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false });

  // ---- modules ----

  S.modules.zod = () => zod;
  // It would make code from text where it thinks that it may.
  zod.config({ jitless: true });
  const { require } = S;
  const ALLOWED = { url: "node:url", crypto: "node:crypto", zod: "zod" };
  S.programRequire = (name) => {
    if (!Object.hasOwn(ALLOWED, name)) throw new Error(`Module '${name}' is not allowed`);
    return require(ALLOWED[name]);
  };

  // ---- console ----

  // Prints only while a driver asks for it, and never fails: what a function
  // prints may refuse to be looked at.
  S.printing = false;
  S.onConsole = () => {};
  const { console } = globalThis;
  for (const name of Object.keys(console)) {
    const print = console[name];
    if (name === "Console") {
      delete console[name];
      continue;
    }
    hide(console, name, (...args) => {
      if (!S.printing) return;
      try {
        print(...args);
      } catch {
        // Nothing is printed.
      }
    });
  }

  // ---- code from text ----

  const refuse = () => {
    throw new EvalError("Code generation from strings disallowed for this context");
  };
  hide(globalThis, "eval", function () {
    refuse();
  });
  for (const fn of [function () {}, async function () {}, function* () {}, async function* () {}]) {
    const prototype = Object.getPrototypeOf(fn);
    const { name } = prototype.constructor;
    const Refusing = function () {
      refuse();
    };
    Object.defineProperties(Refusing, {
      name: { value: name, configurable: true },
      // `instanceof` goes on to work.
      prototype: { value: prototype, writable: false },
    });
    Object.defineProperty(prototype, "constructor", { value: Refusing, configurable: true });
    if (name === "Function") hide(globalThis, name, Refusing);
  }

  // ---- globals ----

  for (const name of Reflect.ownKeys(globalThis)) {
    if (typeof name === "symbol" || kept.has(name)) continue;
    Reflect.deleteProperty(globalThis, name);
  }
})
