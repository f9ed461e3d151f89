//! The read models as anybody would write them who never asks for the past: a
//! fold in memory. What the real ones are held to.

use std::collections::{BTreeMap, BTreeSet};

use aggregates::event::Event;
use aggregates::{Text, deployment, execution, function, keyset, project};
use projections::model::{Deployment, Execution, Function, Key, Project, Variable};

use crate::nango::naive::Nango;
use crate::pubnub::lists::Letter;
use crate::pubnub::naive::PubNub;

pub type In = (String, String);

/// Everything that there is at one position.
#[derive(Clone, Debug, Default)]
pub struct World {
    pub projects: BTreeMap<String, Project>,
    pub keys: BTreeMap<In, Key>,
    pub functions: BTreeMap<In, Function>,
    pub variables: BTreeMap<(String, String, String), Variable>,
    pub deployments: BTreeMap<In, Deployment>,
    pub logs: BTreeMap<In, String>,
    pub executions: BTreeMap<In, Execution>,
    /// Deployments that were active at some time.
    pub activated: BTreeSet<In>,
    /// Integrations and what belongs to them.
    pub nango: Nango,
    /// Packages and what belongs to them.
    pub pubnub: PubNub,
    /// Executions that are dead letters.
    pub letters: BTreeMap<In, Letter>,
}

fn split(key: &str) -> In {
    let (project, id) = key.split_once(':').unwrap_or((key, ""));
    (project.to_owned(), id.to_owned())
}

impl World {
    pub fn apply(&mut self, position: u64, now: i64, key: &str, event: &Event) {
        let (project, id) = split(key);
        match event {
            Event::Project(event) => self.project(position, now, project, event),
            Event::Function(event) => self.function(position, now, project, id, event),
            Event::Deployment(event) => self.deployment(position, now, project, id, event),
            Event::Execution(event) => self.execution(position, now, project, id, event),
            Event::Integration(_) | Event::Connection(_) | Event::Sync(_) | Event::DryRun(_) => {
                self.nango.apply(position, now, (project, id), event);
            }
            // Only the audit log has those.
            Event::Compilation(_) | Event::Sending(_) | Event::Rejection(_) => {}
            Event::Package(_)
            | Event::Keyset(_)
            | Event::PackageDeployment(_)
            | Event::Entry(_)
            | Event::Counter(_) => {
                if let Event::Keyset(keyset::Event::KeysetDeleted {}) = event {
                    self.letters.retain(|(p, _), letter| {
                        let call = letter.row.handler.as_ref();
                        *p != project || call.is_none_or(|call| call.keyset.to_string() != id)
                    });
                }
                self.pubnub.apply(position, now, (project, id), event);
                self.forget_runs();
            }
        }
    }

    /// Forgets executions of functions that are gone with their revision.
    fn forget_runs(&mut self) {
        let revisions = &self.pubnub.revisions;
        self.executions.retain(|(project, _), row| {
            row.handler.as_ref().is_none_or(|call| {
                let owner = (project.clone(), call.revision.to_string());
                revisions.contains_key(&owner)
            })
        });
        let executions = &self.executions;
        self.letters.retain(|at, _| executions.contains_key(at));
    }

    fn project(&mut self, position: u64, now: i64, id: String, event: &project::Event) {
        use project::Event as E;
        match event {
            E::ProjectCreated { name, data_key } => {
                let row = Project {
                    id: id.clone(),
                    sequence: position,
                    created_at: now,
                    updated_at: now,
                    name: name.clone(),
                    data_key: data_key.clone(),
                };
                self.projects.insert(id, row);
            }
            E::ProjectDeleted {} => {
                self.projects.remove(&id);
                self.keys.retain(|(project, _), _| *project != id);
                self.functions.retain(|(project, _), _| *project != id);
                self.variables.retain(|(project, ..), _| *project != id);
                self.deployments.retain(|(project, _), _| *project != id);
                self.logs.retain(|(project, _), _| *project != id);
                self.activated.retain(|(project, _)| *project != id);
                self.executions.retain(|(project, _), _| *project != id);
                self.nango.end_project(&id);
                self.letters.retain(|(project, _), _| *project != id);
                self.pubnub.end_project(&id);
            }
            E::KeyCreated { id: key_id, key } => {
                let row = Key {
                    id: key_id.to_string(),
                    project_id: id.clone(),
                    sequence: position,
                    created_at: now,
                    name: key.name.clone(),
                    hash: key.hash.clone(),
                    scopes: key.scopes.clone(),
                    expires_at: key.expires_at,
                };
                self.keys.insert((id.clone(), key_id.to_string()), row);
                self.projects.get_mut(&id).unwrap().updated_at = now;
            }
            E::KeyRevoked { id: key_id } => {
                self.keys.remove(&(id.clone(), key_id.to_string()));
                self.projects.get_mut(&id).unwrap().updated_at = now;
            }
        }
    }

