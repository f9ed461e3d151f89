//! What is saved and what is read.

use serde_json::Value;
use uuid::Uuid;

use crate::hash::content_hash;
use crate::{Cursor, Error};

/// Names a set of records: what one variant of one sync fetches into one model
/// over one connection. Every name has 1 to 512 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    /// Id of the project.
    pub project: String,
    /// Id of the integration.
    pub integration: String,
    /// Id of the connection.
    pub connection: String,
    /// Name of the model.
    pub model: String,
    /// Variant of the sync; `base` where nothing else is said.
    pub variant: String,
}

impl Scope {
    pub(crate) fn names(&self) -> [&str; 5] {
        let Self {
            project,
            integration,
            connection,
            model,
            variant,
        } = self;
        [project, integration, connection, model, variant]
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let names = self.names().into_iter();
        names
            .zip(NAMES)
            .try_for_each(|(name, what)| check(what, name, 512))
    }
}

const NAMES: [&str; 5] = ["project", "integration", "connection", "model", "variant"];

/// Refuses names that one of the backends cannot hold.
pub(crate) fn check(what: &'static str, name: &str, most: usize) -> Result<(), Error> {
    match name.is_empty() || name.len() > most || name.contains('\0') {
        true => Err(Error::Name { what, most }),
        false => Ok(()),
    }
}

/// The content of a record, to be saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Id of the record within its scope, 1 to 1024 bytes.
    pub id: String,
    /// What is stored, as it is given: JSON text, or bytes that only the caller
    /// can read.
    pub payload: Vec<u8>,
    /// Tells whether the content is another one than before.
    pub hash: [u8; 32],
}

impl Entry {
    /// An entry in clear.
    pub fn new(id: impl Into<String>, content: &Value) -> Self {
        Self::sealed(id, content.to_string().into_bytes(), content_hash(content))
    }

    /// An entry whose content is sealed. `hash` is that of what is in it,
    /// usually of [`content_hash`] and keyed, as sealing gives other bytes each
    /// time. It cannot be saved with [`Mode::Update`].
    pub fn sealed(id: impl Into<String>, payload: Vec<u8>, hash: [u8; 32]) -> Self {
        Self {
            id: id.into(),
            payload,
            hash,
        }
    }
}

/// What saving does with the records that are there and with those that are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Adds and replaces. A deleted record is added again, with its uuid and
    /// `first_seen_at`.
    Save,
    /// Merges (see [`crate::merge`]) into what is there; unknown and deleted
    /// ids are left out. What was pruned is gone: the entry is then all of the
    /// content.
    Update,
    /// As `Update`, but the entry replaces the content: for callers that seal,
    /// and merge on their own.
    Replace,
}

/// Which of two contents stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merging {
    /// The given one.
    Override,
    /// The stored one, where it was modified (or deleted) after this time, in
    /// milliseconds since the Unix epoch. The record counts as seen.
    IgnoreIfModifiedAfter(i64),
}

/// What became of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that were not there, or were deleted.
    pub added: u64,
    /// Records whose content is another one now.
    pub updated: u64,
    /// Records that are as they were: with the same content, kept by
    /// [`Merging`], or deleted before.
    pub unchanged: u64,
    /// Records that are deleted now.
    pub deleted: u64,
    /// Ids that came again in the same page; only the first is taken.
    pub duplicates: Vec<String>,
    /// Ids of an update or deletion that are not there.
    pub unknown: Vec<String>,
}

/// The last thing that a sync did to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// It was not there before, or deleted.
    Added,
    /// Its content changed.
    Updated,
    /// It was deleted, and keeps the content that it had.
    Deleted,
}

impl Action {
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Added => 1,
            Self::Updated => 2,
            Self::Deleted => 3,
        }
    }

    pub(crate) fn from_number(number: i64) -> Result<Self, Error> {
        match number {
            1 => Ok(Self::Added),
            2 => Ok(Self::Updated),
            3 => Ok(Self::Deleted),
            other => Err(Error::Damaged(format!("there is no action {other}"))),
        }
    }
}

/// A record at some time. Times are in milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Id within the scope.
    pub id: String,
    /// The same for as long as its scope is not emptied, also when the record
    /// is deleted and added again.
    pub uuid: Uuid,
    /// What was saved last; none once it is pruned.
    pub payload: Option<Vec<u8>>,
    /// When it was added for the first time.
    pub first_seen_at: i64,
    /// When it was last added, updated or deleted.
    pub last_modified_at: i64,
    /// Which of the three that was.
    pub last_action: Action,
    /// When it was deleted, if it is.
    pub deleted_at: Option<i64>,
    /// When its content was removed, if it is.
    pub pruned_at: Option<i64>,
}

impl Record {
    /// Its place in lists.
    pub fn cursor(&self) -> Cursor {
        Cursor {
            modified_at: self.last_modified_at,
            uuid: self.uuid,
        }
    }
}

/// Which records to list. All that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Only what comes after it.
    pub cursor: Option<Cursor>,
    /// Most records to return, 1 to [`crate::MOST`]; what is beyond is cut off.
    pub limit: usize,
    /// Only records with one of these last actions; empty: with any.
    pub filter: Vec<Action>,
    /// Only what was modified after this time.
    pub modified_after: Option<i64>,
    /// Only these records, at most [`crate::MOST`].
    pub ids: Option<Vec<String>>,
    /// As it was at this time. What is being written may still get a time of
    /// the last moments; what lies further back does not change any more, other
    /// than by `drop_connection` and `drop_project`.
    pub as_of: Option<i64>,
}

/// Part of a list, in the order of (`last_modified_at`, `uuid`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The records.
    pub records: Vec<Record>,
    /// Where the next page begins; none: this is the last one.
    pub next_cursor: Option<Cursor>,
}

/// What a model of a connection holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Name of the model.
    pub model: String,
    /// Variant of the sync.
    pub variant: String,
    /// Records that are not deleted.
    pub count: u64,
}

/// Which records [`crate::Records::delete_unseen`] deletes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unseen {
    /// Those that were not saved since a mark was taken, changed or not.
    Since(i64),
    /// Those that were saved last by another job.
    NotBy(String),
}
