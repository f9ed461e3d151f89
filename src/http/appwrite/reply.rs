//! What a handler answers.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

use crate::bus::Committed;

/// An answer that is not an error.
#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    committed: Option<Committed>,
}

impl Reply {
    fn new(status: u16, media_type: &'static str, body: Bytes) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            headers,
            body,
            committed: None,
        }
    }

    /// A JSON value.
    pub fn json(status: u16, value: Value) -> Self {
        Self::new(
            status,
            "application/json; charset=UTF-8",
            value.to_string().into(),
        )
    }

    /// Nothing. The content type is there because clients look at it, and is
    /// not JSON because they would parse the nothing.
    pub fn empty() -> Self {
        Self::new(204, "text/html; charset=UTF-8", Bytes::new())
    }

    /// Text for people.
    pub fn text(text: &'static str) -> Self {
        Self::new(
            200,
            "text/plain; charset=UTF-8",
            Bytes::from_static(text.as_bytes()),
        )
    }

    /// Bytes of some type.
    pub fn bytes(status: u16, media_type: &str, bytes: Bytes) -> Self {
        let mut reply = Self::new(status, "application/octet-stream", bytes);
        reply.header("content-type", media_type);
        reply
    }

    /// Sets a header. A value that cannot be one is left out.
    pub fn header(&mut self, name: &'static str, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
    }

    /// Says where the change that this answers was made durable.
    pub fn committed(mut self, committed: Committed) -> Self {
        self.committed = Some(committed);
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        if let Some(committed) = self.committed {
            let (name, value) = crate::http::position_header(&committed);
            response.headers_mut().insert(name, value);
            if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", committed.sequence)) {
                response.headers_mut().insert(header::ETAG, tag);
            }
        }
        response
    }
}
