// console: every call becomes one `log` operation with a level and a line.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  let indent = "";
  const counts = new Map();
  const timers = new Map();

  const emit = (level, text) => {
    const line = indent ? indent + text.replaceAll("\n", `\n${indent}`) : text;
    S.call("log", { level, line: line.toWellFormed() });
  };
  const { now } = S;
  const elapsed = (ms) => (ms >= 1000 ? `${(ms / 1000).toFixed(3)}s` : `${Number(ms.toFixed(3))}ms`);

  function cellText(value) {
    return lib.inspect(value, { depth: 0, maxArrayLength: 3, breakLength: Infinity });
  }

  function table(data, columns) {
    if (data === null || typeof data !== "object") return cons.log(data);
    const entries = lib.is.map(data) ? [...data].map(([k, v], i) => [i, { Key: k, Values: v }]) : lib.is.set(data) ? [...data].map((v, i) => [i, v]) : Object.entries(data);
    const names = [];
    let plain = false;
    for (const [, row] of entries) {
      if (row !== null && typeof row === "object") for (const key of Object.keys(row)) names.includes(key) || names.push(key);
      else plain = true;
    }
    const shown = columns ?? names;
    const header = ["(index)", ...shown, ...(plain ? ["Values"] : [])];
    const rows = entries.map(([key, row]) => {
      const isRow = row !== null && typeof row === "object";
      return [String(key), ...shown.map((c) => (isRow && Object.hasOwn(row, c) ? cellText(row[c]) : "")), ...(plain ? [isRow ? "" : cellText(row)] : [])];
    });
    const widths = header.map((h, i) => Math.max(h.length, ...rows.map((r) => r[i].length)) + 2);
    const rule = (l, m, r) => l + widths.map((w) => "─".repeat(w)).join(m) + r;
    const line = (cells) => `│${cells.map((c, i) => ` ${c.padEnd(widths[i] - 1)}`).join("│")}│`;
    cons.log([rule("┌", "┬", "┐"), line(header), rule("├", "┼", "┤"), ...rows.map(line), rule("└", "┴", "┘")].join("\n"));
  }

  const stack = (skip) => (new Error().stack ?? "").split("\n").slice(skip).join("\n").trimEnd();

  const cons = {
    log: (...args) => emit("info", lib.format(...args)),
    info: (...args) => emit("info", lib.format(...args)),
    debug: (...args) => emit("debug", lib.format(...args)),
    warn: (...args) => emit("warn", lib.format(...args)),
    error: (...args) => emit("error", lib.format(...args)),
    trace: (...args) => emit("debug", `Trace${args.length ? `: ${lib.format(...args)}` : ""}\n${stack(2)}`.trimEnd()),
    dir: (value, options) => emit("info", lib.inspect(value, { customInspect: false, ...options })),
    dirxml: (...args) => cons.log(...args),
    assert: (condition, ...args) => {
      if (condition) return;
      if (typeof args[0] === "string") args[0] = `Assertion failed: ${args[0]}`;
      else args.unshift("Assertion failed");
      cons.error(...args);
    },
    count: (label = "default") => {
      const n = (counts.get(`${label}`) ?? 0) + 1;
      counts.set(`${label}`, n);
      cons.log(`${label}: ${n}`);
    },
    countReset: (label = "default") => void counts.delete(`${label}`),
    group: (...args) => {
      if (args.length) cons.log(...args);
      indent += "  ";
    },
    groupEnd: () => {
      indent = indent.slice(2);
    },
    time: (label = "default") => void timers.set(`${label}`, now()),
    timeLog: (label = "default", ...args) => {
      if (!timers.has(`${label}`)) return cons.warn(`No such label '${label}'`);
      cons.log(`${label}: ${elapsed(now() - timers.get(`${label}`))}`, ...args);
    },
    timeEnd: (label = "default") => {
      cons.timeLog(label);
      timers.delete(`${label}`);
    },
    table,
    clear: () => {},
    profile: () => {},
    profileEnd: () => {},
    timeStamp: () => {},
  };
  cons.groupCollapsed = cons.group;
  class Console {
    constructor() {
      Object.assign(this, cons);
    }
  }
  cons.Console = Console;
  lib.globals({ console: cons });
})();
