//! Who leads: the lease in `runner`, and the connection that hears of changes.
//!
//! A node that finds the lease free or expired, by the clock of the database,
//! takes it and raises the epoch. It renews the lease at a third of its time.
//! The lease of a process that was killed is free as soon as the database has
//! noticed the end of its session.
//! The lease only keeps nodes from getting in each other's way: what a runner
//! may write, the epoch decides, in each of its transactions.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sqlx::postgres::{PgListener, PgPoolOptions};
use sqlx::{AssertSqlSafe, Row as _};
use tokio::sync::Notify;

use super::schema::Schema;
use crate::Error;
use crate::db::failure;
use crate::runner::Commands;
use crate::state::{Leader, Shared};

/// The lease as this node sees it.
pub(crate) struct Lease {
    schema: Schema,
    shared: Arc<Shared>,
    commands: Arc<Commands>,
    /// The epoch that this node leads in.
    epoch: Mutex<Option<i64>>,
    stop: Notify,
    /// Look now who leads.
    hurry: Notify,
    thread: Mutex<Option<JoinHandle<()>>>,
}

type Listening = Result<(), sqlx::Error>;

impl Lease {
    /// Makes sure that the schema is there, takes the lease if it is free, and
    /// keeps an eye on it from then on.
    pub(crate) fn start(
        schema: Schema,
        shared: Arc<Shared>,
        commands: Arc<Commands>,
    ) -> Result<Arc<Self>, Error> {
        schema.prepare()?;
        let lease = Arc::new(Self {
            schema,
            shared,
            commands,
            epoch: Mutex::new(None),
            stop: Notify::new(),
            hurry: Notify::new(),
            thread: Mutex::new(None),
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::Unavailable(format!("no runtime: {error}")))?;
        let (first, begun) = std::sync::mpsc::channel();
        let thread = {
            let lease = Arc::clone(&lease);
            std::thread::Builder::new()
                .name("projections-lease".to_owned())
                .spawn(move || runtime.block_on(lease.keep(first)))
                .map_err(|error| Error::Unavailable(format!("no thread: {error}")))?
        };
        *lease.thread() = Some(thread);
        begun.recv().map_err(|_| Error::Closed)??;
        Ok(lease)
    }

    /// The epoch that this node leads in; none: another one leads, or nobody.
    pub(crate) fn epoch(&self) -> Option<i64> {
        *self.lead()
    }

    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// This epoch was found to be over.
    pub(crate) fn lose(&self, epoch: i64) {
        let mut lead = self.lead();
        if *lead == Some(epoch) {
            *lead = None;
            self.hurry.notify_one();
        }
    }

    /// Gives the lease back and ends the thread.
    pub(crate) fn release(&self) {
        self.stop.notify_one();
        let thread = self.thread().take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }

    fn lead(&self) -> std::sync::MutexGuard<'_, Option<i64>> {
        self.epoch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn thread(&self) -> std::sync::MutexGuard<'_, Option<JoinHandle<()>>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn keep(self: Arc<Self>, first: Sender<Result<(), Error>>) {
        let mut first = Some(first);
        let mut renewed = Instant::now();
        let mut silent = false;
        loop {
            let ended = tokio::select! {
                ended = self.session(&mut first, &mut renewed, &mut silent) => ended,
                () = self.stop.notified() => break,
            };
            if let Err(error) = ended {
                if let Some(first) = first.take() {
                    let _ = first.send(Err(failure(&error)));
                    return;
                }
                if !std::mem::replace(&mut silent, true) {
                    tracing::warn!(%error, "the read models cannot reach their database");
                }
            }
            if renewed.elapsed() > self.schema.ttl {
                self.see(None, None);
            }
            let pause = tokio::time::sleep(self.schema.ttl / 5);
            tokio::select! {
                () = pause => {}
                () = self.stop.notified() => break,
            }
            // Somebody may have dropped the schema.
            let schema = self.schema.clone();
            let prepared = tokio::task::spawn_blocking(move || schema.prepare()).await;
            if let Ok(Err(error)) = prepared {
                tracing::debug!(%error, "the read models cannot prepare their database");
            }
        }
        let given_back = tokio::time::timeout(self.schema.ttl, self.give_back()).await;
        if !matches!(given_back, Ok(Ok(()))) {
            tracing::warn!("the lead of the read models was not given back; it expires");
        }
        self.see(None, None);
    }

