//! Publish, fire and signal.

use std::io::Read as _;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, Request, State};
use axum::response::Response;
use bytes::Bytes;
use flate2::read::{GzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use serde_json::Value;

use super::{Refusal, body, correlation, keyset, query, sender, told};
use crate::app::App;
use crate::pubnub::dispatch::{self, Sent, Verb};

/// Bytes of a body: more than a message may have as compact JSON.
const BODY: usize = 128 << 10;

pub(super) async fn publish(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Refusal> {
    send(app, request, false, false).await
}

pub(super) async fn publish_body(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Refusal> {
    send(app, request, true, false).await
}

pub(super) async fn signal(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Refusal> {
    send(app, request, false, true).await
}

/// A body as it was before its sender made it smaller; the SDKs do so with what they post.
fn inflated(headers: &HeaderMap, bytes: Bytes) -> Result<Bytes, Refusal> {
    let encoding = headers.get(CONTENT_ENCODING);
    let encoding = encoding.map_or(Ok("identity"), |value| value.to_str());
    let mut plain = Vec::new();
    let most = BODY as u64 + 1;
    let read = match encoding.map(str::to_ascii_lowercase).as_deref() {
        Ok("identity" | "") => return Ok(bytes),
        Ok("deflate") => ZlibDecoder::new(&*bytes).take(most).read_to_end(&mut plain),
        Ok("gzip") => GzDecoder::new(&*bytes).take(most).read_to_end(&mut plain),
        _ => return Err(Refusal::invalid("Invalid Encoding")),
    };
    match read {
        Ok(length) if length > BODY => Err(Refusal::too_large()),
        Ok(_) => Ok(plain.into()),
        Err(_) => Err(Refusal::invalid("Invalid Encoding")),
    }
}

async fn send(
    app: Arc<App>,
    request: Request,
    in_body: bool,
    is_signal: bool,
) -> Result<Response, Refusal> {
    let (mut parts, sent) = request.into_parts();
    let path = Path::<Vec<String>>::from_request_parts(&mut parts, &()).await;
    // It fails only for escapes that are no text.
    let Path(path) = path.map_err(|_| Refusal::invalid("Invalid JSON"))?;
    let [publish_key, subscribe_key, _, channel, ..] = path.as_slice() else {
        return Err(Refusal::invalid("Invalid Arguments"));
    };
    let found = keyset(&app, subscribe_key).await?;
    if found.keyset.publish_key != *publish_key {
        return Err(Refusal::invalid_key());
    }
    let not_json = || Refusal::invalid("Invalid JSON");
    let bytes = match (in_body, path.get(5)) {
        (true, _) => inflated(&parts.headers, body(sent, BODY).await?)?,
        (false, Some(payload)) => payload.clone().into(),
        (false, None) => return Err(not_json()),
    };
    let message: Value = serde_json::from_slice(&bytes).map_err(|_| not_json())?;
    let (pairs, rest) = query(&parts);
    let value = |name: &str| {
        let mut pairs = pairs.iter();
        let found = pairs.find(|(have, _)| have == name);
        found.map(|(_, value)| value.as_str())
    };
    let meta = value("meta").filter(|meta| !meta.is_empty());
    let meta = meta.map(serde_json::from_str).transpose();
    let fires = value("store") == Some("0") && matches!(value("norep"), Some("true" | "1"));
    let sent = Sent {
        verb: match (is_signal, fires) {
            (true, _) => Verb::Signal,
            (false, true) => Verb::Fire,
            (false, false) => Verb::Publish,
        },
        channel: channel.clone(),
        message,
        meta: meta.map_err(|_| not_json())?,
        user: value("uuid").map(str::to_owned),
        sender: sender(&parts, &pairs, &rest),
        hop: 0,
        correlation: correlation(&parts),
    };
    let shared = &app.pubnub.shared;
    let answer = dispatch::send(shared, &found.project, found.number, sent).await?;
    Ok(told(&answer))
}
