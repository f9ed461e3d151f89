//! Lists as anybody would make them in memory, and random requests for them.

use std::cmp::Ordering;

use projections::model::{Deployment, Execution, Function, Key, Project, Variable};
use projections::query::{Cursor, Filter, List, Operator, Order, OrderBy, Page, Scalar};

use crate::history::{NAMES, RUNTIMES};

/// A row that can be listed.
pub trait Listed: Clone + PartialEq + std::fmt::Debug {
    /// The columns that a request may name.
    const COLUMNS: &'static [&'static str];
    fn id(&self) -> &str;
    fn column(&self, name: &str) -> Scalar;
    fn searchable(&self) -> String {
        String::new()
    }
}

pub fn text(text: &str) -> Scalar {
    Scalar::Text(text.to_owned())
}

pub fn number(number: impl TryInto<i64>) -> Scalar {
    Scalar::Integer(number.try_into().unwrap_or(i64::MAX))
}

impl Listed for Function {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "created_at",
        "updated_at",
        "sequence",
        "name",
        "enabled",
        "runtime",
        "deployment_id",
        "schedule",
        "timeout",
        "entrypoint",
        "commands",
        "installation_id",
        "origin",
        "integration",
        "kind",
    ];

    fn id(&self) -> &str {
        &self.id
    }

    fn column(&self, name: &str) -> Scalar {
        let settings = &self.settings;
        let script = settings.script.as_ref();
        match name {
            "id" => text(&self.id),
            "created_at" => number(self.created_at),
            "updated_at" => number(self.updated_at),
            "sequence" => number(self.sequence),
            "name" => text(&settings.name),
            "enabled" => number(settings.enabled),
            "runtime" => text(&settings.runtime),
            "deployment_id" => text(&self.deployment_id),
            "schedule" => text(&settings.schedule),
            "timeout" => number(settings.timeout),
            "entrypoint" => text(&settings.entrypoint),
            "commands" => text(&settings.commands),
            "installation_id" => text(&settings.provider.installation_id),
            "origin" => text(self.origin.as_str()),
            "integration" => text(script.map_or("", |script| &script.integration)),
            "kind" => text(script.map_or("", |script| script.kind.as_str())),
            _ => unreachable!("{name}"),
        }
    }

    fn searchable(&self) -> String {
        format!(
            "{} {} {}",
            self.id, self.settings.name, self.settings.runtime
        )
    }
}

impl Listed for Variable {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "created_at",
        "updated_at",
        "sequence",
        "key",
        "secret",
        "function_id",
        "resource_type",
    ];

    fn id(&self) -> &str {
        &self.id
    }

    fn column(&self, name: &str) -> Scalar {
        match name {
            "id" => text(&self.id),
            "created_at" => number(self.created_at),
            "updated_at" => number(self.updated_at),
            "sequence" => number(self.sequence),
            "key" => text(&self.key),
            "secret" => number(self.value.is_secret()),
            "function_id" => text(&self.function_id),
            "resource_type" => text("function"),
            _ => unreachable!("{name}"),
        }
    }
}

impl Listed for Deployment {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "created_at",
        "updated_at",
        "sequence",
        "build_size",
        "source_size",
        "total_size",
        "build_duration",
        "build_duration_ms",
        "status",
        "activate",
        "type",
    ];

    fn id(&self) -> &str {
        &self.id
    }

    fn column(&self, name: &str) -> Scalar {
        match name {
            "id" => text(&self.id),
            "created_at" => number(self.created_at),
            "updated_at" => number(self.updated_at),
            "sequence" => number(self.sequence),
            "build_size" => number(self.build_size),
            "source_size" => number(self.source_size),
            "total_size" => number(self.build_size + self.source_size),
            "build_duration" => number(self.build_duration_ms.div_ceil(1000)),
            "build_duration_ms" => number(self.build_duration_ms),
            "status" => text(&self.status),
            "activate" => number(self.activate),
            "type" => text(&self.plan.kind),
            _ => unreachable!("{name}"),
        }
    }
}

