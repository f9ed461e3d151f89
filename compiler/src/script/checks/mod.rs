//! What can be found wrong in a script without knowing types. In force where no type checker can be
//! had; the texts are those of the type checker, so that clients read the same.

mod names;
mod options;
mod unused;

use super::Parsed;
use crate::diagnostic::Diagnostic;

pub(super) fn check(
    path: &str,
    text: &str,
    parsed: &Parsed,
    files: &[(String, String)],
) -> Vec<Diagnostic> {
    let mut found = names::modules(path, text, parsed, files);
    found.append(&mut names::unresolved(path, text, parsed));
    found.append(&mut unused::find(path, text, parsed));
    found.append(&mut options::find(path, text, parsed));
    found.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
    found
}
