//! What a list walks: lives or intervals of facets, as of now or of the past.

use super::Plan;
use super::filter::scalar_text;
use crate::db::{Dialect, OPEN, OPEN_SQL, Value};
use crate::query::{Filter, Operator, Scalar};
use crate::search::Term;
use crate::table::{Facet, Index, Kind, Names, first_after};

/// Parameters of a statement in the making.
#[derive(Default)]
pub(super) struct Sql {
    pub values: Vec<Value>,
}

impl Sql {
    pub(super) fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len())
    }
}

/// The life `d` had begun at the asked position.
pub(super) fn begun(at: Option<u64>, sql: &mut Sql) -> String {
    match at {
        None => "1 = 1".to_owned(),
        Some(position) => format!("d.sequence <= {}", sql.bind(position)),
    }
}

/// A life that ends there, and had begun, is valid at the asked position.
pub(super) fn is_alive(valid_to: i64, at: Option<u64>) -> bool {
    match at {
        None => valid_to == OPEN,
        Some(position) => i64::try_from(position).is_ok_and(|position| valid_to > position),
    }
}

/// `v` is the version of `d` at the asked position.
pub(super) fn version(names: &Names, at: Option<u64>, sql: &mut Sql) -> String {
    let until = at.map(|position| sql.bind(first_after(position)));
    names.version(&until.map_or_else(String::new, |until| format!(" AND x.version < {until}")))
}

/// One of the walks that together make up a list.
pub(super) struct Arm {
    /// The part after `FROM`, named `d`.
    pub from: String,
    /// The condition that `d` is valid at the asked position.
    pub alive: String,
}

/// What a statement walks.
pub(super) struct Walk {
    pub arms: Vec<Arm>,
    /// More conditions on `d`.
    pub conditions: Vec<String>,
    /// The filter that the walk fulfils.
    pub fulfils: Option<usize>,
    /// The column in whose order the walk is, before the insertion order.
    pub ordered_by: Option<&'static str>,
    /// The facet and its value, when somebody has counted them.
    pub counted: Option<(usize, String)>,
}

/// Walks of the lives: of those that have not ended, and for the past also of
/// those that have.
fn life_arms(names: &Names, at: Option<u64>, dialect: &Dialect, sql: &mut Sql) -> Vec<Arm> {
    let by = |index| {
        format!(
            "{} AS d{}",
            names.lives,
            (dialect.by_index)(&names.index(index))
        )
    };
    let from = at.map(|position| format!("d.sequence <= {}", sql.bind(position)));
    arms(at, sql, from, [by(Index::LivesNow), by(Index::LivesEnded)])
}

/// As [`life_arms`], but of the intervals of facets.
pub(super) fn facet_arms(
    names: &Names,
    at: Option<u64>,
    dialect: &Dialect,
    sql: &mut Sql,
) -> Vec<Arm> {
    let by = |index| {
        format!(
            "{} AS d{}",
            names.facets,
            (dialect.by_index)(&names.index(index))
        )
    };
    let from = at.map(|position| {
        let (position, interval) = (sql.bind(position), sql.bind(first_after(position)));
        format!("d.sequence <= {position} AND d.interval < {interval}")
    });
    arms(
        at,
        sql,
        from,
        [by(Index::FacetsNow), by(Index::FacetsEnded)],
    )
}

fn arms(
    at: Option<u64>,
    sql: &mut Sql,
    from: Option<String>,
    [now, ended]: [String; 2],
) -> Vec<Arm> {
    let open = format!("d.valid_to = {OPEN_SQL}");
    let (Some(position), Some(from)) = (at, from) else {
        return vec![Arm {
            from: now,
            alive: open,
        }];
    };
    let until = sql.bind(position);
    vec![
        Arm {
            from: now,
            alive: format!("{open} AND {from}"),
        },
        Arm {
            from: ended,
            alive: format!("d.valid_to < {OPEN_SQL} AND d.valid_to > {until} AND {from}"),
        },
    ]
}