impl Listed for Execution {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "created_at",
        "updated_at",
        "sequence",
        "trigger",
        "status",
        "response_status_code",
        "duration",
        "duration_us",
        "request_method",
        "method",
        "request_path",
        "path",
        "deployment_id",
        "keyset",
        "handler",
        "handler_kind",
        "is_last",
    ];

    fn id(&self) -> &str {
        &self.id
    }

    fn column(&self, name: &str) -> Scalar {
        let handler = self.handler.as_ref();
        match name {
            "id" => text(&self.id),
            "created_at" => number(self.created_at),
            "updated_at" => number(self.updated_at),
            "sequence" => number(self.sequence),
            "trigger" => text(&self.trigger),
            "status" => text(&self.status),
            "response_status_code" => number(self.response_status_code),
            "duration" => Scalar::Float(self.duration_us as f64 / 1e6),
            "duration_us" => number(self.duration_us),
            "request_method" | "method" => text(&self.method),
            "request_path" | "path" => text(&self.path),
            "deployment_id" => text(&self.deployment_id),
            "keyset" => number(handler.map_or(0, |call| call.keyset)),
            "handler" => text(handler.map_or("", |call| call.handler.as_str())),
            "handler_kind" => text(handler.map_or("", |call| call.kind.as_str())),
            "is_last" => number(handler.is_some_and(|call| call.is_last)),
            _ => unreachable!("{name}"),
        }
    }
}

impl Listed for Project {
    const COLUMNS: &'static [&'static str] =
        &["id", "created_at", "updated_at", "sequence", "name"];

    fn id(&self) -> &str {
        &self.id
    }

    fn column(&self, name: &str) -> Scalar {
        match name {
            "id" => text(&self.id),
            "created_at" => number(self.created_at),
            "updated_at" => number(self.updated_at),
            "sequence" => number(self.sequence),
            "name" => text(&self.name),
            _ => unreachable!("{name}"),
        }
    }
}

impl Listed for Key {
    const COLUMNS: &'static [&'static str] = &["id", "created_at", "sequence", "name"];

    fn id(&self) -> &str {
        &self.id
    }

    fn column(&self, name: &str) -> Scalar {
        match name {
            "id" => text(&self.id),
            "created_at" => number(self.created_at),
            "sequence" => number(self.sequence),
            "name" => text(&self.name),
            _ => unreachable!("{name}"),
        }
    }
}

fn order(one: &Scalar, other: &Scalar) -> Ordering {
    match (one, other) {
        (Scalar::Text(one), Scalar::Text(other)) => one.as_bytes().cmp(other.as_bytes()),
        (Scalar::Integer(one), Scalar::Integer(other)) => one.cmp(other),
        (Scalar::Boolean(one), other) => order(&number(*one), other),
        (one, Scalar::Boolean(other)) => order(one, &number(*other)),
        (Scalar::Float(one), Scalar::Float(other)) => one.total_cmp(other),
        (Scalar::Float(one), Scalar::Integer(other)) => one.total_cmp(&(*other as f64)),
        (Scalar::Integer(one), Scalar::Float(other)) => (*one as f64).total_cmp(other),
        _ => panic!("{one:?} does not compare to {other:?}"),
    }
}

fn lower(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Text(text) => text.chars().flat_map(char::to_lowercase).collect(),
        other => panic!("{other:?} is no text"),
    }
}

