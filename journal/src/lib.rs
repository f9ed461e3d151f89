//! The event log of Strata: one global order, group commit, hash chain.
//!
//! This crate knows streams, sequences and positions; it does not know what an
//! event means. The port is [`Journal`]; [`sqlite`] is its embedded backend,
//! [`postgres`] the one for more than one node, and `kurrentdb`, behind the
//! feature of that name, the one for a KurrentDB server.
//!
//! What is the same for every backend stands beside them: [`chain`] is the hash
//! chain, `batch` decides what becomes of the appends of one transaction, and
//! `tail` tells readers how far the order reaches. A backend adds only the way
//! to its database.

pub mod chain;
pub mod cqrs;
#[cfg(feature = "kurrentdb")]
pub mod kurrentdb;
pub mod postgres;
pub mod sqlite;

mod batch;
mod clock;
mod error;
mod failpoint;
mod gapless;
mod model;
mod port;
mod recent;
mod restore;
mod shared;
mod tail;
mod verify;

pub use clock::Clock;
pub use error::Error;
pub use failpoint::failpoint;
pub use model::{
    Append, Appended, Command, Conflict, Event, Metadata, NewEvent, Outcome, Position, Sequence,
    StreamId,
};
pub use port::Journal;
pub use restore::{Restore, check};
pub use verify::{Break, Report, verify};
