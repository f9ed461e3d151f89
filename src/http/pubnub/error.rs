//! The one place where errors of this dialect become responses: an envelope without `data`, with
//! at least one `{"code", "message"}` in `errors`. Codes and statuses are those of section 3 of the
//! reference.

use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::reply::{Envelope, Reply};
use crate::bus;
use crate::config::NotFoundProfile;
use crate::http::as_of;

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Invalid,
    Forbidden,
    NoRoute,
    Method,
    NotAcceptable,
    NotUnique,
    MediaType,
    Internal,
    CorrelationId,
    NoCredentials,
    BadCredentials,
    NotJson,
    PackageLimit,
    FunctionLimit,
    BadDate,
    CannotStart,
    CannotStop,
    EventNotDeletable,
    StartFailed,
    StopFailed,
    DeploymentNotDeletable,
    AlreadyAssigned,
    PackageActive,
    RevisionActive,
    BadToken,
    PageSize,
    NoSubkey,
    NoSuchKey,
    UnknownSubkey,
    Parameter,
    SecretStore,
    NotPaged,
    TestInputLimit,
    RunningLimit,
    RateLimit,
    KeysetLimit,
    NotCompiled,
    RouteConflict,
    TooLarge,
    PreconditionFailed,
    KeyReused,
}

impl Kind {
    /// The code, and the status that it comes with.
    pub fn code(self) -> (&'static str, u16) {
        match self {
            Self::Invalid => ("FAAS-400", 400),
            Self::Forbidden => ("FAAS-403", 403),
            Self::NoRoute => ("FAAS-404", 404),
            Self::Method => ("FAAS-405", 405),
            Self::NotAcceptable => ("FAAS-406", 406),
            Self::NotUnique => ("FAAS-409", 409),
            Self::MediaType => ("FAAS-415", 415),
            Self::Internal => ("FAAS-500", 500),
            Self::CorrelationId => ("FAAS-1000", 400),
            Self::NoCredentials => ("FAAS-1001", 401),
            Self::BadCredentials => ("FAAS-1002", 401),
            Self::NotJson => ("FAAS-1003", 400),
            Self::PackageLimit => ("FAAS-1005", 422),
            Self::FunctionLimit => ("FAAS-1006", 422),
            Self::BadDate => ("FAAS-1007", 400),
            Self::CannotStart => ("FAAS-1008", 423),
            Self::CannotStop => ("FAAS-1009", 423),
            Self::EventNotDeletable => ("FAAS-1010", 409),
            Self::StartFailed => ("FAAS-1012", 500),
            Self::StopFailed => ("FAAS-1013", 500),
            Self::DeploymentNotDeletable => ("FAAS-1014", 409),
            Self::AlreadyAssigned => ("FAAS-1015", 409),
            Self::PackageActive => ("FAAS-1016", 409),
            Self::RevisionActive => ("FAAS-1017", 409),
            Self::BadToken => ("FAAS-1018", 400),
            Self::PageSize => ("FAAS-1019", 400),
            Self::NoSubkey => ("FAAS-1020", 400),
            Self::NoSuchKey => ("FAAS-1021", 400),
            Self::UnknownSubkey => ("FAAS-1022", 400),
            Self::Parameter => ("FAAS-1023", 400),
            Self::SecretStore => ("FAAS-1024", 500),
            Self::NotPaged => ("FAAS-1029", 400),
            // The reference gives these two to one limit.
            Self::TestInputLimit => ("FAAS-400", 422),
            Self::RunningLimit => ("FAAS-9001", 422),
            Self::RateLimit => ("FAAS-9002", 429),
            Self::KeysetLimit => ("FAAS-9003", 422),
            Self::NotCompiled => ("FAAS-9004", 422),
            Self::RouteConflict => ("FAAS-9005", 409),
            Self::TooLarge => ("FAAS-9006", 413),
            // Beyond the dialect: `If-Match` and `Idempotency-Key` are Strata's.
            Self::PreconditionFailed => ("FAAS-9007", 412),
            Self::KeyReused => ("FAAS-9008", 422),
        }
    }
}

/// A request that is refused. Small, as it is part of every result.
#[derive(Debug)]
pub struct Error(Box<Told>);

