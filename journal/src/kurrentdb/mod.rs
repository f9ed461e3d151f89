//! The backend for KurrentDB (formerly EventStoreDB) 22.6 or later.
//!
//! # What is stored
//!
//! With the usual prefix, the server has these streams:
//!
//! - `strata.{kind}-{key}` holds the events of one stream of ours, and only
//!   those streams have a dot behind the prefix. The event of sequence n has
//!   revision n-1. Its data is the payload, its metadata says who and why.
//! - `strata-command-{SHA-256 of the id}` holds what was begun in the name of a
//!   command id, see below.
//! - `strata-index` holds a mark for every 64th position: how far the server's
//!   own order had got there, the time and the hash.
//! - `strata-snapshot-{fold version}-{kind}-{key}` holds the newest snapshot of
//!   a stream. They may be deleted at any time; nothing else may.
//!
//! # The order
//!
//! The server has an order of all events, `$all`, but its positions have gaps.
//! So every node derives ours by one rule, and all find the same: of the
//! events whose stream's name begins with `strata.`, the n-th in `$all` has
//! position n; it was recorded when the server took it, or when the one before
//! it was recorded if that is later; the hash chain runs over them. Nothing of
//! this has to be written back. A node begins at the last stored mark, reads
//! what is behind it, and then follows a subscription with the same filter. An
//! append returns when its events have come along there. What the subscription
//! fails to tell is found by reading.
//!
//! What is asked for by position is read from the mark before it. What is read
//! from its own stream gets its position from the place in `$all` that the
//! server tells with it. The hash of an event is not stored with it, so a
//! changed event is found when the marks are compared ([`Journal::read_stored`]
//! does): up to 64 events late, and the events behind the last stored mark are
//! not covered once no node remembers them.
//!
//! # Doing a command once
//!
//! The server appends to one stream at a time. So a command claims its id
//! first, by an event in the stream of the id, at an expected revision; the
//! claim holds the events. Then the events are appended to their stream, at
//! the expected revision, with ids that follow from the claim. Whoever finds a
//! claim reads whether its first event is there. If so, the command was done.
//! If the stream has another event in its place, it never will be, and the
//! next claim may be made. If there is nothing yet, because somebody died or is
//! slow, the finder appends the events himself: the revision and the ids see to
//! it that they are there once. A claim costs a second write and the payload
//! once more; appends without a fingerprint do without.
//!
//! # What it cannot do
//!
//! [`Journal::append_all`] refuses more than one stream, and more than one
//! command id, with [`Error::Unsupported`]. Requests of one node are answered
//! in their order for each stream, and not over all streams. The recorded time
//! is the server's. Events that other programs append to our streams take part
//! in the order if they are JSON; one that is not, a deleted stream included,
//! ends the order, and the journal refuses to open.

mod appender;
mod at;
mod claims;
mod follower;
mod index;
mod link;
mod mark;
mod names;
mod order;
mod record;
mod restore;
mod snapshots;
mod turns;

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedRwLockReadGuard, RwLock, watch};
use tokio::task::JoinHandle;

use crate::shared::Shared;
use crate::{
    Append, Appended, Clock, Error, Event, Journal, Outcome, Position, Sequence, StreamId, gapless,
};
use appender::{Appender, Request};
use at::At;
use follower::Follower;
use index::Keeper;
use link::Link;
use names::Names;
use order::Order;
use turns::Turns;

/// So many events of a stream are read at once.
const PAGE: usize = 512;

/// How to open a journal on a KurrentDB server.
#[derive(Clone)]
pub struct Options {
    /// The server or the cluster: `kurrentdb://user:password@host:2113?tls=true`.
    pub url: String,
    /// What the names of all streams begin with: letters, digits and `_`. Two
    /// journals on one server have different ones.
    pub prefix: String,
    /// Gives the time of appends that write no event, and the time part of
    /// event ids. The recorded time of events is the server's.
    pub clock: Clock,
    /// After about this long without the server, what waits for it fails with
    /// [`Error::Unavailable`].
    pub patience: Duration,
}

