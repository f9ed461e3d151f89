//! Finds work that nobody is at: what a node that is gone had in hand, and what
//! was broken off here, as a store or the database was away for a moment.

use std::time::Duration;

use projections::ReadModels;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Builds, Calls};
use crate::cluster::View;

/// How often it looks without a reason.
const PAUSE: Duration = Duration::from_secs(30);

/// Looks after builds and executions.
pub struct Sweeper {
    /// The builds.
    pub builds: Builds,
    /// The executions.
    pub calls: Calls,
    /// Say what is unfinished.
    pub reads: ReadModels,
}

impl Sweeper {
    /// Looks whenever a node is gone, and now and then, until `stop`.
    pub async fn run(self, mut view: watch::Receiver<View>, stop: CancellationToken) {
        let mut alive = view.borrow().alive.clone();
        let mut next = Instant::now() + PAUSE;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = view.changed() => {
                    let now = view.borrow().alive.clone();
                    let before = std::mem::replace(&mut alive, now);
                    if before.iter().all(|node| alive.contains(node)) {
                        continue;
                    }
                }
                () = tokio::time::sleep_until(next) => {}
            }
            next = Instant::now() + PAUSE;
            let swept = async {
                self.builds.recover().await?;
                self.calls.sweep(&self.reads).await
            };
            if let Err(error) = swept.await {
                tracing::warn!(%error, "unfinished work cannot be looked for");
                next = Instant::now() + Duration::from_secs(1);
            }
        }
    }
}
