//! Opening the files: lock, settings, migrations.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use crate::{Clock, Error};

/// One step of a schema. A step only adds; what nothing needs any more is
/// removed by a later release, so that the release before still works on it.
pub(super) struct Migration {
    version: i64,
    name: &'static str,
    sql: &'static str,
}

const JOURNAL: &[Migration] = &[Migration {
    version: 1,
    name: "events",
    sql: include_str!("../../../migrations/sqlite/journal/0001_events.sql"),
}];

pub(super) const SNAPSHOTS: &[Migration] = &[Migration {
    version: 1,
    name: "snapshots",
    sql: include_str!("../../../migrations/sqlite/journal/snapshots/0001_snapshots.sql"),
}];

/// The file beside `path` whose name ends in `suffix`.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Takes the right to write, for as long as the returned file lives.
pub(super) fn lock(path: &Path) -> Result<File, Error> {
    let lock = beside(path, ".lock");
    let failed = |error: std::io::Error| Error::Unavailable(format!("{}: {error}", lock.display()));
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// The connection of the writer, on a file whose tables are up to date.
pub(super) fn open_writer(
    path: &Path,
    max_bytes: Option<u64>,
    clock: &Clock,
) -> Result<Connection, Error> {
    let open = || -> rusqlite::Result<Connection> {
        let mut connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE
                | OpenFlags::SQLITE_OPEN_CREATE
                | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.set_prepared_statement_cache_capacity(32);
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // Every commit is flushed before it is acknowledged.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "cache_size", -32_768)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        // In pages: the log is copied into the file every 16 MiB.
        connection.pragma_update(None, "wal_autocheckpoint", 4096)?;
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        migrate(&mut connection, JOURNAL, clock)?;
        if let Some(bytes) = max_bytes {
            let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
            let pages = i64::try_from(bytes).unwrap_or(i64::MAX) / page.max(1);
            connection.query_row(
                &format!("PRAGMA max_page_count = {}", pages.clamp(1, 0xffff_fffe)),
                [],
                |_| Ok(()),
            )?;
        }
        Ok(connection)
    };
    open().map_err(|error| at(path, &error))
}

/// A connection that cannot write.
pub(super) fn open_reader(path: &Path) -> Result<Connection, Error> {
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.set_prepared_statement_cache_capacity(32);
        connection.pragma_update(None, "cache_size", -8192)?;
        Ok(connection)
    };
    open().map_err(|error| at(path, &error))
}

/// Runs the migrations that this file has not seen, each in a transaction.
pub(super) fn migrate(
    connection: &mut Connection,
    migrations: &[Migration],
    clock: &Clock,
) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_migrations (
             version    INTEGER PRIMARY KEY,
             name       TEXT    NOT NULL,
             applied_at INTEGER NOT NULL
         ) STRICT",
    )?;
    let applied: i64 = connection.query_row(
        "SELECT coalesce(max(version), 0) FROM schema_migrations",
        [],
        |row| row.get(0),
    )?;
    if applied > migrations.last().map_or(0, |last| last.version) {
        tracing::warn!(applied, "the journal was written by a newer release");
    }
    for migration in migrations.iter().filter(|next| next.version > applied) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(migration.sql)?;
        transaction.execute(
            "INSERT INTO schema_migrations (version, name, applied_at) VALUES (?1, ?2, ?3)",
            params![migration.version, migration.name, clock.now()],
        )?;
        transaction.commit()?;
    }
    Ok(())
}

fn at(path: &Path, error: &rusqlite::Error) -> Error {
    Error::Unavailable(format!("{}: {error}", path.display()))
}
