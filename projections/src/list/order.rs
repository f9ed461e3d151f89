//! Sort keys and cursors as SQL.

use super::{Plan, Sql, begun, is_alive, version};
use crate::Error;
use crate::db::{Database, Value};
use crate::query::{Order, OrderBy};

/// One sort key as SQL.
pub(super) struct Key {
    pub expression: String,
    pub name: &'static str,
    pub descending: bool,
}

impl Plan<'_> {
    /// The sort keys, the insertion order last, in the direction of the key
    /// before it, so that one walk of an index can give both.
    pub(super) fn keys(&self) -> Result<Vec<Key>, Error> {
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
    pub(super) fn pivot(
        &self,
        db: &mut dyn Database,
        keys: &[Key],
        id: &str,
    ) -> Result<Vec<Value>, Error> {
        let mut sql = Sql::default();
        let expressions: Vec<String> = keys
            .iter()
            .map(|key| self.column(key.name))
            .collect::<Result<_, Error>>()?;
        let (names, at) = (self.source.names, self.source.at);
        let text = format!(
            "SELECT {}, d.valid_to FROM {} AS d CROSS JOIN {} AS v \
             WHERE {} AND d.id = {} AND {} AND {} \
             ORDER BY d.sequence DESC LIMIT 1",
            expressions.join(", "),
            names.lives,
            names.versions,
            self.source.scope(&mut sql),
            sql.bind(id),
            begun(at, &mut sql),
            version(names, at, &mut sql),
        );
        let mut pivot = None;
        db.query(&text, &sql.values, &mut |record| {
            if is_alive(record.integer(keys.len())?, at) {
                let values = (0..keys.len()).map(|index| record.value(index));
                pivot = Some(values.collect::<Result<Vec<Value>, Error>>()?);
            }
            Ok(false)
        })?;
        let pivot = pivot.ok_or_else(|| Error::CursorNotFound(id.to_owned()))?;
        let mut values = keys.iter().zip(&pivot);
        match values.find(|(_, value)| **value == Value::Null) {
            Some((key, _)) => Err(Error::CursorOrderNull(key.name.to_owned())),
            None => Ok(pivot),
        }
    }
}

/// A row comes behind the pivot (in front of it, when read backwards).
pub(super) fn beyond(sql: &mut Sql, keys: &[Key], pivot: &[Value], backwards: bool) -> String {
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
