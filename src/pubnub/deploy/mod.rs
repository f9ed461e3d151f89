//! Starting, stopping and replacing packages on keysets.
//!
//! What is asked is one event of the package deployment (`StartRequested`, `StopRequested`); here
//! it is done. The keyset decides which functions take part, in one event for each change, so
//! that whoever sends meets those before it or those after it. Functions hold no state between
//! executions, so after a crash there is nothing to bring up but what was being started.
//!
//! Of several nodes the first in rank for a deployment does it. Every step has an id derived from
//! deployment, operation and step, so that a step that two nodes take has one effect. What a node
//! that is gone has left is found by the next sweep.

mod ask;
mod start;
mod stop;
mod sweep;
mod warm;

use std::sync::Arc;

use aggregates::event::Event;
use aggregates::{AssignmentKey, ProjectId, keyset, package, pkgdeploy};
use tokio::sync::watch;

pub use ask::{Asked, Refused};

use super::Shared;
use crate::bus::{self, Context, Loaded};
use crate::sagas::{Saga, Seen, Tasks};

/// What an installation allows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Deployments of one project that run at the same time.
    pub running: usize,
    /// Keysets that one revision may be on.
    pub keysets: usize,
}

/// Does what is asked of package deployments. Cheap to clone.
#[derive(Clone)]
pub struct Deployments {
    shared: Arc<Shared>,
    limits: Limits,
    tasks: Tasks,
    /// Held from when a limit is looked at until what it allows has begun.
    asking: Arc<tokio::sync::Mutex<()>>,
    changed: Arc<watch::Sender<u64>>,
}

/// One operation of a deployment, to be done.
#[derive(Clone, Debug)]
struct Work {
    project: ProjectId,
    key: AssignmentKey,
    operation: u32,
    correlation: String,
}

/// Why an operation was broken off. The next sweep takes it up.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The deployment cannot be read, or did not take a command.
    #[error(transparent)]
    Deployment(#[from] bus::Error<pkgdeploy::Error>),
    /// The keyset cannot be read, or did not take a command.
    #[error(transparent)]
    Keyset(#[from] bus::Error<keyset::Error>),
    /// The package cannot be read.
    #[error(transparent)]
    Package(#[from] bus::Error<package::Error>),
    /// The read models cannot be read.
    #[error(transparent)]
    Reads(#[from] projections::Error),
}

impl Work {
    /// The context of one step, the same each time that the step is taken.
    fn context(&self, step: &str) -> Context {
        let step = format!("{}/{}/{step}", self.key, self.operation);
        let project = self.project.as_str();
        Context::saga("deployment", project, &step, &self.correlation, "")
    }

    fn stream(&self) -> String {
        self.key.key(&self.project)
    }
}

impl Deployments {
    /// Of these parts.
    pub fn new(shared: Arc<Shared>, limits: Limits) -> Self {
        let (changed, _) = watch::channel(0);
        Self {
            shared,
            limits,
            tasks: Tasks::default(),
            asking: Arc::default(),
            changed: Arc::new(changed),
        }
    }

    /// Operations under way.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// What the installation allows.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The position of the newest event of any package deployment, as this node has seen it.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    async fn state(&self, work: &Work) -> Result<Loaded<pkgdeploy::PackageDeployment>, Broken> {
        Ok(self.shared.bus.load(&work.stream()).await?)
    }

    /// Does an operation, if this node is the one to do it.
    fn take_up(&self, work: Work, starts: bool) {
        if self.shared.cluster.rank(&work.stream()) != 0 {
            return;
        }
        let this = self.clone();
        let task = format!("{}#{}", work.stream(), work.operation);
        self.tasks.spawn(task, async move {
            let done = match starts {
                true => this.start(&work).await,
                false => this.stop(&work).await,
            };
            if let Err(error) = done {
                tracing::warn!(deployment = %work.key, %error, "an operation was broken off");
            }
        });
    }
}

impl Saga for Deployments {
    fn wants(&self, kind: &str) -> bool {
        pkgdeploy::Event::KINDS.contains(&kind)
    }

    fn on_event(&self, seen: &Seen) {
        use pkgdeploy::Event as Of;
        let (Event::PackageDeployment(event), Some((project, key))) =
            (&seen.event, aggregates::split_key(&seen.key))
        else {
            return;
        };
        self.changed.send_replace(seen.position);
        let work = |operation: &u32| Work {
            project: project.into(),
            key: key.into(),
            operation: *operation,
            correlation: seen.correlation.clone(),
        };
        match event {
            Of::StartRequested { operation, .. } => self.take_up(work(operation), true),
            Of::StopRequested { operation, restart } => {
                let work = work(operation);
                if !restart {
                    self.drain_here(work.clone(), false);
                }
                self.take_up(work, false);
            }
            Of::PackageStopped { operation, forced } if *forced => {
                self.drain_here(work(operation), true);
            }
            _ => {}
        }
    }
}
