//! PostgreSQL behind the seam.
//!
//! Each connection has a runtime of its own, which runs on the thread that asks
//! and only while it asks: an answer needs no other thread to be woken.

use std::future::Future;
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgRow};
use sqlx::{Arguments as _, AssertSqlSafe, Connection as _, Row as _, ValueRef as _};
use tokio::runtime::{Builder, Runtime};

use super::{Bulk, Column, Database, Each, Either, Row, Value};
use crate::Error;

/// How long the server may take to let somebody in.
const CONNECT: Duration = Duration::from_secs(5);

/// After this long without an answer, a connection is given up.
const ANSWER: Duration = Duration::from_secs(60);

/// A connection to the schema of the records.
pub(crate) struct Postgres {
    driver: Driver,
    connection: PgConnection,
    lost: bool,
    conflict: bool,
}

/// Runs a connection. May be dropped anywhere.
struct Driver(Option<Runtime>);

impl Driver {
    fn wait<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = sqlx::Result<T>>,
    ) -> sqlx::Result<T> {
        let Some(runtime) = &self.0 else {
            return Err(sqlx::Error::WorkerCrashed);
        };
        let bounded = async { tokio::time::timeout(limit, work).await };
        let done = runtime.block_on(bounded);
        done.unwrap_or_else(|late| Err(sqlx::Error::Io(late.into())))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Postgres {
    /// Must not be called from within a runtime, as nothing of a connection.
    pub(crate) fn connect(options: &PgConnectOptions) -> Result<Self, Error> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::Unavailable(format!("no runtime: {error}")))?;
        let driver = Driver(Some(runtime));
        let connection = driver
            .wait(CONNECT, PgConnection::connect_with(options))
            .map_err(|error| failure(&error))?;
        Ok(Self {
            driver,
            connection,
            lost: false,
            conflict: false,
        })
    }

    /// Runs statements without parameters, such as `COMMIT`.
    pub(crate) fn run(&mut self, sql: &'static str) -> Result<(), Error> {
        let connection = &mut self.connection;
        let done = self
            .driver
            .wait(ANSWER, sqlx::raw_sql(sql).execute(connection));
        self.noted(done).map(drop)
    }

    /// Whether the connection is of no use any more.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost
    }

    /// Whether the transaction had to give way to another one, since this was
    /// asked last.
    pub(crate) fn gave_way(&mut self) -> bool {
        std::mem::take(&mut self.conflict)
    }

    fn fetch(&mut self, sql: &'static str, arguments: PgArguments) -> Result<Vec<PgRow>, Error> {
        let connection = &mut self.connection;
        let query = sqlx::query_with(AssertSqlSafe(places(sql)), arguments);
        let rows = self.driver.wait(ANSWER, query.fetch_all(connection));
        self.noted(rows)
    }

    fn send(&mut self, sql: &'static str, arguments: PgArguments) -> Result<u64, Error> {
        let connection = &mut self.connection;
        let query = sqlx::query_with(AssertSqlSafe(places(sql)), arguments);
        let done = self.driver.wait(ANSWER, query.execute(connection));
        Ok(self.noted(done)?.rows_affected())
    }

    fn noted<T>(&mut self, result: sqlx::Result<T>) -> Result<T, Error> {
        result.map_err(|error| {
            let state = state(&error);
            match state.as_deref() {
                // Serialization failure, deadlock.
                Some("40001" | "40P01") => self.conflict = true,
                // A connection, the server shutting down, a session timed out, a
                // standby.
                Some(state) => {
                    self.lost |=
                        ["08", "57"].contains(&&state[..2]) || ["25P03", "25006"].contains(&state);
                }
                None => self.lost = true,
            }
            failure(&error)
        })
    }
}

impl Database for Postgres {
    fn of(&self, sql: &Either) -> &'static str {
        sql.postgres
    }

    fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, Error> {
        self.send(sql, arguments(values, &[])?)
    }

    fn query(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        each: Each<'_>,
    ) -> Result<(), Error> {
        let rows = self.fetch(sql, arguments(values, &[])?)?;
        rows.iter().try_for_each(|row| each(row))
    }

    fn execute_all(
        &mut self,
        sql: &Bulk,
        shared: &[Value<'_>],
        columns: &[Column<'_>],
    ) -> Result<(), Error> {
        if columns.first().is_none_or(|column| column.len() == 0) {
            return Ok(());
        }
        self.send(sql.postgres, arguments(shared, columns)?)
            .map(drop)
    }

    fn query_all(
        &mut self,
        sql: &Bulk,
        shared: &[Value<'_>],
        columns: &[Column<'_>],
        each: Each<'_>,
    ) -> Result<(), Error> {
        let rows = self.fetch(sql.postgres, arguments(shared, columns)?)?;
        rows.iter().try_for_each(|row| each(row))
    }
}

/// The statement with its places as PostgreSQL spells them. There are no other
/// question marks in our statements.
fn places(sql: &str) -> String {
    sql.replace('?', "$")
}

fn arguments(values: &[Value<'_>], columns: &[Column<'_>]) -> Result<PgArguments, Error> {
    let mut arguments = PgArguments::default();
    let unwritable = |error| Error::Damaged(format!("PostgreSQL: a value: {error}"));
    for value in values {
        match value {
            Value::Integer(number) => arguments.add(*number),
            Value::Text(text) => arguments.add(*text),
            Value::Bytes(bytes) => arguments.add(*bytes),
        }
        .map_err(unwritable)?;
    }
    for column in columns {
        match column {
            Column::Integers(cells) => arguments.add(&cells[..]),
            Column::Texts(cells) => arguments.add(&cells[..]),
            Column::Bytes(cells) => arguments.add(&cells[..]),
        }
        .map_err(unwritable)?;
    }
    Ok(arguments)
}

impl Row for PgRow {
    fn maybe_integer(&self, column: usize) -> Result<Option<i64>, Error> {
        let Some(bytes) = self.maybe_bytes(column)? else {
            return Ok(None);
        };
        match *bytes {
            [a, b, c, d, e, f, g, h] => Ok(Some(i64::from_be_bytes([a, b, c, d, e, f, g, h]))),
            [a, b] => Ok(Some(i16::from_be_bytes([a, b]).into())),
            _ => Err(Error::Damaged(format!("column {column} is no number"))),
        }
    }

    fn text(&self, column: usize) -> Result<&str, Error> {
        let bytes = self.maybe_bytes(column)?;
        std::str::from_utf8(bytes.unwrap_or_default())
            .map_err(|error| Error::Damaged(format!("column {column}: {error}")))
    }

    fn maybe_bytes(&self, column: usize) -> Result<Option<&[u8]>, Error> {
        let cell = self.try_get_raw(column).map_err(|error| failure(&error))?;
        if cell.is_null() {
            return Ok(None);
        }
        cell.as_bytes()
            .map(Some)
            .map_err(|error| Error::Damaged(format!("column {column}: {error}")))
    }
}

/// The state that the server names, if it was the server that failed.
fn state(error: &sqlx::Error) -> Option<String> {
    let error = error.as_database_error()?;
    error.code().map(|code| code.into_owned())
}

/// What a failure of the driver means. The codes are those of appendix A of the
/// PostgreSQL manual.
pub(crate) fn failure(error: &sqlx::Error) -> Error {
    let text = format!("PostgreSQL: {error}");
    match state(error) {
        // What is stored, or was to be stored, cannot be: data, constraints,
        // limits of the program, corruption.
        Some(state) if ["22", "23", "54", "XX"].contains(&&state[..2]) => Error::Damaged(text),
        _ => Error::Unavailable(text),
    }
}
