//! Calls of something named `constructor`, the way to code out of text.

use rustc_hash::FxHashSet;
use swc_core::{
    common::{GLOBALS, Globals},
    ecma::{
        ast::{
            BinExpr, BinaryOp, CallExpr, Callee, Expr, Id, Lit, MemberExpr, MemberProp, NewExpr,
            Pat, VarDeclarator,
        },
        visit::{Visit, VisitWith},
    },
};

/// Whether JavaScript calls something named `constructor` with an argument: a property of that name,
/// also when it is put together of literals, or a variable that was set to one. Text that cannot be
/// read counts as such.
#[must_use]
pub fn calls_constructor(code: &str) -> bool {
    GLOBALS.set(&Globals::new(), || {
        let Ok(parsed) = super::parse("bundle.ts", code) else {
            return true;
        };
        let mut walk = Walk::default();
        // Variables may be used before they are met.
        parsed.module.visit_with(&mut walk);
        walk.calls = true;
        parsed.module.visit_with(&mut walk);
        walk.found
    })
}

#[derive(Default)]
struct Walk {
    variables: FxHashSet<Id>,
    calls: bool,
    found: bool,
}

/// The text that an expression of literals stands for.
fn text(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Lit(Lit::Str(text)) => Some(text.value.to_string_lossy().into_owned()),
        Expr::Paren(inner) => text(&inner.expr),
        Expr::Tpl(template) if template.exprs.is_empty() => Some(
            template
                .quasis
                .iter()
                .map(|part| part.raw.to_string())
                .collect(),
        ),
        Expr::Bin(BinExpr {
            op: BinaryOp::Add,
            left,
            right,
            ..
        }) => Some(text(left)? + &text(right)?),
        _ => None,
    }
}

fn is_constructor(member: &MemberExpr) -> bool {
    match &member.prop {
        MemberProp::Ident(name) => name.sym == "constructor",
        MemberProp::Computed(computed) => text(&computed.expr).as_deref() == Some("constructor"),
        MemberProp::PrivateName(_) => false,
    }
}

impl Walk {
    fn callee(&self, callee: &Expr) -> bool {
        match callee {
            Expr::Paren(inner) => self.callee(&inner.expr),
            Expr::Member(member) => is_constructor(member),
            Expr::Ident(name) => self.variables.contains(&name.to_id()),
            _ => false,
        }
    }
}

impl Visit for Walk {
    fn visit_var_declarator(&mut self, declarator: &VarDeclarator) {
        if let (Pat::Ident(name), Some(Expr::Member(member))) =
            (&declarator.name, declarator.init.as_deref())
            && is_constructor(member)
        {
            self.variables.insert(name.id.to_id());
        }
        declarator.visit_children_with(self);
    }

    fn visit_call_expr(&mut self, call: &CallExpr) {
        if self.calls
            && !call.args.is_empty()
            && let Callee::Expr(callee) = &call.callee
            && self.callee(callee)
        {
            self.found = true;
        }
        call.visit_children_with(self);
    }

    fn visit_new_expr(&mut self, call: &NewExpr) {
        let has_arguments = call.args.as_ref().is_some_and(|args| !args.is_empty());
        if self.calls && has_arguments && self.callee(&call.callee) {
            self.found = true;
        }
        call.visit_children_with(self);
    }
}

#[cfg(test)]
mod tests {
    use super::calls_constructor;

    #[test]
    fn ways_to_call_it() {
        for (code, found) in [
            ("(() => {}).constructor('return 1')()", true),
            ("a['con' + 'structor']('x')", true),
            ("const C = a.constructor; C('x')", true),
            ("new a.constructor('x')", true),
            ("a.constructor()", false),
            ("a.constructor.name", false),
            ("class A { constructor(a) { this.a = a; } }", false),
        ] {
            assert_eq!(calls_constructor(code), found, "{code}");
        }
    }
}
