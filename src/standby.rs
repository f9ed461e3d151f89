//! Several servers on one PostgreSQL database: one works, the others stand by
//! and take over when it ends or is not heard of any more.

use std::time::Duration;

use anyhow::Context as _;
use journal::postgres::{Lease, Leases};
use tokio_util::sync::CancellationToken;

/// What is leased.
const NAME: &str = "server";

/// After this long without a sign of the one that works, the next takes over.
pub const TERM: Duration = Duration::from_secs(2);

/// The right to work, for as long as it is renewed.
pub struct Turn {
    leases: Leases,
    lease: Lease,
}

impl Turn {
    /// Waits until no other server has it.
    pub async fn wait(leases: Leases) -> anyhow::Result<Self> {
        let holder = uuid::Uuid::now_v7().to_string();
        let mut told = false;
        loop {
            let taken = leases.acquire(NAME, &holder, TERM).await;
            if let Some(lease) = taken.context("cannot ask who works on the database")? {
                tracing::info!(epoch = lease.epoch, "working on the database");
                return Ok(Self { leases, lease });
            }
            if !told {
                tracing::info!("another server works on this database; standing by");
                told = true;
            }
            tokio::time::sleep(TERM / 10).await;
        }
    }

    /// Renews it until `stop`, and gives it back then. Returns early, with
    /// `false`, when it is lost: another server works from then on, and this
    /// one must not.
    pub async fn hold(self, stop: CancellationToken) -> bool {
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(TERM / 4) => {}
            }
            match self.leases.renew(&self.lease, TERM).await {
                Ok(true) => {}
                Ok(false) => return false,
                // Without the database nobody else can take it, and nothing
                // can be appended.
                Err(error) => tracing::warn!(%error, "the right to work is not renewed"),
            }
        }
        if let Err(error) = self.leases.release(&self.lease).await {
            tracing::warn!(%error, "the right to work is not given back");
        }
        true
    }
}
