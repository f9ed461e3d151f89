//! A package deployment: one revision of a package on one keyset, whether it runs, and the
//! windows of time in which it is to run.
//!
//! Starting and stopping take time. What is asked is one event; a saga does it and reports with
//! the number of the operation, so that a report which comes too late changes nothing.

mod schedule;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::aggregate::{aggregate, kinds};
use crate::{HandlerRevisionId, PackageDeploymentId, PackageId, RevisionId, ScheduledEventId};

pub use schedule::{Action, ActionKind, ActionState, EventState, Scheduled};

/// What can be asked of a package deployment.
#[derive(Clone, Debug)]
pub enum Command {
    /// Assigns the revision to the keyset. Nothing is started.
    Assign {
        /// Its id, new.
        id: PackageDeploymentId,
        /// The package.
        package: PackageId,
        /// The revision.
        revision: RevisionId,
        /// The keyset, by its number.
        keyset: u64,
        /// The functions of the revision, in order.
        handlers: Vec<HandlerRevisionId>,
    },
    /// Starts it, or restarts it when it runs.
    Start {
        /// The deployment whose place it takes; only one that does not run can take a place.
        replacing: Option<PackageDeploymentId>,
    },
    /// The functions are connected, or cannot be.
    FinishStart {
        /// The operation that this ends.
        operation: u32,
        /// Why it did not start; none: it runs.
        failure: Option<StartFailure>,
    },
    /// Stops it. Nothing happens when it has stopped.
    Stop {
        /// At once, whatever it does: nothing is waited for.
        force: bool,
    },
    /// What ran has ended.
    FinishStop {
        /// The operation that this ends.
        operation: u32,
    },
    /// Takes the revision off the keyset.
    Delete,
    /// Adds a window of time.
    Schedule {
        /// The window, with both of its actions pending.
        event: Scheduled,
    },
    /// Changes a window of time.
    Reschedule {
        /// The window.
        id: ScheduledEventId,
        /// When it begins; none: as it is. Refused once it has begun.
        begin: Option<i64>,
        /// When it ends; none: as it is.
        end: Option<i64>,
        /// The new description; the inner `None` takes it away.
        description: Option<Option<String>>,
    },
    /// Removes a window of time.
    Unschedule {
        /// The window.
        id: ScheduledEventId,
    },
    /// An action of a window begins. Nothing happens when it has begun.
    BeginAction {
        /// The window.
        id: ScheduledEventId,
        /// Which of its actions.
        kind: ActionKind,
    },
    /// An action of a window has ended. Nothing happens when it has ended.
    FinishAction {
        /// The window.
        id: ScheduledEventId,
        /// Which of its actions.
        kind: ActionKind,
        /// Whether it did what it should.
        succeeded: bool,
    },
}

/// Why it did not start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartFailure {
    /// The dialect's code of the failure.
    pub code: String,
    /// One sentence.
    pub reason: String,
    /// It could not have been started: it is what it was before.
    pub back: bool,
}

/// What happened to a package deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields repeat those of the commands")]
pub enum Event {
    /// The revision is assigned to the keyset, and stopped.
    PackageAssigned {
        id: PackageDeploymentId,
        package: PackageId,
        revision: RevisionId,
        keyset: u64,
        handlers: Vec<HandlerRevisionId>,
    },
    /// It is to be started.
    StartRequested {
        operation: u32,
        replacing: Option<PackageDeploymentId>,
    },
    /// It runs.
    PackageStarted { operation: u32 },
    /// It did not start. `state` is what it is now.
    StartFailed {
        operation: u32,
        code: String,
        reason: String,
        state: Status,
    },
    /// It takes no new events, and is to be stopped when what runs has ended.
    StopRequested { operation: u32, restart: bool },
    /// It has stopped.
    PackageStopped { operation: u32, forced: bool },
    /// The revision is not on the keyset any more. Windows that are not over are canceled.
    PackageUnassigned {},
    /// The window exists, or is changed.
    EventScheduled { event: Scheduled },
    /// The window is gone.
    EventUnscheduled { id: ScheduledEventId },
    /// The action has begun.
    ActionBegun {
        id: ScheduledEventId,
        kind: ActionKind,
    },
    /// The action has ended.
    ActionFinished {
        id: ScheduledEventId,
        kind: ActionKind,
        succeeded: bool,
    },
}

