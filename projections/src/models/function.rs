//! Functions, their variables and their deployments.

use std::sync::Arc;

use aggregates::event::Event;
use aggregates::function::Event as Happened;
use serde::{Deserialize, Serialize};

use super::deployment::{BUILD_LOGS, DeploymentRow};
use crate::Error;
use crate::db::{Dialect, Insert, Value};
use crate::model::{Function, Variable};
use crate::projection::{Projection, Recorded};
use crate::table::{Column, Table};
use crate::versions::{Place, Row, Store, Versions};

mod builds;

/// A function, and what the projection remembers of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FunctionRow {
    pub row: Function,
    /// Deployments that still become active when they are ready.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub activating: Vec<String>,
}

impl Row for FunctionRow {
    const TABLE: &'static Table = &Table {
        name: "functions",
        columns: &[
            Column::text("id"),
            Column::integer("created_at"),
            Column::integer("updated_at"),
            Column::text("name").facet(),
            Column::integer("enabled").facet(),
            Column::text("runtime").facet(),
            Column::text("deployment_id").facet(),
            Column::text("schedule"),
            Column::integer("timeout"),
            Column::text("entrypoint"),
            Column::text("commands"),
            Column::text("installation_id"),
            Column::text("words"),
        ],
        computed: &[],
        ids_in_parent: false,
    };

    fn columns(&self, to: &mut Vec<Value>) {
        let row = &self.row;
        let settings = &row.settings;
        to.extend([
            row.id.as_str().into(),
            row.created_at.into(),
            row.updated_at.into(),
            settings.name.as_str().into(),
            settings.enabled.into(),
            settings.runtime.as_str().into(),
            row.deployment_id.as_str().into(),
            settings.schedule.as_str().into(),
            settings.timeout.into(),
            settings.entrypoint.as_str().into(),
            settings.commands.as_str().into(),
            settings.provider.installation_id.as_str().into(),
            crate::search::phrase(&searchable(row)).into(),
        ]);
    }

    fn words(&self, to: &mut Vec<Arc<str>>) {
        to.extend(crate::search::words(&searchable(&self.row)).map(Arc::from));
    }
}

fn searchable(row: &Function) -> String {
    format!("{} {} {}", row.id, row.settings.name, row.settings.runtime)
}

/// The projection.
pub(crate) struct Functions {
    functions: Versions<FunctionRow>,
    variables: Versions<Variable>,
    deployments: Versions<DeploymentRow>,
    logs: Vec<Value>,
    insert_log: Insert,
    log_table: String,
}

impl Functions {
    pub(crate) fn new(generation: u32) -> Self {
        let log_table = format!("{BUILD_LOGS}_{generation}");
        Self {
            functions: Versions::new(generation),
            variables: Versions::new(generation),
            deployments: Versions::new(generation),
            logs: Vec::new(),
            insert_log: Insert::new(&log_table, ["project", "deployment", "position", "text"]),
            log_table,
        }
    }

