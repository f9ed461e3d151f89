//! Windows of time in which a deployment is to run.

use serde::{Deserialize, Serialize};

use super::{Command, Error, Event, PackageDeployment};
use crate::ScheduledEventId;

/// A window: the deployment is started when it begins and stopped when it ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scheduled {
    /// Its id.
    pub id: ScheduledEventId,
    /// When it begins, in milliseconds since the Unix epoch.
    pub begin: i64,
    /// When it ends, in milliseconds since the Unix epoch.
    pub end: i64,
    /// For people.
    pub description: Option<String>,
    /// What is done when it begins.
    pub start: Action,
    /// What is done when it ends.
    pub stop: Action,
}

/// What is done at one end of a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Its id: a UUID.
    pub id: String,
    /// How far it is.
    pub state: ActionState,
}

/// Which end of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ActionKind {
    /// Where it begins.
    Start,
    /// Where it ends.
    Stop,
}

/// How far an action is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ActionState {
    /// It is not due yet.
    #[default]
    Pending,
    /// It is being done.
    InProgress,
    /// It is done.
    Completed,
    /// It could not be done.
    Failed,
    /// It will not be done.
    Canceled,
}

impl ActionState {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Canceled => "CANCELED",
        }
    }
}

/// How far a window is; follows from its actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum EventState {
    Pending,
    Running,
    Completed,
    Failed,
    Canceled,
}

impl EventState {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Canceled => "CANCELED",
        }
    }
}

impl Scheduled {
    /// How far it is.
    pub fn state(&self) -> EventState {
        use ActionState::{Canceled, Completed, Failed, InProgress, Pending};
        match (self.start.state, self.stop.state) {
            (Failed, _) | (_, Failed) => EventState::Failed,
            (Canceled, _) | (_, Canceled) => EventState::Canceled,
            (_, Completed) => EventState::Completed,
            (Completed, _) => EventState::Running,
            (Pending | InProgress, Pending | InProgress) => EventState::Pending,
        }
    }

    /// Whether nothing will happen to it any more.
    pub fn is_over(&self) -> bool {
        !matches!(self.state(), EventState::Pending | EventState::Running)
    }

    /// One of its actions.
    pub fn action(&self, kind: ActionKind) -> &Action {
        match kind {
            ActionKind::Start => &self.start,
            ActionKind::Stop => &self.stop,
        }
    }

    /// Notes that an action has begun. Read models fold with it as well.
    pub fn begin_action(&mut self, kind: ActionKind) {
        self.action_mut(kind).state = ActionState::InProgress;
    }

    /// Notes that an action has ended: a start that failed is followed by no stop. Read models
    /// fold with it as well.
    pub fn finish_action(&mut self, kind: ActionKind, succeeded: bool) {
        self.action_mut(kind).state = match succeeded {
            true => ActionState::Completed,
            false => ActionState::Failed,
        };
        if kind == ActionKind::Start && !succeeded {
            self.stop.state = ActionState::Canceled;
        }
    }

    /// Notes that what has not been done will not be. Read models fold with it as well.
    pub fn cancel(&mut self) {
        for action in [&mut self.start, &mut self.stop] {
            if matches!(action.state, ActionState::Pending | ActionState::InProgress) {
                action.state = ActionState::Canceled;
            }
        }
    }

    fn action_mut(&mut self, kind: ActionKind) -> &mut Action {
        match kind {
            ActionKind::Start => &mut self.start,
            ActionKind::Stop => &mut self.stop,
        }
    }
}

impl PackageDeployment {
    pub(super) fn decide_schedule(&self, command: Command) -> Result<Vec<Event>, Error> {
        let event = match command {
            Command::Schedule { event } => {
                self.no_overlap(&event)?;
                Event::EventScheduled { event }
            }
            Command::Reschedule {
                id,
                begin,
                end,
                description,
            } => {
                let mut event = self.event(&id)?.clone();
                let has_begun = event.start.state != ActionState::Pending;
                if event.is_over() || (has_begun && begin.is_some_and(|at| at != event.begin)) {
                    return Err(Error::Frozen);
                }
                event.begin = begin.unwrap_or(event.begin);
                event.end = end.unwrap_or(event.end);
                event.description = description.unwrap_or(event.description);
                if event.end <= event.begin {
                    return Err(Error::Frozen);
                }
                self.no_overlap(&event)?;
                if event == *self.event(&id)? {
                    return Ok(vec![]);
                }
                Event::EventScheduled { event }
            }
            Command::Unschedule { id } => {
                if self.event(&id)?.state() == EventState::Running {
                    return Err(Error::EventRunning);
                }
                Event::EventUnscheduled { id }
            }
            Command::BeginAction { id, kind } => {
                let event = self.event(&id)?;
                if event.is_over() || event.action(kind).state != ActionState::Pending {
                    return Ok(vec![]);
                }
                Event::ActionBegun { id, kind }
            }
            Command::FinishAction {
                id,
                kind,
                succeeded,
            } => {
                let event = self.event(&id)?;
                let state = event.action(kind).state;
                let open = matches!(state, ActionState::Pending | ActionState::InProgress);
                if event.is_over() || !open {
                    return Ok(vec![]);
                }
                Event::ActionFinished {
                    id,
                    kind,
                    succeeded,
                }
            }
            _ => return Err(Error::NotFound),
        };
        Ok(vec![event])
    }

    fn event(&self, id: &ScheduledEventId) -> Result<&Scheduled, Error> {
        self.events.get(id).ok_or(Error::EventNotFound)
    }

    fn no_overlap(&self, event: &Scheduled) -> Result<(), Error> {
        let mut others = self.events.values();
        let overlaps = others.any(|other| {
            other.id != event.id
                && !other.is_over()
                && other.begin < event.end
                && event.begin < other.end
        });
        match overlaps {
            true => Err(Error::Overlap),
            false => Ok(()),
        }
    }
}
