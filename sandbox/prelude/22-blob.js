// Blob, File and FormData, with the multipart/form-data coding that bodies use.
(() => {
  "use strict";
  const { lib } = globalThis.__strata;
  const { TextDecoder } = globalThis;

  const cleanType = (type) => {
    const text = String(type ?? "");
    return /^[\x20-\x7e]*$/.test(text) ? text.toLowerCase() : "";
  };

  class Blob {
    #bytes;
    #type;

    constructor(parts = [], options = {}) {
      if (parts === null || typeof parts !== "object" || typeof parts[Symbol.iterator] !== "function")
        throw new TypeError("Blob: the parts must be a sequence");
      const chunks = [];
      for (const part of parts) {
        if (part instanceof Blob) chunks.push(part.#bytes);
        else if (lib.isBufferSource(part)) chunks.push(lib.copyBytes(part));
        else {
          let text = String(part);
          if (options?.endings === "native") text = text.replace(/\r\n?|\n/g, "\n");
          chunks.push(lib.utf8Encode(text));
        }
      }
      this.#bytes = lib.concat(chunks, 0);
      this.#type = cleanType(options?.type);
    }

    static {
      lib.blobBytes = (blob) => blob.#bytes;
      lib.isBlob = (v) => v !== null && typeof v === "object" && #bytes in v;
      // Takes ownership of `bytes`.
      lib.makeBlob = (bytes, type) => {
        const blob = new Blob([], { type });
        blob.#bytes = bytes;
        return blob;
      };
    }

    get size() {
      return this.#bytes.byteLength;
    }
    get type() {
      return this.#type;
    }
    slice(start = 0, end = this.size, type = "") {
      return lib.makeBlob(this.#bytes.slice(start, end), type);
    }
    async arrayBuffer() {
      return this.#bytes.slice().buffer;
    }
    async bytes() {
      return this.#bytes.slice();
    }
    async text() {
      return new TextDecoder().decode(this.#bytes);
    }
    stream() {
      return lib.streamOfBytes(this.#bytes.slice());
    }
  }
  lib.webClass(Blob);

  class File extends Blob {
    #name;
    #modified;
    constructor(parts, name, options = {}) {
      lib.requireArgs(arguments, 2, "File constructor");
      super(parts, options);
      this.#name = String(name);
      this.#modified = options?.lastModified === undefined ? Date.now() : Math.trunc(Number(options.lastModified)) || 0;
    }
    get name() {
      return this.#name;
    }
    get lastModified() {
      return this.#modified;
    }
    get webkitRelativePath() {
      return "";
    }
  }
  lib.webClass(File);

  const usv = (v) => String(v).toWellFormed();

  function entry(name, value, filename) {
    name = usv(name);
    if (!lib.isBlob(value)) {
      if (filename !== undefined) throw new TypeError("FormData: a file name needs a Blob");
      return [name, usv(value)];
    }
    if (value instanceof File && filename === undefined) return [name, value];
    return [name, new File([value], filename === undefined ? "blob" : usv(filename), { type: value.type, lastModified: value.lastModified })];
  }

  class FormData {
    #list = [];
    constructor(form) {
      if (form !== undefined) throw new TypeError("FormData: there are no form elements here");
    }
    append(name, value, filename) {
      lib.requireArgs(arguments, 2, "append");
      this.#list.push(entry(name, value, filename));
    }
    set(name, value, filename) {
      lib.requireArgs(arguments, 2, "set");
      const fresh = entry(name, value, filename);
      const at = this.#list.findIndex(([n]) => n === fresh[0]);
      if (at < 0) this.#list.push(fresh);
      else {
        this.#list[at] = fresh;
        this.#list = this.#list.filter((pair, i) => i <= at || pair[0] !== fresh[0]);
      }
    }
    delete(name) {
      name = usv(name);
      this.#list = this.#list.filter(([n]) => n !== name);
    }
    get(name) {
      name = usv(name);
      return this.#list.find(([n]) => n === name)?.[1] ?? null;
    }
    getAll(name) {
      name = usv(name);
      return this.#list.filter(([n]) => n === name).map(([, v]) => v);
    }
    has(name) {
      name = usv(name);
      return this.#list.some(([n]) => n === name);
    }
    forEach(callback, thisArg) {
      for (const [name, value] of this) callback.call(thisArg, value, name, this);
    }
    *entries() {
      for (let i = 0; i < this.#list.length; i++) yield [...this.#list[i]];
    }
    *keys() {
      for (const [name] of this.entries()) yield name;
    }
    *values() {
      for (const [, value] of this.entries()) yield value;
    }
  }
  lib.webClass(FormData);
  lib.define(FormData.prototype, Symbol.iterator, FormData.prototype.entries);

  const escapeName = (name) => name.replace(/\r\n?|\n/g, "%0D%0A").replaceAll('"', "%22");

  lib.encodeMultipart = (form) => {
    const boundary = `----strata${lib.hexEncode(lib.random(16))}`;
    const chunks = [];
    for (const [name, value] of form) {
      let head = `--${boundary}\r\nContent-Disposition: form-data; name="${escapeName(name)}"`;
      if (typeof value === "string") {
        chunks.push(lib.utf8Encode(`${head}\r\n\r\n${value.replace(/\r\n?|\n/g, "\r\n")}\r\n`));
        continue;
      }
      head += `; filename="${escapeName(value.name)}"\r\nContent-Type: ${value.type || "application/octet-stream"}\r\n\r\n`;
      chunks.push(lib.utf8Encode(head), lib.blobBytes(value), new Uint8Array([13, 10]));
    }
    chunks.push(lib.utf8Encode(`--${boundary}--\r\n`));
    return { bytes: lib.concat(chunks, 0), type: `multipart/form-data; boundary=${boundary}` };
  };

  lib.bytesIndexOf = (bytes, needle, from = 0) => {
    const last = bytes.length - needle.length;
    if (needle.length === 0) return from <= bytes.length ? from : -1;
    const find = Uint8Array.prototype.indexOf;
    for (let i = find.call(bytes, needle[0], from); i >= 0 && i <= last; i = find.call(bytes, needle[0], i + 1)) {
      let j = 1;
      while (j < needle.length && bytes[i + j] === needle[j]) j++;
      if (j === needle.length) return i;
    }
    return -1;
  };

  lib.decodeMultipart = (bytes, boundary) => {
    const bad = () => new TypeError("Could not parse the content as FormData");
    const form = new FormData();
    const delimiter = lib.latin1Encode(`--${boundary}`);
    const blank = new Uint8Array([13, 10, 13, 10]);
    let at = lib.bytesIndexOf(bytes, delimiter);
    if (at < 0) throw bad();
    const next = lib.latin1Encode(`\r\n--${boundary}`);
    for (;;) {
      at += delimiter.length;
      if (bytes[at] === 45 && bytes[at + 1] === 45) return form;
      if (bytes[at] !== 13 || bytes[at + 1] !== 10) throw bad();
      const headEnd = lib.bytesIndexOf(bytes, blank, at);
      if (headEnd < 0) throw bad();
      const head = lib.utf8Decode(bytes.subarray(at + 2, headEnd));
      const end = lib.bytesIndexOf(bytes, next, headEnd + 2);
      if (end < 0) throw bad();
      const content = bytes.slice(headEnd + 4, Math.max(end, headEnd + 4));
      const disposition = /^content-disposition:(.*)$/im.exec(head)?.[1] ?? "";
      const name = /[;\s]name="([^"]*)"/i.exec(disposition)?.[1];
      if (name === undefined) throw bad();
      const filename = /[;\s]filename="([^"]*)"/i.exec(disposition)?.[1];
      const unescape = (text) => text.replaceAll("%22", '"').replace(/%0D%0A/gi, "\r\n");
      if (filename === undefined) form.append(unescape(name), lib.utf8Decode(content));
      else {
        const type = /^content-type:\s*(.*?)\s*$/im.exec(head)?.[1] ?? "text/plain";
        form.append(unescape(name), new File([content], unescape(filename), { type }));
      }
      at = end + 2;
    }
  };

  lib.globals({ Blob, File, FormData });
})();
