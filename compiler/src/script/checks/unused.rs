//! Bindings that nothing reads.

use rustc_hash::{FxHashMap, FxHashSet};
use swc_core::{
    common::Span,
    ecma::{
        ast::{
            ArrowExpr, AssignExpr, AssignTarget, Decl, ExportDecl, ExportDefaultExpr,
            ExportSpecifier, Expr, FnDecl, Function, Id, Ident, ImportDecl, ImportSpecifier,
            JSXElementName, ModuleExportName, NamedExport, ObjectPatProp, Param,
            ParamOrTsParamProp, Pat, Prop, SimpleAssignTarget, TsEntityName, TsInterfaceDecl,
            TsTypeAliasDecl, TsTypeQueryExpr, VarDeclarator,
        },
        visit::{Visit, VisitWith},
    },
};

use crate::{diagnostic::Diagnostic, script::Parsed, transform::range};

pub(super) fn find(path: &str, text: &str, parsed: &Parsed) -> Vec<Diagnostic> {
    let mut walk = Walk::default();
    parsed.module.visit_with(&mut walk);
    let mut found: Vec<(Id, Span)> = walk
        .declared
        .into_iter()
        .filter(|(id, _)| !walk.used.contains(id))
        .collect();
    found.sort_by_key(|(_, span)| span.lo);
    found
        .into_iter()
        .map(|((name, _), span)| {
            let (start, end) = range(span);
            let message = format!("'{name}' is declared but its value is never read.");
            Diagnostic::at(path, text, start, end, message)
                .hint("remove it, or start the name of a parameter with `_`")
        })
        .collect()
}

#[derive(Default)]
struct Walk {
    declared: FxHashMap<Id, Span>,
    used: FxHashSet<Id>,
    exported: bool,
}

impl Walk {
    fn declare(&mut self, ident: &Ident) {
        if !self.exported {
            self.declared.entry(ident.to_id()).or_insert(ident.span);
        }
    }

    fn declare_parameter(&mut self, ident: &Ident) {
        // `this` is no binding, and a leading underscore says that it is not used.
        if ident.sym != "this" && !ident.sym.starts_with('_') {
            self.declare(ident);
        }
    }

    fn pattern(&mut self, pattern: &Pat, parameter: bool) {
        match pattern {
            Pat::Ident(name) => {
                if parameter {
                    self.declare_parameter(&name.id);
                } else {
                    self.declare(&name.id);
                }
                name.type_ann.visit_with(self);
            }
            Pat::Array(array) => {
                for element in array.elems.iter().flatten() {
                    self.pattern(element, parameter);
                }
                array.type_ann.visit_with(self);
            }
            Pat::Rest(rest) => self.pattern(&rest.arg, parameter),
            Pat::Object(object) => {
                // `{ a, ...rest }` leaves `a` out of `rest`: it has a use.
                let has_rest = object
                    .props
                    .iter()
                    .any(|prop| matches!(prop, ObjectPatProp::Rest(_)));
                for prop in &object.props {
                    match prop {
                        ObjectPatProp::KeyValue(pair) => self.pattern(&pair.value, parameter),
                        ObjectPatProp::Assign(assign) => {
                            if !has_rest {
                                self.declare(&assign.key.id);
                            }
                            assign.value.visit_with(self);
                        }
                        ObjectPatProp::Rest(rest) => self.pattern(&rest.arg, parameter),
                    }
                }
                object.type_ann.visit_with(self);
            }
            Pat::Assign(assign) => {
                self.pattern(&assign.left, parameter);
                assign.right.visit_with(self);
            }
            pattern => pattern.visit_children_with(self),
        }
    }

    /// Only the parameters behind the last one that is used are reported one by one by the type
    /// checker's settings in force; every unused one is.
    fn parameters<'a>(&mut self, patterns: impl Iterator<Item = &'a Pat>) {
        for pattern in patterns {
            self.pattern(pattern, true);
        }
    }
}

impl Visit for Walk {
    fn visit_import_decl(&mut self, import: &ImportDecl) {
        for specifier in &import.specifiers {
            let local = match specifier {
                ImportSpecifier::Named(named) => &named.local,
                ImportSpecifier::Default(default) => &default.local,
                ImportSpecifier::Namespace(namespace) => &namespace.local,
            };
            self.declare(local);
        }
    }

