//! What a backend reads has no gaps: one in what is stored is damage, and not
//! the end of what there is.

use crate::{Error, Event, Position, Sequence, StreamId};

/// Events of one stream, which follow `after` one by one.
pub(crate) fn in_stream(
    events: impl Iterator<Item = Result<Event, Error>>,
    stream: &StreamId,
    after: Sequence,
) -> Result<Vec<Event>, Error> {
    let follow = |(event, number): (Result<Event, Error>, u64)| {
        let (event, expected) = (event?, after + number);
        if event.sequence != expected {
            return Err(Error::Corrupt {
                position: event.position,
                reason: format!("sequence {expected} of {stream} is missing before it"),
            });
        }
        Ok(event)
    };
    events.zip(1..).map(follow).collect()
}

/// Events of all streams, which follow `after` one by one.
pub(crate) fn in_order(
    events: impl Iterator<Item = Result<Event, Error>>,
    after: Position,
) -> Result<Vec<Event>, Error> {
    let follow = |(event, number): (Result<Event, Error>, u64)| {
        let (event, expected) = (event?, after + number);
        if event.position != expected {
            return Err(Error::Corrupt {
                position: expected,
                reason: format!("missing: the next event is at {}", event.position),
            });
        }
        Ok(event)
    };
    events.zip(1..).map(follow).collect()
}
