//! The query language of lists: JSON objects in strings, read into a list
//! request for the read models.
//!
//! A query is first checked for its form (method, number of values), then
//! against the list's [`Attribute`]s (name and type).

mod attribute;
mod condition;
mod legacy;

use projections::query::{Cursor, List, Order, OrderBy};
use serde_json::Value;

pub use attribute::{
    DEPLOYMENTS, EXECUTIONS, FUNCTIONS, SCHEDULE_NEXT, SCHEDULE_PREVIOUS, Schema, VARIABLES,
};
pub use condition::always;

use super::error::{Error, Kind};
use super::format::Format;
use super::parameters::Parameters;

/// Most queries of one request.
const MOST: usize = 100;
/// Longest query in characters.
const LONGEST: usize = 4096;
/// Most values of one query.
const MOST_VALUES: usize = 500;
/// Rows of a page when no limit is asked for.
const DEFAULT_LIMIT: u32 = 25;
/// Most rows of a page.
const MAX_LIMIT: u32 = 5000;
/// Where counting stops.
const MAX_TOTAL: u32 = 5000;

/// What a list is asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// For the read models.
    pub list: List,
    /// The attributes to answer with; none: all.
    pub select: Option<Vec<String>>,
    /// Whether a limit was asked for.
    pub limited: bool,
}

/// Reads `queries`, `search` and `total`.
pub fn read(parameters: &Parameters, schema: &Schema, format: Format) -> Result<Wanted, Error> {
    let rule = format!("Value must be a valid string and no longer than {LONGEST} chars");
    let texts = parameters
        .list(
            "queries",
            MOST,
            |text| text.chars().count() <= LONGEST,
            &rule,
        )?
        .unwrap_or_default();
    let mut wanted = Wanted {
        list: List {
            limit: DEFAULT_LIMIT,
            count_up_to: Some(MAX_TOTAL),
            ..List::default()
        },
        select: None,
        limited: false,
    };
    let mut reader = Reader {
        schema,
        format,
        wanted: &mut wanted,
        offset: false,
    };
    for text in &texts {
        reader.take(text)?;
    }
    if parameters.loose_boolean("total")? == Some(false) {
        wanted.list.count_up_to = None;
    }
    if schema.search.is_some()
        && let Some(search) = parameters.text("search", 0..=256)?
        && !search.is_empty()
    {
        if schema.search == Some(false) {
            return Err(no_index("search"));
        }
        search.clone_into(&mut wanted.list.search);
    }
    Ok(wanted)
}

/// One query of a request.
#[derive(Debug)]
struct Query<'a> {
    method: &'a str,
    attribute: &'a str,
    values: &'a [Value],
}

fn refused(detail: impl std::fmt::Display) -> Error {
    Error::invalid("queries", format_args!("Invalid query: {detail}"))
}

fn no_index(attribute: &str) -> Error {
    Error::with(
        Kind::QueryInvalid,
        format!("Searching by attribute \"{attribute}\" requires a fulltext index."),
    )
}

impl<'a> Query<'a> {
    fn of(value: &'a Value) -> Result<Self, Error> {
        let Value::Object(fields) = value else {
            return Err(refused("a query must be an object"));
        };
        let method = fields
            .get("method")
            .and_then(Value::as_str)
            .ok_or_else(|| refused("a query must have a method"))?;
        let attribute = match fields.get("attribute") {
            None | Some(Value::Null) => "",
            Some(Value::String(attribute)) => attribute,
            Some(_) => return Err(refused("the attribute of a query must be a string")),
        };
        let values = match fields.get("values") {
            None | Some(Value::Null) => &[][..],
            Some(Value::Array(values)) if values.len() <= MOST_VALUES => values,
            Some(Value::Array(_)) => {
                return Err(refused(format_args!(
                    "a query holds at most {MOST_VALUES} values"
                )));
            }
            Some(_) => return Err(refused("the values of a query must be an array")),
        };
        Ok(Self {
            method,
            attribute,
            values,
        })
    }

    /// The method as error texts begin with it.
    fn title(&self) -> String {
        let mut letters = self.method.chars();
        letters.next().map_or_else(String::new, |first| {
            first.to_uppercase().collect::<String>() + letters.as_str()
        })
    }

