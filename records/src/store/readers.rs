//! Connections that only read the file.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::sqlite::open_reader;
use crate::Error;
use crate::db::{Database, Sqlite};

/// A few read-only connections, opened when they are first needed.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Sqlite>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: PathBuf, count: usize) -> Arc<Self> {
        Arc::new(Self {
            path,
            idle: Mutex::default(),
            permits: Arc::new(Semaphore::new(count.max(1))),
        })
    }

    /// Runs `read` on a connection, off the threads that serve requests.
    pub(super) async fn with<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&mut dyn Database) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| Error::Closed)?;
        let readers = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            let idle = readers.idle().pop();
            let mut db = match idle {
                Some(db) => db,
                None => open_reader(&readers.path)?,
            };
            let result = within(&mut db, read);
            if !readers.permits.is_closed() && !db.is_in_transaction() {
                readers.idle().push(db);
            }
            drop(permit);
            result
        });
        match done.await {
            Ok(result) => result,
            Err(error) => Err(Error::Unavailable(format!("a read was cut off: {error}"))),
        }
    }

    /// Refuses further reads and closes the connections; those in use are
    /// closed when their read is done.
    pub(super) fn close(&self) {
        self.permits.close();
        self.idle().clear();
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Sqlite>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All statements of a read see the same state.
fn within<T>(
    db: &mut Sqlite,
    read: impl FnOnce(&mut dyn Database) -> Result<T, Error>,
) -> Result<T, Error> {
    db.run("BEGIN")?;
    let result = read(db);
    db.run("COMMIT")?;
    result
}
