//! Windows of time in which package deployments are to run.

use aggregates::pkgdeploy::{ActionKind, Event as Happened, Scheduled};

use super::{Packages, after};
use crate::Error;
use crate::db::Buffer;
use crate::model::{PackageDeployment, ScheduledEvent};
use crate::projection::Recorded;
use crate::table::{Column, Table};
use crate::versions::{Place, Row, Store};

/// What windows that are not over are looked for by.
pub(crate) const OPEN_EVENT: &str = "open";

impl Row for ScheduledEvent {
    const TABLE: &'static Table = &Table {
        name: "scheduled_events",
        columns: &[
            Column::text("id"),
            Column::integer("created_at"),
            Column::integer("updated_at"),
            Column::integer("begin"),
            Column::integer("end"),
            Column::text("description"),
            Column::text("state"),
            Column::text("deployment").facet(),
            Column::text("revision").facet(),
            Column::integer("keyset").facet(),
        ],
        computed: &[],
        ids_in_parent: false,
    };

    fn columns(&self, to: &mut Buffer) {
        let event = &self.event;
        to.text(self.id.as_str());
        to.integer(self.created_at);
        to.integer(self.updated_at);
        to.integer(event.begin);
        to.integer(event.end);
        to.text(event.description.as_deref().unwrap_or_default());
        to.text(event.state().as_str());
        to.text(self.deployment.as_str());
        to.text(self.revision.as_str());
        to.number(self.keyset);
    }

    fn global(&self) -> Option<&str> {
        (!self.event.is_over()).then_some(OPEN_EVENT)
    }
}

impl Packages {
    pub(super) fn scheduled(
        &mut self,
        event: &Recorded,
        happened: &Happened,
        store: &mut Store<'_>,
    ) -> Result<(), Error> {
        let (project, key) = event.key()?;
        let now = event.stored.recorded_at;
        let change = |row: &mut ScheduledEvent, change: &dyn Fn(&mut Scheduled)| {
            let before = row.event.clone();
            change(&mut row.event);
            touch(row, &before, now);
        };
        match happened {
            Happened::EventScheduled { event: window } => {
                let at = Place::new(project, window.id.as_str());
                let changed = self.events.update(store, at, |row| {
                    change(row, &|event| event.clone_from(window));
                })?;
                let owner = Place::new(project, key);
                // Otherwise it came too late: its deployment is gone.
                if !changed && let Some(owner) = self.deployments.get(store, owner)? {
                    let row = ScheduledEvent {
                        id: window.id.clone(),
                        sequence: event.stored.position,
                        deployment: owner.id.clone(),
                        key: owner.key.clone(),
                        keyset: owner.keyset,
                        package: owner.package.clone(),
                        revision: owner.revision.clone(),
                        event: window.clone(),
                        created_at: now,
                        updated_at: now,
                        start_updated_at: now,
                        stop_updated_at: now,
                    };
                    self.events.create(store, at, row)?;
                }
            }
            Happened::EventUnscheduled { id } => {
                self.events.end(store, Place::new(project, id.as_str()))?;
            }
            Happened::ActionBegun { id, kind } => {
                let at = Place::new(project, id.as_str());
                self.events.update(store, at, |row| {
                    change(row, &|event| event.begin_action(*kind));
                })?;
            }
            Happened::ActionFinished {
                id,
                kind,
                succeeded,
            } => {
                let at = Place::new(project, id.as_str());
                self.events.update(store, at, |row| {
                    change(row, &|event| event.finish_action(*kind, *succeeded));
                })?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Cancels what has not been done of a deployment that is gone.
    pub(super) fn cancel(
        &mut self,
        store: &mut Store<'_>,
        project: &str,
        gone: &PackageDeployment,
        now: i64,
    ) -> Result<(), Error> {
        let id = gone.id.as_str();
        for event in self.events.having(store, project, "deployment", id)? {
            let at = Place::new(project, &event);
            let open = self.events.get(store, at)?;
            if open.is_some_and(|row| !row.event.is_over()) {
                self.events.update(store, at, |row| {
                    let before = row.event.clone();
                    row.event.cancel();
                    touch(row, &before, now);
                })?;
            }
        }
        Ok(())
    }
}

/// Notes when the window, and each of its actions that is not as before, has
/// changed.
fn touch(row: &mut ScheduledEvent, before: &Scheduled, now: i64) {
    row.updated_at = after(row.updated_at, now);
    let event = &row.event;
    let changed = |kind: ActionKind| event.action(kind) != before.action(kind);
    if changed(ActionKind::Start) || event.begin != before.begin {
        row.start_updated_at = after(row.start_updated_at, now);
    }
    if changed(ActionKind::Stop) || event.end != before.end {
        row.stop_updated_at = after(row.stop_updated_at, now);
    }
}
