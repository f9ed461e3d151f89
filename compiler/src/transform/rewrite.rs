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
//! | `$$l` | called by every iteration of every loop, where that is wanted; see `loops` |
//! | `$$default` | the value of `export default <expression>` |

use rustc_hash::{FxHashMap, FxHashSet};
use swc_core::{
    common::{DUMMY_SP, Span, Spanned, SyntaxContext},
    ecma::{
        ast::*,
        visit::{VisitMut, VisitMutWith, noop_visit_mut_type},
    },
};

use super::{
    Input,
    exports::Exporter,
    parse::range,
    syntax::{export_name, literal, member, static_property, text, uses_common_js, without_this},
};
use crate::unit::{Dep, DepKind, Export, Kind, Names};

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
pub(super) struct Binding {
    pub(super) dep: usize,
    /// `None` for a namespace.
    pub(super) name: Option<String>,
}

pub(super) struct Rewriter<'a> {
    prefix: &'a str,
    unresolved: SyntaxContext,
    kind: Kind,
    pub(super) bindings: FxHashMap<Id, Binding>,
    requires: FxHashSet<Id>,
    pub(super) deps: Vec<Dep>,
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

impl Rewriter<'_> {
    pub(super) fn dep(&mut self, source: &Str, kind: DepKind) -> usize {
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
    pub(super) fn own(&self, suffix: &str) -> Ident {
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
