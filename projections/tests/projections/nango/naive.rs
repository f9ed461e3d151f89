//! A fold in memory, of which much is the aggregates' own.

use std::collections::BTreeMap;

use aggregates::event::Event;
use aggregates::sync::RunStatus;
use aggregates::{Fold, connection, dryrun, integration, sync};
use projections::model::{Connection, DryRun, FinishedRun, Integration, NotedFailure, Run, Sync};

use crate::naive::In;

/// Integrations and what belongs to them, at one position.
#[derive(Clone, Debug, Default)]
pub struct Nango {
    pub integrations: BTreeMap<In, Integration>,
    pub connections: BTreeMap<In, Connection>,
    pub syncs: BTreeMap<In, Sync>,
    pub dryruns: BTreeMap<In, DryRun>,
    /// What the streams of syncs have come to, whether or not there is a row.
    pub states: BTreeMap<In, sync::Sync>,
    connected: BTreeMap<In, connection::Connection>,
}

fn fold<A: Fold>(state: &mut A, event: &A::Event) -> A
where
    A::Event: Clone,
{
    let before = state.clone();
    state.apply(event.clone());
    before
}

impl Nango {
    pub fn apply(&mut self, position: u64, now: i64, at: In, event: &Event) {
        match event {
            Event::Integration(event) => self.integration(position, now, at, event),
            Event::Connection(event) => self.connection(position, now, at, event),
            Event::Sync(event) => self.sync(position, now, at, event),
            Event::DryRun(event) => self.dryrun(position, now, at, event),
            _ => {}
        }
    }

    pub fn end_project(&mut self, id: &str) {
        self.integrations.retain(|(project, _), _| project != id);
        self.dryruns.retain(|(project, _), _| project != id);
        self.orphans();
    }

    /// Ends what has lost its owner.
    fn orphans(&mut self) {
        let owners = &self.integrations;
        self.connections.retain(|(project, _), row| {
            owners.contains_key(&(project.clone(), row.integration.clone()))
        });
        let owners = &self.connections;
        self.syncs.retain(|(project, _), row| {
            owners.contains_key(&(project.clone(), row.place.connection.to_string()))
        });
    }

    fn integration(&mut self, position: u64, now: i64, at: In, event: &integration::Event) {
        use integration::Event as E;
        match event {
            E::IntegrationCreated { settings } => {
                let row = Integration {
                    id: at.1.clone(),
                    sequence: position,
                    created_at: now,
                    updated_at: now,
                    settings: settings.clone(),
                };
                self.integrations.insert(at, row);
            }
            E::IntegrationUpdated { settings } => {
                if let Some(row) = self.integrations.get_mut(&at) {
                    row.settings = settings.clone();
                    row.updated_at = now;
                }
            }
            E::IntegrationDeleted {} => {
                self.integrations.remove(&at);
                self.orphans();
            }
        }
    }

    fn connection(&mut self, position: u64, now: i64, at: In, event: &connection::Event) {
        use connection::Event as E;
        let state = self.connected.entry(at.clone()).or_default();
        fold(state, event);
        match event {
            E::ConnectionCreated { integration, .. } => {
                let owner = (at.0.clone(), integration.to_string());
                if !self.integrations.contains_key(&owner) {
                    return;
                }
                let row = Connection {
                    key: at.1.as_str().into(),
                    sequence: position,
                    connection_id: state.connection_id.clone(),
                    integration: integration.to_string(),
                    provider: state.provider.clone(),
                    created_at: now,
                    updated_at: now,
                    settings: state.settings.clone().unwrap(),
                    errors: Vec::new(),
                };
                self.connections.insert(at, row);
            }
            E::ConnectionDeleted {} => {
                self.connections.remove(&at);
                self.orphans();
            }
            _ => {
                if let Some(row) = self.connections.get_mut(&at) {
                    row.settings = state.settings.clone().unwrap();
                    row.updated_at = now;
                    row.errors = match (&state.failure, event) {
                        (None, _) => Vec::new(),
                        (Some(error), E::RefreshFailed { .. }) => vec![NotedFailure {
                            error: error.clone(),
                            at: now,
                        }],
                        (Some(_), _) => std::mem::take(&mut row.errors),
                    };
                }
            }
        }
    }

