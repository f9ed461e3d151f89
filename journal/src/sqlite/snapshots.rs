//! Folded states of streams, in a file of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::{rows, schema, unavailable};
use crate::{Clock, Error, Sequence, StreamId};

/// The snapshot file. It is written without waiting for the disk, and it is
/// made anew when it cannot be used.
#[derive(Debug)]
pub(super) struct Snapshots(Mutex<Connection>);

impl Snapshots {
    /// Opens the snapshots of the journal at `journal`.
    pub(super) fn open(journal: &Path, clock: &Clock) -> Result<Self, Error> {
        let path = schema::beside(journal, ".snapshots");
        let connection = open(&path, clock).or_else(|error| {
            tracing::warn!(%error, path = %path.display(), "the snapshots are made anew");
            for suffix in ["", "-wal", "-shm"] {
                // What cannot be removed shows when the file is opened again.
                let _ = fs::remove_file(schema::beside(&path, suffix));
            }
            open(&path, clock)
        });
        let connection = connection.map_err(unavailable)?;
        Ok(Self(Mutex::new(connection)))
    }

    /// The snapshot, if it fits the stream as `journal` has it. A journal that
    /// was restored from a backup may be behind its snapshots.
    pub(super) fn load(
        &self,
        journal: &Connection,
        stream: &StreamId,
        fold_version: u32,
    ) -> Result<Option<(Sequence, Vec<u8>)>, Error> {
        let found = self.select(stream, fold_version).unwrap_or_else(|error| {
            tracing::warn!(%error, %stream, "a snapshot could not be read");
            None
        });
        let Some((sequence, mut state)) = found else {
            return Ok(None);
        };
        let body = state.len().saturating_sub(32);
        let seal = state.split_off(body);
        if seal != Sha256::digest(&state).as_slice() {
            tracing::warn!(%stream, "a snapshot is damaged and is not used");
            return Ok(None);
        }
        let last = rows::last_sequence(journal, stream).map_err(unavailable)?;
        Ok((sequence <= last).then_some((sequence, state)))
    }

    fn select(
        &self,
        stream: &StreamId,
        fold_version: u32,
    ) -> rusqlite::Result<Option<(Sequence, Vec<u8>)>> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut statement = connection.prepare_cached(
            "SELECT sequence, state FROM snapshots
             WHERE aggregate_type = ?1 AND aggregate_id = ?2 AND fold_version = ?3",
        )?;
        statement
            .query_row(params![&*stream.kind, &*stream.key, fold_version], |row| {
                Ok((row.get::<_, i64>(0)? as u64, row.get(1)?))
            })
            .optional()
    }

    /// Keeps a snapshot unless a later one of the same fold is there already.
    pub(super) fn save(
        &self,
        stream: &StreamId,
        fold_version: u32,
        sequence: Sequence,
        state: &[u8],
    ) -> Result<(), Error> {
        let mut sealed = Vec::with_capacity(state.len() + 32);
        sealed.extend_from_slice(state);
        sealed.extend_from_slice(&Sha256::digest(state));
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let saved = connection
            .prepare_cached(
                "INSERT INTO snapshots (aggregate_type, aggregate_id, fold_version, sequence, state)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET sequence = excluded.sequence, state = excluded.state
                 WHERE excluded.sequence >= snapshots.sequence",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    &*stream.kind,
                    &*stream.key,
                    fold_version,
                    sequence as i64,
                    sealed,
                ])
            });
        saved.map(|_| ()).map_err(unavailable)
    }
}

fn open(path: &PathBuf, clock: &Clock) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Flushed at checkpoints only: a crash loses the last snapshots but leaves
    // the file whole.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    schema::migrate(&mut connection, schema::SNAPSHOTS, clock)?;
    Ok(connection)
}
