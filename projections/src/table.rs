//! The shape of versioned tables, and the statements that make them.
//!
//! A versioned table is three tables in the database. With `g` the generation:
//!
//! - `<name>_<g>`, the **lives**: one row per thing from its creation to its
//!   end. `sequence` is the position of the event that created it, names this
//!   life among all, and is where its validity begins; `valid_to` is the
//!   position of the event that ended it. A thing that is created again under
//!   the same id is another life.
//! - `<name>_versions_<g>`: what a thing was, from a position until its next
//!   version or its end. The position is part of the number of the version
//!   ([`number`]). Versions are only ever added, at the end of the table, so
//!   that a change costs little and there is nothing to clean up. The first
//!   version is found by its number, a later one with one descent into an index
//!   on the later ones, however many there are.
//! - `<name>_facets_<g>`: for the columns that lists are often filtered by, and
//!   for the words of a search index, from when to when a thing had a value.
//!   An interval ends when the *value* changes and not when the row does, so a
//!   thing with thousands of versions is as cheap to list as any other.
//!
//! A list walks the lives, or the intervals of one value of a facet, in list
//! order, and finds the version of each. Each life and each interval is in
//! exactly one of two indexes: that of what is valid now, or that of what has
//! ended. A list of now walks the first, a list as of a position merges walks
//! of both; neither grows with the number of versions.
//!
//! Indexes are made when a table is complete, or when they are first needed
//! while it is filled: making one from a full table costs much less than
//! keeping it up to date.

use std::fmt::Write as _;

use crate::Error;
use crate::db::{Dialect, Ending, Insert, OPEN_SQL};

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

impl Table {
    /// The facet of a column: its place among the columns.
    pub(crate) fn facet(&self, column: &str) -> Result<i64, Error> {
        let mut columns = self.columns.iter();
        columns
            .position(|known| known.facet != Facet::No && known.name == column)
            .map(|place| place as i64)
            .ok_or_else(|| Error::UnknownColumn(column.to_owned()))
    }
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
    /// Its value, within the parent.
    Value,
    /// As `Value`, and it is counted how many have each value.
    Counted,
    /// Each of its words, within the parent.
    Words,
}

/// The facet of what is looked for over all projects.
pub(crate) const GLOBAL: i64 = -1;

impl Facet {
    /// Each value has its intervals.
    pub(crate) fn is_value(self) -> bool {
        matches!(self, Self::Value | Self::Counted)
    }
}

/// Rows of one table that one event may add at most.
const SPREAD: i64 = 1 << 16;
/// [`SPREAD`] as it stands in statements.
const SPREAD_SQL: &str = "65536";

/// The number of the `n`th row that the event at a position adds to a table.
pub(crate) fn number(position: i64, n: i64) -> i64 {
    position.saturating_mul(SPREAD).saturating_add(n)
}

/// The first number that no event up to a position has.
pub(crate) fn first_after(position: u64) -> i64 {
    let next = i64::try_from(position)
        .unwrap_or(i64::MAX)
        .saturating_add(1);
    number(next, 0)
}

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
        self.facet = Facet::Value;
        self
    }

    pub(crate) const fn counted(mut self) -> Self {
        self.facet = Facet::Counted;
        self
    }

    pub(crate) const fn words(mut self) -> Self {
        self.facet = Facet::Words;
        self
    }
}

/// An index of a versioned table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Index {
    /// Lives by id.
    Ids,
    /// Versions that are not the first.
    Later,
    /// Lives that have not ended, in list order.
    LivesNow,
    /// Lives that have ended, in list order.
    LivesEnded,
    /// Facets that have not ended.
    FacetsNow,
    /// Facets that have ended.
    FacetsEnded,
}

impl Index {
    pub(crate) const ALL: [Self; 6] = [
        Self::Ids,
        Self::Later,
        Self::LivesNow,
        Self::LivesEnded,
        Self::FacetsNow,
        Self::FacetsEnded,
    ];
}

/// The names of one generation of a table.
#[derive(Debug)]
pub(crate) struct Names {
    pub table: &'static Table,
    pub generation: u32,
    pub lives: String,
    pub versions: String,
    pub facets: String,
}

