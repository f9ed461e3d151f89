//! `import` and `export` → calls of the registry.
//!
//! Every name introduced here starts with the unit's prefix `$$`, a string that
//! does not occur in the source:
//!
//! | name | meaning |
//! |---|---|
//! | `$$0`, `$$1` … | what dep 0, 1 … exports; the linker declares them |
//! | `$$` | the registry's side of this module: `$$.i(specifier)` is `import()` |
//! | `$$m`, `$$r` | `module`, `require` inside of an ES module |
//! | `$$meta` | `import.meta` |
//! | `$$default` | the value of `export default <expression>` |

use rustc_hash::{FxHashMap, FxHashSet};
use swc_core::{
    common::{DUMMY_SP, Span, Spanned, SyntaxContext, util::take::Take},
    ecma::{
        ast::*,
        utils::find_pat_ids,
        visit::{VisitMut, VisitMutWith, noop_visit_mut_type},
    },
};

use super::{Input, parse::range};
use crate::unit::{Dep, DepKind, Export, ExportFrom, Kind, Names};

/// What [`rewrite`] found out about the module.
pub(super) struct Rewritten {
    pub(super) kind: Kind,
    pub(super) prefix: String,
    pub(super) deps: Vec<Dep>,
    /// Local exports hold `usize` indexes into the marker array as text, until printing.
    pub(super) exports: Vec<Export>,
    pub(super) stars: Vec<usize>,
    pub(super) top_level_await: bool,
    pub(super) import_meta: bool,
    pub(super) file_name: bool,
    pub(super) assigns_exports: bool,
}

/// What an identifier that was imported stands for.
struct Binding {
    dep: usize,
    /// `None` for a namespace.
    name: Option<String>,
}

struct Rewriter<'a> {
    prefix: &'a str,
    unresolved: SyntaxContext,
    kind: Kind,
    bindings: FxHashMap<Id, Binding>,
    requires: FxHashSet<Id>,
    deps: Vec<Dep>,
    by_specifier: FxHashMap<(String, DepKind), usize>,
    functions: usize,
    tries: usize,
    top_level_await: bool,
    import_meta: bool,
    file_name: bool,
    free_exports: bool,
}

/// Rewrites the module in place. Locally exported bindings are left in a last
/// statement, an array of them, so that later passes may rename them; `print` takes it away.
pub(super) fn rewrite(
    module: &mut Module,
    input: &Input<'_>,
    prefix: &str,
    unresolved: SyntaxContext,
    module_syntax: bool,
) -> Rewritten {
    let has_declarations = module.body.iter().any(|item| item.is_module_decl());
    let mut rewriter = Rewriter {
        prefix,
        unresolved,
        kind: Kind::Esm,
        bindings: FxHashMap::default(),
        requires: FxHashSet::default(),
        deps: Vec::new(),
        by_specifier: FxHashMap::default(),
        functions: 0,
        tries: 0,
        top_level_await: false,
        import_meta: false,
        file_name: false,
        free_exports: false,
    };
    let mut exporter = Exporter::default();
    rewriter.collect_imports(module);
    let has_exports = exporter.collect(module, &mut rewriter, input);
    // `import` together with `module.exports` is TypeScript compiled to CommonJS.
    let esm = if has_exports || module_syntax {
        true
    } else if has_declarations || input.esm {
        !uses_common_js(module, unresolved)
    } else {
        false
    };
    rewriter.kind = if esm { Kind::Esm } else { Kind::Cjs };
    module.visit_mut_with(&mut rewriter);
    module.body.push(ModuleItem::Stmt(Stmt::Expr(ExprStmt {
        span: DUMMY_SP,
        expr: Box::new(Expr::Array(ArrayLit {
            span: DUMMY_SP,
            elems: exporter
                .locals
                .into_iter()
                .map(|ident| Some(Expr::Ident(ident).into()))
                .collect(),
        })),
    })));
    Rewritten {
        kind: rewriter.kind,
        prefix: prefix.to_owned(),
        deps: rewriter.deps,
        exports: exporter.exports,
        stars: exporter.stars,
        top_level_await: rewriter.top_level_await,
        import_meta: rewriter.import_meta,
        file_name: rewriter.file_name,
        assigns_exports: rewriter.free_exports,
    }
}

