//! Asking for starts and stops, within what an installation allows, and waiting for what comes
//! of it.

use std::time::Duration;

use aggregates::pkgdeploy::{self, Command, PackageDeployment, Status};
use aggregates::{AssignmentKey, PackageDeploymentId, ProjectId};
use projections::model;
use projections::query::{Filter, List, Operator, Scalar};
use tokio::time::Instant;

use super::{Broken, Deployments};
use crate::bus::{self, Bus, Committed, Context};

/// Something that was asked of a deployment and is being done.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Where it is recorded.
    pub committed: Committed,
    /// The operation it began.
    operation: u32,
    /// It stops first and starts then.
    restart: bool,
}

/// Why something cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// As many deployments run as may.
    #[error("The account runs {0} package deployments, which is the limit.")]
    RunningLimit(usize),
    /// The revision is on as many keysets as it may be.
    #[error("The revision is assigned to {0} keysets, which is the limit.")]
    KeysetLimit(usize),
    /// The deployment refused.
    #[error(transparent)]
    Deployment(#[from] bus::Error<pkgdeploy::Error>),
    /// What there is cannot be read.
    #[error(transparent)]
    Reads(#[from] projections::Error),
    /// The keyset cannot be brought into line.
    #[error(transparent)]
    Broken(#[from] Broken),
}

impl Deployments {
    /// Assigns a revision to a keyset.
    ///
    /// # Errors
    /// When it is there already, or on too many keysets.
    pub async fn assign(
        &self,
        project: &ProjectId,
        command: Command,
        context: &Context,
    ) -> Result<Committed, Refused> {
        let Command::Assign {
            revision, keyset, ..
        } = &command
        else {
            return Err(bus::Error::Refused(pkgdeploy::Error::NotFound).into());
        };
        let stream = AssignmentKey::new(revision, *keyset).key(project);
        let _turn = self.asking.lock().await;
        let bus = &self.shared.bus;
        // What is there already is told before what would be too many.
        let there = bus.load::<PackageDeployment>(&stream).await?.state.status;
        if there == Status::Absent {
            let filter = equal("revision", revision.as_str());
            let most = self.limits.keysets;
            if self.count(project, vec![filter], most).await? >= most {
                return Err(Refused::KeysetLimit(most));
            }
        }
        let done = bus.execute::<PackageDeployment>(&stream, command, context);
        Ok(done.await?)
    }

    /// Starts a deployment, or restarts it.
    ///
    /// # Errors
    /// When it is between states, or too many run.
    pub async fn ask_start(
        &self,
        project: &ProjectId,
        key: &AssignmentKey,
        replacing: Option<PackageDeploymentId>,
        context: &Context,
    ) -> Result<Asked, Refused> {
        let stream = key.key(project);
        let bus = &self.shared.bus;
        let _turn = self.asking.lock().await;
        let before = bus.load::<PackageDeployment>(&stream).await?.state;
        let comes_on_top = matches!(before.status, Status::Stopped | Status::Failed);
        if comes_on_top && replacing.is_none() {
            let states = [Status::Starting, Status::Running, Status::Stopping];
            let running = states.map(|status| equal("status", status.as_str()));
            let (filter, most) = (Filter::Or(running.to_vec()), self.limits.running);
            if self.count(project, vec![filter], most).await? >= most {
                return Err(Refused::RunningLimit(most));
            }
        }
        let command = Command::Start { replacing };
        let committed = bus
            .execute::<PackageDeployment>(&stream, command, context)
            .await?;
        Ok(Asked {
            committed,
            operation: before.operation + 1,
            restart: before.status == Status::Running,
        })
    }

    /// Stops a deployment. When it is forced, nothing of it is called any more when this returns.
    ///
    /// # Errors
    /// When it is between states and it is not forced.
    pub async fn ask_stop(
        &self,
        project: &ProjectId,
        key: &AssignmentKey,
        force: bool,
        context: &Context,
    ) -> Result<Asked, Refused> {
        let bus = &self.shared.bus;
        let command = Command::Stop { force };
        let stream = key.key(project);
        let committed = bus
            .execute::<PackageDeployment>(&stream, command, context)
            .await?;
        if force {
            self.settle(project, key).await?;
        }
        let state = bus.load::<PackageDeployment>(&stream).await?.state;
        Ok(Asked {
            committed,
            operation: state.operation,
            restart: false,
        })
    }

    /// The deployment when what was asked has ended, or after `at_most`; none: it is gone.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn ended(
        &self,
        project: &ProjectId,
        id: &PackageDeploymentId,
        asked: &Asked,
        at_most: Duration,
    ) -> Result<Option<model::PackageDeployment>, projections::Error> {
        let deadline = Instant::now() + at_most;
        let mut changed = self.changed();
        let reads = &self.shared.reads;
        reads
            .wait_for(asked.committed.position, Bus::READ_WAIT)
            .await;
        loop {
            let position = *changed.borrow_and_update();
            reads.wait_for(position, Bus::READ_WAIT).await;
            let view = reads.view(None);
            let row = view.package_deployment(project.as_str(), id.as_str());
            let row = row.await?;
            if row.as_ref().is_none_or(|row| has_ended(row, asked)) {
                return Ok(row);
            }
            let next = tokio::time::timeout_at(deadline, changed.changed());
            if !matches!(next.await, Ok(Ok(()))) {
                return Ok(row);
            }
        }
    }

    async fn count(
        &self,
        project: &ProjectId,
        filters: Vec<Filter>,
        most: usize,
    ) -> Result<usize, projections::Error> {
        let list = List {
            filters,
            limit: 1,
            count_up_to: Some(u32::try_from(most).unwrap_or(u32::MAX)),
            ..List::default()
        };
        let view = self.shared.reads.view(None);
        let page = view.package_deployments(project.as_str(), &list).await?;
        Ok(page.total as usize)
    }
}

fn has_ended(row: &model::PackageDeployment, asked: &Asked) -> bool {
    match row.status {
        status if status.is_transitional() => false,
        // Between the stop and the start of a restart.
        Status::Stopped if asked.restart => row.operation != asked.operation,
        _ => true,
    }
}

fn equal(column: &'static str, value: &str) -> Filter {
    Filter::Compare {
        column,
        operator: Operator::Equal,
        values: vec![Scalar::Text(value.to_owned())],
    }
}
