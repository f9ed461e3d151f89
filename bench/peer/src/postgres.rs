//! The table that postgres-es documents, on its own pool.

use sqlx::postgres::PgPoolOptions;
use sqlx::{Pool, Postgres};

use crate::Result;

const TABLES: &str = "
CREATE TABLE events (
  aggregate_type text NOT NULL, aggregate_id text NOT NULL,
  sequence bigint CHECK (sequence >= 0) NOT NULL,
  event_type text NOT NULL, event_version text NOT NULL,
  payload json NOT NULL, metadata json NOT NULL,
  PRIMARY KEY (aggregate_type, aggregate_id, sequence)
);
";

/// The table in an empty database, and a pool.
///
/// The pool is that of `postgres_es::default_postgress_pool`, but with as many
/// connections as are asked for instead of ten, as commits share a flush only
/// when they are on several. All are opened before the first command.
pub async fn create(url: &str, connections: u64) -> Result<Pool<Postgres>> {
    let connections = u32::try_from(connections)?;
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .min_connections(connections)
        .connect(url)
        .await?;
    sqlx::raw_sql(TABLES).execute(&pool).await?;
    while pool.size() < connections {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    Ok(pool)
}
