//! Moves functions into snapshots of their own (tier 1), in the background and
//! one at a time: large ones when they become active, small ones when they have
//! been executed a few times. A changed variable means a new snapshot.
//!
//! A snapshot changes how fast a function starts and nothing else, so this is
//! not recorded.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use aggregates::{FunctionId, ProjectId};
use sandbox::{Kind, Sandbox, Specialised};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Saga, Seen};
use crate::execution::Executor;

/// From this many bytes on, loading a bundle costs more than entering a snapshot.
const LARGE: usize = 16 * 1024;
/// Executions after which a small function is worth a snapshot.
const WARM: u32 = 20;

type Name = (ProjectId, FunctionId);

/// Where executions are counted and functions are queued. Cheap to clone.
#[derive(Clone)]
pub struct Specialiser {
    inner: Arc<Inner>,
    queue: mpsc::UnboundedSender<Name>,
}

#[derive(Default)]
struct Inner {
    executed: Mutex<HashMap<String, u32>>,
    queued: Mutex<HashSet<String>>,
}

/// The receiving end, for [`Specialiser::run`].
pub struct Queue(mpsc::UnboundedReceiver<Name>);

impl Specialiser {
    /// Nothing is counted and nothing queued yet.
    pub fn new() -> (Self, Queue) {
        let (queue, receiver) = mpsc::unbounded_channel();
        let inner = Arc::default();
        (Self { inner, queue }, Queue(receiver))
    }

    /// Counts an execution.
    pub fn executed(&self, project: &ProjectId, function: &FunctionId) {
        let key = function.key(project);
        let warm = {
            let mut executed = lock(&self.inner.executed);
            let count = executed.entry(key).or_default();
            *count = count.saturating_add(1);
            *count == WARM
        };
        if warm {
            self.enqueue(project, function);
        }
    }

    fn enqueue(&self, project: &ProjectId, function: &FunctionId) {
        if lock(&self.inner.queued).insert(function.key(project)) {
            // Nobody receives while the server stops.
            let _ = self.queue.send((project.clone(), function.clone()));
        }
    }

    fn is_warm(&self, key: &str) -> bool {
        lock(&self.inner.executed)
            .get(key)
            .is_some_and(|count| *count >= WARM)
    }

    /// Works until `stop`.
    pub async fn run(
        self,
        mut queue: Queue,
        executor: Executor,
        sandbox: Sandbox,
        stop: CancellationToken,
    ) {
        loop {
            let next = tokio::select! {
                () = stop.cancelled() => return,
                next = queue.0.recv() => next,
            };
            let Some((project, function)) = next else {
                return;
            };
            let key = function.key(&project);
            lock(&self.inner.queued).remove(&key);
            let Ok((image, program, env)) = executor.current(&project, &function).await else {
                continue;
            };
            let large = match program.kind() {
                Kind::JavaScript(code) => code.len() >= LARGE,
                Kind::Component(_) => true,
            };
            if !large && !self.is_warm(&key) {
                continue;
            }
            // A task of its own: whatever happens in there, the next function
            // gets its turn.
            let sandbox = sandbox.clone();
            let work = tokio::spawn(async move {
                let made = sandbox.specialise_on(image.as_ref(), &program, &env);
                made.await
            });
            let made = tokio::select! {
                () = stop.cancelled() => return,
                made = work => made,
            };
            let made = match made {
                Ok(made) => made,
                Err(error) => {
                    tracing::error!(function = key, %error, "making a snapshot broke off");
                    continue;
                }
            };
            match made {
                Ok(Specialised::Done) => tracing::debug!(function = key, "has a snapshot"),
                Ok(Specialised::Refused { reason }) => {
                    tracing::debug!(function = key, reason, "stays on the shared engine");
                }
                Err(error) => tracing::warn!(function = key, %error, "no snapshot was made"),
            }
        }
    }
}

impl Saga for Specialiser {
    fn wants(&self, kind: &str) -> bool {
        matches!(
            kind,
            "DeploymentActivated"
                | "FunctionUpdated"
                | "VariableCreated"
                | "VariableUpdated"
                | "VariableDeleted"
        )
    }

    fn on_event(&self, seen: &Seen) {
        if let Some((project, function)) = aggregates::split_key(&seen.key) {
            self.enqueue(&project.into(), &function.into());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
