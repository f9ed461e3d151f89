//! A number that the functions of a keyset count with.

use serde::{Deserialize, Serialize};

use crate::aggregate::{aggregate, kinds};

/// What can be asked of a counter.
#[derive(Clone, Debug)]
pub enum Command {
    /// Adds to it; one that does not exist begins at 0.
    Increment {
        /// The keyset, by its number.
        keyset: u64,
        /// Its key.
        key: String,
        /// How much, possibly negative.
        by: i64,
    },
}

/// What happened to a counter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields repeat those of the command")]
pub enum Event {
    /// The counter has this value now.
    CounterChanged {
        keyset: u64,
        key: String,
        by: i64,
        value: i64,
    },
}

kinds!(Event: CounterChanged);

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The sum has more than 64 bits.
    #[error("the counter would overflow")]
    Overflow,
}

/// The state of a counter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counter {
    /// Its value; none: it was never set, and counts as 0.
    pub value: Option<i64>,
}

aggregate!(Counter, "counter", fold 1);

impl Counter {
    fn decide(&self, command: Command) -> Result<Vec<Event>, Error> {
        let Command::Increment { keyset, key, by } = command;
        let value = self.value.unwrap_or(0);
        let value = value.checked_add(by).ok_or(Error::Overflow)?;
        Ok(vec![Event::CounterChanged {
            keyset,
            key,
            by,
            value,
        }])
    }

    fn fold(&mut self, event: Event) {
        let Event::CounterChanged { value, .. } = event;
        self.value = Some(value);
    }
}
