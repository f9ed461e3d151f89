//! The rows of one versioned table as a projection writes them: what is now,
//! behind a cache, with the framework opening and closing validities.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::counts::Counts;
use crate::db::{Buffer, Cell, Database, Dialect, OPEN, Value};
use crate::projection::Part;
use crate::table::{Facet, GLOBAL, Index, Names, Statements, Table, number};

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
    ended: Vec<[Value; 2]>,
    /// Intervals in the database that have ended: when, which.
    closed: Vec<[Value; 2]>,
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

/// A value that a thing has now.
#[derive(Clone, Debug)]
struct Held {
    facet: i64,
    /// The value is a word among others.
    word: bool,
    value: Box<str>,
    /// The interval; none: the database knows.
    interval: Option<i64>,
    /// It is in the database.
    written: bool,
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
        self.ended.push([position.into(), current.sequence.into()]);
        Ok(Some(current.row))
    }

    /// Ends the lives of everything below a parent.
    pub(crate) fn end_children(
        &mut self,
        store: &mut Store<'_>,
        project: &str,
        parent: &str,
    ) -> Result<(), Error> {
        self.prepare(store)?;
        if let Some(counts) = &mut self.counts {
            counts.end(store, project, Some(parent))?;
        }
        let values = [store.position.into(), project.into(), parent.into()];
        for sql in &self.statements.end_children {
            store.db.execute(sql, &values)?;
        }
        Ok(())
    }

    /// Ends the lives of everything in a project.
    pub(crate) fn end_project(
        &mut self,
        store: &mut Store<'_>,
        project: &str,
    ) -> Result<(), Error> {
        self.prepare(store)?;
        if let Some(counts) = &mut self.counts {
            counts.end(store, project, None)?;
        }
        let values = [store.position.into(), project.into()];
        for sql in &self.statements.end_project {
            store.db.execute(sql, &values)?;
        }
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

    /// Opens and closes facets, now that the row has changed.
    fn see_facets(&mut self, current: &mut Current<R>, position: i64) {
        let mut columns = std::mem::take(&mut self.scratch);
        columns.clear();
        current.row.columns(&mut columns);
        for (facet, column) in R::TABLE.columns.iter().enumerate() {
            match (column.facet, columns.get(facet)) {
                (Facet::No, _) => {}
                (Facet::Value | Facet::Counted, cell) => {
                    let text = facet_text(cell);
                    self.see_facet(current, position, facet as i64, Some(&text));
                }
                (Facet::Words, Cell::Text(text)) => {
                    if *current.words != *text {
                        self.see_words(current, position, facet as i64, text);
                    }
                }
                (Facet::Words, Cell::Integer(_)) => {}
            }
        }
        self.scratch = columns;
        let global = current.row.global().map(Box::<str>::from);
        self.see_facet(current, position, GLOBAL, global.as_deref());
    }

    fn see_facet(
        &mut self,
        current: &mut Current<R>,
        position: i64,
        facet: i64,
        value: Option<&str>,
    ) {
        let held = current
            .facets
            .iter()
            .position(|held| held.facet == facet && !held.word);
        if let Some(index) = held {
            if Some(&*current.facets[index].value) == value {
                return;
            }
            let gone = current.facets.swap_remove(index);
            self.close(current, gone, position);
        }
        if let Some(value) = value {
            self.count(
                (facet, &current.project, &current.parent),
                value,
                position,
                1,
            );
            let held = self.open(position, facet, false, value);
            current.facets.push(held);
        }
    }

    /// Notes one more, or one less, of a value, if it is of those that are
    /// counted.
    fn count(
        &mut self,
        (facet, project, parent): (i64, &Arc<str>, &Arc<str>),
        value: &str,
        position: i64,
        by: i64,
    ) {
        let column = usize::try_from(facet)
            .ok()
            .and_then(|facet| R::TABLE.columns.get(facet));
        if let Some(counts) = &mut self.counts
            && column.is_some_and(|column| column.facet == Facet::Counted)
        {
            let key = (facet, Arc::clone(project), Arc::clone(parent), value.into());
            counts.change(key, position, by);
        }
    }

    fn see_words(&mut self, current: &mut Current<R>, position: i64, facet: i64, text: &str) {
        let mut words: Vec<&str> = text.split_whitespace().collect();
        words.sort_unstable();
        words.dedup();
        let (before, others) = std::mem::take(&mut current.facets)
            .into_iter()
            .partition(|held| held.word);
        current.facets = others;
        for held in before as Vec<Held> {
            match words.iter().position(|word| **word == *held.value) {
                Some(index) => {
                    words.swap_remove(index);
                    current.facets.push(held);
                }
                None => self.close(current, held, position),
            }
        }
        for word in words {
            let held = self.open(position, facet, true, word);
            current.facets.push(held);
        }
        current.words = text.into();
    }

    fn open(&mut self, position: i64, facet: i64, word: bool, value: &str) -> Held {
        Held {
            facet,
            word,
            value: value.into(),
            interval: Some(next(&mut self.numbered, position, |(_, _, facets)| facets)),
            written: false,
        }
    }

    fn close(&mut self, current: &Current<R>, held: Held, position: i64) {
        if !held.word {
            let scope = (held.facet, &current.project, &current.parent);
            self.count(scope, &held.value, position, -1);
        }
        let scope = held.scope((&current.project, &current.parent));
        let (facet, value, sequence) = (held.facet, &held.value, current.sequence);
        match held.interval {
            Some(interval) if held.written => {
                self.closed.push([position.into(), interval.into()]);
            }
            Some(interval) if interval < number(position, 0) => {
                write_facet(
                    &mut self.facets,
                    interval,
                    facet,
                    scope,
                    value,
                    sequence,
                    position,
                );
            }
            Some(_) => {}
            None => {
                let facet = [
                    facet.into(),
                    scope.0.into(),
                    scope.1.into(),
                    (&**value).into(),
                    sequence.into(),
                ];
                self.closed_by_value.push((facet, position));
            }
        }
    }
}

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
        for (closed, when) in self.closed_by_value.drain(..) {
            let mut interval = None;
            let sql = &self.statements.interval;
            store.db.query(sql, &closed, &mut |record| {
                interval = Some(record.integer(0)?);
                Ok(false)
            })?;
            let interval = interval.ok_or_else(|| {
                Error::Damaged(format!("{} lacks {closed:?}", self.names.facets))
            })?;
            // By its number: a change of one row needs no undo log.
            let values = [when.into(), interval.into()];
            store.db.execute(&self.statements.close_interval, &values)?;
        }
        store.db.insert(&self.statements.insert_life, &self.lives)?;
        store
            .db
            .insert(&self.statements.insert_version, &self.versions)?;
        store
            .db
            .insert(&self.statements.insert_facet, &self.facets)?;
        for closed in self.closed.drain(..) {
            store.db.execute(&self.statements.close_interval, &closed)?;
        }
        for ended in self.ended.drain(..) {
            store.db.execute(&self.statements.end_life, &ended)?;
        }
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

impl Held {
    fn scope<'a>(&self, own: (&'a str, &'a str)) -> (&'a str, &'a str) {
        match self.facet {
            GLOBAL => ("", ""),
            _ => own,
        }
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

/// The text of a value as a facet has it.
pub(crate) fn facet_text(cell: Cell<'_>) -> std::borrow::Cow<'_, str> {
    match cell {
        Cell::Text(text) => text.into(),
        Cell::Integer(number) => number.to_string().into(),
    }
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

fn write_facet(
    to: &mut Buffer,
    interval: i64,
    facet: i64,
    (project, parent): (&str, &str),
    value: &str,
    sequence: i64,
    until: i64,
) {
    to.integer(interval);
    to.integer(facet);
    to.text(project);
    to.text(parent);
    to.text(value);
    to.integer(sequence);
    to.integer(until);
}
