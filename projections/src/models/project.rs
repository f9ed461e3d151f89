//! Projects and their API keys.

use aggregates::event::Event;
use aggregates::project::Event as Happened;

use crate::Error;
use crate::db::Buffer;
use crate::model::{Key, Project};
use crate::projection::{Part, Projection, Recorded};
use crate::table::{Column, Table};
use crate::versions::{Place, Row, Store, Versions};

impl Row for Project {
    const TABLE: &'static Table = &Table {
        name: "projects",
        columns: &[
            Column::text("id"),
            Column::integer("created_at"),
            Column::integer("updated_at"),
            Column::text("name"),
        ],
        computed: &[],
        ids_in_parent: false,
    };

    fn columns(&self, to: &mut Buffer) {
        to.text(&self.id);
        to.integer(self.created_at);
        to.integer(self.updated_at);
        to.text(&self.name);
    }
}

impl Row for Key {
    const TABLE: &'static Table = &Table {
        name: "keys",
        columns: &[
            Column::text("id"),
            Column::integer("created_at"),
            Column::text("name"),
            Column::text("hash"),
        ],
        computed: &[],
        ids_in_parent: false,
    };

    fn columns(&self, to: &mut Buffer) {
        to.text(&self.id);
        to.integer(self.created_at);
        to.text(&self.name);
        to.text(&self.hash);
    }

    fn global(&self) -> Option<&str> {
        Some(&self.hash)
    }
}

/// The projection.
pub(crate) struct Projects {
    projects: Versions<Project>,
    keys: Versions<Key>,
}

impl Projects {
    pub(crate) fn new(generation: u32, ready: bool) -> Self {
        Self {
            projects: Versions::new(generation, ready),
            keys: Versions::new(generation, ready),
        }
    }
}

impl Projection for Projects {
    fn apply(&mut self, event: &Recorded, store: &mut Store<'_>) -> Result<(), Error> {
        if &*event.stored.stream.kind != "project" {
            return Ok(());
        }
        let Some(Event::Project(happened)) = event.read()? else {
            return Ok(());
        };
        let project = &*event.stored.stream.key;
        let now = event.stored.recorded_at;
        let at = Place::new("", project);
        match happened {
            Happened::ProjectCreated { name, data_key } => {
                let row = Project {
                    id: project.to_owned(),
                    sequence: event.stored.position,
                    created_at: now,
                    updated_at: now,
                    name: name.clone(),
                    data_key: data_key.clone(),
                };
                self.projects.create(store, at, row)?;
            }
            Happened::ProjectDeleted {} => {
                self.projects.end(store, at)?;
                self.keys.end_project(store, project)?;
            }
            Happened::KeyCreated { id, key } => {
                let row = Key {
                    id: id.to_string(),
                    project_id: project.to_owned(),
                    sequence: event.stored.position,
                    created_at: now,
                    name: key.name.clone(),
                    hash: key.hash.clone(),
                    scopes: key.scopes.clone(),
                    expires_at: key.expires_at,
                };
                let at = Place::new(project, id.as_str());
                self.keys.create(store, at, row)?;
            }
            Happened::KeyRevoked { id } => {
                let at = Place::new(project, id.as_str());
                self.keys.end(store, at)?;
            }
        }
        if matches!(
            happened,
            Happened::KeyCreated { .. } | Happened::KeyRevoked { .. }
        ) {
            self.projects
                .update(store, at, |row| row.updated_at = now)?;
        }
        Ok(())
    }

    fn parts(&mut self) -> Vec<&mut dyn Part> {
        vec![&mut self.projects, &mut self.keys]
    }
}
