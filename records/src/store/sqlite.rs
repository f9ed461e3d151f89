//! One SQLite file of one process.

use std::ffi::OsString;
use std::fs::TryLockError;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use journal::Clock;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};
use tokio::sync::oneshot;

use super::Common;
use super::migration::{self, SQLITE};
use super::readers::Readers;
use super::writer::{Job, Task, Writer};
use crate::Error;
use crate::db::{Database, Sqlite};

/// The file, its writer and its readers.
#[derive(Debug)]
pub(crate) struct File {
    /// None once the store is closed.
    queue: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    readers: Arc<Readers>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl File {
    /// Opens the file, brings its tables up to date and starts the writer.
    /// Blocks on the disk.
    pub(crate) fn open(path: PathBuf, common: Common) -> Result<Self, Error> {
        let lock = lock(&path)?;
        let connection = open_writer(&path, &common.clock).map_err(|error| at(&path, &error))?;
        let (queue, jobs) = mpsc::channel();
        let writer = Writer {
            jobs,
            db: Sqlite::new(connection),
            clock: common.clock,
            lock,
        };
        let thread = std::thread::Builder::new()
            .name("records".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| Error::Unavailable(format!("no thread for the writer: {error}")))?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            readers: Readers::new(path, common.connections),
            writer: Mutex::new(Some(thread)),
        })
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        op: impl Fn(&mut dyn Database, i64) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        self.push(Box::new(Task::new(op, reply)))?;
        // The writer answers everything it took; it drops a job only when it
        // dies.
        answer.await.map_err(|_| Error::Closed)?
    }

    fn push(&self, job: Box<dyn Job>) -> Result<(), Error> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queue.as_ref().ok_or(Error::Closed)?;
        queue.send(job).map_err(|_| Error::Closed)
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        op: impl Fn(&mut dyn Database) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.readers.with(op).await
    }

    pub(super) async fn close(&self) {
        if let Some(writer) = self.stop() {
            // A writer that panicked has said so on its own; it is gone anyway.
            let _ = tokio::task::spawn_blocking(move || writer.join()).await;
        }
    }

    fn stop(&self) -> Option<JoinHandle<()>> {
        let queue = self.queue.lock();
        queue.unwrap_or_else(PoisonError::into_inner).take();
        self.readers.close();
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.take()
    }
}

impl Drop for File {
    /// Waits for what is queued, so that whoever opens the file next finds it
    /// unlocked.
    fn drop(&mut self) {
        if let Some(writer) = self.stop() {
            let _ = writer.join();
        }
    }
}

/// The right to write, until it is dropped.
#[derive(Debug)]
pub(super) struct Lock(std::fs::File);

impl Drop for Lock {
    /// To close the file would not do: a program that this process is about to
    /// start may have inherited it for a moment, and the lock with it.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

fn lock(path: &Path) -> Result<Lock, Error> {
    let mut lock = OsString::from(path);
    lock.push(".lock");
    let lock = PathBuf::from(lock);
    let failed = |error: std::io::Error| Error::Unavailable(format!("{}: {error}", lock.display()));
    let file = std::fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(Error::Locked {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn open_writer(path: &Path, clock: &Clock) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Every commit is flushed before it is acknowledged.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -65_536)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // In pages: the log is copied into the file every 32 MiB.
    connection.pragma_update(None, "wal_autocheckpoint", 8192)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    migrate(&mut connection, clock)?;
    Ok(connection)
}

/// A connection that cannot write.
pub(super) fn open_reader(path: &Path) -> Result<Sqlite, Error> {
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "cache_size", -8192)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        Ok(connection)
    };
    let connection = open().map_err(|error| at(path, &error))?;
    Ok(Sqlite::new(connection))
}

/// The file as it is at one moment, also while a process works on it; none: it is not there. Blocks.
pub(crate) fn snapshot(path: &Path) -> Result<Option<Box<dyn Database>>, Error> {
    if !path.exists() {
        return Ok(None);
    }
    let db = open_reader(path)?;
    db.run("BEGIN")?;
    Ok(Some(Box::new(db)))
}

/// Takes the steps that this file has not seen, each in a transaction.
fn migrate(connection: &mut Connection, clock: &Clock) -> rusqlite::Result<()> {
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
    for step in migration::missing(SQLITE, applied) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(step.sql)?;
        transaction.execute(
            "INSERT INTO schema_migrations (version, name, applied_at) VALUES (?1, ?2, ?3)",
            params![step.version, step.name, clock.now()],
        )?;
        transaction.commit()?;
    }
    Ok(())
}

fn at(path: &Path, error: &rusqlite::Error) -> Error {
    Error::Unavailable(format!("{}: {error}", path.display()))
}
