//! Integrations, their connections, the syncs of these, and dry runs.

use aggregates::event::Event;
use aggregates::integration::Event as Happened;
use aggregates::project;

use crate::Error;
use crate::db::Buffer;
use crate::model::{Connection, DryRun, Integration, Sync};
use crate::projection::{Part, Projection, Recorded};
use crate::table::{Column, Table};
use crate::versions::{Place, Row, Store, Versions};

mod connection;
mod dryrun;
mod sync;

pub(crate) use sync::EVERY;

impl Row for Integration {
    const TABLE: &'static Table = &Table {
        name: "integrations",
        columns: &[
            Column::text("id"),
            Column::integer("created_at"),
            Column::integer("updated_at"),
            Column::text("provider").facet(),
        ],
        computed: &[],
        ids_in_parent: false,
    };

    fn columns(&self, to: &mut Buffer) {
        to.text(&self.id);
        to.integer(self.created_at);
        to.integer(self.updated_at);
        to.text(&self.settings.provider);
    }
}

/// The projection.
pub(crate) struct Integrations {
    integrations: Versions<Integration>,
    connections: Versions<Connection>,
    syncs: Versions<Sync>,
    dryruns: Versions<DryRun>,
}

impl Integrations {
    pub(crate) fn new(generation: u32, ready: bool) -> Self {
        Self {
            integrations: Versions::new(generation, ready),
            connections: Versions::new(generation, ready),
            syncs: Versions::new(generation, ready),
            dryruns: Versions::new(generation, ready),
        }
    }

    fn integration(
        &mut self,
        event: &Recorded,
        happened: &Happened,
        store: &mut Store<'_>,
    ) -> Result<(), Error> {
        let (project, id) = event.key()?;
        let now = event.stored.recorded_at;
        let at = Place::new(project, id);
        match happened {
            Happened::IntegrationCreated { settings } => {
                let row = Integration {
                    id: id.to_owned(),
                    sequence: event.stored.position,
                    created_at: now,
                    updated_at: now,
                    settings: settings.clone(),
                };
                self.integrations.create(store, at, row)?;
            }
            Happened::IntegrationUpdated { settings } => {
                self.integrations.update(store, at, |row| {
                    row.settings.clone_from(settings);
                    row.updated_at = now;
                })?;
            }
            Happened::IntegrationDeleted {} => {
                if self.integrations.end(store, at)?.is_some() {
                    let connections = &mut self.connections;
                    self.syncs
                        .end_grandchildren(store, connections, project, id)?;
                    connections.end_children(store, project, id)?;
                }
            }
        }
        Ok(())
    }
}

impl Projection for Integrations {
    fn apply(&mut self, event: &Recorded, store: &mut Store<'_>) -> Result<(), Error> {
        let stored = &event.stored;
        let concerns = match &*stored.stream.kind {
            "integration" | "connection" | "sync" | "dryrun" => true,
            "project" => &*stored.kind == "ProjectDeleted",
            _ => false,
        };
        if !concerns {
            return Ok(());
        }
        match event.read()? {
            Some(Event::Integration(happened)) => self.integration(event, happened, store),
            Some(Event::Connection(happened)) => self.connection(event, happened, store),
            Some(Event::Sync(happened)) => self.sync(event, happened, store),
            Some(Event::DryRun(happened)) => self.dryrun(event, happened, store),
            Some(Event::Project(project::Event::ProjectDeleted {})) => {
                let project = &*stored.stream.key;
                self.integrations.end_project(store, project)?;
                self.connections.end_project(store, project)?;
                self.syncs.end_project(store, project)?;
                self.dryruns.end_project(store, project)
            }
            _ => Ok(()),
        }
    }

    fn parts(&mut self) -> Vec<&mut dyn Part> {
        vec![
            &mut self.integrations,
            &mut self.connections,
            &mut self.syncs,
            &mut self.dryruns,
        ]
    }
}
