// `require("jsonpath")`: `query`, `value`, `paths`, `nodes` and `apply` over
// paths such as `$.store..book[?(@.price < 10)].title`. Paths in answers are
// lists: `["$", "store", "book", 0]`. Reference: section 13.9.
const S = globalThis.__strata;
const P = (S.pubnub ??= {});
const { Error, String } = globalThis;

// ---- paths: a list of { deep, pick }; `pick` gives the keys of a value ----

const isArray = Array.isArray;
const isNode = (value) => value !== null && typeof value === "object";
const keysOf = (value) => (isArray(value) ? Array.from(value, (_, i) => i) : isNode(value) ? Object.keys(value) : []);

const named = (name) => (value) => (isNode(value) && !(isArray(value) && name !== "length") && Object.hasOwn(value, name) ? [name] : []);

const indexed = (index) => (value) => {
  if (!isArray(value)) return isNode(value) && Object.hasOwn(value, String(index)) ? [String(index)] : [];
  const at = index < 0 ? value.length + index : index;
  return at >= 0 && at < value.length ? [at] : [];
};

const sliced = (start, end, step) => (value) => {
  if (!isArray(value)) return [];
  const { length } = value;
  const by = step ?? 1;
  if (by === 0) throw new Error("jsonpath: the step of a slice cannot be 0");
  const bound = (given, otherwise, low, high) => (given === undefined ? otherwise : Math.min(Math.max(given < 0 ? length + given : given, low), high));
  const out = [];
  if (by > 0) for (let i = bound(start, 0, 0, length), last = bound(end, length, 0, length); i < last; i += by) out.push(i);
  else for (let i = bound(start, length - 1, -1, length - 1), last = bound(end, -1, -1, length - 1); i > last; i += by) out.push(i);
  return out;
};

const filtered = (text) => {
  const holds = P.expression(text);
  return (value, root) => keysOf(value).filter((key) => holds(value[key], root));
};

const computed = (text) => {
  const key = P.expression(text);
  return (value, root) => {
    const found = key(value, root);
    return (typeof found === "number" ? indexed(found) : named(String(found)))(value);
  };
};

const MEMBER = /^(?:(-?\d+)?\s*:\s*(-?\d+)?(?:\s*:\s*(-?\d+)?)?|(-?\d+)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(\*)|([\w$]+))$/;
const number = (text) => (text === undefined ? undefined : Number(text));

const member = (text) => {
  if (text.startsWith("?(") && text.endsWith(")")) return filtered(text.slice(2, -1));
  if (text.startsWith("?")) return filtered(text.slice(1));
  if (text.startsWith("(") && text.endsWith(")")) return computed(text.slice(1, -1));
  const found = MEMBER.exec(text);
  if (found === null) throw new Error(`jsonpath: cannot read "[${text}]"`);
  const [, start, end, step, index, string, star, name] = found;
  if (star !== undefined) return keysOf;
  if (index !== undefined) return indexed(Number(index));
  if (string !== undefined) return named(P.unquoted(string));
  if (name !== undefined) return named(name);
  return sliced(number(start), number(end), number(step));
};

// The parts of what stands in brackets: a comma within a string or a
// parenthesis is none of theirs.
const parted = (path, from) => {
  const parts = [];
  let depth = 0;
  let start = from;
  for (let at = from; at < path.length; at++) {
    const c = path[at];
    if (c === "'" || c === '"') {
      for (at += 1; at < path.length && path[at] !== c; at++) if (path[at] === "\\") at += 1;
    } else if (c === "(" || c === "[") depth += 1;
    else if (c === ")" || (c === "]" && depth > 0)) depth -= 1;
    else if (depth === 0 && (c === "," || c === "]")) {
      parts.push(path.slice(start, at).trim());
      start = at + 1;
      if (c === "]") return { parts, at: at + 1 };
    }
  }
  throw new Error(`jsonpath: a bracket of "${path}" is not closed`);
};

const steps = (path) => {
  if (typeof path !== "string" || path === "") throw new Error("jsonpath: the path must be a non-empty string");
  const out = [];
  let at = path[0] === "$" ? 1 : 0;
  let first = at === 0;
  while (at < path.length) {
    const deep = path.startsWith("..", at);
    const dotted = deep || path[at] === ".";
    if (deep) at += 2;
    else if (dotted) at += 1;
    if (path[at] === "[") {
      const found = parted(path, at + 1);
      at = found.at;
      const members = found.parts.map(member);
      const pick = members.length === 1 ? members[0] : (value, root) => [...new Set(members.flatMap((one) => one(value, root)))];
      out.push({ deep, pick });
    } else {
      const name = /^(?:\*|[^.[\]\s()'",]+)/.exec(path.slice(at))?.[0];
      if (name === undefined || (!dotted && !first)) throw new Error(`jsonpath: cannot read "${path}" at "${path.slice(at)}"`);
      at += name.length;
      out.push({ deep, pick: name === "*" ? keysOf : /^-?\d+$/.test(name) ? indexed(Number(name)) : named(name) });
    }
    first = false;
  }
  return out;
};

// ---- answers: { path, value }, in the order of the document ----

const walk = function* (list, depth, path, value, root) {
  if (depth === list.length) {
    yield { path, value };
    return;
  }
  const { deep, pick } = list[depth];
  for (const key of pick(value, root)) yield* walk(list, depth + 1, [...path, key], value[key], root);
  if (deep) for (const key of keysOf(value)) if (isNode(value[key])) yield* walk(list, depth, [...path, key], value[key], root);
};

const nodes = (object, path, count) => {
  if (!isNode(object)) throw new TypeError("jsonpath: the object must be an object");
  const out = [];
  if (count !== undefined && !(count > 0)) return out;
  for (const node of walk(steps(path), 0, ["$"], object, object)) {
    out.push(node);
    if (out.length === count) break;
  }
  return out;
};

P.modules.jsonpath = () => ({
  query: (object, path, count) => nodes(object, path, count).map(({ value }) => value),
  value: (object, path) => nodes(object, path, 1)[0]?.value,
  paths: (object, path, count) => nodes(object, path, count).map(({ path: found }) => found),
  nodes,
  // Replaces what is found by what `fn` makes of it; the deepest come first, so
  // that a parent sees what became of its children.
  apply(object, path, fn) {
    const found = nodes(object, path).sort((a, b) => b.path.length - a.path.length);
    for (const node of found) {
      if (node.path.length === 1) throw new Error("jsonpath: the root cannot be replaced");
      let parent = object;
      for (const key of node.path.slice(1, -1)) parent = parent[key];
      const key = node.path.at(-1);
      node.value = parent[key] = fn(parent[key]);
    }
    return found;
  },
});
