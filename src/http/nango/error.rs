//! The one place where errors of this dialect become responses:
//! `{"error": {"code", "message"?, "errors"?, "payload"?}}`.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::reply::Reply;
use crate::bus;
use crate::http::{Code, as_of};

/// One entry of `errors[]`: where and why a value was not accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct Issue {
    /// The validator's code, for example `too_small`.
    pub code: &'static str,
    /// Its text.
    pub message: String,
    /// Names on the way to the value.
    pub path: Vec<String>,
}

/// A request that is refused. Small, as it is part of every result.
#[derive(Debug)]
pub struct Error(Box<Told>);

/// What is told about it.
#[derive(Debug)]
struct Told {
    status: u16,
    code: &'static str,
    message: Option<String>,
    errors: Option<Value>,
    payload: Option<Value>,
    /// Members beside `code`.
    more: Vec<(&'static str, Value)>,
    headers: Vec<(&'static str, String)>,
}

impl Error {
    /// With a status and a code only.
    pub fn bare(status: u16, code: &'static str) -> Self {
        Self(Box::new(Told {
            status,
            code,
            message: None,
            errors: None,
            payload: None,
            more: Vec::new(),
            headers: Vec::new(),
        }))
    }

    /// With a text for people.
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        let mut error = Self::bare(status, code);
        error.0.message = Some(message.into());
        error
    }

    /// With what was not accepted; these have no message.
    pub fn invalid(code: &'static str, issues: &[Issue]) -> Self {
        let entries = issues
            .iter()
            .map(|issue| json!({"code": issue.code, "message": issue.message, "path": issue.path}));
        Self::bare(400, code).with_errors(entries.collect())
    }

    /// One thing in the body that no validator can see.
    pub fn body(code: &'static str, message: impl Into<String>, path: &[&str]) -> Self {
        Self::invalid(
            "invalid_body",
            &[Issue {
                code,
                message: message.into(),
                path: path.iter().map(|name| (*name).to_owned()).collect(),
            }],
        )
    }

    /// Who asks is not known. An older helper of the dialect answers these: always with a payload.
    pub fn unauthorized(code: &'static str, message: &str) -> Self {
        Self::new(401, code, message).with_payload(json!({}))
    }

    /// The key does not reach this far.
    pub fn scope(needed: &[&str]) -> Self {
        let message = match needed {
            [one] => format!("Insufficient scope. Required: {one}"),
            several => format!(
                "Insufficient scope. Required one of: {}",
                several.join(" or ")
            ),
        };
        Self::new(403, "forbidden", message)
    }

    /// There is no such integration.
    pub fn integration(id: &str) -> Self {
        let message = format!("Integration '{id}' was not found");
        Self::new(404, "integration_not_found", message)
    }

    /// There is no such connection.
    pub fn connection(id: &str, integration: &str) -> Self {
        let message = format!("Connection '{id}' was not found for integration '{integration}'");
        Self::new(404, "connection_not_found", message)
    }

    /// The same as older endpoints say it: with 400, or 404.
    pub fn unknown_connection(status: u16, id: &str) -> Self {
        let message = format!("No connection matching the connection_id '{id}'");
        Self::new(status, "unknown_connection", message)
    }

    /// What the request needs is not there right now.
    pub fn unavailable(cause: &str) -> Self {
        tracing::error!(cause, "a request cannot be served");
        Self::new(
            503,
            "execution_environment_unavailable",
            "The function execution environment is temporarily unavailable. Please try again shortly.",
        )
    }

    /// A fault of ours.
    pub fn internal(cause: &str) -> Self {
        tracing::error!(cause, "a request failed");
        Self::new(500, "server_error", "An unexpected error occurred.")
    }

    /// With `payload`.
    pub fn with_payload(mut self, payload: Value) -> Self {
        self.0.payload = Some(payload);
        self
    }

    /// With structured messages.
    pub fn with_errors(mut self, errors: Value) -> Self {
        self.0.errors = Some(errors);
        self
    }

    /// With another member beside the code.
    pub fn with(mut self, name: &'static str, value: Value) -> Self {
        self.0.more.push((name, value));
        self
    }

    /// With a header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.headers.push((name, value.into()));
        self
    }
}

impl Told {
    fn envelope(&self) -> Value {
        let mut error = json!({"code": self.code});
        if let Some(message) = &self.message {
            error["message"] = message.as_str().into();
        }
        if let Some(errors) = &self.errors {
            error["errors"] = errors.clone();
        }
        if let Some(payload) = &self.payload {
            error["payload"] = payload.clone();
        }
        for (name, value) in &self.more {
            error[*name] = value.clone();
        }
        json!({"error": error})
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let told = self.0;
        let mut reply = Reply::json(told.status, told.envelope());
        for (name, value) in &told.headers {
            reply.header(name, value);
        }
        let mut response = reply.into_response();
        if let Ok(status) = StatusCode::from_u16(told.status) {
            *response.status_mut() = status;
        }
        response.extensions_mut().insert(Code(told.code));
        response
    }
}

impl From<projections::Error> for Error {
    fn from(error: projections::Error) -> Self {
        Self::unavailable(&error.to_string())
    }
}

impl From<as_of::Error> for Error {
    fn from(error: as_of::Error) -> Self {
        match error {
            as_of::Error::Journal(error) => Self::unavailable(&error.to_string()),
            error => Self::invalid(
                "invalid_query_params",
                &[Issue {
                    code: "custom",
                    message: error.to_string(),
                    path: vec!["as_of".to_owned()],
                }],
            ),
        }
    }
}

impl From<crate::vault::Error> for Error {
    fn from(error: crate::vault::Error) -> Self {
        match error {
            crate::vault::Error::Database(error) => Self::unavailable(&error.to_string()),
            error => Self::internal(&error.to_string()),
        }
    }
}

impl From<crate::blobs::Error> for Error {
    fn from(error: crate::blobs::Error) -> Self {
        Self::unavailable(&error.to_string())
    }
}

/// What the bus says that no aggregate decides. A handler answers its aggregate's refusals first.
impl<E: std::error::Error> From<bus::Error<E>> for Error {
    fn from(error: bus::Error<E>) -> Self {
        match error {
            bus::Error::Refused(refused) => Self::new(409, "conflict", refused.to_string()),
            bus::Error::Conflict => Self::new(409, "conflict", error.to_string()),
            bus::Error::PreconditionFailed { .. } => {
                Self::new(412, "precondition_failed", error.to_string())
            }
            bus::Error::KeyReused => Self::new(422, "idempotency_key_reused", error.to_string()),
            bus::Error::Unavailable(error) => Self::unavailable(&error.to_string()),
            bus::Error::Unreadable(error) => Self::internal(&error.to_string()),
        }
    }
}
