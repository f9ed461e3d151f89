// fetch over the host's `fetch` operation; `data:` URLs are answered here.
// The body of a response arrives whole.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;
  const { Request, atob } = globalThis;

  function dataUrl(url) {
    const text = url.replace(/#.*$/, "").slice(5);
    const comma = text.indexOf(",");
    if (comma < 0) throw new TypeError("fetch failed: the data URL has no comma");
    let type = text.slice(0, comma).trim();
    let body = text.slice(comma + 1);
    const raw = lib.utf8Encode(body);
    const bytes = [];
    for (let i = 0; i < raw.length; i++) {
      const pair = raw[i] === 37 ? lib.latin1Decode(raw.subarray(i + 1, i + 3)) : "";
      if (/^[0-9a-fA-F]{2}$/.test(pair)) {
        bytes.push(parseInt(pair, 16));
        i += 2;
      } else bytes.push(raw[i]);
    }
    let data = new Uint8Array(bytes);
    if (/;\s*base64$/i.test(type)) {
      type = type.replace(/;\s*base64$/i, "");
      data = lib.latin1Encode(atob(lib.latin1Decode(data)));
    }
    if (type.startsWith(";")) type = `text/plain${type}`;
    return lib.networkResponse({ status: 200, statusText: "OK", headers: [["content-type", type || "text/plain;charset=US-ASCII"]] }, data, url);
  }

  async function fetch(input, init) {
    lib.requireArgs(arguments, 1, "fetch");
    const request = new Request(input, init);
    const { signal, url } = request;
    signal.throwIfAborted();
    if (url.startsWith("data:")) return dataUrl(url);
    if (!/^https?:/.test(url)) throw new TypeError("fetch failed", { cause: new Error(`unknown scheme: ${url.slice(0, url.indexOf(":") + 1)}`) });
    const aborted = Promise.withResolvers();
    lib.handled(aborted.promise);
    let running = null;
    const off = lib.onAbort(signal, (reason) => {
      running?.cancel?.();
      aborted.reject(reason);
    });
    try {
      const hasBody = lib.hasBody(request);
      const body = hasBody ? await Promise.race([lib.takeBody(request), aborted.promise]) : undefined;
      const headers = lib.headerPairs(request.headers);
      if (!request.headers.has("accept")) headers.push(["accept", "*/*"]);
      if (!request.headers.has("user-agent")) headers.push(["user-agent", "strata"]);
      const arg = { method: request.method, url: url.replace(/#.*$/, ""), headers, redirect: request.redirect, body: hasBody };
      running = S.wait("fetch", arg, body);
      const { value, data } = await Promise.race([running, aborted.promise]);
      return lib.networkResponse(value, data, url);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw new TypeError("fetch failed", { cause: error });
    } finally {
      off();
    }
  }

  lib.globals({ fetch });
})();
