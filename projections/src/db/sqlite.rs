//! SQLite behind the seam.

use rusqlite::functions::FunctionFlags;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row, ToSql};

use super::{Buffer, Database, Dialect, Each, Ending, Insert, Record, Value, fold};
use crate::Error;

const DIALECT: Dialect = Dialect {
    integer: "INTEGER",
    text: "TEXT",
    clustered: " STRICT, WITHOUT ROWID",
    plain: " STRICT",
    fold: "fold",
    find: "instr",
    by_index: |name| format!(" INDEXED BY {name}"),
    limits_walks: false,
    begin: "BEGIN IMMEDIATE",
    snapshot: "BEGIN",
    hold_epoch: None,
    tables: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    park: None,
    progress: None,
};

/// A connection to a read-model file.
#[derive(Debug)]
pub(crate) struct Sqlite {
    connection: Connection,
}

impl Sqlite {
    /// Takes a connection that is set up but for what statements need.
    pub(crate) fn new(connection: Connection) -> rusqlite::Result<Self> {
        connection.set_prepared_statement_cache_capacity(256);
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        connection.create_scalar_function("fold", 1, flags, |context| {
            Ok(match context.get_raw(0) {
                ValueRef::Text(text) => Some(fold(&String::from_utf8_lossy(text))),
                _ => None,
            })
        })?;
        Ok(Self { connection })
    }
}

/// A cell of a buffer, whose texts are UTF-8 already.
struct Raw<'a>(Result<i64, &'a [u8]>);

impl ToSql for Raw<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Ok(value) => ValueRef::Integer(value),
            Err(text) => ValueRef::Text(text),
        }))
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(value) => ValueRef::Integer(*value),
            Self::Real(value) => ValueRef::Real(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
        }))
    }
}

impl Database for Sqlite {
    fn dialect(&self) -> &'static Dialect {
        &DIALECT
    }

    fn run(&mut self, sql: &str) -> Result<(), Error> {
        Ok(self.connection.execute_batch(sql)?)
    }

    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<usize, Error> {
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.execute(rusqlite::params_from_iter(values))?)
    }

    fn insert(&mut self, into: &Insert, cells: &Buffer) -> Result<(), Error> {
        if cells.is_empty() {
            return Ok(());
        }
        let mut statement = self.connection.prepare_cached(&into.sql)?;
        let mut cell = 0;
        while cell < cells.len() {
            for parameter in 1..=into.width {
                statement.raw_bind_parameter(parameter, Raw(cells.raw(cell)))?;
                cell += 1;
            }
            statement.raw_execute()?;
        }
        Ok(())
    }

    fn end(&mut self, what: &Ending, ended: &[[i64; 2]]) -> Result<(), Error> {
        if ended.is_empty() {
            return Ok(());
        }
        let mut statement = self.connection.prepare_cached(&what.sql)?;
        for pair in ended {
            statement.execute(*pair)?;
        }
        Ok(())
    }

    fn query(&mut self, sql: &str, values: &[Value], each: Each<'_>) -> Result<(), Error> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            if !each(row)? {
                break;
            }
        }
        Ok(())
    }
}

impl Record for Row<'_> {
    fn integer(&self, index: usize) -> Result<i64, Error> {
        Ok(self.get(index)?)
    }

    fn text(&self, index: usize) -> Result<&str, Error> {
        let cell = self.get_ref(index)?;
        cell.as_str()
            .map_err(|error| Error::Damaged(format!("column {index}: {error}")))
    }

    fn value(&self, index: usize) -> Result<Value, Error> {
        Ok(match self.get_ref(index)? {
            ValueRef::Integer(value) => Value::Integer(value),
            ValueRef::Real(value) => Value::Real(value),
            ValueRef::Text(text) => Value::from(&*String::from_utf8_lossy(text)),
            ValueRef::Null | ValueRef::Blob(_) => Value::Null,
        })
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error_code();
        if code == Some(rusqlite::ErrorCode::ConstraintViolation) {
            return Self::Damaged(format!("SQLite: {error}"));
        }
        Self::Unavailable(format!("SQLite: {error}"))
    }
}