fn holds<T: Listed>(row: &T, filter: &Filter) -> bool {
    let (column, operator, values) = match filter {
        Filter::And(filters) => return filters.iter().all(|filter| holds(row, filter)),
        Filter::Or(filters) => return filters.iter().any(|filter| holds(row, filter)),
        Filter::Compare {
            column,
            operator,
            values,
        } => (column, operator, values),
    };
    let own = row.column(column);
    let any = |test: &dyn Fn(&Scalar) -> bool| values.iter().any(test);
    let compared = |wanted: &[Ordering]| any(&|value| wanted.contains(&order(&own, value)));
    let inside = || {
        order(&own, &values[0]) != Ordering::Less && order(&own, &values[1]) != Ordering::Greater
    };
    match operator {
        Operator::Equal => compared(&[Ordering::Equal]),
        Operator::NotEqual => !compared(&[Ordering::Equal]),
        Operator::Less => compared(&[Ordering::Less]),
        Operator::LessEqual => compared(&[Ordering::Less, Ordering::Equal]),
        Operator::Greater => compared(&[Ordering::Greater]),
        Operator::GreaterEqual => compared(&[Ordering::Greater, Ordering::Equal]),
        Operator::Between => inside(),
        Operator::NotBetween => !inside(),
        Operator::IsNull => false,
        Operator::IsNotNull => true,
        Operator::StartsWith => any(&|value| lower(&own).starts_with(&lower(value))),
        Operator::NotStartsWith => !any(&|value| lower(&own).starts_with(&lower(value))),
        Operator::EndsWith => any(&|value| lower(&own).ends_with(&lower(value))),
        Operator::NotEndsWith => !any(&|value| lower(&own).ends_with(&lower(value))),
        Operator::Contains => any(&|value| lower(&own).contains(&lower(value))),
        Operator::NotContains => !any(&|value| lower(&own).contains(&lower(value))),
    }
}

fn found<T: Listed>(row: &T, search: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(|word| word.chars().flat_map(char::to_lowercase).collect())
            .collect()
    };
    let (have, wanted) = (words(&row.searchable()), words(search));
    if search.starts_with('"') && search.ends_with('"') && search.len() > 1 {
        return !wanted.is_empty() && have.windows(wanted.len()).any(|some| *some == wanted);
    }
    let Some((last, others)) = wanted.split_last() else {
        return search.is_empty();
    };
    have.iter()
        .any(|word| word.starts_with(last) || others.contains(word))
}

/// The page; none: the cursor names no row.
pub fn page<T: Listed>(all: &[T], list: &List) -> Option<Page<T>> {
    let rank = |one: &T, other: &T| {
        let mut descending = false;
        for key in &list.order {
            descending = key.descending;
            let ordering = match key.by {
                OrderBy::Column(name) => order(&one.column(name), &other.column(name)),
                OrderBy::Insertion => order(&one.column("sequence"), &other.column("sequence")),
                OrderBy::Random => Ordering::Equal,
            };
            let ordering = if descending {
                ordering.reverse()
            } else {
                ordering
            };
            if ordering != Ordering::Equal {
                return ordering;
            }
        }
        let ordering = order(&one.column("sequence"), &other.column("sequence"));
        if descending {
            ordering.reverse()
        } else {
            ordering
        }
    };
    let mut rows: Vec<T> = all
        .iter()
        .filter(|row| list.filters.iter().all(|filter| holds(*row, filter)))
        .filter(|row| found(*row, &list.search))
        .cloned()
        .collect();
    rows.sort_by(rank);
    let total = list
        .count_up_to
        .map_or(0, |most| most.min(rows.len() as u32));
    let (offset, limit) = (list.offset as usize, list.limit as usize);
    if let Some(cursor) = &list.cursor {
        let (Cursor::After(id) | Cursor::Before(id)) = cursor;
        let pivot = all.iter().find(|row| row.id() == id)?;
        let keep = match cursor {
            Cursor::After(_) => Ordering::Greater,
            Cursor::Before(_) => Ordering::Less,
        };
        rows.retain(|row| rank(row, pivot) == keep);
        if keep == Ordering::Less {
            rows.reverse();
        }
    }
    let mut rows: Vec<T> = rows.into_iter().skip(offset).take(limit).collect();
    if matches!(list.cursor, Some(Cursor::Before(_))) {
        rows.reverse();
    }
    Some(Page { rows, total })
}

