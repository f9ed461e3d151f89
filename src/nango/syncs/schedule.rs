//! Runs what is due, and makes syncs when scripts are deployed and connections made. The node that
//! leads does it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aggregates::event::Event;
use aggregates::{FunctionId, ProjectId, ScriptKind, connection, function, integration, sync};
use projections::{InProject, model};
use tokio_util::sync::CancellationToken;

use super::agenda::{Agenda, Changes, Name};
use super::run::{Begin, run};
use super::{Wanted, deployed, interval_ms, make};
use crate::auth::now_ms;
use crate::nango::compile::{self, Place};
use crate::nango::{Shared, keys};
use crate::sagas::{Saga, Seen, Tasks};

/// Runs at the same time on this node.
const PARALLEL: usize = 16;
/// How often is looked at what tells nobody when it has ended.
const TICK: Duration = Duration::from_millis(1000);
/// Longest sleep, so that a clock that jumps is noticed, and that this node leads now.
const IDLE: Duration = Duration::from_secs(15);
/// How long the read models may take to come to an event.
const PATIENCE: Duration = Duration::from_secs(10);

/// The scheduler. Cheap to clone.
#[derive(Clone)]
pub struct Syncs {
    shared: Arc<Shared>,
    tasks: Arc<Tasks>,
    making: Arc<Tasks>,
    changes: Arc<Mutex<Changes>>,
}

/// What a node knows while it leads.
#[derive(Default)]
struct Leading {
    agenda: Agenda,
    /// How often a deployed script says that it runs; none: it is not deployed. Known until
    /// something is deployed.
    frequencies: HashMap<(ProjectId, FunctionId), Option<String>>,
}

/// What is to be done about a sync.
enum Next {
    /// A run is due.
    Begin(Box<Begin>),
    /// Nothing before this moment.
    At(i64),
    /// Nothing until something happens to it.
    Nothing,
}

impl Next {
    /// When to look again: at once at what is due.
    fn at(&self) -> Option<i64> {
        match self {
            Self::Begin(_) => Some(0),
            Self::At(at) => Some(*at),
            Self::Nothing => None,
        }
    }
}

