//! A value that the functions of a keyset share, by its key. The value is sealed.

use serde::{Deserialize, Serialize};

use crate::Sealed;
use crate::aggregate::{aggregate, kinds};

/// What can be asked of an entry.
#[derive(Clone, Debug)]
pub enum Command {
    /// Sets it, whatever it was.
    Set {
        /// The keyset, by its number.
        keyset: u64,
        /// Its key.
        key: String,
        /// What is stored.
        value: Value,
    },
    /// Removes it. Nothing happens when there is none.
    Remove,
}

/// A value with a kind and an end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Value {
    /// How it was stored, and how it is listed.
    pub kind: Kind,
    /// A text, or JSON text.
    pub sealed: Sealed,
    /// When it ends, in milliseconds since the Unix epoch. Nothing tells of that when it comes:
    /// whoever reads later finds nothing.
    pub expires_at: i64,
}

/// How a value was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// As text.
    String,
    /// As JSON.
    Json,
}

impl Kind {
    /// `string` or `json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Json => "json",
        }
    }
}

/// What happened to an entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields repeat those of the commands")]
pub enum Event {
    /// The entry has this value.
    EntrySet {
        keyset: u64,
        key: String,
        value: Value,
    },
    /// The entry is gone.
    EntryRemoved {},
}

kinds!(Event: EntrySet, EntryRemoved);

/// Nothing is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {}

/// The state of an entry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// What is stored; none: nothing.
    pub value: Option<Value>,
}

aggregate!(Entry, "entry", fold 1);

impl Entry {
    /// What is there at a moment, in milliseconds since the Unix epoch.
    pub fn at(&self, now: i64) -> Option<&Value> {
        self.value.as_ref().filter(|value| value.expires_at > now)
    }

    fn decide(&self, command: Command) -> Result<Vec<Event>, Error> {
        Ok(match command {
            Command::Set { keyset, key, value } => vec![Event::EntrySet { keyset, key, value }],
            Command::Remove if self.value.is_none() => vec![],
            Command::Remove => vec![Event::EntryRemoved {}],
        })
    }

    fn fold(&mut self, event: Event) {
        self.value = match event {
            Event::EntrySet { value, .. } => Some(value),
            Event::EntryRemoved {} => None,
        };
    }
}
