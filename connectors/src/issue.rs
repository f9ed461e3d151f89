//! What is wrong with an input, field by field.

use serde_json::{Value, json};

/// One entry of the `errors` of a validation error. Codes and texts are those of zod 4, which
/// clients of the dialect know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// The kind, for example `invalid_type`.
    pub code: &'static str,
    /// The text.
    pub message: String,
    /// Where, from the value that was checked.
    pub path: Vec<String>,
}

impl Issue {
    /// A value of another type than `expected`, or none at all.
    #[must_use]
    pub fn wrong_type(path: &[&str], expected: &str, received: Option<&Value>) -> Self {
        let received = match received {
            None => "undefined",
            Some(Value::Null) => "null",
            Some(Value::Bool(_)) => "boolean",
            Some(Value::Number(_)) => "number",
            Some(Value::String(_)) => "string",
            Some(Value::Array(_)) => "array",
            Some(Value::Object(_)) => "object",
        };
        Self {
            code: "invalid_type",
            message: format!("Invalid input: expected {expected}, received {received}"),
            path: owned(path),
        }
    }

    /// A string that is empty and must not be.
    #[must_use]
    pub fn empty(path: &[&str]) -> Self {
        Self {
            code: "too_small",
            message: "Too small: expected string to have >=1 characters".to_owned(),
            path: owned(path),
        }
    }

    /// A string of more than `limit` characters.
    #[must_use]
    pub fn too_long(path: &[&str], limit: usize) -> Self {
        Self {
            code: "too_big",
            message: format!("Too big: expected string to have <={limit} characters"),
            path: owned(path),
        }
    }

    /// A string that does not match `pattern`.
    #[must_use]
    pub fn pattern(path: &[&str], pattern: &str) -> Self {
        Self {
            code: "invalid_format",
            message: format!("Invalid string: must match pattern /{pattern}/"),
            path: owned(path),
        }
    }

    /// Keys that nobody asked for.
    #[must_use]
    pub fn unknown(keys: &[String]) -> Self {
        let list: Vec<_> = keys.iter().map(|key| format!("\"{key}\"")).collect();
        let noun = if keys.len() == 1 { "key" } else { "keys" };
        Self {
            code: "unrecognized_keys",
            message: format!("Unrecognized {noun}: {}", list.join(", ")),
            path: Vec::new(),
        }
    }

    /// A rule of our own.
    #[must_use]
    pub fn custom(path: &[&str], message: impl Into<String>) -> Self {
        Self {
            code: "custom",
            message: message.into(),
            path: owned(path),
        }
    }

    /// The entry as it goes over the wire, its path below `prefix`.
    #[must_use]
    pub fn to_json(&self, prefix: &[&str]) -> Value {
        let path: Vec<&str> = prefix
            .iter()
            .copied()
            .chain(self.path.iter().map(String::as_str))
            .collect();
        json!({"code": self.code, "message": self.message, "path": path})
    }
}

fn owned(path: &[&str]) -> Vec<String> {
    path.iter().map(|&part| part.to_owned()).collect()
}
