// `paginate`: the three ways to go through pages. They differ in which pages
// they yield and when they call `on_page`; the caller's config object is
// changed on the way (method, params or data, endpoint), as functions may rely
// on it.
const S = globalThis.__strata;
const N = (S.nango ??= {});
const { URL, URLSearchParams } = globalThis;

const UNCONFIGURED = "There was no pagination configuration for this integration or configuration passed in.";

const required = (name, type) => new Error(`Param ${name} is required for ${type} pagination`);

// The settings' type in lower case.
const check = (settings) => {
  if (!settings.type) throw new Error(UNCONFIGURED);
  const type = String(settings.type).toLowerCase();
  const need = (...names) => {
    for (const name of names) if (!settings[name]) throw required(name, type);
  };
  if (type === "cursor") need("cursor_name_in_request", "cursor_path_in_response");
  else if (type === "offset") need("offset_name_in_request");
  else if (type === "link") {
    if (!settings.link_rel_in_response_header && !settings.link_path_in_response_body) {
      throw new Error("Either param link_rel_in_response_header or link_path_in_response_body is required for link pagination");
    }
  } else {
    throw new Error(`Pagination type ${settings.type} is not supported. Only cursor, link and offset pagination types are supported.`);
  }
  if (settings.limit && !settings.limit_name_in_request) throw new Error(`Param limit_name_in_request is required for ${type} pagination when limit is set`);
  return type;
};

const isPlain = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

// A nested object of the caller's is not the one that gets the cursor.
const copied = (value) => (isPlain(value) ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copied(inner)])) : value);

// Where the page's parameters go: an object of the query or of the body, whose
// changes reach the next call by `apply`.
const carrier = (config, settings) => {
  const inBody = settings.in_body ?? ["POST", "PUT", "PATCH"].includes(config.method.toUpperCase());
  const given = inBody ? config.data : config.params;
  const values = typeof given === "string" && !inBody ? Object.fromEntries(new URLSearchParams(given)) : isPlain(given) ? { ...given } : {};
  return {
    inBody,
    set(name, value) {
      if (inBody) {
        const top = String(name).split(/[.[]/)[0];
        values[top] = copied(values[top]);
        N.set(values, name, value);
      } else values[name] = value;
    },
    apply() {
      config[inBody ? "data" : "params"] = { ...values };
    },
  };
};
const pageOf = (response, settings) => (settings.response_path ? N.get(response.data, settings.response_path) : response.data);

const isEmpty = (page) => !page || !page.length;

async function* byCursor(call, config, settings, params) {
  for (;;) {
    params.apply();
    const response = await call(config);
    const page = pageOf(response, settings);
    if (isEmpty(page)) return;
    let next = N.get(response.data, settings.cursor_path_in_response);
    if (typeof next === "string") next = next.trim() || undefined;
    else if (typeof next !== "number") next = undefined;
    yield page;
    if (settings.on_page) await settings.on_page({ nextPageParam: next, response });
    if (next === undefined) return;
    params.set(settings.cursor_name_in_request, next);
  }
}

// The target of `rel` in a Link header.
const linkOf = (header, rel) => {
  for (const [, target, attributes] of String(header).matchAll(/<([^>]*)>((?:\s*;\s*[\w!#$&+.^`|~*-]+\s*=\s*(?:"[^"]*"|[^",;\s]+))*)/g)) {
    const named = /(?:^|;)\s*rel\s*=\s*(?:"([^"]*)"|([^",;\s]+))/i.exec(attributes);
    if (named && (named[1] ?? named[2]).split(/\s+/).includes(rel)) return target;
  }
  return undefined;
};

const nextLink = (response, settings) => {
  const { link_rel_in_response_header: rel, link_path_in_response_body: path } = settings;
  const link = rel ? linkOf(response.headers.link ?? "", rel) : N.get(response.data, path);
  return typeof link === "string" && link !== "" ? link : undefined;
};

async function* byLink(call, config, settings, params) {
  params.apply();
  let previous;
  for (;;) {
    const response = await call(config);
    const next = nextLink(response, settings);
    yield pageOf(response, settings);
    if (settings.on_page) await settings.on_page({ nextPageParam: next, response });
    if (next === undefined || next === previous) return;
    previous = next;
    // The link has the whole query.
    delete config.params;
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(next)) {
      const url = new URL(next);
      config.baseUrlOverride = url.origin;
      config.endpoint = url.pathname + url.search;
    } else config.endpoint = next;
  }
}

async function* byOffset(call, config, settings, params) {
  let offset = Number(settings.offset_start_value ?? 0);
  for (;;) {
    params.set(settings.offset_name_in_request, params.inBody ? offset : String(offset));
    params.apply();
    const response = await call(config);
    const page = pageOf(response, settings);
    if (isEmpty(page)) return;
    yield page;
    if (settings.limit && page.length < settings.limit) return;
    if (settings.on_page) await settings.on_page({ nextPageParam: offset, response });
    offset += settings.offset_calculation_method === "per-page" ? 1 : page.length;
  }
}

const ways = { cursor: byCursor, link: byLink, offset: byOffset };

// `call` makes one HTTP call.
N.paginate = (run, call) => {
  const defaults = new Map();
  const defaultsOf = async (key) => {
    if (!defaults.has(key)) defaults.set(key, await N.ask("nango.provider", key === undefined ? {} : { providerConfigKey: key }));
    return defaults.get(key)?.paginate;
  };
  return {
    async *paginate(config) {
      const settings = { ...(await defaultsOf(config.providerConfigKey)), ...config.paginate };
      const type = check(settings);
      config.method ??= "GET";
      const params = carrier(config, settings);
      if (settings.limit) params.set(settings.limit_name_in_request, settings.limit);
      yield* ways[type](call, config, settings, params);
    },
  };
};
