(function (__platform) {
var M = [], C = [], P = Object.create(null), define = Object.defineProperty, names = Object.getOwnPropertyNames, has = Object.prototype.hasOwnProperty;
// A module's definition: [kind, function, {specifier: id}, path, Node's rules for import of CommonJS]
// Kinds: 0 CommonJS, 1 ES module, 2 ES module that awaits at its top level.
function provided(name) {
  return name in P ? P[name] : (P[name] = __platform.require(name));
}
function load(id) {
  if (typeof id === "string") return provided(id);
  var r = C[id];
  if (r) {
    if (r.failed) throw r.error;
    return r.exports;
  }
  return run(id).exports;
}
function run(id) {
  var d = M[id], r = C[id] = { exports: {}, id: d[3], filename: d[3], loaded: false, children: [], paths: [] }, s = new Scope(id, d);
  var require = function (name) { return s.q(name); };
  require.resolve = function (name) { return resolve(d, name); };
  require.cache = {};
  require.main = undefined;
  if (d[0] === 0) {
    try {
      d[1].call(r.exports, r, r.exports, require, s);
    } catch (e) {
      C[id] = undefined;
      throw e;
    }
    r.loaded = true;
    return r;
  }
  define(r.exports, "__esModule", { value: true });
  if (d[0] === 2) {
    r.promise = d[1].call(undefined, r, r.exports, require, s).then(function () { r.loaded = true; return r.exports; });
    r.promise.catch(function () {});
    return r;
  }
  try {
    d[1].call(undefined, r, r.exports, require, s);
  } catch (e) {
    r.failed = true;
    r.error = e;
    throw e;
  }
  r.loaded = true;
  return r;
}
function target(d, name) {
  if (has.call(d[2], name)) return d[2][name];
  if (typeof name === "string" && (name.slice(0, 5) === "node:" || BUILTIN[name])) return name.slice(0, 5) === "node:" ? name : "node:" + name;
  return null;
}
function resolve(d, name) {
  var id = target(d, name);
  if (id === null) {
    var e = new Error("Cannot find module '" + name + "'\nRequire stack:\n- " + d[3]);
    e.code = "MODULE_NOT_FOUND";
    e.requireStack = [d[3]];
    throw e;
  }
  return typeof id === "string" ? id : M[id][3];
}
function namespace(mod, node) {
  var ns = {};
  if (mod != null && (typeof mod === "object" || typeof mod === "function")) {
    names(mod).forEach(function (k) {
      if (k === "default" || (typeof mod === "function" && (k === "length" || k === "name" || k === "prototype" || k === "arguments" || k === "caller"))) return;
      define(ns, k, { get: function () { return mod[k]; }, enumerable: true });
    });
  }
  if (!node && mod && mod.__esModule) {
    if ("default" in mod) define(ns, "default", { get: function () { return mod.default; }, enumerable: true });
  } else define(ns, "default", { value: mod, enumerable: true });
  return ns;
}
function Scope(id, d) { this.id = id; this.d = d; }
var S = Scope.prototype;
// require("…") with a literal or computed name.
S.q = function (name) {
  var id = target(this.d, name);
  if (id === null) resolve(this.d, name);
  if (typeof id === "number" && M[id][0] === 2 && !(C[id] && C[id].loaded)) {
    var e = new Error("require() cannot load '" + name + "': it, or a module it imports, awaits at its top level");
    e.code = "ERR_REQUIRE_ASYNC_MODULE";
    throw e;
  }
  return load(id);
};
// Static import of an ES module.
S.r = load;
// Static import of an ES module that awaits.
S.a = function (id) { return (C[id] || run(id)).promise; };
// The same inside of a cycle: what is there so far.
S.p = function (id) { return (C[id] || run(id)).exports; };
// Static import of a CommonJS module: its whole namespace …
S.n = function (id) {
  var mod = load(id);
  if (typeof id === "string" && mod && mod.__esModule) return mod;
  return namespace(mod, typeof id === "string" || this.d[4]);
};
// … or only the names that are read.
S.c = function (id, keys) {
  var mod = load(id), r = typeof id === "number" ? C[id] : { exports: mod }, node = typeof id === "string" ? !(mod && mod.__esModule) : this.d[4], ns = {};
  keys.forEach(function (k) {
    define(ns, k, { get: k === "default" && (node || !(r.exports && r.exports.__esModule)) ? function () { return r.exports; } : function () { return r.exports[k]; }, enumerable: true });
  });
  return ns;
};
// Own exports of an ES module.
S.e = function (exports, getters) {
  for (var k in getters) define(exports, k, { get: getters[k], enumerable: true });
};
// export * from a CommonJS module.
S.s = function (exports, mod) {
  if (mod == null) return;
  names(mod).forEach(function (k) {
    if (k !== "default" && k !== "__esModule" && !has.call(exports, k)) define(exports, k, { get: function () { return mod[k]; }, enumerable: true });
  });
};
// import("…")
S.i = function (name) {
  var d = this.d;
  return Promise.resolve().then(function () {
    name = String(name);
    var id = target(d, name);
    if (id === null) {
      var e = new Error("Cannot find package or module '" + name + "' imported from " + d[3] + ": only import() of a literal name is bundled");
      e.code = "ERR_MODULE_NOT_FOUND";
      throw e;
    }
    if (typeof id === "string") {
      var p = provided(id);
      return p && p.__esModule ? p : P["\0" + id] || (P["\0" + id] = namespace(p, true));
    }
    if (M[id][0] === 2) return S.a(id);
    var mod = load(id);
    if (M[id][0] === 1) return mod;
    var r = C[id];
    return r.ns && r.of === mod ? r.ns : (r.of = mod, r.ns = namespace(mod, d[4]));
  });
};
// import.meta
S.m = function () {
  var d = this.d, path = d[3];
  return { url: "file://" + encodeURI(path).replace(/[?#]/g, encodeURIComponent), filename: path, dirname: path.slice(0, path.lastIndexOf("/")) || "/", main: this.id === ENTRY, resolve: function (name) { var id = resolve(d, name); return id.slice(0, 5) === "node:" ? id : "file://" + id; } };
};
