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

    /// What it writes to.
    fn parts(&mut self) -> Vec<&mut dyn Part>;

    /// Writes what is not written.
    fn flush(&mut self, store: &mut Store<'_>) -> Result<(), Error> {
        self.parts()
            .into_iter()
            .try_for_each(|part| part.flush(store))
    }

    /// Forgets what is not written, after the database was rolled back.
    fn forget(&mut self) {
        self.parts().into_iter().for_each(Part::forget);
    }

    /// The statements that make its tables.
    fn create_tables(&mut self, dialect: &Dialect) -> String {
        let parts = self.parts();
        parts
            .iter()
            .map(|part| part.create_tables(dialect))
            .collect()
    }

    /// The statements that make the indexes that are not there yet.
    fn create_indexes(&mut self) -> Vec<String> {
        let parts = self.parts();
        parts
            .iter()
            .flat_map(|part| part.create_indexes())
            .collect()
    }

    /// Notes that all indexes are there.
    fn be_ready(&mut self) {
        self.parts().into_iter().for_each(Part::be_ready);
    }

    /// The names of its tables.
    fn tables(&mut self) -> Vec<String> {
        let parts = self.parts();
        parts.iter().flat_map(|part| part.tables()).collect()
    }
}

/// A table, or some, that a projection writes to.
pub(crate) trait Part {
    fn flush(&mut self, store: &mut Store<'_>) -> Result<(), Error>;
    fn forget(&mut self);
    fn create_tables(&self, dialect: &Dialect) -> String;
    fn create_indexes(&self) -> Vec<String>;
    fn be_ready(&mut self);
    fn tables(&self) -> Vec<String>;
}

/// A kind of projection.
pub(crate) struct Definition {
    /// As people see it.
    pub name: &'static str,
    /// Changes whenever rows or tables would come out differently; then the
    /// tables are made again.
    pub version: u32,
    /// Makes one that writes to the tables of this generation, which are ready
    /// (have all their indexes) or not.
    pub make: fn(generation: u32, ready: bool) -> Box<dyn Projection>,
}
