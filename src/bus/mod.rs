//! The command bus: load state, decide, append, wait for the read models.
//!
//! State comes from the cache, else from the newest snapshot and the events
//! after it. A command takes the state out of the cache and puts it back after
//! its commit. Commands for one stream run one after another within a node, so
//! that they conflict only with other nodes; then the bus decides again on
//! fresh state, up to [`Bus::RETRIES`] times.
//!
//! Where other nodes append too, [`Bus::follow_others`] drops the states that
//! they outdate, and nothing is refused on a state that the journal has gone
//! past.

mod cache;
mod context;
mod fold;
mod others;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use aggregates::Fold;
use cqrs_es::DomainEvent;
use cqrs_es::event_sink::EventSink;
use journal::{Append, Journal, NewEvent, Outcome, StreamId};

pub use context::{Committed, Context};
pub use fold::Loaded;

/// Something that follows the journal and can say when it has reached a
/// position: the read models.
#[async_trait::async_trait]
pub trait Follower: Send + Sync {
    /// Waits until `position` is applied, or for `timeout`.
    async fn wait_for(&self, position: u64, timeout: Duration) -> bool;
}

/// Why a command had no effect.
#[derive(Debug, thiserror::Error)]
pub enum Error<E: std::error::Error> {
    /// The aggregate decided against it.
    #[error(transparent)]
    Refused(E),
    /// Others kept changing the same stream.
    #[error("the resource is being changed by others")]
    Conflict,
    /// The stream is not at the sequence that the client named.
    #[error("the resource has changed: it is at sequence {actual}")]
    PreconditionFailed {
        /// Where the stream is.
        actual: u64,
    },
    /// The command id was used for another command before.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// The journal did not take it or could not be read.
    #[error("the journal failed")]
    Unavailable(#[source] journal::Error),
    /// A stored event or snapshot cannot be read.
    #[error("a stored event cannot be read")]
    Unreadable(#[source] serde_json::Error),
}

impl<E: std::error::Error> From<journal::Error> for Error<E> {
    fn from(error: journal::Error) -> Self {
        Self::Unavailable(error)
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Bus {
    inner: Arc<Inner>,
}

struct Inner {
    journal: Arc<dyn Journal>,
    follower: Option<Arc<dyn Follower>>,
    cache: cache::Cache,
    snapshot_every: u64,
    others: Option<others::Others>,
}

/// How to build a [`Bus`].
pub struct Options {
    /// Where events go.
    pub journal: Arc<dyn Journal>,
    /// What a command waits for after its events are durable.
    pub follower: Option<Arc<dyn Follower>>,
    /// Most aggregates kept in memory.
    pub cached_aggregates: usize,
    /// A snapshot is taken each time a stream has grown by this many events.
    pub snapshot_every: u64,
    /// Whether other nodes append to the journal too.
    pub shared: bool,
}

impl Options {
    /// The bus.
    pub fn build(self) -> Bus {
        let others = self
            .shared
            .then(|| others::Others::after(self.journal.head()));
        Bus {
            inner: Arc::new(Inner {
                others,
                journal: self.journal,
                follower: self.follower,
                cache: cache::Cache::new(self.cached_aggregates),
                snapshot_every: self.snapshot_every.max(1),
            }),
        }
    }
}

impl Bus {
    /// How often a command is decided again after a conflict.
    pub const RETRIES: u32 = 3;
    /// How long a command waits for the read models before it answers anyway.
    pub const READ_WAIT: Duration = Duration::from_secs(2);

    /// The journal below.
    pub fn journal(&self) -> &Arc<dyn Journal> {
        &self.inner.journal
    }

    /// The state of an aggregate now.
    pub async fn load<A>(&self, key: &str) -> Result<Loaded<A>, Error<A::Error>>
    where
        A: Fold + 'static,
    {
        let stream = StreamId::new(A::TYPE, key);
        if let Some(loaded) = self.inner.cache.get::<A>(&stream) {
            return Ok(loaded);
        }
        let _turn = self.inner.cache.turn(&stream).await;
        if let Some(loaded) = self.inner.cache.get::<A>(&stream) {
            return Ok(loaded);
        }
        let loaded = fold::load::<A>(&*self.inner.journal, &stream).await?;
        if loaded.sequence > 0 {
            self.inner.cache.put(&stream, &loaded);
        }
        Ok(loaded)
    }

    /// Decides a command and makes its events durable.
    pub async fn execute<A>(
        &self,
        key: &str,
        command: A::Command,
        context: &Context,
    ) -> Result<Committed, Error<A::Error>>
    where
        A: Fold + 'static,
        A::Command: Clone + Send,
    {
        let committed = self.commit::<A>(key, command, context).await?;
        self.wait_for_reads(committed.position).await;
        Ok(committed)
    }

    /// As [`Bus::execute`], without waiting for the read models: for what is read
    /// from its stream.
    pub async fn commit<A>(
        &self,
        key: &str,
        command: A::Command,
        context: &Context,
    ) -> Result<Committed, Error<A::Error>>
    where
        A: Fold + 'static,
        A::Command: Clone + Send,
    {
        let stream = StreamId::new(A::TYPE, key);
        let _turn = self.inner.cache.turn(&stream).await;
        if let Some(committed) = self.outcome_of_repeat::<A::Error>(context).await? {
            return Ok(committed);
        }
        let state = match self.inner.cache.take::<A>(&stream) {
            Some(loaded) => loaded,
            None => fold::load::<A>(&*self.inner.journal, &stream).await?,
        };
        self.decide(&stream, state, command, context, true).await
    }

    /// As [`Bus::execute`], for a stream that is known to be new (its id was
    /// just made at random): nothing is read before the append, and the state
    /// is not kept.
    pub async fn execute_new<A>(
        &self,
        key: &str,
        command: A::Command,
        context: &Context,
    ) -> Result<Committed, Error<A::Error>>
    where
        A: Fold + 'static,
        A::Command: Clone + Send,
    {
        let committed = self.record::<A>(key, command, context).await?;
        self.wait_for_reads(committed.position).await;
        Ok(committed)
    }

    /// As [`Bus::execute_new`], without waiting for the read models: for what
    /// nobody reads but in the audit log.
    pub async fn record<A>(
        &self,
        key: &str,
        command: A::Command,
        context: &Context,
    ) -> Result<Committed, Error<A::Error>>
    where
        A: Fold + 'static,
        A::Command: Clone + Send,
    {
        let stream = StreamId::new(A::TYPE, key);
        match self.outcome_of_repeat::<A::Error>(context).await? {
            Some(committed) => Ok(committed),
            None => {
                let state = Loaded::<A>::default();
                self.decide(&stream, state, command, context, false).await
            }
        }
    }

    /// What the same command did when it was sent before with this fingerprint.
    pub async fn outcome_of_repeat<E: std::error::Error>(
        &self,
        context: &Context,
    ) -> Result<Option<Committed>, Error<E>> {
        let Some(fingerprint) = context.fingerprint else {
            return Ok(None);
        };
        match self.inner.journal.outcome(&context.command_id).await? {
            None => Ok(None),
            Some((appended, first)) if first == fingerprint => {
                Ok(Some(Committed::new(appended, true)))
            }
            Some(_) => Err(Error::KeyReused),
        }
    }

    async fn decide<A>(
        &self,
        stream: &StreamId,
        mut loaded: Loaded<A>,
        command: A::Command,
        context: &Context,
        keep: bool,
    ) -> Result<Committed, Error<A::Error>>
    where
        A: Fold + 'static,
        A::Command: Clone + Send,
    {
        for _ in 0..=Self::RETRIES {
            let sequence = loaded.sequence;
            if context
                .if_match
                .is_some_and(|expected| expected != sequence)
            {
                if let Some(newer) = self.newer::<A>(stream, sequence).await? {
                    loaded = newer;
                    continue;
                }
                if keep && sequence > 0 {
                    self.inner.cache.put(stream, &loaded);
                }
                return Err(Error::PreconditionFailed { actual: sequence });
            }
            let mut state = Arc::unwrap_or_clone(loaded.state);
            let sink = EventSink::default();
            if let Err(refusal) = state.handle(command.clone(), &(), &sink).await {
                if let Some(newer) = self.newer::<A>(stream, sequence).await? {
                    loaded = newer;
                    continue;
                }
                // The events of a refused command are dropped, and with them
                // the state they may have been applied to.
                if keep && sequence > 0 && sink.collect().await.is_empty() {
                    let state = Arc::new(state);
                    self.inner.cache.put(stream, &Loaded { state, sequence });
                }
                return Err(Error::Refused(refusal));
            }
            let events = encode::<A>(sink.collect().await)?;
            let grown = events.len() as u64;
            let append = Append {
                stream: stream.clone(),
                expected: sequence,
                events,
                metadata: context.metadata(),
                fingerprint: context.fingerprint,
            };
            match self.inner.journal.append(append).await? {
                Outcome::Appended(appended) => {
                    let after = Loaded {
                        state: Arc::new(state),
                        sequence: sequence + grown,
                    };
                    self.snapshot_if_due(stream, sequence, &after);
                    if keep && after.sequence > 0 {
                        self.inner.cache.put(stream, &after);
                    }
                    return Ok(Committed::new(appended, false));
                }
                Outcome::Duplicate(appended) => return Ok(Committed::new(appended, true)),
                Outcome::Reused => return Err(Error::KeyReused),
                Outcome::Conflict(conflict) => {
                    if context.if_match.is_some() {
                        let actual = conflict.actual;
                        return Err(Error::PreconditionFailed { actual });
                    }
                    loaded = fold::load::<A>(&*self.inner.journal, stream).await?;
                }
            }
        }
        Err(Error::Conflict)
    }

    /// The state of a stream, if another node has appended to it after this
    /// sequence.
    async fn newer<A: Fold>(
        &self,
        stream: &StreamId,
        sequence: u64,
    ) -> Result<Option<Loaded<A>>, Error<A::Error>> {
        let journal = &*self.inner.journal;
        let is_shared = self.inner.others.is_some();
        if !is_shared || journal.read_stream(stream, sequence, 1).await?.is_empty() {
            return Ok(None);
        }
        fold::load(journal, stream).await.map(Some)
    }

    fn snapshot_if_due<A: Fold + 'static>(
        &self,
        stream: &StreamId,
        before: u64,
        after: &Loaded<A>,
    ) {
        let every = self.inner.snapshot_every;
        if before / every == after.sequence / every {
            return;
        }
        let (journal, stream, after) = (
            self.inner.journal.clone(),
            stream.clone(),
            Loaded::clone(after),
        );
        tokio::spawn(async move {
            if let Err(error) = fold::save(&*journal, &stream, &after).await {
                tracing::warn!(%stream, error = %error, "a snapshot was not kept");
            }
        });
    }

    /// Waits until the read models have a position, or for [`Bus::READ_WAIT`].
    pub async fn wait_for_reads(&self, position: u64) {
        if let Some(follower) = &self.inner.follower
            && !follower.wait_for(position, Self::READ_WAIT).await
        {
            tracing::warn!(position, "answered before the read models were there");
        }
    }
}

fn encode<A: Fold>(events: Vec<A::Event>) -> Result<Vec<NewEvent>, Error<A::Error>> {
    events
        .into_iter()
        .map(|event| {
            Ok(NewEvent {
                kind: event.event_type(),
                version: event.event_version(),
                payload: serde_json::value::to_raw_value(&event).map_err(Error::Unreadable)?,
            })
        })
        .collect()
}
