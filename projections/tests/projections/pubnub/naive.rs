//! A fold in memory, of which much is the aggregates' own: rows are dropped when
//! they have lost their owner, and counts are counted.

use std::collections::{BTreeMap, BTreeSet};

use aggregates::event::Event;
use aggregates::pkgdeploy::Status;
use aggregates::{Fold, HandlerRevisionId, counter, entry, keyset, package, pkgdeploy};
use projections::model::{
    Counter, Entry, HandlerRow, Keyset, Package, PackageDeployment, PackageRevision,
    ScheduledEvent, TestInput,
};

use crate::naive::In;

/// Packages and what belongs to them, at one position.
#[derive(Clone, Debug, Default)]
pub struct PubNub {
    pub packages: BTreeMap<In, Package>,
    pub revisions: BTreeMap<In, PackageRevision>,
    pub inputs: BTreeMap<In, TestInput>,
    pub keysets: BTreeMap<In, Keyset>,
    /// Every keyset that there ever was, and when it was first created.
    pub numbers: BTreeMap<In, u64>,
    /// By the key of the stream.
    pub deployments: BTreeMap<In, PackageDeployment>,
    pub events: BTreeMap<In, ScheduledEvent>,
    pub entries: BTreeMap<In, Entry>,
    pub counters: BTreeMap<In, Counter>,
    /// What streams have come to, whether or not there is a row.
    pub states: States,
}

/// What streams have come to.
#[derive(Clone, Debug, Default)]
pub struct States {
    pub packages: BTreeMap<In, package::Package>,
    pub keysets: BTreeMap<In, keyset::Keyset>,
    pub deployments: BTreeMap<In, pkgdeploy::PackageDeployment>,
    pub entries: BTreeMap<In, entry::Entry>,
}

fn fold<A: Fold + Default>(states: &mut BTreeMap<In, A>, at: &In, event: &A::Event) -> A
where
    A::Event: Clone,
{
    let state = states.entry(at.clone()).or_default();
    state.apply(event.clone());
    state.clone()
}

/// A time later than the one before.
fn later(before: i64, now: i64) -> i64 {
    if now > before { now } else { before + 1 }
}

impl PubNub {
    pub fn apply(&mut self, position: u64, now: i64, at: In, event: &Event) {
        match event {
            Event::Package(event) => self.package(position, now, at, event),
            Event::Keyset(event) => self.keyset(position, now, at, event),
            Event::PackageDeployment(event) => self.deployment(position, now, at, event),
            Event::Entry(event) => self.entry(position, now, at, event),
            Event::Counter(event) => self.counter(position, now, at, event),
            _ => {}
        }
        self.orphans();
        self.recount();
    }

    pub fn end_project(&mut self, id: &str) {
        self.packages.retain(|(project, _), _| project != id);
        self.keysets.retain(|(project, _), _| project != id);
        self.orphans();
    }

    /// The functions of a revision.
    pub fn functions(&self, project: &str, revision: &str) -> Vec<HandlerRow> {
        let at = (project.to_owned(), revision.to_owned());
        let Some(row) = self.revisions.get(&at) else {
            return Vec::new();
        };
        let handlers = row.handlers.iter();
        handlers
            .map(|handler| HandlerRow {
                id: handler.revision.clone(),
                sequence: row.sequence,
                handler: handler.clone(),
                package: row.package.clone(),
                revision: row.id.clone(),
                created_at: row.created_at,
                updated_at: row.created_at,
            })
            .collect()
    }

    /// Ends what has lost its owner.
    fn orphans(&mut self) {
        let own = |(project, _): &In, id: &str| (project.clone(), id.to_owned());
        let owners = &self.packages;
        self.revisions
            .retain(|at, row| owners.contains_key(&own(at, row.package.as_str())));
        let (revisions, keysets) = (&self.revisions, &self.keysets);
        let handlers: BTreeSet<(String, HandlerRevisionId)> = revisions
            .iter()
            .flat_map(|((project, _), row)| {
                let handlers = row.handlers.iter();
                handlers.map(|handler| (project.clone(), handler.revision.clone()))
            })
            .collect();
        self.inputs
            .retain(|(project, _), row| handlers.contains(&(project.clone(), row.handler.clone())));
        self.deployments.retain(|at, row| {
            revisions.contains_key(&own(at, row.revision.as_str()))
                && keysets.contains_key(&own(at, &row.keyset.to_string()))
        });
        self.events.retain(|at, row| {
            revisions.contains_key(&own(at, row.revision.as_str()))
                && keysets.contains_key(&own(at, &row.keyset.to_string()))
        });
        self.entries
            .retain(|at, row| keysets.contains_key(&own(at, &row.keyset.to_string())));
        self.counters
            .retain(|at, row| keysets.contains_key(&own(at, &row.keyset.to_string())));
    }

