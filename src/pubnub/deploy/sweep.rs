//! Finds operations that nobody is at, and keysets that do not agree with their deployments.

use std::collections::HashSet;
use std::time::Duration;

use aggregates::ProjectId;
use aggregates::pkgdeploy::Status;
use tokio_util::sync::CancellationToken;

use super::{Broken, Deployments, Work};

/// How often it looks without a reason.
const PAUSE: Duration = Duration::from_secs(30);
/// How often it looks where there are other nodes.
const SHORT: Duration = Duration::from_secs(2);

impl Deployments {
    /// Takes up operations that are under way by the word of the read models.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn recover(&self) -> Result<(), Broken> {
        let view = self.shared.reads.view(None);
        for found in view.transitional_package_deployments().await? {
            let work = Work {
                project: ProjectId::from(found.project),
                key: found.row.key,
                operation: found.row.operation,
                correlation: String::new(),
            };
            self.take_up(work, found.row.status == Status::Starting);
        }
        Ok(())
    }

    /// Looks whether keysets and deployments agree, and makes them.
    ///
    /// # Errors
    /// When they cannot be read or written.
    pub async fn check(&self) -> Result<(), Broken> {
        let view = self.shared.reads.view(None);
        let mut running = HashSet::new();
        let mut connected = HashSet::new();
        let mut doubtful = Vec::new();
        let keysets = view.every_keyset().await?;
        for found in &keysets {
            connected.extend(found.row.connected.iter().cloned());
        }
        for found in view.running_package_deployments().await? {
            running.insert(found.row.id.clone());
            if !connected.contains(&found.row.id) {
                doubtful.push((ProjectId::from(found.project), found.row.key));
            }
        }
        for found in keysets {
            let project = ProjectId::from(found.project);
            for id in found.row.connected {
                if running.contains(&id) {
                    continue;
                }
                let row = view.package_deployment(project.as_str(), id.as_str());
                if let Some(row) = row.await? {
                    doubtful.push((project.clone(), row.key));
                }
            }
        }
        for (project, key) in doubtful {
            self.settle(&project, &key).await?;
        }
        Ok(())
    }

    /// Looks whenever a node is gone, and now and then, until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let mut view = self.shared.cluster.view();
        loop {
            let pause = match self.shared.cluster.is_alone() {
                true => PAUSE,
                false => SHORT,
            };
            tokio::select! {
                () = stop.cancelled() => return,
                _ = view.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
            let swept = async {
                self.recover().await?;
                match self.shared.cluster.epoch() {
                    Some(_) => self.check().await,
                    None => Ok(()),
                }
            };
            if let Err(error) = swept.await {
                tracing::warn!(%error, "package deployments cannot be looked after");
            }
        }
    }
}
