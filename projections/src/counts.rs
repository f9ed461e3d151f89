//! How many things had a value of a facet, at every position: so that the total
//! of a list costs one look however many there are, now and in the past.

use std::collections::HashMap;
use std::sync::Arc;

use crate::Error;
use crate::db::{Buffer, Database, Dialect, Insert, Value};
use crate::table::{Facet, Table};
use crate::versions::Store;

/// The counts of one generation of a table. One row per change of a count: the
/// count from this position on.
#[derive(Debug)]
pub(crate) struct Counts {
    table: String,
    /// Facets that are counted.
    facets: String,
    insert: Insert,
    last: String,
    /// Opened and closed since the last flush.
    changes: Vec<(Key, i64, i64)>,
    known: HashMap<Key, i64>,
}

/// Facet, project, parent, value.
pub(crate) type Key = (i64, Arc<str>, Arc<str>, Box<str>);

/// The name of the table.
pub(crate) fn table(table: &Table, generation: u32) -> String {
    format!("{}_counts_{generation}", table.name)
}

impl Counts {
    pub(crate) fn new(of: &Table, generation: u32) -> Option<Self> {
        let facets: Vec<String> = of
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.facet == Facet::Counted)
            .map(|(facet, _)| facet.to_string())
            .collect();
        let table = table(of, generation);
        (!facets.is_empty()).then(|| Self {
            facets: facets.join(", "),
            insert: Insert::new(
                &table,
                ["facet", "project", "parent", "value", "position", "count"],
            ),
            last: format!(
                "SELECT \"count\" FROM {table} WHERE facet = ?1 AND project = ?2 \
                 AND parent = ?3 AND value = ?4 ORDER BY position DESC LIMIT 1"
            ),
            table,
            changes: Vec::new(),
            known: HashMap::new(),
        })
    }

    pub(crate) fn create_table(&self, dialect: &Dialect) -> String {
        let (table, integer, text) = (&self.table, dialect.integer, dialect.text);
        format!(
            "CREATE TABLE {table} (
                 facet    {integer} NOT NULL,
                 project  {text} NOT NULL,
                 parent   {text} NOT NULL,
                 value    {text} NOT NULL,
                 position {integer} NOT NULL,
                 \"count\"  {integer} NOT NULL,
                 PRIMARY KEY (facet, project, parent, value, position)
             ){};",
            dialect.clustered
        )
    }

    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    /// Notes that something got (1) or lost (-1) a value.
    pub(crate) fn change(&mut self, key: Key, position: i64, by: i64) {
        self.changes.push((key, position, by));
    }

    pub(crate) fn flush(&mut self, store: &mut Store<'_>) -> Result<(), Error> {
        let mut rows = Buffer::default();
        // What changes several times with one event is written once.
        let mut changed: Vec<Key> = Vec::new();
        let mut at = None;
        for (key, position, by) in std::mem::take(&mut self.changes) {
            if at != Some(position) {
                self.write(&mut rows, at, &mut changed);
                at = Some(position);
            }
            *self.count(store, &key)? += by;
            if !changed.contains(&key) {
                changed.push(key);
            }
        }
        self.write(&mut rows, at, &mut changed);
        store.db.insert(&self.insert, &rows)?;
        if self.known.len() > 10_000 {
            self.known.clear();
        }
        Ok(())
    }

    fn write(&self, rows: &mut Buffer, at: Option<i64>, changed: &mut Vec<Key>) {
        let Some(position) = at else { return };
        for key in changed.drain(..) {
            let (facet, project, parent, value) = &key;
            rows.integer(*facet);
            rows.text(project);
            rows.text(parent);
            rows.text(value);
            rows.integer(position);
            rows.integer(self.known.get(&key).copied().unwrap_or_default());
        }
    }

    fn count(&mut self, store: &mut Store<'_>, key: &Key) -> Result<&mut i64, Error> {
        if !self.known.contains_key(key) {
            let values = [
                key.0.into(),
                Value::from(&key.1),
                Value::from(&key.2),
                (&*key.3).into(),
            ];
            let mut last = 0;
            store.db.query(&self.last, &values, &mut |record| {
                last = record.integer(0)?;
                Ok(false)
            })?;
            self.known.insert(key.clone(), last);
        }
        Ok(self.known.entry(key.clone()).or_default())
    }

    /// Nothing below a project, or a parent in it, has any value any more.
    /// Everything must have been flushed.
    pub(crate) fn end(
        &mut self,
        store: &mut Store<'_>,
        project: &str,
        parent: Option<&str>,
    ) -> Result<(), Error> {
        self.known.clear();
        let (table, facets) = (&self.table, &self.facets);
        let mut values: Vec<Value> = vec![store.position.into(), project.into()];
        let below = match parent {
            Some(parent) => {
                values.push(parent.into());
                " AND parent = ?3"
            }
            None => "",
        };
        let sql = format!(
            "INSERT INTO {table} SELECT DISTINCT facet, project, parent, value, ?1, 0 \
             FROM {table} WHERE facet IN ({facets}) AND project = ?2{below} AND position < ?1"
        );
        store.db.execute(&sql, &values)?;
        Ok(())
    }

    pub(crate) fn forget(&mut self) {
        self.changes.clear();
        self.known.clear();
    }
}

/// The count of a value as of a position.
pub(crate) fn count(
    db: &mut dyn Database,
    table: &str,
    key: [Value; 4],
    at: Option<u64>,
) -> Result<i64, Error> {
    let mut values = Vec::from(key);
    let until = match at {
        None => "",
        Some(position) => {
            values.push(position.into());
            " AND position <= ?5"
        }
    };
    let sql = format!(
        "SELECT \"count\" FROM {table} WHERE facet = ?1 AND project = ?2 AND parent = ?3 \
         AND value = ?4{until} ORDER BY position DESC LIMIT 1"
    );
    let mut count = 0;
    db.query(&sql, &values, &mut |record| {
        count = record.integer(0)?;
        Ok(false)
    })?;
    Ok(count)
}
