//! Packages, their revisions, the functions of these, and test inputs.

use aggregates::package::Event as Happened;
use serde::{Deserialize, Serialize};

use super::{Packages, after};
use crate::Error;
use crate::db::Buffer;
use crate::model::{Package, PackageRevision, TestInput};
use crate::projection::Recorded;
use crate::table::{Column, Table};
use crate::versions::{Place, Row, Store};

/// A package, and its name as others are compared with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct PackageRow {
    pub row: Package,
}

/// A name as it is compared with others.
pub(crate) fn folded(name: &str) -> String {
    crate::db::fold(name)
}

impl Row for PackageRow {
    const TABLE: &'static Table = &Table {
        name: "packages",
        columns: &[
            Column::text("id"),
            Column::integer("created_at"),
            Column::integer("updated_at"),
            Column::text("name"),
            Column::text("folded").facet(),
        ],
        computed: &[],
        ids_in_parent: false,
    };

    fn columns(&self, to: &mut Buffer) {
        let row = &self.row;
        to.text(row.id.as_str());
        to.integer(row.created_at);
        to.integer(row.updated_at);
        to.text(&row.settings.name);
        to.text(&folded(&row.settings.name));
    }
}

/// The column of a revision with the ids of its functions at this revision.
pub(crate) const FUNCTIONS: &str = "functions";

impl Row for PackageRevision {
    const TABLE: &'static Table = &Table {
        name: "package_revisions",
        columns: &[
            Column::text("id"),
            Column::integer("created_at"),
            Column::integer("updated_at"),
            Column::text("name"),
            Column::text("package").facet(),
            Column::text(FUNCTIONS).words(),
        ],
        computed: &[],
        ids_in_parent: false,
    };

    fn columns(&self, to: &mut Buffer) {
        to.text(self.id.as_str());
        to.integer(self.created_at);
        to.integer(self.updated_at);
        to.text(&self.name);
        to.text(self.package.as_str());
        let functions = self.handlers.iter();
        let functions: Vec<&str> = functions.map(|handler| handler.revision.as_str()).collect();
        to.text(&functions.join(" "));
    }
}

impl Row for TestInput {
    const TABLE: &'static Table = &Table {
        name: "test_inputs",
        columns: &[
            Column::text("id"),
            Column::integer("created_at"),
            Column::integer("updated_at"),
            Column::text("description"),
        ],
        computed: &[],
        ids_in_parent: false,
    };

    fn columns(&self, to: &mut Buffer) {
        to.text(self.id.as_str());
        to.integer(self.created_at);
        to.integer(self.updated_at);
        to.text(self.input.description.as_deref().unwrap_or_default());
    }
}

impl Packages {
    pub(super) fn package(
        &mut self,
        event: &Recorded,
        happened: &Happened,
        store: &mut Store<'_>,
    ) -> Result<(), Error> {
        let (project, id) = event.key()?;
        let now = event.stored.recorded_at;
        let at = Place::new(project, id);
        match happened {
            Happened::PackageCreated {
                settings,
                api_managed,
                blueprint,
            } => {
                let row = Package {
                    id: id.into(),
                    sequence: event.stored.position,
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
                self.packages.create(store, at, PackageRow { row })?;
            }
            Happened::PackageUpdated { settings } => {
                self.packages.update(store, at, |PackageRow { row }| {
                    row.settings.clone_from(settings);
                    row.updated_at = after(row.updated_at, now);
                })?;
            }
            Happened::RevisionCreated {
                revision,
                name,
                description,
                handlers,
            } => {
                let more = |PackageRow { row }: &mut PackageRow| row.revisions_total += 1;
                // It came too late: its package is gone.
                if !self.packages.update(store, at, more)? {
                    return Ok(());
                }
                let row = PackageRevision {
                    id: revision.clone(),
                    sequence: event.stored.position,
                    package: id.into(),
                    created_at: now,
                    updated_at: now,
                    name: name.clone(),
                    description: description.clone(),
                    handlers: handlers.clone(),
                    deployments_total: 0,
                    deployments_running: 0,
                };
                let place = Place::new(project, revision.as_str());
                self.revisions.create(store, place, row)?;
            }
            Happened::RevisionUpdated {
                revision,
                name,
                description,
            } => {
                let place = Place::new(project, revision.as_str());
                self.revisions.update(store, place, |row| {
                    row.name.clone_from(name);
                    row.description.clone_from(description);
                    row.updated_at = after(row.updated_at, now);
                })?;
            }
            Happened::RevisionDeleted { revision } => {
                self.revision_gone(store, project, revision.as_str())?;
                let less = |PackageRow { row }: &mut PackageRow| {
                    row.revisions_total = row.revisions_total.saturating_sub(1);
                };
                self.packages.update(store, at, less)?;
            }
            Happened::PackageDeleted {} => {
                for revision in self.revisions.having(store, project, "package", id)? {
                    self.revision_gone(store, project, &revision)?;
                }
                self.packages.end(store, at)?;
            }
            change => self.input(event, change, store)?,
        }
        Ok(())
    }

    /// Ends a revision with all that is below it.
    fn revision_gone(
        &mut self,
        store: &mut Store<'_>,
        project: &str,
        revision: &str,
    ) -> Result<(), Error> {
        let deployments = self
            .deployments
            .having(store, project, "revision", revision)?;
        for key in deployments {
            self.deployment_gone(store, Place::new(project, &key))?;
        }
        for event in self.events.having(store, project, "revision", revision)? {
            self.events.end(store, Place::new(project, &event))?;
        }
        let gone = self.revisions.end(store, Place::new(project, revision))?;
        for handler in gone.iter().flat_map(|gone| &gone.handlers) {
            self.inputs
                .end_children(store, project, handler.revision.as_str())?;
        }
        Ok(())
    }

    fn input(
        &mut self,
        event: &Recorded,
        happened: &Happened,
        store: &mut Store<'_>,
    ) -> Result<(), Error> {
        let (project, package) = event.key()?;
        let now = event.stored.recorded_at;
        match happened {
            Happened::TestInputAdded { id, handler, input } => {
                let owners = self
                    .revisions
                    .having(store, project, FUNCTIONS, handler.as_str())?;
                // Otherwise it came too late: its function is gone.
                let Some(owner) = owners.first() else {
                    return Ok(());
                };
                let row = TestInput {
                    id: id.clone(),
                    sequence: event.stored.position,
                    handler: handler.clone(),
                    revision: owner.as_str().into(),
                    package: package.into(),
                    created_at: now,
                    updated_at: now,
                    input: input.clone(),
                };
                let at = Place::new(project, id.as_str()).below(handler.as_str());
                self.inputs.create(store, at, row)?;
            }
            Happened::TestInputUpdated { id, input, .. } => {
                let at = Place::new(project, id.as_str());
                self.inputs.update(store, at, |row| {
                    row.input.clone_from(input);
                    row.updated_at = after(row.updated_at, now);
                })?;
            }
            Happened::TestInputDeleted { id, .. } => {
                self.inputs.end(store, Place::new(project, id.as_str()))?;
            }
            _ => {}
        }
        Ok(())
    }
}
