// structuredClone: the types of the language, Blob and File, and transferred
// array buffers. Streams and ports cannot be transferred.
(() => {
  "use strict";
  const { lib } = globalThis.__strata;
  const { DOMException, File } = globalThis;
  const ERRORS = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

  const refuse = (what) => {
    throw new DOMException(`${what} could not be cloned.`, "DataCloneError");
  };

  function clone(value, seen) {
    if (typeof value === "symbol") refuse(String(value));
    if (typeof value === "function") refuse(lib.inspect(value));
    if (value === null || typeof value !== "object") return value;
    if (seen.has(value)) return seen.get(value);
    const keep = (copy) => {
      seen.set(value, copy);
      return copy;
    };
    const boxed = lib.is.boxed(value);
    if (boxed === "Symbol") refuse("Symbol object");
    if (boxed) return keep(Object(globalThis[boxed].prototype.valueOf.call(value)));
    if (lib.is.date(value)) return keep(new Date(value.getTime()));
    if (lib.is.regexp(value)) return keep(new RegExp(value.source, value.flags));
    if (value instanceof ArrayBuffer) {
      if (value.detached) refuse("A detached ArrayBuffer");
      return keep(value.slice(0));
    }
    if (ArrayBuffer.isView(value)) {
      const buffer = clone(value.buffer, seen);
      const ctor = value instanceof DataView ? DataView : globalThis[viewName(value)];
      return keep(new ctor(buffer, value.byteOffset, value instanceof DataView ? value.byteLength : value.length));
    }
    if (lib.is.map(value)) {
      const copy = keep(new Map());
      for (const [k, v] of [...value]) copy.set(clone(k, seen), clone(v, seen));
      return copy;
    }
    if (lib.is.set(value)) {
      const copy = keep(new Set());
      for (const v of [...value]) copy.add(clone(v, seen));
      return copy;
    }
    if (lib.isBlob(value)) {
      const bytes = lib.blobBytes(value).slice();
      return keep(value instanceof File ? new File([bytes], value.name, { type: value.type, lastModified: value.lastModified }) : lib.makeBlob(bytes, value.type));
    }
    if (value instanceof DOMException) return keep(new DOMException(value.message, value.name));
    if (lib.is.error(value)) {
      const name = String(value.name);
      const made = keep(new (ERRORS[name] ?? Error)());
      if (value.message !== undefined) lib.define(made, "message", String(value.message));
      if (typeof value.stack === "string") lib.define(made, "stack", value.stack);
      if (Object.hasOwn(value, "cause")) lib.define(made, "cause", clone(value.cause, seen));
      return made;
    }
    if (value instanceof WeakMap || value instanceof WeakSet || value instanceof WeakRef || lib.is.promise(value)) refuse(`#<${value.constructor.name}>`);
    if (Array.isArray(value)) {
      const copy = keep(new Array(value.length));
      for (const key of Object.keys(value)) copy[key] = clone(value[key], seen);
      return copy;
    }
    const copy = keep({});
    for (const key of Object.keys(value)) copy[key] = clone(value[key], seen);
    return copy;
  }

  const viewName = (view) => Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag).get.call(view);

  function structuredClone(value, options) {
    lib.requireArgs(arguments, 1, "structuredClone");
    const seen = new Map();
    const moved = [...(options?.transfer ?? [])];
    for (const item of moved) {
      if (!(item instanceof ArrayBuffer) || item.detached) refuse("A value in the transfer list");
      if (seen.has(item)) refuse("A buffer listed twice");
      seen.set(item, null);
    }
    // Detach only once the whole value turned out to be cloneable.
    for (const item of moved) seen.set(item, item.slice(0));
    const copy = clone(value, seen);
    for (const item of moved) item.transfer?.();
    return copy;
  }

  lib.globals({ structuredClone });
})();
