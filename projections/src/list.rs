//! List requests as SQL.
//!
//! One statement walks, in list order, either the lives below a parent, or the
//! things that had one value of a facet, or those that a search finds, and
//! finds the version of each at the asked position. See [`crate::table`].

use crate::Error;
use crate::db::{Database, Dialect, OPEN_SQL, Value};
use crate::query::{Cursor, Filter, List, Operator, Order, OrderBy, Page, Scalar};
use crate::search::Term;
use crate::table::{Facet, Names, WORDS};
use crate::versions::{Row, facet_text, read_body};

/// What a list is read from.
pub(crate) struct Source<'a> {
    pub names: &'a Names,
    pub project: &'a str,
    pub parent: &'a str,
    /// The position that is asked for; none: now.
    pub at: Option<u64>,
}

/// Reads a page.
pub(crate) fn list<R: Row>(
    db: &mut dyn Database,
    source: &Source<'_>,
    list: &List,
) -> Result<Page<R>, Error> {
    let term = match list.search.as_str() {
        "" => None,
        search => Some(Term::parse(search)),
    };
    let plan = Plan {
        source,
        dialect: db.dialect(),
        term,
        list,
    };
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
    let version = version(source, &mut sql);
    let project = sql.bind(source.project);
    let id = sql.bind(id);
    let mut text = format!(
        "SELECT v.body FROM {} AS d CROSS JOIN {} AS v \
         WHERE d.project = {project} AND d.id = {id} AND {} AND {version}",
        names.lives,
        names.versions,
        alive(source, &mut sql, "d.sequence"),
    );
    if names.table.ids_in_parent {
        text += &format!(" AND d.parent = {}", sql.bind(source.parent));
    }
    text += " ORDER BY d.sequence DESC LIMIT 1";
    let mut found = None;
    db.query(&text, &sql.values, &mut |record| {
        found = Some(read_body(record.text(0)?)?);
        Ok(false)
    })?;
    Ok(found)
}

/// Reads, over all projects, the rows whose facet has one of the values, with
/// their projects, oldest first.
pub(crate) fn by_facet<R: Row>(
    db: &mut dyn Database,
    source: &Source<'_>,
    column: &str,
    values: &[&str],
) -> Result<Vec<(String, R)>, Error> {
    let names = source.names;
    let Some(facet) = names
        .table
        .columns
        .iter()
        .position(|one| one.name == column)
    else {
        return Err(Error::UnknownColumn(column.to_owned()));
    };
    let mut sql = Sql::default();
    let version = version(source, &mut sql);
    let places: Vec<String> = values.iter().map(|value| sql.bind(*value)).collect();
    let index = match source.at {
        None => (db.dialect().by_index)(&names.facets_now()),
        Some(_) => String::new(),
    };
    let text = format!(
        "SELECT l.project, v.body FROM {} AS d{index} CROSS JOIN {} AS l CROSS JOIN {} AS v \
         WHERE d.facet = {facet} AND d.value IN ({}) AND {} AND l.sequence = d.sequence \
         AND {version} ORDER BY d.sequence",
        names.facets,
        names.lives,
        names.versions,
        places.join(", "),
        alive(source, &mut sql, "d.valid_from"),
    );
    let mut found = Vec::new();
    db.query(&text, &sql.values, &mut |record| {
        found.push((record.text(0)?.to_owned(), read_body(record.text(1)?)?));
        Ok(true)
    })?;
    Ok(found)
}

/// Parameters of a statement in the making.
#[derive(Default)]
struct Sql {
    values: Vec<Value>,
}

impl Sql {
    fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len())
    }
}

/// `d` is valid at the asked position.
fn alive(source: &Source<'_>, sql: &mut Sql, from: &str) -> String {
    match source.at {
        None => format!("d.valid_to = {OPEN_SQL}"),
        Some(position) => {
            let position = sql.bind(position);
            format!("d.sequence <= {position} AND {from} <= {position} AND d.valid_to > {position}")
        }
    }
}

