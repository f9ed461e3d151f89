//! What a projection is: a pure function from an event to row changes.

use aggregates::event::{Event, Unreadable, decode};

use crate::Error;
use crate::db::Dialect;
use crate::versions::Store;

/// An event as projections get it: decoded once for all of them.
#[derive(Debug)]
pub(crate) struct Recorded {
    /// As the journal has it.
    pub stored: journal::Event,
    /// What it says; none: it is not one of our aggregates'.
    pub event: Result<Option<Event>, Unreadable>,
}

impl Recorded {
    pub(crate) fn new(stored: journal::Event) -> Self {
        let event = decode(
            &stored.stream.kind,
            &stored.kind,
            &stored.version,
            stored.payload.get(),
        );
        Self { stored, event }
    }

    /// Project and id of a stream inside a project.
    pub(crate) fn key(&self) -> Result<(&str, &str), Error> {
        aggregates::split_key(&self.stored.stream.key)
            .ok_or_else(|| self.poison("its stream key has no project"))
    }

    /// What the event says; an error when that cannot be read.
    pub(crate) fn read(&self) -> Result<Option<&Event>, Error> {
        match &self.event {
            Ok(event) => Ok(event.as_ref()),
            Err(error) => {
                let cause = std::error::Error::source(error);
                let cause = cause.map_or_else(String::new, |cause| format!(": {cause}"));
                Err(self.poison(&format!("{error}{cause}")))
            }
        }
    }

    pub(crate) fn poison(&self, reason: &str) -> Error {
        Error::Poison {
            position: self.stored.position,
            kind: self.stored.kind.to_string(),
            reason: reason.to_owned(),
        }
    }
}

/// A projection of one generation.
///
/// It says what the row is now; validities, writing and checkpoints are not
/// its business. The same events always make the same rows.
pub(crate) trait Projection: Send {
    /// Applies one event.
    fn apply(&mut self, event: &Recorded, store: &mut Store<'_>) -> Result<(), Error>;

    /// Writes what is not written.
    fn flush(&mut self, store: &mut Store<'_>) -> Result<(), Error>;

    /// Forgets what is not written, after the database was rolled back.
    fn forget(&mut self);

    /// The statements that make its tables.
    fn create(&self, dialect: &Dialect) -> String;

    /// The statements that make the indexes which only reading needs.
    fn create_indexes(&self) -> Vec<String>;

    /// The names of its tables.
    fn tables(&self) -> Vec<String>;
}

/// A kind of projection.
pub(crate) struct Definition {
    /// As people see it.
    pub name: &'static str,
    /// Changes whenever rows or tables would come out differently; then the
    /// tables are made again.
    pub version: u32,
    /// Makes one that writes to the tables of this generation.
    pub make: fn(generation: u32) -> Box<dyn Projection>,
}
