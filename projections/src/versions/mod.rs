//! The rows of one versioned table as a projection writes them: what is now,
//! behind a cache, with the framework opening and closing validities.

mod endings;
mod facets;
mod finding;
mod part;

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::counts::Counts;
use crate::db::{Buffer, Database, OPEN, Value};
use crate::projection::Part;
use crate::table::{GLOBAL, Index, Names, Statements, Table, number};
use facets::{Held, facet_text, write_facet};

/// A row of a versioned table.
pub(crate) trait Row: Clone + Serialize + DeserializeOwned + Send + 'static {
    /// The table.
    const TABLE: &'static Table;

    /// The values of the table's columns, in their order.
    fn columns(&self, to: &mut Buffer);

    /// What this row is looked for by over all projects.
    fn global(&self) -> Option<&str> {
        None
    }
}

/// Where a batch of events writes to, and the position it is at.
pub(crate) struct Store<'a> {
    pub db: &'a mut dyn Database,
    pub position: i64,
}

/// Names a row: project, parent and id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub project: &'a str,
    /// The function of a deployment, execution or variable; otherwise empty.
    pub parent: &'a str,
    pub id: &'a str,
}

impl<'a> Place<'a> {
    /// A place whose key has no parent.
    pub(crate) fn new(project: &'a str, id: &'a str) -> Self {
        Self {
            project,
            parent: "",
            id,
        }
    }

    /// The same id below a parent.
    pub(crate) fn below(self, parent: &'a str) -> Self {
        Self { parent, ..self }
    }
}

/// One table: see the module.
pub(crate) struct Versions<R: Row> {
    names: Names,
    statements: Statements,
    /// All indexes are there.
    ready: bool,
    /// Those that are there in a table that is not ready.
    made: Vec<Index>,
    /// What is known of a key; none: that it has no current row. What is in
    /// neither map has nothing unwritten, but for what was only recorded.
    known: Known<R>,
    /// Known before; everything in it is written.
    older: Known<R>,
    /// Keys that have something unwritten.
    dirty: Vec<String>,
    /// Something was recorded and is not written.
    recorded: bool,
    lives: Buffer,
    versions: Buffer,
    facets: Buffer,
    /// Lives that have ended: when, which.
    ended: Vec<[i64; 2]>,
    /// Intervals in the database that have ended: when, which.
    closed: Vec<[i64; 2]>,
    /// Facets in the database that have ended, of rows that were read from it:
    /// facet, project, parent, value, sequence; when.
    closed_by_value: Vec<([Value; 5], i64)>,
    scratch: Buffer,
    counts: Option<Counts>,
    /// How many versions and facets the event at a position has made.
    numbered: (i64, i64, i64),
    last_parent: Arc<str>,
    last_project: Arc<str>,
}

type Known<R> = HashMap<String, Option<Current<R>>>;

struct Current<R> {
    project: Arc<str>,
    parent: Arc<str>,
    sequence: i64,
    row: R,
    /// The version that `row` is, when it is not in the database.
    unwritten: Option<i64>,
    facets: Vec<Held>,
    /// The text whose words are facets.
    words: Box<str>,
}

/// Rows that are kept in memory between batches, at most twice as many.
const KEPT: usize = 32_768;

impl<R: Row> Versions<R> {
    /// `ready`: the tables are there with all their indexes.
    pub(crate) fn new(generation: u32, ready: bool) -> Self {
        let names = Names::new(R::TABLE, generation);
        Self {
            statements: Statements::new(&names),
            names,
            ready,
            made: Vec::new(),
            known: HashMap::new(),
            older: HashMap::new(),
            dirty: Vec::new(),
            recorded: false,
            lives: Buffer::default(),
            versions: Buffer::default(),
            facets: Buffer::default(),
            ended: Vec::new(),
            closed: Vec::new(),
            closed_by_value: Vec::new(),
            scratch: Buffer::default(),
            counts: Counts::new(R::TABLE, generation),
            numbered: (0, 0, 0),
            last_parent: Arc::default(),
            last_project: Arc::default(),
        }
    }

    /// The row as it is now.
    pub(crate) fn get(
        &mut self,
        store: &mut Store<'_>,
        at: Place<'_>,
    ) -> Result<Option<&R>, Error> {
        let key = self.look_up(store, at)?;
        Ok(self.known[&key].as_ref().map(|current| &current.row))
    }

