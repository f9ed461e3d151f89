// Text for values, as node:util prints them: `inspect` and `format`. Colours,
// column grouping of long arrays and proxies' targets are left out.
(() => {
  "use strict";
  const { lib } = globalThis.__strata;
  const custom = Symbol.for("nodejs.util.inspect.custom");
  const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
  const DEFAULTS = {
    depth: 2, showHidden: false, colors: false, customInspect: true, maxArrayLength: 100, maxStringLength: 10000,
    breakLength: 80, compact: 3, sorted: false, getters: false, numericSeparator: false,
  };

  const ESCAPES = { "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f", "\v": "\\v", "\\": "\\\\" };
  function quote(text) {
    const mark = !text.includes("'") ? "'" : !text.includes('"') ? '"' : !text.includes("`") && !text.includes("${") ? "`" : "'";
    const escaped = text.replace(/[\x00-\x1f\x7f-\x9f\\]/g, (c) => ESCAPES[c] ?? `\\x${c.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`);
    return mark + (mark === "'" ? escaped.replaceAll("'", "\\'") : escaped) + mark;
  }

  function primitive(value, options) {
    switch (typeof value) {
      case "string": {
        const over = value.length - options.maxStringLength;
        return over > 0 ? `${quote(value.slice(0, options.maxStringLength))}... ${over} more character${over > 1 ? "s" : ""}` : quote(value);
      }
      case "number":
        return Object.is(value, -0) ? "-0" : String(value);
      case "bigint":
        return `${value}n`;
      case "symbol":
        return value.toString();
      default:
        return String(value);
    }
  }

  function constructorName(object) {
    for (let o = object; o !== null && o !== undefined; o = Object.getPrototypeOf(o)) {
      const d = Object.getOwnPropertyDescriptor(o, "constructor");
      if (d && typeof d.value === "function" && d.value.name !== "") return d.value.name;
    }
    return null;
  }

  const brand = (proto, key) => {
    const get = Object.getOwnPropertyDescriptor(proto, key).get;
    return (v) => {
      try {
        get.call(v);
        return true;
      } catch {
        return false;
      }
    };
  };
  const method = (proto, key, ...args) => (v) => {
    try {
      proto[key].call(v, ...args);
      return true;
    } catch {
      return false;
    }
  };
  const tagOf = (v) => Object.prototype.toString.call(v).slice(8, -1);
  const is = (lib.is = {
    map: brand(Map.prototype, "size"),
    set: brand(Set.prototype, "size"),
    weakMap: method(WeakMap.prototype, "has", {}),
    weakSet: method(WeakSet.prototype, "has", {}),
    date: method(Date.prototype, "getTime"),
    regexp: (v) => v instanceof RegExp || tagOf(v) === "RegExp",
    error: (v) => v instanceof Error || (Error.isError?.(v) ?? tagOf(v) === "Error"),
    promise: (v) => v instanceof Promise,
    boxed: (v) => ["Number", "String", "Boolean", "Symbol", "BigInt"].find((n) => {
      if (Object.hasOwn(v, Symbol.toStringTag)) return false;
      try {
        globalThis[n].prototype.valueOf.call(v);
        return true;
      } catch {
        return false;
      }
    }),
  });

  function errorText(error, ctx) {
    const own = Object.getOwnPropertyDescriptor(error, "name");
    let name = own && "value" in own ? own.value : undefined;
    if (name === undefined) {
      try {
        name = error.name;
      } catch {
        name = "Error";
      }
    }
    const named = constructorName(error) ?? "Error";
    if (name === "Error" && named !== "Error" && /^[A-Z]/.test(named)) name = named;
    const message = String(error.message ?? "");
    const code = typeof error.code === "string" && Object.hasOwn(error, "code") ? ` [${error.code}]` : "";
    const head = message ? `${name}${code}: ${message}` : `${name}${code}`;
    let stack = typeof error.stack === "string" ? error.stack.replace(/\s+$/, "") : "";
    if (!stack) return ctx.indent || !ctx.top ? `[${head}]` : head;
    if (/^\s+at /.test(stack)) stack = `${head}\n${stack}`;
    return ctx.indent ? stack.replaceAll("\n", `\n${" ".repeat(ctx.indent)}`) : stack;
  }

  function keysOf(value, options) {
    const keys = options.showHidden ? Object.getOwnPropertyNames(value) : Object.keys(value);
    for (const s of Object.getOwnPropertySymbols(value))
      if (options.showHidden || Object.prototype.propertyIsEnumerable.call(value, s)) keys.push(s);
    if (options.sorted) keys.sort(typeof options.sorted === "function" ? options.sorted : undefined);
    return keys;
  }

  const INDEX = /^(0|[1-9]\d*)$/;

  function propertyText(value, key, options, ctx, arrayLike) {
    const d = Object.getOwnPropertyDescriptor(value, key) ?? { value: value[key], enumerable: true };
    let text;
    if ("value" in d) text = format(d.value, options, { ...ctx, indent: ctx.indent + 2 });
    else if (d.get && options.getters) text = `[Getter: ${format(d.get.call(value), options, { ...ctx, indent: ctx.indent + 2 })}]`;
    else text = d.get ? (d.set ? "[Getter/Setter]" : "[Getter]") : d.set ? "[Setter]" : "undefined";
    if (arrayLike) return text;
    let name = typeof key === "symbol" ? `[${key.toString()}]` : IDENTIFIER.test(key) ? key : quote(key);
    if (!d.enumerable) name = `[${typeof key === "symbol" ? key.toString() : key}]`;
    return `${name}: ${text}`;
  }

  function join(entries, [open, close], prefix, options, ctx) {
    const head = prefix ? `${prefix} ` : "";
    if (entries.length === 0) return `${head}${open}${close}`;
    const start = entries.reduce((sum, e) => sum + e.length + 2, 0) + head.length + ctx.indent;
    const nests = ctx.seenDepth.max - ctx.depth;
    if (options.compact === true || (options.compact !== false && nests <= options.compact && start + entries.length <= Math.min(76, options.breakLength) && !entries.some((e) => e.includes("\n"))) || options.breakLength === Infinity)
      return `${head}${open} ${entries.join(", ")} ${close}`;
    const pad = " ".repeat(ctx.indent + 2);
    return `${head}${open}\n${pad}${entries.join(`,\n${pad}`)}\n${" ".repeat(ctx.indent)}${close}`;
  }

  function format(value, options, ctx) {
    if (value === null || (typeof value !== "object" && typeof value !== "function")) return primitive(value, options);
    if (options.customInspect) {
      let fn;
      try {
        fn = value[custom];
      } catch {
        fn = undefined;
      }
      if (typeof fn === "function" && fn !== inspect && !(Object.hasOwn(value, "constructor") && value.constructor?.prototype === value)) {
        const depth = options.depth === null ? null : options.depth - ctx.depth;
        const result = fn.call(value, depth, { ...options, depth, stylize: (s) => String(s) }, inspect);
        if (result !== value) return typeof result === "string" ? result.replaceAll("\n", `\n${" ".repeat(ctx.indent)}`) : format(result, options, ctx);
      }
    }
    if (ctx.seen.includes(value)) {
      if (!ctx.circular.has(value)) ctx.circular.set(value, ctx.circular.size + 1);
      return `[Circular *${ctx.circular.get(value)}]`;
    }
    const text = object(value, options, ctx);
    return ctx.circular.has(value) ? `<ref *${ctx.circular.get(value)}> ${text}` : text;
  }

  function object(value, options, ctx) {
    const name = constructorName(value);
    let tag = "";
    try {
      tag = typeof value[Symbol.toStringTag] === "string" ? value[Symbol.toStringTag] : "";
    } catch {
      tag = "";
    }
    if (tag === name) tag = "";
    const label = (fallback, size) =>
      `${name ?? `[${fallback}: null prototype]`}${size === undefined ? "" : `(${size})`}${tag ? ` [${tag}]` : ""}`;
    let keys = keysOf(value, options);
    let brackets = ["{", "}"];
    let prefix = "";
    let items = () => [];
    const inner = { ...ctx, top: false, depth: ctx.depth + 1, seen: [...ctx.seen, value] };
    const sub = (v) => format(v, options, { ...inner, indent: ctx.indent + 2 });
    const limit = options.maxArrayLength ?? Infinity;
    const more = (n) => `... ${n} more item${n > 1 ? "s" : ""}`;

    if (Array.isArray(value)) {
      brackets = ["[", "]"];
      prefix = name === "Array" && !tag ? "" : label("Array", value.length);
      keys = keys.filter((k) => typeof k === "symbol" || !INDEX.test(k)).filter((k) => k !== "length" || options.showHidden);
      items = () => {
        const out = [];
        let i = 0;
        while (i < value.length && out.length < limit) {
          if (Object.hasOwn(value, i)) {
            out.push(propertyText(value, String(i), options, inner, true));
            i++;
            continue;
          }
          const from = i;
          while (i < value.length && !Object.hasOwn(value, i) && i - from < 1e6) i++;
          out.push(`<${i - from} empty item${i - from > 1 ? "s" : ""}>`);
        }
        if (i < value.length) out.push(more(value.length - i));
        return out;
      };
    } else if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
      brackets = ["[", "]"];
      prefix = label("TypedArray", value.length);
      keys = keys.filter((k) => typeof k === "symbol" || !INDEX.test(k));
      items = () => {
        const out = Array.from(value.subarray(0, Math.min(limit, value.length)), (v) => primitive(v, options));
        if (value.length > limit) out.push(more(value.length - limit));
        return out;
      };
    } else if (is.map(value)) {
      prefix = label("Map", value.size);
      items = () => Array.from(Map.prototype.entries.call(value), ([k, v]) => `${sub(k)} => ${sub(v)}`);
    } else if (is.set(value)) {
      prefix = label("Set", value.size);
      items = () => Array.from(Set.prototype.values.call(value), sub);
    } else if (typeof value === "function") {
      const source = Function.prototype.toString.call(value);
      const isClass = source.startsWith("class");
      const base = isClass ? `[class ${value.name || "(anonymous)"}${parentName(value)}]` : `[${tag || constructorName(value) || "Function"}${value.name ? `: ${value.name}` : " (anonymous)"}]`;
      if (keys.length === 0) return base;
      prefix = base;
    } else if (is.error(value)) {
      const head = errorText(value, ctx);
      keys = keys.filter((k) => !["stack", "message", "name"].includes(k) && !(k === "code" && head.includes(`[${value.code}]`)));
      if (Object.hasOwn(value, "cause") && !keys.includes("cause")) keys.push("cause");
      if (Array.isArray(value.errors) && !keys.includes("errors")) keys.push("errors");
      if (keys.length === 0) return head;
      prefix = head;
    } else if (is.regexp(value)) {
      if (keys.length === 0) return RegExp.prototype.toString.call(value);
      prefix = RegExp.prototype.toString.call(value);
    } else if (is.date(value)) {
      const text = Number.isNaN(value.getTime()) ? "Invalid Date" : Date.prototype.toISOString.call(value);
      if (keys.length === 0) return text;
      prefix = text;
    } else if (is.promise(value)) {
      return "Promise { <state unknown> }";
    } else if (value instanceof ArrayBuffer) {
      const bytes = new Uint8Array(value);
      const shown = Array.from(bytes.subarray(0, 50), (b) => b.toString(16).padStart(2, "0")).join(" ");
      return `${label("ArrayBuffer")} { [Uint8Contents]: <${shown}${bytes.length > 50 ? ` ... ${bytes.length - 50} more bytes` : ""}>, byteLength: ${bytes.length} }`;
    } else if (is.weakMap(value) || is.weakSet(value)) {
      return `${label("WeakMap")} { <items unknown> }`;
    } else if (value instanceof DataView) {
      return `DataView { byteLength: ${value.byteLength}, byteOffset: ${value.byteOffset} }`;
    } else {
      const boxed = is.boxed(value);
      if (boxed) {
        const text = `[${boxed}: ${primitive(globalThis[boxed].prototype.valueOf.call(value), options)}]`;
        keys = keys.filter((k) => typeof k === "symbol" || !INDEX.test(k));
        if (keys.length === 0) return text;
        prefix = text;
      } else if (tagOf(value) === "Arguments") {
        brackets = ["[", "]"];
        prefix = "[Arguments]";
        keys = [];
        items = () => Array.from(value, sub);
      } else if (name === "Object" && !tag) prefix = "";
      else if (tagOf(value).endsWith(" Iterator") || tagOf(value) === "Generator") prefix = `Object [${tagOf(value)}]`;
      else prefix = label("Object");
    }

    const nullDepth = options.depth === null || options.depth === Infinity;
    if (!nullDepth && ctx.depth > options.depth) {
      if (is.error(value)) return `[${prefix.split("\n")[0]}]`;
      return `[${Array.isArray(value) ? "Array" : /^\[/.test(prefix) ? prefix.slice(1, -1) : `${name ?? "Object: null prototype"}${tag ? ` [${tag}]` : ""}`}]`;
    }
    ctx.seenDepth.max = Math.max(ctx.seenDepth.max, ctx.depth);
    const outer = ctx.seenDepth.max;
    ctx.seenDepth.max = ctx.depth;
    const entries = [...items(), ...keys.map((k) => propertyText(value, k, options, inner, false))];
    const text = join(entries, brackets, prefix, options, ctx);
    ctx.seenDepth.max = Math.max(outer, ctx.seenDepth.max);
    return text;
  }

  function parentName(fn) {
    const parent = Object.getPrototypeOf(fn);
    return typeof parent === "function" && parent.name ? ` extends ${parent.name}` : "";
  }

  function inspect(value, options, ...legacy) {
    let o = { ...DEFAULTS };
    if (typeof options === "boolean") {
      o.showHidden = options;
      if (legacy[0] !== undefined) o.depth = legacy[0];
    } else if (options) o = { ...o, ...options };
    if (o.maxStringLength === null) o.maxStringLength = Infinity;
    return format(value, o, { top: true, depth: 0, indent: 0, seen: [], circular: new Map(), seenDepth: { max: 0 } });
  }
  inspect.custom = custom;
  inspect.defaultOptions = DEFAULTS;
  inspect.colors = {};
  inspect.styles = {};

  const asNumber = (v, parse) => (typeof v === "bigint" ? `${v}n` : typeof v === "symbol" ? "NaN" : primitive(parse(v), DEFAULTS));

  function formatArgs(options, args) {
    let text = "";
    let at = 0;
    if (typeof args[0] === "string") {
      at = 1;
      text = args[0].replace(/%[sdifjoOc%]/g, (spec) => {
        if (spec === "%%") return args.length === 1 ? spec : "%";
        if (at >= args.length) return spec;
        const arg = args[at++];
        switch (spec) {
          case "%s":
            if (typeof arg === "string") return arg;
            if (arg === null || typeof arg !== "object") return typeof arg === "function" ? String(arg) : primitive(arg, DEFAULTS);
            if (is.error(arg)) return `${arg.name}: ${arg.message}`;
            if (is.date(arg)) return String(arg);
            if (typeof arg.toString === "function" && arg.toString !== Object.prototype.toString && !Array.isArray(arg)) return String(arg);
            return inspect(arg, { ...options, depth: 0 });
          case "%d":
            return typeof arg === "object" && arg !== null ? "NaN" : asNumber(arg, Number);
          case "%i":
            return asNumber(arg, (v) => parseInt(v, 10));
          case "%f":
            return asNumber(arg, parseFloat);
          case "%j":
            try {
              return String(JSON.stringify(arg));
            } catch {
              return "[Circular]";
            }
          case "%o":
            return inspect(arg, { ...options, showHidden: true, depth: 4 });
          case "%O":
            return inspect(arg, options);
          default:
            return "";
        }
      });
    }
    for (let i = at; i < args.length; i++) {
      const piece = typeof args[i] === "string" ? args[i] : inspect(args[i], options);
      text += i === 0 ? piece : ` ${piece}`;
    }
    return text;
  }

  lib.inspect = inspect;
  lib.format = (...args) => formatArgs(undefined, args);
  lib.formatWithOptions = (options, ...args) => formatArgs(options, args);
})();
