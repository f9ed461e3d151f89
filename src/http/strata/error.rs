//! The one place where errors of this API become responses.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::http::{Code, as_of};

/// What can go wrong with a request.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such path.
    #[error("there is nothing at {0}")]
    NoRoute(String),
    /// The path exists, the method on it does not.
    #[error("this method is not allowed here")]
    MethodNotAllowed,
    /// No key, or not one of ours.
    #[error("a valid key is needed: Authorization: Bearer <key>")]
    Unauthorized,
    /// The key does not reach this far.
    #[error("this key does not allow {0}")]
    Forbidden(&'static str),
    /// Something in the request is not as it must be.
    #[error("{0}")]
    Invalid(String),
    /// There is no such thing.
    #[error("{0} does not exist")]
    NotFound(String),
    /// It is there already.
    #[error("{0} exists already")]
    AlreadyExists(String),
    /// Others changed it at the same time.
    #[error("{0}")]
    Conflict(String),
    /// `If-Match` does not hold.
    #[error("{0}")]
    PreconditionFailed(String),
    /// The idempotency key was used for another request.
    #[error("this Idempotency-Key was used for another request")]
    KeyReused,
    /// Something below is not there right now.
    #[error("the server cannot do this right now")]
    Unavailable(String),
    /// Something below is broken.
    #[error("the server failed")]
    Internal(String),
}

impl Error {
    fn parts(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NoRoute(_) => (StatusCode::NOT_FOUND, "route_not_found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden"),
            Self::Invalid(_) => (StatusCode::BAD_REQUEST, "invalid_argument"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
            Self::AlreadyExists(_) => (StatusCode::CONFLICT, "already_exists"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
            Self::PreconditionFailed(_) => (StatusCode::PRECONDITION_FAILED, "precondition_failed"),
            Self::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
            Self::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, code) = self.parts();
        if let Self::Unavailable(cause) | Self::Internal(cause) = &self {
            tracing::error!(code, cause, "a request failed");
        }
        let body = json!({"error": {"code": code, "message": self.to_string()}});
        let mut response = (status, Json(body)).into_response();
        response.extensions_mut().insert(Code(code));
        response
    }
}

impl From<as_of::Error> for Error {
    fn from(error: as_of::Error) -> Self {
        match error {
            as_of::Error::Journal(error) => Self::Unavailable(error.to_string()),
            error => Self::Invalid(error.to_string()),
        }
    }
}

impl From<projections::Error> for Error {
    fn from(error: projections::Error) -> Self {
        match error {
            projections::Error::CursorNotFound(_) => Self::Invalid(error.to_string()),
            error => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<crate::bus::Error<aggregates::project::Error>> for Error {
    fn from(error: crate::bus::Error<aggregates::project::Error>) -> Self {
        use crate::bus::Error as Bus;
        use aggregates::project::Error as Refused;
        match error {
            Bus::Refused(Refused::NotFound) => Self::NotFound("the project".to_owned()),
            Bus::Refused(Refused::AlreadyExists) => {
                Self::AlreadyExists("a project with this id".to_owned())
            }
            Bus::Refused(Refused::KeyNotFound(id)) => Self::NotFound(format!("the key {id}")),
            Bus::Refused(Refused::KeyAlreadyExists(id)) => {
                Self::AlreadyExists(format!("the key {id}"))
            }
            Bus::Conflict => Self::Conflict(error.to_string()),
            Bus::PreconditionFailed { .. } => Self::PreconditionFailed(error.to_string()),
            Bus::KeyReused => Self::KeyReused,
            Bus::Unavailable(error) => Self::Unavailable(error.to_string()),
            Bus::Unreadable(error) => Self::Internal(error.to_string()),
        }
    }
}

impl From<crate::bus::Error<aggregates::keyset::Error>> for Error {
    fn from(error: crate::bus::Error<aggregates::keyset::Error>) -> Self {
        use crate::bus::Error as Bus;
        use aggregates::keyset::Error as Refused;
        match error {
            Bus::Refused(Refused::NotFound) => Self::NotFound("the keyset".to_owned()),
            Bus::Refused(refused) => Self::Conflict(refused.to_string()),
            Bus::Conflict => Self::Conflict(error.to_string()),
            Bus::PreconditionFailed { .. } => Self::PreconditionFailed(error.to_string()),
            Bus::KeyReused => Self::KeyReused,
            Bus::Unavailable(error) => Self::Unavailable(error.to_string()),
            Bus::Unreadable(error) => Self::Internal(error.to_string()),
        }
    }
}

impl From<crate::vault::Error> for Error {
    fn from(error: crate::vault::Error) -> Self {
        match error {
            crate::vault::Error::Database(error) => Self::Unavailable(error.to_string()),
            error => Self::Internal(error.to_string()),
        }
    }
}
