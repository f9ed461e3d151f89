//! The form of a script: one definition, exported as default.

use swc_core::{
    common::{Span, Spanned},
    ecma::ast::{
        CallExpr, Callee, Decl, DefaultDecl, ExportSpecifier, Expr, Module, ModuleDecl,
        ModuleExportName, ModuleItem, Pat, Stmt,
    },
};

use super::Kind;
use crate::{diagnostic::Diagnostic, transform::range};

const DEFAULT: &str =
    "Invalid default export: should be createAction(), createSync() or createOnEvent()";
const ARGUMENT: &str = "Invalid function parameter, should be an object";
/// Names that may be exported besides `default`.
const WRAPPERS: [&str; 4] = [
    "createAction",
    "createSync",
    "createOnEvent",
    "createFunction",
];

/// Where the definition is in the text, as byte ranges.
pub(super) struct Definition {
    pub(super) kind: Kind,
    /// The whole call.
    pub(super) call: (usize, usize),
    /// Its argument, an object literal.
    pub(super) object: (usize, usize),
    /// The whole statement `export default createX(…)`; none when a variable is exported.
    pub(super) inline: Option<(usize, usize)>,
}

/// What [`read`] found.
pub(super) struct Shape {
    pub(super) definition: Option<Definition>,
    pub(super) broken: Vec<Diagnostic>,
}

pub(super) fn read(path: &str, text: &str, module: &Module) -> Shape {
    let mut shape = Shape {
        definition: None,
        broken: Vec::new(),
    };
    let mut note = |span: Span, message: String, hint: Option<&str>| {
        let (start, end) = range(span);
        let diagnostic = Diagnostic::at(path, text, start, end, message);
        shape.broken.push(match hint {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        });
    };
    let mut definition = None;
    for item in &module.body {
        let ModuleItem::ModuleDecl(declaration) = item else {
            continue;
        };
        match declaration {
            ModuleDecl::ExportDefaultExpr(export) => {
                let (call, inline) = match bare(&export.expr) {
                    Expr::Call(call) => (Some(call), Some(range(export.span))),
                    Expr::Ident(name) => (variable(module, &name.sym), None),
                    _ => (None, None),
                };
                match call.and_then(|call| Some((call, wrapper(call)?))) {
                    None => note(
                        export.span,
                        DEFAULT.to_owned(),
                        Some("write `export default createAction({ … })`"),
                    ),
                    Some((call, kind)) => match object(call) {
                        None => note(
                            call.span,
                            ARGUMENT.to_owned(),
                            Some("write the definition inside of the call"),
                        ),
                        Some(object) => {
                            definition = Some(Definition {
                                kind,
                                call: range(call.span),
                                object,
                                inline,
                            });
                        }
                    },
                }
            }
            ModuleDecl::ExportDefaultDecl(export)
                if !matches!(export.decl, DefaultDecl::TsInterfaceDecl(_)) =>
            {
                note(export.span, DEFAULT.to_owned(), None);
            }
            ModuleDecl::ExportDecl(export) => {
                for (name, span) in declared(&export.decl) {
                    if !WRAPPERS.contains(&&*name) {
                        note(span, named(&name), None);
                    }
                }
            }
            ModuleDecl::ExportNamed(export) if export.src.is_none() && !export.type_only => {
                for specifier in &export.specifiers {
                    let ExportSpecifier::Named(specifier) = specifier else {
                        continue;
                    };
                    if specifier.is_type_only {
                        continue;
                    }
                    let name = match specifier.exported.as_ref().unwrap_or(&specifier.orig) {
                        ModuleExportName::Ident(name) => name.sym.to_string(),
                        ModuleExportName::Str(name) => name.value.to_string_lossy().into_owned(),
                    };
                    if name == "default" {
                        note(specifier.span, DEFAULT.to_owned(), None);
                    } else if !WRAPPERS.contains(&&*name) {
                        note(specifier.span, named(&name), None);
                    }
                }
            }
            _ => {}
        }
    }
    shape.definition = definition;
    shape
}

fn named(name: &str) -> String {
    format!(
        "Named export '{name}' is not allowed. Only export default and createAction, createSync, \
         createOnEvent, createFunction are permitted."
    )
}

/// The expression inside of any parentheses.
fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(inner) => bare(&inner.expr),
        expr => expr,
    }
}

/// The call that a variable of this name is initialised with.
fn variable<'a>(module: &'a Module, name: &str) -> Option<&'a CallExpr> {
    module.body.iter().find_map(|item| {
        let declaration = match item {
            ModuleItem::Stmt(Stmt::Decl(Decl::Var(declaration))) => declaration,
            ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => match &export.decl {
                Decl::Var(declaration) => declaration,
                _ => return None,
            },
            _ => return None,
        };
        declaration.decls.iter().find_map(|declarator| {
            let Pat::Ident(binding) = &declarator.name else {
                return None;
            };
            match declarator.init.as_deref().map(bare) {
                Some(Expr::Call(call)) if binding.id.sym == name => Some(call),
                _ => None,
            }
        })
    })
}

fn wrapper(call: &CallExpr) -> Option<Kind> {
    let Callee::Expr(callee) = &call.callee else {
        return None;
    };
    match &**callee {
        Expr::Ident(name) => Kind::of_wrapper(&name.sym),
        _ => None,
    }
}

fn object(call: &CallExpr) -> Option<(usize, usize)> {
    let first = call.args.first().filter(|first| first.spread.is_none())?;
    match &*first.expr {
        Expr::Object(object) => Some(range(object.span)),
        _ => None,
    }
}

/// The values that a declaration names.
fn declared(declaration: &Decl) -> Vec<(String, Span)> {
    match declaration {
        Decl::Class(class) => vec![(class.ident.sym.to_string(), class.ident.span)],
        Decl::Fn(function) => vec![(function.ident.sym.to_string(), function.ident.span)],
        Decl::TsEnum(enumeration) if !enumeration.declare => {
            vec![(enumeration.id.sym.to_string(), enumeration.id.span)]
        }
        Decl::Var(variables) if !variables.declare => {
            swc_core::ecma::utils::find_pat_ids::<_, swc_core::ecma::ast::Ident>(&variables.decls)
                .into_iter()
                .map(|name| (name.sym.to_string(), name.span()))
                .collect()
        }
        _ => Vec::new(),
    }
}
