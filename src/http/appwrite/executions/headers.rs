//! The headers of an execution: what a caller may send, what the function gets,
//! what is recorded.

use serde_json::Value;

use super::super::error::Error;
use super::super::parameters::Parameters;

/// Names and values.
pub type Pairs = Vec<(String, String)>;

/// Most headers.
const MOST: usize = 100;
/// Names and values together stay below this many bytes.
const LARGEST: usize = 16_384;
/// Longest `headers` parameter that is a text.
const LONGEST_TEXT: usize = 65_535;

/// Reads `headers`: an object, or the JSON text of one. Names come out in lower
/// case.
pub fn read(sent: &Parameters) -> Result<Pairs, Error> {
    let refused = |rule: &str| Error::invalid("headers", rule);
    let parsed;
    let value = match sent.get("headers") {
        None => return Ok(Vec::new()),
        Some(Value::String(text)) if text.is_empty() => return Ok(Vec::new()),
        Some(Value::String(text)) if text.len() <= LONGEST_TEXT => {
            parsed = serde_json::from_str(text)
                .map_err(|_| refused("Value must be a valid JSON object"))?;
            &parsed
        }
        Some(value) => value,
    };
    let fields = match value {
        Value::Array(items) if items.is_empty() => return Ok(Vec::new()),
        Value::Object(fields) => fields,
        _ => return Err(refused("Value must be a valid JSON object")),
    };
    if fields.len() > MOST {
        return Err(refused("At most 100 headers are allowed"));
    }
    let mut pairs = Pairs::with_capacity(fields.len());
    let mut size = 0;
    for (name, value) in fields {
        if !is_name(name) {
            return Err(refused(
                "Names must begin and end with a letter or digit and hold letters, digits and hyphens only",
            ));
        }
        let name = name.to_ascii_lowercase();
        if name.starts_with("x-appwrite-") {
            return Err(refused("Names must not begin with \"x-appwrite-\""));
        }
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(boolean) => boolean.to_string(),
            Value::Null => String::new(),
            Value::Array(_) | Value::Object(_) => {
                return Err(refused("Values must be texts"));
            }
        };
        if value.contains(['\r', '\n', '\0']) {
            return Err(refused("Values must be single lines"));
        }
        size += name.len() + value.len();
        if size >= LARGEST {
            return Err(refused(
                "Names and values together must be shorter than 16384 bytes",
            ));
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}

fn is_name(name: &str) -> bool {
    let ends = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric());
    ends && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Those that are recorded; none of them is a credential.
pub fn recorded(pairs: &[(String, String)]) -> Pairs {
    const KEPT: [&str; 5] = [
        "content-type",
        "agent",
        "content-length",
        "host",
        "x-appwrite-client-ip",
    ];
    pairs
        .iter()
        .filter(|(name, _)| KEPT.contains(&name.as_str()))
        .cloned()
        .collect()
}

/// The value of a header.
pub fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(have, _)| have == name)
        .map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_from(headers: &Value) -> Result<Pairs, Error> {
        let text = headers.to_string();
        let text: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let query = format!("headers={text}");
        read(&super::super::super::parameters::from_query(Some(&query)))
    }

    #[test]
    fn headers_have_limits() {
        assert_eq!(
            read_from(&json!({"Content-Type": "a/b", "x": 1, "y": true})).unwrap(),
            [("content-type", "a/b"), ("x", "1"), ("y", "true")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        assert_eq!(read_from(&json!([])).unwrap(), []);
        let many = |count: usize| -> Value {
            let fields = (0..count).map(|n| (format!("h{n}"), json!("v")));
            Value::Object(fields.collect())
        };
        assert!(read_from(&many(100)).is_ok());
        assert!(read_from(&json!({"h": "v".repeat(16_382)})).is_ok());
        for bad in [
            many(101),
            json!({"h": "v".repeat(16_383)}),
            json!({"x-appwrite-user-id": "me"}),
            json!({"X-Appwrite-User-Id": "me"}),
            json!({"": "v"}),
            json!({"-a": "v"}),
            json!({"a-": "v"}),
            json!({"a b": "v"}),
            json!({"a": "v\r\nb: c"}),
            json!({"a": ["v"]}),
            json!(["a"]),
            json!("a"),
        ] {
            let error = read_from(&bad).unwrap_err();
            assert_eq!(error.status(), 400, "{bad}");
        }
    }
}