impl Names {
    pub(crate) fn new(table: &'static Table, generation: u32) -> Self {
        let name = table.name;
        Self {
            table,
            generation,
            lives: format!("{name}_{generation}"),
            versions: format!("{name}_versions_{generation}"),
            facets: format!("{name}_facets_{generation}"),
        }
    }

    /// The name of an index.
    pub(crate) fn index(&self, index: Index) -> String {
        let Self {
            lives,
            versions,
            facets,
            ..
        } = self;
        match index {
            Index::Ids => format!("{lives}_ids"),
            Index::Later => format!("{versions}_later"),
            Index::LivesNow => format!("{lives}_now"),
            Index::LivesEnded => format!("{lives}_ended"),
            Index::FacetsNow => format!("{facets}_now"),
            Index::FacetsEnded => format!("{facets}_ended"),
        }
    }

    /// The statement that makes an index unless it is there.
    pub(crate) fn create_index(&self, index: Index) -> String {
        let Self {
            lives,
            versions,
            facets,
            ..
        } = self;
        let parent = match self.table.ids_in_parent {
            true => "parent, ",
            false => "",
        };
        let (now, ended) = (
            format!("valid_to = {OPEN_SQL}"),
            format!("valid_to < {OPEN_SQL}"),
        );
        let on = match index {
            Index::Ids => format!("{lives} (project, {parent}id, sequence)"),
            Index::Later => format!("{versions} (sequence, version) WHERE {}", later("")),
            Index::LivesNow => format!("{lives} (project, parent, sequence) WHERE {now}"),
            Index::LivesEnded => {
                format!("{lives} (project, parent, sequence, valid_to) WHERE {ended}")
            }
            Index::FacetsNow => {
                format!("{facets} (facet, project, parent, value, sequence) WHERE {now}")
            }
            Index::FacetsEnded => format!(
                "{facets} (facet, project, parent, value, sequence, interval, valid_to) \
                 WHERE {ended}"
            ),
        };
        format!("CREATE INDEX IF NOT EXISTS {} ON {on}", self.index(index))
    }

    /// The condition that `v` is the version of `d`; `until` limits `x`, the
    /// later versions of it.
    pub(crate) fn version(&self, until: &str) -> String {
        format!(
            "v.version = coalesce((SELECT max(x.version) FROM {} AS x \
             WHERE x.sequence = d.sequence AND {}{until}), d.sequence * {SPREAD_SQL})",
            self.versions,
            later("x."),
        )
    }

    /// The tables, without indexes.
    pub(crate) fn create(&self, dialect: &Dialect) -> String {
        let (lives, versions, facets) = (&self.lives, &self.versions, &self.facets);
        let (integer, text, plain) = (dialect.integer, dialect.text, dialect.plain);
        let mut columns = String::new();
        for column in self.table.columns {
            let kind = match column.kind {
                Kind::Text => text,
                Kind::Integer => integer,
            };
            let _ = write!(columns, "\"{}\" {kind} NOT NULL, ", column.name);
        }
        format!(
            "CREATE TABLE {lives} (
                 sequence {integer} PRIMARY KEY,
                 project  {text} NOT NULL,
                 parent   {text} NOT NULL,
                 id       {text} NOT NULL,
                 valid_to {integer} NOT NULL
             ){plain};
             CREATE TABLE {versions} (
                 version  {integer} PRIMARY KEY,
                 sequence {integer} NOT NULL,
                 {columns}
                 body     {text} NOT NULL
             ){plain};
             CREATE TABLE {facets} (
                 interval {integer} PRIMARY KEY,
                 facet    {integer} NOT NULL,
                 project  {text} NOT NULL,
                 parent   {text} NOT NULL,
                 value    {text} NOT NULL,
                 sequence {integer} NOT NULL,
                 valid_to {integer} NOT NULL
             ){plain};"
        )
    }

    pub(crate) fn tables(&self) -> Vec<String> {
        vec![
            self.lives.clone(),
            self.versions.clone(),
            self.facets.clone(),
        ]
    }
}

