//! An execution: one call of a function.
//!
//! A synchronous execution is decided before it runs and written once, when it
//! has finished. An asynchronous or scheduled one is requested, started, and
//! finished; the start is an event so that a restart can tell an execution that
//! never ran from one that was cut off, and never runs it twice.

use serde::{Deserialize, Serialize};

use crate::aggregate::{aggregate, kinds};
use crate::{Blob, DeploymentId, FunctionId, HandlerCall, ScriptCall, Text};

/// What can be asked of an execution.
#[derive(Clone, Debug)]
pub enum Command {
    /// Writes down an execution that has finished.
    Record {
        /// What was asked.
        request: Request,
        /// The deployment it ran on.
        deployment: DeploymentId,
        /// What came of it.
        result: Outcome,
    },
    /// Asks for an execution to be run later.
    Request {
        /// What is asked.
        request: Request,
        /// Milliseconds since the Unix epoch; none: as soon as possible.
        scheduled_at: Option<i64>,
        /// The whole request, sealed: headers and body as the function gets them.
        input: Blob,
        /// The deployment that is active now.
        deployment: DeploymentId,
    },
    /// A worker begins to run it.
    Start {
        /// Names the worker's process.
        worker: String,
        /// The deployment it runs on.
        deployment: DeploymentId,
    },
    /// It has run, or cannot run any more.
    Finish {
        /// What came of it.
        result: Outcome,
    },
    /// Removes it. One that has not been started will not run.
    Delete {
        /// Remove it even while it runs: it is older than its function's
        /// timeout, so nobody can be running it.
        overdue: bool,
    },
}

/// What was asked of the function, as far as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The function.
    pub function: FunctionId,
    /// What caused it: `http`, `schedule` or `event`.
    pub trigger: String,
    /// HTTP method, upper case.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The headers that may be kept: never credentials.
    pub headers: Vec<(String, String)>,
    /// The user who may read it, or empty.
    pub user: String,
    /// The script that is called, if the function is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<ScriptCall>,
    /// The call of a handler of the PubNub dialect, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handler: Option<HandlerCall>,
}

/// What came of an execution.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Whether it ended well by the dialect's rules.
    pub completed: bool,
    /// HTTP status of the answer; 0 when there was none.
    pub status_code: u16,
    /// The answer's headers that may be kept.
    pub headers: Vec<(String, String)>,
    /// What the function logged.
    pub logs: Text,
    /// What it reported as errors, and why it failed.
    pub errors: Text,
    /// How long it ran.
    pub duration_us: u64,
    /// The sandbox's word for how it ended: `ok`, `threw`, `timeout`, `memory` …
    pub reason: String,
    /// What an asynchronous call returned, sealed, for whoever asks for it later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Blob>,
}

/// What happened to an execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields repeat those of the commands")]
pub enum Event {
    /// It ran, synchronously, and this came of it.
    ExecutionRecorded {
        request: Request,
        deployment: DeploymentId,
        result: Outcome,
    },
    /// It will run.
    ExecutionRequested {
        request: Request,
        scheduled_at: Option<i64>,
        input: Blob,
        deployment: DeploymentId,
    },
    /// It runs.
    ExecutionStarted {
        worker: String,
        deployment: DeploymentId,
    },
    /// It has ended.
    ExecutionFinished { result: Outcome },
    /// It is gone.
    ExecutionDeleted {},
}

kinds!(Event: ExecutionRecorded, ExecutionRequested, ExecutionStarted, ExecutionFinished,
    ExecutionDeleted);

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such execution.
    #[error("the execution does not exist")]
    NotFound,
    /// The id is taken.
    #[error("an execution with this id exists already")]
    AlreadyExists,
    /// It was started or has ended already.
    #[error("the execution was started already")]
    AlreadyStarted,
    /// It is due or running and cannot be removed now.
    #[error("the execution is in progress")]
    InProgress,
    /// It is not running.
    #[error("the execution is not running")]
    NotRunning,
}

/// How far an execution is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It does not exist, or was deleted.
    #[default]
    Absent,
    /// Due at a later time.
    Scheduled,
    /// Due now.
    Waiting,
    /// A worker runs it.
    Processing,
    /// It has ended.
    Ended,
}

/// The state of an execution.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    /// How far it is.
    pub status: Status,
    /// What was asked.
    pub request: Request,
    /// The sealed request, while it is needed: until it has ended, and as long as it is a dead
    /// letter.
    pub input: Option<Blob>,
    /// The worker that runs it.
    pub worker: String,
}

aggregate!(Execution, "execution", fold 3);

impl Execution {
    /// Whether an outcome makes it a dead letter: a function after a message failed for the last
    /// time. Its request is kept, so that it can be tried again.
    pub fn is_dead_letter(&self, result: &Outcome) -> bool {
        let call = self.request.handler.as_ref();
        !result.completed
            && call.is_some_and(|call| {
                call.is_last && call.kind.is_after() && call.deployment.is_some()
            })
    }

    fn decide(&self, command: Command) -> Result<Vec<Event>, Error> {
        use Status::{Absent, Ended, Processing, Scheduled, Waiting};
        let event = match (command, self.status) {
            (
                Command::Record {
                    request,
                    deployment,
                    result,
                },
                Absent,
            ) => Event::ExecutionRecorded {
                request,
                deployment,
                result,
            },
            (
                Command::Request {
                    request,
                    scheduled_at,
                    input,
                    deployment,
                },
                Absent,
            ) => Event::ExecutionRequested {
                request,
                scheduled_at,
                input,
                deployment,
            },
            (Command::Record { .. } | Command::Request { .. }, _) => {
                return Err(Error::AlreadyExists);
            }
            (_, Absent) => return Err(Error::NotFound),
            (Command::Start { worker, deployment }, Scheduled | Waiting) => {
                Event::ExecutionStarted { worker, deployment }
            }
            (Command::Start { .. }, Processing | Ended) => return Err(Error::AlreadyStarted),
            (Command::Finish { result }, Scheduled | Waiting | Processing) => {
                Event::ExecutionFinished { result }
            }
            (Command::Finish { .. }, Ended) => return Err(Error::NotRunning),
            (Command::Delete { overdue: false }, Waiting | Processing) => {
                return Err(Error::InProgress);
            }
            (Command::Delete { .. }, _) => Event::ExecutionDeleted {},
        };
        Ok(vec![event])
    }

    fn fold(&mut self, event: Event) {
        match event {
            Event::ExecutionRecorded { request, .. } => {
                *self = Self {
                    status: Status::Ended,
                    request,
                    ..Self::default()
                };
            }
            Event::ExecutionRequested {
                request,
                scheduled_at,
                input,
                ..
            } => {
                *self = Self {
                    status: scheduled_at.map_or(Status::Waiting, |_| Status::Scheduled),
                    request,
                    input: Some(input),
                    ..Self::default()
                };
            }
            Event::ExecutionStarted { worker, .. } => {
                self.status = Status::Processing;
                self.worker = worker;
            }
            Event::ExecutionFinished { result } => {
                self.status = Status::Ended;
                if !self.is_dead_letter(&result) {
                    self.input = None;
                }
            }
            Event::ExecutionDeleted {} => *self = Self::default(),
        }
    }
}
