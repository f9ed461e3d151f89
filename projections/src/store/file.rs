//! The read-model file: opening it, and telling whether it can be trusted.
//!
//! The file holds nothing that the journal does not hold, so it is written
//! without waiting for the disk, and thrown away on any doubt:
//!
//! - a *process* that ended without closing the file leaves what it wrote to
//!   the operating system, and the file is checked;
//! - a *machine* that stopped may have kept any part of it, which shows as an
//!   unclosed file of another boot;
//! - a file that has seen more than the journal holds, or another event at its
//!   checkpoint, belongs to another journal.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use journal::Journal;
use rusqlite::{Connection, OpenFlags};
use tokio::runtime::Handle;

use super::{Opened, doubt};
use crate::Error;
use crate::db::{Database, Sqlite};

/// Shape of `runner` and `projections`.
const FORMAT: i64 = 5;

/// The tables that are not of projections.
const OWN: [&str; 2] = ["runner", "projections"];

/// Opens the file for the runner; a file that cannot be trusted is deleted and
/// begun anew.
pub(crate) fn open(path: &Path, journal: &dyn Journal, handle: &Handle) -> Result<Opened, Error> {
    if path.exists() {
        match trusted(path, journal, handle) {
            Ok(Ok(opened)) => return Ok(opened),
            Ok(Err(doubt)) => {
                tracing::warn!(path = %path.display(), doubt, "building the read models anew");
            }
            Err(Error::Journal(error)) => return Err(Error::Journal(error)),
            Err(error) => {
                let path = path.display();
                tracing::warn!(%path, %error, "building the read models anew");
            }
        }
        delete(path)?;
    }
    let connection = connect(path)?;
    connection.execute_batch(&format!(
        "CREATE TABLE runner (
             id      INTEGER PRIMARY KEY CHECK (id = 1),
             format  INTEGER NOT NULL,
             epoch   INTEGER NOT NULL,
             boot    TEXT    NOT NULL,
             closed  INTEGER NOT NULL
         ) STRICT;
         INSERT INTO runner VALUES (1, {FORMAT}, 0, '', 1);
         CREATE TABLE projections (
             name       TEXT PRIMARY KEY,
             version    INTEGER NOT NULL,
             generation INTEGER NOT NULL,
             checkpoint INTEGER NOT NULL,
             hash       TEXT    NOT NULL,
             ready      INTEGER NOT NULL
         ) STRICT, WITHOUT ROWID;"
    ))?;
    start(Sqlite::new(connection)?, path)
}

/// Opens a file that is there. The inner error says why not to trust it.
fn trusted(
    path: &Path,
    journal: &dyn Journal,
    handle: &Handle,
) -> Result<Result<Opened, String>, Error> {
    let connection = connect(path)?;
    let (format, boot, closed): (i64, String, bool) =
        connection.query_row("SELECT format, boot, closed FROM runner", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    if format != FORMAT {
        return Ok(Err(format!("its format is {format}, not {FORMAT}")));
    }
    if !closed {
        if boot.is_empty() || boot != boot_id() {
            return Ok(Err("the machine stopped while it was open".to_owned()));
        }
        let check: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if check != "ok" {
            return Ok(Err(format!("it is damaged: {check}")));
        }
    }
    let mut db = Sqlite::new(connection)?;
    if let Some(doubt) = doubt(&mut db, journal, handle)? {
        return Ok(Err(doubt));
    }
    Ok(Ok(start(db, path)?))
}

/// Takes over the file: marks it open, raises the epoch, removes what belongs
/// to no projection.
fn start(mut db: Sqlite, path: &Path) -> Result<Opened, Error> {
    // This one must be on the disk before anything is written without waiting.
    db.run("PRAGMA synchronous = FULL")?;
    db.execute(
        "UPDATE runner SET epoch = epoch + 1, boot = ?1, closed = 0",
        &[boot_id().into()],
    )?;
    db.run("PRAGMA synchronous = OFF")?;
    let epoch = super::epoch(&mut db, super::EPOCH)?;
    let pointers = super::begin(&mut db, &OWN)?;
    tracing::debug!(path = %path.display(), epoch, "opened the read models");
    Ok(Opened {
        db: Box::new(db),
        epoch,
        pointers,
    })
}

/// Marks the file as closed, after everything is on the disk.
pub(crate) fn close(db: &mut dyn Database, epoch: i64) -> Result<(), Error> {
    let everything =
        |db: &mut dyn Database| db.query("PRAGMA wal_checkpoint(TRUNCATE)", &[], &mut |_| Ok(true));
    db.run("PRAGMA synchronous = FULL")?;
    everything(db)?;
    let closed = "UPDATE runner SET closed = 1 WHERE epoch = ?1";
    db.execute(closed, &[epoch.into()])?;
    everything(db)
}

fn connect(path: &Path) -> Result<Connection, Error> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(Duration::from_secs(5))?;
    // Rows are long; a new file takes this size, another one keeps its own.
    connection.pragma_update(None, "page_size", 8192)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "cache_size", -131_072)?;
    connection.pragma_update(None, "mmap_size", 4_i64 << 30)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Sorting for the indexes of a rebuild has helpers.
    connection.pragma_update(None, "threads", 4)?;
    connection.pragma_update(None, "wal_autocheckpoint", 8192)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    Ok(connection)
}

/// A connection that cannot write.
pub(crate) fn open_reader(path: &Path) -> Result<Sqlite, Error> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "mmap_size", 1_i64 << 30)?;
    Ok(Sqlite::new(connection)?)
}

fn delete(path: &Path) -> Result<(), Error> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = OsString::from(path);
        name.push(suffix);
        let name = PathBuf::from(name);
        match std::fs::remove_file(&name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                let name = name.display();
                return Err(Error::Unavailable(format!("cannot delete {name}: {error}")));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Names this boot of the machine; empty when the system does not tell.
fn boot_id() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.map_or_else(|_| String::new(), |id| id.trim().to_owned())
}
