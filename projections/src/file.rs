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
//!
//! # What is stored
//!
//! `runner` has one row: the epoch that fences the runner, and the marker that
//! says whether the file was closed. `projections` has one row per projection:
//! which generation of its tables is read, and how far they are. All other
//! tables belong to one generation of one projection and end in its number.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use journal::Journal;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use tokio::runtime::Handle;

use crate::Error;
use crate::db::{Database, Sqlite, Value};
use crate::models::DEFINITIONS;

/// Shape of `runner` and `projections`.
const FORMAT: i64 = 5;

/// What the file knows of a projection.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Pointer {
    pub generation: u32,
    pub checkpoint: u64,
    /// The tables must be made from nothing.
    pub fresh: bool,
}

/// An opened file.
pub(crate) struct Opened {
    pub db: Sqlite,
    pub epoch: i64,
    pub pointers: [Pointer; DEFINITIONS.len()],
}

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
    start(connection, path)
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
    let mut statement = connection.prepare("SELECT name, checkpoint, hash FROM projections")?;
    let rows = statement.query_map([], |row| {
        Ok((
            row.get::<_, String>(0)?,
            row.get::<_, i64>(1)? as u64,
            row.get::<_, String>(2)?,
        ))
    })?;
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    drop(statement);
    for (name, checkpoint, hash) in rows {
        if checkpoint == 0 {
            continue;
        }
        let last = handle.block_on(journal.read_all(checkpoint - 1, 1))?;
        if last.first().map(|event| hex(&event.hash)) != Some(hash) {
            return Ok(Err(format!("{name} has seen events of another journal")));
        }
    }
    Ok(Ok(start(connection, path)?))
}

/// Takes over the file: marks it open, raises the epoch, removes what belongs
/// to no projection.
fn start(connection: Connection, path: &Path) -> Result<Opened, Error> {
    // This one must be on the disk before anything is written without waiting.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute(
        "UPDATE runner SET epoch = epoch + 1, boot = ?1, closed = 0",
        [boot_id()],
    )?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    let epoch = connection.query_row("SELECT epoch FROM runner", [], |row| row.get(0))?;
    let mut pointers: [Pointer; DEFINITIONS.len()] = Default::default();
    for (pointer, definition) in pointers.iter_mut().zip(&DEFINITIONS) {
        let found = connection
            .query_row(
                "SELECT version, generation, checkpoint, ready FROM projections WHERE name = ?1",
                [definition.name],
                |row| {
                    Ok((
                        row.get::<_, u32>(0)?,
                        row.get::<_, u32>(1)?,
                        row.get::<_, i64>(2)? as u64,
                        row.get::<_, bool>(3)?,
                    ))
                },
            )
            .optional()?;
        *pointer = match found {
            Some((version, generation, checkpoint, true)) if version == definition.version => {
                Pointer {
                    generation,
                    checkpoint,
                    fresh: false,
                }
            }
            Some((_, generation, ..)) => Pointer {
                generation: generation + 1,
                checkpoint: 0,
                fresh: true,
            },
            None => Pointer {
                generation: 1,
                checkpoint: 0,
                fresh: true,
            },
        };
    }
    let mut keep: Vec<String> = Vec::new();
    for (pointer, definition) in pointers.iter().zip(&DEFINITIONS) {
        if !pointer.fresh {
            keep.extend((definition.make)(pointer.generation, true).tables());
        }
    }
    for table in tables(&connection)? {
        let own = matches!(table.as_str(), "runner" | "projections");
        if !own && !keep.contains(&table) {
            connection.execute_batch(&format!("DROP TABLE {table}"))?;
        }
    }
    let mut db = Sqlite::new(connection)?;
    for (pointer, definition) in pointers.iter().zip(&DEFINITIONS) {
        if pointer.fresh {
            let mut projection = (definition.make)(pointer.generation, false);
            let sql = projection.create_tables(db.dialect());
            db.run(&sql)?;
            db.execute(
                "INSERT INTO projections (name, version, generation, checkpoint, hash, ready) \
                 VALUES (?1, ?2, ?3, 0, '', 0) ON CONFLICT (name) DO UPDATE SET \
                 version = excluded.version, generation = excluded.generation, \
                 checkpoint = 0, hash = '', ready = 0",
                &[
                    definition.name.into(),
                    definition.version.into(),
                    pointer.generation.into(),
                ],
            )?;
        }
    }
    tracing::debug!(path = %path.display(), epoch, "opened the read models");
    Ok(Opened {
        db,
        epoch,
        pointers,
    })
}

/// Marks the file as closed, after everything is on the disk.
pub(crate) fn close(db: &mut Sqlite, epoch: i64) -> Result<(), Error> {
    let connection = db.connection();
    connection.pragma_update(None, "synchronous", "FULL")?;
    let checkpoint = |connection: &Connection| {
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    };
    checkpoint(connection)?;
    connection.execute("UPDATE runner SET closed = 1 WHERE epoch = ?1", [epoch])?;
    checkpoint(connection)?;
    Ok(())
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
    // Sorting for an index of a rebuild has helpers.
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
    // Sorting for an index of a rebuild has helpers.
    connection.pragma_update(None, "threads", 4)?;
    connection.pragma_update(None, "mmap_size", 1_i64 << 30)?;
    Ok(Sqlite::new(connection)?)
}

fn tables(connection: &Connection) -> Result<Vec<String>, Error> {
    let mut statement = connection.prepare(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    )?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
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

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The statement that moves a checkpoint: position, hash of the event there,
/// name.
pub(crate) const MOVE: &str = "UPDATE projections SET checkpoint = ?1, hash = ?2 WHERE name = ?3";

/// The epoch in the file.
pub(crate) fn epoch(db: &mut dyn Database) -> Result<i64, Error> {
    let mut epoch = 0;
    db.query("SELECT epoch FROM runner", &[], &mut |record| {
        epoch = record.integer(0)?;
        Ok(false)
    })?;
    Ok(epoch)
}

/// Makes a generation the one that is read.
pub(crate) fn point(
    db: &mut dyn Database,
    name: &str,
    pointer: &Pointer,
    hash: &str,
) -> Result<(), Error> {
    let values: [Value; 4] = [
        pointer.generation.into(),
        pointer.checkpoint.into(),
        hash.into(),
        name.into(),
    ];
    db.execute(
        "UPDATE projections SET generation = ?1, checkpoint = ?2, hash = ?3, ready = 1 \
         WHERE name = ?4",
        &values,
    )?;
    Ok(())
}