/// Whether `module` or `exports` is read and declared nowhere.
fn uses_common_js(module: &mut Module, unresolved: SyntaxContext) -> bool {
    struct Search(SyntaxContext, bool);
    impl VisitMut for Search {
        noop_visit_mut_type!();
        fn visit_mut_expr(&mut self, expr: &mut Expr) {
            if let Expr::Ident(ident) = expr
                && ident.ctxt == self.0
                && (ident.sym == "module" || ident.sym == "exports")
            {
                self.1 = true;
            }
            expr.visit_mut_children_with(self);
        }
    }
    let mut search = Search(unresolved, false);
    module.visit_mut_with(&mut search);
    search.1
}

fn text(value: &Str) -> String {
    value.value.to_string_lossy().into_owned()
}

fn export_name(name: &ModuleExportName) -> String {
    match name {
        ModuleExportName::Ident(ident) => ident.sym.to_string(),
        ModuleExportName::Str(value) => text(value),
    }
}

impl Rewriter<'_> {
    fn dep(&mut self, source: &Str, kind: DepKind) -> usize {
        let specifier = text(source);
        let next = self.deps.len();
        let index = *self
            .by_specifier
            .entry((specifier.clone(), kind))
            .or_insert(next);
        if index == next {
            self.deps.push(Dep {
                specifier,
                kind,
                span: range(source.span),
                names: Names::default(),
                imported: Vec::new(),
                optional: self.tries > 0,
            });
        }
        // Asked for outside of a `try` block too.
        self.deps[index].optional &= self.tries > 0;
        index
    }

    fn collect_imports(&mut self, module: &Module) {
        for item in &module.body {
            let ModuleItem::ModuleDecl(ModuleDecl::Import(import)) = item else {
                continue;
            };
            if import.type_only {
                continue;
            }
            let dep = self.dep(&import.src, DepKind::Import);
            for specifier in &import.specifiers {
                let (local, name) = match specifier {
                    ImportSpecifier::Default(default) => {
                        (&default.local, Some("default".to_owned()))
                    }
                    ImportSpecifier::Namespace(namespace) => (&namespace.local, None),
                    ImportSpecifier::Named(named) if named.is_type_only => continue,
                    ImportSpecifier::Named(named) => (
                        &named.local,
                        Some(
                            named
                                .imported
                                .as_ref()
                                .map_or_else(|| named.local.sym.to_string(), export_name),
                        ),
                    ),
                };
                if let Some(name) = &name {
                    self.deps[dep]
                        .imported
                        .push((name.clone(), range(specifier.span())));
                }
                self.bindings.insert(local.to_id(), Binding { dep, name });
            }
        }
    }

    fn free(&self, ident: &Ident, name: &str) -> bool {
        ident.ctxt == self.unresolved && ident.sym == name
    }

    /// A name of ours. It is unique, so that no pass has a reason to rename it.
    fn own(&self, suffix: &str) -> Ident {
        Ident::new(
            format!("{}{suffix}", self.prefix).into(),
            DUMMY_SP,
            self.unresolved,
        )
    }

    fn read(&self, dep: usize, name: Option<&str>, span: Span) -> Expr {
        let mut object = self.own(&dep.to_string());
        match name {
            None => {
                object.span = span;
                Expr::Ident(object)
            }
            Some(name) => member(object, name, span),
        }
    }

    /// The expression that stands for an imported identifier, which is used as a value.
    fn value(&mut self, ident: &Ident) -> Option<Expr> {
        let binding = self.bindings.get(&ident.to_id())?;
        let (dep, name) = (binding.dep, binding.name.clone());
        match &name {
            None => self.deps[dep].names = Names::All,
            Some(name) => self.deps[dep].names.add(name),
        }
        Some(self.read(dep, name.as_deref(), ident.span))
    }

    /// `namespace.a`, `namespace.a.b`, `name.a`: notes the properties and rewrites the object.
    fn member(&mut self, outer: &mut MemberExpr) -> bool {
        let Some(property) = static_property(&outer.prop) else {
            return false;
        };
        if let Expr::Member(inner) = &mut *outer.obj {
            let (Expr::Ident(ident), Some(middle)) = (&*inner.obj, static_property(&inner.prop))
            else {
                return false;
            };
            let Some(Binding { dep, name: None }) = self.bindings.get(&ident.to_id()) else {
                return false;
            };
            let dep = *dep;
            self.deps[dep].names.add_property(&middle, &property);
            *inner.obj = self.read(dep, None, ident.span);
            return true;
        }
        let Expr::Ident(ident) = &*outer.obj else {
            return false;
        };
        let Some(binding) = self.bindings.get(&ident.to_id()) else {
            return false;
        };
        let (dep, name) = (binding.dep, binding.name.clone());
        match &name {
            None => self.deps[dep].names.add(&property),
            Some(name) => self.deps[dep].names.add_property(name, &property),
        }
        *outer.obj = self.read(dep, name.as_deref(), ident.span);
        true
    }

    fn is_require(&self, expr: &Expr) -> bool {
        matches!(expr, Expr::Ident(ident) if self.free(ident, "require") || self.requires.contains(&ident.to_id()))
    }

    /// `createRequire(…)` of `node:module`.
    fn creates_require(&self, expr: &Expr) -> bool {
        let Expr::Call(CallExpr {
            callee: Callee::Expr(callee),
            ..
        }) = expr
        else {
            return false;
        };
        let Expr::Ident(ident) = &**callee else {
            return false;
        };
        self.bindings.get(&ident.to_id()).is_some_and(|binding| {
            binding.name.as_deref() == Some("createRequire")
                && matches!(
                    self.deps[binding.dep].specifier.as_str(),
                    "module" | "node:module"
                )
        })
    }

    fn call(&mut self, call: &mut CallExpr) {
        match &mut call.callee {
            Callee::Import(_) => {
                if let Some(source) = call.args.first().and_then(|arg| literal(&arg.expr)) {
                    self.dep(&source, DepKind::Dynamic);
                    *call.args[0].expr = Expr::Lit(Lit::Str(source));
                }
                call.args.truncate(1);
                call.callee = Callee::Expr(Box::new(member(self.own(""), "i", call.span)));
            }
            Callee::Expr(callee) if self.is_require(callee) => {
                if call.args.len() == 1
                    && let Some(source) = literal(&call.args[0].expr)
                {
                    self.dep(&source, DepKind::Require);
                    *call.args[0].expr = Expr::Lit(Lit::Str(source));
                }
            }
            Callee::Expr(callee) => {
                if let Expr::Ident(ident) = &**callee
                    && let Some(value) = self.value(ident)
                {
                    **callee = without_this(value);
                }
            }
            Callee::Super(_) => {}
        }
    }
}

