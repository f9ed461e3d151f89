// `proxy` and its short forms over the host's `nango.http`, and
// `uncontrolledFetch` over `nango.fetch`.
const S = globalThis.__strata;
const { lib } = S;
const N = (S.nango ??= {});
const { URL } = globalThis;

const METHODS = new Set(["GET", "POST", "PUT", "PATCH", "DELETE"]);

const headersOf = (headers) => {
  const out = {};
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (value !== undefined && value !== null && value !== false) out[name.toLowerCase()] = String(value);
  }
  return out;
};

// A text, or one text for each key.
const paramsOf = (params, endpoint) => {
  if (params === undefined || params === null || params === "") return undefined;
  if (typeof params === "string") {
    if (endpoint.includes("?")) throw new Error("Query parameters cannot be set in both the endpoint and a text of params");
    return params.replace(/^\?/, "");
  }
  const out = {};
  for (const [name, value] of Object.entries(params)) if (value !== undefined && value !== null) out[name] = String(value);
  return out;
};

const check = (config) => {
  if (config === null || typeof config !== "object") throw new TypeError("An HTTP call needs a configuration object");
  const { endpoint, method = "GET" } = config;
  if (typeof endpoint !== "string" || (endpoint === "" && !config.baseUrlOverride)) throw new TypeError("An HTTP call needs an endpoint");
  const upper = String(method).toUpperCase();
  if (!METHODS.has(upper)) throw new TypeError(`The method ${upper} is not supported`);
  return upper;
};

// Names are lower-case; `get` and `has` are there for code that knows axios.
const shownHeaders = (headers) => {
  const out = { ...headers };
  lib.define(out, "get", (name) => out[String(name).toLowerCase()]);
  lib.define(out, "has", (name) => Object.hasOwn(out, String(name).toLowerCase()));
  return out;
};

const requestOf = (method, href) => {
  try {
    const url = new URL(href);
    return { method, protocol: url.protocol, host: url.host, path: url.pathname + url.search, res: { responseUrl: href } };
  } catch {
    return { method };
  }
};

const proxy = async (config) => {
  const method = check(config);
  const headers = headersOf(config.headers);
  const params = paramsOf(config.params, config.endpoint);
  const { kind, contentType, bytes } = await N.requestBody(method, headers, config.data);
  if (kind === "multipart") delete headers["content-type"];
  const { value, data } = await N.wait(
    "nango.http",
    {
      method,
      endpoint: config.endpoint,
      params,
      headers,
      retries: config.retries,
      retryOn: config.retryOn,
      baseUrlOverride: config.baseUrlOverride,
      responseType: config.responseType,
      decompress: config.decompress,
      retryHeader: config.retryHeader,
      forwardHeadersOnRedirect: config.forwardHeadersOnRedirect,
      providerConfigKey: config.providerConfigKey,
      connectionId: config.connectionId,
      body: kind,
      contentType,
    },
    bytes,
  );
  const shown = {
    method: method.toLowerCase(),
    url: value.url,
    headers,
    params: config.params,
    data: config.data,
    responseType: config.responseType,
  };
  const request = requestOf(value.method ?? method, value.url);
  if (value.failure) throw N.callFailure(value.failure, shown, request);
  const response = {
    data: N.responseData(data, config.responseType, value.headers?.["content-type"]),
    status: value.status,
    statusText: value.statusText ?? "",
    headers: shownHeaders(value.headers),
    config: shown,
    request,
  };
  if (value.status >= 200 && value.status < 300) return response;
  throw N.statusError(response);
};

const withMethod = (method) => (config) => proxy({ ...config, method });

const pairsOf = (headers) => Object.entries(headers ?? {}).flatMap(([name, value]) => (Array.isArray(value) ? value.map((one) => [name, one]) : [[name, value]]));

const uncontrolledFetch = async ({ url, method = "GET", headers, body } = {}) => {
  const href = new URL(url).href;
  const data = body === undefined || body === null ? undefined : typeof body === "string" ? lib.utf8Encode(body) : lib.bytesOf(body, "body");
  const { value, data: bytes } = await N.wait("nango.fetch", { url: href, method: String(method).toUpperCase(), headers: headersOf(headers) }, data);
  if (!value.failure) return lib.networkResponse({ ...value, headers: pairsOf(value.headers) }, bytes, href);
  const { code, message } = value.failure;
  if (code === "url_not_allowed") throw N.callFailure(value.failure);
  throw new TypeError("fetch failed", { cause: Object.assign(new Error(message), { code }) });
};

N.http = () => ({
  proxy,
  get: withMethod("GET"),
  post: withMethod("POST"),
  put: withMethod("PUT"),
  patch: withMethod("PATCH"),
  delete: withMethod("DELETE"),
  uncontrolledFetch,
});
