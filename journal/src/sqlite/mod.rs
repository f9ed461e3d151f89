//! The embedded backend: one SQLite file, one writer.
//!
//! # What is stored
//!
//! The journal file holds two tables.
//!
//! `events` is the log, one row per event, never updated and never deleted.
//! The columns that `postgres-es` has carry its names, so that its tools and
//! habits apply: `aggregate_type` and `aggregate_id` are the stream's kind and
//! key, `payload` is the event's JSON exactly as it was given, because the
//! hash covers these bytes and not what they mean. Who and why stand in typed
//! columns and not in `metadata`, because they are asked for by name; `metadata`
//! is NULL for Strata's own events and holds the JSON of programs that keep
//! more. `previous_hash` repeats the hash of the row before, so that one row
//! can be checked alone. There are three indexes and no more, as every one
//! costs each append: the position (the row id), the stream and sequence
//! (unique: the last line of defence against two writers), and the recorded
//! time (for `as_of` with a time).
//!
//! `commands` remembers the outcome of each command id that came with a
//! fingerprint, in the transaction of its events, so that a command that is
//! sent again after a lost answer gets the first answer.
//!
//! Beside the journal lie `<file>.lock`, held by the process that writes, and
//! `<file>.snapshots`, a second database of folded states. It is apart because
//! it need not be durable and may be deleted at any time.
//!
//! What is **not** stored: the head, the last sequence of a stream and the end
//! of the chain. They follow from the rows, and a second copy could disagree.

mod queue;
mod reader;
mod restore;
mod rows;
mod schema;
mod snapshots;
mod writer;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::batch::State;
use crate::tail::Tail;
use crate::{
    Append, Appended, Clock, Command, Error, Event, Journal, Outcome, Position, Sequence, StreamId,
};
use queue::{Queue, Request};
use reader::Readers;
use snapshots::Snapshots;
use writer::Writer;

/// How to open a journal file.
#[derive(Clone, Debug)]
pub struct Options {
    /// The file; it is created when it is not there. Its folder must exist.
    pub path: PathBuf,
    /// Gives the recorded time.
    pub clock: Clock,
    /// How many connections read at the same time; at least 1.
    pub readers: usize,
    /// How many requests are committed together at most; at least 1.
    pub batch: usize,
    /// The size in bytes that the file may not grow beyond; appends that need
    /// more are answered with [`Error::Unavailable`]. `None`: as the disk allows.
    pub max_bytes: Option<u64>,
    /// Open beside the process that writes, for reading only. Appends are
    /// refused, and the head stays where it was at opening.
    pub read_only: bool,
}

impl Options {
    /// Options for a journal in this file, everything else as is usual.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            clock: Clock::system(),
            readers: 4,
            batch: 512,
            max_bytes: None,
            read_only: false,
        }
    }

    /// Opens the journal, brings its tables up to date and starts the writer.
    /// Blocks on the disk.
    ///
    /// Fails with [`Error::Locked`] while another process has it open for
    /// writing.
    pub fn build(self) -> Result<Arc<Sqlite>, Error> {
        if self.read_only {
            return self.build_read_only();
        }
        let lock = schema::lock(&self.path)?;
        let connection = schema::open_writer(&self.path, self.max_bytes, &self.clock)?;
        let tip = rows::tip(&connection).map_err(unavailable)?;
        let snapshots = Snapshots::open(&self.path, &self.clock)?;
        let tail = Arc::new(Tail::new(tip.position));
        let queue = Arc::new(Queue::default());
        let writer = Writer {
            queue: Arc::clone(&queue),
            tail: Arc::clone(&tail),
            state: State::new(tip),
            clock: self.clock,
            batch: self.batch.max(1),
            connection,
            lock,
        };
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| Error::Unavailable(format!("no thread for the writer: {error}")))?;
        Ok(Arc::new(Sqlite {
            queue,
            tail,
            readers: Readers::new(self.path, self.readers),
            snapshots: Some(Arc::new(snapshots)),
            writer: Mutex::new(Some(thread)),
            live: true,
        }))
    }

    fn build_read_only(self) -> Result<Arc<Sqlite>, Error> {
        let connection = schema::open_reader(&self.path)?;
        let tip = rows::tip(&connection).map_err(unavailable)?;
        let queue = Queue::default();
        queue.close();
        Ok(Arc::new(Sqlite {
            queue: Arc::new(queue),
            tail: Arc::new(Tail::new(tip.position)),
            readers: Readers::new(self.path, self.readers),
            snapshots: None,
            writer: Mutex::new(None),
            live: false,
        }))
    }
}

