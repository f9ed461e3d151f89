//! The port that every backend implements.

use std::time::Duration;

use crate::{Append, Command, Error, Event, Outcome, Position, Sequence, StreamId};

/// An append-only log with one global order.
///
/// Implementations are cheap to clone behind an `Arc` and safe to share.
#[async_trait::async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Appends one decision and returns when it is durable. Concurrent callers
    /// are committed together (group commit).
    async fn append(&self, append: Append) -> Result<Outcome, Error>;

    /// Appends several decisions atomically: all of them or none. The outcomes
    /// are in the order of the requests; when one is not [`Outcome::Appended`]
    /// nothing was written. The appends of one call may share one command id
    /// (then the outcome of the first of them is the one remembered).
    async fn append_all(&self, appends: Vec<Append>) -> Result<Vec<Outcome>, Error>;

    /// Whether [`Journal::append_all`] may touch more than one stream.
    fn is_atomic_across_streams(&self) -> bool {
        true
    }

    /// The outcome stored for a command id, if any, with its fingerprint.
    async fn outcome(&self, command_id: &str)
    -> Result<Option<(crate::Appended, [u8; 32])>, Error>;

    /// What is remembered of command ids greater than `after`, at most `limit`,
    /// in the order of the ids (byte by byte). A backend that cannot list them
    /// gives none.
    async fn commands(&self, after: &str, limit: usize) -> Result<Vec<Command>, Error> {
        let _ = (after, limit);
        Ok(Vec::new())
    }

    /// Events of one stream with a sequence greater than `after`, at most
    /// `limit`, in order.
    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<Event>, Error>;

    /// Events of all streams with a position greater than `after`, at most
    /// `limit`, in order and without gaps.
    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Event>, Error>;

    /// As [`Journal::read_all`], but what the storage holds at this moment and
    /// never a copy in memory: for verification and for backups.
    async fn read_stored(&self, after: Position, limit: usize) -> Result<Vec<Event>, Error> {
        self.read_all(after, limit).await
    }

    /// Position of the last durable event, 0 when there is none.
    fn head(&self) -> Position;

    /// Waits until the head is greater than `position` and returns it, or
    /// returns the head as it is after `timeout`.
    async fn wait_beyond(&self, position: Position, timeout: Duration) -> Position;

    /// Position of the last event recorded at or before `millis` (Unix epoch),
    /// 0 when there is none.
    async fn position_at(&self, millis: i64) -> Result<Position, Error>;

    /// The newest snapshot of a stream for this aggregate fold version.
    async fn load_snapshot(
        &self,
        stream: &StreamId,
        fold_version: u32,
    ) -> Result<Option<(Sequence, Vec<u8>)>, Error>;

    /// Keeps a snapshot (replacing an older one of the same stream). Losing it
    /// costs only time; it need not be durable when this returns.
    async fn save_snapshot(
        &self,
        stream: &StreamId,
        fold_version: u32,
        sequence: Sequence,
        state: Vec<u8>,
    ) -> Result<(), Error>;

    /// Stops accepting appends, finishes the queued ones, and releases files.
    async fn close(&self);
}
