//! The request and response of an invocation, as HTTP messages.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use serde::Deserialize;
use serde_json::{Value, json};
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};

use crate::Invocation;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Request {
    method: String,
    scheme: String,
    host: String,
    port: Option<u16>,
    path: String,
    query_string: String,
    headers: Headers,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            method: "GET".into(),
            scheme: "http".into(),
            host: "localhost".into(),
            port: None,
            path: "/".into(),
            query_string: String::new(),
            headers: Headers::List(Vec::new()),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Headers {
    List(Vec<(String, String)>),
    Map(serde_json::Map<String, Value>),
}

type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, ErrorCode>;

/// The request that the component gets.
pub(super) fn incoming(invocation: &Invocation) -> Result<(Scheme, http::Request<Body>), String> {
    let request = Request::deserialize(&invocation.request).map_err(|error| error.to_string())?;
    let standard = if request.scheme == "https" { 443 } else { 80 };
    let authority = match request.port {
        Some(port) if port != standard => format!("{}:{port}", request.host),
        _ => request.host,
    };
    let query = if request.query_string.is_empty() {
        String::new()
    } else {
        format!("?{}", request.query_string)
    };
    let uri = http::Uri::builder()
        .scheme(request.scheme.as_str())
        .authority(authority.as_str())
        .path_and_query(format!("{}{query}", request.path))
        .build()
        .map_err(|error| error.to_string())?;
    let mut message = http::Request::builder()
        .method(request.method.to_ascii_uppercase().as_str())
        .uri(uri);
    let pairs: Vec<(String, String)> = match request.headers {
        Headers::List(pairs) => pairs,
        Headers::Map(map) => map
            .into_iter()
            .map(|(name, value)| match value {
                Value::String(value) => (name, value),
                value => (name, value.to_string()),
            })
            .collect(),
    };
    for (name, value) in pairs {
        message = message.header(name, value);
    }
    let body = Full::new(invocation.body.clone())
        .map_err(|never| match never {})
        .boxed_unsync();
    let scheme = match request.scheme.as_str() {
        "https" => Scheme::Https,
        _ => Scheme::Http,
    };
    let message = message.body(body).map_err(|error| error.to_string())?;
    Ok((scheme, message))
}

/// The component's response, in the form that drivers use.
pub(super) fn outgoing(head: &http::response::Parts) -> Value {
    let headers: Vec<(&str, String)> = head
        .headers
        .iter()
        .map(|(name, value)| {
            let text = value.as_bytes().iter().copied().map(char::from).collect();
            (name.as_str(), text)
        })
        .collect();
    json!({ "statusCode": head.status.as_u16(), "headers": headers })
}
