// Request and Response and the body they share. A body that is already bytes
// stays bytes until someone asks for the stream.
(() => {
  "use strict";
  const { lib } = globalThis.__strata;
  const { AbortSignal, FormData, Headers, ReadableStream, URL, URLSearchParams } = globalThis;

  // { bytes, stream, type, used }
  function extract(init) {
    const of = (bytes, type = null) => ({ bytes, stream: null, type, used: false });
    if (init instanceof ReadableStream) {
      if (init.locked || lib.isDisturbed(init)) throw new TypeError("The body stream is locked or already read");
      return { bytes: null, stream: init, type: null, used: false };
    }
    if (lib.isBlob(init)) return of(lib.blobBytes(init), init.type || null);
    if (init instanceof FormData) {
      const { bytes, type } = lib.encodeMultipart(init);
      return of(bytes, type);
    }
    if (init instanceof URLSearchParams) return of(lib.utf8Encode(init.toString()), "application/x-www-form-urlencoded;charset=UTF-8");
    if (lib.isBufferSource(init)) return of(lib.copyBytes(init));
    if (init !== null && typeof init === "object" && typeof init[Symbol.asyncIterator] === "function")
      return { bytes: null, stream: ReadableStream.from(init), type: null, used: false };
    return of(lib.utf8Encode(String(init)), "text/plain;charset=UTF-8");
  }

  const used = (message = "Body is unusable: it has already been read") => new TypeError(message);

  const slots = new WeakMap();
  const slotOf = (owner) => slots.get(owner);

  const isUsed = (slot) => slot !== null && (slot.used || (slot.stream !== null && lib.isDisturbed(slot.stream)));

  async function consume(owner) {
    const slot = slotOf(owner);
    if (slot === null) return new Uint8Array(0);
    if (isUsed(slot) || slot.stream?.locked) throw used();
    if (slot.stream === null) {
      slot.used = true;
      return slot.bytes;
    }
    return lib.readAllBytes(slot.stream);
  }

  const stripBom = (text) => (text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);

  class Body {
    get body() {
      const slot = slotOf(this);
      if (slot === null) return null;
      if (slot.stream === null) {
        slot.stream = lib.streamOfBytes(slot.bytes.slice());
        if (slot.used) lib.handled(slot.stream.cancel());
      }
      return slot.stream;
    }
    get bodyUsed() {
      return isUsed(slotOf(this));
    }
    async arrayBuffer() {
      const bytes = await consume(this);
      return bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer;
    }
    async bytes() {
      return new Uint8Array(await this.arrayBuffer());
    }
    async blob() {
      const bytes = await consume(this);
      return lib.makeBlob(bytes.slice(), this.headers.get("content-type") ?? "");
    }
    async text() {
      return stripBom(lib.utf8Decode(await consume(this)));
    }
    async json() {
      return JSON.parse(stripBom(lib.utf8Decode(await consume(this))));
    }
    async formData() {
      const type = this.headers.get("content-type") ?? "";
      if (/^multipart\/form-data\b/i.test(type)) {
        const boundary = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(type);
        if (!boundary) throw new TypeError("The multipart body has no boundary");
        return lib.decodeMultipart(await consume(this), boundary[1] ?? boundary[2]);
      }
      if (/^application\/x-www-form-urlencoded\b/i.test(type)) {
        const form = new FormData();
        for (const [name, value] of lib.parseQuery(lib.utf8Decode(await consume(this)))) form.append(name, value);
        return form;
      }
      throw new TypeError("Content-Type was not one of multipart/form-data or application/x-www-form-urlencoded");
    }
  }

  function copyBody(owner) {
    const slot = slotOf(owner);
    if (slot === null) return null;
    if (isUsed(slot) || slot.stream?.locked) throw used("Cannot clone a body that was already read");
    if (slot.stream === null) return { ...slot };
    const [left, right] = slot.stream.tee();
    slot.stream = left;
    return { bytes: null, stream: right, type: slot.type, used: false };
  }

  lib.takeBody = consume;
  lib.hasBody = (owner) => slotOf(owner) !== null;
  // What a streamed body would be is only known when it is read.
  lib.isBytesBody = (owner) => slotOf(owner)?.stream === null;

  const METHODS = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH"]);
  const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

  class Request extends Body {
    #f;

    constructor(input, init = {}) {
      lib.requireArgs(arguments, 1, "Request constructor");
      super();
      init = init ?? {};
      const from = input instanceof Request ? input : null;
      const f = from ? { ...from.#f } : { method: "GET", redirect: "follow", signal: null, credentials: "same-origin", mode: "cors", cache: "default", referrer: "about:client", referrerPolicy: "", integrity: "", keepalive: false };
      if (!from) {
        let url;
        try {
          url = new URL(input);
        } catch (cause) {
          throw new TypeError(`Failed to parse URL from ${input}`, { cause });
        }
        if (url.username || url.password) throw new TypeError(`Request: the URL ${url.host} must not include credentials`);
        f.url = url.href;
      }
      if (init.method !== undefined) {
        const method = String(init.method);
        const upper = method.toUpperCase();
        if (!TOKEN.test(method)) throw new TypeError(`'${method}' is not a valid HTTP method`);
        if (upper === "CONNECT" || upper === "TRACE" || upper === "TRACK") throw new TypeError(`'${method}' HTTP method is unsupported`);
        f.method = METHODS.has(upper) && upper !== "PATCH" ? upper : method;
      }
      for (const key of ["redirect", "credentials", "mode", "cache", "referrerPolicy", "integrity"]) if (init[key] !== undefined) f[key] = String(init[key]);
      if (!["follow", "error", "manual"].includes(f.redirect)) throw new TypeError(`'${f.redirect}' is not a redirect mode`);
      if (init.keepalive !== undefined) f.keepalive = !!init.keepalive;
      const parent = init.signal !== undefined ? init.signal : f.signal;
      if (parent !== null && parent !== undefined && !(parent instanceof AbortSignal)) throw new TypeError("Request: signal must be an AbortSignal");
      f.parent = parent ?? null;
      f.signal = parent ? AbortSignal.any([parent]) : lib.newSignal();
      f.headers = new Headers(init.headers !== undefined ? init.headers : from ? from.headers : undefined);
      this.#f = f;

      let slot = null;
      if (init.body !== undefined && init.body !== null) {
        if (f.method === "GET" || f.method === "HEAD") throw new TypeError("Request with GET/HEAD method cannot have body.");
        slot = extract(init.body);
        if (slot.type && !f.headers.has("content-type")) f.headers.set("content-type", slot.type);
      } else if (from && lib.hasBody(from) && init.body === undefined) {
        const inner = slotOf(from);
        if (isUsed(inner) || inner.stream?.locked) throw used("Cannot construct a Request from one whose body was already read");
        slot = { ...inner };
        if (inner.stream) [inner.stream, slot.stream] = [emptied(), inner.stream];
        inner.used = true;
      }
      slots.set(this, slot);
    }

    get method() { return this.#f.method; }
    get url() { return this.#f.url; }
    get headers() { return this.#f.headers; }
    get redirect() { return this.#f.redirect; }
    get signal() { return this.#f.signal; }
    get credentials() { return this.#f.credentials; }
    get mode() { return this.#f.mode; }
    get cache() { return this.#f.cache; }
    get referrer() { return this.#f.referrer; }
    get referrerPolicy() { return this.#f.referrerPolicy; }
    get integrity() { return this.#f.integrity; }
    get keepalive() { return this.#f.keepalive; }
    get destination() { return ""; }
    get duplex() { return "half"; }

    clone() {
      const body = copyBody(this);
      const copy = new Request(this.#f.url, { method: this.#f.method, headers: this.#f.headers, redirect: this.#f.redirect, signal: this.#f.signal });
      slots.set(copy, body);
      return copy;
    }
  }

  function emptied() {
    const stream = new ReadableStream();
    lib.handled(stream.cancel());
    return stream;
  }

  const NULL_BODY = new Set([101, 103, 204, 205, 304]);
  const REDIRECTS = new Set([301, 302, 303, 307, 308]);

  class Response extends Body {
    #f;

    constructor(body = null, init = {}) {
      super();
      init = init ?? {};
      const status = init.status === undefined ? 200 : Number(init.status);
      if (!Number.isInteger(status) || status < 200 || status > 599) throw new RangeError(`The status provided (${init.status}) is outside the range [200, 599].`);
      const statusText = init.statusText === undefined ? "" : String(init.statusText);
      if (/[^\t\x20-\x7e\x80-\xff]/.test(statusText)) throw new TypeError("Invalid statusText");
      this.#f = { status, statusText, headers: new Headers(init.headers), url: "", redirected: false, type: "default" };
      let slot = null;
      if (body !== null && body !== undefined) {
        if (NULL_BODY.has(status)) throw new TypeError(`Response with status ${status} cannot have body.`);
        slot = extract(body);
        if (slot.type && !this.#f.headers.has("content-type")) this.#f.headers.set("content-type", slot.type);
      }
      slots.set(this, slot);
    }

    static error() {
      const response = new Response();
      Object.assign(response.#f, { status: 0, type: "error" });
      lib.freezeHeaders(response.#f.headers);
      return response;
    }
    static redirect(url, status = 302) {
      const target = new URL(url).href;
      if (!REDIRECTS.has(Number(status))) throw new RangeError(`Invalid redirect status ${status}`);
      const response = new Response(null, { status, headers: { location: target } });
      lib.freezeHeaders(response.#f.headers);
      return response;
    }
    static json(data, init = {}) {
      const text = JSON.stringify(data);
      if (text === undefined) throw new TypeError("Response.json: the value cannot be written as JSON");
      const response = new Response(text, init);
      if (!new Headers(init?.headers).has("content-type")) response.headers.set("content-type", "application/json");
      return response;
    }

    static {
      // The response of a finished fetch.
      lib.networkResponse = (value, bytes, url) => {
        const response = new Response(null);
        Object.assign(response.#f, {
          status: value.status, statusText: value.statusText ?? "", url: value.url ?? url, redirected: !!value.redirected, type: "basic",
          headers: lib.freezeHeaders(new Headers(value.headers)),
        });
        if (!NULL_BODY.has(value.status)) slots.set(response, { bytes, stream: null, type: null, used: false });
        return response;
      };
    }

    get status() { return this.#f.status; }
    get ok() { return this.#f.status >= 200 && this.#f.status <= 299; }
    get statusText() { return this.#f.statusText; }
    get headers() { return this.#f.headers; }
    get url() { return this.#f.url.replace(/#.*$/, ""); }
    get redirected() { return this.#f.redirected; }
    get type() { return this.#f.type; }

    clone() {
      const body = copyBody(this);
      const copy = new Response(null);
      copy.#f = { ...this.#f, headers: new Headers(lib.headerPairs(this.#f.headers)) };
      slots.set(copy, body);
      return copy;
    }
  }

  for (const ctor of [Request, Response]) {
    for (const key of Object.getOwnPropertyNames(Body.prototype)) {
      if (key !== "constructor") Object.defineProperty(ctor.prototype, key, Object.getOwnPropertyDescriptor(Body.prototype, key));
    }
    lib.webClass(ctor);
  }
  const shown = (name, keys) =>
    function (depth, options, inspect) {
      return `${name} ${inspect(Object.fromEntries(keys.map((k) => [k, this[k]])), options)}`;
    };
  lib.define(Request.prototype, lib.inspect.custom, shown("Request", ["method", "url", "headers", "redirect", "bodyUsed"]));
  lib.define(Response.prototype, lib.inspect.custom, shown("Response", ["status", "statusText", "headers", "bodyUsed", "ok", "redirected", "type", "url"]));

  lib.globals({ Request, Response });
})();
