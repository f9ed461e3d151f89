// `__strata`: the one door from JavaScript to the host. `host` is the WIT
// import `strata:sandbox/host`, bound by the first line of the built module.
//
//   call(op, arg?, data?)   -> { value, data }            quick operation, throws on failure
//   start(op, arg?, data?)  -> id                         begins an operation that takes time
//   wait(op, arg?, data?)   -> Promise<{ value, data }>   start + the promise of its answer;
//                              the promise carries `cancel()`
//   log(error, line)                                      one line into `errors` or `logs`
//   onConsole               (line, level) => void         takes what `console` writes, when set
//   now()                   -> number                     monotonic milliseconds
//   modules                 name -> () => exports         provided modules, made on first require
//   programRequire          (name) => exports             what programs get as `require`, when set
//   drivers                 name -> async (job) => ({ value, text?, body? })
//   env                     what `process.env` shows
const { parse, stringify } = JSON;
const nothing = new Uint8Array(0);

// Taken from the prototype before functions run: what leaves here must not
// depend on what they make of it.
const { call } = Function.prototype;
const isWellFormed = call.bind(String.prototype.isWellFormed);
const toWellFormed = call.bind(String.prototype.toWellFormed);
const includes = call.bind(String.prototype.includes);

const wellFormed = (text) => (isWellFormed(text) ? text : toWellFormed(text));
// Half of a surrogate pair is escaped by `stringify`, and no text for the host.
const lone = "\\ud";
const whole = (_, value) => (typeof value === "string" ? wellFormed(value) : value);
const encode = (arg) => {
  const text = arg === undefined ? "null" : (stringify(arg) ?? "null");
  return includes(text, lone) ? stringify(arg, whole) : text;
};
const bytes = (data) => {
  if (data === undefined || data === null) return nothing;
  if (data instanceof Uint8Array) return data;
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new Uint8Array(data);
};

// The host may name the class of an error in front of its text: "TypeError: …".
const classes = { TypeError, RangeError, SyntaxError };
const failure = (text) => {
  const at = text.indexOf(": ");
  const Class = at > 0 ? classes[text.slice(0, at)] : undefined;
  return Class ? new Class(text.slice(at + 2)) : new Error(text);
};

// id -> { resolve, reject }
const waiting = new Map();

const strata = {
  call(op, arg, data) {
    if (op === "log") {
      const console = strata.onConsole;
      if (console) console(arg.line, arg.level);
      else strata.log(arg.level === "error", arg.line);
      return { value: undefined, data: nothing };
    }
    const [ok, value, out] = host.call(op, encode(arg), bytes(data));
    if (!ok) throw failure(value);
    return { value: value === "" ? undefined : parse(value), data: out };
  },
  start(op, arg, data) {
    return host.start(op, encode(arg), bytes(data));
  },
  wait(op, arg, data) {
    const id = host.start(op, encode(arg), bytes(data));
    const promise = new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
    promise.cancel = () => {
      if (waiting.delete(id)) host.cancel(id);
    };
    return promise;
  },
  log(error, line) {
    host.log(Boolean(error), wellFormed(String(line)));
  },
  now: () => host.now(),
  modules: Object.create(null),
  drivers: Object.create(null),
};

// Called by the event loop with the answer of a started operation.
const deliver = (id, ok, value, data) => {
  const entry = waiting.get(id);
  if (!entry) return;
  waiting.delete(id);
  if (ok) entry.resolve({ value: value === "" ? undefined : parse(value), data });
  else entry.reject(failure(value));
};

// The variables of the invocation, fetched when first looked at. What the
// function itself assigned stays on top of them.
let variables = null;
let hidden = null;
const assigned = Object.create(null);
const removed = new Set();
const lookAt = () => {
  if (variables === null) {
    const { value } = strata.call("env");
    variables = Object.assign(Object.create(null), value.vars);
    hidden = new Set(value.secrets);
  }
  return variables;
};
// While a snapshot is made secrets are known by name only: looking at one
// means that the program cannot be snapshotted.
const refuse = (name) => strata.call("impure", `the secret variable ${name}`);
const read = (key) => {
  if (key in assigned) return assigned[key];
  if (removed.has(key)) return undefined;
  const known = lookAt();
  if (hidden.has(key)) refuse(key);
  return known[key];
};
const names = () => {
  const known = lookAt();
  for (const key of hidden) refuse(key);
  const all = new Set([...Object.keys(known), ...Object.keys(assigned)]);
  for (const key of removed) all.delete(key);
  return [...all];
};
strata.env = new Proxy({}, {
  get: (_, key) => (typeof key === "symbol" ? undefined : (read(key) ?? Object.prototype[key])),
  has: (_, key) => typeof key === "string" && read(key) !== undefined,
  set(_, key, value) {
    if (typeof key === "symbol") throw new TypeError("Cannot convert a Symbol value to a string");
    removed.delete(key);
    assigned[key] = String(value);
    return true;
  },
  defineProperty(_, key, descriptor) {
    removed.delete(key);
    assigned[key] = String(descriptor.value);
    return true;
  },
  deleteProperty(_, key) {
    delete assigned[key];
    removed.add(key);
    return true;
  },
  ownKeys: names,
  getOwnPropertyDescriptor(_, key) {
    const value = typeof key === "symbol" ? undefined : read(key);
    if (value === undefined) return undefined;
    return { value, writable: true, enumerable: true, configurable: true };
  },
});

// Kept from the function's reach; the event loop takes it away.
strata.inner = {
  deliver,
  wellFormed,
  bytes,
  wake: (at) => host.wake(at),
  settle: (kind, value, text, body) => host.settle(kind, encode(value), text ?? null, bytes(body)),
  renew() {
    variables = null;
    hidden = null;
  },
};

Object.defineProperty(globalThis, "__strata", {
  value: strata,
  enumerable: false,
  configurable: true,
  writable: false,
});
