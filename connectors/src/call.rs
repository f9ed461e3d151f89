//! The configuration of a call, as `nango.get(…)` and its siblings take it.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

use crate::encoding;

/// One call. What concerns only the caller's side (`responseType`, `paginate`, the names of
/// integration and connection) is accepted and not kept.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallConfig {
    /// The path below the base URL.
    pub endpoint: String,
    /// The method; GET unless given.
    #[serde(default)]
    pub method: Verb,
    /// The query.
    #[serde(default)]
    pub params: Option<Params>,
    /// The body of POST, PUT, PATCH and DELETE.
    #[serde(default)]
    pub data: Option<Data>,
    /// Headers; they win over the provider's.
    #[serde(default, deserialize_with = "headers")]
    pub headers: BTreeMap<String, String>,
    /// How often to try again.
    #[serde(default, deserialize_with = "count")]
    pub retries: u32,
    /// Further statuses to try again on.
    #[serde(default)]
    pub retry_on: Option<Vec<u16>>,
    /// Headers that say how long to wait, in place of the provider's.
    #[serde(default)]
    pub retry_header: Option<RetryHeader>,
    /// Another base URL.
    #[serde(default)]
    pub base_url_override: Option<String>,
    /// Whether the answer is to be decompressed, whatever it says. For the transport.
    #[serde(default)]
    pub decompress: Option<bool>,
    /// Whether a redirect to another host keeps the headers. For the transport.
    #[serde(default)]
    pub forward_headers_on_redirect: Option<bool>,
}

/// Headers that say how long to wait.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct RetryHeader {
    /// A header with a moment: seconds since 1970.
    #[serde(default)]
    pub at: Option<String>,
    /// A header with a time: seconds, or an HTTP date.
    #[serde(default)]
    pub after: Option<String>,
}

/// Methods that a call may have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verb(pub http::Method);

impl<'de> Deserialize<'de> for Verb {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Option::<String>::deserialize(deserializer)?;
        let name = name
            .unwrap_or_else(|| "GET".to_owned())
            .to_ascii_uppercase();
        match name.as_str() {
            "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS" => name
                .parse()
                .map(Self)
                .map_err(|_| de::Error::custom("not a method")),
            _ => Err(de::Error::custom(format!(
                "`{name}` is not a method of a call"
            ))),
        }
    }
}

/// A query.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Params {
    /// As it goes into the URL, with or without `?`.
    Text(String),
    /// Keys and values; each replaces the key of that name in the endpoint's own query.
    Object(Map<String, Value>),
}

/// A body. From JSON come only the first two; the other two are what a runtime makes of
/// `URLSearchParams` and of buffers.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// JSON, or a form if `content-type` says so.
    Json(Value),
    /// Text, sent as it is.
    Text(String),
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, String)>),
    /// Bytes, sent as they are.
    Bytes(Vec<u8>),
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::String(text) => Self::Text(text),
            other => Self::Json(other),
        })
    }
}

/// Header values may be numbers and booleans; null leaves a header out.
fn headers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let given = Option::<Map<String, Value>>::deserialize(deserializer)?.unwrap_or_default();
    let mut headers = BTreeMap::new();
    for (name, value) in given {
        if value.is_null() {
            continue;
        }
        let text = encoding::scalar(&value)
            .ok_or_else(|| de::Error::custom(format!("header `{name}` is not a text")))?;
        headers.insert(name, text);
    }
    Ok(headers)
}

/// A count that JavaScript may have made: 3.0, null.
fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let given = Option::<f64>::deserialize(deserializer)?.unwrap_or(0.0);
    if (0.0..=1000.0).contains(&given) && given.fract() == 0.0 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked above"
        )]
        return Ok(given as u32);
    }
    Err(de::Error::custom("retries is not a count"))
}