kinds!(Event: PackageAssigned, StartRequested, PackageStarted, StartFailed, StopRequested,
    PackageStopped, PackageUnassigned, EventScheduled, EventUnscheduled, ActionBegun,
    ActionFinished);

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such deployment.
    #[error("the package deployment does not exist")]
    NotFound,
    /// The revision is on the keyset already.
    #[error("this revision is already assigned to this keyset")]
    AlreadyAssigned,
    /// It is being started or stopped.
    #[error("the package deployment is between states")]
    InTransition,
    /// It runs, or is being started or stopped.
    #[error("the package deployment is in use")]
    InUse,
    /// The report is of an operation that has ended or was overtaken.
    #[error("the operation is over")]
    Over,
    /// There is no such window.
    #[error("the scheduled event does not exist")]
    EventNotFound,
    /// Windows of one deployment may not overlap.
    #[error("the scheduled event overlaps with another of the same deployment")]
    Overlap,
    /// The window has ended, or what is to be changed is past.
    #[error("the scheduled event cannot be changed any more")]
    Frozen,
    /// The window has begun.
    #[error("the scheduled event is running")]
    EventRunning,
}

/// What a package deployment does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// It does not exist.
    #[default]
    Absent,
    /// Nothing of it runs.
    Stopped,
    /// Its functions are being made ready.
    Starting,
    /// Its functions take part.
    Running,
    /// Its functions take no new events.
    Stopping,
    /// It did not start.
    Failed,
}

impl Status {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "ABSENT",
            Self::Stopped => "STOPPED",
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Stopping => "STOPPING",
            Self::Failed => "FAILED",
        }
    }

    /// Whether it is on its way to another state.
    pub fn is_transitional(self) -> bool {
        matches!(self, Self::Starting | Self::Stopping)
    }
}

/// The state of a package deployment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PackageDeployment {
    /// What it does.
    pub status: Status,
    /// Its id.
    pub id: PackageDeploymentId,
    /// The package.
    pub package: PackageId,
    /// The revision.
    pub revision: RevisionId,
    /// The keyset, by its number.
    pub keyset: u64,
    /// The functions of the revision, in order.
    pub handlers: Vec<HandlerRevisionId>,
    /// Counts starts and stops.
    pub operation: u32,
    /// What it was before it was to be started.
    pub before: Status,
    /// The deployment whose place it takes, while it starts.
    pub replacing: Option<PackageDeploymentId>,
    /// It starts again when it has stopped.
    pub restart: bool,
    /// Windows of time in which it is to run, and those of earlier lives, which
    /// are over.
    pub events: BTreeMap<ScheduledEventId, Scheduled>,
}

aggregate!(PackageDeployment, "pkgdeploy", fold 1);

