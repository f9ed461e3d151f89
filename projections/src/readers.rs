//! Connections that only read.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use crate::Error;
use crate::db::Sqlite;
use crate::file;

/// A few read-only connections, opened when they are first needed.
#[derive(Debug)]
pub(crate) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Sqlite>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(crate) fn new(path: PathBuf, count: usize) -> Arc<Self> {
        Arc::new(Self {
            path,
            idle: Mutex::default(),
            permits: Arc::new(Semaphore::new(count.max(1))),
        })
    }

    /// Runs a short read where it stands: it costs less than handing it to
    /// another thread.
    pub(crate) async fn here<T>(
        &self,
        read: impl FnOnce(&mut Sqlite) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let permit = self.permits.acquire().await;
        let _permit = permit.map_err(|_| Error::Closed)?;
        self.with(read)
    }

    /// Runs a read off the threads that serve requests.
    pub(crate) async fn aside<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&mut Sqlite) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| Error::Closed)?;
        let readers = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            let result = readers.with(read);
            drop(permit);
            result
        });
        match done.await {
            Ok(result) => result,
            Err(error) => Err(Error::Unavailable(format!("a read was cut off: {error}"))),
        }
    }

    fn with<T>(&self, read: impl FnOnce(&mut Sqlite) -> Result<T, Error>) -> Result<T, Error> {
        let idle = self.idle().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => file::open_reader(&self.path)?,
        };
        let result = read(&mut connection);
        if !self.permits.is_closed() {
            self.idle().push(connection);
        }
        result
    }

    /// Refuses further reads and closes the connections; those in use are
    /// closed when their read is done.
    pub(crate) fn close(&self) {
        self.permits.close();
        self.idle().clear();
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Sqlite>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
