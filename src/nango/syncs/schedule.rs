//! Runs what is due, and makes syncs when scripts are deployed and connections made. The node that
//! leads does it.

use std::sync::Arc;
use std::time::Duration;

use aggregates::event::Event;
use aggregates::{ProjectId, ScriptKind, connection, function, integration, sync};
use projections::{InProject, model};
use tokio_util::sync::CancellationToken;

use super::run::{Begin, run};
use super::{Wanted, deployed, interval_ms, make};
use crate::auth::now_ms;
use crate::nango::Shared;
use crate::nango::compile::{self, Place};
use crate::sagas::{Saga, Seen, Tasks};

/// Runs at the same time on this node.
const PARALLEL: usize = 16;
/// How often is looked for what is due, while there are syncs.
const TICK: Duration = Duration::from_millis(1000);
/// The same, while there are none.
const IDLE: Duration = Duration::from_secs(15);

/// The scheduler. Cheap to clone.
#[derive(Clone)]
pub struct Syncs {
    shared: Arc<Shared>,
    tasks: Arc<Tasks>,
    making: Arc<Tasks>,
}

impl Syncs {
    /// Of these parts.
    pub fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            tasks: Arc::default(),
            making: Arc::default(),
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
        loop {
            let changed = self.shared.changed.notified();
            let mut wait = IDLE;
            if self.shared.cluster.leads().await {
                match self.sweep().await {
                    Ok(0) => {}
                    Ok(_) => wait = TICK,
                    Err(error) => {
                        tracing::warn!(%error, "what syncs are due cannot be read");
                        wait = TICK;
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = changed => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Begins what is due; gives how many syncs there are.
    async fn sweep(&self) -> Result<usize, projections::Error> {
        let rows = self.shared.reads.view(None).all_syncs().await?;
        let count = rows.len();
        for row in rows {
            if row.row.place.kind != ScriptKind::Sync || self.tasks.len() >= PARALLEL {
                continue;
            }
            let key = row.row.key.key(&ProjectId::from(&*row.project));
            if self.tasks.is_running(&key) {
                continue;
            }
            if let Some(begin) = self.due(&row).await? {
                let this = self.clone();
                self.tasks.spawn(key, async move {
                    if let Err(error) = run(&this.shared, begin).await {
                        tracing::error!(%error, "a run of a sync was broken off");
                    }
                    this.shared.changed.notify_waiters();
                });
            }
        }
        Ok(count)
    }

    /// The run that a sync is due for.
    async fn due(&self, row: &InProject<model::Sync>) -> Result<Option<Begin>, projections::Error> {
        let (project, sync) = (ProjectId::from(&*row.project), &row.row);
        let begin = |run: String, attempt, due, trigger| Begin {
            project: project.clone(),
            place: sync.place.clone(),
            run,
            attempt,
            due,
            trigger,
            last_sync: sync.last_success_started_at,
            payload: None,
        };
        if let Some(running) = &sync.running {
            let cluster = &self.shared.cluster;
            let is_own = running.worker == **cluster.node();
            if !is_own && cluster.is_alive(&running.worker) {
                return Ok(None);
            }
            // Its worker is gone, or this one was started again.
            let trigger = match running.trigger.as_str() {
                "manual" => "manual",
                "creation" => "creation",
                "webhook" => return Ok(None),
                _ => "schedule",
            };
            let next = running.attempt + 1;
            return Ok(Some(begin(running.run.clone(), next, running.due, trigger)));
        }
        let integration = sync.place.integration.as_str();
        let name = &sync.place.name;
        if let Some(requested) = &sync.requested {
            let is_there = deployed(&self.shared, &project, integration, name).await?;
            let begin = begin(requested.run.clone(), 1, None, "manual");
            return Ok(is_there.map(|_| begin));
        }
        if !sync.started {
            return Ok(None);
        }
        let now = now_ms();
        let first = sync.last.is_none();
        // The definition is only looked at when the shortest interval is over.
        let since = sync.last.as_ref().map_or(0, |last| last.started_at);
        if !first && now - since < 30_000 {
            return Ok(None);
        }
        let Some(definition) = deployed(&self.shared, &project, integration, name).await? else {
            return Ok(None);
        };
        let frequency = sync.frequency.as_deref();
        let frequency = frequency
            .or_else(|| definition["runs"].as_str())
            .unwrap_or_default();
        let Some(interval) = interval_ms(frequency) else {
            return Ok(None);
        };
        let due = if first {
            sync.created_at
        } else {
            since + interval
        };
        if due > now {
            return Ok(None);
        }
        let run = uuid::Uuid::now_v7().to_string();
        let trigger = if first { "creation" } else { "schedule" };
        Ok(Some(begin(run, 1, Some(due), trigger)))
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
                | "RunRequested"
                | "SyncStarted"
                | "SyncCreated"
                | "FrequencySet"
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
                }
            }
            Event::Sync(sync::Event::RunInterrupted { run }) => {
                self.shared.stops.ask(&seen.key, Some(run));
            }
            Event::Sync(sync::Event::SyncDeleted {}) => self.shared.stops.ask(&seen.key, None),
            _ => self.shared.changed.notify_waiters(),
        }
    }
}