    fn sync(&mut self, position: u64, now: i64, at: In, event: &sync::Event) {
        use sync::Event as E;
        let state = self.states.entry(at.clone()).or_default();
        let before = fold(state, event);
        match event {
            E::SyncCreated { place, .. } => {
                let owner = (at.0.clone(), place.connection.to_string());
                if !self.connections.contains_key(&owner) {
                    return;
                }
                let row = Sync {
                    key: at.1.as_str().into(),
                    sequence: position,
                    created_at: now,
                    updated_at: now,
                    place: place.clone(),
                    started: state.started,
                    frequency: state.frequency.clone(),
                    requested: None,
                    running: None,
                    last: None,
                    last_due: None,
                    last_success_started_at: None,
                    totals: BTreeMap::new(),
                    checkpoint: None,
                    marks: BTreeMap::new(),
                };
                self.syncs.insert(at, row);
                return;
            }
            E::SyncDeleted {} => {
                self.syncs.remove(&at);
                return;
            }
            _ => {}
        }
        let Some(row) = self.syncs.get_mut(&at) else {
            return;
        };
        row.updated_at = now;
        row.started = state.started;
        row.frequency = state.frequency.clone();
        row.requested = state.requested.clone();
        row.last_due = state.last_due;
        row.checkpoint = state.checkpoint.clone();
        row.marks = state.marks.clone();
        match (event, &state.running) {
            (E::RunStarted { .. }, Some(running)) => {
                let first = before.running.is_none();
                row.running = Some(Run {
                    run: running.run.clone(),
                    worker: running.worker.clone(),
                    attempt: running.attempt,
                    started_at: match &row.running {
                        Some(row) if !first => row.started_at,
                        _ => now,
                    },
                    taken_at: now,
                    due: running.due,
                    trigger: running.trigger.clone(),
                    reset: running.reset,
                    empty_cache: running.empty_cache,
                });
                if first && running.empty_cache {
                    row.totals = BTreeMap::new();
                }
                if first && running.reset {
                    row.last_success_started_at = None;
                }
            }
            (E::PageSaved { model, counts, .. }, _) => {
                let total = row.totals.entry(model.clone()).or_default();
                *total = sync::Counts {
                    added: total.added + counts.added,
                    updated: total.updated + counts.updated,
                    deleted: total.deleted + counts.deleted,
                    unchanged: total.unchanged + counts.unchanged,
                };
            }
            (E::RunFinished { run, result, .. }, _) => {
                let ended = row.running.take().unwrap();
                row.last = Some(FinishedRun {
                    run: run.clone(),
                    trigger: ended.trigger,
                    status: result.status,
                    error: result.error.clone(),
                    counts: result.counts.clone(),
                    execution: result.execution.clone(),
                    started_at: ended.started_at,
                    finished_at: now,
                    duration_ms: result.duration_ms,
                });
                if result.status == RunStatus::Succeeded {
                    row.last_success_started_at = Some(ended.started_at);
                }
            }
            _ => {}
        }
    }

    fn dryrun(&mut self, position: u64, now: i64, at: In, event: &dryrun::Event) {
        use dryrun::Event as E;
        if let E::DryRunRequested(request) = event {
            let row = DryRun {
                id: at.1.clone(),
                sequence: position,
                integration: request.integration.to_string(),
                connection_id: request.connection_id.clone(),
                kind: request.kind,
                source: request.source.clone(),
                input: Some(request.input.clone()),
                status: "waiting".to_owned(),
                worker: String::new(),
                attempt: 0,
                created_at: now,
                updated_at: now,
                started_at: None,
                completed_at: None,
                result: None,
                unstarted: None,
            };
            self.dryruns.insert(at, row);
            return;
        }
        let Some(row) = self.dryruns.get_mut(&at) else {
            return;
        };
        row.updated_at = now;
        match event {
            E::DryRunStarted { worker, attempt } => {
                row.status = "running".to_owned();
                row.worker = worker.clone();
                row.attempt = *attempt;
                row.started_at = row.started_at.or(Some(now));
                return;
            }
            E::DryRunFinished { result, .. } => row.result = Some(result.clone()),
            E::DryRunFailed { error } => row.unstarted = Some(error.clone()),
            E::DryRunRequested(_) => unreachable!(),
        }
        row.input = None;
        row.completed_at = Some(now);
        row.status = if row.error().is_none() {
            "success"
        } else {
            "failed"
        }
        .to_owned();
    }
}
