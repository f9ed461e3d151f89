//! Taking a deployment down: disconnect its functions, let what runs end, say so.

use std::time::Duration;

use aggregates::keyset::{self, Connected, Keyset};
use aggregates::pkgdeploy::{self, PackageDeployment, Status};
use aggregates::{AssignmentKey, ProjectId};

use super::start::keyset_key;
use super::{Broken, Deployments, Work};
use crate::bus::{self, Context};

/// How long executions under way are waited for; then they are ended.
const DRAIN: Duration = Duration::from_secs(10);
/// After this an execution that was ended is not waited for.
const ENDING: Duration = Duration::from_secs(1);

impl Deployments {
    /// Does a stop that was asked for. Does nothing when it is over.
    ///
    /// One that is to start again stays connected: its functions hold no state, so there is no
    /// moment in which what is sent would have to wait for them.
    pub(super) async fn stop(&self, work: &Work) -> Result<(), Broken> {
        let state = self.state(work).await?.state;
        if state.status != Status::Stopping || state.operation != work.operation {
            return Ok(());
        }
        journal::failpoint("deployment.stopping");
        if !state.restart {
            let key = keyset_key(state.keyset).key(&work.project);
            let command = keyset::Command::Disconnect {
                deployment: state.id.clone(),
            };
            let (bus, context) = (&self.shared.bus, work.context("disconnect"));
            match bus.execute::<Keyset>(&key, command, &context).await {
                // What is not there has nothing connected.
                Ok(_) | Err(bus::Error::Refused(_)) => {}
                Err(error) => return Err(error.into()),
            }
            self.drain(&state.id).await;
        }
        let finish = pkgdeploy::Command::FinishStop {
            operation: work.operation,
        };
        self.report(work, finish, "stopped").await?;
        self.settle(&work.project, &work.key).await
    }

    async fn drain(&self, deployment: &aggregates::PackageDeploymentId) {
        let underway = &self.shared.underway;
        let idle = tokio::time::timeout(DRAIN, underway.idle(deployment)).await;
        if idle.is_err() {
            underway.cancel(deployment);
            let _ = tokio::time::timeout(ENDING, underway.idle(deployment)).await;
        }
    }

    /// Ends what still runs of a deployment on this node, at once or when it takes too long: each
    /// node does it for itself.
    pub(super) fn drain_here(&self, work: Work, forced: bool) {
        let this = self.clone();
        let task = format!("{}#{}/drain", work.stream(), work.operation);
        self.tasks.spawn(task, async move {
            let state = match this.state(&work).await {
                Ok(loaded) => loaded.state,
                Err(error) => {
                    tracing::warn!(deployment = %work.key, %error, "it cannot be read");
                    return;
                }
            };
            if forced {
                if let Err(error) = this.settle(&work.project, &work.key).await {
                    tracing::warn!(deployment = %work.key, %error, "it is still connected");
                }
                this.shared.underway.cancel(&state.id);
            } else {
                this.drain(&state.id).await;
            }
        });
    }

    /// Makes the keyset agree with a deployment that is in no transition: connected when it runs,
    /// and not when it does not. Harmless at any time.
    ///
    /// # Errors
    /// When something cannot be read or written; the next sweep does it then.
    pub async fn settle(&self, project: &ProjectId, key: &AssignmentKey) -> Result<(), Broken> {
        let bus = &self.shared.bus;
        let stream = key.key(project);
        let Some(number) = key.as_str().rsplit_once('@').map(|(_, number)| number) else {
            return Ok(());
        };
        let on = keyset_key(number.parse().unwrap_or_default()).key(project);
        for _ in 0..5 {
            // In this order: a change of the keyset that comes after a change of the deployment
            // is noticed by the keyset's sequence.
            let keyset = bus.load::<Keyset>(&on).await?;
            bus.up_to_date(bus.journal().head()).await;
            let state = bus.load::<PackageDeployment>(&stream).await?.state;
            let mut connected = keyset.state.connected.iter();
            let have = connected.find(|have| is_of(have, key));
            let command = match (state.status, have) {
                (Status::Running, None) => {
                    if self.is_being_replaced(project, &state).await? {
                        return Ok(());
                    }
                    let work = Work {
                        project: project.clone(),
                        key: key.clone(),
                        operation: state.operation,
                        correlation: String::new(),
                    };
                    match self.functions(&work, &state).await? {
                        Some(connected) => keyset::Command::Connect { connected },
                        None => return Ok(()),
                    }
                }
                (Status::Stopped | Status::Failed | Status::Absent, Some(have)) => {
                    keyset::Command::Disconnect {
                        deployment: have.deployment.clone(),
                    }
                }
                _ => return Ok(()),
            };
            let mut context = Context::once("saga:deployment", project.as_str());
            context.if_match = Some(keyset.sequence);
            match bus.execute::<Keyset>(&on, command, &context).await {
                Ok(_) => return Ok(()),
                Err(bus::Error::PreconditionFailed { .. } | bus::Error::Conflict) => {}
                Err(bus::Error::Refused(refused)) => {
                    tracing::error!(deployment = %key, %refused, "it cannot be connected again");
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Whether another deployment is on its way into the place of this one.
    async fn is_being_replaced(
        &self,
        project: &ProjectId,
        state: &PackageDeployment,
    ) -> Result<bool, Broken> {
        let view = self.shared.reads.view(None);
        let rows = view.transitional_package_deployments().await?;
        Ok(rows.iter().any(|found| {
            found.project == project.as_str() && found.row.replacing.as_ref() == Some(&state.id)
        }))
    }
}

fn is_of(connected: &Connected, key: &AssignmentKey) -> bool {
    let revision = connected.revision.as_str();
    let rest = key.as_str().strip_prefix(revision);
    rest.is_some_and(|rest| rest.starts_with('@'))
}
