//! Takes the call around a definition away, in the text: lines stay where they are.

use swc_core::ecma::ast::{Module, ModuleDecl, ModuleItem};

use super::shape::Definition;
use crate::transform::range;

/// The text of the entry, with the definition as a plain object whose first property is `type`,
/// and without the imports of `nango`.
pub(super) fn unwrap(text: &str, module: &Module, definition: Option<&Definition>) -> String {
    let mut edits: Vec<(usize, usize, String)> = Vec::new();
    for item in &module.body {
        if let ModuleItem::ModuleDecl(ModuleDecl::Import(import)) = item
            && matches!(
                &*import.src.value.to_string_lossy(),
                "nango" | "nango/experimental"
            )
        {
            let (start, end) = range(import.span);
            edits.push((start, end, newlines(&text[start..end])));
        }
    }
    if let Some(definition) = definition {
        let (call, object) = (definition.call, definition.object);
        let kind = definition.kind;
        let opened = format!("({{type: \"{}\", ", kind.name());
        let before = newlines(&text[call.0..object.0]);
        edits.push((call.0, object.0 + 1, format!("{before}{opened}")));
        let after = newlines(&text[object.1..call.1]);
        match definition.inline {
            None => edits.push((object.1, call.1, format!("{after})"))),
            Some((start, end)) => {
                let name = free_name(text);
                let between = newlines(&text[start..call.0]);
                edits.push((start, call.0, format!("const {name} = {between}")));
                let after = newlines(&text[object.1..end]);
                let alias = kind.export();
                edits.push((
                    object.1,
                    end,
                    format!("); export {{ {name} as default, {name} as {alias} }};{after}"),
                ));
            }
        }
    }
    edits.sort_by_key(|(start, ..)| *start);
    let mut edited = String::with_capacity(text.len() + 120);
    let mut at = 0;
    for (start, end, replacement) in edits {
        edited.push_str(&text[at..start]);
        edited.push_str(&replacement);
        at = end;
    }
    edited.push_str(&text[at..]);
    edited
}

/// As many line ends as the text has.
fn newlines(text: &str) -> String {
    "\n".repeat(text.matches('\n').count())
}

/// A name that occurs nowhere in the text.
fn free_name(text: &str) -> String {
    let mut name = "$definition".to_owned();
    while text.contains(&name) {
        name.push('_');
    }
    name
}
