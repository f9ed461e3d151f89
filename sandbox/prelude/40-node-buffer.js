// node:buffer and the global Buffer. Buffers share no pool: each has its own
// memory unless it was made over someone else's. Numbers are read and written
// in 41-node-buffer-numbers.js; transcode is left out.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const { TextDecoder } = globalThis;
  const MAX_LENGTH = 2 ** 31 - 1;

  // Errors with the codes programs test for.
  lib.nodeError = (Class, code, message) => {
    const error = new Class(message);
    lib.define(error, "code", code);
    Object.defineProperty(error, "code", { enumerable: true });
    lib.define(error, "toString", function () {
      return `${this.name} [${code}]: ${this.message}`;
    });
    return error;
  };
  const received = (lib.received = (v) => {
    if (v === null || v === undefined) return `Received ${v}`;
    if (typeof v === "function") return `Received function ${v.name}`;
    if (typeof v === "object") return v.constructor?.name ? `Received an instance of ${v.constructor.name}` : `Received ${lib.inspect(v, { depth: -1 })}`;
    const text = lib.inspect(v);
    return `Received type ${typeof v} (${text.length > 28 ? `${text.slice(0, 25)}...` : text})`;
  });
  lib.argType = (name, expected, value) => lib.nodeError(TypeError, "ERR_INVALID_ARG_TYPE", `The "${name}" argument must be ${expected}. ${received(value)}`);
  lib.outOfRange = (name, range, value) => lib.nodeError(RangeError, "ERR_OUT_OF_RANGE", `The value of "${name}" is out of range. It must be ${range}. Received ${lib.inspect(value)}`);

  class FastBuffer extends Uint8Array {}

  function Buffer(arg, encodingOrOffset, length) {
    return typeof arg === "number" ? alloc(arg) : from(arg, encodingOrOffset, length);
  }
  Object.setPrototypeOf(Buffer, Uint8Array);
  Buffer.prototype = FastBuffer.prototype;
  lib.define(FastBuffer.prototype, "constructor", Buffer);
  Object.defineProperty(Buffer, Symbol.species, { get: () => FastBuffer, configurable: true });

  const wrap = (bytes) => new FastBuffer(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  lib.toBuffer = wrap;

  const ENCODINGS = {
    utf8: "utf8", "utf-8": "utf8", hex: "hex", base64: "base64", base64url: "base64url", ascii: "ascii", latin1: "latin1",
    binary: "latin1", ucs2: "utf16le", "ucs-2": "utf16le", utf16le: "utf16le", "utf-16le": "utf16le",
  };
  const encodingOf = (lib.encodingOf = (name) => {
    if (name === undefined || name === null || name === "") return "utf8";
    const known = ENCODINGS[name] ?? ENCODINGS[String(name).toLowerCase()];
    if (!known) throw lib.nodeError(TypeError, "ERR_UNKNOWN_ENCODING", `Unknown encoding: ${name}`);
    return known;
  });

  const encode = (lib.encodeText = (text, encoding) => {
    switch (encodingOf(encoding)) {
      case "utf8":
        return lib.utf8Encode(text);
      case "hex":
        return lib.hexDecode(text);
      case "base64":
      case "base64url":
        return lib.base64Decode(text);
      case "utf16le": {
        const out = new Uint8Array(text.length * 2);
        for (let i = 0; i < text.length; i++) {
          const c = text.charCodeAt(i);
          out[2 * i] = c;
          out[2 * i + 1] = c >> 8;
        }
        return out;
      }
      default:
        return lib.latin1Encode(text);
    }
  });

  const decode = (lib.decodeText = (bytes, encoding) => {
    switch (encodingOf(encoding)) {
      case "utf8":
        return lib.utf8Decode(bytes);
      case "hex":
        return lib.hexEncode(bytes);
      case "base64":
        return lib.base64Encode(bytes);
      case "base64url":
        return lib.base64Encode(bytes, true);
      case "ascii":
        return lib.latin1Decode(bytes.map((b) => b & 127));
      case "utf16le": {
        const units = [];
        for (let i = 0; i + 1 < bytes.length; i += 2) units.push(bytes[i] | (bytes[i + 1] << 8));
        return lib.fromUnits(units);
      }
      default:
        return lib.latin1Decode(bytes);
    }
  });

  function size(n) {
    if (typeof n !== "number") throw lib.argType("size", "of type number", n);
    if (!(n >= 0 && n <= MAX_LENGTH)) throw lib.outOfRange("size", `>= 0 && <= ${MAX_LENGTH}`, n);
    return n;
  }

  function alloc(n, fill, encoding) {
    const buffer = new FastBuffer(size(n));
    return fill !== undefined && fill !== 0 && n > 0 ? buffer.fill(fill, encoding) : buffer;
  }

  function from(value, encodingOrOffset, length) {
    if (typeof value === "string") return wrap(encode(value, encodingOrOffset));
    if (value !== null && typeof value === "object") {
      if (lib.isBuffer(value)) {
        const offset = encodingOrOffset === undefined ? 0 : +encodingOrOffset || 0;
        if (offset > value.byteLength) throw lib.nodeError(RangeError, "ERR_BUFFER_OUT_OF_BOUNDS", '"offset" is outside of buffer bounds');
        if (length === undefined) return new FastBuffer(value, offset);
        if (offset + length > value.byteLength) throw lib.nodeError(RangeError, "ERR_BUFFER_OUT_OF_BOUNDS", '"length" is outside of buffer bounds');
        return new FastBuffer(value, offset, Math.max(0, length));
      }
      const inner = value.valueOf?.();
      if (inner !== null && inner !== undefined && inner !== value && (typeof inner === "string" || typeof inner === "object")) return from(inner, encodingOrOffset, length);
      const list = fromObject(value);
      if (list) return list;
      if (typeof value[Symbol.toPrimitive] === "function") {
        const primitive = value[Symbol.toPrimitive]("string");
        if (typeof primitive === "string") return from(primitive, encodingOrOffset);
      }
    }
    throw lib.nodeError(TypeError, "ERR_INVALID_ARG_TYPE", `The first argument must be of type string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object. ${received(value)}`);
  }

  function fromObject(value) {
    if (value.type === "Buffer" && Array.isArray(value.data)) return new FastBuffer(value.data);
    if (typeof value.length !== "number" && !("length" in value)) return null;
    if (typeof value.length !== "number") return new FastBuffer(0);
    return new FastBuffer(ArrayBuffer.isView(value) && !(value instanceof DataView) ? value : Array.from(value));
  }

  const needBytes = (value, name) => {
    if (!(value instanceof Uint8Array)) throw lib.argType(name, "an instance of Buffer or Uint8Array", value);
    return value;
  };

  function compareBytes(a, b) {
    const n = Math.min(a.length, b.length);
    for (let i = 0; i < n; i++) if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
    return a.length === b.length ? 0 : a.length < b.length ? -1 : 1;
  }

  lib.methods(Buffer, {
    poolSize: 8192,
    alloc,
    allocUnsafe: (n) => new FastBuffer(size(n)),
    allocUnsafeSlow: (n) => new FastBuffer(size(n)),
    from,
    of: (...items) => new FastBuffer(items),
    isBuffer: (v) => v instanceof Buffer,
    isEncoding: (name) => typeof name === "string" && name !== "" && ENCODINGS[name.toLowerCase()] !== undefined,
    byteLength(value, encoding) {
      if (lib.isBufferSource(value)) return value.byteLength;
      if (typeof value !== "string") throw lib.argType("string", "of type string or an instance of Buffer or ArrayBuffer", value);
      switch (ENCODINGS[`${encoding ?? "utf8"}`.toLowerCase()]) {
        case "hex":
          return value.length >>> 1;
        case "base64":
        case "base64url":
          return Math.floor((value.replace(/=+$/, "").length * 3) / 4);
        case "utf16le":
          return value.length * 2;
        case "ascii":
        case "latin1":
          return value.length;
        default:
          return lib.utf8Length(value);
      }
    },
    compare: (a, b) => compareBytes(needBytes(a, "buf1"), needBytes(b, "buf2")),
    concat(list, total) {
      if (!Array.isArray(list)) throw lib.argType("list", "an instance of Array", list);
      let length = 0;
      list.forEach((item, i) => (length += needBytes(item, `list[${i}]`).length));
      const out = alloc(total === undefined ? length : total);
      let at = 0;
      for (const item of list) {
        if (at >= out.length) break;
        out.set(at + item.length > out.length ? item.subarray(0, out.length - at) : item, at);
        at += item.length;
      }
      return out;
    },
    copyBytesFrom: (view, offset = 0, length = view.length - offset) => wrap(lib.copyBytes(view.subarray(offset, offset + length))),
  });

  const clamp = (v, length, otherwise) => {
    v = v === undefined ? otherwise : Math.trunc(+v) || 0;
    if (v < 0) v += length;
    return Math.min(Math.max(v, 0), length);
  };

  function search(buffer, value, offset, encoding, backwards) {
    if (typeof offset === "string") [encoding, offset] = [offset, undefined];
    let needle;
    if (typeof value === "number") needle = [value & 255];
    else if (typeof value === "string") needle = encode(value, encoding);
    else needle = needBytes(value, "value");
    const n = buffer.length;
    let at = offset === undefined || Number.isNaN(+offset) ? (backwards ? n : 0) : Math.trunc(+offset);
    if (at < 0) at = Math.max(at + n, backwards ? -1 : 0);
    if (!backwards) {
      if (needle.length === 0) return Math.min(at, n);
      return lib.bytesIndexOf(buffer, needle, at);
    }
    for (let i = Math.min(at, n - needle.length); i >= 0; i--) {
      let j = 0;
      while (j < needle.length && buffer[i + j] === needle[j]) j++;
      if (j === needle.length) return i;
    }
    return -1;
  }

  function swap(buffer, width) {
    if (buffer.length % width) throw lib.nodeError(RangeError, "ERR_INVALID_BUFFER_SIZE", `Buffer size must be a multiple of ${width * 8}-bits`);
    for (let i = 0; i < buffer.length; i += width) buffer.subarray(i, i + width).reverse();
    return buffer;
  }

  const toText = (encoding) =>
    function (start, end) {
      return decode(this.subarray(start, end), encoding);
    };
  const writeText = (encoding) =>
    function (text, offset, length) {
      return this.write(text, offset, length, encoding);
    };

  lib.methods(Buffer.prototype, {
    toString(encoding, start, end) {
      if (arguments.length === 0) return lib.utf8Decode(this);
      const from_ = start === undefined || start <= 0 ? 0 : Math.trunc(start) || 0;
      const to = end === undefined || end > this.length ? this.length : Math.trunc(end) || 0;
      if (to <= from_) return "";
      return decode(from_ === 0 && to === this.length ? this : this.subarray(from_, to), encoding);
    },
    toLocaleString(...args) {
      return this.toString(...args);
    },
    toJSON() {
      return { type: "Buffer", data: Array.from(this) };
    },
    equals(other) {
      return compareBytes(this, needBytes(other, "otherBuffer")) === 0;
    },
    compare(target, targetStart = 0, targetEnd = target.length, start = 0, end = this.length) {
      return compareBytes(this.subarray(start, end), needBytes(target, "target").subarray(targetStart, targetEnd));
    },
    copy(target, targetStart = 0, start = 0, end = this.length) {
      needBytes(target, "target");
      if (targetStart < 0) throw lib.outOfRange("targetStart", ">= 0", targetStart);
      if (start < 0 || start > this.length) throw lib.outOfRange("sourceStart", `>= 0 && <= ${this.length}`, start);
      const n = Math.max(0, Math.min(end - start, this.length - start, target.length - targetStart));
      if (n > 0) target.set(Uint8Array.prototype.subarray.call(this, start, start + n), targetStart);
      return n;
    },
    slice(start, end) {
      return this.subarray(start, end);
    },
    subarray(start, end) {
      const from_ = clamp(start, this.length, 0);
      const to = clamp(end, this.length, this.length);
      return new FastBuffer(this.buffer, this.byteOffset + from_, Math.max(0, to - from_));
    },
    write(text, offset, length, encoding) {
      if (typeof text !== "string") throw lib.argType("argument", "of type string", text);
      if (typeof offset === "string") [encoding, offset, length] = [offset, undefined, undefined];
      else if (typeof length === "string") [encoding, length] = [length, undefined];
      offset = offset === undefined ? 0 : Math.trunc(offset);
      if (!(offset >= 0 && offset <= this.length)) throw lib.outOfRange("offset", `>= 0 && <= ${this.length}`, offset);
      const room = Math.min(length === undefined ? Infinity : length, this.length - offset);
      if (encodingOf(encoding) === "utf8") return lib.utf8Write(text, new Uint8Array(this.buffer, this.byteOffset + offset, room)).written;
      let bytes = encode(text, encoding);
      if (bytes.length > room) bytes = bytes.subarray(0, encodingOf(encoding) === "utf16le" ? room & ~1 : room);
      this.set(bytes, offset);
      return bytes.length;
    },
    fill(value, offset, end, encoding) {
      if (typeof offset === "string") [encoding, offset, end] = [offset, undefined, undefined];
      else if (typeof end === "string") [encoding, end] = [end, undefined];
      offset = offset === undefined ? 0 : offset;
      end = end === undefined ? this.length : end;
      if (offset < 0 || offset > this.length) throw lib.outOfRange("offset", `>= 0 && <= ${this.length}`, offset);
      if (end < 0 || end > this.length) throw lib.outOfRange("end", `>= 0 && <= ${this.length}`, end);
      if (typeof value !== "string" && !(value instanceof Uint8Array)) {
        Uint8Array.prototype.fill.call(this, Number(value) & 255, offset, end);
        return this;
      }
      const bytes = typeof value === "string" ? encode(value, encoding) : value;
      if (bytes.length === 0) {
        if (typeof value === "string" && value.length === 0) return Uint8Array.prototype.fill.call(this, 0, offset, end);
        throw lib.nodeError(TypeError, "ERR_INVALID_ARG_VALUE", `The argument 'value' is invalid. Received ${lib.inspect(value)}`);
      }
      for (let i = offset, j = 0; i < end; i++, j = (j + 1) % bytes.length) this[i] = bytes[j];
      return this;
    },
    indexOf(value, offset, encoding) {
      return search(this, value, offset, encoding, false);
    },
    lastIndexOf(value, offset, encoding) {
      return search(this, value, offset, encoding, true);
    },
    includes(value, offset, encoding) {
      return search(this, value, offset, encoding, false) >= 0;
    },
    swap16() {
      return swap(this, 2);
    },
    swap32() {
      return swap(this, 4);
    },
    swap64() {
      return swap(this, 8);
    },
    asciiSlice: toText("ascii"), base64Slice: toText("base64"), base64urlSlice: toText("base64url"), hexSlice: toText("hex"),
    latin1Slice: toText("latin1"), ucs2Slice: toText("utf16le"), utf8Slice: toText("utf8"),
    asciiWrite: writeText("ascii"), base64Write: writeText("base64"), base64urlWrite: writeText("base64url"), hexWrite: writeText("hex"),
    latin1Write: writeText("latin1"), ucs2Write: writeText("utf16le"), utf8Write: writeText("utf8"),
  });
  for (const [name, key] of [["parent", "buffer"], ["offset", "byteOffset"]]) {
    Object.defineProperty(Buffer.prototype, name, {
      configurable: true,
      get() {
        return this instanceof Buffer ? this[key] : undefined;
      },
    });
  }
  lib.define(Buffer.prototype, lib.inspect.custom, function () {
    const shown = Array.from(this.subarray(0, 50), (b) => b.toString(16).padStart(2, "0")).join(" ");
    const more = this.length > 50 ? ` ... ${this.length - 50} more byte${this.length > 51 ? "s" : ""}` : "";
    return `<Buffer${shown ? ` ${shown}` : ""}${more}>`;
  });
  lib.define(Buffer.prototype, "inspect", Buffer.prototype[lib.inspect.custom]);

  const constants = Object.freeze({ MAX_LENGTH, MAX_STRING_LENGTH: 2 ** 29 - 24 });
  const exports = {
    Buffer,
    SlowBuffer: (n) => Buffer.allocUnsafeSlow(n),
    constants,
    kMaxLength: MAX_LENGTH,
    kStringMaxLength: constants.MAX_STRING_LENGTH,
    INSPECT_MAX_BYTES: 50,
    Blob: globalThis.Blob,
    File: globalThis.File,
    atob: globalThis.atob,
    btoa: globalThis.btoa,
    isUtf8(input) {
      try {
        new TextDecoder("utf-8", { fatal: true }).decode(input);
        return true;
      } catch {
        return false;
      }
    },
    isAscii: (input) => lib.bytesOf(input).every((b) => b < 128),
  };
  S.modules["node:buffer"] = () => exports;
  lib.globals({ Buffer });
})();