/// `v` is the version of `d` at the asked position.
fn version(source: &Source<'_>, sql: &mut Sql) -> String {
    let until = match source.at {
        None => String::new(),
        Some(position) => format!(" AND x.valid_from <= {}", sql.bind(position)),
    };
    format!(
        "v.sequence = d.sequence AND v.valid_from = (SELECT max(x.valid_from) \
         FROM {} AS x WHERE x.sequence = d.sequence{until})",
        source.names.versions
    )
}

struct Plan<'a> {
    source: &'a Source<'a>,
    dialect: &'static Dialect,
    term: Option<Term>,
    list: &'a List,
}

/// What a statement walks.
struct Walk {
    /// The part after `FROM`, named `d`.
    from: String,
    /// Conditions on `d`.
    conditions: Vec<String>,
    /// The filter that the walk fulfils.
    fulfils: Option<usize>,
    /// The column in whose order the walk is, before the insertion order.
    ordered_by: Option<&'static str>,
}

/// One sort key as SQL.
struct Key {
    expression: String,
    name: &'static str,
    descending: bool,
}

impl Plan<'_> {
    fn rows<R: Row>(&self, db: &mut dyn Database) -> Result<Vec<R>, Error> {
        if self.list.limit == 0 {
            return Ok(Vec::new());
        }
        let random = self
            .list
            .order
            .iter()
            .any(|order| order.by == OrderBy::Random);
        let keys = self.keys()?;
        let first = keys.first().map(|key| key.name);
        let mut sql = Sql::default();
        let walk = self.walk(&mut sql, first);
        let mut keys = keys;
        if let Some(column) = walk.ordered_by
            && let Some(key) = keys.iter_mut().find(|key| key.name == column)
        {
            "d.value".clone_into(&mut key.expression);
        }
        let mut conditions = walk.conditions;
        conditions.push(version(self.source, &mut sql));
        conditions.extend(self.conditions(&mut sql, walk.fulfils)?);
        let backwards = matches!(self.list.cursor, Some(Cursor::Before(_)));
        if let Some(Cursor::After(id) | Cursor::Before(id)) = &self.list.cursor {
            let pivot = self.pivot(db, &keys, id)?;
            conditions.push(beyond(&mut sql, &keys, &pivot, backwards));
        }
        let mut order: Vec<String> = Vec::new();
        if random {
            order.push("random()".to_owned());
        }
        order.extend(keys.iter().map(|key| {
            let descending = key.descending != backwards;
            let direction = if descending { " DESC" } else { "" };
            format!("{}{direction}", key.expression)
        }));
        let text = format!(
            "SELECT v.body FROM {} CROSS JOIN {} AS v WHERE {} ORDER BY {} LIMIT {} OFFSET {}",
            walk.from,
            self.source.names.versions,
            conditions.join(" AND "),
            order.join(", "),
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
        let mut conditions = walk.conditions;
        let mut from = walk.from;
        if !filters.is_empty() {
            from += &format!(" CROSS JOIN {} AS v", self.source.names.versions);
            conditions.push(version(self.source, &mut sql));
            conditions.extend(filters);
        }
        let text = format!(
            "SELECT count(*) FROM (SELECT 1 FROM {from} WHERE {} LIMIT {}) AS counted",
            conditions.join(" AND "),
            sql.bind(most),
        );
        let mut total = 0;
        db.query(&text, &sql.values, &mut |record| {
            total = record.integer(0)?;
            Ok(false)
        })?;
        Ok(u32::try_from(total).unwrap_or(u32::MAX))
    }

    /// Chooses what to walk: what a search finds, or a facet that a filter
    /// asks for, or a facet in whose order the list is, or everything.
    fn walk(&self, sql: &mut Sql, ordered_by: Option<&str>) -> Walk {
        let names = self.source.names;
        if let Some(term) = &self.term {
            return Walk {
                from: self.found(sql, term),
                conditions: vec!["1 = 1".to_owned()],
                fulfils: None,
                ordered_by: None,
            };
        }
        let facets = || {
            let columns = names.table.columns.iter().enumerate();
            columns.filter(|(_, column)| column.facet == Facet::Yes)
        };
        for (index, filter) in self.list.filters.iter().enumerate() {
            if let Filter::Compare {
                column,
                operator: Operator::Equal,
                values,
            } = filter
                && let [value] = &values[..]
                && let Some((facet, _)) = facets().find(|(_, one)| one.name == *column)
            {
                let from = self.facets(sql, facet);
                let value = sql.bind(facet_text(&scalar(value)).as_ref());
                let mut conditions = from.conditions;
                conditions.push(format!("d.value = {value}"));
                return Walk {
                    conditions,
                    fulfils: Some(index),
                    ..from
                };
            }
        }
        if let Some(column) = ordered_by
            && let Some((facet, column)) = facets().find(|(_, one)| one.name == column)
        {
            // In the order of the primary key, whether asked for now or then.
            let project = sql.bind(self.source.project);
            let parent = sql.bind(self.source.parent);
            return Walk {
                from: format!("{} AS d", names.facets),
                conditions: vec![
                    format!("d.project = {project} AND d.parent = {parent} AND d.facet = {facet}"),
                    alive(self.source, sql, "d.valid_from"),
                ],
                fulfils: None,
                ordered_by: Some(column.name),
            };
        }
        let index = match self.source.at {
            None => names.lives_now(),
            Some(_) => names.lives_ever(),
        };
        let project = sql.bind(self.source.project);
        let parent = sql.bind(self.source.parent);
        Walk {
            from: format!("{} AS d{}", names.lives, (self.dialect.by_index)(&index)),
            conditions: vec![
                format!("d.project = {project} AND d.parent = {parent}"),
                alive(self.source, sql, "d.sequence"),
            ],
            fulfils: None,
            ordered_by: None,
        }
    }

    fn facets(&self, sql: &mut Sql, facet: usize) -> Walk {
        let names = self.source.names;
        let index = match self.source.at {
            None => (self.dialect.by_index)(&names.facets_now()),
            Some(_) => String::new(),
        };
        let project = sql.bind(self.source.project);
        let parent = sql.bind(self.source.parent);
        Walk {
            from: format!("{} AS d{index}", names.facets),
            conditions: vec![
                format!("d.project = {project} AND d.parent = {parent} AND d.facet = {facet}"),
                alive(self.source, sql, "d.valid_from"),
            ],
            fulfils: None,
            ordered_by: None,
        }
    }

    /// The sequences of what a search finds, each once.
    fn found(&self, sql: &mut Sql, term: &Term) -> String {
        let names = self.source.names;
        let project = sql.bind(self.source.project);
        let parent = sql.bind(self.source.parent);
        let matching = match term {
            Term::Any { words, prefix } => {
                let mut any: Vec<String> = words
                    .iter()
                    .map(|word| format!("d.value = {}", sql.bind(word.as_str())))
                    .collect();
                let begin = sql.bind(prefix.as_str());
                // No text sorts behind the last character.
                let end = sql.bind(format!("{prefix}{}", char::MAX));
                any.push(format!("(d.value >= {begin} AND d.value < {end})"));
                any.join(" OR ")
            }
            Term::Phrase(words) => {
                let first = words.first().map_or("", String::as_str);
                format!("d.value = {}", sql.bind(first))
            }
            Term::Nothing => "1 = 0".to_owned(),
        };
        format!(
            "(SELECT DISTINCT d.sequence AS sequence FROM {} AS d WHERE d.project = {project} \
             AND d.parent = {parent} AND d.facet = {WORDS} AND ({matching}) AND {}) AS d",
            names.facets,
            alive(self.source, sql, "d.valid_from"),
        )
    }

    fn conditions(&self, sql: &mut Sql, fulfilled: Option<usize>) -> Result<Vec<String>, Error> {
        let mut conditions = Vec::new();
        if let Some(Term::Phrase(words)) = &self.term {
            let phrase = sql.bind(format!(" {} ", words.join(" ")));
            conditions.push(format!("{}(v.\"words\", {phrase}) > 0", self.dialect.find));
        }
        for (index, filter) in self.list.filters.iter().enumerate() {
            if fulfilled != Some(index) {
                conditions.push(self.condition(sql, filter)?);
            }
        }
        Ok(conditions)
    }

    fn condition(&self, sql: &mut Sql, filter: &Filter) -> Result<String, Error> {
        let joined = |sql: &mut Sql, filters: &[Filter], with: &str, none: &str| {
            let each: Vec<String> = filters
                .iter()
                .map(|filter| self.condition(sql, filter))
                .collect::<Result<_, Error>>()?;
            Ok(match each.len() {
                0 => none.to_owned(),
                _ => format!("({})", each.join(with)),
            })
        };
        match filter {
            Filter::And(filters) => joined(sql, filters, " AND ", "1 = 1"),
            Filter::Or(filters) => joined(sql, filters, " OR ", "1 = 0"),
            Filter::Compare {
                column,
                operator,
                values,
            } => self.comparison(sql, column, *operator, values),
        }
    }

    fn comparison(
        &self,
        sql: &mut Sql,
        column: &'static str,
        operator: Operator,
        values: &[Scalar],
    ) -> Result<String, Error> {
        let column = self.column(column)?;
        let fold = format!("{}({column})", self.dialect.fold);
        let find = self.dialect.find;
        let compare = |sql: &mut Sql, symbol: &str, with: &str, none: &str| {
            let each: Vec<String> = values
                .iter()
                .map(|value| format!("{column} {symbol} {}", sql.bind(scalar(value))))
                .collect();
            match each.len() {
                0 => none.to_owned(),
                _ => format!("({})", each.join(with)),
            }
        };
        // `?` stands for the value in lower case.
        let textual = |sql: &mut Sql, pattern: &str, with: &str, none: &str| {
            let each: Vec<String> = values
                .iter()
                .map(|value| {
                    let text = crate::db::fold(&facet_text(&scalar(value)));
                    pattern.replace('?', &sql.bind(text))
                })
                .collect();
            match each.len() {
                0 => none.to_owned(),
                _ => format!("({})", each.join(with)),
            }
        };
        let range = |sql: &mut Sql, not: &str| match values {
            [low, high] => {
                let low = sql.bind(scalar(low));
                let high = sql.bind(scalar(high));
                format!("{column} {not}BETWEEN {low} AND {high}")
            }
            _ => "1 = 0".to_owned(),
        };
        let begins = format!("substr({fold}, 1, length(?)) = ?");
        let ends = format!(
            "(length({fold}) >= length(?) \
             AND substr({fold}, length({fold}) - length(?) + 1) = ?)"
        );
        Ok(match operator {
            Operator::Equal => compare(sql, "=", " OR ", "1 = 0"),
            Operator::NotEqual => compare(sql, "<>", " AND ", "1 = 1"),
            Operator::Less => compare(sql, "<", " AND ", "1 = 0"),
            Operator::LessEqual => compare(sql, "<=", " AND ", "1 = 0"),
            Operator::Greater => compare(sql, ">", " AND ", "1 = 0"),
            Operator::GreaterEqual => compare(sql, ">=", " AND ", "1 = 0"),
            Operator::Between => range(sql, ""),
            Operator::NotBetween => range(sql, "NOT "),
            Operator::IsNull => format!("{column} IS NULL"),
            Operator::IsNotNull => format!("{column} IS NOT NULL"),
            Operator::StartsWith => textual(sql, &begins, " OR ", "1 = 0"),
            Operator::NotStartsWith => textual(sql, &format!("NOT {begins}"), " AND ", "1 = 1"),
            Operator::EndsWith => textual(sql, &ends, " OR ", "1 = 0"),
            Operator::NotEndsWith => textual(sql, &format!("NOT {ends}"), " AND ", "1 = 1"),
            Operator::Contains => textual(sql, &format!("{find}({fold}, ?) > 0"), " OR ", "1 = 0"),
            Operator::NotContains => {
                textual(sql, &format!("{find}({fold}, ?) = 0"), " AND ", "1 = 1")
            }
        })
    }

    /// A column as an expression.
    fn column(&self, name: &str) -> Result<String, Error> {
        let table = self.source.names.table;
        if name == "sequence" {
            return Ok("d.sequence".to_owned());
        }
        if let Some((_, expression)) = table.computed.iter().find(|(known, _)| *known == name) {
            return Ok(format!("({expression})"));
        }
        match table.columns.iter().find(|column| column.name == name) {
            Some(column) => Ok(format!("v.\"{}\"", column.name)),
            None => Err(Error::UnknownColumn(name.to_owned())),
        }
    }

    /// The sort keys, the insertion order last, in the direction of the key
    /// before it, so that one walk of an index can give both.
    fn keys(&self) -> Result<Vec<Key>, Error> {
        let mut keys: Vec<Key> = Vec::new();
        let insertion = |descending| Key {
            expression: "d.sequence".to_owned(),
            name: "sequence",
            descending,
        };
        for (index, Order { by, descending }) in self.list.order.iter().enumerate() {
            let last = index + 1 == self.list.order.len();
            match by {
                OrderBy::Random => {}
                OrderBy::Insertion | OrderBy::Column("sequence") => {
                    keys.push(insertion(*descending));
                    return Ok(keys);
                }
                // Recorded times never go backwards along positions.
                OrderBy::Column("created_at") if last => {
                    keys.push(insertion(*descending));
                    return Ok(keys);
                }
                OrderBy::Column(name) => keys.push(Key {
                    expression: self.column(name)?,
                    name,
                    descending: *descending,
                }),
            }
        }
        let descending = keys.last().is_some_and(|key| key.descending);
        keys.push(insertion(descending));
        Ok(keys)
    }

    /// The values of the cursor's row that the list is ordered by.
    fn pivot(&self, db: &mut dyn Database, keys: &[Key], id: &str) -> Result<Vec<Value>, Error> {
        let mut sql = Sql::default();
        let expressions: Vec<String> = keys
            .iter()
            .map(|key| self.column(key.name))
            .collect::<Result<_, Error>>()?;
        let version = version(self.source, &mut sql);
        let text = format!(
            "SELECT {} FROM {} AS d CROSS JOIN {} AS v \
             WHERE d.project = {} AND d.parent = {} AND d.id = {} AND {} AND {version} \
             ORDER BY d.sequence DESC LIMIT 1",
            expressions.join(", "),
            self.source.names.lives,
            self.source.names.versions,
            sql.bind(self.source.project),
            sql.bind(self.source.parent),
            sql.bind(id),
            alive(self.source, &mut sql, "d.sequence"),
        );
        let mut pivot = None;
        db.query(&text, &sql.values, &mut |record| {
            let values = (0..keys.len()).map(|index| record.value(index));
            pivot = Some(values.collect::<Result<Vec<Value>, Error>>()?);
            Ok(false)
        })?;
        let pivot = pivot.ok_or_else(|| Error::CursorNotFound(id.to_owned()))?;
        match keys
            .iter()
            .zip(&pivot)
            .find(|(_, value)| **value == Value::Null)
        {
            Some((key, _)) => Err(Error::CursorOrderNull(key.name.to_owned())),
            None => Ok(pivot),
        }
    }
}