impl fmt::Debug for Options {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("prefix", &self.prefix)
            .field("clock", &self.clock)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

impl Options {
    /// Options for a journal on this server, everything else as is usual.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            prefix: "strata".to_owned(),
            clock: Clock::system(),
            patience: Duration::from_secs(4),
        }
    }

    /// Connects, reads what is behind the last stored mark, and starts to
    /// follow. The runtime that this is called on must go on running; callers
    /// may be on another one.
    ///
    /// Fails with [`Error::Unavailable`] when the server cannot be reached, and
    /// with [`Error::Corrupt`] when it has an event that cannot be one.
    pub async fn build(self) -> Result<Arc<KurrentDb>, Error> {
        let names = Names::new(&self.prefix)?;
        let link = Arc::new(Link::new(&self.url, self.patience)?);
        let marks = index::load(&link, &names).await?;
        let stored = Keeper::events(&marks);
        let order = Order::new(Arc::clone(&link), names.clone(), self.patience, marks);
        let order = Arc::new(order);
        order.catch_up().await?;
        let (closing, is_closing) = watch::channel(false);
        let follower = Follower {
            link: Arc::clone(&link),
            names: names.clone(),
            order: Arc::clone(&order),
            closing: is_closing.clone(),
        };
        let keeper = Keeper {
            link: Arc::clone(&link),
            names: names.clone(),
            order: Arc::clone(&order),
            closing: is_closing,
            stored,
        };
        let tasks = vec![tokio::spawn(follower.run()), tokio::spawn(keeper.run())];
        let appender = Appender::new(
            Arc::clone(&link),
            names.clone(),
            Arc::clone(&order),
            self.clock,
            self.patience,
        );
        Ok(Arc::new(KurrentDb {
            shared: Arc::new(Parts {
                link,
                names,
                order,
                appender,
            }),
            turns: Turns::default(),
            closed: Arc::default(),
            closing,
            tasks: Mutex::new(tasks),
            patience: self.patience,
            runtime: Handle::current(),
        }))
    }
}

/// A journal on a KurrentDB server, as one of its nodes. Made by
/// [`Options::build`].
#[derive(Debug)]
pub struct KurrentDb {
    shared: Arc<Parts>,
    turns: Turns<StreamId>,
    /// Held for reading by everything that is under way.
    closed: Arc<RwLock<bool>>,
    closing: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    patience: Duration,
    runtime: Handle,
}

/// What calls work with, wherever they run.
#[derive(Debug)]
struct Parts {
    link: Arc<Link>,
    names: Names,
    order: Arc<Order>,
    appender: Appender,
}

/// Waits until the journal is to be closed.
async fn closed(closing: &mut watch::Receiver<bool>) {
    // An error says that the journal is gone without a word.
    let _ = closing.wait_for(|closing| *closing).await;
}

impl KurrentDb {
    async fn submit(&self, appends: Vec<Append>) -> Result<Vec<Outcome>, Error> {
        let request = Request::new(appends)?;
        let open = self.open().await?;
        // Asked for before anything is awaited elsewhere, so that requests to
        // one stream are decided in the order in which they came.
        let turn = self.turns.take(request.stream().clone()).await;
        self.run_while(open, async move |parts: Arc<Parts>| {
            let _turn = turn;
            parts.appender.append(&request).await
        })
        .await
    }

    async fn run<T, F>(&self, work: impl FnOnce(Arc<Parts>) -> F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let open = self.open().await?;
        self.run_while(open, work).await
    }

    /// Keeps the journal from being closed.
    async fn open(&self) -> Result<OwnedRwLockReadGuard<bool>, Error> {
        let closed = Arc::clone(&self.closed).read_owned().await;
        if *closed {
            return Err(Error::Closed);
        }
        Ok(closed)
    }

    /// Does something where the connections were made, as it is that runtime
    /// which moves their bytes, and to its end even if nobody waits any more.
    async fn run_while<T, F>(
        &self,
        open: OwnedRwLockReadGuard<bool>,
        work: impl FnOnce(Arc<Parts>) -> F,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let work = work(Arc::clone(&self.shared));
        let done = self.runtime.spawn(async move {
            let done = work.await;
            drop(open);
            done
        });
        match done.await {
            Ok(result) => result,
            Err(error) => Err(Error::Unavailable(format!("a call was cut off: {error}"))),
        }
    }
}

