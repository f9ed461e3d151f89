//! Calls that may be made again.

use std::future::Future;
use std::time::Duration;

use sqlx::postgres::PgPool;
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::fault::{self, Kind, unavailable};
use crate::Error;

/// Where statements are run that find their own effect when they are repeated.
/// Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Calls {
    pub(super) pool: PgPool,
    /// After about this long without the database a call fails.
    pub(super) patience: Duration,
    /// Where the connections were made: it is that runtime which moves their
    /// bytes.
    pub(super) runtime: Handle,
}

impl Calls {
    /// Runs `work`, and once more after each loss of a connection, until the
    /// patience is over.
    pub(super) async fn run<T, F>(
        &self,
        work: impl Fn(PgPool) -> F + Send + 'static,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = sqlx::Result<T>> + Send,
    {
        let (pool, patience) = (self.pool.clone(), self.patience);
        let done = self.runtime.spawn(async move {
            let until = Instant::now() + patience;
            loop {
                match work(pool.clone()).await {
                    Ok(done) => return Ok(done),
                    Err(error) if fault::kind(&error) == Kind::Lost && Instant::now() < until => {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    Err(error) => return Err(unavailable(error)),
                }
            }
        });
        match done.await {
            Ok(result) => result,
            Err(error) => Err(Error::Unavailable(format!("a call was cut off: {error}"))),
        }
    }
}
