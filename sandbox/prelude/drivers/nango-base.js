// What the files of the nango drivers share: `S.nango`, a table of their parts
// by name. `nango.js`, the last of them, takes the table away; the parts keep
// it in their closures. Here: JSON and byte sizes as the host wants them.
const S = globalThis.__strata;
const { lib } = S;
const N = (S.nango ??= {});
const { parse, stringify } = JSON;

const whole = (_, value) => (typeof value === "string" ? value.toWellFormed() : value);

// JSON text. Half of a surrogate pair becomes a replacement character: parsers
// other than JavaScript's refuse its escape.
N.json = (value) => {
  const text = stringify(value);
  return text !== undefined && text.includes("\\ud") ? stringify(value, whole) : text;
};

N.jsonBytes = (value) => lib.utf8Encode(N.json(value));

N.text = (bytes) => lib.utf8Decode(bytes);

// Whether the UTF-8 form of a text is longer than `limit` bytes.
N.isLonger = (text, limit) => {
  if (text.length > limit) return true;
  return text.length * 3 > limit && lib.utf8Encode(text).byteLength > limit;
};

// A host operation. A run that is to stop ends at its next one.
N.wait = async (op, arg, data) => {
  const answer = await S.wait(op, arg, data);
  const stopped = answer.value?.stopped;
  if (stopped) throw new N.RunError(stopped.type, stopped.message);
  return answer;
};

// The value of a host operation.
N.ask = async (op, arg, data) => (await N.wait(op, arg, data)).value;

// A copy that is at most about `limit`
// bytes of JSON, with long texts and the ends of long lists and objects cut.
N.fit = (value, limit) => {
  const text = N.json(value);
  if (text === undefined || !N.isLonger(text, limit)) return value;
  let left = limit;
  const size = (part) => lib.utf8Encode(part).byteLength;
  const cut = (one) => {
    if (typeof one === "string") {
      const all = size(stringify(one)) + 1;
      if (all <= left) {
        left -= all;
        return one;
      }
      let length = Math.min(one.length, Math.max(0, left - 6));
      while (length > 0 && size(stringify(one.slice(0, length))) + 6 > left) length = Math.floor(length * 0.8);
      left = 0;
      return `${one.slice(0, length).toWellFormed()}...`;
    }
    if (Array.isArray(one)) {
      const kept = [];
      left -= 3;
      for (const item of one) {
        if (left <= 0) break;
        kept.push(cut(item));
      }
      return kept;
    }
    if (one !== null && typeof one === "object") {
      const kept = {};
      left -= 3;
      for (const key of Object.keys(one)) {
        left -= size(stringify(key)) + 2;
        if (left <= 0) break;
        kept[key] = cut(one[key]);
      }
      return kept;
    }
    left -= String(one).length + 1;
    return one;
  };
  return cut(parse(text));
};

// `a.b[0].c` as its parts.
const partsOf = (path) => String(path).replace(/\[(\w+)\]/g, ".$1").split(".").filter((part) => part !== "");

// A key that is the whole path wins, as `@odata.nextLink` is one.
N.get = (value, path) => {
  if (value !== null && typeof value === "object" && Object.hasOwn(value, path)) return value[path];
  for (const part of partsOf(path)) {
    if (value === null || value === undefined) return undefined;
    value = value[part];
  }
  return value;
};

// Sets a dotted path, making the objects on the way.
N.set = (target, path, value) => {
  const parts = partsOf(path);
  const last = parts.pop();
  for (const part of parts) {
    if (part === "__proto__") return;
    if (!Object.hasOwn(target, part) || target[part] === null || typeof target[part] !== "object") target[part] = {};
    target = target[part];
  }
  if (last !== "__proto__") target[last] = value;
};
