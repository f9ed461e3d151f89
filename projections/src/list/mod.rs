//! List requests as SQL.
//!
//! One statement walks, in list order, either the lives below a parent, or the
//! things that had one value of a facet, or those that a search finds, and
//! finds the version of each at the asked position. See [`crate::table`].

mod filter;
mod order;
mod walk;

use crate::Error;
use crate::counts;
use crate::db::{Database, Dialect};
use crate::query::{Cursor, List, OrderBy, Page};
use crate::search::Term;
use crate::table::{GLOBAL, Names};
use crate::versions::{Row, read_body};
use order::beyond;
use walk::{Arm, Sql, begun, facet_arms, is_alive, version};

/// What a list is read from.
pub(crate) struct Source<'a> {
    pub names: &'a Names,
    pub project: &'a str,
    /// None: whatever the parent is.
    pub parent: Option<&'a str>,
    /// The position that is asked for; none: now.
    pub at: Option<u64>,
}

impl Source<'_> {
    /// The condition that `d`, a life or a facet, is of this list.
    fn scope(&self, sql: &mut Sql) -> String {
        let project = format!("d.project = {}", sql.bind(self.project));
        match self.parent {
            Some(parent) => format!("{project} AND d.parent = {}", sql.bind(parent)),
            None => project,
        }
    }
}

/// Reads a page.
pub(crate) fn list<R: Row>(
    db: &mut dyn Database,
    source: &Source<'_>,
    list: &List,
) -> Result<Page<R>, Error> {
    let mut plan = Plan {
        source,
        broad: false,
        dialect: db.dialect(),
        term: match list.search.as_str() {
            "" => None,
            search => Some(Term::parse(search)),
        },
        list,
    };
    plan.broad = plan.finds_much(db)?;
    let rows = plan.rows(db)?;
    let total = match list.count_up_to {
        Some(most) => plan.count(db, most)?,
        None => 0,
    };
    Ok(Page { rows, total })
}

/// Reads one row by its id.
pub(crate) fn get<R: Row>(
    db: &mut dyn Database,
    source: &Source<'_>,
    id: &str,
) -> Result<Option<R>, Error> {
    let mut sql = Sql::default();
    let names = source.names;
    let mut text = format!(
        "SELECT v.body, d.valid_to FROM {} AS d CROSS JOIN {} AS v \
         WHERE d.project = {} AND d.id = {} AND {} AND {}",
        names.lives,
        names.versions,
        sql.bind(source.project),
        sql.bind(id),
        begun(source.at, &mut sql),
        version(names, source.at, &mut sql),
    );
    if names.table.ids_in_parent {
        let parent = source.parent.unwrap_or_default();
        text += &format!(" AND d.parent = {}", sql.bind(parent));
    }
    text += " ORDER BY d.sequence DESC LIMIT 1";
    let mut found = None;
    db.query(&text, &sql.values, &mut |record| {
        if is_alive(record.integer(1)?, source.at) {
            found = Some(read_body(record.text(0)?)?);
        }
        Ok(false)
    })?;
    Ok(found)
}

/// Reads the rows that are looked for by this over all projects, with their
/// projects, oldest first.
pub(crate) fn global<R: Row>(
    db: &mut dyn Database,
    names: &Names,
    at: Option<u64>,
    value: &str,
) -> Result<Vec<(String, R)>, Error> {
    having(db, names, at, (GLOBAL, ""), value)
}

/// Reads the rows without a parent that have this value of a facet, or this
/// word, in a project (none for what is looked for over all), with their
/// projects, oldest first.
pub(crate) fn having<R: Row>(
    db: &mut dyn Database,
    names: &Names,
    at: Option<u64>,
    (facet, project): (i64, &str),
    value: &str,
) -> Result<Vec<(String, R)>, Error> {
    let mut sql = Sql::default();
    let (project, value) = (sql.bind(project), sql.bind(value));
    let version = version(names, at, &mut sql);
    let arms: Vec<String> = facet_arms(names, at, db.dialect(), &mut sql)
        .into_iter()
        .map(|Arm { from, alive }| {
            format!(
                "SELECT l.project, v.body, d.sequence FROM {from} CROSS JOIN {} AS l \
                 CROSS JOIN {} AS v WHERE d.facet = {facet} AND d.project = {project} \
                 AND d.parent = '' AND d.value = {value} AND {alive} \
                 AND l.sequence = d.sequence AND {version}",
                names.lives, names.versions,
            )
        })
        .collect();
    let text = format!("{} ORDER BY 3", arms.join(" UNION ALL "));
    let mut found = Vec::new();
    db.query(&text, &sql.values, &mut |record| {
        found.push((record.text(0)?.to_owned(), read_body(record.text(1)?)?));
        Ok(true)
    })?;
    Ok(found)
}

/// A list request, about to become a statement.
struct Plan<'a> {
    source: &'a Source<'a>,
    dialect: &'static Dialect,
    term: Option<Term>,
    /// The search finds so much that it is cheaper to look at everything in
    /// list order until there is enough.
    broad: bool,
    list: &'a List,
}

/// What a search may find before it is looked for in list order.
const MUCH: u32 = 500;

