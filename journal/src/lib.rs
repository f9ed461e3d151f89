//! The event log of Strata: one global order, group commit, hash chain.
//!
//! This crate knows streams, sequences and positions; it does not know what an
//! event means. The port is [`Journal`]; [`sqlite`] is its embedded backend.

mod error;
mod model;
mod port;

pub use error::Error;
pub use model::{
    Append, Appended, Conflict, Event, Metadata, NewEvent, Outcome, Position, Sequence, StreamId,
};
pub use port::Journal;
