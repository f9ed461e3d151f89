//! Running functions: from a call to a recorded execution.
//!
//! Neutral to any wire format. A [`Contract`] per dialect says which driver of
//! the sandbox a function is written for and what environment it expects.

mod contract;
mod environment;
mod executor;
mod input;
mod outcome;
mod programs;

use std::sync::Arc;
use std::time::Duration;

use aggregates::execution::Outcome;
use aggregates::{
    DeploymentId, ExecutionId, FunctionId, HandlerCall, ProjectId, ScriptCall, execution, function,
};
use bytes::Bytes;

use crate::bus::Committed;

pub use contract::{Contract, Made, NotMade, Place, Session, Target, Written};
pub use executor::{Executor, Options};
pub use input::Input;
pub use programs::Programs;

/// A call of a function.
#[derive(Clone)]
pub struct Call {
    /// The project of the function.
    pub project: ProjectId,
    /// The function.
    pub function: FunctionId,
    /// The id of the execution, new.
    pub id: ExecutionId,
    /// `http`, `schedule` or `event`.
    pub trigger: String,
    /// HTTP method, upper case.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The headers that are recorded; never credentials.
    pub stored_headers: Vec<(String, String)>,
    /// The user who may read the execution, or empty.
    pub user: String,
    /// The script that is called, of the Nango dialect.
    pub script: Option<ScriptCall>,
    /// The handler that is called, of the PubNub dialect.
    pub handler: Option<HandlerCall>,
    /// What the driver of the function's dialect takes.
    pub request: serde_json::Value,
    /// The body as the function gets it.
    pub body: Bytes,
    /// The host's side, where the caller has one ready.
    pub session: Option<Arc<dyn Session>>,
}

impl Call {
    fn recorded(&self) -> execution::Request {
        execution::Request {
            function: self.function.clone(),
            trigger: self.trigger.clone(),
            method: self.method.clone(),
            path: self.path.clone(),
            headers: self.stored_headers.clone(),
            user: self.user.clone(),
            script: self.script.clone(),
            handler: self.handler.clone(),
        }
    }
}

/// A call that has run and is recorded.
#[derive(Clone, Debug)]
pub struct Ran {
    /// What was recorded.
    pub result: Outcome,
    /// All headers of the answer.
    pub headers: Vec<(String, String)>,
    /// The answer's body.
    pub body: Bytes,
    /// What the function logged.
    pub logs: String,
    /// What it reported as errors, and why it failed.
    pub errors: String,
    /// Why it failed, in the sandbox's words; none: it answered.
    pub failure: Option<String>,
    /// The deployment it ran on.
    pub deployment: DeploymentId,
    /// Where it is recorded.
    pub committed: Committed,
}

/// Why a call did not run, or was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// There is no such function.
    #[error("the function does not exist")]
    FunctionNotFound,
    /// No deployment is active.
    #[error("the function has no active deployment")]
    NoActiveDeployment,
    /// The active deployment was deleted.
    #[error("the active deployment does not exist any more")]
    DeploymentNotFound,
    /// The active deployment cannot run yet.
    #[error("the active deployment is not ready")]
    NotReady,
    /// It did not end within the time that the caller waits. Recorded as failed.
    #[error("no answer within {0:?}")]
    TimedOut(Duration, Committed),
    /// An execution with this id exists, or another command had the same
    /// idempotency key.
    #[error(transparent)]
    Execution(crate::bus::Error<execution::Error>),
    /// The function's state cannot be read.
    #[error(transparent)]
    Function(#[from] crate::bus::Error<function::Error>),
    /// What it runs on is not there right now.
    #[error("{0}")]
    Unavailable(String),
    /// Something below failed; not the function's fault.
    #[error("{0}")]
    Internal(String),
}

impl From<crate::bus::Error<execution::Error>> for Refused {
    fn from(error: crate::bus::Error<execution::Error>) -> Self {
        Self::Execution(error)
    }
}

impl From<crate::blobs::Error> for Refused {
    fn from(error: crate::blobs::Error) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<crate::vault::Error> for Refused {
    fn from(error: crate::vault::Error) -> Self {
        Self::Internal(error.to_string())
    }
}
