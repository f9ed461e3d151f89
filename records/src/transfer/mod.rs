//! Everything that a store holds, as rows that can be written to a file and read back into another
//! store, of either backend.
//!
//! What is dropped, and only waits to be removed, is not among them, and neither are locks: who held
//! one does not run on the other store. Numbers and times stay as they are, since marks of track
//! deletes and cursors that clients keep name them.

mod export;
mod restore;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Error;

pub use export::Export;
pub use restore::Restore;

/// Rows that are read and written together.
const PAGE: i64 = 1000;

/// A row of the store. Times are in milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "they are the columns of the tables")]
pub enum Row {
    /// The end of the store's order; the first row.
    Head { number: i64, at: i64 },
    /// A life of a scope.
    Scope {
        id: i64,
        project: String,
        integration: String,
        connection: String,
        model: String,
        variant: String,
        opened_at: i64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        closed_at: Option<i64>,
        changed_at: i64,
        live: i64,
    },
    /// A version of a record.
    Change {
        number: i64,
        scope: i64,
        record: i64,
        id: String,
        uuid: Uuid,
        action: i64,
        at: i64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        superseded_at: Option<i64>,
        first_seen_at: i64,
        modified_at: i64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pruned_at: Option<i64>,
        job: String,
        hash: Bytes,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        payload: Option<Bytes>,
    },
    /// Which write saw a record last.
    Seen {
        scope: i64,
        record: i64,
        number: i64,
        job: String,
    },
}

/// Bytes as they are written: text where they are text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Bytes {
    /// UTF-8.
    Text(String),
    /// Anything else.
    Base64(String),
}

impl Bytes {
    fn new(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Base64(STANDARD.encode(bytes)),
        }
    }

    fn into_bytes(self) -> Result<Vec<u8>, Error> {
        match self {
            Self::Text(text) => Ok(text.into_bytes()),
            Self::Base64(text) => {
                let damaged = |error| Error::Damaged(format!("bytes of a row: {error}"));
                STANDARD.decode(text).map_err(damaged)
            }
        }
    }
}
