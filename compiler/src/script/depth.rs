//! Refusing scripts that nest absurdly deep, before anything else looks at them.
//!
//! The type checker needs time that grows steeply with the depth of a literal: 500 lists in one
//! another keep it busy until its time is up, which would be told as a time-out, and keeps others
//! waiting. A smaller time limit for all would hit long scripts that are fine, so depth is measured:
//! a pass over the bytes, and only where that finds too much (it takes some regular expressions for
//! brackets) the syntax tree. What people write stays below 50.

use std::sync::Arc;

use swc_core::{
    common::{BytePos, GLOBALS, Globals, Spanned},
    ecma::{
        ast::{
            ArrayLit, ArrayPat, ArrowExpr, BlockStmt, CallExpr, Class, NewExpr, ObjectLit,
            ObjectPat, ParenExpr, TsTupleType, TsTypeLit, TsTypeParamInstantiation,
        },
        visit::{Visit, VisitWith},
    },
};

use super::Script;
use crate::{Compiler, diagnostic::Diagnostic, failure::Failure, graph, transform};

/// Deepest nesting of a script.
const DEEPEST: usize = 200;

impl Compiler {
    /// The place where a script begins to be nested too deeply, if it is.
    ///
    /// # Errors
    /// When a compiler thread fails.
    pub async fn too_deep(&self, script: &Script) -> Result<Option<Diagnostic>, Failure> {
        let suspicious =
            |(path, text): &(String, String)| transform::nesting(path, text, DEEPEST).is_err();
        if !script.files.iter().any(suspicious) {
            return Ok(None);
        }
        let files = Arc::clone(&script.files);
        let work = move || files.iter().find_map(find);
        graph::on_pool(self.pool()?, work).await
    }
}

fn find((path, text): &(String, String)) -> Option<Diagnostic> {
    let found = transform::nesting(path, text, DEEPEST).err()?;
    GLOBALS.set(&Globals::new(), || {
        // Text that cannot be read is refused anyway; nobody should try for long.
        let Ok(parsed) = super::parse(path, text) else {
            return Some(found);
        };
        let mut walk = Walk::default();
        parsed.module.visit_with(&mut walk);
        walk.too_deep.map(|_| found)
    })
}

#[derive(Default)]
struct Walk {
    depth: usize,
    too_deep: Option<BytePos>,
}

impl Walk {
    fn enter<N: Spanned + VisitWith<Self>>(&mut self, node: &N) {
        self.depth += 1;
        if self.depth > DEEPEST && self.too_deep.is_none() {
            self.too_deep = Some(node.span().lo);
        }
        if self.too_deep.is_none() {
            node.visit_children_with(self);
        }
        self.depth -= 1;
    }
}

macro_rules! levels {
    ($($visit:ident $node:ty),* $(,)?) => {
        $(fn $visit(&mut self, node: &$node) {
            self.enter(node);
        })*
    };
}

impl Visit for Walk {
    levels! {
        visit_array_lit ArrayLit,
        visit_array_pat ArrayPat,
        visit_arrow_expr ArrowExpr,
        visit_block_stmt BlockStmt,
        visit_call_expr CallExpr,
        visit_class Class,
        visit_new_expr NewExpr,
        visit_object_lit ObjectLit,
        visit_object_pat ObjectPat,
        visit_paren_expr ParenExpr,
        visit_ts_tuple_type TsTupleType,
        visit_ts_type_lit TsTypeLit,
        visit_ts_type_param_instantiation TsTypeParamInstantiation,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Script;
    use crate::Options;

    #[test]
    fn depth_is_told_from_brackets_in_regular_expressions() {
        // What is read is read on the compiler's threads: others have too little stack.
        let compiler = Options::default().build();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let told = |text: String| {
            let files = Arc::new(vec![("f.ts".to_owned(), text)]);
            let found = runtime.block_on(compiler.too_deep(&Script { files }));
            found.expect("the compiler works").is_some()
        };
        let deep = |open: &str, close: &str, times: usize| {
            format!("const x = {}1{};", open.repeat(times), close.repeat(times))
        };
        for (open, close) in [("[", "]"), ("{a:", "}"), ("(", ")"), ("f(", ")")] {
            assert!(!told(deep(open, close, 150)), "{open}");
            assert!(told(deep(open, close, 300)), "{open}");
        }
        let escaped = "s.replace(/\\(/g, '').split(/[[({]/);\n";
        assert!(!told(escaped.repeat(500)));
        // A chain is long and not deep.
        assert!(!told(format!("const z = a{};", ".b(1)".repeat(150))));
        assert!(told("[".repeat(1000)));
    }
}
