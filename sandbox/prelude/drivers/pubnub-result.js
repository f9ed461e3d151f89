// What ends an execution: `ok`, `abort` and `send`. The first call decides, and
// takes effect when the function's promise settles. Reference: sections 11.2
// and 11.3.
const S = globalThis.__strata;
const P = (S.pubnub ??= {});
const { Error, String } = globalThis;

const ABORTED = "Aborted by function";

const textOf = (message) => {
  if (message === undefined) return null;
  if (typeof message === "string") return message;
  try {
    return P.json(message) ?? String(message);
  } catch {
    return String(message);
  }
};

// The result of one execution: `word` is null until something has decided.
P.result = () => ({ word: null, text: null, error: null, answer: null });

// Whether this call is the one that decides.
P.decide = (result, word) => {
  if (result.word === null) {
    result.word = word;
    return true;
  }
  P.print("warn", `${word}() is ignored: ${result.word}() has decided already`);
  return false;
};

// Gives `ok` and `abort` to the object that the function gets.
P.endings = (target, result) => {
  target.ok = async (message) => {
    if (!P.decide(result, "ok")) return target;
    result.text = textOf(message);
    if (result.text !== null) P.print("info", result.text);
    return target;
  };
  target.abort = async (message) => {
    if (!P.decide(result, "abort")) return target;
    result.text = textOf(message);
    target.error = { code: 400, message: result.text ?? ABORTED };
    return target;
  };
  return target;
};

// Throws when nothing was decided, or what decided has failed.
P.settled = (result, words) => {
  if (result.error !== null) throw result.error.raised;
  if (result.word === null) throw new Error(`The function ended without calling ${words}`);
};
