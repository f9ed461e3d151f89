// As much of the host of deployed functions as the peers need.
import { createContext, Script } from "node:vm";

const types = { createAction: "action", createSync: "sync", createOnEvent: "onEvent" };
const nango = Object.fromEntries(
  Object.entries(types).map(([name, type]) => [name, (definition) => ({ type, ...definition })]),
);

/** A bundle as a script that takes what a CommonJS module has. */
export const script = (code) => new Script(`(function (module, exports, require) {${code}\n})`);

/** Evaluates a bundle in a context of its own and gives its definition. */
export function evaluate(code, modules) {
  const module = { exports: {} };
  const require = (name) => {
    const found = name === "nango" ? nango : modules(name);
    if (!found) throw new Error(`Module '${name}' is not allowed`);
    return found;
  };
  const quiet = Object.fromEntries(Object.keys(console).map((name) => [name, () => {}]));
  const context = createContext({ Buffer, setTimeout, Error, URL, URLSearchParams, console: quiet });
  const made = typeof code === "string" ? script(code) : code;
  made.runInContext(context)(module, module.exports, require);
  return module.exports.default;
}

/** The error that a function throws on purpose. */
export class ActionError extends Error {
  constructor(payload) {
    super();
    this.type = "action_script_runtime_error";
    this.payload = payload;
  }
}
