//! `/proxy/*`: calls of a provider's API with the credentials of a connection.

use std::collections::BTreeMap;

use connectors::call::{Data, Params, Verb};
use connectors::{CallConfig, send};
use serde_json::json;

use super::actions::on_behalf;
use super::connections::failed;
use super::error::Error;
use super::reply::Reply;
use super::request::Request;
use crate::nango::{calls, connections};

/// Caller headers that are passed on begin with this.
const PREFIX: &str = "nango-proxy-";
/// Headers of an answer that belong to the connection.
const OWN: [&str; 6] = [
    "connection",
    "content-length",
    "transfer-encoding",
    "content-encoding",
    "keep-alive",
    "strata-position",
];

/// Passes a call on.
pub async fn call(request: Request) -> Result<Reply, Error> {
    let (connection, integration) = on_behalf(&request)?;
    let shared = &request.app.nango;
    let opened = shared
        .connections
        .open(&request.project, &integration, &connection, false);
    let live = match opened.await {
        Ok(live) => live,
        Err(connections::Error::Integration(id)) => {
            let message = format!("Provider config {id} not found");
            return Err(Error::new(404, "unknown_provider_config", message));
        }
        Err(connections::Error::Connection { connection, .. }) => {
            return Err(Error::unknown_connection(404, &connection));
        }
        Err(error) => return Err(failed(error)),
    };
    let config = config(&request)?;
    match calls::call(&shared.connections, &request.project, &live, &config).await {
        Ok(exchange) => {
            let response = exchange.response;
            let mut reply = Reply::bytes(response.status, "", response.body.into());
            for (name, value) in &response.headers {
                if let Ok(text) = value.to_str()
                    && !OWN.contains(&name.as_str())
                {
                    reply.append(name.as_str(), text);
                }
            }
            Ok(reply)
        }
        Err(send::Error::Request(error)) => {
            Err(Error::new(400, "invalid_proxy_request", error.to_string()))
        }
        Err(send::Error::Failure { failure, .. }) => {
            let error = Error::new(502, "proxy_error", failure.to_string());
            Err(error.with_payload(json!({ "code": failure.code() })))
        }
        Err(error) => Err(Error::new(502, "proxy_error", error.to_string())),
    }
}

fn config(request: &Request) -> Result<CallConfig, Error> {
    let mut headers = BTreeMap::new();
    for (name, value) in &request.headers {
        if let (Some(name), Ok(value)) = (name.as_str().strip_prefix(PREFIX), value.to_str()) {
            headers.insert(name.to_owned(), value.to_owned());
        }
    }
    for name in ["content-type", "accept"] {
        if let Some(value) = request.header(name) {
            headers
                .entry(name.to_owned())
                .or_insert_with(|| value.to_owned());
        }
    }
    let retry_on = request.header("retry-on").map(|text| {
        text.split(',')
            .filter_map(|code| code.trim().parse().ok())
            .collect()
    });
    let invalid = || Error::new(400, "invalid_headers", "Retries must be a number");
    let retries = match request.header("retries") {
        None => 0,
        Some(text) => text.parse().map_err(|_| invalid())?,
    };
    let has_body = !request.bytes.is_empty();
    Ok(CallConfig {
        endpoint: request.in_path("path").to_owned(),
        method: Verb(request.method.clone()),
        params: (!request.raw_query.is_empty()).then(|| Params::Text(request.raw_query.clone())),
        data: has_body.then(|| Data::Bytes(request.bytes.to_vec())),
        headers,
        retries,
        retry_on,
        retry_header: None,
        base_url_override: request.header("base-url-override").map(str::to_owned),
        decompress: request.header("decompress").map(|text| text == "true"),
        forward_headers_on_redirect: None,
    })
}
