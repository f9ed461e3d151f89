//! HTTP calls of functions: through the proxy of a connection, or plain.

use std::collections::BTreeMap;

use connectors::call::{Data, Params, Verb};
use connectors::{CallConfig, Failure, send};
use sandbox::outbound::{self, Redirect};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answered, Failed, Host, HttpCall, just};
use crate::nango::{calls, connections, transport};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Call {
    method: String,
    endpoint: String,
    params: Option<Params>,
    #[serde(default)]
    headers: BTreeMap<String, Value>,
    #[serde(default)]
    retries: Option<f64>,
    retry_on: Option<Vec<u16>>,
    base_url_override: Option<String>,
    retry_header: Option<connectors::call::RetryHeader>,
    decompress: Option<bool>,
    forward_headers_on_redirect: Option<bool>,
    provider_config_key: Option<String>,
    connection_id: Option<String>,
    body: String,
    content_type: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Fetch {
    url: String,
    method: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

fn failure(code: &str, message: impl std::fmt::Display) -> Answered {
    just(json!({ "failure": { "code": code, "message": message.to_string() } }))
}

fn phrase(status: u16) -> &'static str {
    let status = http::StatusCode::from_u16(status).ok();
    status
        .and_then(|status| status.canonical_reason())
        .unwrap_or_default()
}

impl Host {
    pub(super) async fn http(&self, call: Call, data: Vec<u8>) -> Answered {
        let method = call.method.to_ascii_uppercase();
        if let Some(answer) = self.not_sent(&method, &call.endpoint) {
            return answer;
        }
        let run = self.run();
        let integration = call
            .provider_config_key
            .as_deref()
            .unwrap_or(&run.integration);
        let connection = call.connection_id.as_deref().unwrap_or(&run.connection);
        let connections = &self.shared().connections;
        let live = match connections
            .open(&run.project, integration, connection, false)
            .await
        {
            Ok(live) => live,
            Err(connections::Error::Credentials(text)) => {
                return failure("invalid_credentials", text);
            }
            Err(error) => return failure("unknown_connection", error),
        };
        let config = config(call, &method, data)?;
        let base = config.base_url_override.clone();
        let sent = calls::call(connections, &run.project, &live, &config).await;
        let shown = base.unwrap_or_default() + &config.endpoint;
        match sent {
            Ok(exchange) => {
                let response = exchange.response;
                let url = shown_url(&exchange.request.url);
                self.note_call(HttpCall {
                    method: method.clone(),
                    url: url.clone(),
                    status: Some(response.status),
                    attempts: exchange.attempts,
                    not_sent: false,
                    after: 0,
                });
                let value = json!({
                    "status": response.status,
                    "statusText": phrase(response.status),
                    "headers": headers(&response.headers),
                    "url": url,
                    "method": method,
                });
                Ok((value, response.body))
            }
            Err(error) => {
                let attempts = match &error {
                    send::Error::Failure { attempts, .. } => *attempts,
                    _ => 0,
                };
                self.note_call(HttpCall {
                    method,
                    url: shown,
                    status: None,
                    attempts,
                    not_sent: false,
                    after: 0,
                });
                match error {
                    send::Error::Failure {
                        failure: Failure::Other(text),
                        ..
                    } => failure("ERR_NETWORK", text),
                    send::Error::Failure {
                        failure: passing, ..
                    } => failure(passing.code(), passing),
                    error => failure("invalid_request", error),
                }
            }
        }
    }

    /// What a dry run that writes nothing answers to a call that writes.
    fn not_sent(&self, method: &str, endpoint: &str) -> Option<Answered> {
        let trial = self.trying()?;
        if !trial.no_writes || matches!(method, "GET" | "HEAD" | "OPTIONS") {
            return None;
        }
        let found = trial.recordings.iter().find(|recording| {
            recording.method.eq_ignore_ascii_case(method)
                && recording.endpoint.trim_start_matches('/') == endpoint.trim_start_matches('/')
        });
        let found = found.cloned();
        drop(trial);
        self.note_call(HttpCall {
            method: method.to_owned(),
            url: endpoint.to_owned(),
            status: found.as_ref().map(|recording| recording.status),
            attempts: 0,
            not_sent: true,
            after: 0,
        });
        Some(match found {
            None => failure(
                "write_refused",
                format!(
                    "{method} {endpoint} was not sent: this dry run writes nothing, and no recording answers the call"
                ),
            ),
            Some(recording) => {
                let mut headers = recording.headers;
                headers
                    .entry("content-type".to_owned())
                    .or_insert_with(|| "application/json".to_owned());
                let value = json!({
                    "status": recording.status,
                    "statusText": phrase(recording.status),
                    "headers": headers,
                    "url": endpoint,
                    "method": method,
                });
                Ok((value, recording.data.to_string().into_bytes()))
            }
        })
    }

    /// A plain request, without credentials.
    pub(super) async fn fetch(&self, fetch: Fetch, data: Vec<u8>) -> Answered {
        let method = fetch.method.to_ascii_uppercase();
        if let Some(answer) = self.not_sent(&method, &fetch.url) {
            return answer;
        }
        let request = outbound::Request {
            url: fetch.url.clone(),
            method: method.clone(),
            headers: fetch.headers.into_iter().collect(),
            redirect: Redirect::Follow,
            body: !data.is_empty(),
        };
        let outbound = &self.shared().connections.outbound().0;
        let answer = outbound.send(request, data).await;
        self.note_call(HttpCall {
            method,
            url: fetch.url,
            status: answer.as_ref().ok().map(|response| response.status),
            attempts: 1,
            not_sent: false,
            after: 0,
        });
        match answer {
            Ok(response) => {
                let value = json!({
                    "status": response.status,
                    "statusText": response.status_text,
                    "headers": response.headers.iter().cloned().collect::<BTreeMap<_, _>>(),
                    "url": response.url,
                });
                Ok((value, response.body))
            }
            Err(error @ (outbound::Error::Private(_) | outbound::Error::Host(_))) => {
                failure("url_not_allowed", error)
            }
            Err(outbound::Error::Http(cause)) if cause.contains("not a public address") => {
                failure("url_not_allowed", cause)
            }
            Err(error) => {
                let passing = transport::failure(&error);
                failure(passing.code(), passing)
            }
        }
    }
}

fn config(call: Call, method: &str, data: Vec<u8>) -> Result<CallConfig, Failed> {
    let method = method
        .parse()
        .map_err(|_| Failed(format!("`{method}` is not a method of a call")))?;
    let mut headers = BTreeMap::new();
    for (name, value) in call.headers {
        match value {
            Value::Null => {}
            Value::String(text) => {
                headers.insert(name, text);
            }
            value => {
                headers.insert(name, value.to_string());
            }
        }
    }
    if let Some(kind) = call.content_type {
        headers.entry("content-type".to_owned()).or_insert(kind);
    }
    Ok(CallConfig {
        endpoint: call.endpoint,
        method: Verb(method),
        params: call.params,
        data: (call.body != "none").then_some(Data::Bytes(data)),
        headers,
        retries: call.retries.unwrap_or(0.0).clamp(0.0, 1000.0) as u32,
        retry_on: call.retry_on,
        retry_header: call.retry_header,
        base_url_override: call.base_url_override,
        decompress: call.decompress,
        forward_headers_on_redirect: call.forward_headers_on_redirect,
    })
}

/// Several values of one name are joined, as Node.js does.
fn headers(headers: &http::HeaderMap) -> Value {
    let mut shown = serde_json::Map::new();
    for name in headers.keys() {
        let values: Vec<String> = headers
            .get_all(name)
            .iter()
            .map(|value| value.as_bytes().iter().copied().map(char::from).collect())
            .collect();
        let value = match (name.as_str(), values.as_slice()) {
            ("set-cookie", values) => json!(values),
            (_, values) => values.join(", ").into(),
        };
        shown.insert(name.as_str().to_owned(), value);
    }
    Value::Object(shown)
}

/// Without what could be a credential.
fn shown_url(url: &url::Url) -> String {
    let mut shown = url.clone();
    let _ = shown.set_password(None);
    let _ = shown.set_username("");
    shown.to_string()
}
