//! What can go wrong with read models.

/// Why a read model gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A page was asked to begin or end at a row that is not there.
    #[error("the row {0} that the cursor names does not exist")]
    CursorNotFound(String),
    /// A page was asked to begin or end at a row that has no place in the
    /// order, because it has no value in this column.
    #[error("the row that the cursor names has no {0} to order by")]
    CursorOrderNull(String),
    /// The list has no such column to filter or sort by.
    #[error("there is no column {0} to filter or sort by")]
    UnknownColumn(String),
    /// There is no such projection.
    #[error("there is no projection {0}")]
    UnknownProjection(String),
    /// A rebuild of this projection is under way already.
    #[error("{0} is being rebuilt already")]
    Rebuilding(String),
    /// The read models have not come as far as this read asks, and did not
    /// within the time that a read waits.
    #[error("the read models are at position {checkpoint}, and {position} was asked for: {reason}")]
    Behind {
        /// What was asked for.
        position: u64,
        /// How far they are.
        checkpoint: u64,
        /// Why.
        reason: String,
    },
    /// An event cannot be applied. Its projection stops before it.
    #[error("event {position} ({kind}): {reason}")]
    Poison {
        /// Of the event.
        position: u64,
        /// Type of the event.
        kind: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Another runner has taken over the read models.
    #[error("another process has taken over the read models")]
    Fenced,
    /// The node that leads would not do what this one passed on to it.
    #[error("{0}")]
    Refused(String),
    /// Something stored cannot be what this program wrote.
    #[error("the read models are damaged: {0}")]
    Damaged(String),
    /// The database could not be reached or answered with a failure. This may
    /// pass: ask again.
    #[error("the read models are unavailable: {0}")]
    Unavailable(String),
    /// The journal could not be read.
    #[error("the journal failed")]
    Journal(#[from] journal::Error),
    /// They have been closed.
    #[error("the read models are closed")]
    Closed,
}
