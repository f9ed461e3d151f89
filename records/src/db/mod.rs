//! The seam to the two backends: statements, what they are given, what they
//! answer. It is synchronous and is called on threads of its own.

mod postgres;
mod sqlite;

pub(crate) use postgres::{Postgres, failure};
pub(crate) use sqlite::Sqlite;

use crate::Error;

/// A parameter of a statement.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Integer(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(value)
    }
}

/// A parameter that is another one for each row; all of a statement are of the
/// same length.
#[derive(Clone, Debug)]
pub(crate) enum Column<'a> {
    Integers(Vec<i64>),
    Texts(Vec<&'a str>),
    Bytes(Vec<&'a [u8]>),
}

impl Column<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Integers(cells) => cells.len(),
            Self::Texts(cells) => cells.len(),
            Self::Bytes(cells) => cells.len(),
        }
    }
}

/// A statement that the backends have in different words. Parameters are `?1`,
/// `?2`, … in both.
#[derive(Debug)]
pub(crate) struct Either {
    pub sqlite: &'static str,
    pub postgres: &'static str,
}

/// A statement for many rows. The parameters that all rows share come first,
/// then the columns: SQLite runs its words for each row, PostgreSQL once, with
/// arrays.
pub(crate) type Bulk = Either;

/// A connection, within a transaction where something is written.
pub(crate) trait Database {
    /// The words of this backend.
    fn of(&self, sql: &Either) -> &'static str;

    /// Runs a statement and returns how many rows it changed.
    fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, Error>;

    /// Hands the rows of the answer to `each`.
    fn query(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        each: Each<'_>,
    ) -> Result<(), Error>;

    /// Runs a statement for many rows.
    fn execute_all(
        &mut self,
        sql: &Bulk,
        shared: &[Value<'_>],
        columns: &[Column<'_>],
    ) -> Result<(), Error>;

    /// The same for one that answers.
    fn query_all(
        &mut self,
        sql: &Bulk,
        shared: &[Value<'_>],
        columns: &[Column<'_>],
        each: Each<'_>,
    ) -> Result<(), Error>;
}

/// Takes a row of an answer.
pub(crate) type Each<'a> = &'a mut dyn FnMut(&dyn Row) -> Result<(), Error>;

/// A row of an answer; columns are counted from 0.
pub(crate) trait Row {
    fn maybe_integer(&self, column: usize) -> Result<Option<i64>, Error>;
    fn text(&self, column: usize) -> Result<&str, Error>;
    fn maybe_bytes(&self, column: usize) -> Result<Option<&[u8]>, Error>;
}

impl dyn Row + '_ {
    pub(crate) fn integer(&self, column: usize) -> Result<i64, Error> {
        self.maybe_integer(column)?.ok_or_else(|| null(column))
    }

    pub(crate) fn bytes<const N: usize>(&self, column: usize) -> Result<[u8; N], Error> {
        let bytes = self.maybe_bytes(column)?.ok_or_else(|| null(column))?;
        bytes
            .try_into()
            .map_err(|_| Error::Damaged(format!("column {column} has {} bytes", bytes.len())))
    }
}

fn null(column: usize) -> Error {
    Error::Damaged(format!("column {column} is empty"))
}

/// The one integer that a statement answers with, if it answers.
pub(crate) fn number(
    db: &mut dyn Database,
    sql: &'static str,
    values: &[Value<'_>],
) -> Result<Option<i64>, Error> {
    let mut found = None;
    db.query(sql, values, &mut |row| {
        found = row.maybe_integer(0)?;
        Ok(())
    })?;
    Ok(found)
}
