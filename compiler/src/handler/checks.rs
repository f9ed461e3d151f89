//! The rules of a handler: one default export, no imports, nothing that waits at the top level.

use swc_core::{
    common::{Span, Spanned},
    ecma::{
        ast::{
            ArrowExpr, AwaitExpr, CallExpr, Callee, DefaultDecl, ExportSpecifier, Expr, ForOfStmt,
            Function, Ident, MetaPropExpr, MetaPropKind, Module, ModuleDecl, ModuleExportName,
            ModuleItem, Program,
        },
        visit::{Visit, VisitWith},
    },
};

use crate::{
    diagnostic::Diagnostic,
    transform::{self, Input, range},
};

const IMPORT: &str = "`import` is not available: modules are loaded with `require`";
const IMPORT_HINT: &str = "write `const kvstore = require('kvstore');`";
const NO_DEFAULT: &str = "The function has no default export";
const DEFAULT_HINT: &str = "write `export default async (request) => { … };`";

/// Everything that is wrong with the file, in the order of the source.
pub(super) fn check(input: &Input<'_>) -> Result<(), Vec<Diagnostic>> {
    let program = transform::parsed(input)?;
    let mut walk = Walk {
        prefix: transform::prefix(input.text),
        input,
        functions: 0,
        broken: Vec::new(),
    };
    program.visit_with(&mut walk);
    match &program {
        Program::Module(module) => walk.defaults(module),
        // Nothing is exported.
        Program::Script(_) => walk.defaults(&Module::default()),
    }
    if walk.broken.is_empty() {
        return Ok(());
    }
    walk.broken
        .sort_by_key(|broken| (broken.line, broken.column));
    Err(walk.broken)
}

struct Walk<'a> {
    input: &'a Input<'a>,
    /// What the compiler's own names start with.
    prefix: String,
    /// Enclosing functions.
    functions: usize,
    broken: Vec<Diagnostic>,
}

impl Walk<'_> {
    fn note(&mut self, span: Span, message: &str, hint: Option<&str>) {
        let (start, end) = range(span);
        let diagnostic = Diagnostic::at(self.input.path, self.input.text, start, end, message);
        self.broken.push(match hint {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        });
    }

    fn defaults(&mut self, module: &Module) {
        let mut found: Vec<(Span, bool)> = Vec::new();
        for item in &module.body {
            let ModuleItem::ModuleDecl(declaration) = item else {
                continue;
            };
            match declaration {
                ModuleDecl::ExportDefaultExpr(export) => {
                    found.push((export.span, callable(&export.expr)));
                }
                ModuleDecl::ExportDefaultDecl(export) => match export.decl {
                    DefaultDecl::Fn(_) => found.push((export.span, true)),
                    DefaultDecl::Class(_) => found.push((export.span, false)),
                    DefaultDecl::TsInterfaceDecl(_) => {}
                },
                ModuleDecl::ExportNamed(export) if !export.type_only && export.src.is_none() => {
                    for specifier in &export.specifiers {
                        if let ExportSpecifier::Named(named) = specifier
                            && is_default(named.exported.as_ref().unwrap_or(&named.orig))
                        {
                            found.push((named.span, true));
                        }
                    }
                }
                _ => {}
            }
        }
        for (span, _) in found.iter().skip(1) {
            self.note(*span, "There is more than one default export", None);
        }
        match found.first() {
            None => {
                let diagnostic = Diagnostic::at(self.input.path, self.input.text, 0, 0, NO_DEFAULT);
                self.broken.push(diagnostic.hint(DEFAULT_HINT));
            }
            Some((span, false)) => {
                let message = "The default export is not a function";
                self.note(*span, message, Some(DEFAULT_HINT));
            }
            Some((_, true)) => {}
        }
    }
}

/// Whether a function may come out of the expression.
fn callable(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(inner) => callable(&inner.expr),
        Expr::Lit(_) | Expr::Object(_) | Expr::Array(_) | Expr::Tpl(_) | Expr::Class(_) => false,
        _ => true,
    }
}

fn is_default(name: &ModuleExportName) -> bool {
    match name {
        ModuleExportName::Ident(name) => name.sym == "default",
        ModuleExportName::Str(name) => name.value.to_string_lossy() == "default",
    }
}

impl Visit for Walk<'_> {
    fn visit_module_decl(&mut self, declaration: &ModuleDecl) {
        let imports = match declaration {
            ModuleDecl::Import(import) => !import.type_only,
            ModuleDecl::ExportAll(export) => !export.type_only,
            ModuleDecl::ExportNamed(export) => export.src.is_some() && !export.type_only,
            _ => false,
        };
        if imports {
            self.note(declaration.span(), IMPORT, Some(IMPORT_HINT));
        }
        declaration.visit_children_with(self);
    }

    fn visit_call_expr(&mut self, call: &CallExpr) {
        if let Callee::Import(import) = &call.callee {
            self.note(import.span, IMPORT, Some(IMPORT_HINT));
        }
        call.visit_children_with(self);
    }

    fn visit_meta_prop_expr(&mut self, meta: &MetaPropExpr) {
        if meta.kind == MetaPropKind::ImportMeta {
            self.note(meta.span, "`import.meta` is not available", None);
        }
    }

    fn visit_await_expr(&mut self, expr: &AwaitExpr) {
        if self.functions == 0 {
            self.note(expr.span, "`await` is not available at the top level", None);
        }
        expr.visit_children_with(self);
    }

    fn visit_for_of_stmt(&mut self, statement: &ForOfStmt) {
        if statement.is_await && self.functions == 0 {
            let message = "`for await` is not available at the top level";
            self.note(statement.span, message, None);
        }
        statement.visit_children_with(self);
    }

    fn visit_function(&mut self, function: &Function) {
        self.functions += 1;
        function.visit_children_with(self);
        self.functions -= 1;
    }

    fn visit_arrow_expr(&mut self, arrow: &ArrowExpr) {
        self.functions += 1;
        arrow.visit_children_with(self);
        self.functions -= 1;
    }

    /// Written with escapes, a name could be one of the compiler's own, such as the one that counts
    /// iterations.
    fn visit_ident(&mut self, name: &Ident) {
        if name.sym.contains(self.prefix.as_str()) {
            self.note(name.span, "This name must be written without escapes", None);
        }
    }
}
