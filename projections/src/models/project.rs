//! Projects and their API keys.

use aggregates::event::Event;
use aggregates::project::Event as Happened;

use crate::Error;
use crate::db::{Dialect, Value};
use crate::model::{Key, Project};
use crate::projection::{Projection, Recorded};
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

    fn columns(&self, to: &mut Vec<Value>) {
        to.extend([
            self.id.as_str().into(),
            self.created_at.into(),
            self.updated_at.into(),
            self.name.as_str().into(),
        ]);
    }
}

impl Row for Key {
    const TABLE: &'static Table = &Table {
        name: "keys",
        columns: &[
            Column::text("id"),
            Column::integer("created_at"),
            Column::text("name"),
            Column::text("hash").global_facet(),
        ],
        computed: &[],
        ids_in_parent: false,
    };

    fn columns(&self, to: &mut Vec<Value>) {
        to.extend([
            self.id.as_str().into(),
            self.created_at.into(),
            self.name.as_str().into(),
            self.hash.as_str().into(),
        ]);
    }
}

/// The projection.
pub(crate) struct Projects {
    projects: Versions<Project>,
    keys: Versions<Key>,
}

impl Projects {
    pub(crate) fn new(generation: u32) -> Self {
        Self {
            projects: Versions::new(generation),
            keys: Versions::new(generation),
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
        let at = Place {
            project: "",
            parent: "",
            id: project,
        };
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
                self.projects.create(store, at, row);
            }
            Happened::ProjectDeleted {} => {
                self.projects.end(store, at)?;
                for id in self.keys.ids(store, project, "")? {
                    let at = Place {
                        project,
                        parent: "",
                        id: &id,
                    };
                    self.keys.end(store, at)?;
                }
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
                let at = Place {
                    project,
                    parent: "",
                    id: id.as_str(),
                };
                self.keys.create(store, at, row);
            }
            Happened::KeyRevoked { id } => {
                let at = Place {
                    project,
                    parent: "",
                    id: id.as_str(),
                };
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

    fn flush(&mut self, store: &mut Store<'_>) -> Result<(), Error> {
        self.projects.flush(store)?;
        self.keys.flush(store)
    }

    fn forget(&mut self) {
        self.projects.forget();
        self.keys.forget();
    }

    fn create(&self, dialect: &Dialect) -> String {
        self.projects.names().create(dialect) + &self.keys.names().create(dialect)
    }

    fn create_indexes(&self) -> Vec<String> {
        let mut all = self.projects.names().create_indexes();
        all.extend(self.keys.names().create_indexes());
        all
    }

    fn tables(&self) -> Vec<String> {
        let mut all = self.projects.names().tables();
        all.extend(self.keys.names().tables());
        all
    }
}
