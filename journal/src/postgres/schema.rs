//! Connecting, and bringing the tables up to date.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};

use super::fault::unavailable;
use crate::Error;

/// One step of the schema. A step only adds; what nothing needs any more is
/// removed by a later release, so that the release before still works on it.
struct Migration {
    version: i64,
    name: &'static str,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "events",
        sql: include_str!("../../../migrations/postgres/journal/0001_events.sql"),
    },
    Migration {
        version: 2,
        name: "snapshots",
        sql: include_str!("../../../migrations/postgres/journal/0002_snapshots.sql"),
    },
    Migration {
        version: 3,
        name: "leases",
        sql: include_str!("../../../migrations/postgres/journal/0003_leases.sql"),
    },
    Migration {
        version: 4,
        name: "nodes",
        sql: include_str!("../../../migrations/postgres/journal/0004_nodes.sql"),
    },
];

/// Held by the one who migrates; the number is the letters "strata.j".
const LOCK: i64 = 0x7374_7261_7461_2e6a;

/// How long the first connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// Brings the tables of the journal at `url` up to date. Several may do so at
/// the same time: one does the work, the others wait for it.
///
/// Fails with [`Error::Unavailable`] when the database cannot be reached or
/// refuses a step; steps before it stand. Returns how many steps it took.
pub async fn migrate(url: &str) -> Result<usize, Error> {
    run(&options(url)?).await.map_err(unavailable)
}

/// How to connect to `url`.
pub(super) fn options(url: &str) -> Result<PgConnectOptions, Error> {
    let options: PgConnectOptions = url
        .parse()
        .map_err(|error| Error::Unavailable(format!("not a PostgreSQL URL: {error}")))?;
    let options = match options.get_application_name() {
        Some(_) => options,
        None => options.application_name("strata-journal"),
    };
    Ok(options.disable_statement_logging())
}

/// The same for the connection that appends: it gives up what it cannot have
/// soon, and a node that hangs does not keep the others waiting.
pub(super) fn impatient(options: &PgConnectOptions, patience: Duration) -> PgConnectOptions {
    let millis = patience.as_millis().max(1);
    options.clone().options([
        ("statement_timeout", millis),
        ("lock_timeout", (millis / 8).max(1)),
        ("idle_in_transaction_session_timeout", millis),
        // Seconds, and how often; they do nothing on a local socket.
        ("tcp_keepalives_idle", 5),
        ("tcp_keepalives_interval", 2),
        ("tcp_keepalives_count", 3),
    ])
}

/// What is acknowledged must have been flushed, whatever the server's default.
pub(super) async fn make_durable(connection: &mut PgConnection) -> sqlx::Result<()> {
    let set = "SELECT set_config('synchronous_commit', 'on', false)
        WHERE current_setting('synchronous_commit') = 'off'";
    sqlx::raw_sql(set).execute(connection).await.map(|_| ())
}

pub(super) async fn run(options: &PgConnectOptions) -> sqlx::Result<usize> {
    let connect = PgConnection::connect_with(options);
    let connected = tokio::time::timeout(CONNECT, connect).await;
    let mut connection = connected.map_err(|_| {
        let reason = format!("no connection within {} s", CONNECT.as_secs());
        sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, reason))
    })??;
    // Given back with the connection, also when something fails.
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(LOCK)
        .execute(&mut connection)
        .await?;
    sqlx::raw_sql(
        "SET client_min_messages = warning;
         CREATE TABLE IF NOT EXISTS journal_migrations (
             version    bigint      PRIMARY KEY,
             name       text        NOT NULL,
             applied_at timestamptz NOT NULL DEFAULT now()
         )",
    )
    .execute(&mut connection)
    .await?;
    let applied: i64 =
        sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM journal_migrations")
            .fetch_one(&mut connection)
            .await?;
    if applied > MIGRATIONS.last().map_or(0, |last| last.version) {
        tracing::warn!(applied, "the journal was written by a newer release");
    }
    let missing = MIGRATIONS.iter().filter(|next| next.version > applied);
    for migration in missing.clone() {
        let mut transaction = connection.begin().await?;
        sqlx::raw_sql(migration.sql)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("INSERT INTO journal_migrations (version, name) VALUES ($1, $2)")
            .bind(migration.version)
            .bind(migration.name)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
    }
    connection.close().await?;
    Ok(missing.count())
}
