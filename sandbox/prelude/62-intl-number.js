// Intl.NumberFormat, Intl.PluralRules, and toLocaleString of Number and BigInt.
// Rounding increments and rounding priority other than `auto` are left out.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const { intlOption: option, intlNumber: number } = lib;

  const ZERO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" ");
  const THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND".split(" ");
  const CURRENCIES = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW".split(" ");
  const UNITS = "acre bit byte celsius centimeter day degree fahrenheit fluid-ounce foot gallon gigabit gigabyte gram hectare hour inch kilobit kilobyte kilogram kilometer liter megabit megabyte meter microsecond mile mile-scandinavian milliliter millimeter millisecond minute month nanosecond ounce percent petabyte pound second stone terabit terabyte week yard year".split(" ");
  lib.currencies = () => [...CURRENCIES];
  lib.units = () => [...UNITS];
  const ROUNDING = ["ceil", "floor", "expand", "trunc", "halfCeil", "halfFloor", "halfExpand", "halfTrunc", "halfEven"];

  // The digit options of ECMA-402, as the host takes them.
  function digits(options, minDefault, maxDefault, notation) {
    const out = { minimumIntegerDigits: number(options, "minimumIntegerDigits", 1, 21, 1) };
    const given = (name) => options[name] !== undefined;
    const significant = given("minimumSignificantDigits") || given("maximumSignificantDigits");
    const fraction = given("minimumFractionDigits") || given("maximumFractionDigits");
    if (significant) {
      out.minimumSignificantDigits = number(options, "minimumSignificantDigits", 1, 21, 1);
      out.maximumSignificantDigits = number(options, "maximumSignificantDigits", out.minimumSignificantDigits, 21, 21);
    } else if (fraction || notation !== "compact") {
      let min = number(options, "minimumFractionDigits", 0, 100);
      let max = number(options, "maximumFractionDigits", 0, 100);
      if (min === undefined) min = Math.min(minDefault, max ?? minDefault);
      else if (max === undefined) max = Math.max(maxDefault, min);
      if (max === undefined) max = Math.max(maxDefault, min);
      if (min > max) throw new RangeError("maximumFractionDigits value is out of range.");
      out.minimumFractionDigits = min;
      out.maximumFractionDigits = max;
    }
    out.roundingMode = option(options, "roundingMode", ROUNDING, "halfExpand");
    out.stripZeros = option(options, "trailingZeroDisplay", ["auto", "stripIfInteger"], "auto") === "stripIfInteger";
    return out;
  }

  const currencyDigits = (code) => (ZERO_DIGITS.includes(code) ? 0 : THREE_DIGITS.includes(code) ? 3 : 2);

  function init(locales, options) {
    options = options === undefined ? Object.create(null) : Object(options);
    const numberingSystem = option(options, "numberingSystem");
    const locale = lib.resolveLocale(locales, { nu: numberingSystem });
    const style = option(options, "style", ["decimal", "percent", "currency", "unit"], "decimal");
    let currency = option(options, "currency");
    if (currency !== undefined && !/^[A-Za-z]{3}$/.test(currency)) throw new RangeError(`Invalid currency code : ${currency}`);
    currency = currency?.toUpperCase();
    const currencyDisplay = option(options, "currencyDisplay", ["code", "symbol", "narrowSymbol", "name"], "symbol");
    const currencySign = option(options, "currencySign", ["standard", "accounting"], "standard");
    const unit = option(options, "unit");
    if (unit !== undefined && !unit.split("-per-").every((u, i) => i < 2 && UNITS.includes(u))) throw new RangeError(`Invalid unit argument for Intl.NumberFormat() '${unit}'`);
    const unitDisplay = option(options, "unitDisplay", ["short", "narrow", "long"], "short");
    if (style === "currency" && currency === undefined) throw new TypeError("Currency code is required with currency style.");
    if (style === "unit" && unit === undefined) throw new TypeError("Required option \"unit\" must not be undefined");
    const notation = option(options, "notation", ["standard", "scientific", "engineering", "compact"], "standard");
    const places = style === "currency" && notation === "standard" ? currencyDigits(currency) : null;
    const precision = digits(options, places ?? 0, places ?? (style === "percent" ? 0 : 3), notation);
    const compactDisplay = option(options, "compactDisplay", ["short", "long"], "short");
    let useGrouping = options.useGrouping;
    const usual = notation === "compact" ? "min2" : "auto";
    if (useGrouping === undefined || useGrouping === "true" || useGrouping === "false") useGrouping = usual;
    else if (useGrouping === true) useGrouping = "always";
    else if (useGrouping === false || useGrouping === null || useGrouping === 0 || useGrouping === "") useGrouping = false;
    else if (!["min2", "auto", "always"].includes(useGrouping = String(useGrouping))) throw new RangeError(`Value ${useGrouping} out of range for Intl.NumberFormat options property useGrouping`);
    const signDisplay = option(options, "signDisplay", ["auto", "never", "always", "exceptZero", "negative"], "auto");
    const arg = { locale: locale.data, style, notation, signDisplay, useGrouping: String(useGrouping), ...precision };
    if (style === "currency") Object.assign(arg, { currency, currencyDisplay, currencySign });
    if (style === "unit") Object.assign(arg, { unit, unitDisplay });
    if (notation === "compact") arg.compactDisplay = compactDisplay;
    return { locale, numberingSystem, useGrouping, arg };
  }

  // A number as the host reads it.
  function literal(value) {
    if (typeof value === "object" && value !== null) value = value[Symbol.toPrimitive] ? value[Symbol.toPrimitive]("number") : value.valueOf();
    if (typeof value === "bigint") return String(value);
    if (typeof value === "string") {
      const text = value.trim();
      if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i.test(text)) return text.replace(/^([+-]?)\./, "$10.").replace(/\.(?=e|$)/i, "").replace(/^\+/, "");
      value = Number(text);
    }
    const n = Number(value);
    return Object.is(n, -0) ? "-0" : String(n);
  }
  lib.numberLiteral = literal;

  const parts = (state, value) => S.call("intl.number", { options: state.arg, value: literal(value) }).value;
  const text = (state, value) => {
    let out = "";
    for (const [, piece] of parts(state, value)) out += piece;
    return out;
  };

  const range = (state, from, to) => {
    if (from === undefined || to === undefined) throw new TypeError("start or end cannot be undefined");
    const [a, b] = [parts(state, from), parts(state, to)];
    const tag = (list, source) => list.map(([type, value]) => ({ type, value, source }));
    if (JSON.stringify(a) === JSON.stringify(b)) return [{ type: "approximatelySign", value: "~", source: "shared" }, ...tag(a, "shared")];
    return [...tag(a, "startRange"), { type: "literal", value: state.arg.style === "currency" ? " – " : "–", source: "shared" }, ...tag(b, "endRange")];
  };

  lib.intlClass("NumberFormat", init, {
    callable: true,
    methods: {
      formatToParts: (state, value) => parts(state, value).map(([type, piece]) => ({ type, value: piece })),
      formatRange: (state, from, to) => range(state, from, to).map((p) => p.value).join(""),
      formatRangeToParts: range,
      resolvedOptions(state) {
        const { arg } = state;
        const out = { locale: state.locale.tag, numberingSystem: state.numberingSystem ?? state.locale.keywords.nu ?? "latn", style: arg.style };
        for (const name of ["currency", "currencyDisplay", "currencySign", "unit", "unitDisplay", "minimumIntegerDigits", "minimumFractionDigits", "maximumFractionDigits", "minimumSignificantDigits", "maximumSignificantDigits"])
          if (arg[name] !== undefined) out[name] = arg[name];
        if (arg.notation === "compact" && arg.maximumFractionDigits === undefined && arg.maximumSignificantDigits === undefined)
          Object.assign(out, { minimumFractionDigits: 0, maximumFractionDigits: 0, minimumSignificantDigits: 1, maximumSignificantDigits: 2 });
        out.useGrouping = state.useGrouping;
        out.notation = arg.notation;
        if (arg.compactDisplay) out.compactDisplay = arg.compactDisplay;
        out.signDisplay = arg.signDisplay;
        out.roundingIncrement = 1;
        out.roundingMode = arg.roundingMode;
        out.roundingPriority = "auto";
        out.trailingZeroDisplay = arg.stripZeros ? "stripIfInteger" : "auto";
        return out;
      },
    },
    getters: { format: (state) => (state.bound ??= (value) => text(state, value)) },
  });

  const plural = (state, n) => {
    const value = literal(n);
    if (/N|I/.test(value)) return "other";
    return S.call("intl.plural", { options: state.arg, ordinal: state.ordinal, value }).value;
  };
  lib.intlClass(
    "PluralRules",
    (locales, options) => {
      options = options === undefined ? Object.create(null) : Object(options);
      const ordinal = option(options, "type", ["cardinal", "ordinal"], "cardinal") === "ordinal";
      const locale = lib.resolveLocale(locales);
      const arg = { locale: locale.data, style: "decimal", notation: "standard", signDisplay: "auto", useGrouping: "auto", ...digits(options, 0, 3, "standard") };
      return { locale, ordinal, arg };
    },
    {
      methods: {
        select: plural,
        selectRange: (state, from, to) => plural(state, to),
        resolvedOptions(state) {
          const out = { locale: state.locale.tag, type: state.ordinal ? "ordinal" : "cardinal" };
          for (const name of ["minimumIntegerDigits", "minimumFractionDigits", "maximumFractionDigits", "minimumSignificantDigits", "maximumSignificantDigits"])
            if (state.arg[name] !== undefined) out[name] = state.arg[name];
          const order = ["few", "many", "one", "two", "zero", "other"];
          out.pluralCategories = S.call("intl.plurals", { locale: state.arg.locale, ordinal: state.ordinal }).value.sort((a, b) => order.indexOf(a) - order.indexOf(b));
          return out;
        },
      },
    },
  );

  const numberValue = Number.prototype.valueOf;
  const bigintValue = BigInt.prototype.valueOf;
  const keptText = (value, locales, options) => text(lib.keptFormat("number", locales, options, () => init(locales, options)), value);
  lib.methods(Number.prototype, {
    toLocaleString(locales, options) {
      return keptText(numberValue.call(this), locales, options);
    },
  });
  lib.methods(BigInt.prototype, {
    toLocaleString(locales, options) {
      return keptText(bigintValue.call(this), locales, options);
    },
  });
})();