/// `(0, object.name)`, so that the call does not get the exports object as `this`.
fn without_this(value: Expr) -> Expr {
    let span = value.span();
    if !value.is_member() {
        return value;
    }
    Expr::Paren(ParenExpr {
        span,
        expr: Box::new(Expr::Seq(SeqExpr {
            span,
            exprs: vec![
                Box::new(Expr::Lit(Lit::Num(Number {
                    span: DUMMY_SP,
                    value: 0.0,
                    raw: None,
                }))),
                Box::new(value),
            ],
        })),
    })
}

fn member(object: Ident, name: &str, span: Span) -> Expr {
    let prop = if Ident::verify_symbol(name).is_ok() || is_word(name) {
        MemberProp::Ident(IdentName::new(name.into(), span))
    } else {
        MemberProp::Computed(ComputedPropName {
            span,
            expr: Box::new(Expr::Lit(Lit::Str(Str {
                span,
                value: name.into(),
                raw: None,
            }))),
        })
    };
    Expr::Member(MemberExpr {
        span,
        obj: Box::new(Expr::Ident(object)),
        prop,
    })
}

fn is_word(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$')
}

fn static_property(prop: &MemberProp) -> Option<String> {
    match prop {
        MemberProp::Ident(name) => Some(name.sym.to_string()),
        MemberProp::Computed(computed) => match &*computed.expr {
            Expr::Lit(Lit::Str(value)) => Some(text(value)),
            _ => None,
        },
        MemberProp::PrivateName(_) => None,
    }
}

/// A string literal, or a template without expressions.
fn literal(expr: &Expr) -> Option<Str> {
    match expr {
        Expr::Lit(Lit::Str(value)) => Some(value.clone()),
        Expr::Tpl(template) if template.exprs.is_empty() && template.quasis.len() == 1 => {
            Some(Str {
                span: template.span,
                value: template.quasis[0].cooked.clone()?,
                raw: None,
            })
        }
        Expr::Paren(inner) => literal(&inner.expr),
        _ => None,
    }
}

