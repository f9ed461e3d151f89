//! What a module exports.

use swc_core::{
    common::{Spanned, SyntaxContext, util::take::Take},
    ecma::{ast::*, utils::find_pat_ids},
};

use super::{
    Input,
    parse::range,
    rewrite::{Binding, Rewriter},
    syntax::export_name,
};
use crate::unit::{DepKind, Export, ExportFrom};

/// Takes `import` and `export` declarations out of a module body.
#[derive(Default)]
pub(super) struct Exporter {
    pub(super) exports: Vec<Export>,
    pub(super) stars: Vec<usize>,
    /// Bindings that are exported, in the order of the indexes in [`ExportFrom::Local`].
    pub(super) locals: Vec<Ident>,
}

impl Exporter {
    fn local(&mut self, name: &str, ident: Ident) {
        self.exports.push(Export {
            name: name.to_owned(),
            from: ExportFrom::Local(self.locals.len().to_string()),
            maybe_type: false,
        });
        self.locals.push(ident);
    }

    /// Returns whether the module exports anything.
    pub(super) fn collect(
        &mut self,
        module: &mut Module,
        rewriter: &mut Rewriter<'_>,
        input: &Input<'_>,
    ) -> bool {
        let mut body = Vec::with_capacity(module.body.len());
        let mut hoisted = Vec::new();
        for item in module.body.take() {
            let declaration = match item {
                ModuleItem::Stmt(_) => {
                    body.push(item);
                    continue;
                }
                ModuleItem::ModuleDecl(declaration) => declaration,
            };
            match declaration {
                ModuleDecl::ExportDecl(export) => {
                    self.declaration(&export.decl);
                    body.push(Stmt::Decl(export.decl).into());
                }
                ModuleDecl::ExportNamed(export) if !export.type_only => {
                    self.named(&export, rewriter, input)
                }
                ModuleDecl::ExportAll(export) if !export.type_only => {
                    let dep = rewriter.dep(&export.src, DepKind::Import);
                    self.stars.push(dep);
                }
                ModuleDecl::ExportDefaultDecl(export) => {
                    self.default_declaration(export, rewriter, &mut body, &mut hoisted)
                }
                ModuleDecl::ExportDefaultExpr(export) => {
                    self.default_expression(*export.expr, rewriter, &mut body)
                }
                // Imports are collected; the rest are types, erased before.
                _ => {}
            }
        }
        if !hoisted.is_empty() {
            hoisted.append(&mut body);
            body = hoisted;
        }
        module.body = body;
        !self.exports.is_empty() || !self.stars.is_empty()
    }

    fn declaration(&mut self, declaration: &Decl) {
        match declaration {
            Decl::Class(class) => self.local(&class.ident.sym, class.ident.clone()),
            Decl::Fn(function) => self.local(&function.ident.sym, function.ident.clone()),
            Decl::Var(var) => {
                for ident in find_pat_ids::<_, Ident>(&var.decls) {
                    self.local(&ident.sym.clone(), ident);
                }
            }
            _ => {}
        }
    }

    fn named(&mut self, export: &NamedExport, rewriter: &mut Rewriter<'_>, input: &Input<'_>) {
        let source = export
            .src
            .as_ref()
            .map(|source| rewriter.dep(source, DepKind::Import));
        for specifier in &export.specifiers {
            let (name, from) = match (specifier, source) {
                (ExportSpecifier::Named(named), _) if named.is_type_only => continue,
                (ExportSpecifier::Named(named), source) => {
                    let original = export_name(&named.orig);
                    let name = named
                        .exported
                        .as_ref()
                        .map_or_else(|| original.clone(), export_name);
                    match source {
                        Some(dep) => {
                            if !input.language.typescript {
                                rewriter.deps[dep]
                                    .imported
                                    .push((original.clone(), range(named.span)));
                            }
                            (name, ExportFrom::Name(dep, original))
                        }
                        None => {
                            let ModuleExportName::Ident(ident) = &named.orig else {
                                continue;
                            };
                            match rewriter.bindings.get(&ident.to_id()) {
                                Some(Binding { dep, name: None }) => {
                                    (name, ExportFrom::Namespace(*dep))
                                }
                                Some(Binding {
                                    dep,
                                    name: Some(imported),
                                }) => (name, ExportFrom::Name(*dep, imported.clone())),
                                None => {
                                    self.local(&name, ident.clone());
                                    continue;
                                }
                            }
                        }
                    }
                }
                (ExportSpecifier::Namespace(namespace), Some(dep)) => {
                    (export_name(&namespace.name), ExportFrom::Namespace(dep))
                }
                (ExportSpecifier::Default(default), Some(dep)) => (
                    default.exported.sym.to_string(),
                    ExportFrom::Name(dep, "default".to_owned()),
                ),
                _ => continue,
            };
            self.exports.push(Export {
                name,
                from,
                maybe_type: input.language.typescript,
            });
        }
    }

