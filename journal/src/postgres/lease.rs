//! Which node may do what only one may do at a time.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgPool;

use super::calls::Calls;
use crate::Error;

/// Named leases that the nodes of one database share.
///
/// All times are those of the database, so the clocks of the nodes do not
/// matter. A holder that was slow may not know that its lease is over; whatever
/// it does must be refused for its epoch where it is done.
#[derive(Clone, Debug)]
pub struct Leases {
    pub(super) calls: Calls,
}

/// A lease as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// What it is for.
    pub name: String,
    /// Who has it.
    pub holder: String,
    /// Grows by one whenever the lease goes to another holder, and when it is
    /// given again after it was given back. The first is 1.
    pub epoch: u64,
}

impl Leases {
    /// Takes the lease if it is free, has run out, is held by a node that is not
    /// alive any more, or is this holder's own (then it keeps its epoch).
    /// `None`: someone else has it.
    ///
    /// `ttl` runs from now on and is at least a millisecond. A holder's name
    /// must be its own, for example a new UUID for each process.
    pub async fn acquire(
        &self,
        name: &str,
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>, Error> {
        let asked: Arc<(String, String)> = Arc::new((name.to_owned(), holder.to_owned()));
        let epoch = self.calls.run({
            let asked = Arc::clone(&asked);
            move |pool| {
                let asked = Arc::clone(&asked);
                async move { acquire(&pool, &asked.0, &asked.1, ttl).await }
            }
        });
        Ok(epoch.await?.map(|epoch| Lease {
            name: asked.0.clone(),
            holder: asked.1.clone(),
            epoch: epoch as u64,
        }))
    }

    /// Lets the lease run for `ttl` from now. False: it has run out or is
    /// someone else's, and what it was held for must stop.
    pub async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<bool, Error> {
        let lease = Arc::new(lease.clone());
        let renewed = self.calls.run(move |pool| {
            let lease = Arc::clone(&lease);
            async move { renew(&pool, &lease, ttl).await }
        });
        renewed.await
    }

    /// Gives the lease back, if it is still held. The next one to ask gets it.
    pub async fn release(&self, lease: &Lease) -> Result<(), Error> {
        let lease = Arc::new(lease.clone());
        let released = self.calls.run(move |pool| {
            let lease = Arc::clone(&lease);
            async move { release(&pool, &lease).await }
        });
        released.await
    }
}

// The time is read when the row is held, not when the statement began: it may
// have waited for the row.

async fn acquire(
    pool: &PgPool,
    name: &str,
    holder: &str,
    ttl: Duration,
) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar(
        "INSERT INTO leases AS held (name, holder, epoch, expires_at)
         VALUES ($1, $2, 1, clock_timestamp() + $3 * interval '1 millisecond')
         ON CONFLICT (name) DO UPDATE SET
             holder = excluded.holder,
             epoch = held.epoch + (held.holder <> excluded.holder)::int,
             expires_at = clock_timestamp() + $3 * interval '1 millisecond'
         WHERE held.holder = excluded.holder OR held.expires_at <= clock_timestamp()
             OR EXISTS (SELECT FROM nodes WHERE id = held.holder AND NOT is_alive(nodes))
         RETURNING epoch",
    )
    .bind(name)
    .bind(holder)
    .bind(millis(ttl))
    .fetch_optional(pool)
    .await
}

async fn renew(pool: &PgPool, lease: &Lease, ttl: Duration) -> sqlx::Result<bool> {
    let renewed = sqlx::query(
        "UPDATE leases SET expires_at = clock_timestamp() + $4 * interval '1 millisecond'
         WHERE name = $1 AND holder = $2 AND epoch = $3 AND expires_at > clock_timestamp()",
    )
    .bind(&lease.name)
    .bind(&lease.holder)
    .bind(lease.epoch as i64)
    .bind(millis(ttl))
    .execute(pool);
    Ok(renewed.await?.rows_affected() == 1)
}

async fn release(pool: &PgPool, lease: &Lease) -> sqlx::Result<()> {
    let released = sqlx::query(
        "UPDATE leases SET holder = '', expires_at = clock_timestamp()
         WHERE name = $1 AND holder = $2 AND epoch = $3",
    )
    .bind(&lease.name)
    .bind(&lease.holder)
    .bind(lease.epoch as i64)
    .execute(pool);
    released.await.map(|_| ())
}

pub(super) fn millis(ttl: Duration) -> f64 {
    (ttl.as_secs_f64() * 1000.0).max(1.0)
}
