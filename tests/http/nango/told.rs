//! What is said of a source that does not compile.

use serde_json::{Value, json};

use crate::client::Client;

pub const FILE: &str = "function/functions/function.ts";

pub const BUILDING: &str = "  Building 1 file(s) - ./function/functions/function.js";

pub const FAILED: &str = "✗ Failed to build ./function/functions/function.js";

/// The `error` of a source that does not compile.
pub async fn broken(client: &Client, code: &str) -> Value {
    let answer = client
        .post("/functions/compile", json!({"code": code}))
        .await;
    assert_eq!(answer.status, 400, "{code}\n{answer:?}");
    let error = answer.denied(400, "compilation_error");
    // Beyond the published API: the same as data.
    for entry in error["errors"].as_array().expect("a list") {
        assert!(
            entry["file"]
                .as_str()
                .is_some_and(|file| file.starts_with("function/functions/")),
            "{entry}"
        );
        assert!(
            entry["line"].is_u64() && entry["column"].is_u64(),
            "{entry}"
        );
        assert!(
            entry["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{entry}"
        );
        assert!(
            entry["code"].as_str().is_some_and(|text| !text.is_empty()),
            "{entry}"
        );
    }
    error
}

/// The lines of its message, without empty ones.
pub async fn told(client: &Client, code: &str) -> Vec<String> {
    let error = broken(client, code).await;
    let message = error["message"].as_str().expect("a text");
    assert_eq!(message, message.trim_end(), "{message:?}");
    let lines = message
        .split('\n')
        .map(|line| line.trim_end_matches('\r').to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}

/// Fails unless bundling stops with one text at a line.
#[track_caller]
pub fn stops(lines: &[String], line: usize, text: &str) {
    assert_eq!(
        lines[..3],
        ["✓ Typechecking", BUILDING, FAILED],
        "{lines:?}"
    );
    let place = match line {
        1 => format!("err - ./{FILE} "),
        line => format!("err - ./{FILE}:{line}"),
    };
    let rest = lines[3]
        .strip_prefix(&*place)
        .unwrap_or_else(|| panic!("{place} in {lines:?}"));
    assert!(
        rest.is_empty() || rest == " " || rest.starts_with(':'),
        "{lines:?}"
    );
    assert_eq!(lines[4], format!("  {text}"));
    assert_eq!(lines.len(), 5, "{lines:?}");
}

/// Fails unless reading the definition stops with one text.
#[track_caller]
pub fn does_not_define(lines: &[String], text: &str) {
    let head = [
        "✓ Typechecking",
        BUILDING,
        "  Building 1 file(s)",
        "✓ Building 1 file(s)",
        "✗ Failed to compile definitions",
    ];
    assert_eq!(lines[..5], head, "{lines:?}");
    assert_eq!(lines[5], format!("err - {FILE} "), "{lines:?}");
    assert_eq!(lines[6], format!("  {text}"), "{lines:?}");
    assert_eq!(lines.len(), 7, "{lines:?}");
}
