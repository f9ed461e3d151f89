//! The face of this crate: opening the read models and asking them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use journal::Journal;
use tokio::runtime::Handle;

use crate::models::DEFINITIONS;
use crate::readers::{Readers, Source};
use crate::runner::{Command, Commands, Context, alone, together};
use crate::state::{Leader, Shared, Status};
use crate::store::schema::Schema;
use crate::store::{Location, SCHEMA};
use crate::{Error, View};

/// How to open the read models.
#[derive(Clone)]
pub struct Options {
    /// Where the events come from.
    pub journal: Arc<dyn Journal>,
    /// Where they are kept.
    pub location: Location,
    /// How many connections read at the same time; at least 1.
    pub readers: usize,
    /// What this node is called among those that keep the same read models.
    pub node: String,
    /// How long another node waits for one that leads and is not heard of;
    /// from 100 ms. Only with PostgreSQL.
    pub lease: Duration,
}

impl Options {
    /// Options for read models in this file, everything else as is usual.
    pub fn new(journal: Arc<dyn Journal>, path: impl Into<PathBuf>) -> Self {
        Self::at(journal, Location::File(path.into()))
    }

    /// Options for read models in the usual schema of a PostgreSQL database
    /// (`postgres://…`), everything else as is usual.
    pub fn postgres(journal: Arc<dyn Journal>, url: impl Into<String>) -> Self {
        let url = url.into();
        let schema = SCHEMA.to_owned();
        Self::at(journal, Location::Postgres { url, schema })
    }

    fn at(journal: Arc<dyn Journal>, location: Location) -> Self {
        Self {
            journal,
            location,
            readers: 4,
            node: usual_node(),
            lease: Duration::from_secs(1),
        }
    }

    /// Opens the read models and starts the runner that feeds them. Must be
    /// called from within a runtime, which the journal is asked on; blocks
    /// until they are open, but not until they have caught up.
    pub fn build(self) -> Result<ReadModels, Error> {
        let shared = Arc::new(Shared::new());
        let commands = Arc::new(Commands::default());
        let handle = Handle::try_current()
            .map_err(|error| Error::Unavailable(format!("no runtime: {error}")))?;
        let context = Context {
            journal: Arc::clone(&self.journal),
            handle,
            shared: Arc::clone(&shared),
            commands: Arc::clone(&commands),
        };
        let (opening, opened) = std::sync::mpsc::channel();
        let named = std::thread::Builder::new().name("projections".to_owned());
        let (source, thread) = match self.location {
            Location::File(path) => {
                let (node, source) = (self.node, Source::File(path.clone()));
                let thread = named.spawn(move || alone(&path, node, context, &opening));
                (source, thread)
            }
            Location::Postgres { url, schema } => {
                let lease = self.lease.max(Duration::from_millis(100));
                let schema = Schema::new(&url, schema, self.node, lease)?;
                let source = Source::Schema(schema.clone());
                let thread = named.spawn(move || together(schema, context, opening));
                (source, thread)
            }
        };
        let thread = thread.map_err(|error| Error::Unavailable(format!("no thread: {error}")))?;
        opened.recv().map_err(|_| Error::Closed)??;
        Ok(ReadModels(Arc::new(Inner {
            readers: Readers::new(source, Arc::clone(&shared), self.readers),
            journal: self.journal,
            shared,
            commands,
            thread: Mutex::new(Some(thread)),
        })))
    }
}

/// The name of the machine and the number of the process.
fn usual_node() -> String {
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname");
    let machine = machine.unwrap_or_default();
    format!("{}:{}", machine.trim(), std::process::id())
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

    /// Which node applies events; none: nobody does, or it is not known.
    pub fn leader(&self) -> Option<Leader> {
        self.0.shared.read(|state| state.leader.clone())
    }

    /// Makes a projection again from the first event, beside the one that is
    /// read, and then puts it in its place; `all` does so for all projections
    /// at once. Returns when that is done. A node that does not lead passes this
    /// on to the one that does.
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

    /// Stops the runner, gives back the lead, and closes the file.
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