#[derive(Debug)]
enum Told {
    /// One kind; as many texts as there are faults, in the order of the fields.
    Kind(Kind, Vec<String>, Vec<(&'static str, String)>),
    /// Nothing has this id, as far as the caller may know.
    Missing { kind: &'static str, id: String },
}

impl Error {
    /// One fault.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self::several(kind, vec![message.into()])
    }

    /// Several faults of one kind, in the order of the fields.
    pub fn several(kind: Kind, messages: Vec<String>) -> Self {
        Self(Box::new(Told::Kind(kind, messages, Vec::new())))
    }

    /// A parameter or a member of the body is not as it must be.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    /// There is no such thing in the caller's account. `kind` is its name for people, for example
    /// `Package`.
    pub fn missing(kind: &'static str, id: impl ToString) -> Self {
        let id = id.to_string();
        Self(Box::new(Told::Missing { kind, id }))
    }

    /// The key does not reach this far.
    pub fn forbidden(permission: &str) -> Self {
        let message = format!("The permission {permission} is missing");
        Self::new(Kind::Forbidden, message)
    }

    /// A fault of ours, or of what is below us.
    pub fn internal(cause: &str) -> Self {
        tracing::error!(cause, "a request failed");
        Self::new(Kind::Internal, "An unexpected error occurred")
    }

    /// With a header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Told::Kind(_, _, headers) = &mut *self.0 {
            headers.push((name, value.into()));
        }
        self
    }

    /// The response to it.
    pub fn respond(self, profile: NotFoundProfile, envelope: &Envelope) -> Response {
        let (code, status, messages, headers) = match *self.0 {
            Told::Kind(kind, messages, headers) => {
                let (code, status) = kind.code();
                (code, status, messages, headers)
            }
            Told::Missing { kind, id } => {
                let (code, status, message) = match profile {
                    NotFoundProfile::Examples => ("FAAS-404", 404, "Entity not found".to_owned()),
                    NotFoundProfile::Table => {
                        let message = format!("{kind} with ID [{id}] was not found!");
                        ("FAAS-1004", 400, message)
                    }
                };
                (code, status, vec![message], Vec::new())
            }
        };
        let errors: Vec<Value> = messages
            .into_iter()
            .map(|message| json!({"code": code, "message": message}))
            .collect();
        let mut response = Reply::refusal(status, errors.into()).respond(envelope);
        for (name, value) in headers {
            if let Ok(value) = value.parse() {
                response.headers_mut().insert(name, value);
            }
        }
        response.extensions_mut().insert(crate::http::Code(code));
        response.into_response()
    }

    /// What the bus says, where `refused` tells what the aggregate decided.
    pub fn of_bus<E: std::error::Error>(
        error: bus::Error<E>,
        refused: impl FnOnce(E) -> Self,
    ) -> Self {
        match error {
            bus::Error::Refused(error) => refused(error),
            bus::Error::Conflict => Self::new(Kind::NotUnique, error.to_string()),
            bus::Error::PreconditionFailed { .. } => {
                Self::new(Kind::PreconditionFailed, error.to_string())
            }
            bus::Error::KeyReused => Self::new(Kind::KeyReused, error.to_string()),
            bus::Error::Unavailable(error) => Self::internal(&error.to_string()),
            bus::Error::Unreadable(error) => Self::internal(&error.to_string()),
        }
    }
}

impl From<projections::Error> for Error {
    fn from(error: projections::Error) -> Self {
        Self::internal(&error.to_string())
    }
}

impl From<journal::Error> for Error {
    fn from(error: journal::Error) -> Self {
        Self::internal(&error.to_string())
    }
}

impl From<as_of::Error> for Error {
    fn from(error: as_of::Error) -> Self {
        match error {
            as_of::Error::Journal(error) => error.into(),
            error => Self::invalid(error.to_string()),
        }
    }
}

impl From<crate::vault::Error> for Error {
    fn from(error: crate::vault::Error) -> Self {
        Self::internal(&error.to_string())
    }
}

impl From<crate::blobs::Error> for Error {
    fn from(error: crate::blobs::Error) -> Self {
        Self::internal(&error.to_string())
    }
}

/// What the bus says where nothing that an aggregate decides can be expected.
impl<E: std::error::Error> From<bus::Error<E>> for Error {
    fn from(error: bus::Error<E>) -> Self {
        Self::of_bus(error, |refused| {
            Self::new(Kind::NotUnique, refused.to_string())
        })
    }
}
