//! What the functions of a keyset share: values that end, sealed, and counters.
//!
//! Reads go to the stream of an entry and see every write that was answered before, so that writes
//! do not wait for the read models. Lists go to those, and wait for them.

use aggregates::counter::{self, Counter};
use aggregates::entry::{self, Entry, Kind, Value};
use aggregates::project::{self, Project};
use aggregates::{EntryId, ProjectId};
use cqrs_es::Aggregate as _;
use journal::StreamId;
use projections::View;
use sha2::{Digest, Sha256};

use super::Shared;
use crate::auth::now_ms;
use crate::bus::{self, Committed, Context};
use crate::vault;

/// Longest key, in characters (section 14).
pub const LONGEST_KEY: usize = 1000;

/// Longest value, in characters (section 14).
pub const LONGEST_VALUE: usize = 32_000;

/// How long a value is kept when nothing else is said, in seconds.
pub const TTL: i64 = 86_400;

/// Why the store does not answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A counter has 64 bits.
    #[error("the counter would overflow")]
    Overflow,
    /// A value cannot be sealed or opened.
    #[error(transparent)]
    Vault(#[from] vault::Error),
    /// The project cannot be read.
    #[error("the project cannot be read")]
    Project(#[from] bus::Error<project::Error>),
    /// An entry cannot be read or written.
    #[error("an entry cannot be used")]
    Entry(#[from] bus::Error<entry::Error>),
    /// A counter cannot be read or written.
    #[error("a counter cannot be used")]
    Counter(#[source] bus::Error<counter::Error>),
    /// The read models cannot be asked.
    #[error(transparent)]
    Reads(#[from] projections::Error),
}

impl From<bus::Error<counter::Error>> for Error {
    fn from(error: bus::Error<counter::Error>) -> Self {
        match error {
            bus::Error::Refused(counter::Error::Overflow) => Self::Overflow,
            error => Self::Counter(error),
        }
    }
}

/// What is listed: values and counters do not meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// Values of one kind, or of both.
    Entries(Option<Kind>),
    /// Counters.
    Counters,
}

/// The store of one keyset.
pub struct Store<'a> {
    shared: &'a Shared,
    project: &'a ProjectId,
    keyset: u64,
    subscribe_key: &'a str,
}

impl<'a> Store<'a> {
    /// The store of a keyset.
    pub fn of(
        shared: &'a Shared,
        project: &'a ProjectId,
        keyset: u64,
        subscribe_key: &'a str,
    ) -> Self {
        Self {
            shared,
            project,
            keyset,
            subscribe_key,
        }
    }

    /// The id of a key: of its value, or of its counter.
    pub fn id(&self, key: &str) -> EntryId {
        let hash = hex::encode(Sha256::digest(key.as_bytes()));
        EntryId::from(format!("{}/{hash}", self.subscribe_key))
    }

    fn stream(&self, key: &str) -> String {
        self.id(key).key(self.project)
    }

    /// The value of a key at a moment that is now, in milliseconds since the Unix epoch; none: there
    /// is none, or it has ended.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get(&self, key: &str, now: i64) -> Result<Option<(Kind, String)>, Error> {
        let found = self.entry(key).await?;
        match found.filter(|value| value.expires_at > now) {
            Some(value) => Ok(Some((value.kind, self.open(&value).await?))),
            None => Ok(None),
        }
    }

    /// What is stored under a key, still sealed, ended or not.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn entry(&self, key: &str) -> Result<Option<Value>, Error> {
        let found = self.shared.bus.load::<Entry>(&self.stream(key)).await?;
        Ok(found.state.value.clone())
    }

    /// Opens a value.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn open(&self, value: &Value) -> Result<String, Error> {
        Ok(self.shared.vault.open(&value.sealed).await?)
    }

    /// Sets the value of a key, whatever it was, for so many seconds from now.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn set(
        &self,
        key: &str,
        kind: Kind,
        text: &str,
        ttl_seconds: i64,
        context: &Context,
    ) -> Result<Committed, Error> {
        let bus = &self.shared.bus;
        let owner = bus.load::<Project>(self.project.as_str()).await?;
        let sealed = self.shared.vault.seal(&owner.state.data_key, text).await?;
        let expires_at = now_ms().saturating_add(ttl_seconds.saturating_mul(1000));
        let command = entry::Command::Set {
            keyset: self.keyset,
            key: key.to_owned(),
            value: Value {
                kind,
                sealed,
                expires_at,
            },
        };
        let stream = self.stream(key);
        Ok(bus.commit::<Entry>(&stream, command, context).await?)
    }

    /// Removes the value of a key. Nothing happens when there is none.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn remove(&self, key: &str, context: &Context) -> Result<Committed, Error> {
        let (bus, stream) = (&self.shared.bus, self.stream(key));
        let command = entry::Command::Remove;
        Ok(bus.commit::<Entry>(&stream, command, context).await?)
    }

    /// A counter; none: it was never set, and counts as 0.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn counter(&self, key: &str) -> Result<Option<i64>, Error> {
        let found = self.shared.bus.load::<Counter>(&self.stream(key)).await?;
        Ok(found.state.value)
    }

    /// Adds to a counter, which begins at 0. The number is what it is at that moment, or now if this
    /// is a repeat.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn increment(
        &self,
        key: &str,
        by: i64,
        context: &Context,
    ) -> Result<(i64, Committed), Error> {
        let (bus, stream) = (&self.shared.bus, self.stream(key));
        let command = counter::Command::Increment {
            keyset: self.keyset,
            key: key.to_owned(),
            by,
        };
        let committed = bus.commit::<Counter>(&stream, command, context).await?;
        // The state may have gone on since.
        let stream = StreamId::new(Counter::TYPE, &*stream);
        let before = committed.sequence.saturating_sub(1);
        let events = bus.journal().read_stream(&stream, before, 1).await;
        let events = events.map_err(bus::Error::<counter::Error>::Unavailable)?;
        let written = events.first().map(|event| event.payload.get());
        let written = serde_json::from_str(written.unwrap_or_default());
        let counter::Event::CounterChanged { value, .. } =
            written.map_err(bus::Error::<counter::Error>::Unreadable)?;
        Ok((value, committed))
    }

    /// Keys in ascending order of their bytes after a key, at most so many, that are there at the
    /// moment of the view.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn keys(
        &self,
        listed: Listed,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, Error> {
        let bus = &self.shared.bus;
        bus.wait_for_reads(bus.journal().head()).await;
        let view = self.shared.reads.view(None);
        match listed {
            Listed::Entries(kind) => {
                let rows = self.entries(&view, now_ms(), kind, after, limit).await?;
                Ok(rows.into_iter().map(|row| row.key).collect())
            }
            Listed::Counters => {
                let rows = self.counters(&view, after, limit).await?;
                Ok(rows.into_iter().map(|row| row.key).collect())
            }
        }
    }

    /// Values that are there at a moment, still sealed, as [`Store::keys`].
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn entries(
        &self,
        view: &View,
        moment: i64,
        kind: Option<Kind>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<projections::model::Entry>, Error> {
        let (project, from) = (self.project.as_str(), (after, moment));
        let of = |kind| view.entries_by_key(project, self.keyset, kind, from, limit);
        let Some(kind) = kind else {
            let (mut rows, more) = tokio::try_join!(of(Kind::String), of(Kind::Json))?;
            rows.extend(more);
            rows.sort_by(|a, b| a.key.cmp(&b.key));
            rows.truncate(limit as usize);
            return Ok(rows);
        };
        Ok(of(kind).await?)
    }

    /// Counters, as [`Store::keys`].
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn counters(
        &self,
        view: &View,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<projections::model::Counter>, Error> {
        let project = self.project.as_str();
        let rows = view.counters_by_key(project, self.keyset, after, limit);
        Ok(rows.await?)
    }
}
