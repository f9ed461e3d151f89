//! Functions, their variables and their deployments.

use aggregates::event::Event;
use aggregates::function::{Event as Happened, Settings};
use serde::{Deserialize, Serialize};

use super::deployment::{BUILD_LOGS, DeploymentRow};
use crate::Error;
use crate::append::Appended;
use crate::db::Buffer;
use crate::model::{Function, Variable};
use crate::projection::{Part, Projection, Recorded};
use crate::table::{Column, Table};
use crate::versions::{Place, Row, Store, Versions};

mod builds;

/// A function, and what the projection remembers of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FunctionRow {
    pub row: Function,
    /// Deployments that still become active when they are ready.
    pub activating: Vec<String>,
    /// The words that a search finds it by.
    pub words: String,
}

impl Row for FunctionRow {
    const TABLE: &'static Table = &Table {
        name: "functions",
        columns: &[
            Column::text("id"),
            Column::integer("created_at"),
            Column::integer("updated_at"),
            Column::text("name").facet(),
            Column::integer("enabled").counted(),
            Column::text("runtime").counted(),
            Column::text("deployment_id").facet(),
            Column::text("schedule"),
            Column::integer("timeout"),
            Column::text("entrypoint"),
            Column::text("commands"),
            Column::text("installation_id"),
            Column::text("origin").facet(),
            Column::text("integration").facet(),
            Column::text("kind"),
            Column::text("words").words(),
        ],
        computed: &[],
        ids_in_parent: false,
    };

    fn columns(&self, to: &mut Buffer) {
        let row = &self.row;
        let settings = &row.settings;
        to.text(&row.id);
        to.integer(row.created_at);
        to.integer(row.updated_at);
        to.text(&settings.name);
        to.flag(settings.enabled);
        to.text(&settings.runtime);
        to.text(&row.deployment_id);
        to.text(&settings.schedule);
        to.number(u64::from(settings.timeout));
        to.text(&settings.entrypoint);
        to.text(&settings.commands);
        to.text(&settings.provider.installation_id);
        let script = settings.script.as_ref();
        to.text(row.origin.as_str());
        to.text(script.map_or("", |script| &script.integration));
        to.text(script.map_or("", |script| script.kind.as_str()));
        to.text(&self.words);
    }
}

/// The words that a function is found by.
fn words(id: &str, settings: &Settings) -> String {
    crate::search::phrase(&format!("{id} {} {}", settings.name, settings.runtime))
}

/// The projection.
pub(crate) struct Functions {
    functions: Versions<FunctionRow>,
    variables: Versions<Variable>,
    deployments: Versions<DeploymentRow>,
    logs: Appended,
}

impl Functions {
    pub(crate) fn new(generation: u32, ready: bool) -> Self {
        Self {
            functions: Versions::new(generation, ready),
            variables: Versions::new(generation, ready),
            deployments: Versions::new(generation, ready),
            logs: Appended::new(&BUILD_LOGS, generation),
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
        let at = Place::new(project, id);
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
                let row = FunctionRow {
                    words: words(id, &row.settings),
                    activating: Vec::new(),
                    row,
                };
                self.functions.create(store, at, row)?;
            }
            Happened::FunctionUpdated {
                settings,
                needs_build,
            } => {
                self.functions.update(store, at, |function| {
                    function.row.settings.clone_from(settings);
                    function.words = words(id, settings);
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
                let active = Place::new(project, deployment.as_str()).below(id);
                let mut created_at = None;
                self.deployments.update(store, active, |found| {
                    found.activated = true;
                    created_at = Some(found.row.created_at);
                })?;
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
                    let at = Place::new(project, variable_id.as_str()).below(id);
                    self.variables.create(store, at, row)?;
                }
            }
            Happened::VariableUpdated {
                id: variable_id,
                variable,
            } => {
                self.touch(store, at, now)?;
                let at = Place::new(project, variable_id.as_str()).below(id);
                self.variables.update(store, at, |row| {
                    row.key = variable.key.clone();
                    row.value = variable.value.clone();
                    row.updated_at = now;
                })?;
            }
            Happened::VariableDeleted { id: variable_id } => {
                self.touch(store, at, now)?;
                let at = Place::new(project, variable_id.as_str()).below(id);
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

    fn parts(&mut self) -> Vec<&mut dyn Part> {
        vec![
            &mut self.functions,
            &mut self.variables,
            &mut self.deployments,
            &mut self.logs,
        ]
    }
}
