//! A schema of a PostgreSQL database that any number of nodes work on.

use std::fmt;
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use journal::failpoint;
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::Semaphore;

use super::Common;
use super::migration::{self, POSTGRES};
use crate::Error;
use crate::db::{Database, Postgres, failure, number};

/// After about this long without the database an operation fails.
const PATIENCE: Duration = Duration::from_secs(4);

/// The database and some connections to it, opened when they are first needed.
pub(crate) struct Server {
    options: Box<PgConnectOptions>,
    common: Common,
    idle: Mutex<Vec<Postgres>>,
    permits: Arc<Semaphore>,
}

impl fmt::Debug for Server {
    /// Without the way to connect, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("common", &self.common)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Connects and brings the tables up to date. Must not be called from
    /// within a runtime.
    pub(crate) fn open(url: &str, common: Common) -> Result<Arc<Self>, Error> {
        let options = connecting(url)?;
        let mut first = connect(&options)?;
        migrate(&mut first)?;
        Ok(Arc::new(Self {
            options: Box::new(options),
            permits: Arc::new(Semaphore::new(common.connections.max(1))),
            common,
            idle: Mutex::new(vec![first]),
        }))
    }

    pub(super) async fn write<T: Send + 'static>(
        self: &Arc<Self>,
        op: impl Fn(&mut dyn Database, i64) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let clock = self.common.clock.clone();
        self.with(move |db, in_doubt| {
            db.run("BEGIN")?;
            let result = op(db, clock.now());
            if result.is_err() {
                // On a lost connection the server does it.
                let _ = db.run("ROLLBACK");
                return result;
            }
            failpoint("records.before_commit");
            *in_doubt = true;
            db.run("COMMIT")?;
            failpoint("records.after_commit");
            result
        })
        .await
    }

    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        op: impl Fn(&mut dyn Database) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.with(move |db, _| {
            db.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
            let result = op(db);
            let _ = db.run("ROLLBACK");
            result
        })
        .await
    }

    /// Runs `work` off the threads that serve requests; again when it gave way
    /// to another node, and when the connection was lost before `work` said that
    /// it may have taken effect.
    async fn with<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl Fn(&mut Postgres, &mut bool) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| Error::Closed)?;
        let server = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            let until = Instant::now() + PATIENCE;
            let result = loop {
                let (result, again) = server.attempt(&work);
                if !again || Instant::now() > until {
                    break result;
                }
                std::thread::sleep(Duration::from_millis(20));
            };
            drop(permit);
            result
        });
        match done.await {
            Ok(result) => result,
            Err(error) => Err(Error::Unavailable(format!("a call was cut off: {error}"))),
        }
    }

    /// The second: whether to try again.
    fn attempt<T>(
        &self,
        work: impl Fn(&mut Postgres, &mut bool) -> Result<T, Error>,
    ) -> (Result<T, Error>, bool) {
        let idle = self.idle().pop();
        let mut db = match idle.map_or_else(|| connect(&self.options), Ok) {
            Ok(db) => db,
            Err(error) => return (Err(error), true),
        };
        let mut in_doubt = false;
        let result = work(&mut db, &mut in_doubt);
        let again = match &result {
            Ok(_) => false,
            Err(_) => db.gave_way() || (db.is_lost() && !in_doubt),
        };
        if db.is_lost() {
            // Then the others are lost too.
            self.idle().clear();
        } else if !self.permits.is_closed() {
            self.idle().push(db);
        }
        (result, again)
    }

    /// Refuses further work and closes the connections; those in use are closed
    /// when their work is done.
    pub(super) fn close(&self) {
        self.permits.close();
        self.idle().clear();
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Postgres>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connecting(url: &str) -> Result<PgConnectOptions, Error> {
    let options = PgConnectOptions::from_str(url).map_err(|error| failure(&error))?;
    Ok(options
        .application_name("strata records")
        .disable_statement_logging()
        .options([
            ("search_path", "records"),
            ("jit", "off"),
            // Milliseconds. What does not come soon is asked for again.
            ("lock_timeout", "30000"),
            ("idle_in_transaction_session_timeout", "30000"),
        ]))
}

/// The schema as it is at one moment, also while nodes work on it; none: it is not there. Must not
/// be called from within a runtime.
pub(crate) fn snapshot(url: &str) -> Result<Option<Box<dyn Database>>, Error> {
    let mut db = connect(&connecting(url)?)?;
    // Whoever takes the rows may write them to a slow disk.
    db.run("SET idle_in_transaction_session_timeout = 0")?;
    db.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
    let found = number(
        &mut db,
        "SELECT count(to_regclass('records.head'))::bigint",
        &[],
    )?;
    Ok((found == Some(1)).then(|| Box::new(db) as Box<dyn Database>))
}

fn connect(options: &PgConnectOptions) -> Result<Postgres, Error> {
    let mut db = Postgres::connect(options)?;
    // What is acknowledged must have been flushed, whatever the server's
    // default.
    db.run(
        "SELECT set_config('synchronous_commit', 'on', false)
         WHERE current_setting('synchronous_commit') = 'off'",
    )?;
    Ok(db)
}

/// Held by the one who migrates; the number is the letters "strata.r".
const LOCK: i64 = 0x7374_7261_7461_2e72;

/// Takes the steps that the schema has not seen, in one transaction. Several
/// nodes may do so at the same time: one does the work, the others wait for it.
fn migrate(db: &mut Postgres) -> Result<(), Error> {
    db.run("BEGIN")?;
    db.query(
        "SELECT pg_advisory_xact_lock(?1)",
        &[LOCK.into()],
        &mut |_| Ok(()),
    )?;
    db.run(
        "SET LOCAL client_min_messages = warning;
         CREATE SCHEMA IF NOT EXISTS records;
         CREATE TABLE IF NOT EXISTS schema_migrations (
             version    bigint      PRIMARY KEY,
             name       text        NOT NULL,
             applied_at timestamptz NOT NULL DEFAULT now()
         )",
    )?;
    let applied = number(
        db,
        "SELECT coalesce(max(version), 0) FROM schema_migrations",
        &[],
    )?;
    for step in migration::missing(POSTGRES, applied.unwrap_or(0)) {
        db.run(step.sql)?;
        db.execute(
            "INSERT INTO schema_migrations (version, name) VALUES (?1, ?2)",
            &[step.version.into(), step.name.into()],
        )?;
    }
    db.run("COMMIT")
}