    /// Begins a life. There must be none under this id.
    pub(crate) fn create(&mut self, store: &Store<'_>, at: Place<'_>, row: R) -> Result<(), Error> {
        let position = store.position;
        self.write_life(position, at);
        let mut current = Current {
            project: shared(&mut self.last_project, at.project),
            parent: shared(&mut self.last_parent, at.parent),
            sequence: position,
            row,
            unwritten: Some(number(position, 0)),
            facets: Vec::new(),
            words: Box::default(),
        };
        self.see_facets(&mut current, position);
        let key = key::<R>(at);
        self.dirty.push(key.clone());
        self.known.insert(key, Some(current));
        Ok(())
    }

    /// Begins a life that will hardly ever change.
    pub(crate) fn record(
        &mut self,
        store: &Store<'_>,
        at: Place<'_>,
        row: &R,
    ) -> Result<(), Error> {
        let position = store.position;
        self.write_life(position, at);
        write_version(&mut self.versions, number(position, 0), position, row)?;
        self.scratch.clear();
        row.columns(&mut self.scratch);
        debug_assert!(self.counts.is_none(), "what is counted is created");
        let scope = (at.project, at.parent);
        for (facet, column) in R::TABLE.columns.iter().enumerate() {
            if column.facet.is_value() {
                let interval = next(&mut self.numbered, position, |(_, _, facets)| facets);
                let facet = facet as i64;
                let text = facet_text(self.scratch.get(facet as usize));
                write_facet(
                    &mut self.facets,
                    interval,
                    facet,
                    scope,
                    &text,
                    position,
                    OPEN,
                );
            }
        }
        if let Some(value) = row.global() {
            let interval = next(&mut self.numbered, position, |(_, _, facets)| facets);
            let scope = ("", "");
            write_facet(
                &mut self.facets,
                interval,
                GLOBAL,
                scope,
                value,
                position,
                OPEN,
            );
        }
        self.recorded = true;
        // It may be known that there was none.
        let key = key::<R>(at);
        self.known.remove(&key);
        self.older.remove(&key);
        Ok(())
    }

    /// Changes a row; `false`: there is none.
    pub(crate) fn update(
        &mut self,
        store: &mut Store<'_>,
        at: Place<'_>,
        change: impl FnOnce(&mut R),
    ) -> Result<bool, Error> {
        let key = self.look_up(store, at)?;
        let Some(entry) = self.known.get_mut(&key) else {
            return Ok(false);
        };
        let Some(mut current) = entry.take() else {
            return Ok(false);
        };
        let position = store.position;
        let own = match current.unwritten {
            Some(version) if version >= number(position, 0) => Some(version),
            Some(version) => {
                write_version(&mut self.versions, version, current.sequence, &current.row)?;
                None
            }
            None => {
                self.dirty.push(key.clone());
                None
            }
        };
        change(&mut current.row);
        current.unwritten =
            Some(own.unwrap_or_else(|| {
                next(&mut self.numbered, position, |(_, versions, _)| versions)
            }));
        self.see_facets(&mut current, position);
        self.known.insert(key, Some(current));
        Ok(true)
    }

    /// Ends a life; returns the row as it was.
    pub(crate) fn end(&mut self, store: &mut Store<'_>, at: Place<'_>) -> Result<Option<R>, Error> {
        let key = self.look_up(store, at)?;
        let Some(mut current) = self.known.get_mut(&key).and_then(Option::take) else {
            return Ok(None);
        };
        let position = store.position;
        if let Some(version) = current.unwritten {
            write_version(&mut self.versions, version, current.sequence, &current.row)?;
        }
        for gone in std::mem::take(&mut current.facets) {
            self.close(&current, gone, position);
        }
        self.ended.push([position, current.sequence]);
        Ok(Some(current.row))
    }

    /// The id of the newest row below a parent.
    pub(crate) fn newest(
        &mut self,
        store: &mut Store<'_>,
        project: &str,
        parent: &str,
    ) -> Result<Option<String>, Error> {
        self.flush(store)?;
        self.need(store, Index::LivesNow)?;
        let mut found = None;
        let values = [project.into(), parent.into()];
        store
            .db
            .query(&self.statements.newest, &values, &mut |record| {
                found = Some(record.text(0)?.to_owned());
                Ok(false)
            })?;
        Ok(found)
    }

