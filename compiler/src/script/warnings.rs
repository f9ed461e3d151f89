//! What compiles and cannot run where scripts run.

use rustc_hash::FxHashSet;
use swc_core::ecma::{
    ast::{
        Expr, Ident, ImportSpecifier, Module, ModuleDecl, ModuleItem, TsType, UnaryExpr, UnaryOp,
    },
    visit::{Visit, VisitWith},
};

use super::Parsed;
use crate::{diagnostic::Diagnostic, transform::range};

/// Globals that the type checker knows and the host of a deployed script does not have.
pub(super) const ABSENT: [&str; 29] = [
    "AbortController",
    "AbortSignal",
    "Blob",
    "BroadcastChannel",
    "File",
    "FormData",
    "Headers",
    "MessageChannel",
    "ReadableStream",
    "Request",
    "Response",
    "TextDecoder",
    "TextEncoder",
    "TransformStream",
    "WebSocket",
    "WritableStream",
    "atob",
    "btoa",
    "clearImmediate",
    "clearInterval",
    "clearTimeout",
    "crypto",
    "fetch",
    "performance",
    "process",
    "queueMicrotask",
    "setImmediate",
    "setInterval",
    "structuredClone",
];
/// Modules that may be imported and are not there.
const MODULES: [&str; 5] = ["node:url", "node:crypto", "soap", "unzipper", "botbuilder"];

pub(super) fn find(path: &str, text: &str, parsed: &Parsed) -> Vec<Diagnostic> {
    let mut warnings = imports(path, text, &parsed.module);
    let mut walk = Walk {
        parsed,
        path,
        text,
        known: FxHashSet::default(),
        warnings: &mut warnings,
    };
    parsed.module.visit_with(&mut walk);
    warnings
}

fn imports(path: &str, text: &str, module: &Module) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    for item in &module.body {
        let ModuleItem::ModuleDecl(ModuleDecl::Import(import)) = item else {
            continue;
        };
        let name = import.src.value.to_string_lossy();
        let is_type = |specifier: &ImportSpecifier| matches!(specifier, ImportSpecifier::Named(named) if named.is_type_only);
        if import.type_only || !MODULES.contains(&&*name) || import.specifiers.iter().all(is_type) {
            continue;
        }
        let hint = match name.strip_prefix("node:") {
            Some(bare) => format!("import `{bare}` instead"),
            None => "call the HTTP API with the methods of `nango` instead".to_owned(),
        };
        let (start, end) = range(import.span);
        let message = format!("Module '{name}' is not available when the function runs");
        warnings.push(warning(path, text, (start, end), message).hint(hint));
    }
    warnings
}

fn warning(path: &str, text: &str, (start, end): (usize, usize), message: String) -> Diagnostic {
    Diagnostic {
        severity: crate::diagnostic::Severity::Warning,
        ..Diagnostic::at(path, text, start, end, message)
    }
}

struct Walk<'a> {
    parsed: &'a Parsed,
    path: &'a str,
    text: &'a str,
    /// Names that were told about.
    known: FxHashSet<String>,
    warnings: &'a mut Vec<Diagnostic>,
}

impl Walk<'_> {
    fn name(&mut self, ident: &Ident) {
        if ident.ctxt != self.parsed.unresolved
            || !ABSENT.contains(&&*ident.sym)
            || !self.known.insert(ident.sym.to_string())
        {
            return;
        }
        let message = format!("'{}' is not defined when the function runs", ident.sym);
        let hint = match &*ident.sym {
            "fetch" | "Headers" | "Request" | "Response" => {
                "use `nango.proxy`, or `nango.uncontrolledFetch` for other hosts"
            }
            "crypto" => "import `crypto`",
            "btoa" | "atob" | "TextEncoder" | "TextDecoder" => "use `Buffer`",
            _ => {
                "only `Buffer`, `URL`, `URLSearchParams`, `setTimeout` and the language itself are there"
            }
        };
        let found = warning(self.path, self.text, range(ident.span), message);
        self.warnings.push(found.hint(hint));
    }
}

impl Visit for Walk<'_> {
    fn visit_expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Ident(ident) => self.name(ident),
            // Asking whether it is there is fine.
            Expr::Unary(UnaryExpr {
                op: UnaryOp::TypeOf,
                ..
            }) => {}
            expr => expr.visit_children_with(self),
        }
    }

    fn visit_ts_type(&mut self, _: &TsType) {}
}