impl Parts {
    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<Event>, Error> {
        // Revisions of the server have a sign.
        if limit == 0 || i64::try_from(after).is_err() {
            return Ok(Vec::new());
        }
        let name = self.names.events(stream);
        let mut shared = Shared::default();
        let mut events = Vec::new();
        while events.len() < limit {
            let wanted = (limit - events.len()).min(PAGE);
            let read = after + events.len() as u64;
            let records = self.link.read(&name, read, wanted).await?;
            let count = records.len();
            for record in records {
                let place = self.order.place_of(At::of(&record)?).await?;
                let content = record::read(&self.names, &record);
                let content = content.map_err(|reason| Error::Corrupt {
                    position: place.position,
                    reason,
                })?;
                let content = content.map(|it| place.event(record.id, it, &mut shared));
                events.extend(content.map(Ok));
            }
            if count < wanted {
                break;
            }
        }
        gapless::in_stream(events.into_iter(), stream, after)
    }
}

#[async_trait::async_trait]
impl Journal for KurrentDb {
    async fn append(&self, append: Append) -> Result<Outcome, Error> {
        let outcome = self.submit(vec![append]).await?.pop();
        outcome.ok_or_else(|| Error::Unavailable("the appender gave no outcome".to_owned()))
    }

    /// Appends to one stream, in the name of one command at most. Anything else
    /// is refused with [`Error::Unsupported`], before anything is written.
    async fn append_all(&self, appends: Vec<Append>) -> Result<Vec<Outcome>, Error> {
        if appends.is_empty() {
            return Ok(Vec::new());
        }
        self.submit(appends).await
    }

    fn is_atomic_across_streams(&self) -> bool {
        false
    }

    async fn outcome(&self, command_id: &str) -> Result<Option<(Appended, [u8; 32])>, Error> {
        let id = command_id.to_owned();
        let stored = self.run(async move |parts: Arc<Parts>| parts.appender.outcome(&id).await);
        let stored = stored.await?;
        Ok(stored.map(|stored| (stored.appended, stored.fingerprint)))
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<Event>, Error> {
        let stream = stream.clone();
        self.run(async move |parts: Arc<Parts>| parts.read_stream(&stream, after, limit).await)
            .await
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Event>, Error> {
        let tail = self.shared.order.tail();
        if after >= tail.head() || limit == 0 {
            return Ok(Vec::new());
        }
        match tail.read(after, limit) {
            Some(events) => Ok(events),
            None => self.read_stored(after, limit).await,
        }
    }

    async fn read_stored(&self, after: Position, limit: usize) -> Result<Vec<Event>, Error> {
        self.run(async move |parts: Arc<Parts>| parts.order.stored(after, limit).await)
            .await
    }

    fn head(&self) -> Position {
        self.shared.order.tail().head()
    }

    async fn wait_beyond(&self, position: Position, timeout: Duration) -> Position {
        let tail = self.shared.order.tail();
        tail.wait_beyond(position, timeout).await
    }

    async fn position_at(&self, millis: i64) -> Result<Position, Error> {
        self.run(async move |parts: Arc<Parts>| parts.order.position_at(millis).await)
            .await
    }

    async fn load_snapshot(
        &self,
        stream: &StreamId,
        fold_version: u32,
    ) -> Result<Option<(Sequence, Vec<u8>)>, Error> {
        let stream = stream.clone();
        self.run(async move |parts: Arc<Parts>| {
            snapshots::load(&parts.link, &parts.names, &stream, fold_version).await
        })
        .await
    }

    async fn save_snapshot(
        &self,
        stream: &StreamId,
        fold_version: u32,
        sequence: Sequence,
        state: Vec<u8>,
    ) -> Result<(), Error> {
        let stream = stream.clone();
        self.run(async move |parts: Arc<Parts>| {
            let Parts { link, names, .. } = &*parts;
            snapshots::save(link, names, &stream, fold_version, sequence, state).await
        })
        .await
    }

    async fn close(&self) {
        // Behind everything that is under way.
        *self.closed.write().await = true;
        self.closing.send_replace(true);
        let tasks = {
            let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *tasks)
        };
        for task in tasks {
            // One that panicked has said so on its own; it is gone anyway.
            let _ = task.await;
        }
    }
}

impl Drop for KurrentDb {
    fn drop(&mut self) {
        self.closing.send_replace(true);
    }
}
