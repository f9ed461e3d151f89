//! The rows of one versioned table as a projection writes them: what is now,
//! behind a cache, with the framework opening and closing validities.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::db::{Database, OPEN, Value};
use crate::table::{Facet, Names, Table, WORDS};

/// A row of a versioned table.
pub(crate) trait Row: Clone + Serialize + DeserializeOwned + Send + 'static {
    /// The table.
    const TABLE: &'static Table;

    /// The values of the table's columns, in their order.
    fn columns(&self, to: &mut Vec<Value>);

    /// The words that a search finds this row by.
    fn words(&self, _to: &mut Vec<Arc<str>>) {}
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

/// One table: see the module.
pub(crate) struct Versions<R: Row> {
    names: Names,
    /// What is known of a key; none: that it has no current row. A key that is
    /// not here has nothing unwritten.
    known: HashMap<String, Option<Current<R>>>,
    /// Keys that have something unwritten.
    dirty: Vec<String>,
    lives: Vec<Value>,
    versions: Vec<Value>,
    facets: Vec<Value>,
    /// Lives that have ended: when, which.
    ended: Vec<[Value; 2]>,
    /// Facets that are in the database and have ended.
    closed: Vec<[Value; 6]>,
    scratch: Vec<Value>,
}

struct Current<R> {
    project: Arc<str>,
    parent: Arc<str>,
    sequence: i64,
    row: R,
    /// Where the version that `row` is began.
    valid_from: i64,
    /// It is not in the database.
    unwritten: bool,
    facets: Vec<Held>,
}

/// A value that a thing has now.
#[derive(Clone, Debug)]
struct Held {
    facet: i64,
    value: Arc<str>,
    global: bool,
    /// Since when; none: it is in the database, which knows.
    since: Option<i64>,
}

/// Rows that are kept in memory between batches.
const KEPT: usize = 20_000;

