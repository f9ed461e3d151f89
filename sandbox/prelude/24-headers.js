// Headers, with the guards that matter outside a browser: names and values are
// checked, `set-cookie` is never joined, responses of `fetch` are immutable.
(() => {
  "use strict";
  const { lib } = globalThis.__strata;

  const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

  function checkName(name) {
    name = String(name);
    if (!TOKEN.test(name)) throw new TypeError(`Headers: ${JSON.stringify(name)} is not a valid header name`);
    return name;
  }
  function checkValue(value) {
    value = String(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
    if (/[\0\r\n]|[^\x00-\xff]/.test(value)) throw new TypeError(`Headers: ${JSON.stringify(value)} is not a valid header value`);
    return value;
  }

  class Headers {
    // lower-case name -> { name, values }
    #map = new Map();
    #immutable = false;

    constructor(init) {
      if (init === undefined) return;
      if (init === null || (typeof init !== "object" && typeof init !== "function"))
        throw new TypeError("Headers: the initial value must be an object or a sequence of pairs");
      if (typeof init[Symbol.iterator] === "function") {
        for (const pair of init) {
          const list = [...pair];
          if (list.length !== 2) throw new TypeError("Headers: each pair must be a name and a value");
          this.append(list[0], list[1]);
        }
      } else for (const key of Reflect.ownKeys(init)) {
        if (typeof key === "symbol") throw new TypeError("Headers: a symbol is not a header name");
        if (Object.prototype.propertyIsEnumerable.call(init, key)) this.append(key, init[key]);
      }
    }

    static {
      lib.freezeHeaders = (headers) => {
        headers.#immutable = true;
        return headers;
      };
      // Pairs as they go on the wire, repeated names kept apart.
      lib.headerPairs = (headers) => {
        const out = [];
        for (const { name, values } of headers.#map.values()) for (const value of values) out.push([name, value]);
        return out;
      };
    }

    #change() {
      if (this.#immutable) throw new TypeError("Headers: these headers are immutable");
    }

    append(name, value) {
      lib.requireArgs(arguments, 2, "append");
      name = checkName(name);
      value = checkValue(value);
      this.#change();
      const key = name.toLowerCase();
      const slot = this.#map.get(key);
      if (slot) slot.values.push(value);
      else this.#map.set(key, { name: key, values: [value] });
    }
    set(name, value) {
      lib.requireArgs(arguments, 2, "set");
      name = checkName(name);
      value = checkValue(value);
      this.#change();
      this.#map.set(name.toLowerCase(), { name: name.toLowerCase(), values: [value] });
    }
    delete(name) {
      lib.requireArgs(arguments, 1, "delete");
      name = checkName(name);
      this.#change();
      this.#map.delete(name.toLowerCase());
    }
    get(name) {
      lib.requireArgs(arguments, 1, "get");
      return this.#map.get(checkName(name).toLowerCase())?.values.join(", ") ?? null;
    }
    has(name) {
      lib.requireArgs(arguments, 1, "has");
      return this.#map.has(checkName(name).toLowerCase());
    }
    getSetCookie() {
      return [...(this.#map.get("set-cookie")?.values ?? [])];
    }
    forEach(callback, thisArg) {
      for (const [name, value] of this) callback.call(thisArg, value, name, this);
    }
    *entries() {
      for (const key of [...this.#map.keys()].sort()) {
        const slot = this.#map.get(key);
        if (!slot) continue;
        if (key === "set-cookie") for (const value of slot.values) yield [key, value];
        else yield [key, slot.values.join(", ")];
      }
    }
    *keys() {
      for (const [name] of this.entries()) yield name;
    }
    *values() {
      for (const [, value] of this.entries()) yield value;
    }
  }
  lib.webClass(Headers);
  lib.define(Headers.prototype, Symbol.iterator, Headers.prototype.entries);
  lib.define(Headers.prototype, lib.inspect.custom, function (depth, options, inspect) {
    return `Headers ${inspect(Object.fromEntries(this), options)}`;
  });

  lib.globals({ Headers });
})();
