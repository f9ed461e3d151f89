//! What a handler answers, and the envelope around it: `{"data", "meta", "errors"}` (section 2).

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use super::time;
use crate::auth::now_ms;
use crate::bus::Committed;
use crate::http::position_header;

/// What every envelope of one response tells.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// The id of the caller, or one that was made for it.
    pub correlation: String,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    status: u16,
    content: Content,
    paging: Option<Value>,
    headers: HeaderMap,
}

#[derive(Debug)]
enum Content {
    Data(Value),
    Errors(Value),
    Empty,
}

impl Reply {
    /// An entity, or a list without pages.
    pub fn data(status: u16, data: Value) -> Self {
        Self::new(status, Content::Data(data))
    }

    /// A page of a list, with what is told about pages.
    pub fn page(rows: Vec<Value>, paging: Value) -> Self {
        Self {
            paging: Some(paging),
            ..Self::data(200, Value::Array(rows))
        }
    }

    /// 204.
    pub fn empty() -> Self {
        Self::new(204, Content::Empty)
    }

    /// An error, as [`super::error::Error`] tells it.
    pub(super) fn refusal(status: u16, errors: Value) -> Self {
        Self::new(status, Content::Errors(errors))
    }

    fn new(status: u16, content: Content) -> Self {
        Self {
            status,
            content,
            paging: None,
            headers: HeaderMap::new(),
        }
    }

    /// Sets a header. A value that cannot be one is left out.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// Says where the change that this answers was made durable, and the sequence that `If-Match`
    /// may name.
    pub fn committed(mut self, committed: &Committed) -> Self {
        let (name, value) = position_header(committed);
        self.headers.insert(name, value);
        let tag = format!("\"{}\"", committed.sequence);
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            self.headers.insert(header::ETAG, tag);
        }
        self
    }

    /// The response.
    pub fn respond(self, envelope: &Envelope) -> Response {
        let mut meta = json!({
            "timestamp": time::format(now_ms()),
            "correlationId": envelope.correlation,
        });
        if let Some(paging) = self.paging {
            meta["paging"] = paging;
        }
        let mut body = Map::new();
        let mut errors = json!([]);
        match self.content {
            Content::Data(data) => {
                body.insert("data".to_owned(), data);
            }
            Content::Errors(told) => errors = told,
            Content::Empty => {}
        }
        body.insert("meta".to_owned(), meta);
        body.insert("errors".to_owned(), errors);
        let mut response = Response::new(match self.status {
            204 => Body::empty(),
            _ => Body::from(Value::Object(body).to_string()),
        });
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        *response.headers_mut() = self.headers;
        let headers = response.headers_mut();
        if self.status != 204 {
            let json = HeaderValue::from_static("application/json");
            headers.insert(header::CONTENT_TYPE, json);
        }
        if let Ok(id) = HeaderValue::from_str(&envelope.correlation) {
            headers.insert("x-correlation-id", id);
        }
        response
    }
}
