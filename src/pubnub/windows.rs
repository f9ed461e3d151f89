//! Windows of time in which deployments run: each is started when its window begins and stopped
//! when it ends.
//!
//! The node that leads does it. Every command has an id derived from the window and the action, so
//! that a former leader that was slow repeats what is done already, and a crash between two steps
//! is taken up where it was. What was missed while no server ran is made up, oldest first, unless
//! the whole window has passed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aggregates::pkgdeploy::{
    self, ActionKind, ActionState, Command, PackageDeployment, Scheduled, Status,
};
use aggregates::{AssignmentKey, ProjectId, ScheduledEventId};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::deploy::{Asked, Deployments, Refused};
use crate::auth::now_ms;
use crate::bus::{self, Context};
use crate::cluster::TERM;
use crate::sagas::{Saga, Seen, Tasks};

/// Longest sleep, so that a clock that jumps is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// How long an action may take: a stop that lets executions end, then a start.
const PATIENCE: Duration = Duration::from_secs(60);
/// Before something that failed is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// The saga. Cheap to clone.
#[derive(Clone)]
pub struct Windows {
    shared: Arc<Shared>,
    deployments: Deployments,
    tasks: Tasks,
    wake: Arc<Notify>,
    /// The position of the newest event that concerns a window: the read models may not have come
    /// to it yet.
    seen: Arc<AtomicU64>,
}

