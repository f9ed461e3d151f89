//! Tables that are only ever added to, one row or some per event: not
//! versions, but things that happened.

use crate::Error;
use crate::db::{Buffer, Dialect, Insert};
use crate::projection::Part;
use crate::table::{Column, Kind};
use crate::versions::Store;

/// The shape of such a table. The first `key` columns are its primary key.
#[derive(Debug)]
pub(crate) struct Shape {
    pub name: &'static str,
    pub columns: &'static [Column],
    pub key: usize,
    /// Columns that have an index, each with the primary key behind it.
    pub indexed: &'static [&'static str],
}

impl Shape {
    /// The name of the table.
    pub(crate) fn table(&self, generation: u32) -> String {
        format!("{}_{generation}", self.name)
    }

    /// The name of the index on a column.
    pub(crate) fn index(&self, generation: u32, column: &str) -> String {
        format!("{}_{generation}_{column}", self.name)
    }

    fn key(&self) -> String {
        let key = self.columns[..self.key].iter().map(|column| column.name);
        key.collect::<Vec<_>>().join(", ")
    }
}

/// One generation of such a table.
#[derive(Debug)]
pub(crate) struct Appended {
    shape: &'static Shape,
    generation: u32,
    insert: Insert,
    /// Rows that are not in the database.
    pub rows: Buffer,
}

impl Appended {
    pub(crate) fn new(shape: &'static Shape, generation: u32) -> Self {
        let columns = shape.columns.iter().map(|column| column.name);
        Self {
            shape,
            generation,
            insert: Insert::new(&shape.table(generation), columns),
            rows: Buffer::default(),
        }
    }
}

impl Part for Appended {
    fn flush(&mut self, store: &mut Store<'_>) -> Result<(), Error> {
        store.db.insert(&self.insert, &self.rows)?;
        self.rows.clear();
        Ok(())
    }

    fn forget(&mut self) {
        self.rows.clear();
    }

    fn create_tables(&self, dialect: &Dialect) -> String {
        let columns: Vec<String> = self
            .shape
            .columns
            .iter()
            .map(|column| {
                let kind = match column.kind {
                    Kind::Text => dialect.text,
                    Kind::Integer => dialect.integer,
                };
                format!("{} {kind} NOT NULL", column.name)
            })
            .collect();
        format!(
            "CREATE TABLE {} ({}, PRIMARY KEY ({})){};",
            self.shape.table(self.generation),
            columns.join(", "),
            self.shape.key(),
            match self.shape.key {
                1 => dialect.plain,
                _ => dialect.clustered,
            },
        )
    }

    fn create_indexes(&self) -> Vec<String> {
        let (shape, generation) = (self.shape, self.generation);
        let each = shape.indexed.iter();
        each.map(|column| {
            format!(
                "CREATE INDEX IF NOT EXISTS {} ON {} ({column}, {})",
                shape.index(generation, column),
                shape.table(generation),
                shape.key(),
            )
        })
        .collect()
    }

    fn be_ready(&mut self) {}

    fn tables(&self) -> Vec<String> {
        vec![self.shape.table(self.generation)]
    }
}