fn later(of: &str) -> String {
    format!("{of}version <> {of}sequence * {SPREAD_SQL}")
}

/// The statements that write to one generation of a table.
#[derive(Debug)]
pub(crate) struct Statements {
    pub insert_life: Insert,
    pub insert_version: Insert,
    pub insert_facet: Insert,
    /// By sequence.
    pub end_life: Ending,
    /// By interval.
    pub close_interval: Ending,
    /// Facet, project, parent, value, sequence.
    pub interval: String,
    /// When, project, parent: in this order.
    pub end_children: [String; 3],
    /// When, project: in this order.
    pub end_project: [String; 3],
    /// The newest life. Project, id, parent where ids need one.
    pub current: String,
    /// Project, parent.
    pub newest: String,
}

impl Statements {
    pub(crate) fn new(names: &Names) -> Self {
        let Names {
            table,
            lives,
            versions,
            facets,
            ..
        } = names;
        let open = format!("valid_to = {OPEN_SQL}");
        let columns = table.columns.iter().map(|column| column.name);
        let parent = match table.ids_in_parent {
            true => "AND d.parent = ?3",
            false => "",
        };
        Self {
            insert_life: Insert::new(lives, ["sequence", "project", "parent", "id", "valid_to"]),
            insert_version: Insert::new(
                versions,
                ["version", "sequence"]
                    .into_iter()
                    .chain(columns)
                    .chain(["body"]),
            ),
            insert_facet: Insert::new(
                facets,
                [
                    "interval", "facet", "project", "parent", "value", "sequence", "valid_to",
                ],
            ),
            end_life: Ending::new(lives, "sequence"),
            close_interval: Ending::new(facets, "interval"),
            interval: format!(
                "SELECT interval FROM {facets} WHERE facet = ?1 AND project = ?2 \
                 AND parent = ?3 AND value = ?4 AND sequence = ?5 AND {open}"
            ),
            end_children: endings(names, "project = ?2 AND parent = ?3"),
            end_project: endings(names, "project = ?2"),
            current: format!(
                "SELECT d.sequence, d.parent, v.body, d.valid_to \
                 FROM {lives} AS d CROSS JOIN {versions} AS v \
                 WHERE d.project = ?1 AND d.id = ?2 {parent} AND {} \
                 ORDER BY d.sequence DESC LIMIT 1",
                names.version("")
            ),
            newest: format!(
                "SELECT id FROM {lives} WHERE project = ?1 AND parent = ?2 \
                 AND {open} ORDER BY sequence DESC LIMIT 1"
            ),
        }
    }
}

/// The statements that end everything of which a condition holds. When comes
/// first, then what the condition needs.
fn endings(names: &Names, below: &str) -> [String; 3] {
    let Names {
        table,
        lives,
        facets,
        ..
    } = names;
    let open = format!("valid_to = {OPEN_SQL}");
    let scoped: Vec<String> = table
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.facet != Facet::No)
        .map(|(facet, _)| facet.to_string())
        .collect();
    let scoped = match scoped.len() {
        0 => "NULL".to_owned(),
        _ => scoped.join(", "),
    };
    [
        format!(
            "UPDATE {facets} SET valid_to = ?1 WHERE facet = {GLOBAL} AND project = '' \
             AND parent = '' AND {open} \
             AND sequence IN (SELECT sequence FROM {lives} WHERE {below} AND {open})"
        ),
        format!(
            "UPDATE {facets} SET valid_to = ?1 \
             WHERE facet IN ({scoped}) AND {below} AND {open}"
        ),
        format!("UPDATE {lives} SET valid_to = ?1 WHERE {below} AND {open}"),
    ]
}

/// The statements that end everything below the children of a parent. When,
/// project, parent: in this order.
pub(crate) fn endings_below(names: &Names, children: &Names) -> [String; 3] {
    let below = format!(
        "project = ?2 AND parent IN (SELECT id FROM {} \
         WHERE project = ?2 AND parent = ?3 AND valid_to = {OPEN_SQL})",
        children.lives
    );
    endings(names, &below)
}
