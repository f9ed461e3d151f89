//! The shape of versioned tables, and the statements that make them.
//!
//! A versioned table is three tables in the database. With `g` the generation:
//!
//! - `<name>_<g>`, the **lives**: one row per thing from its creation to its
//!   end. `sequence` is the position of the event that created it, names this
//!   life among all, and is the beginning of its validity; `valid_to` is the
//!   position of the event that ended it. A thing that is created again under
//!   the same id is another life.
//! - `<name>_versions_<g>`: what a thing was, from the position `valid_from`
//!   until its next version or its end. Versions are only ever added, so that
//!   a change costs one insert and there is nothing to clean up. The version at
//!   a position is found with one descent into the index, however many there
//!   are.
//! - `<name>_facets_<g>`: for the columns that lists are often filtered by, and
//!   for the words of a search index, from when to when a thing had a value.
//!   An interval ends when the *value* changes and not when the row does, so a
//!   thing with thousands of versions is as cheap to list as any other.
//!
//! A list of now and a list as of a position are the same statement: it walks
//! the lives or one value's facets in list order and finds each version. Now
//! takes the index on what has not ended, the past the one on everything;
//! both have an entry per thing or per change of a value, not per version.

use std::fmt::Write as _;

use crate::db::{Dialect, Insert, OPEN_SQL};

/// A versioned table.
#[derive(Debug)]
pub(crate) struct Table {
    pub name: &'static str,
    /// What lists may be filtered and sorted by, beside `sequence`.
    pub columns: &'static [Column],
    /// Columns that are computed from others.
    pub computed: &'static [(&'static str, &'static str)],
    /// Whether two parents may have things with the same id.
    pub ids_in_parent: bool,
}

/// A column of the versions.
#[derive(Debug)]
pub(crate) struct Column {
    pub name: &'static str,
    pub kind: Kind,
    pub facet: Facet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Integer,
}

/// Whether a column has facets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Facet {
    No,
    /// Within the parent.
    Yes,
    /// Over all projects: a value names one thing.
    Global,
}

/// The facet of the words of the search index.
pub(crate) const WORDS: i64 = -1;

impl Column {
    pub(crate) const fn text(name: &'static str) -> Self {
        Self {
            name,
            kind: Kind::Text,
            facet: Facet::No,
        }
    }

    pub(crate) const fn integer(name: &'static str) -> Self {
        Self {
            name,
            kind: Kind::Integer,
            facet: Facet::No,
        }
    }

    pub(crate) const fn facet(mut self) -> Self {
        self.facet = Facet::Yes;
        self
    }

    pub(crate) const fn global_facet(mut self) -> Self {
        self.facet = Facet::Global;
        self
    }
}

/// The names and statements of one generation of a table.
#[derive(Debug)]
pub(crate) struct Names {
    pub table: &'static Table,
    pub lives: String,
    pub versions: String,
    pub facets: String,
    pub insert_life: Insert,
    pub insert_version: Insert,
    pub insert_facet: Insert,
    pub end_life: String,
    pub close_facet: String,
    pub end_lives_of_parent: String,
    pub close_facets_of_parent: String,
    pub end_lives_of_project: String,
    pub close_facets_of_project: String,
    pub current: String,
    pub newest: String,
}