    fn default_declaration(
        &mut self,
        export: ExportDefaultDecl,
        rewriter: &Rewriter<'_>,
        body: &mut Vec<ModuleItem>,
        hoisted: &mut Vec<ModuleItem>,
    ) {
        match export.decl {
            DefaultDecl::Class(ClassExpr {
                ident: Some(ident),
                class,
            }) => {
                self.local("default", ident.clone());
                body.push(
                    Stmt::Decl(Decl::Class(ClassDecl {
                        ident,
                        declare: false,
                        class,
                    }))
                    .into(),
                );
            }
            DefaultDecl::Fn(FnExpr {
                ident: Some(ident),
                function,
            }) => {
                self.local("default", ident.clone());
                body.push(
                    Stmt::Decl(Decl::Fn(FnDecl {
                        ident,
                        declare: false,
                        function,
                    }))
                    .into(),
                );
            }
            DefaultDecl::Class(class) => self.anonymous(Expr::Class(class), rewriter, body),
            // Hoisted, as a function declaration is.
            DefaultDecl::Fn(function) => self.anonymous(Expr::Fn(function), rewriter, hoisted),
            DefaultDecl::TsInterfaceDecl(_) => {}
        }
    }

    fn default_expression(
        &mut self,
        expr: Expr,
        rewriter: &mut Rewriter<'_>,
        body: &mut Vec<ModuleItem>,
    ) {
        // `import * as z …; export default z`: the namespace never changes.
        if let Expr::Ident(ident) = &expr
            && let Some(Binding { dep, name: None }) = rewriter.bindings.get(&ident.to_id())
        {
            self.exports.push(Export {
                name: "default".to_owned(),
                from: ExportFrom::Namespace(*dep),
                maybe_type: false,
            });
            return;
        }
        self.anonymous(expr, rewriter, body);
    }

    /// `const $$default = …`; a nameless function or class gets the name `default`.
    fn anonymous(&mut self, expr: Expr, rewriter: &Rewriter<'_>, body: &mut Vec<ModuleItem>) {
        let span = expr.span();
        let bare = match &expr {
            Expr::Paren(inner) => &*inner.expr,
            expr => expr,
        };
        let nameless = match bare {
            Expr::Arrow(_) => true,
            Expr::Fn(function) => function.ident.is_none(),
            Expr::Class(class) => class.ident.is_none(),
            _ => false,
        };
        let init = if nameless {
            let object = Expr::Object(ObjectLit {
                span,
                props: vec![PropOrSpread::Prop(Box::new(Prop::KeyValue(KeyValueProp {
                    key: PropName::Ident(IdentName::new("default".into(), span)),
                    value: Box::new(expr),
                })))],
            });
            Expr::Member(MemberExpr {
                span,
                obj: Box::new(object),
                prop: MemberProp::Ident(IdentName::new("default".into(), span)),
            })
        } else {
            expr
        };
        let name = rewriter.own("default");
        self.local("default", name.clone());
        body.push(
            Stmt::Decl(Decl::Var(Box::new(VarDecl {
                span,
                ctxt: SyntaxContext::empty(),
                kind: VarDeclKind::Const,
                declare: false,
                decls: vec![VarDeclarator {
                    span,
                    name: Pat::Ident(name.into()),
                    init: Some(Box::new(init)),
                    definite: false,
                }],
            })))
            .into(),
        );
    }
}