    fn function(
        &mut self,
        position: u64,
        now: i64,
        project: String,
        id: String,
        event: &function::Event,
    ) {
        use function::Event as E;
        let at = (project.clone(), id.clone());
        if let E::FunctionCreated { origin, settings } = event {
            let row = Function {
                id,
                sequence: position,
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
            self.functions.insert(at, row);
            return;
        }
        let Some(row) = self.functions.get_mut(&at) else {
            return;
        };
        row.updated_at = now;
        match event {
            E::FunctionCreated { .. } => unreachable!(),
            E::FunctionUpdated {
                settings,
                needs_build,
            } => {
                row.settings = settings.clone();
                row.live = !needs_build;
            }
            E::FunctionDeleted {} => {
                self.functions.remove(&at);
                self.variables
                    .retain(|(p, f, _), _| (p, f) != (&project, &id));
                let of = |p: &str, f: &str| p == project && f == id;
                self.deployments
                    .retain(|(p, _), row| !of(p, &row.function_id));
                self.executions
                    .retain(|(p, _), row| !of(p, &row.function_id));
                let deployments = &self.deployments;
                self.activated.retain(|at| deployments.contains_key(at));
                self.logs.retain(|at, _| deployments.contains_key(at));
            }
            E::DeploymentActivated {
                deployment,
                queued_at,
            } => {
                let active_at = (project, deployment.to_string());
                let active = self.deployments.get(&active_at);
                if active.is_some() {
                    self.activated.insert(active_at);
                }
                row.deployment_id = active.map_or(String::new(), |active| active.id.clone());
                row.deployment_created_at = active.map(|active| active.created_at);
                if queued_at.is_some() {
                    row.live = true;
                }
            }
            E::VariableCreated { id: vid, variable } => {
                row.live = false;
                let row = Variable {
                    id: vid.to_string(),
                    function_id: id.clone(),
                    sequence: position,
                    created_at: now,
                    updated_at: now,
                    key: variable.key.clone(),
                    value: variable.value.clone(),
                };
                self.variables.insert((project, id, vid.to_string()), row);
            }
            E::VariableUpdated { id: vid, variable } => {
                row.live = false;
                let row = self
                    .variables
                    .get_mut(&(project, id, vid.to_string()))
                    .unwrap();
                row.key = variable.key.clone();
                row.value = variable.value.clone();
                row.updated_at = now;
            }
            E::VariableDeleted { id: vid } => {
                row.live = false;
                self.variables.remove(&(project, id, vid.to_string()));
            }
        }
    }

    /// Shows the newest deployment of a function in it.
    fn show_latest(&mut self, project: &str, function: &str) {
        let newest = self
            .deployments
            .iter()
            .filter(|((p, _), row)| p == project && row.function_id == function)
            .max_by_key(|(_, row)| row.sequence)
            .map(|(_, row)| row.clone());
        let at = (project.to_owned(), function.to_owned());
        let Some(row) = self.functions.get_mut(&at) else {
            return;
        };
        row.latest_deployment_created_at = newest.as_ref().map(|newest| newest.created_at);
        let newest = newest.map_or_else(Default::default, |newest| (newest.id, newest.status));
        (row.latest_deployment_id, row.latest_deployment_status) = newest;
    }

    fn deployment(
        &mut self,
        position: u64,
        now: i64,
        project: String,
        id: String,
        event: &deployment::Event,
    ) {
        use deployment::Event as E;
        let at = (project.clone(), id.clone());
        if let E::DeploymentCreated { plan } = event {
            let function = plan.function.to_string();
            if !self
                .functions
                .contains_key(&(project.clone(), function.clone()))
            {
                return;
            }
            let row = Deployment {
                id,
                function_id: function.clone(),
                sequence: position,
                created_at: now,
                updated_at: now,
                plan: plan.clone(),
                activate: plan.activate,
                status: "waiting".to_owned(),
                source_complete: false,
                queued_at: 0,
                source: Vec::new(),
                source_size: plan.size,
                build_size: 0,
                artefact: None,
                build_duration_ms: 0,
                attempt: 0,
                worker: String::new(),
                build_started_at: None,
                ended_at: None,
                code: String::new(),
                failure: String::new(),
            };
            self.deployments.insert(at.clone(), row);
            self.logs.insert(at, String::new());
            self.show_latest(&project, &function);
            return;
        }
        let Some(row) = self.deployments.get_mut(&at) else {
            return;
        };
        let function = row.function_id.clone();
        if !matches!(event, E::BuildLogged { .. }) {
            row.updated_at = now;
        }
        let mut ended = |row: &mut Deployment, status: &str, duration, text: &str| {
            row.status = status.to_owned();
            row.build_duration_ms = duration;
            row.ended_at = Some(now);
            self.logs.get_mut(&at).unwrap().push_str(text);
        };
        match event {
            E::DeploymentCreated { .. } => unreachable!(),
            E::ChunkStored { .. } => return,
            E::SourceStored { source, size } => {
                row.source_complete = true;
                row.queued_at = position;
                row.source = source.clone();
                row.source_size = *size;
                if row.activate {
                    for ((p, other), row) in &mut self.deployments {
                        let sibling = *p == project && row.function_id == function && *other != id;
                        if sibling && row.activate {
                            row.activate = false;
                            row.updated_at = now;
                        }
                    }
                }
                return;
            }
            E::BuildStarted { worker, attempt } => {
                row.status = "building".to_owned();
                row.worker = worker.clone();
                row.attempt = *attempt;
                row.build_started_at = Some(now);
                return;
            }
            E::BuildLogged { text, .. } => {
                self.logs.get_mut(&at).unwrap().push_str(text);
                return;
            }
            E::BuildSucceeded {
                artefact,
                duration_ms,
                log,
                ..
            } => {
                row.build_size = artefact.size();
                row.artefact = Some(artefact.clone());
                ended(row, "ready", *duration_ms, log);
            }
            E::BuildFailed {
                code,
                reason,
                duration_ms,
                log,
                ..
            } => {
                row.failure = reason.clone();
                row.code = code.clone();
                ended(row, "failed", *duration_ms, log);
            }
            E::BuildCanceled { duration_ms, log } => ended(row, "canceled", *duration_ms, log),
            E::DeploymentDeleted {} => {
                self.activated.remove(&at);
                self.deployments.remove(&at);
                self.logs.remove(&at);
                let owner = (project.clone(), function.clone());
                let owner = self.functions.get_mut(&owner).unwrap();
                if owner.deployment_id == id {
                    owner.deployment_id = String::new();
                    owner.deployment_created_at = None;
                    owner.updated_at = now;
                }
            }
        }
        self.show_latest(&project, &function);
    }

    fn execution(
        &mut self,
        position: u64,
        now: i64,
        project: String,
        id: String,
        event: &execution::Event,
    ) {
        use execution::Event as E;
        let at = (project.clone(), id.clone());
        let finish = |row: &mut Execution, result: &execution::Outcome| {
            row.status = if result.completed {
                "completed"
            } else {
                "failed"
            }
            .to_owned();
            row.response_status_code = result.status_code;
            row.response_headers = result.headers.clone();
            row.logs = result.logs.clone();
            row.errors = result.errors.clone();
            row.duration_us = result.duration_us;
            row.reason = result.reason.clone();
            row.output = result.output.clone();
            row.input = None;
        };
        match event {
            E::ExecutionRecorded {
                request,
                deployment,
                ..
            }
            | E::ExecutionRequested {
                request,
                deployment,
                ..
            } => {
                let mut row = Execution {
                    id,
                    function_id: request.function.to_string(),
                    deployment_id: deployment.to_string(),
                    sequence: position,
                    created_at: now,
                    updated_at: now,
                    trigger: request.trigger.clone(),
                    status: "waiting".to_owned(),
                    method: request.method.clone(),
                    path: request.path.clone(),
                    request_headers: request.headers.clone(),
                    user: request.user.clone(),
                    response_status_code: 0,
                    response_headers: Vec::new(),
                    logs: Text::default(),
                    errors: Text::default(),
                    duration_us: 0,
                    scheduled_at: None,
                    input: None,
                    worker: String::new(),
                    reason: String::new(),
                    script: request.script.clone(),
                    handler: request.handler.clone(),
                    output: None,
                };
                match event {
                    E::ExecutionRecorded { result, .. } => finish(&mut row, result),
                    E::ExecutionRequested {
                        scheduled_at,
                        input,
                        ..
                    } => {
                        row.scheduled_at = *scheduled_at;
                        row.input = Some(input.clone());
                        if scheduled_at.is_some() {
                            row.status = "scheduled".to_owned();
                        }
                    }
                    _ => {}
                }
                let exists = match &row.handler {
                    Some(call) => self
                        .pubnub
                        .revisions
                        .contains_key(&(project, call.revision.to_string())),
                    None => self
                        .functions
                        .contains_key(&(project, row.function_id.clone())),
                };
                if exists {
                    self.executions.insert(at.clone(), row);
                    self.bury(position, &at);
                }
            }
            E::ExecutionStarted { worker, deployment } => {
                if let Some(row) = self.executions.get_mut(&at) {
                    row.status = "processing".to_owned();
                    row.worker = worker.clone();
                    row.deployment_id = deployment.to_string();
                    row.updated_at = now;
                }
            }
            E::ExecutionFinished { result } => {
                if let Some(row) = self.executions.get_mut(&at) {
                    finish(row, result);
                    row.updated_at = now;
                    self.bury(position, &at);
                }
            }
            E::ExecutionDeleted {} => {
                self.executions.remove(&at);
                self.letters.remove(&at);
            }
        }
    }

    /// Keeps an execution as a dead letter, if it is one.
    fn bury(&mut self, position: u64, at: &In) {
        let row = &self.executions[at];
        let given_up = row.handler.as_ref().is_some_and(|call| {
            call.is_last && call.deployment.is_some() && call.kind.as_str().starts_with("AFTER_")
        });
        if given_up && row.status == "failed" {
            let row = row.clone();
            self.letters.insert(at.clone(), Letter { row, position });
        }
    }
}
