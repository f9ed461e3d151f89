//! The real checker.

mod diagnostics;
mod limits;
mod packages;
mod processes;
mod same;

use typecheck::{Checker, Diagnostic, Error};

const PATH: &str = "functions/function.ts";

/// A function as people write them, without an error.
const GOOD: &str = include_str!("good.ts");

async fn check(checker: &Checker, text: &str) -> Result<Vec<Diagnostic>, Error> {
    checker.check(&[(PATH.to_owned(), text.to_owned())]).await
}

/// Each diagnostic of one source as `line:column code text`.
async fn errors(checker: &Checker, text: &str) -> Vec<String> {
    let found = check(checker, text).await.unwrap();
    let line = |one: Diagnostic| {
        assert_eq!(one.file, PATH);
        format!("{}:{} {} {}", one.line, one.column, one.code, one.message)
    };
    found.into_iter().map(line).collect()
}
