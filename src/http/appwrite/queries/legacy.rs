//! The textual queries of formats before 1.5: `equal("name", ["x"])`,
//! `limit(10)`, `orderDesc("name")`.

use serde_json::{Value, json};

/// The same query in today's form; none when it cannot be read.
pub fn parse(text: &str) -> Option<Value> {
    let (method, rest) = text.trim().split_once('(')?;
    let arguments = rest.strip_suffix(')')?;
    // The arguments are JSON but for the quotes, which may be single.
    let list = |text: &str| serde_json::from_str::<Vec<Value>>(&format!("[{text}]")).ok();
    let mut arguments = list(arguments).or_else(|| list(&arguments.replace('\'', "\"")))?;
    if matches!(method, "limit" | "offset" | "cursorAfter" | "cursorBefore") {
        return Some(json!({"method": method, "values": arguments}));
    }
    if arguments.is_empty() {
        return Some(json!({"method": method}));
    }
    let attribute = arguments.remove(0);
    let values = match <[Value; 1]>::try_from(arguments) {
        Ok([Value::Array(values)]) => values,
        Ok([value]) => vec![value],
        Err(values) => values,
    };
    Some(json!({"method": method, "attribute": attribute, "values": values}))
}
