// node:path, posix by default and win32 beside it, and node:querystring.
(() => {
  "use strict";
  const S = globalThis.__strata;
  const { lib } = S;

  const text = (value, name = "path") => {
    if (typeof value !== "string") throw lib.argType(name, "of type string", value);
    return value;
  };

  function build(win) {
    const sep = win ? "\\" : "/";
    const isSep = (c) => c === "/" || (win && c === "\\");
    const parts = (path) => path.split(win ? /[\\/]+/ : /\/+/);

    // { root, rest }: what stays whatever `..` says, and what follows.
    function cut(path) {
      if (!win) return path.startsWith("/") ? { root: "/", rest: path.replace(/^\/+/, ""), device: "" } : { root: "", rest: path, device: "" };
      const drive = /^([A-Za-z]:)([\\/]?)[\\/]*/.exec(path);
      if (drive) return { root: drive[1] + (drive[2] ? "\\" : ""), rest: path.slice(drive[0].length), device: drive[1] };
      const share = /^[\\/]{2}([^\\/]+)[\\/]+([^\\/]+)[\\/]*/.exec(path);
      if (share) return { root: `\\\\${share[1]}\\${share[2]}\\`, rest: path.slice(share[0].length), device: `\\\\${share[1]}\\${share[2]}` };
      const lead = /^[\\/]+/.exec(path);
      return lead ? { root: "\\", rest: path.slice(lead[0].length), device: "" } : { root: "", rest: path, device: "" };
    }

    function reduce(rest, absolute) {
      const out = [];
      for (const part of parts(rest)) {
        if (part === "" || part === ".") continue;
        if (part !== "..") out.push(part);
        else if (out.length && out.at(-1) !== "..") out.pop();
        else if (!absolute) out.push("..");
      }
      return out.join(sep);
    }

    const absolute = (root) => root !== "" && isSep(root.at(-1));

    function normalize(path) {
      text(path);
      if (path === "") return ".";
      const { root, rest } = cut(path);
      let tail = reduce(rest, absolute(root));
      if (tail && isSep(path.at(-1))) tail += sep;
      if (!tail && !root) return isSep(path.at(-1)) ? `.${sep}` : ".";
      return tail || absolute(root) ? root + tail : `${root}.`;
    }

    function resolve(...paths) {
      let at = "";
      let root = "";
      for (const path of [...paths].reverse()) {
        if (text(path) === "") continue;
        const c = cut(path);
        at = at ? `${c.rest}${sep}${at}` : c.rest;
        if (absolute(c.root)) {
          root = c.root;
          break;
        }
      }
      if (!root) {
        const here = cut(win ? `C:${lib.process.cwd()}` : lib.process.cwd());
        root = here.root;
        at = `${here.rest}${sep}${at}`;
      }
      return root + reduce(at, true) || ".";
    }

    const trimmed = (path) => {
      let end = path.length;
      const { root } = cut(path);
      while (end > root.length && isSep(path[end - 1])) end--;
      return path.slice(0, end);
    };
    const lastSep = (path) => {
      for (let i = path.length - 1; i >= 0; i--) if (isSep(path[i])) return i;
      return -1;
    };

    function dirname(path) {
      text(path);
      if (path === "") return ".";
      const { root } = cut(path);
      const body = trimmed(path);
      const at = lastSep(body);
      if (at < 0) return root && body.startsWith(root) ? root : ".";
      if (at < root.length) return path.slice(0, root.length) || sep;
      return trimmed(body.slice(0, at)) || root;
    }

    function basename(path, suffix) {
      text(path);
      if (suffix !== undefined) text(suffix, "suffix");
      const { device } = cut(path);
      const body = trimmed(path).slice(win ? device.length : 0);
      const name = body.slice(lastSep(body) + 1);
      return suffix !== undefined && name !== suffix && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
    }

    function extname(path) {
      const name = basename(path);
      const dot = name.lastIndexOf(".");
      return dot <= 0 || name === ".." ? "" : name.slice(dot);
    }

    function relative(from, to) {
      const a = resolve(text(from, "from"));
      const b = resolve(text(to, "to"));
      const same = (x, y) => (win ? x.toLowerCase() === y.toLowerCase() : x === y);
      if (same(a, b)) return "";
      if (!same(cut(a).root, cut(b).root)) return b;
      const left = parts(cut(a).rest).filter(Boolean);
      const right = parts(cut(b).rest).filter(Boolean);
      let i = 0;
      while (i < left.length && i < right.length && same(left[i], right[i])) i++;
      return [...left.slice(i).map(() => ".."), ...right.slice(i)].join(sep);
    }

    return {
      sep,
      delimiter: win ? ";" : ":",
      normalize,
      resolve,
      dirname,
      basename,
      extname,
      relative,
      isAbsolute: (path) => absolute(cut(text(path)).root),
      join: (...paths) => {
        const joined = paths.filter((p) => text(p) !== "").join(sep);
        return joined === "" ? "." : normalize(joined);
      },
      parse(path) {
        const { root } = cut(text(path));
        const base = basename(path).slice(0);
        const ext = extname(base);
        const dir = base ? dirname(path) : root;
        return { root: path.slice(0, root.length), dir: dir === "." && !/^\.[\\/]/.test(path) ? "" : dir, base, ext, name: ext ? base.slice(0, -ext.length) : base };
      },
      format({ root = "", dir, base, name = "", ext = "" }) {
        const file = base || `${name}${ext && !ext.startsWith(".") ? "." : ""}${ext}`;
        if (!dir) return root + file;
        return dir === root ? dir + file : dir + sep + file;
      },
      matchesGlob: () => {
        throw new Error("path.matchesGlob is not available in Strata functions");
      },
      toNamespacedPath: (path) => path,
    };
  }

  const posix = build(false);
  const win32 = build(true);
  for (const one of [posix, win32]) Object.assign(one, { posix, win32 });
  S.modules["node:path"] = () => posix;
  S.modules["node:path/posix"] = () => posix;
  S.modules["node:path/win32"] = () => win32;
  lib.path = posix;

  // ---- querystring ----

  const escape = (value) => encodeURIComponent(String(value).toWellFormed());
  const unescape = (value) => {
    try {
      return decodeURIComponent(value);
    } catch {
      return lib.parseQuery(`x=${value.replaceAll("+", "%2B").replaceAll("&", "%26").replaceAll("=", "%3D")}`)[0][1];
    }
  };
  const primitive = (v) => (typeof v === "string" ? v : (typeof v === "number" && Number.isFinite(v)) || typeof v === "bigint" || typeof v === "boolean" ? String(v) : "");

  const querystring = {
    escape,
    unescape,
    stringify(object, sep = "&", eq = "=", options) {
      if (object === null || typeof object !== "object") return "";
      const enc = options?.encodeURIComponent ?? querystring.escape;
      return Object.keys(object)
        .flatMap((key) => (Array.isArray(object[key]) ? object[key].map((v) => `${enc(key)}${eq}${enc(primitive(v))}`) : [`${enc(key)}${eq}${enc(primitive(object[key]))}`]))
        .join(sep);
    },
    parse(query, sep = "&", eq = "=", options) {
      const out = Object.create(null);
      if (typeof query !== "string" || query === "") return out;
      const dec = options?.decodeURIComponent ?? querystring.unescape;
      const max = options?.maxKeys ?? 1000;
      const pieces = query.split(sep);
      for (const piece of max > 0 ? pieces.slice(0, max) : pieces) {
        if (piece === "") continue;
        const at = piece.indexOf(eq);
        const plain = (t) => dec(t.replaceAll("+", " "));
        const key = plain(at < 0 ? piece : piece.slice(0, at));
        const value = at < 0 ? "" : plain(piece.slice(at + eq.length));
        if (!(key in out)) out[key] = value;
        else if (Array.isArray(out[key])) out[key].push(value);
        else out[key] = [out[key], value];
      }
      return out;
    },
  };
  querystring.encode = querystring.stringify;
  querystring.decode = querystring.parse;
  S.modules["node:querystring"] = () => querystring;
  lib.querystring = querystring;
})();
