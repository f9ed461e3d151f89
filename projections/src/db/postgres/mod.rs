//! PostgreSQL behind the seam.
//!
//! The seam is synchronous and is called on threads of its own. Each connection
//! has a runtime of its own, which runs on the thread that asks and only while
//! it asks: an answer needs no other thread to be woken.

mod bulk;
mod texts;

use std::cell::OnceCell;
use std::future::Future;
use std::time::Duration;

use futures::TryStreamExt as _;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgRow};
use sqlx::{
    Arguments as _, AssertSqlSafe, Connection as _, Row as _, TypeInfo as _, ValueRef as _,
};
use tokio::runtime::{Builder, Runtime};

use super::{Buffer, Database, Dialect, Each, Ending, Insert, Record, Value};
use crate::Error;

const DIALECT: Dialect = Dialect {
    integer: "BIGINT",
    text: "TEXT COLLATE \"C\"",
    clustered: "",
    plain: "",
    fold: "fold",
    find: "strpos",
    by_index: |_| String::new(),
    limits_walks: true,
    begin: "BEGIN",
    snapshot: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    hold_epoch: Some("SELECT epoch FROM runner FOR SHARE"),
    tables: "SELECT tablename::text FROM pg_catalog.pg_tables WHERE schemaname = current_schema()",
    park: Some("UPDATE projections SET parked = ?1 WHERE name = ?2"),
    progress: Some("UPDATE projections SET rebuild_done = ?1, rebuild_total = ?2 WHERE name = ?3"),
};

/// How long the server may take to let somebody in.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection to the schema that holds read models.
pub(crate) struct Postgres {
    driver: Driver,
    connection: PgConnection,
    /// Beginnings and savepoints: they go with the next statement, and with
    /// none when nothing follows.
    marks: String,
    lost: bool,
}

/// Runs a connection. May be dropped anywhere.
struct Driver(Option<Runtime>);

impl Driver {
    fn wait<T>(&self, work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
        match &self.0 {
            Some(runtime) => runtime.block_on(work),
            None => Err(sqlx::Error::WorkerCrashed),
        }
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
            .wait(async {
                let connection = PgConnection::connect_with(options);
                let connected = tokio::time::timeout(PATIENCE, connection).await;
                connected.unwrap_or_else(|late| Err(sqlx::Error::Io(late.into())))
            })
            .map_err(|error| failure(&error))?;
        Ok(Self {
            driver,
            connection,
            marks: String::new(),
            lost: false,
        })
    }

    fn mark(&mut self, sql: &str) {
        let opened = sql
            .strip_prefix("RELEASE ")
            .map(|of| format!("SAVEPOINT {of};"));
        match opened {
            // Nothing has happened since.
            Some(opened) if self.marks.ends_with(&opened) => {
                let kept = self.marks.len() - opened.len();
                self.marks.truncate(kept);
            }
            _ => {
                self.marks.push_str(sql);
                self.marks.push(';');
            }
        }
    }

    fn send_marks(&mut self) -> Result<(), Error> {
        if self.marks.is_empty() {
            return Ok(());
        }
        let marks = std::mem::take(&mut self.marks);
        self.send(marks)
    }

    /// Sends statements without parameters.
    fn send(&mut self, sql: String) -> Result<(), Error> {
        let Self {
            driver, connection, ..
        } = self;
        let sent = driver.wait(sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection));
        self.noted(sent)?;
        Ok(())
    }

    fn statement(&mut self, sql: String, arguments: PgArguments) -> Result<usize, Error> {
        self.send_marks()?;
        let Self {
            driver, connection, ..
        } = self;
        let statement = sqlx::query_with(AssertSqlSafe(sql), arguments);
        let done = driver.wait(statement.execute(connection));
        Ok(self.noted(done)?.rows_affected() as usize)
    }

    /// Notes whether the connection is lost.
    fn noted<T>(&mut self, result: sqlx::Result<T>) -> Result<T, Error> {
        result.map_err(|error| {
            self.lost |= is_lost(&error);
            failure(&error)
        })
    }
}

impl Database for Postgres {
    fn dialect(&self) -> &'static Dialect {
        &DIALECT
    }

    fn run(&mut self, sql: &str) -> Result<(), Error> {
        let marks = ["BEGIN", "SAVEPOINT ", "RELEASE "];
        if marks.iter().any(|mark| sql.starts_with(mark)) {
            self.mark(sql);
            return Ok(());
        }
        let mut marks = std::mem::take(&mut self.marks);
        if sql == "ROLLBACK" && marks.starts_with("BEGIN") {
            return Ok(());
        }
        marks.push_str(sql);
        self.send(marks)
    }

    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<usize, Error> {
        if values.is_empty() {
            return self.run(sql).map(|()| 0);
        }
        self.statement(places(sql), arguments(values)?)
    }

    fn insert(&mut self, into: &Insert, cells: &Buffer) -> Result<(), Error> {
        if cells.is_empty() {
            return Ok(());
        }
        if cells.len() / into.width < bulk::MANY {
            let (sql, arguments) = bulk::insert(into, cells)?;
            return self.statement(sql, arguments).map(drop);
        }
        self.send_marks()?;
        let (sql, rows) = bulk::copy(into, cells)?;
        let Self {
            driver, connection, ..
        } = self;
        let copied = driver.wait(async {
            let mut copy = connection.copy_in_raw(&sql).await?;
            copy.send(rows).await?;
            copy.finish().await
        });
        self.noted(copied)?;
        Ok(())
    }

    fn end(&mut self, what: &Ending, ended: &[[i64; 2]]) -> Result<(), Error> {
        if ended.is_empty() {
            return Ok(());
        }
        let (sql, arguments) = bulk::end(what, ended)?;
        self.statement(sql, arguments).map(drop)
    }

    /// What is left of an answer when `each` ends the reading is passed over
    /// with the next statement.
    fn query(&mut self, sql: &str, values: &[Value], each: Each<'_>) -> Result<(), Error> {
        self.send_marks()?;
        let query = sqlx::query_with(AssertSqlSafe(places(sql)), arguments(values)?);
        let Self {
            driver, connection, ..
        } = self;
        let mut refused = Ok(());
        let read = driver.wait(async {
            let mut rows = query.fetch(connection);
            while let Some(row) = rows.try_next().await? {
                match each(&Fetched::new(row)) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        refused = Err(error);
                        break;
                    }
                }
            }
            Ok(())
        });
        self.noted(read)?;
        refused
    }

    fn is_lost(&self) -> bool {
        self.lost
    }
}

