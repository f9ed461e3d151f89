//! That something was sent on a keyset with an idempotency key, and what its sender was told: a
//! repeat is told the same. What was sent is not kept.

use serde::{Deserialize, Serialize};

use crate::aggregate::{aggregate, kinds};

/// What can be asked of a sending.
#[derive(Clone, Debug)]
pub enum Command {
    /// Keeps it.
    Record(Told),
}

/// Something that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The keyset's number.
    pub keyset: u64,
    /// `publish`, `fire`, `signal`, `files` or `presence`.
    pub how: String,
    /// The channel.
    pub channel: String,
    /// `sent`, `aborted` or `failed`.
    pub outcome: String,
    /// What the sender was told of it.
    pub text: String,
    /// When it was sent: 100 nanoseconds since the Unix epoch, in 17 digits.
    pub timetoken: String,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// Something was sent, or functions kept it from being so.
    MessageSent(Told),
}

kinds!(Event: MessageSent);

/// Why a sending cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The id is taken.
    #[error("a sending with this id exists already")]
    AlreadyExists,
}

/// What its sender was told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sending {
    /// Once it is recorded.
    pub told: Option<Told>,
}

aggregate!(Sending, "sending", fold 1);

impl Sending {
    fn decide(&self, Command::Record(told): Command) -> Result<Vec<Event>, Error> {
        if self.told.is_some() {
            return Err(Error::AlreadyExists);
        }
        Ok(vec![Event::MessageSent(told)])
    }

    fn fold(&mut self, Event::MessageSent(told): Event) {
        self.told = Some(told);
    }
}
