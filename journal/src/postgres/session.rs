//! The connection that appends.

use std::future::Future;
use std::time::Duration;

use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgConnection};

use super::fault::{Fault, Kind};
use super::rows::{self, Foreign};
use super::{schema, write};
use crate::batch::{Draft, Plan, Tip};

/// One connection, made when it is needed and again after it was lost. Every
/// call ends within the patience, and one that fails says what is to be done
/// about it.
pub(super) struct Session {
    options: PgConnectOptions,
    patience: Duration,
    /// Tells the notices of this node from those of others.
    node: String,
    connection: Option<PgConnection>,
    in_transaction: bool,
}

/// Runs a statement on the connection and keeps the connection unless it is
/// lost.
macro_rules! run {
    ($session:ident, $connection:ident => $work:expr) => {{
        let mut $connection = $session.take().await?;
        let result = bounded($session.patience, $work).await;
        $session.put($connection, result)
    }};
}

impl Session {
    pub(super) fn new(options: &PgConnectOptions, patience: Duration, node: String) -> Self {
        Self {
            options: schema::impatient(options, patience),
            patience,
            node,
            connection: None,
            in_transaction: false,
        }
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// See [`write::append`].
    pub(super) async fn append(&mut self, before: Tip, plan: &Plan) -> Result<bool, Fault> {
        let node = self.node.clone();
        run!(self, connection => write::append(&mut connection, &node, before, plan))
    }

    /// Begins a transaction that holds the end of the order. It is ended by
    /// [`Session::commit`] or [`Session::rollback`].
    pub(super) async fn lock(&mut self) -> Result<Tip, Fault> {
        self.in_transaction = true;
        run!(self, connection => rows::lock(&mut connection))
    }

    pub(super) async fn commit(&mut self) -> Result<(), Fault> {
        let done = run!(self, connection => sqlx::raw_sql("COMMIT").execute(&mut connection));
        self.in_transaction = false;
        done.map(|_| ())
    }

    /// Ends the transaction, if there is one. A connection on which even this
    /// fails is given up.
    pub(super) async fn rollback(&mut self) {
        if !std::mem::take(&mut self.in_transaction) {
            return;
        }
        if let Some(mut connection) = self.connection.take() {
            let rollback = sqlx::raw_sql("ROLLBACK").execute(&mut connection);
            if bounded(self.patience, rollback).await.is_ok() {
                self.connection = Some(connection);
            }
        }
    }

    /// The end of the order, which may move at once.
    pub(super) async fn tip(&mut self) -> Result<Tip, Fault> {
        run!(self, connection => rows::tip(&mut connection))
    }

    /// See [`rows::learn`].
    pub(super) async fn learn(&mut self, draft: &mut Draft) -> Result<(), Fault> {
        run!(self, connection => rows::learn(&mut connection, draft))
    }

    /// See [`rows::holds`].
    pub(super) async fn holds(&mut self, plan: &Plan) -> Result<bool, Fault> {
        run!(self, connection => rows::holds(&mut connection, plan))
    }

    /// See [`rows::has_foreign`].
    pub(super) async fn has_foreign(&mut self) -> Result<bool, Fault> {
        run!(self, connection => rows::has_foreign(&mut connection))
    }

    /// See [`rows::foreign`].
    pub(super) async fn foreign(&mut self, limit: usize) -> Result<Foreign, Fault> {
        run!(self, connection => rows::foreign(&mut connection, limit))
    }

    /// See [`write::adopt`].
    pub(super) async fn adopt(&mut self, before: Tip, plan: &Plan) -> Result<u64, Fault> {
        let node = self.node.clone();
        run!(self, connection => write::adopt(&mut connection, &node, before, plan))
    }

    pub(super) async fn close(&mut self) {
        if let Some(connection) = self.connection.take() {
            // The server notices in any case.
            let _ = bounded(self.patience, connection.close()).await;
        }
    }

    async fn take(&mut self) -> Result<PgConnection, Fault> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let connect = async {
            let mut connection = PgConnection::connect_with(&self.options).await?;
            schema::make_durable(&mut connection).await?;
            Ok(connection)
        };
        // Whatever the reason, the next attempt starts from the beginning.
        let connected = bounded(self.patience / 2, connect).await;
        connected.map_err(|fault| Fault::new(Kind::Lost, fault.reason))
    }

    fn put<T>(&mut self, connection: PgConnection, result: Result<T, Fault>) -> Result<T, Fault> {
        match &result {
            Err(fault) if fault.kind == Kind::Lost => self.in_transaction = false,
            _ => self.connection = Some(connection),
        }
        result
    }
}

async fn bounded<T>(
    time: Duration,
    work: impl Future<Output = sqlx::Result<T>>,
) -> Result<T, Fault> {
    match tokio::time::timeout(time, work).await {
        Ok(result) => result.map_err(Fault::from),
        Err(_) => Err(Fault::new(
            Kind::Lost,
            format!("no answer within {} ms", time.as_millis()),
        )),
    }
}