    fn one(&self) -> Result<&'a Value, Error> {
        match self.values {
            [value] => Ok(value),
            _ => Err(self.count("exactly one value")),
        }
    }

    fn count(&self, how_many: &str) -> Error {
        refused(format_args!("{} queries require {how_many}.", self.title()))
    }

    /// A whole number of at least `least`.
    fn number(&self, least: i64) -> Result<u32, Error> {
        let value = self.one()?;
        let number = value
            .as_i64()
            .or_else(|| value.as_str().and_then(|text| text.parse().ok()));
        match number {
            Some(number) if number >= least => Ok(u32::try_from(number).unwrap_or(u32::MAX)),
            _ => Err(refused(format_args!(
                "Invalid {}: Value must be a valid range between {least} and {}",
                self.method,
                i64::MAX
            ))),
        }
    }
}

struct Reader<'a> {
    schema: &'a Schema,
    format: Format,
    wanted: &'a mut Wanted,
    offset: bool,
}

impl Reader<'_> {
    fn take(&mut self, text: &str) -> Result<(), Error> {
        let value: Value = match serde_json::from_str(text) {
            Ok(value) => value,
            Err(_) if self.format.before(1, 5, 0) => {
                legacy::parse(text).ok_or_else(|| refused("the query cannot be read"))?
            }
            Err(_) => return Err(refused("the query is not valid JSON")),
        };
        let query = Query::of(&value)?;
        let list = &mut self.wanted.list;
        match query.method {
            "limit" => {
                let limit = query.number(1)?.min(MAX_LIMIT);
                if !self.wanted.limited {
                    list.limit = limit;
                    self.wanted.limited = true;
                }
            }
            "offset" => {
                let offset = query.number(0)?;
                if !self.offset {
                    list.offset = offset;
                    self.offset = true;
                }
            }
            "cursorAfter" | "cursorBefore" => {
                let id = query
                    .one()?
                    .as_str()
                    .filter(|id| super::rules::is_path_id(id))
                    .ok_or_else(|| {
                        refused(format_args!("Invalid cursor: {}", super::rules::PATH_ID))
                    })?;
                list.cursor.get_or_insert(match query.method {
                    "cursorAfter" => Cursor::After(id.to_owned()),
                    _ => Cursor::Before(id.to_owned()),
                });
            }
            "orderAsc" | "orderDesc" => {
                let by = match query.attribute {
                    "" | "$sequence" => OrderBy::Insertion,
                    name => {
                        let attribute = self.schema.attribute(name, self.format)?;
                        match attribute.column {
                            // All rows are alike.
                            _ if attribute.constant.is_some() => return Ok(()),
                            SCHEDULE_NEXT | SCHEDULE_PREVIOUS => {
                                return Err(refused(format_args!(
                                    "Cannot order by attribute: {name}"
                                )));
                            }
                            column => OrderBy::Column(column),
                        }
                    }
                };
                list.order.push(Order {
                    by,
                    descending: query.method == "orderDesc",
                });
            }
            "orderRandom" => list.order.push(Order {
                by: OrderBy::Random,
                descending: false,
            }),
            "select" => {
                let names = self.selected(&query)?;
                self.wanted.select.get_or_insert_default().extend(names);
            }
            _ => list
                .filters
                .push(condition::read(&query, self.schema, self.format, 0)?),
        }
        Ok(())
    }

    fn selectable(&self, name: &str) -> bool {
        self.schema
            .selectable
            .iter()
            .any(|(field, _)| *field == name)
    }

    fn selected(&self, query: &Query<'_>) -> Result<Vec<String>, Error> {
        if self.schema.selectable.is_empty() {
            return Err(refused("Query method is not allowed here: select"));
        }
        if query.values.is_empty() {
            return Err(query.count("at least one value"));
        }
        query
            .values
            .iter()
            .map(|value| match value.as_str() {
                Some(name) if name == "*" || self.selectable(name) => Ok(name.to_owned()),
                Some(name) => Err(refused(format_args!(
                    "Attribute not found in schema: {name}"
                ))),
                None => Err(refused("Select queries take names of attributes.")),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
