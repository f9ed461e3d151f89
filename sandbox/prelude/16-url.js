// URL and URLSearchParams. Parsing and setters are the host's WHATWG parser
// (`url.parse`, `url.set`); the parameter list is kept here, live both ways.
// Object URLs are left out: there is nothing to look them up.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const { DOMException } = globalThis;

  const PLUS_SAFE = /[!'()~]|%20/g;
  const encodePart = (text) =>
    encodeURIComponent(text).replace(PLUS_SAFE, (c) => (c === "%20" ? "+" : `%${c.charCodeAt(0).toString(16).toUpperCase()}`));

  function decodePart(text) {
    if (text.includes("+")) text = text.replaceAll("+", " ");
    if (!text.includes("%")) return text;
    try {
      return decodeURIComponent(text);
    } catch {
      const bytes = [];
      const raw = lib.utf8Encode(text);
      for (let i = 0; i < raw.length; i++) {
        const pair = raw[i] === 37 ? lib.latin1Decode(raw.subarray(i + 1, i + 3)) : "";
        if (/^[0-9a-fA-F]{2}$/.test(pair)) {
          bytes.push(parseInt(pair, 16));
          i += 2;
        } else bytes.push(raw[i]);
      }
      return lib.utf8Decode(new Uint8Array(bytes));
    }
  }

  function parseQuery(text) {
    const list = [];
    for (const piece of text.split("&")) {
      if (piece === "") continue;
      const eq = piece.indexOf("=");
      list.push(eq < 0 ? [decodePart(piece), ""] : [decodePart(piece.slice(0, eq)), decodePart(piece.slice(eq + 1))]);
    }
    return list;
  }

  const usv = (v) => String(v).toWellFormed();

  class URLSearchParams {
    #list = [];
    #changed = null;

    constructor(init = "") {
      if (init !== null && (typeof init === "object" || typeof init === "function")) {
        const iterate = init[Symbol.iterator];
        if (iterate !== undefined && iterate !== null) {
          for (const pair of init) {
            const [name, value, ...rest] = [...pair];
            if (value === undefined || rest.length) throw new TypeError("URLSearchParams: each pair must be a name and a value");
            this.#list.push([usv(name), usv(value)]);
          }
        } else for (const key of Reflect.ownKeys(init)) {
          if (typeof key === "symbol" || !Object.prototype.propertyIsEnumerable.call(init, key)) continue;
          this.#list.push([usv(key), usv(init[key])]);
        }
      } else {
        const text = usv(init);
        this.#list = parseQuery(text.startsWith("?") ? text.slice(1) : text);
      }
    }

    static {
      lib.bindParams = (params, changed) => {
        params.#changed = changed;
      };
      lib.resetParams = (params, query) => {
        params.#list = parseQuery(query);
      };
    }

    get size() {
      return this.#list.length;
    }
    append(name, value) {
      lib.requireArgs(arguments, 2, "append");
      this.#list.push([usv(name), usv(value)]);
      this.#changed?.();
    }
    delete(name, value) {
      lib.requireArgs(arguments, 1, "delete");
      name = usv(name);
      this.#list = this.#list.filter(([n, v]) => n !== name || (value !== undefined && v !== usv(value)));
      this.#changed?.();
    }
    get(name) {
      lib.requireArgs(arguments, 1, "get");
      name = usv(name);
      return this.#list.find(([n]) => n === name)?.[1] ?? null;
    }
    getAll(name) {
      lib.requireArgs(arguments, 1, "getAll");
      name = usv(name);
      return this.#list.filter(([n]) => n === name).map(([, v]) => v);
    }
    has(name, value) {
      lib.requireArgs(arguments, 1, "has");
      name = usv(name);
      return this.#list.some(([n, v]) => n === name && (value === undefined || v === usv(value)));
    }
    set(name, value) {
      lib.requireArgs(arguments, 2, "set");
      name = usv(name);
      const first = this.#list.find(([n]) => n === name);
      if (first) {
        first[1] = usv(value);
        this.#list = this.#list.filter((pair) => pair === first || pair[0] !== name);
      } else this.#list.push([name, usv(value)]);
      this.#changed?.();
    }
    sort() {
      this.#list.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
      this.#changed?.();
    }
    forEach(callback, thisArg) {
      for (const [name, value] of this) callback.call(thisArg, value, name, this);
    }
    *entries() {
      for (let i = 0; i < this.#list.length; i++) yield [...this.#list[i]];
    }
    *keys() {
      for (let i = 0; i < this.#list.length; i++) yield this.#list[i][0];
    }
    *values() {
      for (let i = 0; i < this.#list.length; i++) yield this.#list[i][1];
    }
    toString() {
      return this.#list.map(([n, v]) => `${encodePart(n)}=${encodePart(v)}`).join("&");
    }
  }
  lib.webClass(URLSearchParams);
  lib.define(URLSearchParams.prototype, Symbol.iterator, URLSearchParams.prototype.entries);
  lib.define(URLSearchParams.prototype, lib.inspect.custom, function (depth, options, inspect) {
    const inner = [...this].map(([n, v]) => `${inspect(n)} => ${inspect(v)}`).join(", ");
    return inner ? `URLSearchParams { ${inner} }` : "URLSearchParams {}";
  });

  const PARTS = ["protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"];

  function parse(input, base) {
    const arg = { input: usv(input) };
    if (base !== undefined) arg.base = usv(base);
    return S.call("url.parse", arg).value ?? null;
  }

  class URL {
    #parts;
    #params = null;

    constructor(url, base) {
      lib.requireArgs(arguments, 1, "URL constructor");
      this.#parts = parse(url, base);
      if (this.#parts === null) {
        const error = new TypeError("Invalid URL");
        error.code = "ERR_INVALID_URL";
        error.input = String(url);
        if (base !== undefined) error.base = String(base);
        throw error;
      }
    }

    static canParse(url, base) {
      lib.requireArgs(arguments, 1, "URL.canParse");
      return parse(url, base) !== null;
    }
    static parse(url, base) {
      lib.requireArgs(arguments, 1, "URL.parse");
      try {
        return new URL(url, base);
      } catch {
        return null;
      }
    }
    static createObjectURL() {
      throw new DOMException("URL.createObjectURL is not available in Strata functions", "NotSupportedError");
    }
    static revokeObjectURL() {}

    static {
      lib.urlGet = (url, part) => url.#parts[part];
      lib.urlSet = (url, part, value) => {
        const next = S.call("url.set", { href: url.#parts.href, prop: part, value: usv(value) }).value ?? null;
        if (next === null) {
          if (part === "href") throw new TypeError("Invalid URL");
          return;
        }
        url.#parts = next;
        if (url.#params && (part === "search" || part === "href")) lib.resetParams(url.#params, next.search.slice(1));
      };
    }

    get href() {
      return this.#parts.href;
    }
    set href(value) {
      lib.urlSet(this, "href", value);
    }
    get origin() {
      return this.#parts.origin;
    }
    get searchParams() {
      if (!this.#params) {
        this.#params = new URLSearchParams(this.#parts.search);
        lib.bindParams(this.#params, () => {
          const next = S.call("url.set", { href: this.#parts.href, prop: "search", value: this.#params.toString() }).value ?? null;
          if (next !== null) this.#parts = next;
        });
      }
      return this.#params;
    }
    toString() {
      return this.#parts.href;
    }
    toJSON() {
      return this.#parts.href;
    }
  }
  for (const part of PARTS) {
    Object.defineProperty(URL.prototype, part, {
      configurable: true,
      enumerable: true,
      get() {
        return lib.urlGet(this, part);
      },
      set(value) {
        lib.urlSet(this, part, value);
      },
    });
  }
  lib.webClass(URL);
  lib.define(URL.prototype, lib.inspect.custom, function (depth, options, inspect) {
    if (typeof depth === "number" && depth < 0) return this.href;
    const shown = {};
    for (const part of ["href", "origin", ...PARTS]) shown[part] = this[part];
    shown.searchParams = this.searchParams;
    return `URL ${inspect(shown, options)}`;
  });

  lib.parseQuery = parseQuery;
  lib.globals({ URL, URLSearchParams });
})();
