//! Which module an exported name comes from.

use rustc_hash::FxHashSet;

use super::{Module, Target};
use crate::{
    diagnostic::Diagnostic,
    suggest::nearest,
    unit::{DepKind, ExportFrom, Kind},
};

/// What looking for a name gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Exported by this module itself (or a namespace made there).
    At(usize),
    /// A CommonJS or provided module is on the way: only running tells.
    Unknown,
    /// Two `export *` lead to different things: neither is exported.
    Ambiguous,
    No,
}

/// Looks for `name` among the exports of `module`.
pub(super) fn find(modules: &[Module], module: usize, name: &str) -> Found {
    search(modules, module, name, &mut Vec::new())
}

fn search<'a>(
    modules: &'a [Module],
    module: usize,
    name: &'a str,
    visited: &mut Vec<(usize, &'a str)>,
) -> Found {
    let unit = &modules[module].unit;
    if unit.kind != Kind::Esm {
        return Found::Unknown;
    }
    if visited.contains(&(module, name)) {
        return Found::No;
    }
    visited.push((module, name));
    if let Some(export) = unit.exports.get(name) {
        return match &export.from {
            ExportFrom::Local(_) | ExportFrom::Namespace(_) => Found::At(module),
            ExportFrom::Name(dep, original) => match modules[module].targets[*dep] {
                Target::Module(target) => match search(modules, target, original, visited) {
                    // The export of an erased type.
                    Found::No if export.maybe_type => Found::No,
                    found => found,
                },
                _ => Found::Unknown,
            },
        };
    }
    if name == "default" {
        return Found::No;
    }
    let mut result = Found::No;
    for star in &unit.stars {
        let found = match modules[module].targets[*star] {
            Target::Module(target) => search(modules, target, name, visited),
            _ => Found::Unknown,
        };
        result = match (result, found) {
            (result, Found::No) => result,
            (Found::No | Found::Unknown, found) => found,
            (Found::At(one), Found::At(other)) if one != other => return Found::Ambiguous,
            (result, _) => result,
        };
    }
    result
}

/// Every name that `export *` from `module` gives, except for `default`.
pub(super) fn names(modules: &[Module], module: usize) -> Vec<String> {
    let mut names = Vec::new();
    let mut known = FxHashSet::default();
    let mut visited = FxHashSet::default();
    let mut queue = vec![module];
    while let Some(module) = queue.pop() {
        if !visited.insert(module) {
            continue;
        }
        let unit = &modules[module].unit;
        for export in unit.exports.iter() {
            if export.name != "default" && known.insert(export.name.clone()) {
                names.push(export.name.clone());
            }
        }
        for star in unit.stars.iter().rev() {
            if let Target::Module(target) = modules[module].targets[*star] {
                queue.push(target);
            }
        }
    }
    names
}

/// Imports of the user's own modules that name something that is not exported.
pub(super) fn check(modules: &[Module]) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for module in modules {
        let Some(text) = &module.text else { continue };
        for (dep, target) in module.unit.deps.iter().zip(&module.targets) {
            let (DepKind::Import, Target::Module(target)) = (dep.kind, target) else {
                continue;
            };
            for (name, (start, end)) in &dep.imported {
                if find(modules, *target, name) != Found::No {
                    continue;
                }
                let mut available = names(modules, *target);
                let has_default = modules[*target].unit.exports.get("default").is_some();
                let path = &modules[*target].path;
                let diagnostic = if name == "default" {
                    Diagnostic::at(
                        &module.path,
                        text,
                        *start,
                        *end,
                        format!("\"{path}\" has no default export"),
                    )
                    .hint(match available.as_slice() {
                        [] => "it exports nothing; add `export default …` to it".to_owned(),
                        [first, ..] => format!(
                            "import a name, as in `import {{ {first} }} from \"{}\"`",
                            dep.specifier
                        ),
                    })
                } else {
                    let diagnostic = Diagnostic::at(
                        &module.path,
                        text,
                        *start,
                        *end,
                        format!("\"{path}\" does not export `{name}`"),
                    );
                    available.sort();
                    match nearest(name, available.iter().map(String::as_str)) {
                        Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
                        None if has_default && available.is_empty() => diagnostic.hint(format!(
                            "it has only a default export: `import {name} from \"{}\"`",
                            dep.specifier
                        )),
                        None => diagnostic.hint("a type must be imported with `import type`, and its module must export it"),
                    }
                };
                diagnostics.push(diagnostic);
            }
        }
    }
    diagnostics
}
