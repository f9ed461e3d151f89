//! What a handler answers.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

use crate::bus::Committed;
use crate::http::position_header;

/// An answer that is not an error.
#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Body,
}

impl Reply {
    /// A JSON value.
    pub fn json(status: u16, value: Value) -> Self {
        Self::bytes(
            status,
            "application/json; charset=utf-8",
            value.to_string().into(),
        )
    }

    /// Bytes of some type; no type at all when it is empty.
    pub fn bytes(status: u16, media_type: &str, bytes: Bytes) -> Self {
        let mut reply = Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            headers: HeaderMap::new(),
            body: Body::from(bytes),
        };
        if !media_type.is_empty() {
            reply.header("content-type", media_type);
        }
        reply
    }

    /// Sets a header. A value that cannot be one is left out.
    pub fn header(&mut self, name: &str, value: &str) {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        ) {
            self.headers.insert(name, value);
        }
    }

    /// Adds a header that may be there already.
    pub fn append(&mut self, name: &str, value: &str) {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        ) {
            self.headers.append(name, value);
        }
    }

    /// Says where the change that this answers was made durable.
    pub fn committed(mut self, committed: &Committed) -> Self {
        let (name, value) = position_header(committed);
        self.headers.insert(name, value);
        self
    }

    /// The same, if there was a change.
    pub fn maybe_committed(self, committed: Option<&Committed>) -> Self {
        match committed {
            Some(committed) => self.committed(committed),
            None => self,
        }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        // Clients in browsers read these.
        let exposed =
            "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Strata-Position";
        let headers = response.headers_mut();
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
            HeaderValue::from_static("*"),
        );
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static(exposed),
        );
        response
    }
}
