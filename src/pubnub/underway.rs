//! Executions under way on this node, by the package deployment that they run for: whoever stops a
//! deployment waits for them, and ends those that take too long.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aggregates::PackageDeploymentId;
use sandbox::Cancel;
use tokio::sync::Notify;

/// Cheap to clone.
#[derive(Clone, Default)]
pub struct Underway {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    running: Mutex<HashMap<PackageDeploymentId, HashMap<u64, Cancel>>>,
    ended: Notify,
}

/// An execution that is under way until this is dropped.
pub struct Running {
    underway: Underway,
    deployment: PackageDeploymentId,
    number: u64,
    /// Set when the execution has to end.
    pub cancel: Cancel,
}

impl Underway {
    /// Counts an execution in.
    pub fn begin(&self, deployment: &PackageDeploymentId) -> Running {
        let cancel = Cancel::default();
        let mut running = self.lock();
        let of = running.entry(deployment.clone()).or_default();
        let number = of.keys().max().map_or(0, |last| last + 1);
        of.insert(number, cancel.clone());
        Running {
            underway: self.clone(),
            deployment: deployment.clone(),
            number,
            cancel,
        }
    }

    /// Waits until none of this deployment is under way.
    pub async fn idle(&self, deployment: &PackageDeploymentId) {
        loop {
            let ended = self.inner.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if !self.lock().contains_key(deployment) {
                return;
            }
            ended.await;
        }
    }

    /// Ends what is under way of this deployment.
    pub fn cancel(&self, deployment: &PackageDeploymentId) {
        for cancel in self
            .lock()
            .get(deployment)
            .into_iter()
            .flat_map(HashMap::values)
        {
            cancel.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PackageDeploymentId, HashMap<u64, Cancel>>> {
        let running = self.inner.running.lock();
        running.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = self.underway.lock();
        if let Some(of) = running.get_mut(&self.deployment) {
            of.remove(&self.number);
            if of.is_empty() {
                running.remove(&self.deployment);
                self.underway.inner.ended.notify_waiters();
            }
        }
    }
}