impl Syncs {
    /// Of these parts.
    pub fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            tasks: Arc::default(),
            making: Arc::default(),
            changes: Arc::default(),
        }
    }

    /// Runs under way.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Runs what is due while this node leads, until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        match self.shared.reads.view(None).all_syncs().await {
            Ok(syncs) if syncs.is_empty() => {}
            _ => self.warm_up(),
        }
        let mut leading = None;
        loop {
            let changed = self.shared.changed.notified();
            let mut wait = IDLE;
            if self.shared.cluster.leads().await {
                let swept = self.sweep(&mut leading).await;
                wait = swept.unwrap_or_else(|error| {
                    tracing::warn!(%error, "what syncs are due cannot be read");
                    leading = None;
                    TICK
                });
            } else {
                leading = None;
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = changed => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Begins what is due; gives how long nothing is, as far as nothing happens.
    async fn sweep(&self, leading: &mut Option<Leading>) -> Result<Duration, projections::Error> {
        let changes = self.changes().take();
        self.shared.reads.wait_for(changes.position, PATIENCE).await;
        let leading = match leading {
            Some(leading) if !changes.all => {
                for name in changes.syncs {
                    leading.agenda.set(&name, Some(0));
                }
                leading
            }
            leading => {
                *leading = None;
                let mut all = Leading::default();
                for row in self.shared.reads.view(None).all_syncs().await? {
                    let name = (ProjectId::from(&*row.project), row.row.key.clone());
                    let next = self.next(&mut all, &row, false).await?;
                    all.agenda.set(&name, next.at());
                }
                leading.insert(all)
            }
        };
        while self.tasks.len() < PARALLEL
            && let Some(name) = leading.agenda.take(now_ms())
        {
            let at = self.look(leading, &name).await?;
            leading.agenda.set(&name, at);
        }
        let first = leading.agenda.first();
        let rest = first.map_or(i64::MAX, |at| at - now_ms());
        Ok(match u64::try_from(rest) {
            // There was no room for it; the end of a run is told.
            Err(_) => TICK,
            Ok(rest) => Duration::from_millis(rest).min(IDLE),
        })
    }

    /// Begins a run of a sync that is due; gives when to look at it again.
    async fn look(
        &self,
        leading: &mut Leading,
        name: &Name,
    ) -> Result<Option<i64>, projections::Error> {
        let (project, id) = name;
        let key = id.key(project);
        let later = now_ms() + TICK.as_millis() as i64;
        if self.tasks.is_running(&key) {
            return Ok(Some(later));
        }
        let view = self.shared.reads.view(None);
        let Some(row) = view.sync(project.as_str(), id.as_str()).await? else {
            return Ok(None);
        };
        let row = InProject {
            project: project.to_string(),
            row,
        };
        let begin = match self.next(leading, &row, true).await? {
            Next::Begin(begin) => begin,
            next => return Ok(next.at()),
        };
        let (this, name) = (self.clone(), name.clone());
        self.tasks.spawn(key, async move {
            if let Err(error) = run(&this.shared, *begin).await {
                tracing::error!(%error, "a run of a sync was broken off");
                tokio::time::sleep(TICK).await;
            }
            // What it has done is to be seen before the next look.
            let head = this.shared.bus.journal().head();
            this.changes().note(Some(name), head);
            this.shared.changed.notify_waiters();
        });
        Ok(Some(later))
    }

    /// What is to be done about a sync. `fresh`: it is not enough to know how often its script once
    /// said that it runs.
    async fn next(
        &self,
        leading: &mut Leading,
        row: &InProject<model::Sync>,
        fresh: bool,
    ) -> Result<Next, projections::Error> {
        let (project, sync) = (ProjectId::from(&*row.project), &row.row);
        let begin = |run: String, attempt, due, trigger| {
            Next::Begin(Box::new(Begin {
                project: project.clone(),
                place: sync.place.clone(),
                run,
                attempt,
                due,
                trigger,
                last_sync: sync.last_success_started_at,
                payload: None,
            }))
        };
        let now = now_ms();
        if sync.place.kind != ScriptKind::Sync {
            return Ok(Next::Nothing);
        }
        if let Some(running) = &sync.running {
            let cluster = &self.shared.cluster;
            let is_own = running.worker == **cluster.node();
            if !is_own && cluster.is_alive(&running.worker) {
                return Ok(Next::At(now + TICK.as_millis() as i64));
            }
            // Its worker is gone, or this one was started again.
            let trigger = match running.trigger.as_str() {
                "manual" => "manual",
                "creation" => "creation",
                "webhook" => return Ok(Next::Nothing),
                _ => "schedule",
            };
            let next = running.attempt + 1;
            return Ok(begin(running.run.clone(), next, running.due, trigger));
        }
        if sync.requested.is_none() && !sync.started {
            return Ok(Next::Nothing);
        }
        let Some(said) = self.frequency(leading, &project, sync, fresh).await? else {
            return Ok(Next::Nothing);
        };
        if let Some(requested) = &sync.requested {
            return Ok(begin(requested.run.clone(), 1, None, "manual"));
        }
        let Some(interval) = interval_ms(sync.frequency.as_deref().unwrap_or(&said)) else {
            return Ok(Next::Nothing);
        };
        let (due, trigger) = match &sync.last {
            None => (sync.created_at, "creation"),
            Some(last) => (last.started_at + interval, "schedule"),
        };
        if due > now {
            return Ok(Next::At(due));
        }
        let run = uuid::Uuid::now_v7().to_string();
        Ok(begin(run, 1, Some(due), trigger))
    }

    /// How often the deployed script of a sync says that it runs; none: it is not deployed.
    async fn frequency(
        &self,
        leading: &mut Leading,
        project: &ProjectId,
        sync: &model::Sync,
        fresh: bool,
    ) -> Result<Option<String>, projections::Error> {
        let (integration, name) = (sync.place.integration.as_str(), &sync.place.name);
        let function = keys::function(integration, ScriptKind::Sync, name);
        let key = (project.clone(), function);
        if !fresh && let Some(known) = leading.frequencies.get(&key) {
            return Ok(known.clone());
        }
        let definition = deployed(&self.shared, project, integration, name).await?;
        let said = definition.map(|told| told["runs"].as_str().unwrap_or_default().to_owned());
        leading.frequencies.insert(key, said.clone());
        Ok(said)
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something has happened to a sync (none: to any) that is seen from a position on.
    fn note(&self, sync: Option<Name>, position: u64) {
        self.changes().note(sync, position);
        self.shared.changed.notify_waiters();
    }

    /// Fetches and starts what functions are compiled and run with, so that the first one does not
    /// wait for it.
    fn warm_up(&self) {
        let this = self.clone();
        self.making.spawn("warm-up".to_owned(), async move {
            let code = "import { createAction } from 'nango';\nimport { z } from 'zod';\n\
                export default createAction({ description: '', input: z.void(), output: z.void(), \
                exec: async () => {} });\n";
            let place = Place::nowhere();
            let request = compile::Request {
                files: Arc::new(vec![(place.source.clone(), code.to_owned())]),
                place,
                integration: "0".to_owned(),
                name: "warm-up".to_owned(),
                schemas: true,
            };
            if let Err(failure) = this.shared.compiling.compile(request).await {
                tracing::warn!(?failure, "functions cannot be compiled yet");
            }
        });
    }

    fn make(&self, wanted: Wanted, event: Option<&'static str>) {
        let this = self.clone();
        let key = format!("{wanted:?}");
        self.making.spawn(key, async move {
            if !this.shared.cluster.leads().await {
                return;
            }
            if let Err(error) = make(&this.shared, &wanted).await {
                tracing::error!(%error, "syncs were not made");
            }
            if let (Some(event), Some((_, id))) = (event, &wanted.connection) {
                let (project, integration) = (&wanted.project, &wanted.integration);
                let ran = super::run_on_event(&this.shared, project, integration, id, event);
                if let Err(error) = ran.await {
                    tracing::error!(%error, "scripts of an event did not run");
                }
            }
        });
    }
}

impl Saga for Syncs {
    fn wants(&self, kind: &str) -> bool {
        matches!(
            kind,
            "IntegrationCreated"
                | "DeploymentActivated"
                | "ConnectionCreated"
                | "SyncCreated"
                | "SyncStarted"
                | "FrequencySet"
                | "RunRequested"
                | "RunStarted"
                | "RunFinished"
                | "RunInterrupted"
                | "SyncDeleted"
        )
    }

    fn on_event(&self, seen: &Seen) {
        let Some((project, id)) = aggregates::split_key(&seen.key) else {
            return;
        };
        match &seen.event {
            Event::Integration(integration::Event::IntegrationCreated { .. }) => self.warm_up(),
            Event::Connection(connection::Event::ConnectionCreated {
                integration,
                connection_id,
                ..
            }) => {
                let wanted = Wanted {
                    project: project.into(),
                    integration: integration.to_string(),
                    script: None,
                    connection: Some((id.into(), connection_id.clone())),
                    position: seen.position,
                };
                self.make(wanted, Some("post-connection-creation"));
            }
            Event::Function(function::Event::DeploymentActivated { .. }) => {
                let mut parts = id.splitn(3, '/');
                if let (Some(integration), Some("sync"), Some(name)) =
                    (parts.next(), parts.next(), parts.next())
                {
                    let wanted = Wanted {
                        project: project.into(),
                        integration: integration.to_owned(),
                        script: Some(name.to_owned()),
                        connection: None,
                        position: seen.position,
                    };
                    self.make(wanted, None);
                    self.note(None, seen.position);
                }
            }
            Event::Sync(sync::Event::RunInterrupted { run }) => {
                self.shared.stops.ask(&seen.key, Some(run));
                self.note(Some((project.into(), id.into())), seen.position);
            }
            Event::Sync(sync::Event::SyncDeleted {}) => {
                self.shared.stops.ask(&seen.key, None);
                self.note(Some((project.into(), id.into())), seen.position);
            }
            _ => self.note(Some((project.into(), id.into())), seen.position),
        }
    }
}
