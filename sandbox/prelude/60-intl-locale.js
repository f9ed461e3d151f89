// Intl: locale lists, option reading, Intl.Locale and the functions of Intl
// itself. The data is the host's (`intl.*`); the engine has none. The default
// locale is en-US and the default time zone UTC or the variable TZ.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const DEFAULT = "en-US";
  const Intl = {};
  Object.defineProperty(Intl, Symbol.toStringTag, { value: "Intl", configurable: true });

  const known = new Map();
  // { tag, base, language, script, region, keywords, known }
  function describe(tag) {
    if (tag === undefined || typeof tag !== "string" && (typeof tag !== "object" || tag === null)) throw new TypeError("Incorrect locale information provided");
    const text = tag instanceof Locale ? tag.toString() : String(tag);
    let found = known.get(text);
    if (!found) {
      found = /^[\x00-\x7f]{2,}$/.test(text) ? S.call("intl.locale", text).value : undefined;
      if (!found) throw new RangeError(`Incorrect locale information provided: ${text}`);
      if (known.size > 200) known.clear();
      known.set(text, found);
    }
    return found;
  }

  function list(locales) {
    if (locales === undefined) return [];
    if (typeof locales === "string" || locales instanceof Locale) return [describe(locales)];
    if (locales === null) throw new TypeError("Cannot convert undefined or null to object");
    const seen = new Map();
    for (const locale of Array.from(Object(locales))) {
      const found = describe(locale);
      if (!seen.has(found.tag)) seen.set(found.tag, found);
    }
    return [...seen.values()];
  }

  lib.intlOption = (options, name, values, fallback) => {
    let value = options[name];
    if (value === undefined) return fallback;
    value = typeof values === "string" && values === "boolean" ? Boolean(value) : String(value);
    if (Array.isArray(values) && !values.includes(value)) throw new RangeError(`Value ${value} out of range for Intl options property ${name}`);
    return value;
  };
  lib.intlNumber = (options, name, min, max, fallback) => {
    const value = options[name];
    if (value === undefined) return fallback;
    const n = Number(value);
    if (!(n >= min && n <= max)) throw new RangeError(`${name} value is out of range.`);
    return Math.floor(n);
  };
  lib.intlOptions = (options) => {
    if (options === undefined) return Object.create(null);
    if (options === null || (typeof options !== "object" && typeof options !== "function")) throw new TypeError("options must be an object");
    return options;
  };

  // The locale to use: { tag: shown, data: passed to the host, keywords }.
  // `keys` maps the keywords that matter here to what options say of them.
  lib.resolveLocale = (locales, keys = {}) => {
    const wanted = list(locales);
    const best = wanted.find((l) => l.known) ?? describe(DEFAULT);
    const own = Object.fromEntries(best.keywords);
    const shown = [];
    const used = {};
    for (const key of Object.keys(keys)) {
      if (keys[key] !== undefined) {
        used[key] = keys[key];
        if (own[key] === keys[key]) shown.push(`${key}-${keys[key]}`);
      } else if (own[key]) {
        used[key] = own[key];
        shown.push(`${key}-${own[key]}`);
      }
    }
    const data = Object.keys(used).filter((key) => key !== "hc").sort().map((key) => `${key}-${used[key]}`);
    return {
      tag: best.base + (shown.length ? `-u-${shown.sort().join("-")}` : ""),
      data: best.base + (data.length ? `-u-${data.join("-")}` : ""),
      keywords: used,
    };
  };

  const supported = (locales) => list(locales).filter((l) => l.known).map((l) => l.tag);

  // A constructor that may also be called, with state kept apart and the look
  // of a built-in.
  lib.intlClass = (name, init, { callable = false, methods = {}, getters = {} } = {}) => {
    const states = new WeakMap();
    const of = (object) => {
      const state = states.get(object);
      if (!state) throw new TypeError(`Method Intl.${name}.prototype called on incompatible receiver`);
      return state;
    };
    const ctor = function (...args) {
      if (!new.target && !callable) throw new TypeError(`Constructor Intl.${name} requires 'new'`);
      const self = new.target ? this : Object.create(ctor.prototype);
      states.set(self, init(...args));
      return self;
    };
    Object.defineProperty(ctor, "name", { value: name });
    Object.defineProperty(ctor, "length", { value: 0 });
    for (const key of Object.keys(methods)) {
      lib.define(ctor.prototype, key, { [key](...args) { return methods[key](of(this), ...args); } }[key]);
    }
    for (const key of Object.keys(getters)) {
      Object.defineProperty(ctor.prototype, key, { configurable: true, get() { return getters[key](of(this), this); } });
    }
    Object.defineProperty(ctor.prototype, Symbol.toStringTag, { value: `Intl.${name}`, configurable: true });
    lib.define(ctor, "supportedLocalesOf", (locales) => supported(locales));
    lib.define(Intl, name, ctor);
    return ctor;
  };

  const FIELDS = { calendar: "ca", collation: "co", hourCycle: "hc", caseFirst: "kf", numberingSystem: "nu" };
  class Locale {
    #d;
    constructor(tag, options) {
      const base = describe(tag);
      options = options === undefined ? {} : Object(options);
      const part = (name) => (options[name] === undefined ? base[name] : String(options[name]));
      const keywords = new Map(base.keywords);
      for (const name of Object.keys(FIELDS)) if (options[name] !== undefined) keywords.set(FIELDS[name], String(options[name]));
      if (options.numeric !== undefined) keywords.set("kn", options.numeric ? "" : "false");
      const text = [part("language"), part("script"), part("region")].filter(Boolean).join("-");
      const variants = base.base.split("-").slice(1).filter((s) => s.length > 4 || /^\d\w{3}$/.test(s));
      const ext = [...keywords].sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => (v === "" || v === "true" ? k : `${k}-${v}`));
      this.#d = describe([text, ...variants, ...(ext.length ? ["u", ...ext] : [])].join("-"));
    }
    get baseName() { return this.#d.base; }
    get language() { return this.#d.language; }
    get script() { return this.#d.script ?? undefined; }
    get region() { return this.#d.region ?? undefined; }
    #keyword(key) {
      return this.#d.keywords.find(([k]) => k === key)?.[1];
    }
    get calendar() { return this.#keyword("ca"); }
    get collation() { return this.#keyword("co"); }
    get hourCycle() { return this.#keyword("hc"); }
    get caseFirst() { return this.#keyword("kf"); }
    get numberingSystem() { return this.#keyword("nu"); }
    get numeric() {
      const value = this.#keyword("kn");
      return value !== undefined && value !== "false";
    }
    maximize() {
      return new Locale(S.call("intl.likely", { tag: this.#d.tag, minimize: false }).value);
    }
    minimize() {
      return new Locale(S.call("intl.likely", { tag: this.#d.tag, minimize: true }).value);
    }
    getTextInfo() {
      const script = this.maximize().script;
      return { direction: ["Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm"].includes(script) ? "rtl" : "ltr" };
    }
    getWeekInfo() {
      const region = this.maximize().region;
      const sunday = "AG AS AU BD BR BS BT BW BZ CA CO DM DO ET GT GU HK HN ID IL IN JM JP KE KH KR LA MH MM MO MT MX MZ NI NP PA PE PH PK PR PT PY SA SG SV TH TT TW UM US VE VI WS YE ZA ZW".split(" ");
      const saturday = "AE AF BH DJ DZ EG IQ IR JO KW LY OM QA SD SY".split(" ");
      const weekend = ["AE", "BH", "DZ", "EG", "IQ", "JO", "KW", "LY", "OM", "QA", "SA", "SD", "SY", "YE", "IL"].includes(region) ? [5, 6] : region === "IR" ? [5] : [6, 7];
      const european = "AD AN AT AX BE BG CH CZ DE DK ES FI FJ FO FR GB GF GG GI GP GR HU IE IM IS IT JE LI LT LU MC MQ NL NO PL PT RE RU SE SJ SK SM VA".split(" ");
      return { firstDay: sunday.includes(region) ? 7 : saturday.includes(region) ? 6 : 1, weekend, minimalDays: european.includes(region) ? 4 : 1 };
    }
    get weekInfo() { return this.getWeekInfo(); }
    get textInfo() { return this.getTextInfo(); }
    toString() {
      return this.#d.tag;
    }
  }
  Object.defineProperty(Locale.prototype, Symbol.toStringTag, { value: "Intl.Locale", configurable: true });
  lib.define(Intl, "Locale", Locale);

  lib.define(Intl, "getCanonicalLocales", (locales) => list(locales).map((l) => l.tag));
  const VALUES = {
    calendar: () => ["buddhist", "chinese", "coptic", "dangi", "ethiopic", "gregory", "hebrew", "indian", "iso8601", "japanese", "persian", "roc"],
    collation: () => ["default", "emoji", "eor"],
    currency: () => lib.currencies(),
    numberingSystem: () => ["arab", "arabext", "beng", "deva", "latn", "mymr", "thai"],
    timeZone: () => S.call("intl.zones").value,
    unit: () => lib.units(),
  };
  lib.define(Intl, "supportedValuesOf", (key) => {
    if (!Object.hasOwn(VALUES, `${key}`)) throw new RangeError(`Invalid key : ${key}`);
    return VALUES[key]();
  });

  lib.globals({ Intl });
})();
