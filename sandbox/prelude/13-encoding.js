// TextEncoder, TextDecoder, atob and btoa. UTF-8 and UTF-16 are decoded here;
// the legacy encodings of the Encoding Standard go to the host, where a stream
// of a multi-byte one is decoded when it ends.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const { DOMException } = globalThis;

  class TextEncoder {
    get encoding() {
      return "utf-8";
    }
    encode(input = "") {
      return lib.utf8Encode(String(input));
    }
    encodeInto(source, destination) {
      if (!(destination instanceof Uint8Array)) throw new TypeError("encodeInto: the destination must be a Uint8Array");
      return lib.utf8Write(String(source), destination);
    }
  }
  lib.webClass(TextEncoder);

  const COMMON = {
    "utf-8": "utf-8", utf8: "utf-8", "unicode-1-1-utf-8": "utf-8", "utf-16": "utf-16le", "utf-16le": "utf-16le",
    "utf-16be": "utf-16be", "ucs-2": "utf-16le", unicode: "utf-16le",
  };

  class Utf16Decoder {
    #odd = -1;
    #high = 0;
    constructor(big, fatal) {
      this.big = big;
      this.fatal = fatal;
    }
    push(bytes) {
      const units = [];
      for (const b of bytes) {
        if (this.#odd < 0) {
          this.#odd = b;
          continue;
        }
        const unit = this.big ? (this.#odd << 8) | b : (b << 8) | this.#odd;
        this.#odd = -1;
        const kind = unit & 0xfc00;
        if (this.#high && kind === 0xdc00) {
          units.push(this.#high, unit);
          this.#high = 0;
          continue;
        }
        if (this.#high) this.#bad(units);
        this.#high = 0;
        if (kind === 0xd800) this.#high = unit;
        else if (kind === 0xdc00) this.#bad(units);
        else units.push(unit);
      }
      return lib.fromUnits(units);
    }
    end() {
      const units = [];
      if (this.#odd >= 0 || this.#high) this.#bad(units);
      this.#odd = -1;
      this.#high = 0;
      return lib.fromUnits(units);
    }
    #bad(units) {
      if (this.fatal) throw new TypeError("The encoded data was not valid utf-16");
      units.push(0xfffd);
    }
  }

  class HostDecoder {
    #chunks = [];
    constructor(encoding, fatal) {
      this.encoding = encoding;
      this.fatal = fatal;
      this.single = /^(windows-|iso-8859|koi8|ibm866|macintosh|x-mac|x-user)/.test(encoding);
    }
    push(bytes) {
      if (this.single) return this.#decode(bytes);
      this.#chunks.push(lib.copyBytes(bytes));
      return "";
    }
    end() {
      if (this.single) return "";
      const all = lib.concat(this.#chunks, 0);
      this.#chunks = [];
      return this.#decode(all);
    }
    #decode(bytes) {
      const text = S.call("text.decode", { label: this.encoding, fatal: this.fatal, ignoreBOM: true }, bytes).value ?? null;
      if (text === null) throw new TypeError(`The encoded data was not valid ${this.encoding}`);
      return text;
    }
  }

  class TextDecoder {
    #encoding;
    #fatal;
    #ignoreBOM;
    #decoder = null;
    #bomSeen = false;

    constructor(label = "utf-8", options = {}) {
      const name = String(label).trim().toLowerCase();
      const encoding = COMMON[name] ?? S.call("text.label", name).value;
      if (!encoding) throw new RangeError(`The "${label}" encoding is not supported`);
      this.#encoding = encoding;
      this.#fatal = !!options?.fatal;
      this.#ignoreBOM = !!options?.ignoreBOM;
    }

    get encoding() {
      return this.#encoding;
    }
    get fatal() {
      return this.#fatal;
    }
    get ignoreBOM() {
      return this.#ignoreBOM;
    }

    decode(input, options) {
      const bytes = input === undefined ? new Uint8Array(0) : lib.bytesOf(input, "input");
      const stream = !!options?.stream;
      let text;
      if (!stream && !this.#decoder && this.#encoding === "utf-8" && bytes.length > 512) {
        text = S.call("text.decode", { label: "utf-8", fatal: this.#fatal, ignoreBOM: true }, bytes).value ?? null;
        if (text === null) throw new TypeError("The encoded data was not valid utf-8");
      } else {
        const decoder = (this.#decoder ??= this.#make());
        try {
          text = decoder.push(bytes);
          if (!stream) text += decoder.end();
        } catch (error) {
          this.#decoder = null;
          this.#bomSeen = false;
          throw error;
        }
      }
      if (!this.#bomSeen && text.length > 0) {
        if (!this.#ignoreBOM && text.charCodeAt(0) === 0xfeff && this.#encoding.startsWith("utf-")) text = text.slice(1);
        this.#bomSeen = true;
      }
      if (!stream) {
        this.#decoder = null;
        this.#bomSeen = false;
      }
      return text;
    }

    #make() {
      if (this.#encoding === "utf-8") return new lib.Utf8Decoder(this.#fatal);
      if (this.#encoding.startsWith("utf-16")) return new Utf16Decoder(this.#encoding === "utf-16be", this.#fatal);
      return new HostDecoder(this.#encoding, this.#fatal);
    }
  }
  lib.webClass(TextDecoder);

  const invalid = (what) => new DOMException(what, "InvalidCharacterError");

  function btoa(data) {
    lib.requireArgs(arguments, 1, "btoa");
    const text = String(data);
    for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 255) throw invalid("The string contains characters outside latin1");
    return lib.base64Encode(lib.latin1Encode(text));
  }

  function atob(data) {
    lib.requireArgs(arguments, 1, "atob");
    let text = String(data).replace(/[\t\n\f\r ]+/g, "");
    if (text.length % 4 === 0) text = text.replace(/={1,2}$/, "");
    if (text.length % 4 === 1 || /[^A-Za-z0-9+/]/.test(text)) throw invalid("The string is not correctly encoded");
    return lib.latin1Decode(lib.base64Decode(text));
  }

  lib.globals({ TextEncoder, TextDecoder, atob, btoa });
})();
