// `console`: a line by the host operation `pubnub.console` for each call.
// Reference: section 15.
const S = globalThis.__strata;
const { lib } = S;
const P = (S.pubnub ??= {});
const { Error, String } = globalThis;
const { now } = Date;

// Bytes of a line.
const LIMIT = 1024;

const cut = (text) => {
  if (text.length * 3 <= LIMIT) return text;
  const { read } = lib.utf8Write(text, new Uint8Array(LIMIT));
  return read < text.length ? text.slice(0, read) : text;
};

const shown = (value) => {
  if (typeof value === "string") return value;
  if (typeof value === "function") return value.name ? `[Function: ${value.name}]` : "[Function]";
  if (value === null || typeof value !== "object") return String(value);
  // Its JSON would be `{}`.
  if (value instanceof Error) return String(value);
  try {
    return P.json(value) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
};

// What is printed never fails an execution.
P.print = (level, text) => {
  if (P.isOver()) return;
  try {
    S.call("pubnub.console", { __proto__: null, level, text: cut(text), ts: now() });
  } catch {
    // Nobody listens.
  }
};

const printer = (level) => (...values) => {
  let text = "";
  for (let i = 0; i < values.length; i++) {
    let piece;
    try {
      piece = shown(values[i]);
    } catch {
      piece = "[object]";
    }
    text += i === 0 ? piece : ` ${piece}`;
  }
  P.print(level, text);
};

P.console = () => ({
  log: printer("log"),
  error: printer("error"),
  info: printer("info"),
  warn: printer("warn"),
  debug: printer("debug"),
});