/// Why an action was broken off; it is tried again.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Deployment(#[from] bus::Error<pkgdeploy::Error>),
    #[error(transparent)]
    Asking(#[from] Refused),
    #[error(transparent)]
    Reads(#[from] projections::Error),
}

/// One deployment that has windows.
struct Place {
    project: ProjectId,
    key: AssignmentKey,
}

impl Place {
    fn stream(&self) -> String {
        self.key.key(&self.project)
    }

    fn context(&self, id: &ScheduledEventId, kind: ActionKind, step: &str) -> Context {
        let kind = match kind {
            ActionKind::Start => "start",
            ActionKind::Stop => "stop",
        };
        let step = format!("{id}/{kind}/{step}");
        Context::saga("window", self.project.as_str(), &step, id.as_str(), "")
    }
}

impl Windows {
    /// Of these parts.
    pub fn new(shared: Arc<Shared>, deployments: Deployments) -> Self {
        Self {
            shared,
            deployments,
            tasks: Tasks::default(),
            wake: Arc::default(),
            seen: Arc::default(),
        }
    }

    /// Actions under way.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Does what is due while this node leads, until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let mut view = self.shared.cluster.view();
        loop {
            let woken = self.wake.notified();
            let sleep = if self.shared.cluster.epoch().is_none() {
                LONGEST_SLEEP
            } else if !self.shared.cluster.leads().await {
                // The view tells in a moment who does.
                TERM / 8
            } else {
                match self.begin_due().await {
                    Ok(None) => LONGEST_SLEEP,
                    Ok(Some(at)) => {
                        Duration::from_millis(u64::try_from(at - now_ms()).unwrap_or(0))
                    }
                    Err(error) => {
                        tracing::warn!(%error, "scheduled events cannot be read");
                        PAUSE
                    }
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = woken => {}
                _ = view.changed() => {}
                () = tokio::time::sleep(sleep.min(LONGEST_SLEEP)) => {}
            }
        }
    }

    /// Begins what is due, and gives when the next thing is.
    async fn begin_due(&self) -> Result<Option<i64>, projections::Error> {
        let seen = self.seen.load(Ordering::Relaxed);
        if !self.shared.reads.wait_for(seen, PAUSE).await {
            return Ok(Some(now_ms()));
        }
        let now = now_ms();
        let mut next: Option<i64> = None;
        let mut by = |at: i64| next = Some(next.map_or(at, |next| next.min(at)));
        for found in self.shared.reads.view(None).open_scheduled_events().await? {
            let Some((at, _)) = due(&found.row.event) else {
                continue;
            };
            if at > now {
                by(at);
                continue;
            }
            // The deployment may have something to do already.
            by(now + PAUSE.as_millis() as i64);
            let place = Place {
                project: ProjectId::from(found.project),
                key: found.row.key,
            };
            let this = self.clone();
            self.tasks.spawn(place.stream(), async move {
                if let Err(error) = this.work(&place).await {
                    tracing::warn!(deployment = %place.key, %error, "an action was broken off");
                    tokio::time::sleep(PAUSE).await;
                }
            });
        }
        Ok(next)
    }

    /// Does all actions of a deployment that are due, oldest first.
    async fn work(&self, place: &Place) -> Result<(), Broken> {
        let bus = &self.shared.bus;
        loop {
            let state = bus.load::<PackageDeployment>(&place.stream()).await?.state;
            let now = now_ms();
            let events = state.events.values();
            let of = |event: &Scheduled| due(event).map(|(at, kind)| (at, kind, event.clone()));
            let mut waiting: Vec<_> = events.filter_map(of).filter(|next| next.0 <= now).collect();
            // Where one window ends as another begins, the end comes first.
            waiting.sort_by_key(|(at, kind, _)| (*at, *kind == ActionKind::Start));
            let Some((_, kind, event)) = waiting.into_iter().next() else {
                return Ok(());
            };
            self.act(place, &event, kind).await?;
        }
    }

    async fn act(&self, place: &Place, event: &Scheduled, kind: ActionKind) -> Result<(), Broken> {
        let bus = &self.shared.bus;
        let id = &event.id;
        let is_new = event.action(kind).state == ActionState::Pending;
        let missed = kind == ActionKind::Start && is_new && event.end <= now_ms();
        let succeeded = if missed {
            false
        } else {
            let begin = Command::BeginAction {
                id: id.clone(),
                kind,
            };
            let context = place.context(id, kind, "begin");
            bus.execute::<PackageDeployment>(&place.stream(), begin, &context)
                .await?;
            journal::failpoint("window.begun");
            self.reach(place, id, kind).await?
        };
        let finish = Command::FinishAction {
            id: id.clone(),
            kind,
            succeeded,
        };
        let context = place.context(id, kind, "finish");
        let stream = place.stream();
        let told = bus.execute::<PackageDeployment>(&stream, finish, &context);
        match told.await {
            // It was taken away meanwhile.
            Ok(_) | Err(bus::Error::Refused(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Brings a deployment to where an action wants it; whether it is there.
    async fn reach(
        &self,
        place: &Place,
        id: &ScheduledEventId,
        kind: ActionKind,
    ) -> Result<bool, Broken> {
        let deadline = Instant::now() + PATIENCE;
        let mut changed = self.deployments.changed();
        let context = place.context(id, kind, "do");
        let (project, key) = (&place.project, &place.key);
        loop {
            changed.mark_unchanged();
            let bus = &self.shared.bus;
            let state = bus.load::<PackageDeployment>(&place.stream()).await?.state;
            let asked = match (kind, state.status) {
                (ActionKind::Start, Status::Running) => return Ok(true),
                (ActionKind::Start, Status::Absent) => return Ok(false),
                (ActionKind::Stop, Status::Stopped | Status::Failed | Status::Absent) => {
                    return Ok(true);
                }
                (ActionKind::Start, Status::Stopped | Status::Failed) => {
                    let asked = self.deployments.ask_start(project, key, None, &context);
                    asked.await
                }
                (ActionKind::Stop, Status::Running) => {
                    let asked = self.deployments.ask_stop(project, key, false, &context);
                    asked.await
                }
                (_, Status::Starting | Status::Stopping) => {
                    let next = tokio::time::timeout_at(deadline, changed.changed());
                    if !matches!(next.await, Ok(Ok(()))) {
                        return Ok(false);
                    }
                    continue;
                }
            };
            match asked {
                // It was asked before a crash, and has not come to it.
                Ok(asked) if asked.committed.duplicate => return Ok(false),
                Ok(asked) => return self.reached(place, &state, kind, &asked).await,
                Err(Refused::Deployment(bus::Error::Refused(pkgdeploy::Error::InTransition))) => {}
                Err(Refused::Deployment(bus::Error::Refused(_)) | Refused::RunningLimit(_)) => {
                    return Ok(false);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn reached(
        &self,
        place: &Place,
        state: &PackageDeployment,
        kind: ActionKind,
        asked: &Asked,
    ) -> Result<bool, Broken> {
        let ended = self
            .deployments
            .ended(&place.project, &state.id, asked, PATIENCE);
        let row = ended.await?;
        Ok(match (kind, row) {
            (ActionKind::Start, row) => row.is_some_and(|row| row.status == Status::Running),
            (ActionKind::Stop, row) => row.is_none_or(|row| row.status == Status::Stopped),
        })
    }
}

/// What happens next of a window, and when.
fn due(event: &Scheduled) -> Option<(i64, ActionKind)> {
    let open = |state| matches!(state, ActionState::Pending | ActionState::InProgress);
    if event.is_over() {
        None
    } else if open(event.start.state) {
        Some((event.begin, ActionKind::Start))
    } else if open(event.stop.state) {
        Some((event.end, ActionKind::Stop))
    } else {
        None
    }
}

impl Saga for Windows {
    fn wants(&self, kind: &str) -> bool {
        matches!(
            kind,
            "EventScheduled" | "EventUnscheduled" | "ActionFinished" | "PackageUnassigned"
        )
    }

    fn on_event(&self, seen: &Seen) {
        self.seen.fetch_max(seen.position, Ordering::Relaxed);
        self.wake.notify_one();
    }
}
