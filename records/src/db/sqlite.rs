//! SQLite behind the seam.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Statement, ToSql};

use super::{Bulk, Column, Database, Each, Either, Row, Value};
use crate::Error;

/// A connection to the file.
#[derive(Debug)]
pub(crate) struct Sqlite(Connection);

impl Sqlite {
    pub(crate) fn new(connection: Connection) -> Self {
        connection.set_prepared_statement_cache_capacity(64);
        Self(connection)
    }

    /// Runs a statement without parameters, such as `COMMIT`.
    pub(crate) fn run(&self, sql: &'static str) -> Result<(), Error> {
        self.0.prepare_cached(sql)?.raw_execute()?;
        Ok(())
    }

    /// Whether a transaction is under way. Some failures end it.
    pub(crate) fn is_in_transaction(&self) -> bool {
        !self.0.is_autocommit()
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Integer(value) => ValueRef::Integer(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Bytes(value) => ValueRef::Blob(value),
        }))
    }
}

impl Column<'_> {
    fn cell(&self, row: usize) -> Value<'_> {
        match self {
            Self::Integers(cells) => Value::Integer(cells[row]),
            Self::Texts(cells) => Value::Text(cells[row]),
            Self::Bytes(cells) => Value::Bytes(cells[row]),
        }
    }
}

impl Database for Sqlite {
    fn of(&self, sql: &Either) -> &'static str {
        sql.sqlite
    }

    fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, Error> {
        let mut statement = self.0.prepare_cached(sql)?;
        Ok(statement.execute(rusqlite::params_from_iter(values))? as u64)
    }

    fn query(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        each: Each<'_>,
    ) -> Result<(), Error> {
        let mut statement = self.0.prepare_cached(sql)?;
        bind(&mut statement, 0, values.iter().copied())?;
        answer(&mut statement, each)
    }

    fn execute_all(
        &mut self,
        sql: &Bulk,
        shared: &[Value<'_>],
        columns: &[Column<'_>],
    ) -> Result<(), Error> {
        let mut statement = self.0.prepare_cached(sql.sqlite)?;
        bind(&mut statement, 0, shared.iter().copied())?;
        for row in 0..columns.first().map_or(0, Column::len) {
            let cells = columns.iter().map(|column| column.cell(row));
            bind(&mut statement, shared.len(), cells)?;
            statement.raw_execute()?;
        }
        Ok(())
    }

    fn query_all(
        &mut self,
        sql: &Bulk,
        shared: &[Value<'_>],
        columns: &[Column<'_>],
        each: Each<'_>,
    ) -> Result<(), Error> {
        let mut statement = self.0.prepare_cached(sql.sqlite)?;
        bind(&mut statement, 0, shared.iter().copied())?;
        for row in 0..columns.first().map_or(0, Column::len) {
            let cells = columns.iter().map(|column| column.cell(row));
            bind(&mut statement, shared.len(), cells)?;
            answer(&mut statement, each)?;
        }
        Ok(())
    }
}

fn bind<'a>(
    statement: &mut Statement<'_>,
    before: usize,
    values: impl Iterator<Item = Value<'a>>,
) -> rusqlite::Result<()> {
    for (index, value) in values.enumerate() {
        statement.raw_bind_parameter(before + index + 1, value)?;
    }
    Ok(())
}

fn answer(statement: &mut Statement<'_>, each: Each<'_>) -> Result<(), Error> {
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        each(row)?;
    }
    Ok(())
}

impl Row for rusqlite::Row<'_> {
    fn maybe_integer(&self, column: usize) -> Result<Option<i64>, Error> {
        Ok(self.get(column)?)
    }

    fn text(&self, column: usize) -> Result<&str, Error> {
        let cell = self.get_ref(column)?;
        cell.as_str()
            .map_err(|error| Error::Damaged(format!("column {column}: {error}")))
    }

    fn maybe_bytes(&self, column: usize) -> Result<Option<&[u8]>, Error> {
        let cell = self.get_ref(column)?;
        cell.as_blob_or_null()
            .map_err(|error| Error::Damaged(format!("column {column}: {error}")))
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) {
            return Self::Damaged(format!("SQLite: {error}"));
        }
        Self::Unavailable(format!("SQLite: {error}"))
    }
}
