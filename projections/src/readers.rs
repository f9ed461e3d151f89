//! Connections that only read.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use crate::Error;
use crate::db::Database;
use crate::state::{Shared, Slots};
use crate::store::file;
use crate::store::schema::{Schema, slots};

/// What is read.
pub(crate) enum Source {
    File(PathBuf),
    Schema(Schema),
}

/// A few read-only connections, opened when they are first needed.
pub(crate) struct Readers {
    source: Source,
    shared: Arc<Shared>,
    idle: Mutex<Vec<Box<dyn Database>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(crate) fn new(source: Source, shared: Arc<Shared>, count: usize) -> Arc<Self> {
        Arc::new(Self {
            source,
            shared,
            idle: Mutex::default(),
            permits: Arc::new(Semaphore::new(count.max(1))),
        })
    }

    /// Runs a short read. Of a file that is done where it stands: it costs less
    /// than handing it to another thread.
    pub(crate) async fn short<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl Fn(&mut dyn Database) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        if let Source::Schema(_) = self.source {
            return self.long(read).await;
        }
        let permit = self.permits.acquire().await;
        let _permit = permit.map_err(|_| Error::Closed)?;
        self.with(read)
    }

    /// Runs a read off the threads that serve requests.
    pub(crate) async fn long<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl Fn(&mut dyn Database) -> Result<T, Error> + Send + 'static,
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

    fn with<T>(&self, read: impl Fn(&mut dyn Database) -> Result<T, Error>) -> Result<T, Error> {
        let idle = self.idle().pop();
        if let Some(mut connection) = idle {
            let result = read(&mut *connection);
            if !connection.is_lost() {
                self.keep(connection);
                return result;
            }
            // Then the others are lost too.
            self.idle().clear();
        }
        let mut connection = self.open()?;
        let result = read(&mut *connection);
        if !connection.is_lost() {
            self.keep(connection);
        }
        result
    }

    fn open(&self) -> Result<Box<dyn Database>, Error> {
        let schema = match &self.source {
            Source::File(path) => return Ok(Box::new(file::open_reader(path)?)),
            Source::Schema(schema) => schema,
        };
        let known = self.shared.read(|state| state.slots.clone());
        let mut connection = schema.reader()?;
        let stored = slots(&mut connection)?;
        self.fall_back(&known, &stored)?;
        Ok(Box::new(connection))
    }

    /// A server that stopped may have lost the newest of what was known. No
    /// connection outlives that, so that it is enough to look at each new one.
    fn fall_back(&self, known: &Slots, stored: &Slots) -> Result<(), Error> {
        let mut lost = false;
        self.shared.change_if(|state| {
            for (slot, (known, stored)) in state.slots.iter_mut().zip(known.iter().zip(stored)) {
                if stored.generation <= known.generation && stored.checkpoint < known.checkpoint {
                    slot.generation = stored.generation;
                    slot.checkpoint = slot.checkpoint.min(stored.checkpoint);
                    lost = true;
                }
            }
            lost
        });
        match lost {
            false => Ok(()),
            true => Err(Error::Unavailable(
                "the database has lost its newest changes; they are made again".to_owned(),
            )),
        }
    }

    /// What the database says of the projections, where somebody else may have
    /// changed it.
    pub(crate) async fn refresh(self: &Arc<Self>) -> Result<(), Error> {
        if let Source::File(_) = self.source {
            return Ok(());
        }
        let leads = |readers: &Self| {
            let leader = |state: &crate::state::State| state.leader.clone();
            readers
                .shared
                .read(leader)
                .is_some_and(|leader| leader.here)
        };
        if leads(self) {
            return Ok(());
        }
        let stored = self.long(|db| slots(db)).await?;
        self.shared.change_if(|state| {
            let new = state.slots != stored;
            state.slots = stored;
            new
        });
        Ok(())
    }

    fn keep(&self, connection: Box<dyn Database>) {
        if !self.permits.is_closed() {
            self.idle().push(connection);
        }
    }

    /// Refuses further reads and closes the connections; those in use are
    /// closed when their read is done.
    pub(crate) fn close(&self) {
        self.permits.close();
        self.idle().clear();
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Box<dyn Database>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
