// What those who make the text of stacks themselves get to see.
const seen = [];
const { prepareStackTrace } = Error;
Error.prepareStackTrace = (_, sites) => sites;
try {
  // Beneath each of these is a frame of the platform.
  new URLSearchParams("a=1").forEach(() => seen.push(...new Error().stack));
  const { EventEmitter } = require("node:events");
  new EventEmitter().on("x", () => seen.push(...new Error().stack)).emit("x");
  await new Promise((resolve) => setTimeout(() => resolve(seen.push(...new Error().stack)), 1));
  const target = {};
  Error.captureStackTrace(target);
  seen.push(...target.stack);
} finally {
  Error.prepareStackTrace = prepareStackTrace;
}
const files = new Set(seen.map((site) => String(site.getFileName())));
equal([...files].some((file) => file.startsWith("componentize-qjs:")), true);
equal(files.has("<input>"), true);
equal(seen.some((site) => site.getFunctionName() === "forEach"), true);
equal(seen.some((site) => site.getLineNumber() > 0), true);
for (const site of seen) {
  equal([site.getFunction(), site.getThis()], [undefined, undefined]);
  // Nothing of their own, and nothing else that gives more than a text, a number or a truth.
  equal(Reflect.ownKeys(site), []);
  const methods = Reflect.ownKeys(Object.getPrototypeOf(site)).filter((name) => typeof site[name] === "function" && name !== "constructor");
  for (const name of methods) equal(["string", "number", "boolean", "undefined"].includes(typeof (site[name]() ?? undefined)), true);
}

// As libraries that look for their caller do it.
const callers = () => {
  const { prepareStackTrace, stackTraceLimit } = Error;
  Error.prepareStackTrace = (_, sites) => sites;
  Error.stackTraceLimit = Math.max(10, stackTraceLimit);
  const target = {};
  Error.captureStackTrace(target);
  const sites = target.stack.slice(1);
  Error.prepareStackTrace = prepareStackTrace;
  Error.stackTraceLimit = stackTraceLimit;
  return sites;
};
const library = () => callers()[1].getFunctionName();
function application() {
  return library();
}
equal(application(), "application");
equal(new Error("text").stack.startsWith("Error: text\n    at "), true);
