//! Transformed modules → one expression of JavaScript.
//!
//! The code of a module is never touched here: the linker writes what is around
//! it, a function per module with its imports and exports in a header, and leaves
//! out modules, imports and exports that nothing uses where their package allows it.

mod emit;
mod exports;
mod usage;
mod waits;

use std::sync::Arc;

use crate::{diagnostic::Diagnostic, unit::Unit};

/// Where a dep of a module leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// Another module of the graph.
    Module(usize),
    /// Something the platform provides, by its canonical name.
    Provided(String),
    /// Nothing: asking for it throws at run time.
    Missing,
}

/// A module of the graph.
#[derive(Debug)]
pub(crate) struct Module {
    /// Path relative to the root.
    pub(crate) path: String,
    pub(crate) unit: Arc<Unit>,
    /// One target per dep of the unit.
    pub(crate) targets: Vec<Target>,
    /// The source text, for modules of the user.
    pub(crate) text: Option<String>,
    /// `import` of CommonJS follows Node's rule and not that of transpilers.
    pub(crate) node_interop: bool,
    /// Its package says that evaluating it has no effects.
    pub(crate) pure: bool,
}

/// The product of [`link`].
#[derive(Debug)]
pub(crate) struct Linked {
    pub(crate) code: String,
    pub(crate) source_map: String,
    pub(crate) modules: usize,
    pub(crate) waits: bool,
}

/// Links the graph whose entry is module 0.
pub(crate) fn link(modules: &[Module], builtins: &[&str]) -> Result<Linked, Vec<Diagnostic>> {
    let diagnostics = exports::check(modules);
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    let usage = usage::analyse(modules);
    let waits = waits::analyse(modules, &usage);
    Ok(emit::emit(modules, &usage, &waits, builtins))
}
