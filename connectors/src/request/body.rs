//! The body of a call, made as axios makes it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Error;
use crate::call::{CallConfig, Data};
use crate::encoding;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data";

/// A body and what it is.
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    /// The `content-type` header, the caller's own if there is one.
    pub(super) content_type: Option<String>,
    /// The fields of a form: they are part of an OAuth 1.0a signature.
    pub(super) form: Vec<(String, String)>,
}

/// The body of `config`, if its method has one; `extra` are the provider's fields, `usual` its
/// content type.
pub(super) fn body(
    config: &CallConfig,
    extra: BTreeMap<String, String>,
    usual: Option<&str>,
    nonce: &str,
) -> Result<Option<Body>, Error> {
    let method = config.method.0.as_str();
    if !matches!(method, "POST" | "PUT" | "PATCH" | "DELETE") {
        return Ok(None);
    }
    let mut data = match &config.data {
        Some(data) => data.clone(),
        None if extra.is_empty() => return Ok(None),
        None => Data::Json(Value::Object(Map::new())),
    };
    match &mut data {
        Data::Json(Value::Object(fields)) => {
            fields.extend(extra.into_iter().map(|(name, value)| (name, value.into())));
        }
        Data::Form(pairs) => pairs.extend(extra),
        // There is no place for fields in the others.
        Data::Json(_) | Data::Text(_) | Data::Bytes(_) => {}
    }
    let given = config
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        .map(|(_, value)| value.as_str());
    // A form is a form unless the caller itself says otherwise.
    let given = match data {
        Data::Form(_) => given,
        _ => given.or(usual),
    };
    let kind = given.map(|given| {
        let essence = given.split(';').next().unwrap_or_default();
        essence.trim().to_ascii_lowercase()
    });
    encode(data, given, kind.as_deref(), nonce).map(Some)
}

fn encode(data: Data, given: Option<&str>, kind: Option<&str>, nonce: &str) -> Result<Body, Error> {
    let plain = |bytes: Vec<u8>, usual: Option<&str>| Body {
        bytes,
        content_type: given.or(usual).map(ToOwned::to_owned),
        form: Vec::new(),
    };
    let form = |pairs: Vec<(String, String)>| Body {
        bytes: encoding::form(pairs.iter().map(|(k, v)| (k.as_str(), v.as_str()))).into_bytes(),
        content_type: Some(given.unwrap_or(FORM).to_owned()),
        form: pairs,
    };
    Ok(match data {
        Data::Bytes(bytes) => plain(bytes, None),
        Data::Text(text) if kind == Some(JSON) => {
            // Text that is JSON already is not quoted again.
            let bytes = match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
                Ok(_) => text.trim().to_owned(),
                Err(_) => Value::String(text).to_string(),
            };
            plain(bytes.into_bytes(), None)
        }
        Data::Text(text) => {
            let mut body = plain(text.into_bytes(), Some(FORM));
            if kind.is_none_or(|kind| kind == FORM) {
                body.form = ::url::form_urlencoded::parse(&body.bytes)
                    .into_owned()
                    .collect();
            }
            body
        }
        Data::Form(pairs) => form(pairs),
        Data::Json(value) if kind == Some(FORM) => {
            let fields = value.as_object().ok_or(Error::Body(FORM))?;
            let mut pairs = Vec::new();
            for (name, value) in fields {
                flatten(name, value, &mut pairs);
            }
            form(pairs)
        }
        Data::Json(Value::Object(fields)) if kind == Some(MULTIPART) => multipart(&fields, nonce),
        Data::Json(value) => plain(value.to_string().into_bytes(), Some(JSON)),
    })
}

/// Nested fields as `a[b]`, lists as `a[]`. Null becomes an empty text.
fn flatten(name: &str, value: &Value, pairs: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                flatten(&format!("{name}[{key}]"), value, pairs);
            }
        }
        Value::Array(items) => {
            for item in items {
                flatten(&format!("{name}[]"), item, pairs);
            }
        }
        other => pairs.push((name.to_owned(), encoding::scalar(other).unwrap_or_default())),
    }
}

fn multipart(fields: &Map<String, Value>, nonce: &str) -> Body {
    let boundary = format!("----strata-{nonce}");
    let mut pairs = Vec::new();
    for (name, value) in fields {
        flatten(name, value, &mut pairs);
    }
    let mut text = String::new();
    for (name, value) in &pairs {
        // The escapes of the HTML standard for names in a form.
        let name = name
            .replace('"', "%22")
            .replace('\r', "%0D")
            .replace('\n', "%0A");
        text.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }
    text.push_str(&format!("--{boundary}--\r\n"));
    Body {
        bytes: text.into_bytes(),
        content_type: Some(format!("{MULTIPART}; boundary={boundary}")),
        form: Vec::new(),
    }
}
