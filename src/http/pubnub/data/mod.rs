//! The data plane: where messages come in and go out, and where functions answer HTTP. Keys are in
//! the path, and there is no `Authorization`. Reference: sections 10.6 and 10.8.

mod blocks;
mod browsers;
mod openapi;
mod presence;
mod publish;
mod subscribe;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, DefaultBodyLimit};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router, middleware};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

pub(super) use openapi::describe;
pub(crate) use presence::Event as PresenceEvent;

use crate::app::App;
use crate::http::RequestId;
use crate::pubnub::directory::Found;
use crate::pubnub::dispatch::{Answer, NotSent, Outcome, Sender};

/// The routes, from the root.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route(
            "/publish/{publish_key}/{subscribe_key}/{signature}/{channel}/{callback}/{*payload}",
            get(publish::publish),
        )
        .route(
            "/publish/{publish_key}/{subscribe_key}/{signature}/{channel}/{callback}",
            post(publish::publish_body),
        )
        .route(
            "/signal/{publish_key}/{subscribe_key}/{signature}/{channel}/{callback}/{*payload}",
            get(publish::signal),
        )
        .route(
            "/v2/subscribe/{subscribe_key}/{channels}/{callback}",
            get(subscribe::subscribe),
        )
        .layer(middleware::from_fn(browsers::admit))
        .route("/x/data/{subscribe_key}/presence", post(presence::inject))
        .route("/v1/blocks/sub-key/{subscribe_key}", any(blocks::answer))
        .route("/v1/blocks/sub-key/{subscribe_key}/", any(blocks::answer))
        .route(
            "/v1/blocks/sub-key/{subscribe_key}/{*path}",
            any(blocks::answer),
        )
        .layer(DefaultBodyLimit::disable())
}

/// A refusal in the words of the data plane: `[0, text, timetoken]`.
struct Refusal {
    status: StatusCode,
    text: String,
}

impl Refusal {
    fn new(status: StatusCode, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { status, text }
    }

    fn invalid(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    fn invalid_key() -> Self {
        Self::invalid("Invalid Key")
    }

    fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "Message Too Large")
    }

    fn unavailable(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "the data plane failed");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
    }
}

impl From<NotSent> for Refusal {
    fn from(error: NotSent) -> Self {
        match error {
            NotSent::NoKeyset => Self::invalid_key(),
            NotSent::Unavailable(cause) => Self::unavailable(cause),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        // Of nothing that was sent: the moment.
        let now = jiff::Timestamp::now().as_nanosecond() / 100;
        (self.status, Json((0, self.text, now.to_string()))).into_response()
    }
}

/// What a sender is told.
fn told(answer: &Answer) -> Response {
    let status = match answer.outcome {
        Outcome::Sent { .. } => StatusCode::OK,
        Outcome::Invalid(_) | Outcome::Aborted(_) => StatusCode::BAD_REQUEST,
        Outcome::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Outcome::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, Json(answer.parts())).into_response()
}

async fn keyset(app: &App, subscribe_key: &str) -> Result<Found, Refusal> {
    let shared = &app.pubnub.shared;
    let found = shared.directory.find(shared, subscribe_key).await;
    let found = found.map_err(Refusal::unavailable)?;
    found.ok_or_else(Refusal::invalid_key)
}

/// Reads a body of at most so many bytes.
async fn body(body: axum::body::Body, limit: usize) -> Result<Bytes, Refusal> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refusal::too_large()),
        Err(_) => Err(Refusal::invalid("The request was broken off")),
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

/// Pairs of a query without the credential, and the query without it.
fn query(parts: &Parts) -> (Vec<(String, String)>, String) {
    let raw = parts.uri.query().unwrap_or_default();
    let mut pairs = Vec::new();
    let mut kept = Vec::new();
    for part in raw.split('&').filter(|part| !part.is_empty()) {
        let mut decoded = url::form_urlencoded::parse(part.as_bytes()).into_owned();
        if let Some((name, value)) = decoded.next()
            && name != "auth"
        {
            pairs.push((name, value));
            kept.push(part);
        }
    }
    (pairs, kept.join("&"))
}

/// Who sends a request, as functions are told.
fn sender(parts: &Parts, pairs: &[(String, String)], query: &str) -> Sender {
    let address = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let uri = match query.is_empty() {
        true => parts.uri.path().to_owned(),
        false => format!("{}?{query}", parts.uri.path()),
    };
    Sender {
        ip: address.map_or_else(String::new, |ConnectInfo(address)| address.ip().to_string()),
        origin: header(&parts.headers, "origin").to_owned(),
        agent: header(&parts.headers, "user-agent").to_owned(),
        params: pairs.iter().cloned().collect(),
        uri,
    }
}

fn correlation(parts: &Parts) -> String {
    let id = parts.extensions.get::<RequestId>();
    id.map_or_else(String::new, |id| id.0.to_string())
}
