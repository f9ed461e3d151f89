//! A command that was turned away at the door: what the audit log keeps of it.

use serde::{Deserialize, Serialize};

use crate::aggregate::{aggregate, kinds};

/// What can be asked of a rejection.
#[derive(Clone, Debug)]
pub enum Command {
    /// Keeps it.
    Record(Rejected),
}

/// A command that had no effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// HTTP method.
    pub method: String,
    /// HTTP path, without the query.
    pub path: String,
    /// HTTP status of the answer.
    pub status: u16,
    /// The error's code in the dialect that was spoken, or empty.
    pub code: String,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// A command was turned away.
    CommandRejected(Rejected),
}

kinds!(Event: CommandRejected);

/// Why a rejection cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The id is taken.
    #[error("a rejection with this id exists already")]
    AlreadyExists,
}

/// Whether it is there: nothing else is ever asked of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rejection {
    /// Recorded.
    pub exists: bool,
}

aggregate!(Rejection, "rejection", fold 1);

impl Rejection {
    fn decide(&self, Command::Record(rejected): Command) -> Result<Vec<Event>, Error> {
        if self.exists {
            return Err(Error::AlreadyExists);
        }
        Ok(vec![Event::CommandRejected(rejected)])
    }

    fn fold(&mut self, _: Event) {
        self.exists = true;
    }
}
