//! From a transformed module to the text of a CommonJS module.

use base64::Engine as _;

use crate::{
    diagnostic::Diagnostic,
    source_map::Builder,
    unit::{DepKind, ExportFrom, Unit, quote},
};

/// Wraps what `require` gives, so that named, default and namespace imports all work: a module that
/// was an ES module keeps its names, anything else becomes its own `default`.
const INTEROP: &str = "var $interop = (m) => m && m.__esModule ? m : new Proxy(Object(m), { get: (t, k) => k === \"default\" && !(k in t) ? m : Reflect.get(t, k), has: (t, k) => k === \"default\" || k in t });";

pub(super) fn top_level_await(path: &str, text: &str, at: usize) -> Diagnostic {
    Diagnostic::at(
        path,
        text,
        at,
        at + 5,
        "Top-level await is currently not supported with the \"cjs\" output format",
    )
}

/// One module that imports nothing but packages.
pub(super) fn single(
    path: &str,
    text: &str,
    unit: &Unit,
) -> Result<(String, String), Vec<Diagnostic>> {
    if unit.top_level_await {
        let at = text.find("await").unwrap_or(0);
        return Err(vec![top_level_await(path, text, at)]);
    }
    let prefix = &unit.prefix;
    let mut head = String::from(
        "\"use strict\"; Object.defineProperty(exports, \"__esModule\", { value: true });",
    );
    let mut interop = false;
    let mut imports = String::new();
    let mut getters = String::new();
    for (index, dep) in unit.deps.iter().enumerate() {
        if dep.kind == DepKind::Import {
            interop = true;
            imports.push_str(&format!(
                " var {prefix}{index} = {prefix}interop(require({}));",
                quote(&dep.specifier)
            ));
        }
    }
    for export in unit.exports.iter() {
        let value = match &export.from {
            ExportFrom::Local(value) => value.clone(),
            ExportFrom::Name(dep, name) => format!("{prefix}{dep}[{}]", quote(name)),
            ExportFrom::Namespace(dep) => format!("{prefix}{dep}"),
        };
        getters.push_str(&format!(
            " Object.defineProperty(exports, {}, {{ enumerable: true, get: () => {value} }});",
            quote(&export.name)
        ));
    }
    head.push_str(&getters);
    if interop {
        head.push(' ');
        head.push_str(&INTEROP.replace("$interop", &format!("{prefix}interop")));
        head.push_str(&imports);
    }
    if unit.deps.iter().any(|dep| dep.kind == DepKind::Dynamic) {
        head.push_str(&format!(
            " var {prefix} = {{ i: (name) => Promise.resolve().then(() => require(name)) }};"
        ));
    }
    for dep in &unit.stars {
        head.push_str(&format!(
            " for (const k of Object.keys({prefix}{dep})) if (k !== \"default\" && !(k in exports)) \
             Object.defineProperty(exports, k, {{ enumerable: true, get: () => {prefix}{dep}[k] }});"
        ));
    }
    head.push_str(&format!(" var {prefix}r = require, {prefix}m = module;\n"));
    let mut map = Builder::default();
    let source = map.source(path, Some(text));
    for mapping in &unit.mappings {
        map.segment(
            mapping.line + 1,
            mapping.column,
            source,
            mapping.source_line,
            mapping.source_column,
        );
    }
    let map = map.finish();
    let mut code = head;
    code.push_str(&unit.code);
    Ok((with_map(code, &map), map))
}

/// A bundle of several modules, which is an expression, as one CommonJS module.
pub(super) fn registry(bundle: &str, map: &str) -> (String, String) {
    let code = format!("module.exports = {}({{ require }});", bundle.trim_end());
    // The first line is longer now; it holds none of the user's code.
    (with_map(code, map), map.to_owned())
}

fn with_map(mut code: String, map: &str) -> String {
    if !code.ends_with('\n') {
        code.push('\n');
    }
    code.push_str("//# sourceMappingURL=data:application/json;base64,");
    base64::engine::general_purpose::STANDARD.encode_string(map, &mut code);
    code.push('\n');
    code
}
