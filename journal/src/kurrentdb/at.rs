//! Where an event stands for the server.

use kurrentdb::RecordedEvent;

use crate::Error;

/// A place in the server's own order of all events. It has gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At {
    pub(super) commit: u64,
    pub(super) prepare: u64,
}

impl At {
    /// Where a record stands. Servers before 22.6 do not say it of what is read
    /// from one stream.
    pub(super) fn of(record: &RecordedEvent) -> Result<Self, Error> {
        if record.position.commit == u64::MAX {
            return Err(Error::Unsupported(
                "KurrentDB: the server does not tell the positions of what is read from a \
                 stream; 22.6 is the first that does"
                    .to_owned(),
            ));
        }
        Ok(Self {
            commit: record.position.commit,
            prepare: record.position.prepare,
        })
    }
}

impl From<At> for kurrentdb::Position {
    fn from(at: At) -> Self {
        Self {
            commit: at.commit,
            prepare: at.prepare,
        }
    }
}
