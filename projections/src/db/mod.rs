//! The seam to the SQL database: values, statements, and where the dialects of
//! SQL differ. Everything else in this crate is the same for every database.
//!
//! Parameters are written `?1`, `?2`, … A database that wants another spelling
//! rewrites them when it prepares a statement.

mod buffer;
mod postgres;
mod sqlite;

use std::sync::Arc;

pub(crate) use buffer::{Buffer, Cell};
pub(crate) use postgres::{Postgres, failure};
pub(crate) use sqlite::Sqlite;

use crate::Error;

/// The end of a validity that has not ended.
pub(crate) const OPEN: i64 = i64::MAX;
/// [`OPEN`] as it stands in statements. A literal, so that the planner knows
/// that a partial index on it serves.
pub(crate) const OPEN_SQL: &str = "9223372036854775807";

/// A value in a row or of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(Arc<str>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Integer(value as i64)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Integer(value.into())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value.into())
    }
}

impl From<&Arc<str>> for Value {
    fn from(value: &Arc<str>) -> Self {
        Self::Text(Arc::clone(value))
    }
}

/// One row of an answer.
pub(crate) trait Record {
    fn integer(&self, index: usize) -> Result<i64, Error>;
    fn text(&self, index: usize) -> Result<&str, Error>;
    fn value(&self, index: usize) -> Result<Value, Error>;
}

/// Called with each row of an answer; `false` ends the reading.
pub(crate) type Each<'a> = &'a mut dyn FnMut(&dyn Record) -> Result<bool, Error>;

/// One connection to the database that holds the read models.
pub(crate) trait Database: Send {
    /// How this database wants its SQL.
    fn dialect(&self) -> &'static Dialect;

    /// Runs statements that take no parameters.
    fn run(&mut self, sql: &str) -> Result<(), Error>;

    /// Runs one statement and returns how many rows it changed.
    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<usize, Error>;

    /// Adds rows. `cells` holds them one after the other.
    fn insert(&mut self, into: &Insert, cells: &Buffer) -> Result<(), Error>;

    /// Ends validities: when, which.
    fn end(&mut self, what: &Ending, ended: &[[i64; 2]]) -> Result<(), Error>;

    /// Runs a query.
    fn query(&mut self, sql: &str, values: &[Value], each: Each<'_>) -> Result<(), Error>;

    /// The connection is lost; another one has to be opened.
    fn is_lost(&self) -> bool {
        false
    }
}

/// Where rows are added.
#[derive(Debug)]
pub(crate) struct Insert {
    /// The table and the columns.
    pub target: String,
    /// The statement for one row.
    pub sql: String,
    /// How many values one row has.
    pub width: usize,
}

/// Rows whose validity ends, each named by a number.
#[derive(Debug)]
pub(crate) struct Ending {
    pub table: String,
    /// The column that names a row.
    pub key: &'static str,
    /// The statement for one row: when, which.
    pub sql: String,
}

impl Ending {
    pub(crate) fn new(table: &str, key: &'static str) -> Self {
        Self {
            table: table.to_owned(),
            key,
            sql: format!("UPDATE {table} SET valid_to = ?1 WHERE {key} = ?2"),
        }
    }
}

impl Insert {
    pub(crate) fn new<'a>(table: &str, columns: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names = String::new();
        let mut places = String::new();
        let mut width = 0;
        for column in columns {
            if width > 0 {
                names.push_str(", ");
                places.push_str(", ");
            }
            width += 1;
            names.push_str(&format!("\"{column}\""));
            places.push_str(&format!("?{width}"));
        }
        let target = format!("{table} ({names})");
        Self {
            sql: format!("INSERT INTO {target} VALUES ({places})"),
            target,
            width,
        }
    }
}

/// What differs between databases in the text of statements.
#[derive(Debug)]
pub(crate) struct Dialect {
    /// The type of whole numbers of 64 bits.
    pub integer: &'static str,
    /// The type of texts that compare byte by byte.
    pub text: &'static str,
    /// What follows the definition of a table that has its rows in the order
    /// of its primary key.
    pub clustered: &'static str,
    /// What follows the definition of any other table.
    pub plain: &'static str,
    /// The function that takes the case out of a text.
    pub fold: &'static str,
    /// The function that finds a text in another, from 1; 0: it is not there.
    pub find: &'static str,
    /// Names the index that a table is to be read by.
    pub by_index: fn(&str) -> String,
    /// A union of walks does not end when the answer has enough rows: each
    /// walk has to be told.
    pub limits_walks: bool,
    /// Begins a transaction that writes.
    pub begin: &'static str,
    /// Begins a transaction that reads one moment.
    pub snapshot: &'static str,
    /// Asks for the epoch so that it stays as it is until the transaction
    /// ends; none: beginning a transaction does that.
    pub hold_epoch: Option<&'static str>,
    /// Lists the names of the tables.
    pub tables: &'static str,
    /// Notes why a projection has stopped, for the other nodes: reason, name;
    /// none: there are no other nodes.
    pub park: Option<&'static str>,
    /// Notes how far a rebuild is, for the other nodes: done, total, name.
    pub progress: Option<&'static str>,
}

/// Takes the case out of a text, as [`Dialect::fold`] does.
pub(crate) fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// What [`fold`] changes, for a database that is told so.
pub(crate) fn lower_case() -> impl Iterator<Item = (char, String)> {
    let all = ('\0'..=char::MAX).map(|one| (one, one.to_lowercase().collect::<String>()));
    all.filter(|(one, lower)| !lower.chars().eq([*one]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_keeps_what_lower_case_would_change_by_context() {
        assert_eq!(fold("ΣΑΣ"), "σασ");
        assert_eq!(fold("İ"), "i\u{307}");
    }
}
