//! The backend for more than one node: PostgreSQL 13 or later.
//!
//! # What is stored
//!
//! `events` is the log. Its first seven columns are those of `postgres-es`, so
//! that a program built on it can read our events and append its own to the
//! same table; everything else has a default. `payload` is of type `json` and
//! not `jsonb`, because that keeps the bytes that the hash covers. A row is
//! never deleted, and changed once at most: a row of another program has no
//! position at first. The next appender that sees it, on any node, gives it
//! the next position, a time, an id and a hash. So a foreign transaction that
//! commits late comes late in the order, and no reader can have gone past it.
//! A foreign row that does not continue its stream is left alone.
//!
//! `head` has one row, the end of the order. Every append changes it, in the
//! transaction of its events, and so the nodes follow one another: positions
//! are contiguous, and become visible in their order.
//!
//! `commands` remembers the outcome of each command id that came with a
//! fingerprint. `stream_snapshots` are folded states and may be deleted at any
//! time. `leases` says which node may do what only one may do ([`Leases`]),
//! `nodes` which nodes there are ([`Membership`]). `data_keys` has what seals
//! secrets, itself sealed ([`DataKeys`]).
//!
//! What is **not** relied on: notifications. They make readers faster, and
//! every one of them may be lost.

mod appender;
mod calls;
mod company;
mod data_keys;
mod fault;
mod follower;
mod lease;
mod nodes;
mod restore;
mod rows;
mod schema;
mod session;
mod snapshots;
mod write;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::batch::State;
use crate::tail::Tail;
use crate::{
    Append, Appended, Clock, Command, Error, Event, Journal, Outcome, Position, Sequence, StreamId,
};
use appender::{Adoption, Appender, Request};
use calls::Calls;
pub use data_keys::DataKeys;
use fault::unavailable;
use follower::Follower;
pub use lease::{Lease, Leases};
pub use nodes::{Membership, Node, Roll};
pub use schema::migrate;
use session::Session;

/// How to open a journal in a PostgreSQL database.
#[derive(Clone)]
pub struct Options {
    /// The database: `postgres://user:password@host/database`.
    pub url: String,
    /// Gives the recorded time.
    pub clock: Clock,
    /// How many connections read at the same time; at least 1. Two more are
    /// used to append and to listen.
    pub readers: u32,
    /// How many requests are committed together at most; at least 1.
    pub batch: usize,
    /// After about this long without the database, what waits for it fails
    /// with [`Error::Unavailable`].
    pub patience: Duration,
}

impl fmt::Debug for Options {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("clock", &self.clock)
            .field("readers", &self.readers)
            .field("batch", &self.batch)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

impl Options {
    /// Options for a journal in this database, everything else as is usual.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            clock: Clock::system(),
            readers: 4,
            batch: 512,
            patience: Duration::from_secs(4),
        }
    }

    /// Connects, brings the tables up to date and starts to append and to
    /// follow the other nodes. The runtime that this is called on must go on
    /// running; callers may be on another one.
    ///
    /// Fails with [`Error::Unavailable`] when the database cannot be reached.
    pub async fn build(self) -> Result<Arc<Postgres>, Error> {
        let options = schema::options(&self.url)?;
        schema::run(&options).await.map_err(unavailable)?;
        let pool = self.pool(&options);
        let tip = rows::tip(&mut *pool.acquire().await.map_err(unavailable)?).await;
        let tip = tip.map_err(unavailable)?;
        let node = uuid::Uuid::new_v4().simple().to_string();
        let tail = Arc::new(Tail::new(tip.position));
        let (closing, is_closing) = watch::channel(false);
        let (requests, queue) = mpsc::unbounded_channel();
        let appender = Appender {
            requests: queue,
            closing: is_closing.clone(),
            tail: Arc::clone(&tail),
            state: State::new(tip),
            clock: self.clock,
            session: Session::new(&options, self.patience, node.clone()),
            batch: self.batch.max(1),
            patience: self.patience,
            contended: false,
            adoption: Adoption::now(),
        };
        let follower = Follower {
            pool: pool.clone(),
            tail: Arc::clone(&tail),
            closing: is_closing,
            node,
        };
        let tasks = vec![tokio::spawn(appender.run()), tokio::spawn(follower.run())];
        Ok(Arc::new(Postgres {
            requests,
            tail,
            calls: Calls {
                pool,
                patience: self.patience,
                runtime: Handle::current(),
            },
            options,
            closing,
            tasks: Mutex::new(tasks),
        }))
    }

    /// The wrapped data keys of the database, without a journal on it; its
    /// tables must be up to date. Does not connect yet.
    pub fn data_keys(&self) -> Result<DataKeys, Error> {
        let pool = self.pool(&schema::options(&self.url)?);
        let calls = Calls {
            pool,
            patience: self.patience,
            runtime: Handle::current(),
        };
        Ok(DataKeys { calls })
    }

    fn pool(&self, options: &PgConnectOptions) -> PgPool {
        PgPoolOptions::new()
            .max_connections(self.readers.max(1) + 1)
            .acquire_timeout(self.patience)
            // A read that meets a lost connection is sent again.
            .test_before_acquire(false)
            .after_connect(|connection, _| Box::pin(schema::make_durable(connection)))
            .connect_lazy_with(options.clone())
    }
}

/// A journal in a PostgreSQL database, as one of its nodes. Made by
/// [`Options::build`].
pub struct Postgres {
    requests: mpsc::UnboundedSender<Request>,
    tail: Arc<Tail>,
    calls: Calls,
    options: PgConnectOptions,
    closing: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl fmt::Debug for Postgres {
    /// Without the way to connect, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
            .field("head", &self.tail.head())
            .finish_non_exhaustive()
    }
}

