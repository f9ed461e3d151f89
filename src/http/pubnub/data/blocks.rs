//! Requests that functions answer.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::json;

use super::{Refusal, body, correlation, keyset, query, sender};
use crate::app::App;
use crate::pubnub::requests::{self, Answer};

/// Bytes of a body.
const BODY: usize = 1 << 20;

/// Headers that belong to the connection.
const OWN: [&str; 5] = [
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "upgrade",
];

fn error(status: StatusCode, text: &str) -> Response {
    let body = json!({ "status": status.as_u16(), "error": text });
    (status, Json(body)).into_response()
}

pub(super) async fn answer(State(app): State<Arc<App>>, request: Request) -> Response {
    match ask(app, request).await {
        Ok(response) => response,
        Err(refusal) => error(refusal.status, &refusal.text),
    }
}

async fn ask(app: Arc<App>, request: Request) -> Result<Response, Refusal> {
    let (mut parts, sent) = request.into_parts();
    let path = Path::<Vec<String>>::from_request_parts(&mut parts, &()).await;
    let not_found = || error(StatusCode::NOT_FOUND, "No function for this path");
    let Ok(Path(path)) = path else {
        return Ok(not_found());
    };
    let subscribe_key = path.first().map(String::as_str).unwrap_or_default();
    let found = keyset(&app, subscribe_key).await?;
    let bytes = body(sent, BODY).await.map_err(|refusal| Refusal {
        text: match refusal.status {
            StatusCode::PAYLOAD_TOO_LARGE => "The body is too large".to_owned(),
            _ => refusal.text,
        },
        ..refusal
    })?;
    let headers = parts.headers.iter().map(|(name, value)| {
        let value = value.as_bytes().iter().copied().map(char::from).collect();
        (name.as_str().to_owned(), value)
    });
    let (pairs, rest) = query(&parts);
    let asked = requests::Request {
        method: parts.method.as_str().to_owned(),
        path: format!("/{}", path.get(1).map(String::as_str).unwrap_or_default()),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: headers.collect(),
        body: bytes,
        sender: sender(&parts, &pairs, &rest),
        correlation: correlation(&parts),
    };
    let shared = &app.pubnub.shared;
    let answer = requests::answer(shared, &found.project, found.number, asked).await?;
    Ok(match answer {
        Answer::NoFunction => not_found(),
        Answer::Failed => error(StatusCode::INTERNAL_SERVER_ERROR, "Function error"),
        Answer::Function {
            status,
            headers,
            body,
        } => respond(status, headers, body),
    })
}

/// The answer of a function. What no HTTP message can hold is an error of the function.
fn respond(status: u16, headers: Vec<(String, String)>, body: bytes::Bytes) -> Response {
    let failed = || error(StatusCode::INTERNAL_SERVER_ERROR, "Function error");
    let Ok(status) = StatusCode::from_u16(status) else {
        return failed();
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    for (name, value) in headers {
        let Ok(name) = HeaderName::try_from(name) else {
            return failed();
        };
        let Ok(value) = HeaderValue::try_from(value) else {
            return failed();
        };
        if !OWN.contains(&name.as_str()) {
            response.headers_mut().append(name, value);
        }
    }
    response
}
