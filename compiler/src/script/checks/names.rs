//! Modules and names that do not exist.

use swc_core::{
    common::Span,
    ecma::{
        ast::{
            Expr, Ident, Module, ModuleDecl, ModuleItem, TsEntityName, TsTypeRef, UnaryExpr,
            UnaryOp,
        },
        visit::{Visit, VisitWith},
    },
};

use crate::{
    diagnostic::Diagnostic,
    script::{Parsed, warnings::ABSENT},
    transform::range,
};

/// Modules that have types: what can be imported from at all.
const TYPED: [&str; 7] = [
    "nango",
    "nango/experimental",
    "zod",
    "url",
    "node:url",
    "crypto",
    "node:crypto",
];

/// Globals of the language and of the host, besides those of [`ABSENT`].
const VALUES: [&str; 66] = [
    "AggregateError",
    "Array",
    "ArrayBuffer",
    "AsyncIterator",
    "Atomics",
    "BigInt",
    "BigInt64Array",
    "BigUint64Array",
    "Boolean",
    "Buffer",
    "DataView",
    "Date",
    "Error",
    "EvalError",
    "FinalizationRegistry",
    "Float32Array",
    "Float64Array",
    "Function",
    "Infinity",
    "Int16Array",
    "Int32Array",
    "Int8Array",
    "Intl",
    "Iterator",
    "JSON",
    "Map",
    "Math",
    "NaN",
    "Number",
    "Object",
    "Promise",
    "Proxy",
    "RangeError",
    "ReferenceError",
    "Reflect",
    "RegExp",
    "Set",
    "SharedArrayBuffer",
    "String",
    "Symbol",
    "SyntaxError",
    "TypeError",
    "URIError",
    "URL",
    "URLSearchParams",
    "Uint16Array",
    "Uint32Array",
    "Uint8Array",
    "Uint8ClampedArray",
    "WeakMap",
    "WeakRef",
    "WeakSet",
    "WebAssembly",
    "arguments",
    "console",
    "decodeURI",
    "decodeURIComponent",
    "encodeURI",
    "encodeURIComponent",
    "eval",
    "exports",
    "globalThis",
    "isFinite",
    "isNaN",
    "module",
    "setTimeout",
];
const MORE_VALUES: [&str; 6] = [
    "global",
    "parseFloat",
    "parseInt",
    "require",
    "undefined",
    "window",
];

/// Imports of modules that cannot be found.
pub(super) fn modules(
    path: &str,
    text: &str,
    parsed: &Parsed,
    files: &[(String, String)],
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for item in &parsed.module.body {
        let source = match item {
            ModuleItem::ModuleDecl(ModuleDecl::Import(import)) => &import.src,
            ModuleItem::ModuleDecl(ModuleDecl::ExportAll(export)) => &export.src,
            ModuleItem::ModuleDecl(ModuleDecl::ExportNamed(export)) => match &export.src {
                Some(source) => source,
                None => continue,
            },
            _ => continue,
        };
        let name = source.value.to_string_lossy();
        let is_there = match name.starts_with('.') {
            true => is_file(path, &name, files),
            false => TYPED.contains(&&*name),
        };
        if !is_there {
            let (start, end) = range(source.span);
            let message =
                format!("Cannot find module '{name}' or its corresponding type declarations.");
            found.push(Diagnostic::at(path, text, start, end, message));
        }
    }
    found
}

/// Whether a relative import names a file of the submission.
fn is_file(from: &str, name: &str, files: &[(String, String)]) -> bool {
    let folder = crate::path::parent(from);
    let Some(target) = crate::path::normalise(&format!("{folder}/{name}")) else {
        return false;
    };
    let stem = target.strip_suffix(".js").unwrap_or(&target);
    files
        .iter()
        .any(|(path, _)| *path == target || path.strip_suffix(".ts") == Some(stem))
}

/// Values that are declared nowhere.
pub(super) fn unresolved(path: &str, text: &str, parsed: &Parsed) -> Vec<Diagnostic> {
    let mut walk = Walk {
        parsed,
        found: Vec::new(),
    };
    walk.module(&parsed.module);
    walk.found
        .into_iter()
        .map(|(span, name)| {
            let (start, end) = range(span);
            let close = crate::suggest::nearest(&name, VALUES.iter().chain(&MORE_VALUES).copied());
            let diagnostic = Diagnostic::at(
                path,
                text,
                start,
                end,
                format!("Cannot find name '{name}'."),
            );
            match close {
                Some(close) => diagnostic.hint(format!("did you mean `{close}`?")),
                None => diagnostic,
            }
        })
        .collect()
}

struct Walk<'a> {
    parsed: &'a Parsed,
    found: Vec<(Span, String)>,
}

impl Walk<'_> {
    fn module(&mut self, module: &Module) {
        module.visit_with(self);
    }

    fn value(&mut self, ident: &Ident) {
        let name = &*ident.sym;
        if ident.ctxt == self.parsed.unresolved
            && !VALUES.contains(&name)
            && !MORE_VALUES.contains(&name)
            && !ABSENT.contains(&name)
        {
            self.found.push((ident.span, name.to_owned()));
        }
    }
}

impl Visit for Walk<'_> {
    fn visit_expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Ident(ident) => self.value(ident),
            Expr::Unary(UnaryExpr {
                op: UnaryOp::TypeOf,
                arg,
                ..
            }) if arg.is_ident() => {}
            expr => expr.visit_children_with(self),
        }
    }

    // Types of the libraries are too many to list.
    fn visit_ts_type_ref(&mut self, reference: &TsTypeRef) {
        reference.type_params.visit_with(self);
    }

    fn visit_ts_entity_name(&mut self, _: &TsEntityName) {}
}
