//! From a transformed module to a bundle.

use super::Compiled;
use crate::{
    source_map::{Builder, RUNTIME},
    unit::{ExportFrom, Unit},
};

/// The module is the body of a function without parameters of its own: it sees none of the
/// platform's names, and `arguments` is empty. `$$` is the prefix of the module's own names.
const HEAD: &str = "(function ($$P) {\"use strict\";var $$p=$$P.require(\"strata:pubnub\"),$$r=$$p.require,$$l=$$p.loop;return (function () {\n";

pub(super) fn emit(path: &str, text: &str, unit: &Unit) -> Compiled {
    let mut code = HEAD.replace("$$", &unit.prefix);
    let mut map = Builder::default();
    let runtime = map.source(RUNTIME, None);
    map.segment(0, 0, runtime, 0, 0);
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
    code.push_str(&unit.code);
    if !code.ends_with('\n') {
        code.push('\n');
    }
    let last = code.bytes().filter(|byte| *byte == b'\n').count();
    map.segment(u32::try_from(last).unwrap_or(u32::MAX), 0, runtime, 0, 0);
    // A getter: a binding may be assigned after the module has been evaluated.
    let value = match unit.exports.get("default").map(|export| &export.from) {
        Some(ExportFrom::Local(name)) => name,
        _ => "undefined",
    };
    code.push_str(&format!(
        "return {{__proto__:null,get default(){{return {value}}}}};}})()}})\n"
    ));
    Compiled {
        code,
        source_map: map.finish(),
    }
}
