//! Records: what syncs fetch from elsewhere, as it is and as it was.
//!
//! # What is stored
//!
//! `changes` is the change journal and the table of versions in one: every
//! record that is added, updated, deleted or pruned is a row, with what the
//! record was from then on and until when. What is now is a partial index; what
//! was at some time is the same query with one more condition. A scope that is
//! emptied ends its life, which is one row of `scopes`, and its versions stay
//! readable as of before. That a record was saved again without a change is
//! noted in `seen`, and is no version.
//!
//! Only [`Records::drop_connection`] and [`Records::drop_project`] remove
//! anything.
//!
//! # Order and time
//!
//! Each write gets a number in the store's one order, and its changes get the
//! next ones and one time. Time never goes backwards in that order, and within a
//! scope each write has a later one than the write before, whatever the clock
//! says. So a reader that goes through a list page by page misses nothing that
//! is written meanwhile: it comes later in the list.
//!
//! # Where
//!
//! In one SQLite file of one process, or in the schema `records` of a PostgreSQL
//! database that any number of nodes share. Payloads are bytes: whoever seals
//! them gives the hash of what is in them.

mod cursor;
mod db;
mod error;
mod hash;
mod merge;
mod model;
mod ops;
mod options;
mod records;
mod store;
mod transfer;

pub use cursor::Cursor;
pub use error::Error;
pub use hash::content_hash;
pub use journal::Clock;
pub use merge::merge;
pub use model::{Action, Counts, Entry, Merging, Mode, Model, Page, Query, Record, Scope, Unseen};
pub use options::Options;
pub use records::Records;
pub use transfer::{Bytes, Export, Restore, Row};

/// The most records of a page, saved or listed, and the most ids that are asked
/// for. Pages of 1000 are what is meant to be saved.
pub const MOST: usize = 10_000;