/// A row comes behind the pivot (in front of it, when read backwards).
fn beyond(sql: &mut Sql, keys: &[Key], pivot: &[Value], backwards: bool) -> String {
    let places: Vec<String> = pivot.iter().map(|value| sql.bind(value.clone())).collect();
    let symbol = |key: &Key| {
        if key.descending != backwards {
            "<"
        } else {
            ">"
        }
    };
    let same_direction = keys
        .windows(2)
        .all(|pair| pair[0].descending == pair[1].descending);
    if same_direction && let Some(first) = keys.first() {
        let expressions: Vec<&str> = keys.iter().map(|key| key.expression.as_str()).collect();
        return match expressions.len() {
            1 => format!("{} {} {}", expressions[0], symbol(first), places[0]),
            _ => format!(
                "({}) {} ({})",
                expressions.join(", "),
                symbol(first),
                places.join(", ")
            ),
        };
    }
    let mut any = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        let mut all: Vec<String> = keys[..index]
            .iter()
            .zip(&places)
            .map(|(key, place)| format!("{} = {place}", key.expression))
            .collect();
        all.push(format!(
            "{} {} {}",
            key.expression,
            symbol(key),
            places[index]
        ));
        any.push(format!("({})", all.join(" AND ")));
    }
    format!("({})", any.join(" OR "))
}

fn scalar(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::Text(text) => text.as_str().into(),
        Scalar::Integer(number) => (*number).into(),
        Scalar::Float(number) => Value::Real(*number),
        Scalar::Boolean(boolean) => (*boolean).into(),
    }
}
