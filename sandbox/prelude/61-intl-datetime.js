// Intl.DateTimeFormat and the toLocale…String methods of Date. A range is
// written as both ends; `dayPeriod` is read and ignored.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const { intlOption: option } = lib;

  const WIDTHS = ["narrow", "short", "long"];
  const DIGITS = ["2-digit", "numeric"];
  const STYLES = ["full", "long", "medium", "short"];
  const FIELDS = {
    weekday: WIDTHS, era: WIDTHS, year: DIGITS, month: [...DIGITS, ...WIDTHS], day: DIGITS, dayPeriod: WIDTHS, hour: DIGITS, minute: DIGITS, second: DIGITS,
  };
  const ZONE_NAMES = ["short", "long", "shortOffset", "longOffset", "shortGeneric", "longGeneric"];
  const DATE = ["weekday", "year", "month", "day"];
  const TIME = ["dayPeriod", "hour", "minute", "second", "fractionalSecondDigits"];

  const zones = new Map();
  function zone(name) {
    if (name === undefined) name = S.env.TZ || "UTC";
    name = String(name);
    if (!zones.has(name)) {
      const found = /^[\x21-\x7e]+$/.test(name) ? S.call("intl.zone", name).value : undefined;
      if (!found) throw new RangeError(`Invalid time zone specified: ${name}`);
      zones.set(name, found);
    }
    return zones.get(name);
  }

  function init(locales, options, required = "any", defaults = "date") {
    options = options === undefined ? Object.create(null) : Object(options);
    const calendar = option(options, "calendar");
    const numberingSystem = option(options, "numberingSystem");
    const hour12 = option(options, "hour12", "boolean");
    let hourCycle = option(options, "hourCycle", ["h11", "h12", "h23", "h24"]);
    const locale = lib.resolveLocale(locales, { ca: calendar, nu: numberingSystem, hc: hour12 === undefined ? hourCycle : undefined });
    if (hour12 !== undefined) hourCycle = hour12 ? "12" : "24";
    else hourCycle = locale.keywords.hc;
    const timeZone = zone(options.timeZone);
    const fields = {};
    for (const name of Object.keys(FIELDS)) {
      const value = option(options, name, FIELDS[name]);
      if (value !== undefined) fields[name] = value;
      if (name === "second") {
        const digits = lib.intlNumber(options, "fractionalSecondDigits", 1, 3);
        if (digits !== undefined) fields.fractionalSecondDigits = digits;
      }
    }
    const zoneName = option(options, "timeZoneName", ZONE_NAMES);
    if (zoneName !== undefined) fields.timeZoneName = zoneName;
    const dateStyle = option(options, "dateStyle", STYLES);
    const timeStyle = option(options, "timeStyle", STYLES);
    const styled = dateStyle !== undefined || timeStyle !== undefined;
    if (styled) {
      const other = Object.keys(fields)[0];
      if (other) throw new TypeError(`Can't set option ${other} when ${dateStyle !== undefined ? "dateStyle" : "timeStyle"} is used`);
      if (required === "date" && timeStyle !== undefined) throw new TypeError("Invalid option : timeStyle");
      if (required === "time" && dateStyle !== undefined) throw new TypeError("Invalid option : dateStyle");
    } else {
      const has = (names) => names.some((name) => fields[name] !== undefined);
      const needed = !((required !== "time" && has(DATE)) || (required !== "date" && has(TIME)));
      if (needed && (defaults === "date" || defaults === "all")) fields.year = fields.month = fields.day = "numeric";
      if (needed && (defaults === "time" || defaults === "all")) fields.hour = fields.minute = fields.second = "numeric";
    }
    const arg = { locale: locale.data, ...fields };
    delete arg.dayPeriod;
    if (hourCycle !== undefined) arg.hourCycle = hourCycle;
    if (dateStyle !== undefined) arg.dateStyle = dateStyle;
    if (timeStyle !== undefined) arg.timeStyle = timeStyle;
    return { locale, calendar, numberingSystem, timeZone, fields, dateStyle, timeStyle, arg };
  }

  function instant(date) {
    const at = date === undefined ? Date.now() : Number(date);
    if (!(Math.abs(at) <= 8.64e15)) throw new RangeError("Invalid time value");
    return Math.trunc(at);
  }

  const parts = (state, date) => S.call("intl.datetime", { options: state.arg, timeZone: state.timeZone, at: instant(date) }).value;
  const text = (state, date) => {
    let out = "";
    for (const [, value] of parts(state, date)) out += value;
    // An ordinary space before AM and PM, though not in the parts, as the
    // engine of node does it.
    return out.replaceAll("\u202f", " ");
  };

  function info(state) {
    return (state.info ??= S.call("intl.datetimeInfo", { locale: state.arg.locale, hourCycle: state.arg.hourCycle }).value);
  }

  const range = (state, from, to) => {
    const [a, b] = [parts(state, from), parts(state, to)];
    const tag = (list, source) => list.map(([type, value]) => ({ type, value, source }));
    if (JSON.stringify(a) === JSON.stringify(b)) return tag(a, "shared");
    return [...tag(a, "startRange"), { type: "literal", value: " – ", source: "shared" }, ...tag(b, "endRange")];
  };
  const both = (from, to) => {
    if (from === undefined || to === undefined) throw new TypeError("startDate or endDate cannot be undefined");
  };

  lib.intlClass("DateTimeFormat", init, {
    callable: true,
    methods: {
      formatToParts: (state, date) => parts(state, date).map(([type, value]) => ({ type, value })),
      formatRange(state, from, to) {
        both(from, to);
        return range(state, from, to).map((p) => p.value).join("");
      },
      formatRangeToParts(state, from, to) {
        both(from, to);
        return range(state, from, to);
      },
      resolvedOptions(state) {
        const { hourCycle, calendar, numberingSystem } = info(state);
        const out = {
          locale: state.locale.tag, calendar: state.calendar ?? state.locale.keywords.ca ?? calendar,
          numberingSystem: state.numberingSystem ?? state.locale.keywords.nu ?? numberingSystem, timeZone: state.timeZone,
        };
        const { fields } = state;
        if (fields.hour !== undefined || state.timeStyle !== undefined) {
          out.hourCycle = state.arg.hourCycle === "h24" ? "h24" : hourCycle;
          out.hour12 = hourCycle === "h11" || hourCycle === "h12";
        }
        for (const name of [...Object.keys(FIELDS), "fractionalSecondDigits", "timeZoneName"]) if (fields[name] !== undefined) out[name] = fields[name];
        if (fields.hour !== undefined) for (const name of ["minute", "second"]) if (fields[name] !== undefined) out[name] = "2-digit";
        if (state.dateStyle !== undefined) out.dateStyle = state.dateStyle;
        if (state.timeStyle !== undefined) out.timeStyle = state.timeStyle;
        return out;
      },
    },
    getters: {
      format: (state) => (state.bound ??= (date) => text(state, date)),
    },
  });

  // Formatters of the toLocale…String methods, by their arguments.
  const kept = new Map();
  lib.keptFormat = (kind, locales, options, make) => {
    if ((locales !== undefined && typeof locales !== "string") || (options !== undefined && (options === null || typeof options !== "object"))) return make();
    const key = `${kind}|${locales ?? ""}|${options === undefined ? "" : JSON.stringify(options)}|${kind === "number" ? "" : S.env.TZ ?? ""}`;
    let found = kept.get(key);
    if (!found) {
      found = make();
      if (kept.size > 100) kept.clear();
      kept.set(key, found);
    }
    return found;
  };

  const time = Date.prototype.getTime;
  for (const [name, required, defaults] of [
    ["toLocaleString", "any", "all"], ["toLocaleDateString", "date", "date"], ["toLocaleTimeString", "time", "time"],
  ]) {
    lib.define(Date.prototype, name, {
      [name](locales, options) {
        const at = time.call(this);
        if (Number.isNaN(at)) return "Invalid Date";
        return text(lib.keptFormat(name, locales, options, () => init(locales, options, required, defaults)), at);
      },
    }[name]);
  }
})();