impl VisitMut for Rewriter<'_> {
    noop_visit_mut_type!();

    fn visit_mut_expr(&mut self, expr: &mut Expr) {
        if let Expr::Member(outer) = expr
            && self.member(outer)
        {
            return;
        }
        match expr {
            Expr::Ident(ident) => {
                if let Some(value) = self.value(ident) {
                    *expr = value;
                } else if ident.ctxt == self.unresolved {
                    match &*ident.sym {
                        "require" if self.kind == Kind::Esm => *expr = Expr::Ident(self.own("r")),
                        "module" | "exports" => self.free_exports = true,
                        "__filename" | "__dirname" => self.file_name = true,
                        _ => {}
                    }
                }
                return;
            }
            Expr::MetaProp(MetaPropExpr {
                kind: MetaPropKind::ImportMeta,
                ..
            }) => {
                self.import_meta = true;
                *expr = Expr::Ident(self.own("meta"));
                return;
            }
            Expr::Call(call) if !self.requires.is_empty() || !self.bindings.is_empty() => {
                if self.creates_require(expr) {
                    *expr = Expr::Ident(self.own("r"));
                    return;
                }
                if let Expr::Call(call) = expr {
                    self.call(call);
                }
            }
            Expr::Call(call) => self.call(call),
            Expr::OptChain(chain) => {
                if let OptChainBase::Call(call) = &mut *chain.base
                    && let Expr::Ident(ident) = &*call.callee
                    && let Some(value) = self.value(ident)
                {
                    *call.callee = without_this(value);
                }
            }
            Expr::TaggedTpl(template) => {
                if let Expr::Ident(ident) = &*template.tag
                    && let Some(value) = self.value(ident)
                {
                    *template.tag = without_this(value);
                }
            }
            Expr::Await(_) if self.functions == 0 => self.top_level_await = true,
            _ => {}
        }
        expr.visit_mut_children_with(self);
    }

    fn visit_mut_var_declarator(&mut self, declarator: &mut VarDeclarator) {
        if let (Pat::Ident(name), Some(init)) = (&declarator.name, &declarator.init)
            && self.creates_require(init)
        {
            self.requires.insert(name.to_id());
        }
        declarator.visit_mut_children_with(self);
    }

    fn visit_mut_prop(&mut self, prop: &mut Prop) {
        if let Prop::Shorthand(ident) = prop {
            let mut value = Expr::Ident(ident.clone());
            self.visit_mut_expr(&mut value);
            if !matches!(&value, Expr::Ident(same) if same.sym == ident.sym) {
                *prop = Prop::KeyValue(KeyValueProp {
                    key: PropName::Ident(IdentName::new(ident.sym.clone(), ident.span)),
                    value: Box::new(value),
                });
            }
            return;
        }
        prop.visit_mut_children_with(self);
    }

    fn visit_mut_simple_assign_target(&mut self, target: &mut SimpleAssignTarget) {
        if let SimpleAssignTarget::Member(outer) = target
            && self.member(outer)
        {
            return;
        }
        // Assigning to an import throws at run time, as it does in Node.
        if let SimpleAssignTarget::Ident(ident) = target {
            if let Some(Expr::Member(value)) = self.value(&ident.id) {
                *target = SimpleAssignTarget::Member(value);
            } else if ident.ctxt == self.unresolved
                && (ident.sym == "module" || ident.sym == "exports")
            {
                self.free_exports = true;
            }
            return;
        }
        target.visit_mut_children_with(self);
    }

    fn visit_mut_function(&mut self, function: &mut Function) {
        self.functions += 1;
        function.visit_mut_children_with(self);
        self.functions -= 1;
    }

    fn visit_mut_arrow_expr(&mut self, arrow: &mut ArrowExpr) {
        self.functions += 1;
        arrow.visit_mut_children_with(self);
        self.functions -= 1;
    }

    fn visit_mut_try_stmt(&mut self, statement: &mut TryStmt) {
        self.tries += 1;
        statement.block.visit_mut_with(self);
        self.tries -= 1;
        statement.handler.visit_mut_with(self);
        statement.finalizer.visit_mut_with(self);
    }

    fn visit_mut_for_of_stmt(&mut self, statement: &mut ForOfStmt) {
        if statement.is_await && self.functions == 0 {
            self.top_level_await = true;
        }
        statement.visit_mut_children_with(self);
    }
}

/// Takes `import` and `export` declarations out of a module body.
#[derive(Default)]
struct Exporter {
    exports: Vec<Export>,
    stars: Vec<usize>,
    locals: Vec<Ident>,
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
    fn collect(
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