/// A journal in one SQLite file. Made by [`Options::build`].
#[derive(Debug)]
pub struct Sqlite {
    queue: Arc<Queue>,
    tail: Arc<Tail>,
    readers: Arc<Readers>,
    snapshots: Option<Arc<Snapshots>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    /// The head is exact because this process is the one that moves it.
    live: bool,
}

impl Sqlite {
    async fn submit(&self, appends: Vec<Append>) -> Result<Vec<Outcome>, Error> {
        let (reply, answer) = oneshot::channel();
        self.queue.push(Request {
            appends,
            reply,
            runtime: Handle::try_current().ok(),
        })?;
        // The writer answers everything it took; it drops a request only when
        // it dies.
        answer.await.map_err(|_| Error::Closed)?
    }

    fn stop(&self) -> Option<JoinHandle<()>> {
        self.queue.close();
        self.readers.close();
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.take()
    }
}

#[async_trait::async_trait]
impl Journal for Sqlite {
    async fn append(&self, append: Append) -> Result<Outcome, Error> {
        let outcome = self.submit(vec![append]).await?.pop();
        outcome.ok_or_else(|| Error::Unavailable("the appender gave no outcome".to_owned()))
    }

    async fn append_all(&self, appends: Vec<Append>) -> Result<Vec<Outcome>, Error> {
        if appends.is_empty() {
            return Ok(Vec::new());
        }
        self.submit(appends).await
    }

    async fn outcome(&self, command_id: &str) -> Result<Option<(Appended, [u8; 32])>, Error> {
        let id = command_id.to_owned();
        let stored = self.readers.with(move |connection| {
            rows::select_command(connection)
                .and_then(|mut statement| rows::command(&mut statement, &id))
                .map_err(unavailable)
        });
        Ok(stored
            .await?
            .map(|stored| (stored.appended, stored.fingerprint)))
    }

    async fn commands(&self, after: &str, limit: usize) -> Result<Vec<Command>, Error> {
        let after = after.to_owned();
        self.readers
            .with(move |connection| rows::commands(connection, &after, limit).map_err(unavailable))
            .await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<Event>, Error> {
        let stream = stream.clone();
        self.readers
            .with(move |connection| rows::read_stream(connection, &stream, after, limit))
            .await
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Event>, Error> {
        if self.live {
            if after >= self.tail.head() || limit == 0 {
                return Ok(Vec::new());
            }
            if let Some(events) = self.tail.read(after, limit) {
                return Ok(events);
            }
        }
        self.read_stored(after, limit).await
    }

    async fn read_stored(&self, after: Position, limit: usize) -> Result<Vec<Event>, Error> {
        self.readers
            .with(move |connection| rows::read_all(connection, after, limit))
            .await
    }

    fn head(&self) -> Position {
        self.tail.head()
    }

    async fn wait_beyond(&self, position: Position, timeout: Duration) -> Position {
        self.tail.wait_beyond(position, timeout).await
    }

    async fn position_at(&self, millis: i64) -> Result<Position, Error> {
        let found = self
            .readers
            .with(move |connection| rows::position_at(connection, millis).map_err(unavailable));
        found.await
    }

    async fn load_snapshot(
        &self,
        stream: &StreamId,
        fold_version: u32,
    ) -> Result<Option<(Sequence, Vec<u8>)>, Error> {
        let Some(snapshots) = &self.snapshots else {
            return Ok(None);
        };
        let (snapshots, stream) = (Arc::clone(snapshots), stream.clone());
        self.readers
            .with(move |connection| snapshots.load(connection, &stream, fold_version))
            .await
    }

    async fn save_snapshot(
        &self,
        stream: &StreamId,
        fold_version: u32,
        sequence: Sequence,
        state: Vec<u8>,
    ) -> Result<(), Error> {
        let Some(snapshots) = &self.snapshots else {
            return Ok(());
        };
        let (snapshots, stream) = (Arc::clone(snapshots), stream.clone());
        self.readers
            .with(move |_| snapshots.save(&stream, fold_version, sequence, &state))
            .await
    }

    async fn close(&self) {
        if let Some(writer) = self.stop() {
            // A writer that panicked has said so on its own; it is gone anyway.
            let _ = tokio::task::spawn_blocking(move || writer.join()).await;
        }
    }
}

impl Drop for Sqlite {
    /// Waits for the queued appends, so that whoever opens the file next finds
    /// it unlocked. [`Journal::close`] does the same without blocking.
    fn drop(&mut self) {
        if let Some(writer) = self.stop() {
            let _ = writer.join();
        }
    }
}

fn unavailable(error: rusqlite::Error) -> Error {
    Error::Unavailable(format!("SQLite: {error}"))
}
