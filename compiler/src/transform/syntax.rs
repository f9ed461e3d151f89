//! Small questions about syntax trees, and small trees.

use swc_core::{
    common::{DUMMY_SP, Span, Spanned, SyntaxContext},
    ecma::{
        ast::*,
        visit::{VisitMut, VisitMutWith, noop_visit_mut_type},
    },
};

pub(super) fn text(value: &Str) -> String {
    value.value.to_string_lossy().into_owned()
}

pub(super) fn export_name(name: &ModuleExportName) -> String {
    match name {
        ModuleExportName::Ident(ident) => ident.sym.to_string(),
        ModuleExportName::Str(value) => text(value),
    }
}

/// `(0, object.name)`, so that the call does not get the exports object as `this`.
pub(super) fn without_this(value: Expr) -> Expr {
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

pub(super) fn member(object: Ident, name: &str, span: Span) -> Expr {
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

pub(super) fn static_property(prop: &MemberProp) -> Option<String> {
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
pub(super) fn literal(expr: &Expr) -> Option<Str> {
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

/// Whether `module` or `exports` is read and declared nowhere.
pub(super) fn uses_common_js(module: &mut Module, unresolved: SyntaxContext) -> bool {
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
