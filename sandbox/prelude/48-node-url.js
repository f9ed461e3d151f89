// node:url (the legacy parser included) and node:punycode.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const SLASHED = new Set(["http:", "https:", "ftp:", "file:", "ws:", "wss:"]);

  function Url() {
    for (const key of ["protocol", "slashes", "auth", "host", "port", "hostname", "hash", "search", "query", "pathname", "path", "href"]) this[key] = null;
  }

  function parse(text, parseQuery = false, slashesDenoteHost = false) {
    if (text instanceof Url) return text;
    if (typeof text !== "string") throw lib.argType("url", "of type string", text);
    const url = new Url();
    let rest = text.trim();
    const hashAt = rest.indexOf("#");
    const head = hashAt < 0 ? rest : rest.slice(0, hashAt);
    const queryAt = head.indexOf("?");
    const swap = (t) => t.replaceAll("\\", "/");
    rest = queryAt < 0 ? swap(head) : swap(head.slice(0, queryAt)) + head.slice(queryAt);
    if (hashAt >= 0) url.hash = text.trim().slice(hashAt);

    const scheme = /^([a-z0-9.+-]+:)/i.exec(rest);
    if (scheme) {
      url.protocol = scheme[1].toLowerCase();
      rest = rest.slice(scheme[1].length);
    }
    const known = SLASHED.has(url.protocol);
    if ((slashesDenoteHost || scheme || /^\/\/[^@/]+@[^@/]+/.test(rest)) && rest.startsWith("//") && url.protocol !== "javascript:") {
      url.slashes = true;
      rest = rest.slice(2);
      const end = rest.search(/[/?#]/);
      let authority = end < 0 ? rest : rest.slice(0, end);
      rest = end < 0 ? "" : rest.slice(end);
      const at = authority.lastIndexOf("@");
      if (at >= 0) {
        url.auth = decodeURIComponent(authority.slice(0, at));
        authority = authority.slice(at + 1);
      }
      const port = /:(\d*)$/.exec(authority);
      if (port) {
        url.port = port[1] || null;
        authority = authority.slice(0, -port[0].length);
      }
      url.hostname = authority.toLowerCase();
      if (/[^\x00-\x7f]/.test(url.hostname)) url.hostname = S.call("url.domain", { domain: url.hostname }).value;
      url.host = url.hostname + (url.port ? `:${url.port}` : "");
      if (/^\[.*\]$/.test(url.hostname)) url.hostname = url.hostname.slice(1, -1);
    }
    const q = rest.indexOf("?");
    if (q >= 0) {
      url.search = rest.slice(q);
      url.query = rest.slice(q + 1);
      rest = rest.slice(0, q);
    }
    const quote = (t) => t.replace(/[\s"<>`{}|\\^']/g, (c) => encodeURIComponent(c).replace("'", "%27"));
    if (url.search) url.search = quote(url.search);
    if (url.query !== null) url.query = quote(url.query);
    if (rest) url.pathname = quote(rest);
    if (known && url.hostname && !url.pathname) url.pathname = "/";
    if (parseQuery) {
      url.search ??= "";
      url.query = lib.querystring.parse(url.query ?? "");
    }
    if (url.pathname || url.search) url.path = (url.pathname ?? "") + (url.search ?? "");
    url.href = format(url);
    return url;
  }

  function format(input, options) {
    if (typeof input === "string") input = parse(input);
    if (input instanceof URL) {
      const { fragment = true, search = true, auth = true, unicode = false } = options ?? {};
      const url = new URL(input.href);
      if (!fragment) url.hash = "";
      if (!search) url.search = "";
      if (!auth) url.username = url.password = "";
      return unicode ? url.href.replace(url.hostname, domainToUnicode(url.hostname)) : url.href;
    }
    let { protocol, pathname, search, hash, host } = input;
    protocol = protocol ?? "";
    if (protocol && !protocol.endsWith(":")) protocol += ":";
    const auth = input.auth ? `${encodeURIComponent(input.auth).replace(/%3A/i, ":")}@` : "";
    if (host) host = auth + host;
    else if (input.hostname) host = auth + (input.hostname.includes(":") ? `[${input.hostname}]` : input.hostname) + (input.port ? `:${input.port}` : "");
    if (input.query !== null && typeof input.query === "object") {
      const query = lib.querystring.stringify(input.query);
      if (search === null || search === undefined || search === "") search = query ? `?${query}` : "";
    } else if ((search === null || search === undefined) && input.query) search = `?${input.query}`;
    search = search ?? "";
    if (search && !search.startsWith("?")) search = `?${search}`;
    hash = hash ?? "";
    if (hash && !hash.startsWith("#")) hash = `#${hash}`;
    pathname = (pathname ?? "").replace(/[?#]/g, encodeURIComponent);
    if (input.slashes || ((!protocol || SLASHED.has(protocol)) && host)) {
      host = `//${host ?? ""}`;
      if (pathname && !pathname.startsWith("/")) pathname = `/${pathname}`;
    } else host = host ?? "";
    return protocol + host + pathname + search.replaceAll("#", "%23") + hash;
  }

  function resolve(from, to) {
    const marker = "strata-relative.invalid";
    const base = parse(from);
    const absolute = base.protocol !== null && base.slashes;
    const url = new URL(to, new URL(from, `http://${marker}/`));
    if (absolute || url.host !== marker) {
      if (/^[a-z][a-z0-9+.-]*:/i.test(to) || absolute) return url.href;
      return url.href.slice(url.protocol.length);
    }
    const path = url.pathname + url.search + url.hash;
    return from.startsWith("/") || to.startsWith("/") ? path : path.slice(1);
  }

  Object.assign(Url.prototype, {
    parse(text, ...rest) {
      return Object.assign(this, parse(text, ...rest));
    },
    format() {
      return format(this);
    },
    resolve(to) {
      return resolve(this.href, to);
    },
  });

  const domainToASCII = (domain) => S.call("url.domain", { domain: String(domain).toWellFormed() }).value;
  const domainToUnicode = (domain) => S.call("url.domain", { domain: String(domain).toWellFormed(), to: "unicode" }).value;

  const url = {
    URL: globalThis.URL,
    URLSearchParams: globalThis.URLSearchParams,
    Url,
    parse,
    format,
    resolve,
    resolveObject: (from, to) => parse(resolve(from, to)),
    domainToASCII,
    domainToUnicode,
    fileURLToPath(value) {
      const u = value instanceof URL ? value : new URL(value);
      if (u.protocol !== "file:") throw lib.nodeError(TypeError, "ERR_INVALID_URL_SCHEME", "The URL must be of scheme file");
      if (u.hostname) throw lib.nodeError(TypeError, "ERR_INVALID_FILE_URL_HOST", 'File URL host must be "localhost" or empty on linux');
      if (/%2f/i.test(u.pathname)) throw lib.nodeError(TypeError, "ERR_INVALID_FILE_URL_PATH", "File URL path must not include encoded / characters");
      return decodeURIComponent(u.pathname);
    },
    pathToFileURL(path) {
      const full = lib.path.resolve(path) + (path.endsWith("/") && path !== "/" ? "/" : "");
      return new URL(`file://${encodeURI(full).replace(/[?#]/g, encodeURIComponent)}`);
    },
    urlToHttpOptions: (u) => ({
      protocol: u.protocol, hostname: u.hostname.replace(/^\[|\]$/g, ""), hash: u.hash, search: u.search, pathname: u.pathname,
      path: `${u.pathname}${u.search}`, href: u.href, ...(u.port !== "" && { port: Number(u.port) }),
      ...((u.username || u.password) && { auth: `${decodeURIComponent(u.username)}:${decodeURIComponent(u.password)}` }),
    }),
  };
  S.modules["node:url"] = () => url;
  lib.urlToHttpOptions = url.urlToHttpOptions;

  // ---- punycode (RFC 3492) ----

  const adapt = (delta, points, first) => {
    delta = first ? Math.floor(delta / 700) : delta >> 1;
    delta += Math.floor(delta / points);
    let k = 0;
    for (; delta > 455; k += 36) delta = Math.floor(delta / 35);
    return k + Math.floor((36 * delta) / (delta + 38));
  };
  const threshold = (k, bias) => (k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias);
  const digit = (d) => String.fromCharCode(d < 26 ? d + 97 : d + 22);

  function encode(input) {
    const points = Array.from(input, (c) => c.codePointAt(0));
    let out = points.filter((p) => p < 128).map((p) => String.fromCharCode(p)).join("");
    let done = out.length;
    const basic = done;
    if (basic) out += "-";
    let [n, delta, bias] = [128, 0, 72];
    while (done < points.length) {
      const m = Math.min(...points.filter((p) => p >= n));
      delta += (m - n) * (done + 1);
      n = m;
      for (const p of points) {
        if (p < n) delta++;
        if (p !== n) continue;
        let q = delta;
        for (let k = 36; ; k += 36) {
          const t = threshold(k, bias);
          if (q < t) break;
          out += digit(t + ((q - t) % (36 - t)));
          q = Math.floor((q - t) / (36 - t));
        }
        out += digit(q);
        bias = adapt(delta, done + 1, done === basic);
        delta = 0;
        done++;
      }
      delta++;
      n++;
    }
    return out;
  }

  function decode(input) {
    const at = input.lastIndexOf("-");
    const out = at > 0 ? Array.from(input.slice(0, at), (c) => c.codePointAt(0)) : [];
    let [n, i, bias] = [128, 0, 72];
    for (let index = at > 0 ? at + 1 : 0; index < input.length; ) {
      const before = i;
      for (let w = 1, k = 36; ; k += 36) {
        const c = input.charCodeAt(index++);
        const d = c >= 48 && c < 58 ? c - 22 : (c | 32) >= 97 && (c | 32) < 123 ? (c | 32) - 97 : 36;
        if (d >= 36) throw new RangeError("Invalid input");
        i += d * w;
        const t = threshold(k, bias);
        if (d < t) break;
        w *= 36 - t;
      }
      bias = adapt(i - before, out.length + 1, before === 0);
      n += Math.floor(i / (out.length + 1));
      i %= out.length + 1;
      out.splice(i++, 0, n);
    }
    return String.fromCodePoint(...out);
  }

  const labels = (domain, fn) => domain.split(/[.\u3002\uff0e\uff61]/).map(fn).join(".");
  const punycode = {
    version: "2.1.0",
    encode,
    decode,
    toASCII: (domain) => labels(domain, (l) => (/[^\x00-\x7f]/.test(l) ? `xn--${encode(l)}` : l)),
    toUnicode: (domain) => labels(domain, (l) => (l.startsWith("xn--") ? decode(l.slice(4).toLowerCase()) : l)),
    ucs2: { decode: (t) => Array.from(t, (c) => c.codePointAt(0)), encode: (points) => String.fromCodePoint(...points) },
  };
  S.modules["node:punycode"] = () => punycode;
})();