/// The statement with its places as PostgreSQL spells them. There are no other
/// question marks in our statements.
fn places(sql: &str) -> String {
    sql.replace('?', "$")
}

fn arguments(values: &[Value]) -> Result<PgArguments, Error> {
    let mut arguments = PgArguments::default();
    for value in values {
        match value {
            Value::Null => arguments.add(None::<&str>),
            Value::Integer(number) => arguments.add(*number),
            Value::Real(number) => arguments.add(*number),
            Value::Text(text) => arguments.add(texts::stored(text)),
        }
        .map_err(|error| unwritable(&*error))?;
    }
    Ok(arguments)
}

fn unwritable(error: &(dyn std::error::Error + Send + Sync)) -> Error {
    Error::Damaged(format!("PostgreSQL: a value: {error}"))
}

/// A row, with texts as they were given.
struct Fetched {
    row: PgRow,
    /// Texts that are stored in another way.
    others: OnceCell<Vec<(usize, String)>>,
}

impl Fetched {
    fn new(row: PgRow) -> Self {
        Self {
            row,
            others: OnceCell::new(),
        }
    }

    fn cell(&self, index: usize) -> Result<sqlx::postgres::PgValueRef<'_>, Error> {
        self.row.try_get_raw(index).map_err(|error| failure(&error))
    }

    fn others(&self) -> &[(usize, String)] {
        self.others.get_or_init(|| {
            let text = |index| {
                let cell = self.row.try_get_raw(index).ok()?;
                Some((index, texts::original(cell.as_str().ok()?)?))
            };
            (0..self.row.len()).filter_map(text).collect()
        })
    }
}

impl Record for Fetched {
    fn integer(&self, index: usize) -> Result<i64, Error> {
        let cell = self.cell(index)?;
        let bytes = cell
            .as_bytes()
            .map_err(|error| unreadable(index, &*error))?;
        match *bytes {
            [a, b, c, d, e, f, g, h] => Ok(i64::from_be_bytes([a, b, c, d, e, f, g, h])),
            [a, b, c, d] => Ok(i32::from_be_bytes([a, b, c, d]).into()),
            _ => Err(Error::Damaged(format!("column {index} is no number"))),
        }
    }

    fn text(&self, index: usize) -> Result<&str, Error> {
        let text = self.cell(index)?.as_str();
        let text = text.map_err(|error| unreadable(index, &*error))?;
        if !texts::is_other(text) {
            return Ok(text);
        }
        let mut others = self.others().iter();
        let other = others.find(|(column, _)| *column == index);
        Ok(other.map_or(text, |(_, other)| other))
    }

    fn value(&self, index: usize) -> Result<Value, Error> {
        let cell = self.cell(index)?;
        if cell.is_null() {
            return Ok(Value::Null);
        }
        match cell.type_info().name() {
            "INT8" | "INT4" => self.integer(index).map(Value::Integer),
            "FLOAT8" => Ok(Value::Real(f64::from_bits(self.integer(index)? as u64))),
            "TEXT" | "VARCHAR" => self.text(index).map(Value::from),
            other => Err(Error::Damaged(format!("column {index} is of type {other}"))),
        }
    }
}

fn unreadable(index: usize, error: &(dyn std::error::Error + Send + Sync)) -> Error {
    Error::Damaged(format!("column {index}: {error}"))
}

/// The state that the server names, if it was the server that failed.
fn state(error: &sqlx::Error) -> Option<String> {
    let error = error.as_database_error()?;
    error.code().map(|code| code.into_owned())
}

fn is_lost(error: &sqlx::Error) -> bool {
    match state(error) {
        // A connection, the server shutting down, a session timed out.
        Some(state) => state.starts_with("08") || state.starts_with("57P") || state == "25P03",
        None => true,
    }
}

/// What a failure of the driver means.
pub(crate) fn failure(error: &sqlx::Error) -> Error {
    let text = format!("PostgreSQL: {error}");
    match state(error) {
        // What is stored, or was to be stored, cannot be: data, constraints,
        // limits of the program, corruption.
        Some(state) if ["22", "23", "54", "XX"].contains(&&state[..2]) => Error::Damaged(text),
        _ => Error::Unavailable(text),
    }
}
