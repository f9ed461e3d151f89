//! Bringing a deployment up: load and warm its functions, connect them, say so.

use std::time::Duration;

use aggregates::keyset::{self, Connected, Keyset};
use aggregates::package::Package;
use aggregates::pkgdeploy::{self, PackageDeployment, StartFailure, Status};
use aggregates::{AssignmentKey, KeysetId, PackageDeploymentId};

use super::{Broken, Deployments, Work, warm};
use crate::bus;

/// A start fails that takes longer.
const LIMIT: Duration = Duration::from_secs(30);

/// The code of a deployment that cannot be started.
pub(super) const NOT_STARTED: &str = "FAAS-1012";
/// The code of a deployment whose paths another one answers.
const ROUTE_CONFLICT: &str = "FAAS-9005";

fn failure(reason: impl Into<String>) -> StartFailure {
    StartFailure {
        code: NOT_STARTED.to_owned(),
        reason: reason.into(),
        back: false,
    }
}

impl Deployments {
    /// Does a start that was asked for. Does nothing when it is over.
    pub(super) async fn start(&self, work: &Work) -> Result<(), Broken> {
        let state = self.state(work).await?.state;
        if !is_under_way(&state, work) {
            return Ok(());
        }
        self.shared.consoles.renew(&state.id);
        journal::failpoint("deployment.starting");
        let failed = match tokio::time::timeout(LIMIT, self.warmed(work, &state)).await {
            Err(_) => Some(failure(format!(
                "The functions were not ready within {} s.",
                LIMIT.as_secs()
            ))),
            Ok(Err(Warming::Broken(broken))) => return Err(broken),
            Ok(Err(Warming::Failed(reason))) => Some(failure(reason)),
            Ok(Ok(connected)) => {
                // A stop that was forced meanwhile has ended it.
                if !is_under_way(&self.state(work).await?.state, work) {
                    return Ok(());
                }
                self.connect(work, &state, connected).await?
            }
        };
        let finish = pkgdeploy::Command::FinishStart {
            operation: work.operation,
            failure: failed,
        };
        self.report(work, finish, "started").await?;
        // Somebody may have ended the operation while its functions were being connected.
        self.settle(&work.project, &work.key).await
    }

    /// The functions of a deployment, ready to run.
    async fn warmed(&self, work: &Work, state: &PackageDeployment) -> Result<Connected, Warming> {
        let connected = self.functions(work, state).await?;
        let connected = connected.ok_or_else(|| {
            Warming::Failed("The revision of the package does not exist any more.".to_owned())
        })?;
        warm::all(&self.shared, &connected.handlers)
            .await
            .map_err(Warming::Failed)?;
        Ok(connected)
    }

    /// What is to be connected for a deployment; none: its revision is gone.
    pub(super) async fn functions(
        &self,
        work: &Work,
        state: &PackageDeployment,
    ) -> Result<Option<Connected>, Broken> {
        let key = state.package.key(&work.project);
        let package = self.shared.bus.load::<Package>(&key).await?;
        let revision = package.state.revisions.get(&state.revision);
        Ok(revision.map(|revision| Connected {
            deployment: state.id.clone(),
            package: state.package.clone(),
            revision: state.revision.clone(),
            handlers: revision.handlers.clone(),
        }))
    }

    /// Lets the functions take part, in the place of those that they replace.
    async fn connect(
        &self,
        work: &Work,
        state: &PackageDeployment,
        connected: Connected,
    ) -> Result<Option<StartFailure>, Broken> {
        let key = keyset_key(state.keyset).key(&work.project);
        let command = match state.replacing.clone() {
            None => keyset::Command::Connect { connected },
            Some(from) => keyset::Command::Switch {
                from,
                to: connected,
            },
        };
        let context = work.context("connect");
        let done = self
            .shared
            .bus
            .execute::<Keyset>(&key, command, &context)
            .await;
        journal::failpoint("deployment.connected");
        match done {
            Ok(_) => {}
            Err(bus::Error::Refused(refused @ keyset::Error::RouteConflict { .. })) => {
                return Ok(Some(StartFailure {
                    code: ROUTE_CONFLICT.to_owned(),
                    reason: format!("Route conflict: {refused}"),
                    back: true,
                }));
            }
            Err(bus::Error::Refused(keyset::Error::NotConnected(from))) => {
                let reason = format!("Deployment {from}, whose place it was to take, has stopped.");
                return Ok(Some(failure(reason)));
            }
            Err(bus::Error::Refused(refused)) => return Ok(Some(failure(refused.to_string()))),
            Err(error) => return Err(error.into()),
        }
        if let Some(old) = &state.replacing {
            // Before the report, so that an old one that runs is always connected.
            self.retire(work, old).await?;
        }
        Ok(None)
    }

    /// Stops the deployment that was replaced. One that was about to restart does not.
    async fn retire(&self, work: &Work, old: &PackageDeploymentId) -> Result<(), Broken> {
        let view = self.shared.reads.view(None);
        let found = view.package_deployment(work.project.as_str(), old.as_str());
        let Some(row) = found.await? else {
            return Ok(());
        };
        let stream = AssignmentKey::key(&row.key, &work.project);
        for force in [false, true] {
            let step = if force { "retire-now" } else { "retire" };
            let stop = pkgdeploy::Command::Stop { force };
            let (bus, context) = (&self.shared.bus, work.context(step));
            let stopped = bus.execute::<PackageDeployment>(&stream, stop, &context);
            match stopped.await {
                Err(bus::Error::Refused(pkgdeploy::Error::InTransition)) => {}
                Ok(_) | Err(bus::Error::Refused(_)) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            let old = bus.load::<PackageDeployment>(&stream).await?.state;
            if old.status == Status::Stopping && !old.restart {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Tells a deployment how an operation ended. One that is over is left as it is.
    pub(super) async fn report(
        &self,
        work: &Work,
        command: pkgdeploy::Command,
        step: &str,
    ) -> Result<(), Broken> {
        let (bus, context, stream) = (&self.shared.bus, work.context(step), work.stream());
        let told = bus.execute::<PackageDeployment>(&stream, command, &context);
        match told.await {
            Ok(_) | Err(bus::Error::Refused(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Why functions are not ready.
enum Warming {
    Failed(String),
    Broken(Broken),
}

impl From<Broken> for Warming {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

fn is_under_way(state: &PackageDeployment, work: &Work) -> bool {
    state.status == Status::Starting && state.operation == work.operation
}

pub(super) fn keyset_key(number: u64) -> KeysetId {
    KeysetId::from(number.to_string())
}
