//! Which modules a script may import.

use swc_core::{
    common::Spanned,
    ecma::ast::{ImportSpecifier, Module, ModuleDecl, ModuleItem},
};

use crate::{diagnostic::Diagnostic, transform::range};

/// Modules that a script may import, in the order in which the refusal lists them. That an import
/// is allowed does not mean that the module can be had where the script runs.
pub const ALLOWED: [&str; 10] = [
    "nango/experimental",
    "url",
    "node:url",
    "crypto",
    "node:crypto",
    "nango",
    "zod",
    "unzipper",
    "soap",
    "botbuilder",
];

/// Imports of values from anything that is neither allowed nor relative.
pub(super) fn check(path: &str, text: &str, module: &Module) -> Vec<Diagnostic> {
    let mut broken = Vec::new();
    for item in &module.body {
        let ModuleItem::ModuleDecl(ModuleDecl::Import(import)) = item else {
            continue;
        };
        let types_only = !import.specifiers.is_empty()
            && import.specifiers.iter().all(|specifier| {
                matches!(specifier, ImportSpecifier::Named(named) if named.is_type_only)
            });
        if import.type_only || types_only {
            continue;
        }
        let name = import.src.value.to_string_lossy();
        if name.starts_with('.') || ALLOWED.contains(&&*name) {
            continue;
        }
        let (start, end) = range(import.span());
        broken.push(
            Diagnostic::at(
                path,
                text,
                start,
                end,
                format!(
                    "Import of package '{name}' is not allowed. Allowed packages are: {}",
                    ALLOWED.join(", ")
                ),
            )
            .hint("use one of the allowed packages, or put the code into the script itself"),
        );
    }
    broken
}
