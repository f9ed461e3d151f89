//! Counts iterations: every loop begins its body with a call of `$$l`, which throws when a module
//! has had enough of them.

use swc_core::{
    common::{DUMMY_SP, Spanned, SyntaxContext},
    ecma::{
        ast::{
            BlockStmt, CallExpr, Callee, DoWhileStmt, EmptyStmt, Expr, ExprStmt, ForInStmt,
            ForOfStmt, ForStmt, Ident, Module, Stmt, WhileStmt,
        },
        visit::{VisitMut, VisitMutWith, noop_visit_mut_type},
    },
};

/// `prefix` is the one of the module's own names, see `rewrite`.
pub(super) fn count(module: &mut Module, prefix: &str, unresolved: SyntaxContext) {
    let callee = Ident::new(format!("{prefix}l").into(), DUMMY_SP, unresolved);
    module.visit_mut_with(&mut Counting { callee });
}

struct Counting {
    callee: Ident,
}

impl Counting {
    /// What is added has no place in the source, so that mappings stay those of the user's code.
    fn counted(&self, body: &mut Stmt) {
        let call = Stmt::Expr(ExprStmt {
            span: DUMMY_SP,
            expr: Box::new(Expr::Call(CallExpr {
                span: DUMMY_SP,
                callee: Callee::Expr(Box::new(Expr::Ident(self.callee.clone()))),
                ..CallExpr::default()
            })),
        });
        if let Stmt::Block(block) = body {
            block.stmts.insert(0, call);
            return;
        }
        let inner = std::mem::replace(body, Stmt::Empty(EmptyStmt { span: DUMMY_SP }));
        *body = Stmt::Block(BlockStmt {
            span: inner.span(),
            stmts: vec![call, inner],
            ..BlockStmt::default()
        });
    }
}

impl VisitMut for Counting {
    noop_visit_mut_type!();

    fn visit_mut_for_stmt(&mut self, statement: &mut ForStmt) {
        statement.visit_mut_children_with(self);
        self.counted(&mut statement.body);
    }

    fn visit_mut_for_in_stmt(&mut self, statement: &mut ForInStmt) {
        statement.visit_mut_children_with(self);
        self.counted(&mut statement.body);
    }

    fn visit_mut_for_of_stmt(&mut self, statement: &mut ForOfStmt) {
        statement.visit_mut_children_with(self);
        self.counted(&mut statement.body);
    }

    fn visit_mut_while_stmt(&mut self, statement: &mut WhileStmt) {
        statement.visit_mut_children_with(self);
        self.counted(&mut statement.body);
    }

    fn visit_mut_do_while_stmt(&mut self, statement: &mut DoWhileStmt) {
        statement.visit_mut_children_with(self);
        self.counted(&mut statement.body);
    }
}
