//! What the published command line prints when a function does not compile: clients read and show
//! this text.
//!
//! A message is a block, `err - <file>[:line[:column]] ` and the text below it, both ended by CR LF.
//! A line or a column of 1 is left out, and with the line the column.

use super::Diagnostic;

/// What the text calls the source and what is made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Path of the source, for example `function/functions/function.ts`.
    pub source: String,
}

impl Place {
    /// Of a source that belongs to no integration.
    pub fn nowhere() -> Self {
        Self {
            source: "function/functions/function.ts".to_owned(),
        }
    }

    fn output(&self) -> String {
        let stem = self.source.strip_suffix(".ts").unwrap_or(&self.source);
        format!("./{stem}.js")
    }
}

fn block(file: &str, line: u32, column: u32, message: &str) -> String {
    let place = match (line, column) {
        (0 | 1, _) => String::new(),
        (line, 0 | 1) => format!(":{line}"),
        (line, column) => format!(":{line}:{column}"),
    };
    format!("err - {file}{place} \r\n  {message}\r\n")
}

/// Types are wrong.
pub(super) fn check(found: &[Diagnostic]) -> String {
    let mut text = String::from("\n");
    for one in found {
        text.push_str(&block(&one.file, one.line, one.column, &one.message));
        text.push('\n');
    }
    let errors = if found.len() == 1 { "error" } else { "errors" };
    text.push_str(&format!("✗ Typechecking\nFound {} {errors}", found.len()));
    text
}

/// A rule is broken. Only the first message is told, as bundling stops there.
pub(super) fn bundle(place: &Place, found: &[Diagnostic]) -> String {
    let output = place.output();
    let mut text =
        format!("✓ Typechecking\n  Building 1 file(s) - {output}\n✗ Failed to build {output}\n");
    let Some(first) = found.first() else {
        return text.trim_end().to_owned();
    };
    if first.message.starts_with("Top-level await") {
        text.push_str(&format!(
            "Build failed with 1 error:\n{}:{}:{}: ERROR: {}",
            first.file,
            first.line,
            first.column.saturating_sub(1),
            first.message
        ));
        return text;
    }
    let file = format!("./{}", first.file);
    text.push_str(&block(&file, first.line, first.column, &first.message));
    text.trim_end().to_owned()
}

fn head(place: &Place, last: &str) -> String {
    format!(
        "✓ Typechecking\n  Building 1 file(s) - {}\n  Building 1 file(s)\n✓ Building 1 file(s)\n✗ {last}\n\n",
        place.output()
    )
}

/// The definition breaks a rule.
pub(super) fn definition(place: &Place, message: &str) -> String {
    let mut text = head(place, "Failed to compile definitions");
    text.push_str(&block(&place.source, 0, 0, message));
    text.trim_end().to_owned()
}

/// There is no definition. The published text ends with the full path of the built file, of which
/// clean-up leaves `<path>`; ours has no such path.
pub(super) fn no_default(place: &Place) -> String {
    let mut text = head(place, "Failed to compile definitions");
    text.push_str("Script should have a default export <path>");
    text
}

/// The top level of the module threw.
pub(super) fn load(place: &Place, error: &str) -> String {
    let mut text = head(place, "Generating artifacts");
    text.push_str(error.trim_end());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: u32, column: u32, message: &str) -> Diagnostic {
        Diagnostic {
            file: "function/functions/function.ts".to_owned(),
            line,
            column,
            code: String::new(),
            message: message.to_owned(),
            hint: None,
        }
    }

    #[test]
    fn positions_of_one_are_left_out() {
        let text = check(&[found(1, 5, "a"), found(3, 1, "b"), found(3, 7, "c")]);
        assert_eq!(
            text,
            "\nerr - function/functions/function.ts \r\n  a\r\n\nerr - function/functions/function.ts:3 \r\n  b\r\n\nerr - function/functions/function.ts:3:7 \r\n  c\r\n\n✗ Typechecking\nFound 3 errors"
        );
        assert!(check(&[found(2, 2, "a")]).ends_with("Found 1 error"));
    }

    #[test]
    fn a_broken_rule_is_told_right_below_the_head() {
        let text = bundle(&Place::nowhere(), &[found(2, 9, "no"), found(3, 1, "more")]);
        assert_eq!(
            text,
            "✓ Typechecking\n  Building 1 file(s) - ./function/functions/function.js\n✗ Failed to build ./function/functions/function.js\nerr - ./function/functions/function.ts:2:9 \r\n  no"
        );
        let awaits = "Top-level await is currently not supported with the \"cjs\" output format";
        let text = bundle(&Place::nowhere(), &[found(3, 13, awaits)]);
        assert!(text.ends_with(&format!(
            "\nBuild failed with 1 error:\nfunction/functions/function.ts:3:12: ERROR: {awaits}"
        )));
    }
}
