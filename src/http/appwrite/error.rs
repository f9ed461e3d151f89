//! The errors of the wire format, and the one place that words the refusals of
//! the core in them.
//!
//! Handlers use `?` on whatever the core returns. [`Error::new`] is for a
//! [`Kind`] with its usual text, [`Error::with`] for a text of one's own,
//! [`Error::invalid`] for a bad parameter and [`Error::missing`] for one that is
//! absent.

use std::borrow::Cow;

use aggregates::{deployment, execution, function};
use serde_json::{Value, json};

use crate::bus;

/// The release of the API that is spoken; part of every error.
pub const API_VERSION: &str = "1.9.6";

macro_rules! kinds {
    ($($name:ident = $status:literal $kind:literal $message:literal),+ $(,)?) => {
        /// What went wrong, by the names of the wire format.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $(#[doc = $message] $name,)+
        }

        impl Kind {
            /// HTTP status, `type` and the usual message.
            fn parts(self) -> (u16, &'static str, &'static str) {
                match self {
                    $(Self::$name => ($status, $kind, $message),)+
                }
            }
        }
    };
}

kinds! {
    ArgumentInvalid = 400 "general_argument_invalid" "The request contains one or more invalid arguments.",
    BadRequest = 400 "general_bad_request" "The request cannot be understood.",
    QueryInvalid = 400 "general_query_invalid" "The query cannot be run on this list.",
    CursorNotFound = 400 "general_cursor_not_found" "The row that the cursor names could not be found.",
    OrderNull = 400 "database_query_order_null" "The row that the cursor names has no value to order by.",
    BuildNotReady = 400 "build_not_ready" "Build with the requested ID is not ready.",
    BuildAlreadyCompleted = 400 "build_already_completed" "The build has ended already and cannot be canceled.",
    ExecutionInProgress = 400 "execution_in_progress" "The execution is in progress and cannot be deleted now.",
    VariableCannotUnsetSecret = 400 "variable_cannot_unset_secret" "A secret variable cannot be made readable again.",
    InvalidFileSize = 400 "deployment_invalid_file_size" "The file is larger than the server accepts.",
    FileEmpty = 400 "storage_file_empty" "No file sent",
    FileTypeUnsupported = 400 "storage_file_type_unsupported" "File type not allowed",
    InvalidContentRange = 400 "storage_invalid_content_range" "The content-range header is invalid.",
    AccessForbidden = 401 "general_access_forbidden" "A project is needed: send its ID in the X-Appwrite-Project header.",
    UnauthorizedScope = 401 "general_unauthorized_scope" "The caller lacks the scope that this needs.",
    UserUnauthorized = 401 "user_unauthorized" "The caller is not allowed to perform the requested action.",
    UserJwtInvalid = 401 "user_jwt_invalid" "The JWT token is invalid.",
    ProjectKeyExpired = 401 "project_key_expired" "The project key has expired.",
    ProjectIdMissing = 403 "project_id_missing" "A key was sent without the ID of its project in the X-Appwrite-Project header.",
    UserJwtAndCookieSet = 403 "user_jwt_and_cookie_set" "JWT and session cookie cannot be sent together.",
    InvalidFile = 403 "storage_invalid_file" "The upload is not a file.",
    ProjectNotFound = 404 "project_not_found" "Project with the requested ID could not be found. Check the value of the X-Appwrite-Project header.",
    RouteNotFound = 404 "general_route_not_found" "The requested route was not found. Please refer to the API docs and try again.",
    FunctionNotFound = 404 "function_not_found" "Function with the requested ID could not be found.",
    RuntimeUnsupported = 404 "function_runtime_unsupported" "The requested runtime is known, but this server cannot run it.",
    EntrypointMissing = 404 "function_entrypoint_missing" "The entrypoint is missing: set it on the function or send it with the deployment.",
    TemplateNotFound = 404 "function_template_not_found" "Function template with the requested ID could not be found.",
    DeploymentNotFound = 404 "deployment_not_found" "Deployment with the requested ID could not be found.",
    ExecutionNotFound = 404 "execution_not_found" "Execution with the requested ID could not be found.",
    VariableNotFound = 404 "variable_not_found" "Variable with the requested ID could not be found.",
    InstallationNotFound = 404 "installation_not_found" "Installation with the requested ID could not be found.",
    RepositoryNotFound = 404 "provider_repository_not_found" "VCS (Version Control System) repository and branch combination could not be found.",
    SynchronousTimeout = 408 "function_synchronous_timeout" "Synchronous function execution timed out. Use asynchronous execution instead, or ensure the execution duration doesn't exceed 30 seconds.",
    FunctionAlreadyExists = 409 "function_already_exists" "Function with the requested ID already exists. Try again with a different ID or use ID.unique() to generate a unique ID.",
    VariableAlreadyExists = 409 "variable_already_exists" "Variable with the same ID or key already exists.",
    ResourceLocked = 409 "general_resource_locked" "The resource is being changed by others, please try again.",
    PreconditionFailed = 412 "general_precondition_failed" "The resource is not at the sequence that If-Match names.",
    PayloadTooLarge = 400 "general_argument_invalid" "The request body is too large.",
    InvalidRange = 416 "storage_invalid_range" "The requested range is not satisfiable. Please check the value of the Range header.",
    IdempotencyKeyReused = 422 "general_idempotency_key_reused" "The idempotency key was used for another request before.",
    RateLimitExceeded = 429 "general_rate_limit_exceeded" "Rate limit for the current endpoint has been exceeded. Please try again after some time.",
    ServerError = 500 "general_server_error" "An internal server error occurred.",
    Unavailable = 503 "general_service_unavailable" "The server cannot do this at the moment. Please try again.",
}

