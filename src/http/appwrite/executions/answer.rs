//! The answer to a synchronous execution, as JSON or as multipart.

use bytes::Bytes;
use serde_json::Value;

use super::super::error::{Error, Kind};
use super::super::reply::Reply;

/// How a client wants its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One object; the body is a text in it.
    Json,
    /// One part per field; the body is raw.
    Multipart,
}

impl Shape {
    /// By the first type of an `accept` header that names either.
    pub fn wanted(accept: Option<&str>) -> Self {
        let types = accept.unwrap_or_default().split(',');
        types
            .filter_map(
                |one| match one.split(';').next().unwrap_or_default().trim() {
                    "application/json" | "application/*" => Some(Self::Json),
                    "multipart/form-data" | "multipart/*" => Some(Self::Multipart),
                    _ => None,
                },
            )
            .next()
            .unwrap_or(Self::Json)
    }
}

/// An answer of this shape with the body of the function's response.
pub fn with_body(shape: Shape, mut model: Value, body: Bytes, id: &str) -> Result<Reply, Error> {
    match shape {
        Shape::Json => {
            let text = String::from_utf8(body.into()).map_err(|_| {
                Error::with(
                    Kind::BadRequest,
                    "Failed to parse response. The response body is not valid UTF-8; accept multipart/form-data to get it.",
                )
            })?;
            // Formats before 1.4 call it otherwise.
            let name = if model.get("responseBody").is_some() {
                "responseBody"
            } else {
                "response"
            };
            model[name] = Value::String(text);
            Ok(Reply::json(201, model))
        }
        Shape::Multipart => {
            let boundary = format!("-----------------------------{id}");
            let bytes = multipart(&model, &body, &boundary);
            let kind = format!("multipart/form-data; boundary={boundary}");
            Ok(Reply::bytes(201, &kind, bytes))
        }
    }
}

fn multipart(model: &Value, body: &[u8], boundary: &str) -> Bytes {
    let mut out = Vec::with_capacity(4096 + body.len());
    for (name, value) in model.as_object().into_iter().flatten() {
        out.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        out.extend_from_slice(
            format!("Content-Disposition: form-data; name=\"{name}\"\r\n").as_bytes(),
        );
        match value {
            Value::Array(_) | Value::Object(_) => {
                out.extend_from_slice(b"Content-Type: application/json\r\n\r\n");
                out.extend_from_slice(value.to_string().as_bytes());
            }
            _ if name == "responseBody" => {
                out.extend_from_slice(b"\r\n");
                out.extend_from_slice(body);
            }
            _ => {
                let text = match value {
                    Value::String(text) => text.clone(),
                    Value::Bool(boolean) => u8::from(*boolean).to_string(),
                    Value::Number(number) => number.to_string(),
                    _ => String::new(),
                };
                out.extend_from_slice(b"\r\n");
                out.extend_from_slice(text.as_bytes());
            }
        }
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    out.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_known_type_decides() {
        for (accept, expected) in [
            (None, Shape::Json),
            (Some("*/*"), Shape::Json),
            (Some("application/json"), Shape::Json),
            (Some("multipart/form-data"), Shape::Multipart),
            (
                Some("text/html, multipart/*, application/json"),
                Shape::Multipart,
            ),
            (
                Some("application/*;q=0.5, multipart/form-data"),
                Shape::Json,
            ),
        ] {
            assert_eq!(Shape::wanted(accept), expected, "{accept:?}");
        }
    }

    #[test]
    fn multipart_carries_raw_bytes() {
        let model =
            json!({"$id": "e", "responseBody": "", "flag": true, "list": [1], "none": null});
        let bytes = multipart(&model, b"\xff\x00\r\n--", "B");
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("name=\"flag\"\r\n\r\n1\r\n"), "{text}");
        assert!(text.contains("application/json\r\n\r\n[1]\r\n"), "{text}");
        assert!(bytes.windows(6).any(|window| window == b"\xff\x00\r\n--"));
        assert!(text.ends_with("--B--\r\n"));
        assert!(with_body(Shape::Json, model, Bytes::from_static(b"\xff"), "e").is_err());
    }
}
