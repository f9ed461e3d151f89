//! Package deployments, and how many of them there are.

use aggregates::pkgdeploy::{Event as Happened, Status};

use super::package::PackageRow;
use super::{Packages, after};
use crate::Error;
use crate::db::Buffer;
use crate::model::PackageDeployment;
use crate::projection::Recorded;
use crate::table::{Column, Table};
use crate::versions::{Place, Row, Store};

/// What deployments between two states are looked for by.
pub(crate) const TRANSITIONAL: &str = "transitional";
/// What deployments that run are looked for by.
pub(crate) const RUNNING: &str = "running";

impl Row for PackageDeployment {
    const TABLE: &'static Table = &Table {
        name: "package_deployments",
        columns: &[
            // A life has the key of the stream, which another deployment gets
            // when this one is gone.
            Column::text("id").facet(),
            Column::integer("created_at"),
            Column::integer("updated_at"),
            Column::text("package").facet(),
            Column::text("revision").facet(),
            Column::integer("keyset").facet(),
            Column::text("status").facet(),
        ],
        computed: &[],
        ids_in_parent: false,
    };

    fn columns(&self, to: &mut Buffer) {
        to.text(self.id.as_str());
        to.integer(self.created_at);
        to.integer(self.updated_at);
        to.text(self.package.as_str());
        to.text(self.revision.as_str());
        to.number(self.keyset);
        to.text(self.status.as_str());
    }

    fn global(&self) -> Option<&str> {
        match self.status {
            Status::Running => Some(RUNNING),
            status => status.is_transitional().then_some(TRANSITIONAL),
        }
    }
}

impl Packages {
    pub(super) fn deployment(
        &mut self,
        event: &Recorded,
        happened: &Happened,
        store: &mut Store<'_>,
    ) -> Result<(), Error> {
        let (project, key) = event.key()?;
        let now = event.stored.recorded_at;
        let at = Place::new(project, key);
        match happened {
            Happened::PackageAssigned {
                id,
                package,
                revision,
                keyset,
                handlers,
            } => {
                let number = keyset.to_string();
                let owner = Place::new(project, revision.as_str());
                // It came too late: its revision or its keyset is gone.
                if self.revisions.get(store, owner)?.is_none()
                    || self
                        .keysets
                        .get(store, Place::new(project, &number))?
                        .is_none()
                {
                    return Ok(());
                }
                let row = PackageDeployment {
                    id: id.clone(),
                    key: key.into(),
                    sequence: event.stored.position,
                    package: package.clone(),
                    revision: revision.clone(),
                    keyset: *keyset,
                    handlers: handlers.clone(),
                    status: Status::Stopped,
                    operation: 0,
                    replacing: None,
                    restart: false,
                    failure: None,
                    running_since: None,
                    created_at: now,
                    updated_at: now,
                };
                self.count(store, project, None, Some(&row))?;
                self.deployments.create(store, at, row)?;
            }
            Happened::PackageUnassigned {} => {
                if let Some(gone) = self.deployment_gone(store, at)? {
                    self.cancel(store, project, &gone, now)?;
                }
            }
            Happened::EventScheduled { .. }
            | Happened::EventUnscheduled { .. }
            | Happened::ActionBegun { .. }
            | Happened::ActionFinished { .. } => self.scheduled(event, happened, store)?,
            change => {
                let mut changed = None;
                self.deployments.update(store, at, |row| {
                    let before = row.clone();
                    fold(row, change, now);
                    row.updated_at = after(row.updated_at, now);
                    changed = Some((before, row.clone()));
                })?;
                if let Some((before, row)) = changed {
                    self.count(store, project, Some(&before), Some(&row))?;
                }
            }
        }
        Ok(())
    }

    /// Ends a deployment, and counts one less.
    pub(super) fn deployment_gone(
        &mut self,
        store: &mut Store<'_>,
        at: Place<'_>,
    ) -> Result<Option<PackageDeployment>, Error> {
        let gone = self.deployments.end(store, at)?;
        if let Some(gone) = &gone {
            self.count(store, at.project, Some(gone), None)?;
        }
        Ok(gone)
    }

    /// Brings the counts of revision and package up to date with what a
    /// deployment was and is.
    fn count(
        &mut self,
        store: &mut Store<'_>,
        project: &str,
        before: Option<&PackageDeployment>,
        now: Option<&PackageDeployment>,
    ) -> Result<(), Error> {
        let Some(of) = now.or(before) else {
            return Ok(());
        };
        let runs = |row: Option<&PackageDeployment>| {
            u32::from(row.is_some_and(|row| row.status == Status::Running))
        };
        let exists = |row: Option<&PackageDeployment>| u32::from(row.is_some());
        let (ran, run) = (runs(before), runs(now));
        let (was, is) = (exists(before), exists(now));
        if (ran, was) == (run, is) {
            return Ok(());
        }
        let add = |count: &mut u32, less: u32, more: u32| {
            *count = (*count + more).saturating_sub(less);
        };
        let mut running = (0, 0);
        let revision = Place::new(project, of.revision.as_str());
        self.revisions.update(store, revision, |row| {
            let before = row.deployments_running;
            add(&mut row.deployments_total, was, is);
            add(&mut row.deployments_running, ran, run);
            running = (
                u32::from(before > 0),
                u32::from(row.deployments_running > 0),
            );
        })?;
        let package = Place::new(project, of.package.as_str());
        self.packages.update(store, package, |PackageRow { row }| {
            add(&mut row.deployments_total, was, is);
            add(&mut row.deployments_running, ran, run);
            add(&mut row.revisions_running, running.0, running.1);
        })?;
        Ok(())
    }
}

fn fold(row: &mut PackageDeployment, change: &Happened, now: i64) {
    match change {
        Happened::StartRequested {
            operation,
            replacing,
        } => {
            row.status = Status::Starting;
            row.operation = *operation;
            row.replacing.clone_from(replacing);
            row.restart = false;
            row.failure = None;
        }
        Happened::PackageStarted { .. } => {
            row.status = Status::Running;
            row.replacing = None;
            row.running_since = Some(now);
        }
        Happened::StartFailed {
            code,
            reason,
            state,
            ..
        } => {
            row.status = *state;
            row.replacing = None;
            row.failure = Some((code.clone(), reason.clone()));
        }
        Happened::StopRequested { operation, restart } => {
            row.status = Status::Stopping;
            row.operation = *operation;
            row.restart = *restart;
            row.running_since = None;
        }
        Happened::PackageStopped { operation, .. } => {
            row.status = Status::Stopped;
            row.operation = *operation;
            row.replacing = None;
            row.restart = false;
            row.running_since = None;
        }
        _ => {}
    }
}