/// An answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What went wrong.
    pub kind: Kind,
    /// For people.
    pub message: Cow<'static, str>,
    /// Seconds after which a repeat may work.
    pub retry_after: Option<u32>,
}

impl Error {
    /// With the usual text.
    pub fn new(kind: Kind) -> Self {
        Self::with(kind, kind.parts().2)
    }

    /// With a text of one's own.
    pub fn with(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            retry_after: None,
        }
    }

    /// A parameter breaks its rule.
    pub fn invalid(parameter: &str, rule: impl std::fmt::Display) -> Self {
        let text = format!("Invalid `{parameter}` param: {rule}");
        Self::with(Kind::ArgumentInvalid, text)
    }

    /// A parameter that is needed is absent.
    pub fn missing(parameter: &str) -> Self {
        let text = format!("Param \"{parameter}\" is not optional.");
        Self::with(Kind::ArgumentInvalid, text)
    }

    /// Too busy now.
    pub fn busy(retry_after: u32) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(Kind::RateLimitExceeded)
        }
    }

    /// HTTP status.
    pub fn status(&self) -> u16 {
        self.kind.parts().0
    }

    /// The `type` of the answer.
    pub fn code(&self) -> &'static str {
        self.kind.parts().1
    }

    /// The body of the answer.
    pub fn envelope(&self) -> Value {
        let (code, kind, _) = self.kind.parts();
        json!({
            "message": self.message,
            "code": code,
            "type": kind,
            "version": API_VERSION,
        })
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Self::new(kind)
    }
}

impl<E> From<bus::Error<E>> for Error
where
    E: std::error::Error + Into<Error> + 'static,
{
    fn from(error: bus::Error<E>) -> Self {
        match error {
            bus::Error::Refused(refusal) => refusal.into(),
            bus::Error::Conflict => Self::new(Kind::ResourceLocked),
            bus::Error::PreconditionFailed { actual } => Self::with(
                Kind::PreconditionFailed,
                format!(
                    "The resource is at sequence {actual}, not at the one that If-Match names."
                ),
            ),
            bus::Error::KeyReused => Self::new(Kind::IdempotencyKeyReused),
            error @ (bus::Error::Unavailable(_) | bus::Error::Unreadable(_)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a command failed");
                Self::new(Kind::Unavailable)
            }
        }
    }
}

impl From<function::Error> for Error {
    fn from(error: function::Error) -> Self {
        match error {
            function::Error::NotFound => Self::new(Kind::FunctionNotFound),
            function::Error::AlreadyExists => Self::new(Kind::FunctionAlreadyExists),
            function::Error::Superseded(_) => Self::new(Kind::ResourceLocked),
            function::Error::VariableNotFound(_) => Self::new(Kind::VariableNotFound),
            function::Error::VariableAlreadyExists => Self::new(Kind::VariableAlreadyExists),
            function::Error::VariableIsSecret(_) => Self::new(Kind::VariableCannotUnsetSecret),
            error @ function::Error::TooManyVariables => {
                Self::with(Kind::ArgumentInvalid, error.to_string())
            }
        }
    }
}

impl From<deployment::Error> for Error {
    fn from(error: deployment::Error) -> Self {
        match error {
            deployment::Error::NotFound => Self::new(Kind::DeploymentNotFound),
            deployment::Error::AlreadyExists | deployment::Error::NotHolder { .. } => {
                Self::new(Kind::ResourceLocked)
            }
            deployment::Error::ChunkMismatch { .. } => {
                Self::with(Kind::InvalidContentRange, error.to_string())
            }
            deployment::Error::AlreadyCompleted => Self::new(Kind::BuildAlreadyCompleted),
            deployment::Error::SourceIncomplete => Self::new(Kind::BuildNotReady),
        }
    }
}

impl From<execution::Error> for Error {
    fn from(error: execution::Error) -> Self {
        match error {
            execution::Error::NotFound => Self::new(Kind::ExecutionNotFound),
            execution::Error::InProgress => Self::new(Kind::ExecutionInProgress),
            execution::Error::AlreadyExists
            | execution::Error::AlreadyStarted
            | execution::Error::NotRunning => Self::new(Kind::ResourceLocked),
        }
    }
}

impl From<aggregates::project::Error> for Error {
    fn from(error: aggregates::project::Error) -> Self {
        match error {
            aggregates::project::Error::NotFound => Self::new(Kind::ProjectNotFound),
            _ => Self::new(Kind::ResourceLocked),
        }
    }
}

impl From<projections::Error> for Error {
    fn from(error: projections::Error) -> Self {
        match error {
            projections::Error::CursorNotFound(id) => Self::with(
                Kind::CursorNotFound,
                format!("Row '{id}' for the 'cursor' value not found."),
            ),
            projections::Error::CursorOrderNull(column) => Self::with(
                Kind::OrderNull,
                format!("The row of the 'cursor' value has no {column} to order by."),
            ),
            error => {
                tracing::error!(error = &error as &dyn std::error::Error, "a read failed");
                Self::new(Kind::Unavailable)
            }
        }
    }
}

impl From<crate::blobs::Error> for Error {
    fn from(error: crate::blobs::Error) -> Self {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the blob store failed"
        );
        Self::new(Kind::Unavailable)
    }
}

impl From<crate::vault::Error> for Error {
    fn from(error: crate::vault::Error) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "the vault failed");
        Self::new(match error {
            crate::vault::Error::Database(_) => Kind::Unavailable,
            _ => Kind::ServerError,
        })
    }
}
