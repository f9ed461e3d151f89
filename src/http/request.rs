//! What every request gets: an id, a span in the log, a count, a line in the
//! audit log when it is a command and turned away, and an answer even when its
//! handler panics.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use tracing::Instrument;

use super::rejections::{Code, Sender};
use crate::app::App;

/// The id of a request: the client's `X-Request-Id` where it is a sensible one,
/// else a new UUIDv7. Returned in the same header and part of every log line
/// and event that the request causes.
#[derive(Clone, Debug)]
pub struct RequestId(pub Arc<str>);

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST: usize = 128;

pub(super) async fn track(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id: Arc<str> = request
        .headers()
        .get(&HEADER)
        .and_then(|value| value.to_str().ok())
        .filter(|text| (1..=LONGEST).contains(&text.len()))
        .map_or_else(|| uuid::Uuid::now_v7().to_string().into(), Arc::from);
    let id = RequestId(id);
    let sender = Sender::default();
    request.extensions_mut().insert(id.clone());
    request.extensions_mut().insert(sender.clone());
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(|matched| matched.as_str().to_owned());
    // Paths hold ids but no secrets; queries can hold tokens and stay out. Where a message is part
    // of the path, the route says enough.
    let path = match &route {
        Some(route) if route.ends_with("{*payload}") => route.clone(),
        _ => request.uri().path().to_owned(),
    };
    let span = tracing::info_span!("request", id = %id.0, %method, %path);
    let begun = Instant::now();
    let answer = std::panic::AssertUnwindSafe(next.run(request)).catch_unwind();
    let mut response = answer
        .instrument(span.clone())
        .await
        .unwrap_or_else(|panic| {
            let text = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned());
            tracing::error!(parent: &span, panic = text, "a handler panicked");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        });
    let elapsed = begun.elapsed();
    let status = response.status().as_u16();
    app.metrics
        .request(&method, route.as_deref().unwrap_or("none"), status, elapsed);
    tracing::debug!(parent: &span, status, elapsed_us = elapsed.as_micros() as u64, "answered");
    // A path that is nobody's is no command.
    if route.is_some() && !method.is_safe() && (400..500).contains(&status) {
        let code = response.extensions().get().map_or("", |Code(code)| code);
        let kept = app
            .rejections
            .keep(&sender, &id, (&method, &path), (status, code));
        app.metrics.rejected(kept);
    }
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        let retry_after = response.headers_mut().entry(RETRY_AFTER);
        retry_after.or_insert(HeaderValue::from_static("1"));
    }
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}