    /// Makes an index if it is not there.
    fn need(&mut self, store: &mut Store<'_>, index: Index) -> Result<(), Error> {
        if !self.ready && !self.made.contains(&index) {
            store.db.run(&self.names.create_index(index))?;
            self.made.push(index);
        }
        Ok(())
    }

    /// Gets ready to change many rows in the database.
    fn prepare(&mut self, store: &mut Store<'_>) -> Result<(), Error> {
        self.flush(store)?;
        self.need(store, Index::LivesNow)?;
        self.need(store, Index::FacetsNow)?;
        self.known.clear();
        self.older.clear();
        Ok(())
    }

    /// Makes sure that the key is known.
    fn look_up(&mut self, store: &mut Store<'_>, at: Place<'_>) -> Result<String, Error> {
        let key = key::<R>(at);
        if self.known.contains_key(&key) {
            return Ok(key);
        }
        if let Some(current) = self.older.remove(&key) {
            self.known.insert(key.clone(), current);
            return Ok(key);
        }
        if self.recorded {
            self.flush(store)?;
        }
        self.need(store, Index::Ids)?;
        self.need(store, Index::Later)?;
        let mut found = None;
        let all: [Value; 3] = [at.project.into(), at.id.into(), at.parent.into()];
        let values = match R::TABLE.ids_in_parent {
            true => &all[..],
            false => &all[..2],
        };
        store
            .db
            .query(&self.statements.current, values, &mut |record| {
                if record.integer(3)? != OPEN {
                    return Ok(false);
                }
                let row: R = read_body(record.text(2)?)?;
                found = Some((record.integer(0)?, Arc::<str>::from(record.text(1)?), row));
                Ok(false)
            })?;
        let current = match found {
            None => None,
            Some((sequence, parent, row)) => {
                let mut current = Current {
                    project: shared(&mut self.last_project, at.project),
                    parent,
                    sequence,
                    row,
                    unwritten: None,
                    facets: Vec::new(),
                    words: Box::default(),
                };
                // They are there, and counted.
                let counts = self.counts.take();
                self.see_facets(&mut current, store.position);
                self.counts = counts;
                for held in &mut current.facets {
                    held.interval = None;
                    held.written = true;
                }
                Some(current)
            }
        };
        self.known.insert(key.clone(), current);
        Ok(key)
    }

    fn write_life(&mut self, position: i64, at: Place<'_>) {
        self.lives.integer(position);
        self.lives.text(at.project);
        self.lives.text(at.parent);
        self.lives.text(at.id);
        self.lives.integer(OPEN);
    }
}

fn key<R: Row>(at: Place<'_>) -> String {
    let parent = if R::TABLE.ids_in_parent {
        at.parent
    } else {
        ""
    };
    let length = at.project.len() + parent.len() + at.id.len() + 2;
    let mut key = String::with_capacity(length);
    for (index, part) in [at.project, parent, at.id].into_iter().enumerate() {
        if index > 0 {
            key.push('\0');
        }
        key.push_str(part);
    }
    key
}

/// The next number of the event at a position.
fn next(
    numbered: &mut (i64, i64, i64),
    position: i64,
    which: impl FnOnce(&mut (i64, i64, i64)) -> &mut i64,
) -> i64 {
    if numbered.0 != position {
        *numbered = (position, 0, 0);
    }
    let count = which(numbered);
    *count += 1;
    number(position, *count)
}

/// The text as one that is shared with the last one, if it is the same.
fn shared(last: &mut Arc<str>, text: &str) -> Arc<str> {
    if **last != *text {
        *last = text.into();
    }
    Arc::clone(last)
}

/// Reads the body of a version.
pub(crate) fn read_body<R: DeserializeOwned>(body: &str) -> Result<R, Error> {
    serde_json::from_str(body).map_err(|error| Error::Damaged(format!("a row: {error}")))
}

fn write_version<R: Row>(
    to: &mut Buffer,
    version: i64,
    sequence: i64,
    row: &R,
) -> Result<(), Error> {
    to.integer(version);
    to.integer(sequence);
    row.columns(to);
    to.write(|bytes| serde_json::to_writer(bytes, row))
        .map_err(|error| Error::Damaged(format!("a row that is no JSON: {error}")))
}
