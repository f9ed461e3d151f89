//! The face of this crate: opening the read models and asking them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use journal::Journal;
use tokio::runtime::Handle;

use crate::models::DEFINITIONS;
use crate::readers::Readers;
use crate::runner::{Command, Commands, Runner};
use crate::state::{Shared, Status};
use crate::{Error, View};

/// How to open the read models.
#[derive(Clone)]
pub struct Options {
    /// Where the events come from.
    pub journal: Arc<dyn Journal>,
    /// The file. It is created when it is not there, and may be deleted while
    /// nobody has it open: it is made again from the journal.
    pub path: PathBuf,
    /// How many connections read at the same time; at least 1.
    pub readers: usize,
}

impl Options {
    /// Options for read models in this file, everything else as is usual.
    pub fn new(journal: Arc<dyn Journal>, path: impl Into<PathBuf>) -> Self {
        Self {
            journal,
            path: path.into(),
            readers: 4,
        }
    }

    /// Opens the read models and starts the runner that feeds them. Must be
    /// called from within a runtime, which the journal is asked on; blocks
    /// until the file is open, but not until the read models have caught up.
    pub fn build(self) -> Result<ReadModels, Error> {
        let shared = Arc::new(Shared::new());
        let commands = Arc::new(Commands::default());
        let handle = Handle::try_current()
            .map_err(|error| Error::Unavailable(format!("no runtime: {error}")))?;
        let (opened, answer) = std::sync::mpsc::channel();
        let thread = {
            let (path, journal) = (self.path.clone(), Arc::clone(&self.journal));
            let (shared, commands) = (Arc::clone(&shared), Arc::clone(&commands));
            std::thread::Builder::new()
                .name("projections".to_owned())
                .spawn(
                    move || match Runner::open(&path, journal, handle, shared, commands) {
                        Ok(runner) => {
                            // Nobody is there to hear it only when the opener died.
                            let _ = opened.send(Ok(()));
                            runner.run();
                        }
                        Err(error) => {
                            let _ = opened.send(Err(error));
                        }
                    },
                )
                .map_err(|error| Error::Unavailable(format!("no thread: {error}")))?
        };
        answer.recv().map_err(|_| Error::Closed)??;
        Ok(ReadModels(Arc::new(Inner {
            readers: Readers::new(self.path, self.readers),
            journal: self.journal,
            shared,
            commands,
            thread: Mutex::new(Some(thread)),
        })))
    }
}

/// The read models. Cheap to clone.
#[derive(Clone)]
pub struct ReadModels(Arc<Inner>);

pub(crate) struct Inner {
    pub readers: Arc<Readers>,
    pub shared: Arc<Shared>,
    pub journal: Arc<dyn Journal>,
    commands: Arc<Commands>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl ReadModels {
    /// The read models as they are now (`None`), or as they were right after
    /// the event at this position. A read waits a few seconds for the read
    /// models to come that far.
    pub fn view(&self, as_of: Option<u64>) -> View {
        View {
            inner: Arc::clone(&self.0),
            at: as_of,
        }
    }

    /// Waits until every projection has applied the events up to this
    /// position, and tells whether they have. Projections that have stopped
    /// are not waited for.
    pub async fn wait_for(&self, position: u64, timeout: Duration) -> bool {
        self.0.shared.wait_for(position, timeout).await
    }

    /// How far each projection is.
    pub fn status(&self) -> Vec<Status> {
        let head = self.0.journal.head();
        self.0.shared.read(|state| {
            let slots = DEFINITIONS.iter().zip(&state.slots);
            slots
                .map(|(definition, slot)| Status {
                    name: definition.name,
                    checkpoint: slot.checkpoint,
                    lag: head.saturating_sub(slot.checkpoint),
                    parked: slot.parked.clone().or_else(|| state.stopped.clone()),
                    rebuild: slot.rebuild,
                })
                .collect()
        })
    }

    /// Makes a projection again from the first event, beside the one that is
    /// read, and then puts it in its place; `all` does so for all projections
    /// at once. Returns when that is done.
    pub async fn rebuild(&self, name: &str) -> Result<(), Error> {
        let slots: Vec<usize> = (0..DEFINITIONS.len())
            .filter(|slot| name == "all" || DEFINITIONS[*slot].name == name)
            .collect();
        if slots.is_empty() {
            return Err(Error::UnknownProjection(name.to_owned()));
        }
        let (reply, done) = tokio::sync::oneshot::channel();
        self.0.commands.send(Command::Rebuild { slots, reply });
        done.await.map_err(|_| Error::Closed)?
    }

    /// Stops the runner and closes the file.
    pub async fn close(&self) {
        if let Some(thread) = self.0.stop() {
            // A runner that panicked has said so on its own.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

impl Inner {
    fn stop(&self) -> Option<JoinHandle<()>> {
        self.readers.close();
        self.commands.send(Command::Stop);
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        thread.take()
    }
}

impl Drop for Inner {
    /// Waits for the runner, so that whoever opens the file next finds it
    /// closed. [`ReadModels::close`] does the same without blocking.
    fn drop(&mut self) {
        if let Some(thread) = self.stop() {
            let _ = thread.join();
        }
    }
}
