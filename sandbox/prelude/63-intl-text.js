// Intl.Collator, ListFormat, RelativeTimeFormat, DisplayNames and Segmenter,
// and the locale-sensitive methods of String and Array.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const { intlOption: option } = lib;
  const wellFormed = (v) => String(v).toWellFormed();
  const joined = (list) => list.map(([, value]) => value).join("");

  // ---- Collator ----

  function collator(locales, options) {
    options = options === undefined ? Object.create(null) : Object(options);
    const usage = option(options, "usage", ["sort", "search"], "sort");
    const numeric = option(options, "numeric", "boolean");
    const caseFirst = option(options, "caseFirst", ["upper", "lower", "false"]);
    const locale = lib.resolveLocale(locales, { co: option(options, "collation"), kn: numeric === undefined ? undefined : String(numeric), kf: caseFirst });
    const keywords = locale.keywords;
    const base = locale.data.split("-u-")[0];
    const arg = {
      locale: keywords.co ? `${base}-u-co-${keywords.co}` : base,
      sensitivity: option(options, "sensitivity", ["base", "accent", "case", "variant"], "variant"),
      numeric: keywords.kn !== undefined && keywords.kn !== "false",
      caseFirst: keywords.kf ?? "false",
      ignorePunctuation: option(options, "ignorePunctuation", "boolean", base.startsWith("th")),
    };
    return { locale, usage, arg };
  }

  const compare = (state, a, b) => {
    if (a === b) return 0;
    return S.call("intl.compare", { options: state.arg, a: wellFormed(a), b: wellFormed(b) }).value;
  };

  lib.intlClass("Collator", collator, {
    callable: true,
    methods: {
      resolvedOptions: (state) => ({
        locale: state.locale.tag, usage: state.usage, sensitivity: state.arg.sensitivity, ignorePunctuation: state.arg.ignorePunctuation,
        collation: state.locale.keywords.co ?? "default", numeric: state.arg.numeric, caseFirst: state.arg.caseFirst,
      }),
    },
    getters: { compare: (state) => (state.bound ??= (a, b) => compare(state, a, b)) },
  });

  // ---- ListFormat ----

  const strings = (list) => {
    if (list === undefined) return [];
    return Array.from(list, (item) => {
      if (typeof item !== "string") throw new TypeError("Iterable yielded a value that is not a string");
      return wellFormed(item);
    });
  };
  const listed = (state, list) => {
    const items = strings(list);
    const pieces = S.call("intl.list", { ...state.arg, items }).value;
    // One element a piece, even where nothing stands between two.
    if (pieces.filter(([kind]) => kind === "element").length === items.length) return pieces;
    return items.map((item) => ["element", item]);
  };
  lib.intlClass(
    "ListFormat",
    (locales, options) => {
      options = lib.intlOptions(options);
      const locale = lib.resolveLocale(locales);
      const kind = option(options, "type", ["conjunction", "disjunction", "unit"], "conjunction");
      const style = option(options, "style", ["long", "short", "narrow"], "long");
      return { locale, arg: { locale: locale.data, kind, style } };
    },
    {
      methods: {
        format: (state, list) => joined(listed(state, list)),
        formatToParts: (state, list) => listed(state, list).map(([type, value]) => ({ type, value })),
        resolvedOptions: (state) => ({ locale: state.locale.tag, type: state.arg.kind, style: state.arg.style }),
      },
    },
  );

  // ---- RelativeTimeFormat ----

  const relative = (state, value, unit) => {
    const name = String(unit).replace(/s$/, "");
    if (!["second", "minute", "hour", "day", "week", "month", "quarter", "year"].includes(name)) throw new RangeError(`Invalid unit argument for format() '${unit}'`);
    const n = Number(value);
    if (!Number.isFinite(n)) throw new RangeError("Value need to be finite number for Intl.RelativeTimeFormat.prototype.format()");
    return { name, pieces: S.call("intl.relative", { ...state.arg, unit: name, value: lib.numberLiteral(n) }).value };
  };
  lib.intlClass(
    "RelativeTimeFormat",
    (locales, options) => {
      options = options === undefined ? Object.create(null) : Object(options);
      const locale = lib.resolveLocale(locales, { nu: option(options, "numberingSystem") });
      const style = option(options, "style", ["long", "short", "narrow"], "long");
      const auto = option(options, "numeric", ["always", "auto"], "always") === "auto";
      return { locale, arg: { locale: locale.data, style, auto } };
    },
    {
      methods: {
        format: (state, value, unit) => joined(relative(state, value, unit).pieces),
        formatToParts(state, value, unit) {
          const { name, pieces } = relative(state, value, unit);
          return pieces.map(([type, text]) => (type === "literal" ? { type, value: text } : { type, value: text, unit: name }));
        },
        resolvedOptions: (state) => ({ locale: state.locale.tag, style: state.arg.style, numeric: state.arg.auto ? "auto" : "always", numberingSystem: state.locale.keywords.nu ?? "latn" }),
      },
    },
  );

  // ---- DisplayNames ----

  const CODES = { language: /^[a-z]{2,8}(-[a-z0-9]+)*$/i, region: /^([a-z]{2}|\d{3})$/i, script: /^[a-z]{4}$/i, currency: /^[a-z]{3}$/i };
  lib.intlClass(
    "DisplayNames",
    (locales, options) => {
      if (options === undefined || options === null || typeof options !== "object") throw new TypeError("Intl.DisplayNames needs options with a type");
      const locale = lib.resolveLocale(locales);
      const style = option(options, "style", ["narrow", "short", "long"], "long");
      const kind = option(options, "type", ["language", "region", "script", "currency", "calendar", "dateTimeField"]);
      if (kind === undefined) throw new TypeError("Required option \"type\" must not be undefined");
      const fallback = option(options, "fallback", ["code", "none"], "code");
      return { locale, kind, fallback, style };
    },
    {
      methods: {
        of({ locale, kind, fallback, style }, code) {
          code = String(code);
          if (CODES[kind] && !CODES[kind].test(code)) throw new RangeError(`Invalid argument to Intl.DisplayNames.prototype.of: ${code}`);
          if (kind === "region" || kind === "currency") code = code.toUpperCase();
          if (kind === "script") code = code[0].toUpperCase() + code.slice(1).toLowerCase();
          if (kind === "language") code = Intl.getCanonicalLocales(code)[0];
          let name;
          if (kind === "currency") {
            const format = new Intl.NumberFormat(locale.data, { style: "currency", currency: code, currencyDisplay: style === "long" ? "name" : "symbol" });
            name = format.formatToParts(1).find((p) => p.type === "currency")?.value;
            if (name === code) name = undefined;
          } else name = S.call("intl.display", { locale: locale.data, kind, style, code }).value;
          return name ?? (fallback === "code" ? code : undefined);
        },
        resolvedOptions: (state) => ({ locale: state.locale.tag, style: state.style, type: state.kind, fallback: state.fallback }),
      },
    },
  );

  // ---- Segmenter ----

  class Segments {
    #input;
    #cuts;
    #granularity;
    constructor(input, granularity) {
      this.#input = input;
      this.#granularity = granularity;
      this.#cuts = S.call("intl.segment", { text: input.toWellFormed(), granularity }).value;
    }
    #at(i) {
      const index = i === 0 ? 0 : this.#cuts.ends[i - 1];
      const out = { segment: this.#input.slice(index, this.#cuts.ends[i]), index, input: this.#input };
      if (this.#granularity === "word") out.isWordLike = this.#cuts.words[i];
      return out;
    }
    containing(index = 0) {
      index = Math.trunc(Number(index)) || 0;
      if (index < 0 || index >= this.#input.length) return undefined;
      return this.#at(this.#cuts.ends.findIndex((end) => index < end));
    }
    *[Symbol.iterator]() {
      for (let i = 0; i < this.#cuts.ends.length; i++) yield this.#at(i);
    }
  }
  lib.intlClass(
    "Segmenter",
    (locales, options) => {
      options = lib.intlOptions(options);
      return { locale: lib.resolveLocale(locales), granularity: option(options, "granularity", ["grapheme", "word", "sentence"], "grapheme") };
    },
    {
      methods: {
        segment: (state, input) => new Segments(String(input), state.granularity),
        resolvedOptions: (state) => ({ locale: state.locale.tag, granularity: state.granularity }),
      },
    },
  );

  // ---- String, Array ----

  const SPECIAL = ["tr", "az", "lt", "el", "hy", "nl"];
  const cased = (text, locales, upper) => {
    const first = Array.isArray(locales) ? locales[0] : locales;
    const plain = () => (upper ? text.toUpperCase() : text.toLowerCase());
    if (first === undefined) return plain();
    const language = Intl.getCanonicalLocales(first)[0].split("-")[0];
    if (!SPECIAL.includes(language)) return plain();
    return S.call("intl.case", { locale: language, text: text.toWellFormed(), upper }).value;
  };
  const needText = (value, name) => {
    if (value === undefined || value === null) throw new TypeError(`String.prototype.${name} called on null or undefined`);
    return String(value);
  };
  lib.methods(String.prototype, {
    localeCompare(that, locales, options) {
      const text = needText(this, "localeCompare");
      const other = String(that);
      if (text === other) return 0;
      return compare(lib.keptFormat("collator", locales, options, () => collator(locales, options)), text, other);
    },
    toLocaleUpperCase(locales) {
      return cased(needText(this, "toLocaleUpperCase"), locales, true);
    },
    toLocaleLowerCase(locales) {
      return cased(needText(this, "toLocaleLowerCase"), locales, false);
    },
  });

  function itemsText(locales, options) {
    const out = [];
    for (let i = 0; i < this.length; i++) out.push(this[i] === undefined || this[i] === null ? "" : String(this[i].toLocaleString(locales, options)));
    return out.join(",");
  }
  for (const proto of [Array.prototype, Object.getPrototypeOf(Uint8Array.prototype)]) {
    lib.define(proto, "toLocaleString", { toLocaleString(locales, options) { return itemsText.call(this, locales, options); } }.toLocaleString);
  }
})();
