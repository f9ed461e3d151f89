// Runs a program by the contract of Appwrite Functions: one exported function
// gets `{ req, res, log, error }` and returns what a `res` method made.
//
// Request (JSON): { method, scheme, host, port, path, queryString,
// headers: { name: value } | [[name, value]] }, and the raw body.
// Response (JSON): { statusCode, headers: [[name, value]] }, and the body.
const S = globalThis.__strata;
const LINE_LIMIT = 8000;
const CUT = `... Log truncated due to size limit (${LINE_LIMIT} characters)`;
const NATIVE = "Native logs detected. Use context.log() or context.error() for better experience.";

const write = (error, line) => S.log(error, line.length > LINE_LIMIT ? line.slice(0, LINE_LIMIT) + CUT : line);

const shown = (value) => {
  if (value instanceof Error) return value.stack || String(value);
  if (typeof value === "object" && value !== null) {
    try {
      return JSON.stringify(value) ?? String(value);
    } catch {
      return String(value);
    }
  }
  return String(value);
};

const lowerNames = (headers) => {
  const out = {};
  const pairs = Array.isArray(headers) ? headers : Object.entries(headers ?? {});
  for (const [name, value] of pairs) {
    const key = String(name).toLowerCase();
    if (key.startsWith("x-open-runtimes-")) continue;
    out[key] = key in out && key === "cookie" ? `${out[key]}; ${value}` : value;
  }
  return out;
};

const queryOf = (queryString) => {
  const query = {};
  if (queryString === "") return query;
  for (const part of queryString.split("&")) {
    const at = part.indexOf("=");
    const name = at < 0 ? part : part.slice(0, at);
    if (name !== "") {
      Object.defineProperty(query, name, {
        value: at < 0 ? "" : part.slice(at + 1),
        writable: true,
        enumerable: true,
        configurable: true,
      });
    }
  }
  return query;
};

const toBuffer = (bytes) => {
  const Buffer = globalThis.Buffer;
  return Buffer ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) : bytes;
};

const requestOf = (request, body) => {
  const headers = lowerNames(request.headers);
  const scheme = request.scheme ?? "http";
  const standard = scheme === "https" ? 443 : 80;
  const host = request.host ?? "";
  const port = request.port ?? standard;
  const path = request.path?.startsWith("/") ? request.path : `/${request.path ?? ""}`;
  const queryString = request.queryString ?? "";
  let text;
  const bodyText = () => (text ??= body.byteLength === 0 ? "" : new TextDecoder().decode(body));
  return {
    method: (request.method ?? "GET").toUpperCase(),
    scheme,
    host,
    port,
    path,
    queryString,
    query: queryOf(queryString),
    url: `${scheme}://${host}${port === standard ? "" : `:${port}`}${path}${queryString === "" ? "" : `?${queryString}`}`,
    headers,
    get bodyBinary() {
      return toBuffer(body);
    },
    get bodyText() {
      return bodyText();
    },
    get bodyRaw() {
      return bodyText();
    },
    get bodyJson() {
      return JSON.parse(bodyText());
    },
    get body() {
      const type = headers["content-type"] ?? "";
      if (!String(type).toLowerCase().startsWith("application/json")) return bodyText();
      return bodyText() === "" ? {} : JSON.parse(bodyText());
    },
  };
};

const res = {
  send(body, statusCode = 200, headers = {}) {
    return { body, statusCode, headers };
  },
  text(body, statusCode = 200, headers = {}) {
    return res.send(body, statusCode, headers);
  },
  binary(body, statusCode = 200, headers = {}) {
    return { body, statusCode, headers };
  },
  json(value, statusCode = 200, headers = {}) {
    const kept = {};
    for (const name of Object.keys(headers ?? {})) if (name.toLowerCase() !== "content-type") kept[name] = headers[name];
    kept["content-type"] = "application/json";
    return res.send(JSON.stringify(value), statusCode, kept);
  },
  redirect(url, statusCode = 301, headers = {}) {
    return res.send("", statusCode, { ...headers, location: url });
  },
  empty() {
    return res.send("", 204, {});
  },
};

const contentType = (value) => {
  const type = String(value).toLowerCase();
  if (type.startsWith("multipart/") || type.includes("charset=")) return type;
  return `${type}; charset=utf-8`;
};

const headersOf = (headers) => {
  const out = [];
  let typed = false;
  for (const given of Object.keys(headers ?? {})) {
    const name = given.toLowerCase();
    const value = headers[given];
    if (name.startsWith("x-open-runtimes-") || value === undefined || value === null) continue;
    if (name === "content-type") {
      if (typed) continue;
      typed = true;
      out.push([name, contentType(Array.isArray(value) ? value[0] : value)]);
    } else if (Array.isArray(value)) {
      for (const one of value) out.push([name, String(one)]);
    } else {
      out.push([name, String(value)]);
    }
  }
  if (!typed) out.push(["content-type", "text/plain; charset=utf-8"]);
  return out;
};

const responseOf = (output) => {
  const { body = "", statusCode = 200, headers = {} } = output;
  const value = { statusCode: Number(statusCode), headers: headersOf(headers) };
  if (body === null || body === undefined) return { value, text: "" };
  if (ArrayBuffer.isView(body) || body instanceof ArrayBuffer) return { value, body };
  if (typeof body === "object") return { value, text: JSON.stringify(body) ?? "" };
  return { value, text: String(body) };
};

S.drivers.appwrite = async ({ handler, request, body, logging, fail }) => {
  if (handler === undefined) {
    fail("failed", {
      phase: "load",
      reason: "signature",
      name: "",
      message: "Function signature invalid. Did you forget to export a 'main' function?",
      stack: "",
    });
    return {};
  }
  let noticed = false;
  // What `console` writes, see 15-console.js.
  S.onConsole = (line) => {
    if (!logging) return;
    if (!noticed) {
      noticed = true;
      write(false, NATIVE);
    }
    write(false, line);
  };
  const context = {
    req: requestOf(request, body),
    res,
    log: (...values) => {
      if (logging) write(false, values.map(shown).join(" "));
    },
    error: (...values) => {
      if (logging) write(true, values.map(shown).join(" "));
    },
  };
  const output = await handler(context);
  if (output === null || output === undefined) {
    fail("failed", {
      phase: "run",
      reason: "no-return",
      name: "",
      message: "Return statement missing. return context.res.empty() if no response is expected.",
      stack: "",
    });
    return {};
  }
  return responseOf(output);
};
