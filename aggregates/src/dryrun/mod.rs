//! A dry run: one trial of a script's source, on the connection that was asked
//! for, without deploying it.
//!
//! ```text
//! waiting ─► running ─► success
//!    │          └─────► failed
//!    └────────────────► failed
//! ```

use serde::{Deserialize, Serialize};

use crate::aggregate::{aggregate, kinds};
use crate::{Blob, Failure, IntegrationId, ScriptKind, Text};

/// What can be asked of a dry run.
#[derive(Clone, Debug)]
pub enum Command {
    /// Asks for it.
    Request(Request),
    /// A worker takes it.
    Start {
        /// Names the worker's process.
        worker: String,
        /// Counts from 1; must be one more than the last.
        attempt: u32,
    },
    /// It has run. What has ended already stays as it is.
    Finish {
        /// The attempt that did it.
        attempt: u32,
        /// What came of it.
        result: DryRunResult,
    },
    /// It was never started, and will not be. What has ended already stays as
    /// it is.
    Fail {
        /// Why.
        error: Failure,
    },
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The integration.
    pub integration: IntegrationId,
    /// The connection, by the id its integration knows it by.
    pub connection_id: String,
    /// The kind that was asked for; a source of another kind fails.
    pub kind: ScriptKind,
    /// The TypeScript.
    pub source: Blob,
    /// Everything else the script is given, as sealed JSON.
    pub input: Blob,
}

/// What came of a dry run that was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DryRunResult {
    /// Whether it ended well.
    pub succeeded: bool,
    /// What it printed.
    pub output: Text,
    /// What it returned, as JSON.
    pub result: Option<Text>,
    /// Why it failed.
    pub error: Option<Failure>,
    /// What there is to say beyond the dialect's answer, as JSON.
    pub details: Option<Blob>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// What happened to a dry run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields repeat those of the commands")]
pub enum Event {
    /// It will run.
    DryRunRequested(Request),
    /// A worker has taken it.
    DryRunStarted { worker: String, attempt: u32 },
    /// It has run.
    DryRunFinished { attempt: u32, result: DryRunResult },
    /// It will never run.
    DryRunFailed { error: Failure },
}

kinds!(Event: DryRunRequested, DryRunStarted, DryRunFinished, DryRunFailed);

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such dry run.
    #[error("the dry run does not exist")]
    NotFound,
    /// The id is taken.
    #[error("a dry run with this id exists already")]
    AlreadyExists,
    /// It was started, so only its worker can tell how it ended.
    #[error("the dry run was started already")]
    AlreadyStarted,
    /// The worker does not hold it: it has ended or was taken over.
    #[error("attempt {attempt} does not hold this dry run")]
    NotHolder {
        /// The attempt that asked.
        attempt: u32,
    },
}

/// How far a dry run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It does not exist.
    #[default]
    Absent,
    /// Nobody runs it yet.
    Waiting,
    /// A worker runs it.
    Running,
    /// It ended well.
    Success,
    /// It did not, or will never run.
    Failed,
}

/// The state of a dry run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DryRun {
    /// How far it is.
    pub status: Status,
    /// What was asked for; none: it does not exist.
    pub request: Option<Request>,
    /// The last attempt.
    pub attempt: u32,
    /// The worker of the last attempt.
    pub worker: String,
}

aggregate!(DryRun, "dryrun", fold 1);

impl DryRun {
    fn decide(&self, command: Command) -> Result<Vec<Event>, Error> {
        use Status::{Absent, Failed, Running, Success, Waiting};
        let event = match (command, self.status) {
            (Command::Request(request), Absent) => Event::DryRunRequested(request),
            (Command::Request(_), _) => return Err(Error::AlreadyExists),
            (_, Absent) => return Err(Error::NotFound),
            (Command::Start { worker, attempt }, Waiting | Running)
                if attempt == self.attempt + 1 =>
            {
                Event::DryRunStarted { worker, attempt }
            }
            (Command::Start { attempt, .. }, _) => return Err(Error::NotHolder { attempt }),
            (Command::Finish { .. } | Command::Fail { .. }, Success | Failed) => {
                return Ok(vec![]);
            }
            (Command::Finish { attempt, result }, Running) if attempt == self.attempt => {
                Event::DryRunFinished { attempt, result }
            }
            (Command::Finish { attempt, .. }, _) => return Err(Error::NotHolder { attempt }),
            (Command::Fail { error }, Waiting) => Event::DryRunFailed { error },
            (Command::Fail { .. }, Running) => return Err(Error::AlreadyStarted),
        };
        Ok(vec![event])
    }

    fn fold(&mut self, event: Event) {
        match event {
            Event::DryRunRequested(request) => {
                *self = Self {
                    status: Status::Waiting,
                    request: Some(request),
                    ..Self::default()
                };
            }
            Event::DryRunStarted { worker, attempt } => {
                self.status = Status::Running;
                self.worker = worker;
                self.attempt = attempt;
            }
            Event::DryRunFinished { result, .. } => {
                self.status = match result.succeeded {
                    true => Status::Success,
                    false => Status::Failed,
                };
            }
            Event::DryRunFailed { .. } => self.status = Status::Failed,
        }
    }
}
