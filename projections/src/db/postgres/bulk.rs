//! Many rows with one statement.

use std::borrow::Cow;

use sqlx::Arguments as _;
use sqlx::postgres::PgArguments;

use super::{texts, unwritable};
use crate::Error;
use crate::db::{Buffer, Cell, Ending, Insert};

/// From so many rows on they are copied: that costs two round trips and a
/// statement that is not prepared, but much less for each row.
pub(super) const MANY: usize = 32;

/// A statement that adds rows, one array for each column.
pub(super) fn insert(into: &Insert, cells: &Buffer) -> Result<(String, PgArguments), Error> {
    let mut arguments = PgArguments::default();
    let mut arrays = String::new();
    for column in 0..into.width {
        if column > 0 {
            arrays.push_str(", ");
        }
        arrays.push_str(&format!("${}", column + 1));
        let column = (column..cells.len()).step_by(into.width);
        let mut numbers: Vec<i64> = Vec::new();
        let mut strings: Vec<Cow<'_, str>> = Vec::new();
        for cell in column.map(|cell| cells.get(cell)) {
            match cell {
                Cell::Integer(number) => numbers.push(number),
                Cell::Text(text) => strings.push(texts::stored(text)),
            }
        }
        match strings.is_empty() {
            true => arguments.add(numbers),
            false => arguments.add(strings),
        }
        .map_err(|error| unwritable(&*error))?;
    }
    let target = &into.target;
    let sql = format!("INSERT INTO {target} SELECT * FROM unnest({arrays})");
    Ok((sql, arguments))
}

/// A statement that ends validities.
pub(super) fn end(what: &Ending, ended: &[[i64; 2]]) -> Result<(String, PgArguments), Error> {
    let mut arguments = PgArguments::default();
    for part in 0..2 {
        let numbers: Vec<i64> = ended.iter().map(|pair| pair[part]).collect();
        let added = arguments.add(numbers);
        added.map_err(|error| unwritable(&*error))?;
    }
    let Ending { table, key, .. } = what;
    let sql = format!(
        "UPDATE {table} SET valid_to = ended.at FROM unnest($1, $2) AS ended (at, which) \
         WHERE {table}.{key} = ended.which"
    );
    Ok((sql, arguments))
}

/// A statement that copies rows, and the rows as its binary format has them.
pub(super) fn copy(into: &Insert, cells: &Buffer) -> Result<(String, Vec<u8>), Error> {
    let width = length(into.width)?;
    let mut rows = Vec::with_capacity(64 + cells.len() * 24);
    rows.extend_from_slice(b"PGCOPY\n\xff\r\n\0");
    // No flags, no extension of the header.
    rows.extend_from_slice(&[0; 8]);
    for cell in 0..cells.len() {
        if cell % into.width == 0 {
            rows.extend_from_slice(&(width as i16).to_be_bytes());
        }
        match cells.get(cell) {
            Cell::Integer(number) => {
                rows.extend_from_slice(&8_i32.to_be_bytes());
                rows.extend_from_slice(&number.to_be_bytes());
            }
            Cell::Text(text) => {
                let text = texts::stored(text);
                rows.extend_from_slice(&length(text.len())?.to_be_bytes());
                rows.extend_from_slice(text.as_bytes());
            }
        }
    }
    rows.extend_from_slice(&(-1_i16).to_be_bytes());
    let sql = format!("COPY {} FROM STDIN (FORMAT binary)", into.target);
    Ok((sql, rows))
}

fn length(length: usize) -> Result<i32, Error> {
    i32::try_from(length).map_err(|error| unwritable(&error))
}
