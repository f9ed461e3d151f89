// The request and the response of functions that answer HTTP. Reference:
// sections 12.2 and 12.3.
const S = globalThis.__strata;
const P = (S.pubnub ??= {});
const { Error, String } = globalThis;

// A member that is made when it is first looked at.
const lazy = (target, name, make) => {
  const put = (value) => Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
  Object.defineProperty(target, name, {
    get() {
      const value = make();
      put(value);
      return value;
    },
    set: put,
    enumerable: true,
    configurable: true,
  });
};

P.httpRequest = ({ method, path, query, headers, pubkey, subkey, version, meta, uri }, bytes) => {
  const request = { method, path, uri, pubkey, subkey, version, meta: meta ?? {} };
  let text = null;
  const body = () => (text ??= P.text(bytes));
  let parsed = null;
  const params = () => (parsed ??= P.query(query ?? ""));
  lazy(request, "params", params);
  lazy(request, "query", params);
  lazy(request, "headers", () => P.headers(headers));
  lazy(request, "body", body);
  lazy(request, "message", () => {
    try {
      return P.parse(body());
    } catch {
      return {};
    }
  });
  request.json = async () => (body() === "" ? null : P.parse(body()));
  return request;
};

const DROPPED = new Set(["content-length", "transfer-encoding", "connection"]);
const JSON_TYPE = "application/json; charset=utf-8";
const TEXT_TYPE = "text/plain; charset=utf-8";

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
// Control characters: one of them would end the header.
const BROKEN = /[\0-\x08\n-\x1f\x7f]/;
const checked = (name, given) => {
  const value = String(given);
  if (!NAME.test(name) || BROKEN.test(value)) throw new TypeError(`The header ${name} of the response is not valid`);
  return [name, value];
};

const headersOf = (headers) => {
  const out = [];
  for (const given of Object.keys(headers ?? {})) {
    const name = given.toLowerCase();
    const value = headers[given];
    if (DROPPED.has(name) || value === undefined || value === null) continue;
    if (Array.isArray(value)) for (const one of value) out.push(checked(name, one));
    else out.push(checked(name, value));
  }
  return out;
};

const statusOf = (status) => {
  const code = Number(status);
  if (!Number.isInteger(code) || code < 200 || code > 599) throw new RangeError(`The status ${String(status)} is not in 200..599`);
  return code;
};

const answerOf = (body, status, headers) => {
  const statusCode = statusOf(status);
  const pairs = headersOf(headers);
  let text = "";
  if (body !== undefined) {
    const isText = typeof body === "string";
    text = isText ? body : P.json(body);
    if (text === undefined) throw new TypeError("The body of the response cannot be serialised");
    if (!pairs.some(([name]) => name === "content-type")) pairs.push(["content-type", isText ? TEXT_TYPE : JSON_TYPE]);
  }
  return { value: { statusCode, headers: pairs }, text };
};

P.httpResponse = (result) => {
  const response = {
    status: 200,
    headers: {},
    async send(body, status) {
      const given = status ?? response.status;
      if (!P.decide(result, "send")) return { body, status: given };
      try {
        result.answer = answerOf(body, given, response.headers);
      } catch (raised) {
        result.error = { raised };
        throw raised;
      }
      return { body, status: result.answer.value.statusCode };
    },
  };
  return response;
};