impl Names {
    pub(crate) fn new(table: &'static Table, generation: u32) -> Self {
        let name = table.name;
        let lives = format!("{name}_{generation}");
        let versions = format!("{name}_versions_{generation}");
        let facets = format!("{name}_facets_{generation}");
        let columns = table.columns.iter().map(|column| column.name);
        let parent = if table.ids_in_parent {
            "AND d.parent = ?3"
        } else {
            ""
        };
        let last_version = format!(
            "v.sequence = d.sequence AND v.valid_from = \
             (SELECT max(x.valid_from) FROM {versions} AS x WHERE x.sequence = d.sequence)"
        );
        Self {
            table,
            insert_life: Insert::new(&lives, ["sequence", "project", "parent", "id", "valid_to"]),
            insert_version: Insert::new(
                &versions,
                ["sequence", "valid_from"]
                    .into_iter()
                    .chain(columns)
                    .chain(["body"]),
            ),
            insert_facet: Insert::new(
                &facets,
                [
                    "project",
                    "parent",
                    "facet",
                    "value",
                    "sequence",
                    "valid_from",
                    "valid_to",
                ],
            ),
            end_life: format!("UPDATE {lives} SET valid_to = ?1 WHERE sequence = ?2"),
            close_facet: format!(
                "UPDATE {facets} SET valid_to = ?1 WHERE project = ?2 AND parent = ?3 \
                 AND facet = ?4 AND value = ?5 AND sequence = ?6 AND valid_to = {OPEN_SQL}"
            ),
            end_lives_of_parent: format!(
                "UPDATE {lives} SET valid_to = ?1 \
                 WHERE project = ?2 AND parent = ?3 AND valid_to = {OPEN_SQL}"
            ),
            close_facets_of_parent: format!(
                "UPDATE {facets} SET valid_to = ?1 \
                 WHERE project = ?2 AND parent = ?3 AND valid_to = {OPEN_SQL}"
            ),
            end_lives_of_project: format!(
                "UPDATE {lives} SET valid_to = ?1 WHERE project = ?2 AND valid_to = {OPEN_SQL}"
            ),
            close_facets_of_project: format!(
                "UPDATE {facets} SET valid_to = ?1 WHERE project = ?2 AND valid_to = {OPEN_SQL}"
            ),
            current: format!(
                "SELECT d.sequence, d.parent, v.body FROM {lives} AS d CROSS JOIN {versions} AS v \
                 WHERE d.project = ?1 AND d.id = ?2 {parent} AND d.valid_to = {OPEN_SQL} \
                 AND {last_version} ORDER BY d.sequence DESC LIMIT 1"
            ),
            newest: format!(
                "SELECT d.id FROM {lives} AS d WHERE d.project = ?1 AND d.parent = ?2 \
                 AND d.valid_to = {OPEN_SQL} ORDER BY d.sequence DESC LIMIT 1"
            ),
            lives,
            versions,
            facets,
        }
    }

    /// The index on the lives that have not ended, in list order.
    pub(crate) fn lives_now(&self) -> String {
        format!("{}_now", self.lives)
    }

    /// The index on all lives, in list order.
    pub(crate) fn lives_ever(&self) -> String {
        format!("{}_ever", self.lives)
    }

    /// The index on the facets that have not ended.
    pub(crate) fn facets_now(&self) -> String {
        format!("{}_now", self.facets)
    }

    /// Tables, and the indexes that writing needs.
    pub(crate) fn create(&self, dialect: &Dialect) -> String {
        let (lives, versions, facets) = (&self.lives, &self.versions, &self.facets);
        let (integer, plain, clustered) = (dialect.integer, dialect.plain, dialect.clustered);
        let mut columns = String::new();
        for column in self.table.columns {
            let kind = match column.kind {
                Kind::Text => "TEXT",
                Kind::Integer => integer,
            };
            let _ = write!(columns, "\"{}\" {kind} NOT NULL, ", column.name);
        }
        let parent = if self.table.ids_in_parent {
            "parent, "
        } else {
            ""
        };
        let lives_now = self.lives_now();
        format!(
            "CREATE TABLE {lives} (
                 sequence {integer} PRIMARY KEY,
                 project  TEXT NOT NULL,
                 parent   TEXT NOT NULL,
                 id       TEXT NOT NULL,
                 valid_to {integer} NOT NULL
             ){plain};
             CREATE INDEX {lives}_ids ON {lives} (project, {parent}id, sequence);
             CREATE INDEX {lives_now} ON {lives} (project, parent, sequence)
                 WHERE valid_to = {OPEN_SQL};
             CREATE TABLE {versions} (
                 sequence   {integer} NOT NULL,
                 valid_from {integer} NOT NULL,
                 {columns}
                 body       TEXT NOT NULL,
                 PRIMARY KEY (sequence, valid_from)
             ){clustered};
             CREATE TABLE {facets} (
                 project    TEXT NOT NULL,
                 parent     TEXT NOT NULL,
                 facet      {integer} NOT NULL,
                 value      TEXT NOT NULL,
                 sequence   {integer} NOT NULL,
                 valid_from {integer} NOT NULL,
                 valid_to   {integer} NOT NULL,
                 PRIMARY KEY (project, parent, facet, value, sequence, valid_from)
             ){clustered};"
        )
    }

    /// The indexes that only reading needs: cheaper to make from full tables.
    pub(crate) fn create_indexes(&self) -> Vec<String> {
        let (lives, facets) = (&self.lives, &self.facets);
        vec![
            format!(
                "CREATE INDEX {} ON {lives} (project, parent, sequence, valid_to)",
                self.lives_ever()
            ),
            format!(
                "CREATE INDEX {} ON {facets} (facet, value, project, parent, sequence) \
                 WHERE valid_to = {OPEN_SQL}",
                self.facets_now()
            ),
        ]
    }

    pub(crate) fn tables(&self) -> Vec<String> {
        vec![
            self.lives.clone(),
            self.versions.clone(),
            self.facets.clone(),
        ]
    }
}
