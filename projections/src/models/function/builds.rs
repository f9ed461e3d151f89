//! What the events of deployments mean for deployments and their functions.

use aggregates::deployment::Event as Happened;

use super::{DeploymentRow, Functions};
use crate::Error;
use crate::model::Deployment;
use crate::projection::Recorded;
use crate::versions::{Place, Store};

/// Lines of a log, their position and whose they are.
struct Log<'a> {
    project: &'a str,
    deployment: &'a str,
    position: u64,
    text: &'a str,
}

impl Functions {
    pub(super) fn deployment(
        &mut self,
        event: &Recorded,
        happened: &Happened,
        store: &mut Store<'_>,
    ) -> Result<(), Error> {
        let (project, id) = event.key()?;
        let position = event.stored.position;
        let now = event.stored.recorded_at;
        let at = Place::new(project, id);
        let log = |text| Log {
            project,
            deployment: id,
            position,
            text,
        };
        match happened {
            Happened::DeploymentCreated { plan } => {
                let function = plan.function.as_str();
                let exists =
                    self.functions
                        .update(store, Place::new(project, function), |found| {
                            found.row.latest_deployment_id = id.to_owned();
                            found.row.latest_deployment_created_at = Some(now);
                            found.row.latest_deployment_status = "waiting".to_owned();
                            if plan.activate {
                                found.activating.push(id.to_owned());
                            }
                        })?;
                // It came too late: its function is gone.
                if !exists {
                    return Ok(());
                }
                let row = Deployment {
                    id: id.to_owned(),
                    function_id: function.to_owned(),
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
                let at = at.below(function);
                let activated = false;
                self.deployments
                    .create(store, at, DeploymentRow { row, activated })?;
            }
            Happened::ChunkStored { .. } => {
                self.change(store, at, now, |_| {})?;
            }
            Happened::SourceStored { source, size } => {
                let function = self.change(store, at, now, |row| {
                    row.source_complete = true;
                    row.queued_at = position;
                    row.source.clone_from(source);
                    row.source_size = *size;
                })?;
                if let Some(function) = function {
                    self.supersede(store, project, &function, id, now)?;
                }
            }
            Happened::BuildStarted { worker, attempt } => {
                self.change(store, at, now, |row| {
                    row.status = "building".to_owned();
                    row.worker.clone_from(worker);
                    row.attempt = *attempt;
                    row.build_started_at = Some(now);
                })?;
            }
            Happened::BuildLogged { text, .. } => {
                self.log(store, &log(text))?;
            }
            Happened::BuildSucceeded {
                artefact,
                duration_ms,
                log: text,
                ..
            } => {
                self.log(store, &log(text))?;
                let function = self.change(store, at, now, |row| {
                    row.status = "ready".to_owned();
                    row.ended_at = Some(now);
                    row.build_size = artefact.size();
                    row.artefact = Some(artefact.clone());
                    row.build_duration_ms = *duration_ms;
                })?;
                self.refresh(store, project, function)?;
            }
            Happened::BuildFailed {
                code,
                reason,
                duration_ms,
                log: text,
                ..
            } => {
                self.log(store, &log(text))?;
                let function = self.change(store, at, now, |row| {
                    row.status = "failed".to_owned();
                    row.ended_at = Some(now);
                    row.code.clone_from(code);
                    row.failure.clone_from(reason);
                    row.build_duration_ms = *duration_ms;
                })?;
                self.refresh(store, project, function)?;
            }
            Happened::BuildCanceled {
                duration_ms,
                log: text,
            } => {
                self.log(store, &log(text))?;
                let function = self.change(store, at, now, |row| {
                    row.status = "canceled".to_owned();
                    row.ended_at = Some(now);
                    row.build_duration_ms = *duration_ms;
                })?;
                self.refresh(store, project, function)?;
            }
            Happened::DeploymentDeleted {} => {
                let Some(deployment) = self.deployments.end(store, at)? else {
                    return Ok(());
                };
                let function = deployment.row.function_id;
                let newest = self.newest(store, project, &function)?;
                self.functions
                    .update(store, Place::new(project, &function), |found| {
                        if found.row.deployment_id == id {
                            found.row.deployment_id = String::new();
                            found.row.deployment_created_at = None;
                            found.row.updated_at = now;
                        }
                        found.activating.retain(|other| other != id);
                        found.show(newest.as_ref());
                    })?;
            }
        }
        Ok(())
    }

    /// Changes a deployment; returns its function.
    fn change(
        &mut self,
        store: &mut Store<'_>,
        at: Place<'_>,
        now: i64,
        change: impl FnOnce(&mut Deployment),
    ) -> Result<Option<String>, Error> {
        let mut function = None;
        self.deployments.update(store, at, |found| {
            change(&mut found.row);
            found.row.updated_at = now;
            function = Some(found.row.function_id.clone());
        })?;
        Ok(function)
    }

    /// A queued deployment that asks for activation takes the wish away from
    /// all others of its function.
    fn supersede(
        &mut self,
        store: &mut Store<'_>,
        project: &str,
        function: &str,
        id: &str,
        now: i64,
    ) -> Result<(), Error> {
        let at = Place::new(project, function);
        let activating = match self.functions.get(store, at)? {
            Some(found) if found.activating.iter().any(|one| one == id) => &found.activating,
            _ => return Ok(()),
        };
        let others: Vec<String> = activating
            .iter()
            .filter(|one| *one != id)
            .cloned()
            .collect();
        if others.is_empty() {
            return Ok(());
        }
        self.functions
            .update(store, at, |found| found.activating.retain(|one| one == id))?;
        for other in others {
            self.change(store, Place::new(project, &other), now, |row| {
                row.activate = false
            })?;
        }
        Ok(())
    }

    /// Shows the newest deployment in its function, as it is now.
    fn refresh(
        &mut self,
        store: &mut Store<'_>,
        project: &str,
        function: Option<String>,
    ) -> Result<(), Error> {
        let Some(function) = function else {
            return Ok(());
        };
        let at = Place::new(project, &function);
        let Some(found) = self.functions.get(store, at)? else {
            return Ok(());
        };
        let latest = found.row.latest_deployment_id.clone();
        let latest = self
            .deployments
            .get(store, Place::new(project, &latest))?
            .cloned();
        self.functions.update(store, at, |found| {
            found.show(latest.as_ref().map(|latest| &latest.row));
        })?;
        Ok(())
    }

    fn newest(
        &mut self,
        store: &mut Store<'_>,
        project: &str,
        function: &str,
    ) -> Result<Option<Deployment>, Error> {
        let Some(id) = self.deployments.newest(store, project, function)? else {
            return Ok(None);
        };
        let newest = self.deployments.get(store, Place::new(project, &id))?;
        Ok(newest.map(|newest| newest.row.clone()))
    }

    fn log(&mut self, store: &mut Store<'_>, log: &Log<'_>) -> Result<(), Error> {
        let exists = self
            .deployments
            .get(store, Place::new(log.project, log.deployment))?;
        if exists.is_some() && !log.text.is_empty() {
            let rows = &mut self.logs.rows;
            rows.text(log.project);
            rows.text(log.deployment);
            rows.number(log.position);
            rows.text(log.text);
        }
        Ok(())
    }
}

impl super::FunctionRow {
    fn show(&mut self, latest: Option<&Deployment>) {
        let row = &mut self.row;
        row.latest_deployment_id = latest.map_or_else(String::new, |latest| latest.id.clone());
        row.latest_deployment_created_at = latest.map(|latest| latest.created_at);
        row.latest_deployment_status =
            latest.map_or_else(String::new, |latest| latest.status.clone());
    }
}
