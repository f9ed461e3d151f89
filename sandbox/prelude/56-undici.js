// undici, the HTTP client under node's own fetch, which some packages (the
// Appwrite SDK among them) bring along. Its connections need sockets, so every
// copy of it finds a dispatcher here that sends through the host instead. The
// module `undici` itself is provided for bundles that leave it out.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const { DOMException, FormData, Response } = globalThis;
  const { EventEmitter } = lib;
  const { Buffer } = globalThis;

  async function bodyBytes(body) {
    if (body === null || body === undefined) return null;
    if (typeof body === "string") return lib.utf8Encode(body);
    if (lib.isBufferSource(body)) return lib.bytesOf(body);
    if (lib.isBlob(body)) return lib.blobBytes(body);
    if (body instanceof FormData) return lib.encodeMultipart(body).bytes;
    const chunks = [];
    for await (const chunk of body) chunks.push(typeof chunk === "string" ? lib.utf8Encode(chunk) : chunk);
    return lib.concat(chunks, 0);
  }

  function pairs(headers) {
    if (!headers) return [];
    if (Array.isArray(headers)) {
      const text = (v) => (typeof v === "string" ? v : lib.latin1Decode(v));
      return headers.flatMap((name, i) => (i % 2 ? [] : [].concat(headers[i + 1]).map((v) => [text(name), text(v)])));
    }
    const list = typeof headers[Symbol.iterator] === "function" ? [...headers] : Object.entries(headers);
    return list.flatMap(([name, value]) => (value === undefined ? [] : [].concat(value).map((v) => [name, String(v)])));
  }

  class Dispatcher extends EventEmitter {
    closed = false;
    destroyed = false;

    dispatch(options, handler) {
      let running = null;
      let aborted = null;
      const abort = (reason) => {
        if (aborted) return;
        aborted = { reason: reason ?? new DOMException("The operation was aborted", "AbortError") };
        running?.cancel?.();
        handler.onError?.(aborted.reason);
      };
      const send = async () => {
        handler.onConnect?.(abort, null);
        if (aborted) return;
        const body = await bodyBytes(options.body);
        if (aborted) return;
        const url = new URL(options.path ?? "/", options.origin);
        for (const [name, value] of Object.entries(options.query ?? {})) url.searchParams.append(name, value);
        const headers = pairs(options.headers).filter(([name]) => !/^(host|connection|content-length|transfer-encoding|keep-alive|expect)$/i.test(name));
        running = S.wait("fetch", { method: options.method ?? "GET", url: url.href, headers, redirect: "manual", body: body !== null }, body ?? undefined);
        const { value, data } = await running;
        if (aborted) return;
        const raw = value.headers.flatMap(([name, text]) => [Buffer.from(name, "latin1"), Buffer.from(text, "latin1")]);
        handler.onHeaders?.(value.status, raw, () => {}, value.statusText ?? "");
        if (data.byteLength > 0) handler.onData?.(lib.toBuffer(data));
        handler.onComplete?.([]);
      };
      send().catch((error) => {
        if (!aborted) handler.onError?.(error);
      });
      return true;
    }
    close(callback) {
      this.closed = true;
      callback?.();
      return Promise.resolve();
    }
    destroy(error, callback) {
      this.destroyed = true;
      (typeof error === "function" ? error : callback)?.();
      return Promise.resolve();
    }
    compose() {
      return this;
    }
  }

  let current = new Dispatcher();
  for (const version of ["undici.globalDispatcher.1", "undici.globalDispatcher.2"]) {
    Object.defineProperty(globalThis, Symbol.for(version), { get: () => current, set: () => {}, configurable: true });
  }

  async function request(input, options = {}) {
    const url = new URL(input);
    const response = await globalThis.fetch(url, { redirect: "manual", ...options });
    const headers = {};
    for (const [name, value] of response.headers) headers[name] = name in headers ? [].concat(headers[name], value) : value;
    const body = lib.Readable.from([]);
    const source = lib.toBuffer(new Uint8Array(await response.arrayBuffer()));
    const stream = source.length ? lib.Readable.from([source]) : body;
    for (const kind of ["text", "json", "arrayBuffer", "bytes", "blob"]) lib.define(stream, kind, () => new Response(source)[kind]());
    return { statusCode: response.status, headers, trailers: {}, opaque: null, body: stream, context: {} };
  }

  class UndiciError extends Error {}
  const undici = {
    fetch: (...args) => globalThis.fetch(...args),
    request,
    Dispatcher, Agent: Dispatcher, Client: Dispatcher, Pool: Dispatcher, ProxyAgent: Dispatcher, EnvHttpProxyAgent: Dispatcher, RetryAgent: Dispatcher,
    getGlobalDispatcher: () => current,
    setGlobalDispatcher: (dispatcher) => void (current = dispatcher),
    errors: { UndiciError },
    interceptors: {},
  };
  for (const name of ["Headers", "Request", "Response", "FormData", "File", "Blob"]) undici[name] = globalThis[name];
  S.modules.undici = () => undici;
})();