    fn visit_export_decl(&mut self, export: &ExportDecl) {
        self.exported = true;
        match &export.decl {
            Decl::Var(variables) => {
                for declarator in &variables.decls {
                    self.pattern(&declarator.name, false);
                    self.exported = false;
                    declarator.init.visit_with(self);
                    self.exported = true;
                }
            }
            Decl::Fn(function) => {
                self.exported = false;
                function.function.visit_with(self);
            }
            Decl::TsInterface(interface) => {
                self.exported = false;
                interface.visit_children_with(self);
            }
            Decl::TsTypeAlias(alias) => {
                self.exported = false;
                alias.visit_children_with(self);
            }
            declaration => {
                self.exported = false;
                declaration.visit_children_with(self);
            }
        }
        self.exported = false;
    }

    fn visit_named_export(&mut self, export: &NamedExport) {
        if export.src.is_some() {
            return;
        }
        for specifier in &export.specifiers {
            if let ExportSpecifier::Named(named) = specifier
                && let ModuleExportName::Ident(ident) = &named.orig
            {
                self.used.insert(ident.to_id());
            }
        }
    }

    fn visit_export_default_expr(&mut self, export: &ExportDefaultExpr) {
        export.expr.visit_with(self);
    }

    fn visit_var_declarator(&mut self, declarator: &VarDeclarator) {
        self.pattern(&declarator.name, false);
        declarator.init.visit_with(self);
    }

    fn visit_fn_decl(&mut self, function: &FnDecl) {
        if !function.declare {
            self.declare(&function.ident);
        }
        function.function.visit_with(self);
    }

    fn visit_function(&mut self, function: &Function) {
        self.parameters(function.params.iter().map(|param: &Param| &param.pat));
        function.return_type.visit_with(self);
        function.type_params.visit_with(self);
        function.body.visit_with(self);
    }

    fn visit_arrow_expr(&mut self, arrow: &ArrowExpr) {
        self.parameters(arrow.params.iter());
        arrow.return_type.visit_with(self);
        arrow.type_params.visit_with(self);
        arrow.body.visit_with(self);
    }

    fn visit_param_or_ts_param_prop(&mut self, _: &ParamOrTsParamProp) {}

    fn visit_ts_interface_decl(&mut self, interface: &TsInterfaceDecl) {
        if !interface.declare {
            self.declare(&interface.id);
        }
        interface.visit_children_with(self);
    }

    fn visit_ts_type_alias_decl(&mut self, alias: &TsTypeAliasDecl) {
        if !alias.declare {
            self.declare(&alias.id);
        }
        alias.visit_children_with(self);
    }

    fn visit_ts_entity_name(&mut self, name: &TsEntityName) {
        match name {
            TsEntityName::Ident(ident) => {
                self.used.insert(ident.to_id());
            }
            TsEntityName::TsQualifiedName(qualified) => qualified.left.visit_with(self),
        }
    }

    fn visit_ts_type_query_expr(&mut self, query: &TsTypeQueryExpr) {
        query.visit_children_with(self);
    }

    fn visit_jsx_element_name(&mut self, _: &JSXElementName) {}

    fn visit_assign_expr(&mut self, assign: &AssignExpr) {
        // Writing is not reading.
        if !matches!(
            &assign.left,
            AssignTarget::Simple(SimpleAssignTarget::Ident(_))
        ) {
            assign.left.visit_with(self);
        } else if assign.op != swc_core::ecma::ast::AssignOp::Assign
            && let AssignTarget::Simple(SimpleAssignTarget::Ident(name)) = &assign.left
        {
            self.used.insert(name.id.to_id());
        }
        assign.right.visit_with(self);
    }

    fn visit_prop(&mut self, prop: &Prop) {
        if let Prop::Shorthand(ident) = prop {
            self.used.insert(ident.to_id());
        }
        prop.visit_children_with(self);
    }

    fn visit_expr(&mut self, expr: &Expr) {
        if let Expr::Ident(ident) = expr {
            self.used.insert(ident.to_id());
        }
        expr.visit_children_with(self);
    }
}