impl PackageDeployment {
    fn decide(&self, command: Command) -> Result<Vec<Event>, Error> {
        use Status::{Absent, Failed, Running, Starting, Stopped, Stopping};
        if self.status == Absent {
            return match command {
                Command::Assign {
                    id,
                    package,
                    revision,
                    keyset,
                    handlers,
                } => Ok(vec![Event::PackageAssigned {
                    id,
                    package,
                    revision,
                    keyset,
                    handlers,
                }]),
                // Its windows are there still, and over.
                Command::Unschedule { .. } => self.decide_schedule(command),
                _ => Err(Error::NotFound),
            };
        }
        let operation = self.operation + 1;
        let event = match (command, self.status) {
            (
                command @ (Command::Schedule { .. }
                | Command::Reschedule { .. }
                | Command::Unschedule { .. }
                | Command::BeginAction { .. }
                | Command::FinishAction { .. }),
                _,
            ) => return self.decide_schedule(command),
            (Command::Assign { .. }, _) => return Err(Error::AlreadyAssigned),
            (Command::Start { replacing }, Stopped | Failed) => Event::StartRequested {
                operation,
                replacing,
            },
            (Command::Start { replacing: None }, Running) => Event::StopRequested {
                operation,
                restart: true,
            },
            (Command::Start { .. }, _) => return Err(Error::InTransition),
            (Command::FinishStart { operation, failure }, Starting)
                if operation == self.operation =>
            {
                match failure {
                    None => Event::PackageStarted { operation },
                    Some(failure) => Event::StartFailed {
                        operation,
                        code: failure.code,
                        reason: failure.reason,
                        state: if failure.back { self.before } else { Failed },
                    },
                }
            }
            (Command::FinishStop { operation: ended }, Stopping) if ended == self.operation => {
                let mut events = vec![Event::PackageStopped {
                    operation: ended,
                    forced: false,
                }];
                if self.restart {
                    events.push(Event::StartRequested {
                        operation,
                        replacing: None,
                    });
                }
                return Ok(events);
            }
            (Command::FinishStart { .. } | Command::FinishStop { .. }, _) => {
                return Err(Error::Over);
            }
            (Command::Stop { .. }, Stopped) => return Ok(vec![]),
            (Command::Stop { force: true }, Running | Starting | Stopping) => {
                Event::PackageStopped {
                    operation,
                    forced: true,
                }
            }
            // Nothing of one that failed runs; it only is not called failed any more.
            (Command::Stop { .. }, Failed) => Event::PackageStopped {
                operation,
                forced: false,
            },
            (Command::Stop { .. }, Running) => Event::StopRequested {
                operation,
                restart: false,
            },
            (Command::Stop { .. }, _) => return Err(Error::InTransition),
            (Command::Delete, Stopped | Failed) => Event::PackageUnassigned {},
            (Command::Delete, _) => return Err(Error::InUse),
        };
        Ok(vec![event])
    }

    fn fold(&mut self, event: Event) {
        match event {
            Event::PackageAssigned {
                id,
                package,
                revision,
                keyset,
                handlers,
            } => {
                *self = Self {
                    status: Status::Stopped,
                    id,
                    package,
                    revision,
                    keyset,
                    handlers,
                    // Operations of an earlier life are over.
                    operation: self.operation,
                    events: std::mem::take(&mut self.events),
                    ..Self::default()
                };
            }
            Event::StartRequested {
                operation,
                replacing,
            } => {
                self.before = self.status;
                self.status = Status::Starting;
                self.operation = operation;
                self.replacing = replacing;
                self.restart = false;
            }
            Event::PackageStarted { .. } => {
                self.status = Status::Running;
                self.replacing = None;
            }
            Event::StartFailed { state, .. } => {
                self.status = state;
                self.replacing = None;
            }
            Event::StopRequested { operation, restart } => {
                self.status = Status::Stopping;
                self.operation = operation;
                self.restart = restart;
            }
            Event::PackageStopped { operation, .. } => {
                self.status = Status::Stopped;
                self.operation = operation;
                self.replacing = None;
                self.restart = false;
            }
            Event::PackageUnassigned {} => {
                let mut events = std::mem::take(&mut self.events);
                events.values_mut().for_each(Scheduled::cancel);
                *self = Self {
                    operation: self.operation,
                    events,
                    ..Self::default()
                };
            }
            Event::EventScheduled { event } => {
                self.events.insert(event.id.clone(), event);
            }
            Event::EventUnscheduled { id } => {
                self.events.remove(&id);
            }
            Event::ActionBegun { id, kind } => {
                if let Some(event) = self.events.get_mut(&id) {
                    event.begin_action(kind);
                }
            }
            Event::ActionFinished {
                id,
                kind,
                succeeded,
            } => {
                if let Some(event) = self.events.get_mut(&id) {
                    event.finish_action(kind, succeeded);
                }
            }
        }
    }
}
