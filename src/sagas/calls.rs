//! Executions that run later: asynchronous ones as soon as possible, scheduled
//! ones at their time. Each runs at most once: one that was cut off by a crash
//! ends as failed, with that as its reason.
//!
//! Every node knows all that wait. The first in rank for an execution runs it,
//! the others when it has not begun a moment later; `Start` decides who does.
//! Those that take turns are begun when it is theirs (`turns`).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use aggregates::event::Event;
use aggregates::{ExecutionId, ProjectId, execution};
use projections::ReadModels;
use tokio::sync::Semaphore;

use super::turns::Turns;
use super::{Saga, Seen, Tasks};
use crate::cluster::Cluster;
use crate::execution::{Executor, Refused};

/// How long a node leaves an execution to each of those before it in rank.
const PRECEDENCE: Duration = Duration::from_millis(400);

/// The saga. Cheap to clone.
#[derive(Clone)]
pub struct Calls {
    executor: Executor,
    cluster: Cluster,
    tasks: Tasks,
    permits: Arc<Semaphore>,
    turns: Arc<Turns>,
}

impl Calls {
    /// Runs up to `parallel` executions at the same time.
    pub fn new(executor: Executor, cluster: Cluster, parallel: usize) -> Self {
        Self {
            executor,
            cluster,
            tasks: Tasks::default(),
            permits: Arc::new(Semaphore::new(parallel)),
            turns: Arc::default(),
        }
    }

    /// Work under way.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Takes up executions that nobody is at.
    pub async fn sweep(&self, reads: &ReadModels) -> Result<(), projections::Error> {
        let mut taking_turns = HashSet::new();
        for row in reads.view(None).unfinished_executions().await? {
            let (project, row) = (ProjectId::from(row.project), row.row);
            let id = ExecutionId::from(row.id);
            let takes_turns = Turns::takes(&row.trigger, row.script.as_ref());
            if takes_turns {
                self.turns.enter(&project, row.sequence, id.clone());
                // The row may be older than the end that was seen; an end that
                // comes now is seen yet.
                if self.executor.is_over(&project, &id).await {
                    self.turns.leave(&project, &id);
                    continue;
                }
                taking_turns.insert(project.clone());
            }
            let Some(input) = row.input else { continue };
            match row.status.as_str() {
                // One of this node's own that is not running was broken off.
                "processing"
                    if match row.worker == **self.cluster.node() {
                        true => !self.tasks.is_running(&id.key(&project)),
                        false => !self.cluster.is_alive(&row.worker),
                    } =>
                {
                    let reason = "The server stopped while this execution was running. \
                        It was not run again, because it may have had effects already.";
                    let given_up = self.executor.give_up(&project, &id, &input, reason).await;
                    if let Err(error) = given_up {
                        tracing::error!(error = %error, execution = %id, "cannot end an execution");
                    }
                }
                "processing" => {}
                _ if takes_turns => {}
                _ => self.queue(project, id, row.scheduled_at),
            }
        }
        for project in taking_turns {
            self.next(project);
        }
        Ok(())
    }

    /// Lets the one run whose turn it is.
    fn next(&self, project: ProjectId) {
        if let Some(id) = self.turns.first(&project) {
            self.queue(project, id, None);
        }
    }

    fn left(&self, project: ProjectId, id: &ExecutionId) {
        if self.turns.leave(&project, id) {
            self.next(project);
        }
    }

    fn queue(&self, project: ProjectId, id: ExecutionId, scheduled_at: Option<i64>) {
        let this = self.clone();
        let key = id.key(&project);
        let rank = self.cluster.rank(&key);
        self.tasks.spawn(key, async move {
            if let Some(at) = scheduled_at {
                let left = u64::try_from(at - crate::auth::now_ms()).unwrap_or(0);
                tokio::time::sleep(Duration::from_millis(left)).await;
            }
            tokio::time::sleep(PRECEDENCE * rank).await;
            let Ok(_permit) = this.permits.acquire().await else {
                return;
            };
            match this
                .executor
                .run_requested(&project, &id, this.cluster.node())
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
        matches!(
            kind,
            "ExecutionRequested" | "ExecutionStarted" | "ExecutionFinished" | "ExecutionDeleted"
        )
    }

    fn on_event(&self, seen: &Seen) {
        let Some((project, id)) = aggregates::split_key(&seen.key) else {
            return;
        };
        match &seen.event {
            Event::Execution(execution::Event::ExecutionRequested { request, .. })
                if Turns::takes(&request.trigger, request.script.as_ref()) =>
            {
                let project = ProjectId::from(project);
                self.turns.enter(&project, seen.position, id.into());
                self.next(project);
            }
            Event::Execution(execution::Event::ExecutionRequested { scheduled_at, .. }) => {
                self.queue(project.into(), id.into(), *scheduled_at);
            }
            Event::Execution(execution::Event::ExecutionStarted { worker, .. })
                if **worker != **self.cluster.node() =>
            {
                self.tasks.stop(&seen.key);
            }
            Event::Execution(execution::Event::ExecutionFinished { .. }) => {
                self.left(project.into(), &id.into());
            }
            Event::Execution(execution::Event::ExecutionDeleted {}) => {
                self.tasks.stop(&seen.key);
                self.left(project.into(), &id.into());
            }
            _ => {}
        }
    }
}
