//! What can go wrong.

use std::path::PathBuf;

/// A failure of the store, or a refusal of what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database could not be reached or answered with a failure, for now.
    /// A write may have taken effect; to make it again does no harm.
    #[error("the records are unavailable: {0}")]
    Unavailable(String),
    /// Something stored cannot be what this program wrote.
    #[error("the records are damaged: {0}")]
    Damaged(String),
    /// Another process has the file open.
    #[error("{} is open in another process", path.display())]
    Locked {
        /// The store's file.
        path: PathBuf,
    },
    /// The store was closed.
    #[error("the records are closed")]
    Closed,
    /// Rows of another store were to be restored into one that holds something.
    #[error("the store of records is not empty, and holds something else")]
    NotEmpty,
    /// Not a cursor that this store gives.
    #[error("not a cursor: {0:?}")]
    Cursor(String),
    /// More at once than one transaction should take.
    #[error("{given} at once, and at most {most} are taken")]
    TooMany {
        /// How many were given.
        given: usize,
        /// How many are taken.
        most: usize,
    },
    /// A name that is empty, too long, or has a zero character in it.
    #[error("a {what} has 1 to {most} bytes and no zero among them")]
    Name {
        /// What it was to name.
        what: &'static str,
        /// How many bytes it may have.
        most: usize,
    },
    /// An update was asked of a record whose stored or new content is not a
    /// JSON object, for example as it is sealed.
    #[error("the content of {id:?} is not a JSON object and cannot be merged")]
    NotObject {
        /// The record.
        id: String,
    },
}
