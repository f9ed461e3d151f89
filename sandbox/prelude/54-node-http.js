// node:http and node:https as clients over the host's `fetch` operation: the
// request is sent when it ends and the response arrives whole. Agents are
// accepted and ignored; servers and upgrades are left out.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const { EventEmitter, Readable, Writable } = lib;

  const STATUS_CODES = {
    100: "Continue", 101: "Switching Protocols", 102: "Processing", 103: "Early Hints", 200: "OK", 201: "Created", 202: "Accepted",
    203: "Non-Authoritative Information", 204: "No Content", 205: "Reset Content", 206: "Partial Content", 207: "Multi-Status", 208: "Already Reported",
    226: "IM Used", 300: "Multiple Choices", 301: "Moved Permanently", 302: "Found", 303: "See Other", 304: "Not Modified", 305: "Use Proxy",
    307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable", 407: "Proxy Authentication Required", 408: "Request Timeout", 409: "Conflict",
    410: "Gone", 411: "Length Required", 412: "Precondition Failed", 413: "Payload Too Large", 414: "URI Too Long", 415: "Unsupported Media Type",
    416: "Range Not Satisfiable", 417: "Expectation Failed", 418: "I'm a Teapot", 421: "Misdirected Request", 422: "Unprocessable Entity", 423: "Locked",
    424: "Failed Dependency", 425: "Too Early", 426: "Upgrade Required", 428: "Precondition Required", 429: "Too Many Requests",
    431: "Request Header Fields Too Large", 451: "Unavailable For Legal Reasons", 500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway",
    503: "Service Unavailable", 504: "Gateway Timeout", 505: "HTTP Version Not Supported", 506: "Variant Also Negotiates", 507: "Insufficient Storage",
    508: "Loop Detected", 509: "Bandwidth Limit Exceeded", 510: "Not Extended", 511: "Network Authentication Required",
  };
  const METHODS = ["ACL", "BIND", "CHECKOUT", "CONNECT", "COPY", "DELETE", "GET", "HEAD", "LINK", "LOCK", "M-SEARCH", "MERGE", "MKACTIVITY", "MKCALENDAR", "MKCOL", "MOVE", "NOTIFY", "OPTIONS", "PATCH", "POST", "PROPFIND", "PROPPATCH", "PURGE", "PUT", "QUERY", "REBIND", "REPORT", "SEARCH", "SOURCE", "SUBSCRIBE", "TRACE", "UNBIND", "UNLINK", "UNLOCK", "UNSUBSCRIBE"];
  // Named once however often they come.
  const SINGLE = new Set(["age", "authorization", "content-length", "content-type", "etag", "expires", "from", "host", "if-modified-since", "if-unmodified-since", "last-modified", "location", "max-forwards", "proxy-authorization", "referer", "retry-after", "server", "user-agent"]);

  // What libraries touch on a socket; there is none.
  class Socket extends EventEmitter {
    constructor(encrypted) {
      super();
      Object.assign(this, { encrypted, authorized: encrypted, remoteAddress: undefined, remotePort: undefined, connecting: false, destroyed: false, writable: true, readable: true, _httpMessage: null });
    }
    setTimeout() { return this; }
    setNoDelay() { return this; }
    setKeepAlive() { return this; }
    ref() { return this; }
    unref() { return this; }
    end() { return this; }
    address() { return {}; }
    destroy() {
      this.destroyed = true;
      return this;
    }
  }

  class IncomingMessage extends Readable {
    constructor(value, socket) {
      super({ read() {} });
      this.statusCode = value.status;
      this.statusMessage = value.statusText || STATUS_CODES[value.status] || "";
      this.httpVersion = "1.1";
      this.httpVersionMajor = 1;
      this.httpVersionMinor = 1;
      this.complete = false;
      this.aborted = false;
      this.socket = this.connection = socket;
      this.url = "";
      this.headers = {};
      this.headersDistinct = Object.create(null);
      this.rawHeaders = [];
      this.trailers = {};
      this.rawTrailers = [];
      for (const [name, text] of value.headers) {
        const key = name.toLowerCase();
        this.rawHeaders.push(name, text);
        (this.headersDistinct[key] ??= []).push(text);
        if (key === "set-cookie") (this.headers[key] ??= []).push(text);
        else if (this.headers[key] === undefined) this.headers[key] = text;
        else if (!SINGLE.has(key)) this.headers[key] += `${key === "cookie" ? "; " : ", "}${text}`;
      }
    }
    setTimeout() {
      return this;
    }
    // An error nobody listens for is dropped, as node does here.
    _destroy(error, callback) {
      callback(this.listenerCount("error") > 0 ? error : null);
    }
  }

  class ClientRequest extends Writable {
    #headers = new Map();
    #chunks = [];
    #timer = null;
    #running = null;
    #url;

    constructor(options, callback) {
      super({ autoDestroy: false });
      const protocol = options.protocol ?? options.agent?.protocol ?? options.defaultProtocol;
      const host = options.hostname ?? options.host ?? "localhost";
      const port = options.port ?? options.defaultPort;
      const standard = protocol === "https:" ? 443 : 80;
      if (protocol !== "http:" && protocol !== "https:") throw lib.nodeError(TypeError, "ERR_INVALID_PROTOCOL", `Protocol "${protocol}" not supported. Expected "${options.defaultProtocol}"`);
      this.method = String(options.method ?? "GET").toUpperCase();
      this.path = options.path ?? "/";
      if (/[^\x21-\xff]/.test(this.path)) throw lib.nodeError(TypeError, "ERR_UNESCAPED_CHARACTERS", "Request path contains unescaped characters");
      this.protocol = protocol;
      this.host = host;
      this.agent = options.agent;
      this.reusedSocket = false;
      this.maxHeadersCount = null;
      this.aborted = false;
      this.finished = false;
      this.res = null;
      const shown = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
      const authority = port && Number(port) !== standard ? `${shown}:${port}` : shown;
      this.#url = /^https?:\/\//i.test(this.path) ? this.path : `${protocol}//${authority}${this.path}`;
      const { headers } = options;
      if (Array.isArray(headers)) {
        const pairs = Array.isArray(headers[0]) ? headers : headers.flatMap((v, i) => (i % 2 ? [] : [[v, headers[i + 1]]]));
        for (const [name, value] of pairs) this.setHeader(name, value);
      } else if (headers) for (const name of Object.keys(headers)) if (headers[name] !== undefined) this.setHeader(name, headers[name]);
      if (options.auth && !this.hasHeader("authorization")) this.setHeader("Authorization", `Basic ${globalThis.Buffer.from(options.auth).toString("base64")}`);
      if (!this.hasHeader("host")) this.setHeader("Host", authority);
      this.socket = this.connection = new Socket(protocol === "https:");
      this.timeout = options.timeout;
      if (callback) this.once("response", callback);
      if (options.timeout) this.setTimeout(options.timeout);
      if (options.signal) lib.addAbortSignal(options.signal, this);
      lib.tick(() => {
        if (this.destroyed) return;
        this.emit("socket", this.socket);
        this.socket.emit("connect");
        if (this.socket.encrypted) this.socket.emit("secureConnect");
      });
    }

    setHeader(name, value) {
      if (value === undefined) throw lib.nodeError(TypeError, "ERR_HTTP_INVALID_HEADER_VALUE", `Invalid value "undefined" for header "${name}"`);
      this.#headers.set(String(name).toLowerCase(), { name: String(name), value });
      return this;
    }
    appendHeader(name, value) {
      const slot = this.#headers.get(name.toLowerCase());
      if (slot) slot.value = [].concat(slot.value, value);
      else this.setHeader(name, value);
      return this;
    }
    getHeader(name) {
      return this.#headers.get(String(name).toLowerCase())?.value;
    }
    getHeaders() {
      return Object.assign(Object.create(null), Object.fromEntries([...this.#headers].map(([key, { value }]) => [key, value])));
    }
    getHeaderNames() {
      return [...this.#headers.keys()];
    }
    getRawHeaderNames() {
      return [...this.#headers.values()].map(({ name }) => name);
    }
    hasHeader(name) {
      return this.#headers.has(String(name).toLowerCase());
    }
    removeHeader(name) {
      this.#headers.delete(String(name).toLowerCase());
    }
    flushHeaders() {}
    setNoDelay() {}
    setSocketKeepAlive() {}
    onSocket() {}
    get headersSent() {
      return this.finished;
    }
    setTimeout(delay, callback) {
      S.timers.clearTimeout(this.#timer);
      if (callback) this.once("timeout", callback);
      if (delay > 0) this.#timer = setTimeout(() => this.emit("timeout"), delay);
      return this;
    }
    clearTimeout() {
      return this.setTimeout(0);
    }
    abort() {
      if (this.aborted) return;
      this.aborted = true;
      lib.tick(() => this.emit("abort"));
      this.destroy();
    }
    end(...args) {
      super.end(...args);
      this.finished = true;
      return this;
    }

    _write(chunk, encoding, callback) {
      this.#chunks.push(lib.copyBytes(chunk));
      callback();
    }
    _final(callback) {
      this.#send();
      callback();
    }
    _destroy(error, callback) {
      S.timers.clearTimeout(this.#timer);
      this.#running?.cancel?.();
      this.socket.destroy();
      if (!error && !this.res) error = lib.nodeError(Error, "ECONNRESET", "socket hang up");
      if (this.res && !this.res.complete) {
        this.res.aborted = true;
        this.res.destroy(lib.nodeError(Error, "ECONNRESET", "aborted"));
      }
      callback(error);
    }

    async #send() {
      const headers = [];
      for (const { name, value } of this.#headers.values()) {
        // The host frames the message by itself.
        if (/^(host|connection|transfer-encoding|content-length|keep-alive|expect)$/i.test(name)) continue;
        for (const one of Array.isArray(value) ? value : [value]) headers.push([name, String(one)]);
      }
      const body = this.#chunks.length > 0 || !["GET", "HEAD", "DELETE", "OPTIONS"].includes(this.method);
      try {
        this.#running = S.wait("fetch", { method: this.method, url: this.#url, headers, redirect: "manual", body }, body ? lib.concat(this.#chunks, 0) : undefined);
        const { value, data } = await this.#running;
        this.#running = null;
        if (this.destroyed) return;
        S.timers.clearTimeout(this.#timer);
        const response = new IncomingMessage(value, this.socket);
        this.res = response;
        response.req = this;
        response.once("close", () => lib.tick(() => this.destroyed || this.destroy()));
        response.complete = true;
        const heard = this.emit("response", response);
        if (!heard) response.resume();
        if (data.byteLength > 0 && this.method !== "HEAD") response.push(data);
        response.push(null);
      } catch (error) {
        this.#running = null;
        if (this.destroyed) return;
        const code = /refused/i.test(error.message) ? "ECONNREFUSED" : /resolve|dns|lookup/i.test(error.message) ? "ENOTFOUND" : /time/i.test(error.message) ? "ETIMEDOUT" : "ECONNRESET";
        this.destroy(Object.assign(error, { code: error.code ?? code }));
      }
    }
  }

  class Agent extends EventEmitter {
    constructor(options = {}) {
      super();
      this.options = { ...options };
      this.keepAlive = !!options.keepAlive;
      this.maxSockets = options.maxSockets ?? Infinity;
      this.maxFreeSockets = options.maxFreeSockets ?? 256;
      this.requests = {};
      this.sockets = {};
      this.freeSockets = {};
      this.protocol = undefined;
    }
    destroy() {}
    getName() {
      return "";
    }
  }

  const refuse = (name) => () => {
    throw lib.unavailable(name);
  };

  function make(protocol) {
    const name = protocol.slice(0, -1);
    const defaultPort = protocol === "https:" ? 443 : 80;
    const request = (input, options, callback) => {
      if (typeof options === "function") [callback, options] = [options, undefined];
      let base = input;
      if (typeof input === "string") base = lib.urlToHttpOptions(new URL(input));
      else if (input instanceof URL) base = lib.urlToHttpOptions(input);
      return new ClientRequest({ ...base, ...options, defaultProtocol: protocol, defaultPort }, callback);
    };
    return {
      request,
      get(...args) {
        const req = request(...args);
        req.end();
        return req;
      },
      Agent: class extends Agent {
        constructor(options) {
          super(options);
          this.protocol = protocol;
          this.defaultPort = defaultPort;
        }
      },
      globalAgent: Object.assign(new Agent(), { protocol, defaultPort }),
      createServer: refuse(`node:${name}.createServer`),
      Server: refuse(`node:${name}.Server`),
    };
  }

  const shared = {
    STATUS_CODES, METHODS, ClientRequest, IncomingMessage, OutgoingMessage: Writable, ServerResponse: Writable,
    maxHeaderSize: 16384,
    validateHeaderName(name) {
      if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) throw lib.nodeError(TypeError, "ERR_INVALID_HTTP_TOKEN", `Header name must be a valid HTTP token ["${name}"]`);
    },
    validateHeaderValue(name, value) {
      if (value === undefined) throw lib.nodeError(TypeError, "ERR_HTTP_INVALID_HEADER_VALUE", `Invalid value "undefined" for header "${name}"`);
      if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) throw lib.nodeError(TypeError, "ERR_INVALID_CHAR", `Invalid character in header content ["${name}"]`);
    },
    setMaxIdleHTTPParsers: () => {},
  };
  const http = { ...make("http:"), ...shared };
  const https = make("https:");
  S.modules["node:http"] = () => http;
  S.modules["node:https"] = () => https;
  lib.Socket = Socket;
})();