impl Plan<'_> {
    /// Chooses what to walk: what a search finds, or a facet that a filter
    /// asks for, or a facet in whose order the list is, or everything.
    pub(super) fn walk(&self, sql: &mut Sql, ordered_by: Option<&str>) -> Walk {
        let names = self.source.names;
        if let Some(term) = &self.term
            && !self.broad
        {
            return Walk {
                arms: vec![Arm {
                    from: self.found(sql, term),
                    alive: "1 = 1".to_owned(),
                }],
                conditions: vec!["1 = 1".to_owned()],
                fulfils: None,
                ordered_by: None,
                counted: None,
            };
        }
        let facet = |name: &str| {
            let mut columns = names.table.columns.iter();
            columns.position(|column| column.facet.is_value() && column.name == name)
        };
        for (index, filter) in self.list.filters.iter().enumerate() {
            if let Filter::Compare {
                column,
                operator: Operator::Equal,
                values,
            } = filter
                && let [value] = &values[..]
                && let Some(facet) = facet(column)
            {
                let mut walk = self.facet_walk(sql, facet);
                let value = scalar_text(value);
                let place = sql.bind(value.as_str());
                walk.conditions.push(format!("d.value = {place}"));
                if names.table.columns[facet].facet == Facet::Counted {
                    walk.counted = Some((facet, value));
                }
                walk.fulfils = Some(index);
                return walk;
            }
        }
        if let Some(facet) = ordered_by.and_then(facet)
            && names.table.columns[facet].kind == Kind::Text
        {
            let mut walk = self.facet_walk(sql, facet);
            let column = names.table.columns[facet].name;
            walk.conditions.extend(self.bounds(sql, column));
            walk.ordered_by = Some(column);
            return walk;
        }
        let scope = self.source.scope(sql);
        Walk {
            arms: life_arms(names, self.source.at, self.dialect, sql),
            conditions: vec![scope],
            fulfils: None,
            ordered_by: None,
            counted: None,
        }
    }

    /// The conditions on a column that say where in its order a walk begins
    /// and ends.
    fn bounds(&self, sql: &mut Sql, name: &str) -> Vec<String> {
        let mut bounds = Vec::new();
        for filter in &self.list.filters {
            if let Filter::Compare {
                column,
                operator,
                values,
            } = filter
                && *column == name
                && let [Scalar::Text(value)] = &values[..]
                && let Some(symbol) = match operator {
                    Operator::Less => Some("<"),
                    Operator::LessEqual => Some("<="),
                    Operator::Greater => Some(">"),
                    Operator::GreaterEqual => Some(">="),
                    _ => None,
                }
            {
                bounds.push(format!("d.value {symbol} {}", sql.bind(value.as_str())));
            }
        }
        bounds
    }

    fn facet_walk(&self, sql: &mut Sql, facet: usize) -> Walk {
        let scope = self.source.scope(sql);
        Walk {
            arms: facet_arms(self.source.names, self.source.at, self.dialect, sql),
            conditions: vec![format!("d.facet = {facet} AND {scope}")],
            fulfils: None,
            ordered_by: None,
            counted: None,
        }
    }

    /// The sequences of what a search finds, each once.
    pub(super) fn found(&self, sql: &mut Sql, term: &Term) -> String {
        let names = self.source.names;
        let mut columns = names.table.columns.iter();
        let Some(facet) = columns.position(|column| column.facet == Facet::Words) else {
            return format!("(SELECT sequence FROM {} WHERE 1 = 0) AS d", names.lives);
        };
        let scope = self.source.scope(sql);
        let mut matching: Vec<String> = Vec::new();
        match term {
            Term::Any { words, prefix } => {
                for word in words {
                    matching.push(format!("d.value = {}", sql.bind(word.as_str())));
                }
                let begin = sql.bind(prefix.as_str());
                // No text sorts behind the last character.
                let end = sql.bind(format!("{prefix}{}", char::MAX));
                matching.push(format!("d.value >= {begin} AND d.value < {end}"));
            }
            Term::Phrase(words) => {
                let first = words.first().map_or("", String::as_str);
                matching.push(format!("d.value = {}", sql.bind(first)));
            }
            Term::Nothing => matching.push("1 = 0".to_owned()),
        }
        let arms = facet_arms(names, self.source.at, self.dialect, sql);
        let mut each = Vec::new();
        for Arm { from, alive } in &arms {
            for matching in &matching {
                each.push(format!(
                    "SELECT d.sequence AS sequence FROM {from} WHERE d.facet = {facet} \
                     AND {scope} AND {matching} AND {alive}"
                ));
            }
        }
        format!(
            "(SELECT DISTINCT found.sequence FROM ({}) AS found) AS d",
            each.join(" UNION ALL ")
        )
    }
}