impl Postgres {
    /// The leases that the nodes of this database share.
    pub fn leases(&self) -> Leases {
        Leases {
            calls: self.calls.clone(),
        }
    }

    /// The wrapped data keys that the nodes of this database share.
    pub fn data_keys(&self) -> DataKeys {
        DataKeys {
            calls: self.calls.clone(),
        }
    }

    /// A place among the nodes of this database, to be taken by renewing it.
    /// `id` must be its own for each process.
    pub fn membership(&self, id: &str, address: &str, version: &str) -> Membership {
        Membership::new(self.options.clone(), id, address, version)
    }

    /// The nodes that were heard of within the last hour, the oldest first.
    pub async fn nodes(&self) -> Result<Vec<Node>, Error> {
        self.calls
            .run(move |pool| async move { nodes::list(&pool).await })
            .await
    }

    async fn submit(&self, appends: Vec<Append>) -> Result<Vec<Outcome>, Error> {
        if appends.iter().any(has_nul) {
            let reason = "PostgreSQL: a text has the character NUL in it".to_owned();
            return Err(Error::Unstorable(reason));
        }
        let (reply, answer) = oneshot::channel();
        let request = Request {
            appends,
            reply,
            arrived: Instant::now(),
        };
        self.requests.send(request).map_err(|_| Error::Closed)?;
        // The appender answers everything it took; it drops a request only
        // when it dies.
        answer.await.map_err(|_| Error::Closed)?
    }
}

/// Waits until the journal is to be closed.
async fn closed(closing: &mut watch::Receiver<bool>) {
    // An error says that the journal is gone without a word.
    let _ = closing.wait_for(|closing| *closing).await;
}

/// Columns of type text hold every character but this one.
fn has_nul(append: &Append) -> bool {
    let metadata = &append.metadata;
    let texts = [
        &*append.stream.kind,
        &*append.stream.key,
        &metadata.command_id,
        &metadata.actor,
        &metadata.correlation_id,
        &metadata.causation_id,
        &metadata.request_id,
        &metadata.project,
        &metadata.extra,
    ];
    let mut names = append
        .events
        .iter()
        .flat_map(|event| [&event.kind, &event.version]);
    texts.iter().any(|text| text.contains('\0')) || names.any(|name| name.contains('\0'))
}

#[async_trait::async_trait]
impl Journal for Postgres {
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
        let id: Arc<str> = command_id.into();
        let stored = self.calls.run(move |pool| {
            let id = Arc::clone(&id);
            async move { rows::command(&pool, &id).await }
        });
        let stored = stored.await?;
        Ok(stored.map(|stored| (stored.appended, stored.fingerprint)))
    }

    async fn commands(&self, after: &str, limit: usize) -> Result<Vec<Command>, Error> {
        let after: Arc<str> = after.into();
        self.calls
            .run(move |pool| {
                let after = Arc::clone(&after);
                async move { rows::commands(&pool, &after, limit).await }
            })
            .await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<Event>, Error> {
        let asked = stream.clone();
        let rows = self.calls.run(move |pool| {
            let stream = asked.clone();
            async move { rows::read_stream(&pool, &stream, after, limit).await }
        });
        rows::in_stream(&rows.await?, stream, after)
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Event>, Error> {
        if after >= self.tail.head() || limit == 0 {
            return Ok(Vec::new());
        }
        match self.tail.read(after, limit) {
            Some(events) => Ok(events),
            None => self.read_stored(after, limit).await,
        }
    }

    async fn read_stored(&self, after: Position, limit: usize) -> Result<Vec<Event>, Error> {
        let rows = self
            .calls
            .run(move |pool| async move { rows::read_all(&pool, after, limit).await });
        rows::in_order(&rows.await?, after)
    }

    fn head(&self) -> Position {
        self.tail.head()
    }

    async fn wait_beyond(&self, position: Position, timeout: Duration) -> Position {
        self.tail.wait_beyond(position, timeout).await
    }

    async fn position_at(&self, millis: i64) -> Result<Position, Error> {
        let found = self
            .calls
            .run(move |pool| async move { rows::position_at(&pool, millis).await });
        found.await
    }

    async fn load_snapshot(
        &self,
        stream: &StreamId,
        fold_version: u32,
    ) -> Result<Option<(Sequence, Vec<u8>)>, Error> {
        let stream = stream.clone();
        let found = self.calls.run(move |pool| {
            let stream = stream.clone();
            async move { snapshots::load(&pool, &stream, fold_version).await }
        });
        found.await
    }

    async fn save_snapshot(
        &self,
        stream: &StreamId,
        fold_version: u32,
        sequence: Sequence,
        state: Vec<u8>,
    ) -> Result<(), Error> {
        let (stream, state) = (stream.clone(), Arc::<[u8]>::from(state));
        let saved = self.calls.run(move |pool| {
            let (stream, state) = (stream.clone(), Arc::clone(&state));
            async move { snapshots::save(&pool, &stream, fold_version, sequence, &state).await }
        });
        saved.await
    }

    async fn close(&self) {
        self.closing.send_replace(true);
        let tasks = {
            let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *tasks)
        };
        for task in tasks {
            // One that panicked has said so on its own; it is gone anyway.
            let _ = task.await;
        }
        let pool = self.calls.pool.clone();
        let close = async move { pool.close().await };
        let _ = self.calls.runtime.spawn(close).await;
    }
}

impl Drop for Postgres {
    /// The queued appends are still written, if the runtime goes on.
    fn drop(&mut self) {
        self.closing.send_replace(true);
    }
}
