// In front of every script here: collects what does not hold, by line.
const failures = [];
let count = 0;
const shown = (v) => {
  if (typeof v === "bigint") return `${v}n`;
  if (v === undefined || typeof v === "function" || typeof v === "symbol") return String(v);
  if (Object.is(v, -0)) return "-0";
  if (typeof v === "number" && !Number.isFinite(v)) return String(v);
  if (ArrayBuffer.isView(v) || v instanceof ArrayBuffer) return `bytes ${[...new Uint8Array(v.buffer ?? v, v.byteOffset ?? 0, v.byteLength)]}`;
  if (v instanceof Map || v instanceof Set) return `${v.constructor.name} ${shown([...v])}`;
  if (v instanceof Date) return `date ${v.getTime()}`;
  if (Array.isArray(v)) return `[${Array.from(v, shown).join(",")}]`;
  if (v !== null && typeof v === "object") return `{${Object.keys(v).map((k) => `${k}:${shown(v[k])}`).join(",")}}`;
  return JSON.stringify(v);
};
const where = () => (/bundle\.js:(\d+)/.exec(new Error().stack.split("\n").slice(3).join("\n")) ?? [])[1] ?? "?";
const note = (text) => failures.push(`line ${where()}: ${text}`);
const equal = (actual, expected) => {
  count++;
  if (shown(actual) !== shown(expected)) note(`${shown(actual)} is not ${shown(expected)}`);
};
const matches = (error, expected) =>
  typeof expected === "string" ? error?.name === expected || String(error?.message).includes(expected) || error?.code === expected : expected.test(String(error?.message));
const throws = (fn, expected) => {
  count++;
  try {
    fn();
  } catch (error) {
    if (!matches(error, expected)) note(`threw ${error?.name}: ${error?.message}`);
    return;
  }
  note("did not throw");
};
const rejects = async (promise, expected) => {
  count++;
  try {
    await (typeof promise === "function" ? promise() : promise);
  } catch (error) {
    if (!matches(error, expected)) note(`rejected with ${error?.name}: ${error?.message}`);
    return;
  }
  note("did not reject");
};
const report = () => (failures.length ? failures.join("\n") : `ok ${count}`);
