//! Writing what is not in the database, all at once.

use super::facets::write_facet;
use super::{KEPT, Row, Store, Versions, write_version};
use crate::Error;
use crate::db::{Dialect, OPEN};
use crate::projection::Part;
use crate::table::{Index, Statements};

impl<R: Row> Part for Versions<R> {
    fn flush(&mut self, store: &mut Store<'_>) -> Result<(), Error> {
        for key in self.dirty.drain(..) {
            let Some(Some(current)) = self.known.get_mut(&key) else {
                continue;
            };
            if let Some(version) = current.unwritten.take() {
                write_version(&mut self.versions, version, current.sequence, &current.row)?;
            }
            let scope = (&*current.project, &*current.parent);
            for held in &mut current.facets {
                if let (false, Some(interval)) = (held.written, held.interval) {
                    held.written = true;
                    let scope = held.scope(scope);
                    let (facet, value) = (held.facet, &held.value);
                    let sequence = current.sequence;
                    write_facet(
                        &mut self.facets,
                        interval,
                        facet,
                        scope,
                        value,
                        sequence,
                        OPEN,
                    );
                }
            }
        }
        if !self.closed_by_value.is_empty() {
            self.need(store, Index::FacetsNow)?;
        }
        // Before what is opened: it may be the same value again.
        let mut found: Vec<[i64; 2]> = Vec::new();
        for (closed, when) in self.closed_by_value.drain(..) {
            let mut interval = None;
            let sql = &self.statements.interval;
            store.db.query(sql, &closed, &mut |record| {
                interval = Some(record.integer(0)?);
                Ok(false)
            })?;
            let interval = interval
                .ok_or_else(|| Error::Damaged(format!("{} lacks {closed:?}", self.names.facets)))?;
            found.push([when, interval]);
        }
        // By its number: a change of one row needs no undo log.
        store.db.end(&self.statements.close_interval, &found)?;
        store.db.insert(&self.statements.insert_life, &self.lives)?;
        store
            .db
            .insert(&self.statements.insert_version, &self.versions)?;
        store
            .db
            .insert(&self.statements.insert_facet, &self.facets)?;
        let Statements {
            close_interval,
            end_life,
            ..
        } = &self.statements;
        store.db.end(close_interval, &self.closed)?;
        store.db.end(end_life, &self.ended)?;
        self.closed.clear();
        self.ended.clear();
        if let Some(counts) = &mut self.counts {
            counts.flush(store)?;
        }
        self.recorded = false;
        self.lives.clear();
        self.versions.clear();
        self.facets.clear();
        if self.known.len() > KEPT {
            self.older = std::mem::take(&mut self.known);
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.made.clear();
        self.known.clear();
        self.older.clear();
        self.dirty.clear();
        self.recorded = false;
        self.lives.clear();
        self.versions.clear();
        self.facets.clear();
        self.ended.clear();
        self.closed.clear();
        self.closed_by_value.clear();
        if let Some(counts) = &mut self.counts {
            counts.forget();
        }
    }

    fn create_indexes(&self) -> Vec<String> {
        let each = Index::ALL.iter();
        each.map(|index| self.names.create_index(*index)).collect()
    }

    fn be_ready(&mut self) {
        self.ready = true;
    }

    fn create_tables(&self, dialect: &Dialect) -> String {
        let counts = self.counts.as_ref();
        let counts = counts.map_or_else(String::new, |counts| counts.create_table(dialect));
        self.names.create(dialect) + &counts
    }

    fn tables(&self) -> Vec<String> {
        let mut tables = self.names.tables();
        tables.extend(self.counts.iter().map(|counts| counts.table().to_owned()));
        tables
    }
}