impl Plan<'_> {
    fn finds_much(&self, db: &mut dyn Database) -> Result<bool, Error> {
        let Some(term @ (Term::Any { .. } | Term::Phrase(_))) = &self.term else {
            return Ok(false);
        };
        let mut sql = Sql::default();
        let text = format!(
            "SELECT count(*) FROM (SELECT 1 FROM {} LIMIT {}) AS counted",
            self.found(&mut sql, term),
            sql.bind(MUCH),
        );
        let mut found = 0;
        db.query(&text, &sql.values, &mut |record| {
            found = record.integer(0)?;
            Ok(false)
        })?;
        Ok(found >= i64::from(MUCH))
    }

    fn rows<R: Row>(&self, db: &mut dyn Database) -> Result<Vec<R>, Error> {
        if self.list.limit == 0 {
            return Ok(Vec::new());
        }
        let mut order = self.list.order.iter();
        let random = order.any(|order| order.by == OrderBy::Random);
        let mut keys = self.keys()?;
        let mut sql = Sql::default();
        let walk = self.walk(&mut sql, keys.first().map(|key| key.name));
        let mut conditions = walk.conditions;
        conditions.push(version(self.source.names, self.source.at, &mut sql));
        conditions.extend(self.conditions(&mut sql, walk.fulfils)?);
        if let Some(column) = walk.ordered_by
            && let Some(key) = keys.iter_mut().find(|key| key.name == column)
        {
            "d.value".clone_into(&mut key.expression);
        }
        let backwards = matches!(self.list.cursor, Some(Cursor::Before(_)));
        if let Some(Cursor::After(id) | Cursor::Before(id)) = &self.list.cursor {
            let pivot = self.pivot(db, &keys, id)?;
            conditions.push(beyond(&mut sql, &keys, &pivot, backwards));
        }
        let mut columns: Vec<&str> = Vec::new();
        let mut order: Vec<String> = Vec::new();
        if random {
            columns.push("random()");
            order.push("2".to_owned());
        }
        for key in &keys {
            columns.push(&key.expression);
            let descending = key.descending != backwards;
            let direction = if descending { " DESC" } else { "" };
            order.push(format!("{}{direction}", columns.len() + 1));
        }
        let (columns, conditions) = (columns.join(", "), conditions.join(" AND "));
        let order = order.join(", ");
        // None of the walks adds more than the whole page and what is before.
        let limit = (self.dialect.limits_walks && walk.arms.len() > 1).then(|| {
            let rows = u64::from(self.list.limit) + u64::from(self.list.offset);
            format!(" ORDER BY {order} LIMIT {}", sql.bind(rows))
        });
        let versions = &self.source.names.versions;
        let arms: Vec<String> = walk
            .arms
            .iter()
            .map(|Arm { from, alive }| {
                let arm = format!(
                    "SELECT v.body, {columns} FROM {from} CROSS JOIN {versions} AS v \
                     WHERE {alive} AND {conditions}"
                );
                match &limit {
                    Some(limit) => format!("({arm}{limit})"),
                    None => arm,
                }
            })
            .collect();
        let text = format!(
            "{} ORDER BY {order} LIMIT {} OFFSET {}",
            arms.join(" UNION ALL "),
            sql.bind(self.list.limit),
            sql.bind(self.list.offset),
        );
        let mut rows = Vec::with_capacity(self.list.limit.min(1000) as usize);
        db.query(&text, &sql.values, &mut |record| {
            rows.push(read_body(record.text(0)?)?);
            Ok(true)
        })?;
        if backwards {
            rows.reverse();
        }
        Ok(rows)
    }

    fn count(&self, db: &mut dyn Database, most: u32) -> Result<u32, Error> {
        let mut sql = Sql::default();
        let walk = self.walk(&mut sql, None);
        let filters = self.conditions(&mut sql, walk.fulfils)?;
        if filters.is_empty()
            && let Some((facet, value)) = walk.counted
            && let Some(parent) = self.source.parent
        {
            let names = self.source.names;
            let table = counts::table(names.table, names.generation);
            let key = [
                (facet as i64).into(),
                self.source.project.into(),
                parent.into(),
                value.as_str().into(),
            ];
            let total = counts::count(db, &table, key, self.source.at)?;
            return Ok(u32::try_from(total).unwrap_or(u32::MAX).min(most));
        }
        let mut conditions = walk.conditions;
        let mut join = String::new();
        if !filters.is_empty() {
            join = format!(" CROSS JOIN {} AS v", self.source.names.versions);
            conditions.push(version(self.source.names, self.source.at, &mut sql));
            conditions.extend(filters);
        }
        let conditions = conditions.join(" AND ");
        let arms: Vec<String> = walk
            .arms
            .iter()
            .map(|Arm { from, alive }| {
                format!("SELECT 1 FROM {from}{join} WHERE {alive} AND {conditions}")
            })
            .collect();
        let text = format!(
            "SELECT count(*) FROM ({} LIMIT {}) AS counted",
            arms.join(" UNION ALL "),
            sql.bind(most),
        );
        let mut total = 0;
        db.query(&text, &sql.values, &mut |record| {
            total = record.integer(0)?;
            Ok(false)
        })?;
        Ok(u32::try_from(total).unwrap_or(u32::MAX))
    }
}