    fn function(
        &mut self,
        event: &Recorded,
        happened: &Happened,
        store: &mut Store<'_>,
    ) -> Result<(), Error> {
        let (project, id) = event.key()?;
        let now = event.stored.recorded_at;
        let at = Place {
            project,
            parent: "",
            id,
        };
        match happened {
            Happened::FunctionCreated { origin, settings } => {
                let row = Function {
                    id: id.to_owned(),
                    sequence: event.stored.position,
                    created_at: now,
                    updated_at: now,
                    origin: *origin,
                    settings: settings.clone(),
                    live: true,
                    deployment_id: String::new(),
                    deployment_created_at: None,
                    latest_deployment_id: String::new(),
                    latest_deployment_created_at: None,
                    latest_deployment_status: String::new(),
                };
                let activating = Vec::new();
                self.functions
                    .create(store, at, FunctionRow { row, activating });
            }
            Happened::FunctionUpdated {
                settings,
                needs_build,
            } => {
                self.functions.update(store, at, |function| {
                    function.row.settings = settings.clone();
                    function.row.live = !needs_build;
                    function.row.updated_at = now;
                })?;
            }
            Happened::FunctionDeleted {} => {
                if self.functions.end(store, at)?.is_some() {
                    self.variables.end_children(store, project, id)?;
                    self.deployments.end_children(store, project, id)?;
                }
            }
            Happened::DeploymentActivated {
                deployment,
                queued_at,
            } => {
                let active = Place {
                    id: deployment.as_str(),
                    parent: id,
                    ..at
                };
                let found = self.deployments.get(store, active)?;
                let created_at = found.map(|found| found.row.created_at);
                self.functions.update(store, at, |function| {
                    let row = &mut function.row;
                    row.deployment_id = created_at.map_or("", |_| deployment.as_str()).to_owned();
                    row.deployment_created_at = created_at;
                    row.live |= queued_at.is_some();
                    row.updated_at = now;
                })?;
            }
            Happened::VariableCreated {
                id: variable_id,
                variable,
            } => {
                let row = Variable {
                    id: variable_id.to_string(),
                    function_id: id.to_owned(),
                    sequence: event.stored.position,
                    created_at: now,
                    updated_at: now,
                    key: variable.key.clone(),
                    value: variable.value.clone(),
                };
                if self.touch(store, at, now)? {
                    let at = Place {
                        id: variable_id.as_str(),
                        parent: id,
                        ..at
                    };
                    self.variables.create(store, at, row);
                }
            }
            Happened::VariableUpdated {
                id: variable_id,
                variable,
            } => {
                self.touch(store, at, now)?;
                let at = Place {
                    id: variable_id.as_str(),
                    parent: id,
                    ..at
                };
                self.variables.update(store, at, |row| {
                    row.key = variable.key.clone();
                    row.value = variable.value.clone();
                    row.updated_at = now;
                })?;
            }
            Happened::VariableDeleted { id: variable_id } => {
                self.touch(store, at, now)?;
                let at = Place {
                    id: variable_id.as_str(),
                    parent: id,
                    ..at
                };
                self.variables.end(store, at)?;
            }
        }
        Ok(())
    }

    /// Notes that a variable of the function was written.
    fn touch(&mut self, store: &mut Store<'_>, at: Place<'_>, now: i64) -> Result<bool, Error> {
        self.functions.update(store, at, |function| {
            function.row.live = false;
            function.row.updated_at = now;
        })
    }
}

impl Projection for Functions {
    fn apply(&mut self, event: &Recorded, store: &mut Store<'_>) -> Result<(), Error> {
        if !matches!(
            &*event.stored.stream.kind,
            "project" | "function" | "deployment"
        ) {
            return Ok(());
        }
        match event.read()? {
            Some(Event::Function(happened)) => self.function(event, happened, store),
            Some(Event::Deployment(happened)) => self.deployment(event, happened, store),
            Some(Event::Project(aggregates::project::Event::ProjectDeleted {})) => {
                let project = &*event.stored.stream.key;
                self.functions.end_project(store, project)?;
                self.variables.end_project(store, project)?;
                self.deployments.end_project(store, project)
            }
            _ => Ok(()),
        }
    }

    fn flush(&mut self, store: &mut Store<'_>) -> Result<(), Error> {
        self.functions.flush(store)?;
        self.variables.flush(store)?;
        self.deployments.flush(store)?;
        store.db.insert(&self.insert_log, &self.logs)?;
        self.logs.clear();
        Ok(())
    }

    fn forget(&mut self) {
        self.functions.forget();
        self.variables.forget();
        self.deployments.forget();
        self.logs.clear();
    }

    fn create(&self, dialect: &Dialect) -> String {
        [
            self.functions.names().create(dialect),
            self.variables.names().create(dialect),
            self.deployments.names().create(dialect),
            format!(
                "CREATE TABLE {} (
                     project    TEXT NOT NULL,
                     deployment TEXT NOT NULL,
                     position   {integer} NOT NULL,
                     text       TEXT NOT NULL,
                     PRIMARY KEY (project, deployment, position)
                 ){clustered};",
                self.log_table,
                integer = dialect.integer,
                clustered = dialect.clustered,
            ),
        ]
        .concat()
    }

    fn create_indexes(&self) -> Vec<String> {
        let mut all = self.functions.names().create_indexes();
        all.extend(self.variables.names().create_indexes());
        all.extend(self.deployments.names().create_indexes());
        all
    }

    fn tables(&self) -> Vec<String> {
        let mut all = self.functions.names().tables();
        all.extend(self.variables.names().tables());
        all.extend(self.deployments.names().tables());
        all.push(self.log_table.clone());
        all
    }
}
