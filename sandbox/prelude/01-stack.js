// Error stacks in the form Node programs expect: a header line and one
// `    at` line per frame. The bundle is evaluated from text, which the engine
// names `<input>`: it is shown as `bundle.js`, and the prelude's own frames
// are left out.
const shown = (file) => (file === "<input>" ? "bundle.js" : file);

const header = (error) => {
  try {
    const name = error.name === undefined ? "Error" : String(error.name);
    const message = error.message === undefined ? "" : String(error.message);
    if (name === "") return message;
    return message === "" ? name : `${name}: ${message}`;
  } catch {
    return "Error";
  }
};

Error.prepareStackTrace = (error, sites) => {
  let text = header(error);
  for (const site of sites) {
    const file = site.getFileName();
    if (file === null || file === undefined || file === "" || file.startsWith("componentize-qjs:")) continue;
    const name = site.getFunctionName();
    const at = `${shown(file)}:${site.getLineNumber()}:${site.getColumnNumber()}`;
    text += name && name !== "<eval>" && name !== "<anonymous>" ? `\n    at ${name} (${at})` : `\n    at ${at}`;
  }
  return text;
};

// Whoever sets `prepareStackTrace` is given an object for each frame, those of
// the platform among them. They tell where and in what, and hand out neither
// function nor receiver: as in Node, where frames of strict code do not.
const [site] = (() => {
  const { prepareStackTrace } = Error;
  Error.prepareStackTrace = (_, sites) => sites;
  try {
    return new Error().stack;
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
  }
})();
const CallSite = Object.getPrototypeOf(site);
for (const name of ["getFunction", "getThis"]) {
  // Node's own cannot be changed, and need not be.
  if (Object.getOwnPropertyDescriptor(CallSite, name)?.configurable === false) continue;
  const value = { [name]() {} }[name];
  Object.defineProperty(CallSite, name, { value, writable: true, configurable: true, enumerable: false });
}