/// Numbers to make random requests of.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn roll(&mut self, sides: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides as u64) as usize
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())].clone()
    }

    fn filter<T: Listed>(&mut self, all: &[T], depth: usize) -> Filter {
        if depth < 2 && self.roll(5) == 0 {
            let filters = (0..2 + self.roll(2))
                .map(|_| self.filter(all, depth + 1))
                .collect();
            return if self.roll(2) == 0 {
                Filter::And(filters)
            } else {
                Filter::Or(filters)
            };
        }
        let column = self.pick(T::COLUMNS);
        // Mostly values that are there, so that something is found.
        let value = |dice: &mut Self| match (all.is_empty(), dice.roll(8)) {
            (false, 1..) => dice.pick(all).column(column),
            _ => match column {
                "id" | "name" | "runtime" | "deployment_id" | "schedule" | "entrypoint"
                | "commands" | "installation_id" | "key" | "function_id" | "resource_type"
                | "status" | "type" | "trigger" | "request_method" | "method" | "request_path"
                | "path" | "origin" | "integration" | "kind" | "provider" | "connection_id"
                | "variant" | "handler" | "handler_kind" | "package" | "revision"
                | "description" | "state" | "deployment" | "channel" => text(dice.pick(&NAMES)),
                _ => number(dice.roll(10)),
            },
        };
        let first = value(self);
        let textual = matches!(first, Scalar::Text(_));
        let part = |dice: &mut Self| match value(dice) {
            Scalar::Text(whole) => {
                let letters: Vec<char> = whole.chars().collect();
                let begin = dice.roll(letters.len() + 1);
                let end = begin + dice.roll(letters.len() + 1 - begin);
                let part: String = letters[begin..end].iter().collect();
                text(&if dice.roll(2) == 0 {
                    part.to_uppercase()
                } else {
                    part
                })
            }
            other => other,
        };
        let (operator, values) = match self.roll(if textual { 18 } else { 11 }) {
            0 | 1 => (Operator::Equal, vec![first]),
            2 => (Operator::Equal, vec![first, part(self)]),
            3 => (Operator::NotEqual, vec![first]),
            4 => (Operator::Less, vec![first]),
            5 => (Operator::LessEqual, vec![first]),
            6 => (Operator::Greater, vec![first]),
            7 => (Operator::GreaterEqual, vec![first]),
            8 => (Operator::Between, vec![first, part(self)]),
            9 => (Operator::NotBetween, vec![first, part(self)]),
            10 => (self.pick(&[Operator::IsNull, Operator::IsNotNull]), vec![]),
            11 => (Operator::StartsWith, vec![part(self)]),
            12 => (Operator::NotStartsWith, vec![part(self)]),
            13 => (Operator::EndsWith, vec![part(self)]),
            14 => (Operator::NotEndsWith, vec![part(self)]),
            15 => (Operator::Contains, vec![part(self), part(self)]),
            16 => (Operator::Contains, vec![part(self)]),
            _ => (Operator::NotContains, vec![part(self)]),
        };
        Filter::Compare {
            column,
            operator,
            values,
        }
    }

    /// A request for a list of such rows.
    pub fn list<T: Listed>(&mut self, all: &[T], searchable: bool) -> List {
        let filters = (0..self.roll(3)).map(|_| self.filter(all, 0)).collect();
        let order = (0..self.roll(3))
            .map(|_| Order {
                by: match self.roll(5) {
                    0 => OrderBy::Insertion,
                    _ => OrderBy::Column(self.pick(T::COLUMNS)),
                },
                descending: self.roll(2) == 0,
            })
            .collect();
        let id = match (all.is_empty(), self.roll(10)) {
            (false, 1..) => self.pick(all).id().to_owned(),
            _ => "nowhere".to_owned(),
        };
        let search = match self.roll(8) {
            0 if searchable => self.pick(&NAMES).to_string(),
            1 if searchable => format!("\"{}\"", self.pick(&NAMES)),
            2 if searchable => self.pick(&["nod", "+2", "*", "x HEL", "f 0"]).to_string(),
            3 if searchable => self.pick(&RUNTIMES).to_string(),
            _ => String::new(),
        };
        List {
            filters,
            search,
            order,
            cursor: match self.roll(4) {
                0 => Some(Cursor::After(id)),
                1 => Some(Cursor::Before(id)),
                _ => None,
            },
            limit: self.pick(&[1, 2, 3, 100]),
            offset: self.pick(&[0, 0, 0, 1]),
            count_up_to: self.pick(&[None, Some(2), Some(5000), Some(5000)]),
        }
    }
}
