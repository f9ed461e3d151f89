// Expressions in paths, `[?(@.price < 10 && !@.sold)]` and `[(@.length - 1)]`:
// a parser of its own, so that no text becomes code. Values are those of JSON;
// members are own ones.
const S = globalThis.__strata;
const P = (S.pubnub ??= {});
const { Error } = globalThis;

const TOKEN =
  /\s*(?:(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|([A-Za-z_$][\w$]*|@)|(===|!==|==|!=|<=|>=|&&|\|\||[-+*/%<>!().[\],]))/y;
const NAMES = { __proto__: null, true: true, false: false, null: null, undefined: undefined };
const BINARY = [
  ["||"],
  ["&&"],
  ["==", "!=", "===", "!=="],
  ["<", "<=", ">", ">="],
  ["+", "-"],
  ["*", "/", "%"],
];

// The text between the quotes of a string literal.
P.unquoted = (literal) => literal.slice(1, -1).replace(/\\(u[0-9a-fA-F]{4}|.)/g, (_, c) => {
  if (c.length > 1) return String.fromCharCode(parseInt(c.slice(1), 16));
  return { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f" }[c] ?? c;
});

const tokens = (text) => {
  const out = [];
  let at = 0;
  const end = text.trimEnd().length;
  while (at < end) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (found === null) throw new Error(`jsonpath: cannot read the expression at "${text.slice(at)}"`);
    at = TOKEN.lastIndex;
    const [, number, string, name, sign] = found;
    if (number !== undefined) out.push({ value: Number(number) });
    else if (string !== undefined) out.push({ value: P.unquoted(string) });
    else out.push({ word: name ?? sign, isName: name !== undefined });
  }
  return out;
};

const own = (value, name) => {
  if (value === null || value === undefined) return undefined;
  if (typeof value === "string") return name === "length" ? value.length : undefined;
  return typeof value === "object" && Object.hasOwn(value, name) ? value[name] : undefined;
};

const compute = {
  __proto__: null,
  "==": (a, b) => a == b,
  "!=": (a, b) => a != b,
  "===": (a, b) => a === b,
  "!==": (a, b) => a !== b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "%": (a, b) => a % b,
};

// A function of the value of `@` and the root.
P.expression = (text) => {
  const list = tokens(text);
  let at = 0;
  const fail = () => {
    throw new Error(`jsonpath: cannot read the expression "${text}"`);
  };
  const peek = (word) => at < list.length && list[at].word === word;
  const take = (word) => {
    if (!peek(word)) fail();
    at += 1;
  };

  const primary = () => {
    const token = list[at++] ?? fail();
    if ("value" in token) return () => token.value;
    if (token.word === "(") {
      const inner = level(0);
      take(")");
      return inner;
    }
    if (token.word === "@") return (here) => here;
    if (token.word === "$") return (_, root) => root;
    if (!token.isName || !(token.word in NAMES)) fail();
    const value = NAMES[token.word];
    return () => value;
  };

  const members = () => {
    let target = primary();
    for (;;) {
      const object = target;
      if (peek(".")) {
        at += 1;
        const token = list[at++] ?? fail();
        if (!token.isName) fail();
        target = (here, root) => own(object(here, root), token.word);
      } else if (peek("[")) {
        at += 1;
        const key = level(0);
        take("]");
        target = (here, root) => own(object(here, root), key(here, root));
      } else return target;
    }
  };

  const unary = () => {
    if (peek("!")) {
      at += 1;
      const inner = unary();
      return (here, root) => !inner(here, root);
    }
    if (peek("-")) {
      at += 1;
      const inner = unary();
      return (here, root) => -inner(here, root);
    }
    return members();
  };

  const level = (depth) => {
    if (depth === BINARY.length) return unary();
    let left = level(depth + 1);
    while (at < list.length && BINARY[depth].includes(list[at].word)) {
      const operator = list[at++].word;
      const [a, b] = [left, level(depth + 1)];
      if (operator === "||") left = (here, root) => a(here, root) || b(here, root);
      else if (operator === "&&") left = (here, root) => a(here, root) && b(here, root);
      else {
        const work = compute[operator];
        left = (here, root) => work(a(here, root), b(here, root));
      }
    }
    return left;
  };

  const whole = level(0);
  if (at < list.length) fail();
  return whole;
};
