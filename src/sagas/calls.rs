//! Executions that run later: asynchronous ones as soon as possible, scheduled
//! ones at their time. Each runs at most once: one that was cut off by a crash
//! ends as failed, with that as its reason.

use std::sync::Arc;
use std::time::Duration;

use aggregates::event::Event;
use aggregates::{ExecutionId, ProjectId, execution};
use projections::ReadModels;
use tokio::sync::Semaphore;

use super::{Saga, Seen, Tasks};
use crate::execution::{Executor, Refused};

/// The saga. Cheap to clone.
#[derive(Clone)]
pub struct Calls {
    executor: Executor,
    worker: Arc<str>,
    tasks: Tasks,
    permits: Arc<Semaphore>,
}

impl Calls {
    /// Runs up to `parallel` executions at the same time in the name of `worker`.
    pub fn new(executor: Executor, worker: Arc<str>, parallel: usize) -> Self {
        Self {
            executor,
            worker,
            tasks: Tasks::default(),
            permits: Arc::new(Semaphore::new(parallel)),
        }
    }

    /// Work under way.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Takes up what was unfinished when the process before this one ended.
    pub async fn recover(&self, reads: &ReadModels) -> Result<(), projections::Error> {
        for row in reads.view(None).unfinished_executions().await? {
            let (project, row) = (ProjectId::from(row.project), row.row);
            let id = ExecutionId::from(row.id);
            let Some(input) = row.input else { continue };
            match row.status.as_str() {
                "processing" if row.worker != *self.worker => {
                    let reason = "The server stopped while this execution was running. \
                        It was not run again, because it may have had effects already.";
                    let given_up = self.executor.give_up(&project, &id, &input, reason).await;
                    if let Err(error) = given_up {
                        tracing::error!(error = %error, execution = %id, "cannot end an execution");
                    }
                }
                "processing" => {}
                _ => self.queue(project, id, row.scheduled_at),
            }
        }
        Ok(())
    }

    fn queue(&self, project: ProjectId, id: ExecutionId, scheduled_at: Option<i64>) {
        let this = self.clone();
        self.tasks.spawn(id.key(&project), async move {
            if let Some(at) = scheduled_at {
                let left = u64::try_from(at - crate::auth::now_ms()).unwrap_or(0);
                tokio::time::sleep(Duration::from_millis(left)).await;
            }
            let Ok(_permit) = this.permits.acquire().await else {
                return;
            };
            match this
                .executor
                .run_requested(&project, &id, &this.worker)
                .await
            {
                Ok(()) => {}
                Err(Refused::Execution(crate::bus::Error::Unavailable(journal::Error::Closed))) => {
                }
                Err(error) => {
                    tracing::error!(error = %error, execution = %id, "an execution did not run");
                }
            }
        });
    }
}

impl Saga for Calls {
    fn wants(&self, kind: &str) -> bool {
        matches!(kind, "ExecutionRequested" | "ExecutionDeleted")
    }

    fn on_event(&self, seen: &Seen) {
        let Some((project, id)) = aggregates::split_key(&seen.key) else {
            return;
        };
        match &seen.event {
            Event::Execution(execution::Event::ExecutionRequested { scheduled_at, .. }) => {
                self.queue(project.into(), id.into(), *scheduled_at);
            }
            Event::Execution(execution::Event::ExecutionDeleted {}) => {
                self.tasks.stop(&seen.key);
            }
            _ => {}
        }
    }
}