    /// Listens and keeps the lease on one connection, until that is lost.
    async fn session(
        &self,
        first: &mut Option<Sender<Result<(), Error>>>,
        renewed: &mut Instant,
        silent: &mut bool,
    ) -> Listening {
        let timeout = Duration::from_secs(5);
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(timeout)
            .connect_with(self.schema.options())
            .await?;
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.eager_reconnect(false);
        listener.listen(self.schema.channel()).await?;
        if std::mem::replace(silent, false) {
            tracing::info!("the read models have reached their database again");
        }
        let turn = self.schema.ttl / 3;
        let mut next = Instant::now();
        loop {
            if next <= Instant::now() {
                let begun = Instant::now();
                // An answer that takes longer than the lease lasts is none.
                let turned = tokio::time::timeout(self.schema.ttl, self.turn(&mut listener));
                turned
                    .await
                    .unwrap_or_else(|late| Err(sqlx::Error::Io(late.into())))?;
                *renewed = begun;
                next = begun + turn;
                self.commands.look();
                if let Some(first) = first.take() {
                    let _ = first.send(Ok(()));
                }
            }
            let due = next.saturating_duration_since(Instant::now());
            let heard = tokio::select! {
                heard = tokio::time::timeout(due, listener.try_recv()) => heard,
                () = self.hurry.notified() => { next = Instant::now(); continue }
            };
            let Ok(heard) = heard else { continue };
            let Some(heard) = heard? else {
                return Err(sqlx::Error::Io(
                    std::io::ErrorKind::ConnectionAborted.into(),
                ));
            };
            match heard.payload() {
                "runner" => next = Instant::now(),
                // The leader knows what it has done itself.
                "projections" if self.epoch().is_some() => {}
                _ => self.commands.look(),
            }
        }
    }

    /// Renews the lease, or takes it if it may be taken.
    async fn turn(&self, listener: &mut PgListener) -> Listening {
        let ttl = self.schema.ttl.as_millis() as i64;
        if let Some(epoch) = self.epoch() {
            let renewed = sqlx::query(
                "UPDATE runner SET expires_at = clock_timestamp() + $1 * interval '1 ms', \
                 session_pid = pg_backend_pid(), session_start = session.backend_start \
                 FROM pg_stat_get_activity(pg_backend_pid()) AS session WHERE epoch = $2",
            );
            let renewed = renewed
                .bind(ttl)
                .bind(epoch)
                .execute(&mut *listener)
                .await?;
            if renewed.rows_affected() > 0 {
                self.see(Some(epoch), Some((self.schema.node.clone(), epoch)));
                return Ok(());
            }
            tracing::warn!(epoch, "another node leads the read models");
        }
        let taken = sqlx::query(
            "UPDATE runner SET epoch = epoch + 1, holder = $2, \
             expires_at = clock_timestamp() + $1 * interval '1 ms', \
             session_pid = pg_backend_pid(), session_start = session.backend_start \
             FROM pg_stat_get_activity(pg_backend_pid()) AS session \
             WHERE expires_at < clock_timestamp() OR NOT EXISTS ( \
                 SELECT FROM pg_stat_get_activity(session_pid) AS other \
                 WHERE other.backend_start IS NULL OR other.backend_start = session_start \
             ) RETURNING epoch",
        );
        let taken = taken.bind(ttl).bind(&self.schema.node);
        if let Some(row) = taken.fetch_optional(&mut *listener).await? {
            let epoch: i64 = row.try_get(0)?;
            tracing::info!(epoch, node = self.schema.node, "leading the read models");
            self.see(Some(epoch), Some((self.schema.node.clone(), epoch)));
            return Ok(());
        }
        let leader = sqlx::query("SELECT holder, epoch FROM runner");
        let row = leader.fetch_one(&mut *listener).await?;
        self.see(None, Some((row.try_get(0)?, row.try_get(1)?)));
        Ok(())
    }

    /// Notes who leads.
    fn see(&self, own: Option<i64>, leader: Option<(String, i64)>) {
        *self.lead() = own;
        let leader = leader.map(|(node, epoch)| Leader {
            node,
            epoch: epoch as u64,
            here: own.is_some(),
        });
        self.shared.change_if(|state| {
            let new = state.leader != leader;
            state.leader = leader;
            new
        });
    }

    async fn give_back(&self) -> Listening {
        use sqlx::Connection as _;
        let Some(epoch) = self.epoch() else {
            return Ok(());
        };
        let options = self.schema.options();
        let mut connection = sqlx::PgConnection::connect_with(&options).await?;
        let sql = format!(
            "UPDATE runner SET holder = '', expires_at = '-infinity' WHERE epoch = {epoch}"
        );
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await?;
        connection.close().await
    }
}
