// Toolbox shared by the other prelude files, kept on `__strata.lib`: bytes and
// text, base64 and hex, and the way globals are defined. Nothing here is
// visible to a function except through the APIs built on it.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const lib = (S.lib ??= {});

  // Below this length a loop here is cheaper than a trip to the host.
  const HOST_THRESHOLD = 512;

  lib.define = (target, name, value) =>
    Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false });

  lib.globals = (entries) => {
    for (const name of Object.keys(entries)) lib.define(globalThis, name, entries[name]);
  };

  // Gives a class its Web IDL look: a toStringTag and enumerable members.
  lib.webClass = (ctor, name = ctor.name) => {
    for (const key of Object.getOwnPropertyNames(ctor.prototype)) {
      if (key === "constructor") continue;
      Object.defineProperty(ctor.prototype, key, { enumerable: true });
    }
    Object.defineProperty(ctor.prototype, Symbol.toStringTag, { value: name, configurable: true });
    return ctor;
  };

  // Own properties of functions become non-enumerable `lib` style methods.
  lib.methods = (target, source) => {
    for (const key of Reflect.ownKeys(source)) {
      const d = Object.getOwnPropertyDescriptor(source, key);
      Object.defineProperty(target, key, { ...d, enumerable: false });
    }
    return target;
  };

  lib.isView = ArrayBuffer.isView;
  lib.isBuffer = (v) =>
    v instanceof ArrayBuffer || (typeof SharedArrayBuffer !== "undefined" && v instanceof SharedArrayBuffer);
  lib.isBufferSource = (v) => lib.isBuffer(v) || ArrayBuffer.isView(v);

  // A Uint8Array over the bytes of a BufferSource, without a copy.
  lib.bytesOf = (v, what = "value") => {
    if (v instanceof Uint8Array) return v;
    if (ArrayBuffer.isView(v)) return new Uint8Array(v.buffer, v.byteOffset, v.byteLength);
    if (lib.isBuffer(v)) return new Uint8Array(v);
    throw new TypeError(`The ${what} must be an ArrayBuffer or a view of one`);
  };

  lib.copyBytes = (v, what) => {
    const view = lib.bytesOf(v, what);
    return new Uint8Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
  };

  lib.concat = (chunks, total) => {
    if (chunks.length === 1 && total === undefined) {
      const only = chunks[0];
      return only.constructor === Uint8Array ? only : new Uint8Array(only.buffer, only.byteOffset, only.byteLength);
    }
    let length = 0;
    for (const chunk of chunks) length += chunk.byteLength;
    const out = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) {
      out.set(chunk, at);
      at += chunk.byteLength;
    }
    return out;
  };

  lib.random = (length) => S.call("random", { len: length }).data;

  // ---- UTF-8 ----

  lib.utf8Length = (text) => {
    let n = 0;
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i);
      if (c < 0x80) n += 1;
      else if (c < 0x800) n += 2;
      else if (c >= 0xd800 && c < 0xdc00 && i + 1 < text.length && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
        n += 4;
        i++;
      } else n += 3;
    }
    return n;
  };

  // Writes whole characters only; returns how many units were read and bytes written.
  lib.utf8Write = (text, out) => {
    let at = 0;
    let i = 0;
    const room = out.length;
    for (; i < text.length; i++) {
      let c = text.charCodeAt(i);
      if (c < 0x80) {
        if (at >= room) break;
        out[at++] = c;
        continue;
      }
      if (c < 0x800) {
        if (at + 2 > room) break;
        out[at++] = 0xc0 | (c >> 6);
        out[at++] = 0x80 | (c & 63);
        continue;
      }
      if ((c & 0xf800) === 0xd800) {
        const next = i + 1 < text.length ? text.charCodeAt(i + 1) : 0;
        if (c < 0xdc00 && (next & 0xfc00) === 0xdc00) {
          if (at + 4 > room) break;
          c = 0x10000 + ((c & 0x3ff) << 10) + (next & 0x3ff);
          out[at++] = 0xf0 | (c >> 18);
          out[at++] = 0x80 | ((c >> 12) & 63);
          out[at++] = 0x80 | ((c >> 6) & 63);
          out[at++] = 0x80 | (c & 63);
          i++;
          continue;
        }
        c = 0xfffd;
      }
      if (at + 3 > room) break;
      out[at++] = 0xe0 | (c >> 12);
      out[at++] = 0x80 | ((c >> 6) & 63);
      out[at++] = 0x80 | (c & 63);
    }
    return { read: i, written: at };
  };

  lib.utf8Encode = (text) => {
    if (text.length > HOST_THRESHOLD) return S.call("text.encode", text.toWellFormed()).data;
    const out = new Uint8Array(lib.utf8Length(text));
    lib.utf8Write(text, out);
    return out;
  };

  const fromUnits = (units) => {
    if (units.length <= 4096) return String.fromCharCode.apply(null, units);
    let text = "";
    for (let i = 0; i < units.length; i += 4096) text += String.fromCharCode.apply(null, units.slice(i, i + 4096));
    return text;
  };
  lib.fromUnits = fromUnits;

  // The WHATWG UTF-8 decoder as a resumable object: `push` keeps an incomplete
  // sequence, `end` turns it into one replacement character.
  lib.Utf8Decoder = class {
    #need = 0;
    #seen = 0;
    #point = 0;
    #lower = 0x80;
    #upper = 0xbf;

    constructor(fatal = false) {
      this.fatal = fatal;
    }

    push(bytes) {
      const units = [];
      for (let i = 0; i < bytes.length; i++) {
        const b = bytes[i];
        if (this.#need === 0) {
          if (b < 0x80) units.push(b);
          else if (b >= 0xc2 && b <= 0xdf) {
            this.#need = 1;
            this.#point = b & 0x1f;
          } else if (b >= 0xe0 && b <= 0xef) {
            if (b === 0xe0) this.#lower = 0xa0;
            if (b === 0xed) this.#upper = 0x9f;
            this.#need = 2;
            this.#point = b & 0xf;
          } else if (b >= 0xf0 && b <= 0xf4) {
            if (b === 0xf0) this.#lower = 0x90;
            if (b === 0xf4) this.#upper = 0x8f;
            this.#need = 3;
            this.#point = b & 7;
          } else this.#bad(units);
          continue;
        }
        if (b < this.#lower || b > this.#upper) {
          this.reset();
          this.#bad(units);
          i--;
          continue;
        }
        this.#lower = 0x80;
        this.#upper = 0xbf;
        this.#point = (this.#point << 6) | (b & 63);
        if (++this.#seen < this.#need) continue;
        const p = this.#point;
        this.reset();
        if (p > 0xffff) units.push(0xd800 + ((p - 0x10000) >> 10), 0xdc00 + ((p - 0x10000) & 0x3ff));
        else units.push(p);
      }
      return fromUnits(units);
    }

    end() {
      if (this.#need === 0) return "";
      this.reset();
      const units = [];
      this.#bad(units);
      return fromUnits(units);
    }

    // Bytes of an unfinished sequence are still held.
    get pending() {
      return this.#need !== 0;
    }

    reset() {
      this.#need = this.#seen = this.#point = 0;
      this.#lower = 0x80;
      this.#upper = 0xbf;
    }

    #bad(units) {
      if (this.fatal) throw new TypeError("The encoded data was not valid utf-8");
      units.push(0xfffd);
    }
  };

  // One-shot decoding with replacement; a byte order mark stays in the text.
  lib.utf8Decode = (bytes) => {
    if (bytes.length > HOST_THRESHOLD) return S.call("text.decode", { label: "utf-8", ignoreBOM: true }, bytes).value;
    const decoder = new lib.Utf8Decoder();
    return decoder.push(bytes) + decoder.end();
  };

  // ---- latin1, hex, base64 ----

  lib.latin1Decode = (bytes) => {
    if (bytes.length <= 4096) return String.fromCharCode.apply(null, bytes);
    let text = "";
    for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode.apply(null, bytes.subarray(i, i + 4096));
    return text;
  };

  lib.latin1Encode = (text) => {
    const out = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
    return out;
  };

  const HEX = Array.from({ length: 256 }, (_, i) => (i < 16 ? "0" : "") + i.toString(16));
  lib.hexEncode = (bytes) => {
    if (bytes.toHex) return bytes.toHex();
    let text = "";
    for (let i = 0; i < bytes.length; i++) text += HEX[bytes[i]];
    return text;
  };

  const nibble = (c) => (c >= 48 && c <= 57 ? c - 48 : (c |= 32) >= 97 && c <= 102 ? c - 87 : -1);

  // Decodes up to the first character that is not a pair of hex digits.
  lib.hexDecode = (text) => {
    const out = new Uint8Array(text.length >> 1);
    for (let i = 0; i < out.length; i++) {
      const high = nibble(text.charCodeAt(2 * i));
      const low = nibble(text.charCodeAt(2 * i + 1));
      if (high < 0 || low < 0) return out.slice(0, i);
      out[i] = (high << 4) | low;
    }
    return out;
  };

  const B64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const B64_URL = B64.slice(0, 62) + "-_";
  const B64_VALUE = new Int8Array(128).fill(-1);
  for (let i = 0; i < 64; i++) {
    B64_VALUE[B64.charCodeAt(i)] = i;
    B64_VALUE[B64_URL.charCodeAt(i)] = i;
  }

  lib.base64Encode = (bytes, url = false) => {
    if (bytes.toBase64) return bytes.toBase64(url ? { alphabet: "base64url", omitPadding: true } : undefined);
    const table = url ? B64_URL : B64;
    let text = "";
    let i = 0;
    for (; i + 2 < bytes.length; i += 3) {
      const n = (bytes[i] << 16) | (bytes[i + 1] << 8) | bytes[i + 2];
      text += table[n >> 18] + table[(n >> 12) & 63] + table[(n >> 6) & 63] + table[n & 63];
    }
    const left = bytes.length - i;
    if (left === 1) text += table[bytes[i] >> 2] + table[(bytes[i] << 4) & 63] + (url ? "" : "==");
    if (left === 2) {
      const n = (bytes[i] << 8) | bytes[i + 1];
      text += table[n >> 10] + table[(n >> 4) & 63] + table[(n << 2) & 63] + (url ? "" : "=");
    }
    return text;
  };

  // Lenient: both alphabets, other characters skipped, stops at padding.
  lib.base64Decode = (text) => {
    if (Uint8Array.fromBase64 && text.length > 64) {
      try {
        return Uint8Array.fromBase64(text.includes("-") || text.includes("_") ? text.replaceAll("-", "+").replaceAll("_", "/") : text);
      } catch {
        // Not strictly base64: take what the loop below can read.
      }
    }
    const out = new Uint8Array(((text.length * 3) >> 2) + 3);
    let at = 0;
    let bits = 0;
    let held = 0;
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i);
      if (c === 61) break;
      const v = c < 128 ? B64_VALUE[c] : -1;
      if (v < 0) continue;
      held = ((held << 6) | v) & 0xffffff;
      bits += 6;
      if (bits >= 8) {
        bits -= 8;
        out[at++] = (held >> bits) & 255;
      }
    }
    return out.slice(0, at);
  };

  // ---- small helpers ----

  lib.requireArgs = (args, count, what) => {
    if (args.length < count) throw new TypeError(`${what}: ${count} argument${count > 1 ? "s" : ""} required, but only ${args.length} present`);
  };

  // Reports an exception nobody can catch, such as one of an event listener.
  lib.report = (error) => {
    try {
      globalThis.console.error("Uncaught", error);
    } catch {
      // Reporting must never throw.
    }
  };

  // Marks a promise as observed so that no unhandled rejection is reported.
  lib.handled = (promise) => {
    promise.then(undefined, () => {});
    return promise;
  };

  // The engine counts references, so a target nobody else holds is gone at
  // once. The language says that it lives to the end of the job.
  const Native = globalThis.WeakRef;
  let kept = null;
  const keep = (target) => {
    if (kept === null) {
      kept = new Set();
      Promise.resolve().then(() => (kept = null));
    }
    kept.add(target);
    return target;
  };
  class WeakRef extends Native {
    constructor(target) {
      super(target);
      keep(target);
    }
    deref() {
      const target = super.deref();
      return target === undefined ? undefined : keep(target);
    }
  }
  Object.defineProperty(WeakRef.prototype, Symbol.toStringTag, { value: "WeakRef", configurable: true });

  lib.globals({ global: globalThis, WeakRef });
})();