    /// Counts everything anew.
    fn recount(&mut self) {
        let runs = |row: &&PackageDeployment| row.status == Status::Running;
        let count = |rows: &[&PackageDeployment]| {
            let running = rows.iter().copied().filter(runs).count();
            (rows.len() as u32, running as u32)
        };
        for ((project, id), row) in &mut self.revisions {
            let all = self.deployments.iter();
            let own: Vec<_> = all
                .filter(|((p, _), row)| p == project && row.revision.as_str() == id)
                .map(|(_, row)| row)
                .collect();
            (row.deployments_total, row.deployments_running) = count(&own);
        }
        for ((project, id), row) in &mut self.packages {
            let all = self.deployments.iter();
            let own: Vec<_> = all
                .filter(|((p, _), row)| p == project && row.package.as_str() == id)
                .map(|(_, row)| row)
                .collect();
            (row.deployments_total, row.deployments_running) = count(&own);
            let all = self.revisions.iter();
            let own: Vec<_> = all
                .filter(|((p, _), row)| p == project && row.package.as_str() == id)
                .map(|(_, row)| row)
                .collect();
            row.revisions_total = own.len() as u32;
            let running = own.iter().filter(|row| row.deployments_running > 0);
            row.revisions_running = running.count() as u32;
        }
    }

    fn package(&mut self, position: u64, now: i64, at: In, event: &package::Event) {
        use package::Event as E;
        fold(&mut self.states.packages, &at, event);
        let below = |id: &str| (at.0.clone(), id.to_owned());
        match event {
            E::PackageCreated {
                settings,
                api_managed,
                blueprint,
            } => {
                let row = Package {
                    id: at.1.as_str().into(),
                    sequence: position,
                    created_at: now,
                    updated_at: now,
                    settings: settings.clone(),
                    api_managed: *api_managed,
                    blueprint: blueprint.clone(),
                    revisions_total: 0,
                    revisions_running: 0,
                    deployments_total: 0,
                    deployments_running: 0,
                };
                self.packages.insert(at, row);
            }
            E::PackageUpdated { settings } => {
                if let Some(row) = self.packages.get_mut(&at) {
                    row.settings = settings.clone();
                    row.updated_at = later(row.updated_at, now);
                }
            }
            E::RevisionCreated {
                revision,
                name,
                description,
                handlers,
            } => {
                let row = PackageRevision {
                    id: revision.clone(),
                    sequence: position,
                    package: at.1.as_str().into(),
                    created_at: now,
                    updated_at: now,
                    name: name.clone(),
                    description: description.clone(),
                    handlers: handlers.clone(),
                    deployments_total: 0,
                    deployments_running: 0,
                };
                self.revisions.insert(below(revision.as_str()), row);
            }
            E::RevisionUpdated {
                revision,
                name,
                description,
            } => {
                if let Some(row) = self.revisions.get_mut(&below(revision.as_str())) {
                    row.name = name.clone();
                    row.description = description.clone();
                    row.updated_at = later(row.updated_at, now);
                }
            }
            E::RevisionDeleted { revision } => {
                self.revisions.remove(&below(revision.as_str()));
            }
            E::TestInputAdded { id, handler, input } => {
                let owner = self.revisions.iter().find(|((project, _), row)| {
                    let mut handlers = row.handlers.iter();
                    *project == at.0 && handlers.any(|one| one.revision == *handler)
                });
                if let Some((_, owner)) = owner {
                    let row = TestInput {
                        id: id.clone(),
                        sequence: position,
                        handler: handler.clone(),
                        revision: owner.id.clone(),
                        package: owner.package.clone(),
                        created_at: now,
                        updated_at: now,
                        input: input.clone(),
                    };
                    self.inputs.insert(below(id.as_str()), row);
                }
            }
            E::TestInputUpdated { id, input, .. } => {
                if let Some(row) = self.inputs.get_mut(&below(id.as_str())) {
                    row.input = input.clone();
                    row.updated_at = later(row.updated_at, now);
                }
            }
            E::TestInputDeleted { id, .. } => {
                self.inputs.remove(&below(id.as_str()));
            }
            E::PackageDeleted {} => {
                self.packages.remove(&at);
            }
        }
    }

    fn keyset(&mut self, position: u64, now: i64, at: In, event: &keyset::Event) {
        let state = fold(&mut self.states.keysets, &at, event);
        let Some(number) = state.number else {
            self.keysets.remove(&at);
            return;
        };
        if let keyset::Event::KeysetCreated { .. } = event {
            self.numbers.entry(at.clone()).or_insert(position);
        } else if !self.keysets.contains_key(&at) {
            return;
        }
        let before = self.keysets.get(&at);
        let row = Keyset {
            id: at.1.clone(),
            number,
            sequence: before.map_or(position, |row| row.sequence),
            created_at: before.map_or(now, |row| row.created_at),
            updated_at: before.map_or(now, |row| later(row.updated_at, now)),
            name: state.name,
            publish_key: state.publish_key,
            subscribe_key: state.subscribe_key,
            settings: state.settings,
            secrets: state.secrets.into_keys().collect(),
            connected: state
                .connected
                .into_iter()
                .map(|connected| connected.deployment)
                .collect(),
        };
        self.keysets.insert(at, row);
    }

