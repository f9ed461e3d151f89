// The errors a nango function meets, and how a failed run is told:
//
//   outcome  { ok: false, error: { type, payload, status, stacktrace?, upstream? } }
//   text     the envelope that the caller of a deployed action gets
//
// A dry run knows the upstream's status as `status` and shows at most 5 lines
// of stack beside the payload; a deployed run shows 10 inside of it.
const S = globalThis.__strata;
const N = (S.nango ??= {});
const PAYLOAD_LIMIT = 99_000;

// The class behind `nango.ActionError`.
class ActionError extends Error {
  constructor(payload) {
    super();
    this.type = "action_script_runtime_error";
    this.payload = payload;
  }
}
N.ActionError = ActionError;

// What the runtime itself raises with a type of its own.
class RunError extends Error {
  constructor(type, message, { status = 500, payload } = {}) {
    super(message);
    Object.defineProperties(this, {
      type: { value: type, enumerable: true },
      status: { value: status },
      payload: { value: payload ?? { message } },
    });
  }
}
N.RunError = RunError;

class AxiosError extends Error {
  constructor(message, code, config, request, response) {
    super(message);
    if (code !== undefined) this.code = code;
    this.config = config;
    this.request = request;
    if (response !== undefined) {
      this.response = response;
      this.status = response.status;
    }
  }
  toJSON() {
    const { message, name, stack, config, code, status } = this;
    return { message, name, stack, config, code, status: status ?? null };
  }
}
for (const [key, value] of Object.entries({ name: "AxiosError", isAxiosError: true })) {
  Object.defineProperty(AxiosError.prototype, key, { value, writable: true, configurable: true });
}
N.AxiosError = AxiosError;

const CLASSES = { 4: "ERR_BAD_REQUEST", 5: "ERR_BAD_RESPONSE" };
N.statusError = (response) =>
  new AxiosError(
    `Request failed with status code ${response.status}`,
    CLASSES[Math.floor(response.status / 100)],
    response.config,
    response.request,
    response,
  );

// A host operation that stands for a call of the API and was refused:
// { status?, type?, message?, body? } as the error its HTTP form would give.
N.apiError = (error) => {
  const { status = 400, type = "unknown_error", message, body } = typeof error === "object" && error !== null ? error : { message: String(error) };
  const data = body ?? { error: { code: type, ...(message !== undefined && { message }) } };
  return N.statusError({ data, status, statusText: "", headers: {}, config: {}, request: {} });
};

// A refusal that is a plain error with its text.
N.plainError = (error, otherwise) => new Error((typeof error === "string" ? error : error?.message) ?? otherwise);

// A call that got no answer. Codes of the network are in capitals.
N.callFailure = ({ code, message }, config, request) => {
  if (code === "url_not_allowed") return new ActionError({ code, message });
  if (code === "script_aborted" || code === "execution_timeout" || code === "execution_interrupted") return new RunError(code, message);
  if (typeof code !== "string" || /^[A-Z]/.test(code)) return new AxiosError(message, code, config, request);
  return Object.assign(new Error(message), { code });
};

const textOf = (body) => {
  if (!ArrayBuffer.isView(body) && !(body instanceof ArrayBuffer)) return body;
  const text = N.text(ArrayBuffer.isView(body) ? new Uint8Array(body.buffer, body.byteOffset, body.byteLength) : new Uint8Array(body));
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

const isEmpty = (body) => body === undefined || body === null || body === "";

const bodyOf = (body) => {
  const value = textOf(body);
  if (isEmpty(value)) return {};
  return typeof value === "object" ? value : { message: value };
};

const shownHeaders = (headers) => {
  const shown = {};
  for (const [name, value] of Object.entries(headers ?? {})) {
    const key = name.toLowerCase();
    if (key === "content-type" || key.startsWith("x-rate")) shown[key] = String(value);
  }
  return shown;
};

const linesOf = (stack, count) =>
  typeof stack === "string"
    ? stack.split("\n").map((line) => line.trim()).filter((line) => line !== "").slice(0, count)
    : [];

// name, code, message and stack of whatever was thrown.
const plain = (error) => {
  if (error !== null && typeof error === "object" && (error instanceof Error || typeof error.message === "string")) {
    const { name, code, message, stack } = error;
    return {
      name: typeof name === "string" && name !== "" ? name : "Error",
      code: typeof code === "string" || typeof code === "number" ? code : undefined,
      message: String(message),
      stack,
    };
  }
  let message;
  try {
    message = N.json(error);
  } catch {
    // It has no JSON form.
  }
  return { name: "Error", message: message ?? String(error) };
};

const isWrapped = (payload) => Array.isArray(payload) || (typeof payload !== "object" && payload !== undefined);

const cut = (payload, dry) => (dry ? payload : N.fit(payload, PAYLOAD_LIMIT));

const describeHttp = (error, dry) => {
  const { response } = error;
  const { name, code, message } = plain(error);
  const failed = { name, ...(code !== undefined && { code }), message };
  if (dry) {
    if (isEmpty(response?.data)) return { type: "script_http_error", payload: failed, status: 500 };
    return { type: "script_http_error", payload: bodyOf(response.data), status: response.status };
  }
  if (!response) return { type: "script_network_error", payload: cut(failed, dry), status: 500 };
  const body = cut(bodyOf(response.data), dry);
  return {
    type: "script_http_error",
    payload: body,
    status: response.status,
    upstream: { status: response.status, headers: shownHeaders(response.headers), body },
  };
};

// `error` of the outcome.
N.describe = (error, dry) => {
  if (error instanceof ActionError) {
    const { type, payload } = error;
    const wrap = !dry && isWrapped(payload);
    return { type, payload: cut(wrap ? { message: payload } : (payload ?? {}), dry), status: 500 };
  }
  if (error instanceof RunError) {
    const { type, payload, status } = error;
    return { type, payload: cut(payload, dry), status };
  }
  if (error !== null && typeof error === "object" && error.isAxiosError === true) return describeHttp(error, dry);
  const { name, code, message, stack } = plain(error);
  const stacktrace = linesOf(stack, dry ? 5 : 10);
  const payload = { name, ...(code !== undefined && !dry && { code }), message };
  if (dry) return { type: "script_internal_error", payload, ...(stacktrace.length > 0 && { stacktrace }), status: 500 };
  if (stacktrace.length > 0) payload.stacktrace = stacktrace;
  return { type: "script_internal_error", payload: cut(payload, dry), status: 500 };
};

// The answer to the caller of a deployed action.
N.envelope = ({ type, payload, status, upstream }) => {
  const error =
    type === "action_script_runtime_error"
      ? { message: "The action script failed with a runtime error", code: type, payload }
      : { payload, code: type, ...(upstream && { upstream }) };
  return { statusCode: type === "script_http_error" ? 424 : status, text: N.json({ error }) };
};
