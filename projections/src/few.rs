//! Lists of the few functions of a revision, which are in memory already.

use std::cmp::Ordering;

use crate::Error;
use crate::db::fold;
use crate::model::HandlerRow;
use crate::query::{Filter, List, Operator, OrderBy, Page, Scalar};

/// The value of a column.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Cell<'a> {
    Integer(i64),
    Text(&'a str),
}

/// Filters, sorts and cuts rows. Their order is what ties are broken by.
pub(crate) fn list(mut rows: Vec<HandlerRow>, list: &List) -> Result<Page<HandlerRow>, Error> {
    for filter in &list.filters {
        let mut failure = None;
        rows.retain(|row| {
            holds(row, filter).unwrap_or_else(|error| {
                failure = Some(error);
                false
            })
        });
        if let Some(error) = failure {
            return Err(error);
        }
    }
    for order in list.order.iter().rev() {
        if let OrderBy::Column(name) = order.by {
            // A name that is not known is told of even when there is no row.
            if !COLUMNS.contains(&name) {
                return Err(Error::UnknownColumn(name.to_owned()));
            }
            rows.sort_by(|one, other| {
                let ordering = match (cell(one, name), cell(other, name)) {
                    (Ok(one), Ok(other)) => one.cmp(&other),
                    _ => Ordering::Equal,
                };
                match order.descending {
                    true => ordering.reverse(),
                    false => ordering,
                }
            });
        }
    }
    let total = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let rows = rows.into_iter();
    Ok(Page {
        rows: rows
            .skip(list.offset as usize)
            .take(list.limit as usize)
            .collect(),
        total: list.count_up_to.map_or(0, |most| total.min(most)),
    })
}

/// What can be filtered and sorted by.
const COLUMNS: [&str; 7] = [
    "id",
    "created_at",
    "updated_at",
    "sequence",
    "name",
    "kind",
    "sort_order",
];

fn cell<'a>(row: &'a HandlerRow, column: &str) -> Result<Cell<'a>, Error> {
    let handler = &row.handler;
    Ok(match column {
        "id" => Cell::Text(handler.id.as_str()),
        "created_at" => Cell::Integer(row.created_at),
        "updated_at" => Cell::Integer(row.updated_at),
        "sequence" => Cell::Integer(i64::try_from(row.sequence).unwrap_or(i64::MAX)),
        "name" => Cell::Text(&handler.name),
        "kind" => Cell::Text(handler.trigger.kind.as_str()),
        "sort_order" => Cell::Integer(i64::from(handler.sort_order)),
        _ => return Err(Error::UnknownColumn(column.to_owned())),
    })
}

fn holds(row: &HandlerRow, filter: &Filter) -> Result<bool, Error> {
    match filter {
        Filter::And(filters) => filters
            .iter()
            .try_fold(true, |all, filter| Ok(all & holds(row, filter)?)),
        Filter::Or(filters) => filters
            .iter()
            .try_fold(false, |any, filter| Ok(any | holds(row, filter)?)),
        Filter::Compare {
            column,
            operator,
            values,
        } => {
            let cell = cell(row, column)?;
            Ok(compare(&cell, *operator, values))
        }
    }
}

fn compare(cell: &Cell<'_>, operator: Operator, values: &[Scalar]) -> bool {
    let text = fold(&match cell {
        Cell::Integer(number) => number.to_string(),
        Cell::Text(text) => (*text).to_owned(),
    });
    let any = |holds: &dyn Fn(&Scalar) -> bool| values.iter().any(holds);
    let all = |holds: &dyn Fn(&Scalar) -> bool| !values.is_empty() && values.iter().all(holds);
    let begins = |value: &Scalar| text.starts_with(&folded(value));
    let ends = |value: &Scalar| text.ends_with(&folded(value));
    let contains = |value: &Scalar| text.contains(&folded(value));
    let within = match values {
        [low, high] => Some(order(cell, low).is_ge() && order(cell, high).is_le()),
        _ => None,
    };
    match operator {
        Operator::Equal => any(&|value| order(cell, value).is_eq()),
        Operator::NotEqual => !any(&|value| order(cell, value).is_eq()),
        Operator::Less => all(&|value| order(cell, value).is_lt()),
        Operator::LessEqual => all(&|value| order(cell, value).is_le()),
        Operator::Greater => all(&|value| order(cell, value).is_gt()),
        Operator::GreaterEqual => all(&|value| order(cell, value).is_ge()),
        Operator::Between => within == Some(true),
        Operator::NotBetween => within == Some(false),
        Operator::IsNull => false,
        Operator::IsNotNull => true,
        Operator::StartsWith => any(&begins),
        Operator::NotStartsWith => !any(&begins),
        Operator::EndsWith => any(&ends),
        Operator::NotEndsWith => !any(&ends),
        Operator::Contains => any(&contains),
        Operator::NotContains => !any(&contains),
    }
}

/// How a value is to one that is asked for. Numbers come before texts.
fn order(cell: &Cell<'_>, value: &Scalar) -> Ordering {
    match value {
        Scalar::Integer(number) => cell.cmp(&Cell::Integer(*number)),
        Scalar::Boolean(boolean) => cell.cmp(&Cell::Integer(i64::from(*boolean))),
        Scalar::Text(text) => cell.cmp(&Cell::Text(text)),
        Scalar::Float(number) => match cell {
            Cell::Integer(have) => (*have as f64).total_cmp(number),
            Cell::Text(_) => Ordering::Greater,
        },
    }
}

fn folded(value: &Scalar) -> String {
    fold(&match value {
        Scalar::Text(text) => text.clone(),
        Scalar::Integer(number) => number.to_string(),
        Scalar::Float(number) => number.to_string(),
        Scalar::Boolean(boolean) => i64::from(*boolean).to_string(),
    })
}
