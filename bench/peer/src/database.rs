//! The tables that sqlite-es documents, on its own default pool.

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Pool, Sqlite};

use crate::Result;

const TABLES: &str = "
CREATE TABLE events (
  aggregate_type text NOT NULL, aggregate_id text NOT NULL,
  sequence integer CHECK (sequence >= 0) NOT NULL,
  event_type text NOT NULL, event_version text NOT NULL,
  payload text NOT NULL, metadata text NOT NULL,
  PRIMARY KEY (aggregate_type, aggregate_id, sequence)
) STRICT;
";

/// How the database flushes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Flush {
    /// `sqlite_es::default_sqlite_pool`: WAL at synchronous NORMAL. A commit
    /// may be lost when the power goes.
    AsByDefault,
    /// The same pool at synchronous FULL: durable, as Strata's journal is.
    Full,
}

/// A new database in `folder` with the tables of events and of these views.
pub async fn create(folder: &str, flush: Flush, views: &[&str]) -> Result<Pool<Sqlite>> {
    std::fs::create_dir_all(folder)?;
    let path = format!("{folder}/peer.db");
    let pool = match flush {
        Flush::AsByDefault => sqlite_es::default_sqlite_pool(&format!("sqlite://{path}")).await,
        Flush::Full => {
            let options = SqliteConnectOptions::new()
                .filename(&path)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true);
            SqlitePoolOptions::new()
                .max_connections(10)
                .connect_with(options)
                .await?
        }
    };
    sqlx::raw_sql(TABLES).execute(&pool).await?;
    for view in views {
        let table = format!(
            "CREATE TABLE {view} (view_id text NOT NULL,
               version integer CHECK (version >= 0) NOT NULL,
               payload text NOT NULL, PRIMARY KEY (view_id)) STRICT"
        );
        sqlx::raw_sql(&table).execute(&pool).await?;
    }
    Ok(pool)
}