    fn deployment(&mut self, position: u64, now: i64, at: In, event: &pkgdeploy::Event) {
        use pkgdeploy::Event as E;
        let state = fold(&mut self.states.deployments, &at, event);
        match event {
            E::PackageAssigned { .. } => {
                let row = PackageDeployment {
                    id: state.id,
                    key: at.1.as_str().into(),
                    sequence: position,
                    package: state.package,
                    revision: state.revision,
                    keyset: state.keyset,
                    handlers: state.handlers,
                    status: Status::Stopped,
                    operation: 0,
                    replacing: None,
                    restart: false,
                    failure: None,
                    running_since: None,
                    created_at: now,
                    updated_at: now,
                };
                self.deployments.insert(at, row);
                return;
            }
            E::PackageUnassigned {} => {
                if let Some(gone) = self.deployments.remove(&at) {
                    for row in self.events.values_mut() {
                        let open = !row.event.is_over();
                        if open && row.key == gone.key && row.deployment == gone.id {
                            let canceled = &state.events[&row.id];
                            show(row, canceled, now);
                        }
                    }
                }
                return;
            }
            E::EventScheduled { event } => {
                let id = (at.0.clone(), event.id.to_string());
                if let Some(row) = self.events.get_mut(&id) {
                    show(row, event, now);
                } else if let Some(owner) = self.deployments.get(&at) {
                    let row = ScheduledEvent {
                        id: event.id.clone(),
                        sequence: position,
                        deployment: owner.id.clone(),
                        key: owner.key.clone(),
                        keyset: owner.keyset,
                        package: owner.package.clone(),
                        revision: owner.revision.clone(),
                        event: event.clone(),
                        created_at: now,
                        updated_at: now,
                        start_updated_at: now,
                        stop_updated_at: now,
                    };
                    self.events.insert(id, row);
                }
                return;
            }
            E::EventUnscheduled { id } => {
                self.events.remove(&(at.0, id.to_string()));
                return;
            }
            E::ActionBegun { id, .. } | E::ActionFinished { id, .. } => {
                if let Some(row) = self.events.get_mut(&(at.0, id.to_string())) {
                    show(row, &state.events[id], now);
                }
                return;
            }
            _ => {}
        }
        let Some(row) = self.deployments.get_mut(&at) else {
            return;
        };
        let ran = row.status == Status::Running;
        row.status = state.status;
        row.replacing = state.replacing;
        row.restart = state.restart;
        row.updated_at = later(row.updated_at, now);
        row.running_since = match (ran, state.status == Status::Running) {
            (_, false) => None,
            (true, true) => row.running_since,
            (false, true) => Some(now),
        };
        if let E::StartRequested { operation, .. }
        | E::StopRequested { operation, .. }
        | E::PackageStopped { operation, .. } = event
        {
            row.operation = *operation;
        }
        match event {
            E::StartFailed { code, reason, .. } => {
                row.failure = Some((code.clone(), reason.clone()));
            }
            E::StartRequested { .. } => row.failure = None,
            _ => {}
        }
    }

    fn entry(&mut self, position: u64, now: i64, at: In, event: &entry::Event) {
        let state = fold(&mut self.states.entries, &at, event);
        let Some(value) = state.value else {
            self.entries.remove(&at);
            return;
        };
        if let Some(row) = self.entries.get_mut(&at) {
            row.value = value;
            row.updated_at = now;
        } else if let entry::Event::EntrySet { keyset, key, .. } = event {
            let row = Entry {
                id: at.1.as_str().into(),
                sequence: position,
                key: key.clone(),
                keyset: *keyset,
                value,
                created_at: now,
                updated_at: now,
            };
            self.entries.insert(at, row);
        }
    }

    fn counter(&mut self, position: u64, now: i64, at: In, event: &counter::Event) {
        let counter::Event::CounterChanged {
            keyset, key, value, ..
        } = event;
        let row = self.counters.entry(at.clone()).or_insert_with(|| Counter {
            id: at.1.as_str().into(),
            sequence: position,
            key: key.clone(),
            keyset: *keyset,
            value: 0,
            created_at: now,
            updated_at: now,
        });
        row.value = *value;
        row.updated_at = now;
    }
}

/// Brings a window up to date.
fn show(row: &mut ScheduledEvent, event: &pkgdeploy::Scheduled, now: i64) {
    let before = std::mem::replace(&mut row.event, event.clone());
    row.updated_at = later(row.updated_at, now);
    if (&before.start, before.begin) != (&event.start, event.begin) {
        row.start_updated_at = later(row.start_updated_at, now);
    }
    if (&before.stop, before.end) != (&event.stop, event.end) {
        row.stop_updated_at = later(row.stop_updated_at, now);
    }
}
