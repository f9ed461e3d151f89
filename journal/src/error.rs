//! What can go wrong below the port.

use std::path::PathBuf;

/// A failure of the journal itself, not a refusal of one append.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The backend could not be reached or answered with a failure, for now;
    /// whether a write took effect is known only by asking again with the same
    /// command id.
    #[error("the journal is unavailable: {0}")]
    Unavailable(String),
    /// Something stored cannot be what this program wrote.
    #[error("the journal is corrupt at position {position}: {reason}")]
    Corrupt {
        /// Where the damage was seen.
        position: u64,
        /// What does not hold.
        reason: String,
    },
    /// Another process has the journal open for writing. One journal has one
    /// writer; stop the other one, or open this one read-only.
    #[error("{} is open for writing in another process", path.display())]
    Locked {
        /// The journal's file.
        path: PathBuf,
    },
    /// This append can never be stored, because of what is in it; the others of
    /// its batch are not concerned, and to try again is of no use.
    #[error("the journal cannot store this: {0}")]
    Unstorable(String),
    /// This backend, or its server, cannot do what is asked of it, whatever the
    /// content; nothing was written.
    #[error("the journal cannot do this: {0}")]
    Unsupported(String),
    /// The appender has stopped; nothing more is accepted.
    #[error("the journal is closed")]
    Closed,
}
