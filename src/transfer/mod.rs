//! A world as a file: `strata export` and `strata import`.
//!
//! The file is JSON Lines. The first line names the format, then come the events
//! in their order, the outcomes of command ids, the data keys (wrapped, as they
//! are stored), the rows of the store of records, and a last line that says how
//! much there was, so that a file which was cut short is noticed. Everything is
//! written as it is: a journal that was moved has the same positions, times and
//! hashes, and its chain verifies.
//!
//! Records come after the events, and may be newer: events hold marks of the
//! store of records, which must not lie beyond its end.
//!
//! Not in it: the master key, and the blobs that events name. Read models,
//! snapshots and caches are made again.

mod export;
mod import;
mod line;

use anyhow::bail;
use journal::Journal;

use crate::config::Config;
use crate::{app, vault};

pub use export::export;
pub use import::import;

/// How many events or outcomes are read and written together.
const PAGE: usize = 1000;

/// What a file held, or holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Position of the last event.
    pub position: u64,
    /// Its hash.
    #[serde(with = "line::hash")]
    pub hash: [u8; 32],
    /// Outcomes of command ids.
    pub commands: u64,
    /// Data keys.
    pub data_keys: u64,
    /// Rows of the store of records.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub records: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The journal that the configuration names, to read from, and its data keys.
pub async fn open(config: &Config) -> anyhow::Result<(std::sync::Arc<dyn Journal>, vault::Keys)> {
    if let Some(url) = &config.database_url {
        let journal = journal::postgres::Options::new(url).build().await?;
        let keys = vault::Keys::Database(journal.data_keys());
        return Ok((journal, keys));
    }
    let keys = vault::Keys::Folder(config.data_dir.join("keys"));
    if let Some(url) = &config.kurrentdb_url {
        return Ok((app::open_kurrentdb(url).await?, keys));
    }
    let path = config.data_dir.join("journal.db");
    if !path.exists() {
        bail!("there is no journal at {}", path.display());
    }
    let opened = tokio::task::spawn_blocking(move || {
        let options = journal::sqlite::Options::new(path);
        journal::sqlite::Options {
            read_only: true,
            ..options
        }
        .build()
    });
    Ok((opened.await??, keys))
}
