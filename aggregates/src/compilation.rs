//! That somebody had a source compiled: nothing else came of it.

use serde::{Deserialize, Serialize};

use crate::aggregate::{aggregate, kinds};

/// What can be asked of a compilation.
#[derive(Clone, Debug)]
pub enum Command {
    /// Keeps it.
    Record(Compiled),
}

/// A source that was compiled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compiled {
    /// Lower-case hexadecimal SHA-256 of what was sent.
    pub source: String,
    /// Whether a bundle came of it.
    pub succeeded: bool,
    /// The error's code in the dialect that was spoken, or empty.
    pub code: String,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// A source was compiled, or was refused.
    SourceCompiled(Compiled),
}

kinds!(Event: SourceCompiled);

/// Why a compilation cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The id is taken.
    #[error("a compilation with this id exists already")]
    AlreadyExists,
}

/// Whether it is there: nothing else is ever asked of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Compilation {
    /// Recorded.
    pub exists: bool,
}

aggregate!(Compilation, "compilation", fold 1);

impl Compilation {
    fn decide(&self, Command::Record(compiled): Command) -> Result<Vec<Event>, Error> {
        if self.exists {
            return Err(Error::AlreadyExists);
        }
        Ok(vec![Event::SourceCompiled(compiled)])
    }

    fn fold(&mut self, _: Event) {
        self.exists = true;
    }
}
