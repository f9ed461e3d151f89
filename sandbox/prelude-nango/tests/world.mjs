// The prelude, zod and image.js in a context of their own, with a host that a
// test writes: what an engine image is, without the engine.
import { createHash, createHmac, randomBytes } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import vm from "node:vm";

const here = dirname(fileURLToPath(import.meta.url));
const prelude = join(here, "../../prelude");
const zodFolder = join(here, "node_modules/zod");

// As sandbox/build.rs joins them, with the host as a parameter.
const joined = () => {
  let text = '(function (host) { "use strict";\n';
  for (const folder of [prelude, join(prelude, "drivers")]) {
    for (const name of readdirSync(folder).filter((file) => file.endsWith(".js")).sort()) {
      text += `{ // ${name}\n${readFileSync(join(folder, name), "utf8")}\n}\n`;
    }
  }
  return `${text}const { entry } = globalThis.__strata; delete globalThis.__strata.entry; return entry; })`;
};
const preludeScript = new vm.Script(joined(), { filename: "componentize-qjs:prelude" });

// zod as one text in the form of a compiled bundle: `({ require }) => exports`.
const zodBundle = (() => {
  const files = new Map();
  const add = (path) => {
    if (files.has(path)) return;
    files.set(path, null);
    const text = readFileSync(path, "utf8");
    files.set(path, text);
    for (const [, name] of text.matchAll(/\brequire\("(\.[^"]*)"\)/g)) add(join(dirname(path), name));
  };
  add(join(zodFolder, "index.cjs"));
  const resolved = (path, text) => text.replace(/\brequire\("(\.[^"]*)"\)/g, (_, name) => `require(${JSON.stringify(join(dirname(path), name))})`);
  const parts = [...files].map(([path, text]) => `${JSON.stringify(path)}: function (module, exports, require) {${resolved(path, text)}\n}`);
  return `(() => {
    const files = {${parts.join(",\n")}};
    const made = {};
    const require = (path) => {
      if (!made[path]) files[path]((made[path] = { exports: {} }), made[path].exports, require);
      return made[path].exports;
    };
    return require(${JSON.stringify(join(zodFolder, "index.cjs"))});
  })`;
})();

// What the image evaluates as a program before the programs of functions.
const image = readFileSync(join(here, "../image.js"), "utf8").trimEnd();
const zodText = `(function (atob, btoa, File) { return (${zodBundle}); })(globalThis.atob, globalThis.btoa, globalThis.File)`;
const preloadScript = new vm.Script(`(function (platform) {\nreturn (${image})(platform, (${zodText})(platform));\n})`, { filename: "<input>" });

const urlParts = (url) => {
  const parts = {};
  for (const key of ["href", "origin", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"]) parts[key] = url[key];
  return parts;
};

// The quick operations that the prelude itself needs.
const platformOps = {
  env: () => ({ value: { vars: {}, secrets: [] } }),
  seed: () => ({ value: null, data: randomBytes(16) }),
  random: ({ len }) => ({ value: null, data: randomBytes(len) }),
  "text.encode": (text) => ({ value: null, data: Buffer.from(text) }),
  "text.decode": (_, data) => ({ value: Buffer.from(data).toString() }),
  "url.parse": ({ input, base }) => ({ value: URL.canParse(input, base) ? urlParts(new URL(input, base)) : null }),
  "url.set"({ href, prop, value }) {
    const url = new URL(href);
    url[prop] = value;
    return { value: urlParts(url) };
  },
  "crypto.digest": ({ hash }, data) => ({ value: null, data: createHash(hash).update(data).digest() }),
  "crypto.hmac": ({ hash, key }, data) => ({ value: null, data: createHmac(hash, data.subarray(0, key)).update(data.subarray(key)).digest() }),
};

// Stands for the text of the preload, which is compiled once.
const PRELOAD = "preload";

// What the engine has and Node 20 lacks.
const SINCE_NODE_22 = `Promise.withResolvers ??= () => {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}`;

// One engine image with a program. `host` gives operations by name:
// (arg, text of the data) => value, or { value, data }, or a promise of one.
export class World {
  calls = [];
  printed = [];
  #ended = null;
  #clock = 1000;

  constructor({ host = {}, image: withImage = true } = {}) {
    this.host = host;
    this.context = vm.createContext({});
    this.context.__cqjs = { runGc() {} };
    // Programs with a file name in their stacks.
    this.context.eval = (code) => (code === PRELOAD ? preloadScript.runInContext(this.context) : vm.runInContext(code, this.context, { filename: "<input>" }));
    vm.runInContext(SINCE_NODE_22, this.context);
    const Bytes = vm.runInContext("Uint8Array", this.context);
    // Bytes of the context's own.
    const own = (data) => {
      const source = typeof data === "string" ? Buffer.from(data) : (data ?? new Uint8Array(0));
      const copy = new Bytes(source.byteLength);
      copy.set(source);
      return copy;
    };
    this.entry = preludeScript.runInContext(this.context)({
      now: () => this.#clock,
      wake: (at) => this.#wake(at),
      log: (error, line) => this.printed.push(line),
      cancel: () => {},
      settle: (kind, value, text) => this.#ended?.({ kind, value: JSON.parse(value), text }),
      call: (op, arg, data) => {
        try {
          const answer = (platformOps[op] ?? this.#answer(op))(JSON.parse(arg), data);
          return [true, answer.value === undefined ? "" : JSON.stringify(answer.value), own(answer.data)];
        } catch (error) {
          return [false, error.message, own()];
        }
      },
      start: (op, arg, data) => {
        const id = this.calls.length + 1;
        const answer = this.#answer(op);
        const parsed = JSON.parse(arg);
        setImmediate(async () => {
          try {
            const { value, data: out } = await answer(parsed, data);
            this.entry.resume(id, true, value === undefined ? "" : JSON.stringify(value), own(out));
          } catch (error) {
            this.entry.resume(id, false, error.message, own());
          }
        });
        return id;
      },
    });
    if (withImage) {
      this.#ended = ({ kind, value }) => {
        if (kind !== "loaded") throw new Error(`the image did not load: ${JSON.stringify(value)}`);
      };
      this.entry.run("{}", PRELOAD, null);
      this.#ended = null;
    }
  }

  // Lets time pass for the program without waiting.
  sleep(ms) {
    this.#clock += ms;
  }

  #wake(at) {
    if (at === null) return;
    setImmediate(() => {
      this.#clock = Math.max(this.#clock, at);
      this.entry.tick();
    });
  }

  // Notes the call, then asks the test's host.
  #answer(op) {
    return (arg, data) => {
      this.calls.push({ op, arg: arg ?? undefined, data: Buffer.from(data).toString() });
      const handler = this.host[op];
      if (!handler) throw new Error(`the host has no ${op}`);
      const shaped = (answer) => (answer !== null && typeof answer === "object" && ("value" in answer || "data" in answer) ? answer : { value: answer });
      const answer = handler(arg, Buffer.from(data).toString(), data);
      return answer instanceof Promise ? answer.then(shaped) : shaped(answer);
    };
  }

  // The calls of one operation.
  of(op) {
    return this.calls.filter((call) => call.op === op);
  }

  // Runs a driver on a CommonJS text.
  run(source, driver, request) {
    const code = `(({ require }) => { const module = { exports: {} }; const { exports } = module; (function () { "use strict";\n${source}\n})(); return module.exports; })`;
    return new Promise((resolve) => {
      this.#ended = resolve;
      this.entry.run(JSON.stringify({ driver, request, logging: true }), code, null);
    });
  }
}

const CONTEXT = {
  connectionId: "conn-1",
  providerConfigKey: "github",
  provider: "github",
  environmentId: 1,
  environmentName: "dev",
  accountId: 7,
  activityLogId: "log-1",
  scriptName: "function",
};

// A bundle whose default export is the object that `definition` evaluates to.
export const bundle = (definition, head = "") =>
  `const zod = require("zod"); const z = zod.z;\n${head}\nconst definition = ${definition};\n` +
  `Object.defineProperty(exports, "__esModule", { value: true });\nObject.defineProperty(exports, "default", { enumerable: true, get: () => definition });`;

// What a run of a definition ends with, and its world.
export const runDefinition = async (definition, { head, host, context, ...request } = {}) => {
  const world = new World({ host: { "nango.log": () => null, "nango.console": () => null, ...host } });
  const ended = await world.run(bundle(definition, head), "nango", { job: "action", dryRun: false, ...request, context: { ...CONTEXT, ...context } });
  if (ended.kind !== "done") throw new Error(`the run ended as ${ended.kind}: ${JSON.stringify(ended.value)}`);
  const { outcome, statusCode, headers } = ended.value;
  return { world, outcome, statusCode, headers, text: ended.text, output: ended.text === "" ? undefined : JSON.parse(ended.text) };
};

// The same for an action with this body of `exec`.
export const runAction = (body, options) => runDefinition(`{ type: "action", description: "d", exec: async (nango, input) => {\n${body}\n} }`, options);

// And for a sync with the models A and B.
export const runSync = (body, { models = "{ A: z.object({ id: z.string() }), B: z.object({ id: z.string() }) }", ...options } = {}) =>
  runDefinition(`{ type: "sync", description: "d", frequency: "every hour", models: ${models}, exec: async (nango) => {\n${body}\n} }`, { job: "sync", ...options });

// An HTTP answer with a JSON body.
export const json = (body, { status = 200, headers = {}, url = "https://api.test/x" } = {}) => ({
  value: { status, statusText: "", headers: { "content-type": "application/json", ...headers }, url, method: "GET" },
  data: JSON.stringify(body),
});