impl<R: Row> Versions<R> {
    pub(crate) fn new(generation: u32) -> Self {
        Self {
            names: Names::new(R::TABLE, generation),
            known: HashMap::new(),
            dirty: Vec::new(),
            lives: Vec::new(),
            versions: Vec::new(),
            facets: Vec::new(),
            ended: Vec::new(),
            closed: Vec::new(),
            scratch: Vec::new(),
        }
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
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
    pub(crate) fn create(&mut self, store: &Store<'_>, at: Place<'_>, row: R) {
        let key = self.key(at);
        let project: Arc<str> = at.project.into();
        let parent: Arc<str> = at.parent.into();
        self.lives.extend([
            Value::Integer(store.position),
            Value::from(&project),
            Value::from(&parent),
            Value::from(at.id),
            Value::Integer(OPEN),
        ]);
        let facets = facets(&row, &mut self.scratch)
            .into_iter()
            .map(|held| Held {
                since: Some(store.position),
                ..held
            })
            .collect();
        let current = Current {
            project,
            parent,
            sequence: store.position,
            row,
            valid_from: store.position,
            unwritten: true,
            facets,
        };
        self.dirty.push(key.clone());
        self.known.insert(key, Some(current));
    }

    /// Changes a row; `false`: there is none.
    pub(crate) fn update(
        &mut self,
        store: &mut Store<'_>,
        at: Place<'_>,
        change: impl FnOnce(&mut R),
    ) -> Result<bool, Error> {
        let key = self.look_up(store, at)?;
        let Some(Some(current)) = self.known.get_mut(&key) else {
            return Ok(false);
        };
        if current.unwritten && current.valid_from < store.position {
            write_version(&mut self.versions, current)?;
        } else if !current.unwritten {
            self.dirty.push(key);
        }
        change(&mut current.row);
        current.valid_from = store.position;
        current.unwritten = true;
        let mut before = std::mem::take(&mut current.facets);
        for mut now in facets(&current.row, &mut self.scratch) {
            let same = |held: &Held| held.facet == now.facet && held.value == now.value;
            if let Some(index) = before.iter().position(same) {
                current.facets.push(before.swap_remove(index));
            } else {
                now.since = Some(store.position);
                current.facets.push(now);
            }
        }
        for gone in before {
            close(
                &mut self.facets,
                &mut self.closed,
                current,
                gone,
                store.position,
            );
        }
        Ok(true)
    }

    /// Ends a life; returns the row as it was.
    pub(crate) fn end(&mut self, store: &mut Store<'_>, at: Place<'_>) -> Result<Option<R>, Error> {
        let key = self.look_up(store, at)?;
        let Some(mut current) = self.known.get_mut(&key).and_then(Option::take) else {
            return Ok(None);
        };
        if current.unwritten && current.valid_from < store.position {
            write_version(&mut self.versions, &current)?;
        }
        for gone in std::mem::take(&mut current.facets) {
            close(
                &mut self.facets,
                &mut self.closed,
                &current,
                gone,
                store.position,
            );
        }
        self.ended.push([
            Value::Integer(store.position),
            Value::Integer(current.sequence),
        ]);
        Ok(Some(current.row))
    }

    /// Ends the lives of everything below a parent.
    pub(crate) fn end_children(
        &mut self,
        store: &mut Store<'_>,
        project: &str,
        parent: &str,
    ) -> Result<(), Error> {
        self.flush(store)?;
        self.known.clear();
        let values = [
            Value::Integer(store.position),
            project.into(),
            parent.into(),
        ];
        store.db.execute(&self.names.end_lives_of_parent, &values)?;
        store
            .db
            .execute(&self.names.close_facets_of_parent, &values)?;
        Ok(())
    }

    /// Ends the lives of everything in a project. Not for tables with facets
    /// over all projects.
    pub(crate) fn end_project(
        &mut self,
        store: &mut Store<'_>,
        project: &str,
    ) -> Result<(), Error> {
        self.flush(store)?;
        self.known.clear();
        let values = [Value::Integer(store.position), project.into()];
        store
            .db
            .execute(&self.names.end_lives_of_project, &values)?;
        store
            .db
            .execute(&self.names.close_facets_of_project, &values)?;
        Ok(())
    }

    /// The id of the newest row below a parent.
    pub(crate) fn newest(
        &mut self,
        store: &mut Store<'_>,
        project: &str,
        parent: &str,
    ) -> Result<Option<String>, Error> {
        self.flush(store)?;
        let mut found = None;
        let values = [project.into(), parent.into()];
        store.db.query(&self.names.newest, &values, &mut |record| {
            found = Some(record.text(0)?.to_owned());
            Ok(false)
        })?;
        Ok(found)
    }

    /// The ids of all rows below a parent.
    pub(crate) fn ids(
        &mut self,
        store: &mut Store<'_>,
        project: &str,
        parent: &str,
    ) -> Result<Vec<String>, Error> {
        self.flush(store)?;
        let mut found = Vec::new();
        let values = [project.into(), parent.into()];
        let every = self.names.newest.replace(" LIMIT 1", "");
        store.db.query(&every, &values, &mut |record| {
            found.push(record.text(0)?.to_owned());
            Ok(true)
        })?;
        Ok(found)
    }

    /// Writes everything that is not in the database.
    pub(crate) fn flush(&mut self, store: &mut Store<'_>) -> Result<(), Error> {
        for key in self.dirty.drain(..) {
            let Some(Some(current)) = self.known.get_mut(&key) else {
                continue;
            };
            if current.unwritten {
                write_version(&mut self.versions, current)?;
                current.unwritten = false;
            }
            let (project, parent, sequence) = (&current.project, &current.parent, current.sequence);
            for held in &mut current.facets {
                if let Some(since) = held.since.take() {
                    write_facet(
                        &mut self.facets,
                        project,
                        parent,
                        sequence,
                        held,
                        since,
                        OPEN,
                    );
                }
            }
        }
        // What ended goes before what began: the same value may do both.
        for closed in self.closed.drain(..) {
            store.db.execute(&self.names.close_facet, &closed)?;
        }
        store.db.insert(&self.names.insert_life, &self.lives)?;
        store
            .db
            .insert(&self.names.insert_version, &self.versions)?;
        store.db.insert(&self.names.insert_facet, &self.facets)?;
        for ended in self.ended.drain(..) {
            store.db.execute(&self.names.end_life, &ended)?;
        }
        self.lives.clear();
        self.versions.clear();
        self.facets.clear();
        if self.known.len() > KEPT {
            self.known.clear();
        }
        Ok(())
    }

    /// Forgets everything that is not in the database.
    pub(crate) fn forget(&mut self) {
        self.known.clear();
        self.dirty.clear();
        self.lives.clear();
        self.versions.clear();
        self.facets.clear();
        self.ended.clear();
        self.closed.clear();
    }

    fn key(&self, at: Place<'_>) -> String {
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

    fn look_up(&mut self, store: &mut Store<'_>, at: Place<'_>) -> Result<String, Error> {
        let key = self.key(at);
        if self.known.contains_key(&key) {
            return Ok(key);
        }
        let mut found = None;
        let all: [Value; 3] = [at.project.into(), at.id.into(), at.parent.into()];
        let values = if R::TABLE.ids_in_parent {
            &all[..]
        } else {
            &all[..2]
        };
        store.db.query(&self.names.current, values, &mut |record| {
            let row: R = read_body(record.text(2)?)?;
            found = Some((record.integer(0)?, Arc::<str>::from(record.text(1)?), row));
            Ok(false)
        })?;
        let current = found.map(|(sequence, parent, row)| Current {
            project: at.project.into(),
            parent,
            sequence,
            facets: facets(&row, &mut self.scratch),
            row,
            valid_from: 0,
            unwritten: false,
        });
        self.known.insert(key.clone(), current);
        Ok(key)
    }
}

/// Reads the body of a version.
pub(crate) fn read_body<R: DeserializeOwned>(body: &str) -> Result<R, Error> {
    serde_json::from_str(body).map_err(|error| Error::Damaged(format!("a row: {error}")))
}

/// The text of a value as a facet has it.
pub(crate) fn facet_text(value: &Value) -> Arc<str> {
    match value {
        Value::Text(text) => Arc::clone(text),
        Value::Integer(number) => number.to_string().into(),
        Value::Real(number) => number.to_string().into(),
        Value::Null => "".into(),
    }
}

fn facets<R: Row>(row: &R, scratch: &mut Vec<Value>) -> Vec<Held> {
    scratch.clear();
    row.columns(scratch);
    let mut found = Vec::new();
    for (index, (column, value)) in R::TABLE.columns.iter().zip(&*scratch).enumerate() {
        if column.facet != Facet::No {
            found.push(Held {
                facet: index as i64,
                value: facet_text(value),
                global: column.facet == Facet::Global,
                since: None,
            });
        }
    }
    let mut words = Vec::new();
    row.words(&mut words);
    words.sort_unstable();
    words.dedup();
    found.extend(words.into_iter().map(|word| Held {
        facet: WORDS,
        value: word,
        global: false,
        since: None,
    }));
    found
}

fn write_version<R: Row>(to: &mut Vec<Value>, current: &Current<R>) -> Result<(), Error> {
    to.push(Value::Integer(current.sequence));
    to.push(Value::Integer(current.valid_from));
    current.row.columns(to);
    let body = serde_json::to_string(&current.row)
        .map_err(|error| Error::Damaged(format!("a row that is no JSON: {error}")))?;
    to.push(body.into());
    Ok(())
}

fn write_facet(
    to: &mut Vec<Value>,
    project: &Arc<str>,
    parent: &Arc<str>,
    sequence: i64,
    held: &Held,
    from: i64,
    until: i64,
) {
    let [project, parent] = scope(project, parent, held);
    to.extend([
        project,
        parent,
        Value::Integer(held.facet),
        Value::from(&held.value),
        Value::Integer(sequence),
        Value::Integer(from),
        Value::Integer(until),
    ]);
}

fn close<R>(
    inserts: &mut Vec<Value>,
    updates: &mut Vec<[Value; 6]>,
    current: &Current<R>,
    held: Held,
    position: i64,
) {
    match held.since {
        Some(since) if since < position => write_facet(
            inserts,
            &current.project,
            &current.parent,
            current.sequence,
            &held,
            since,
            position,
        ),
        Some(_) => {}
        None => {
            let [project, parent] = scope(&current.project, &current.parent, &held);
            updates.push([
                Value::Integer(position),
                project,
                parent,
                Value::Integer(held.facet),
                Value::from(&held.value),
                Value::Integer(current.sequence),
            ]);
        }
    }
}

fn scope(project: &Arc<str>, parent: &Arc<str>, held: &Held) -> [Value; 2] {
    if held.global {
        ["".into(), "".into()]
    } else {
        [Value::from(project), Value::from(parent)]
    }
}
