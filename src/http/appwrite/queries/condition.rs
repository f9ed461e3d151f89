//! Queries that are conditions on rows.

use projections::query::{Filter, Operator, Scalar};
use serde_json::Value;

use super::super::error::Error;
use super::super::format::Format;
use super::super::time;
use super::attribute::{Attribute, Schema, Type};
use super::{Query, no_index, refused};

/// Deepest nesting of `and` and `or`.
const DEEPEST: usize = 8;

/// How many values a method takes.
enum Count {
    None,
    One,
    Two,
    Any,
}

/// Reads one condition, `depth` levels down.
pub(super) fn read(
    query: &Query<'_>,
    schema: &Schema,
    format: Format,
    depth: usize,
) -> Result<Filter, Error> {
    let (operator, count) = match query.method {
        "and" | "or" => return logical(query, schema, format, depth),
        "exists" => return existence(query, schema, format, Operator::IsNotNull),
        "notExists" => return existence(query, schema, format, Operator::IsNull),
        "search" | "notSearch" => {
            schema.attribute(query.attribute, format)?;
            query.one()?;
            return Err(no_index(query.attribute));
        }
        "containsAll" => {
            let name = schema.attribute(query.attribute, format)?.name;
            return Err(refused(format_args!(
                "Cannot query containsAll on attribute \"{name}\" because it is not an array."
            )));
        }
        "equal" => (Operator::Equal, Count::Any),
        "notEqual" => (Operator::NotEqual, Count::One),
        "lessThan" => (Operator::Less, Count::One),
        "lessThanEqual" => (Operator::LessEqual, Count::One),
        "greaterThan" => (Operator::Greater, Count::One),
        "greaterThanEqual" => (Operator::GreaterEqual, Count::One),
        "between" => (Operator::Between, Count::Two),
        "notBetween" => (Operator::NotBetween, Count::Two),
        "isNull" => (Operator::IsNull, Count::None),
        "isNotNull" => (Operator::IsNotNull, Count::None),
        "startsWith" => (Operator::StartsWith, Count::One),
        "notStartsWith" => (Operator::NotStartsWith, Count::One),
        "endsWith" => (Operator::EndsWith, Count::One),
        "notEndsWith" => (Operator::NotEndsWith, Count::One),
        "contains" | "containsAny" => (Operator::Contains, Count::Any),
        "notContains" => (Operator::NotContains, Count::Any),
        method => {
            return Err(refused(format_args!("Query method is invalid: {method}")));
        }
    };
    let attribute = schema.attribute(query.attribute, format)?;
    let textual = matches!(
        operator,
        Operator::StartsWith
            | Operator::NotStartsWith
            | Operator::EndsWith
            | Operator::NotEndsWith
            | Operator::Contains
            | Operator::NotContains
    );
    if textual && attribute.kind != Type::Text {
        return Err(refused(format_args!(
            "Cannot query {} on attribute \"{}\" because it is not a string.",
            query.method, attribute.name
        )));
    }
    let values = match (count, query.values) {
        (Count::None, _) => &[][..],
        (Count::One, values @ [_]) | (Count::Two, values @ [_, _]) => values,
        (Count::Any, values) if !values.is_empty() => values,
        (Count::One, _) => return Err(query.count("exactly one value")),
        (Count::Two, _) => return Err(query.count("exactly two values")),
        (Count::Any, _) => return Err(query.count("at least one value")),
    };
    let values = values
        .iter()
        .map(|value| scalar(attribute, value))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(constant) = attribute.constant {
        return Ok(always(holds(operator, constant, &values)));
    }
    if attribute.kind == Type::SecondsRoundedUp {
        return Ok(rounded_up(attribute.column, operator, &values));
    }
    Ok(Filter::Compare {
        column: attribute.column,
        operator,
        values,
    })
}

/// A condition that every row fulfils, or none.
pub fn always(fulfilled: bool) -> Filter {
    if fulfilled {
        Filter::And(Vec::new())
    } else {
        Filter::Or(Vec::new())
    }
}

/// Whether a text fulfils a condition.
fn holds(operator: Operator, text: &str, values: &[Scalar]) -> bool {
    let texts: Vec<&str> = values
        .iter()
        .filter_map(|value| match value {
            Scalar::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    let any = |test: &dyn Fn(&str) -> bool| texts.iter().any(|value| test(value));
    let lower = text.to_lowercase();
    let starts = |value: &str| lower.starts_with(&value.to_lowercase());
    let ends = |value: &str| lower.ends_with(&value.to_lowercase());
    let contains = |value: &str| lower.contains(&value.to_lowercase());
    match operator {
        Operator::Equal => any(&|value| text == value),
        Operator::NotEqual => !any(&|value| text == value),
        Operator::Less => any(&|value| text < value),
        Operator::LessEqual => any(&|value| text <= value),
        Operator::Greater => any(&|value| text > value),
        Operator::GreaterEqual => any(&|value| text >= value),
        Operator::Between => matches!(texts[..], [from, to] if (from..=to).contains(&text)),
        Operator::NotBetween => !matches!(texts[..], [from, to] if (from..=to).contains(&text)),
        Operator::IsNull => false,
        Operator::IsNotNull => true,
        Operator::StartsWith => any(&starts),
        Operator::NotStartsWith => !any(&starts),
        Operator::EndsWith => any(&ends),
        Operator::NotEndsWith => !any(&ends),
        Operator::Contains => any(&contains),
        Operator::NotContains => !any(&contains),
    }
}

/// A condition on whole seconds, rounded up, as one on the milliseconds behind
/// them: second `n` begins after `(n - 1) * 1000` and ends with `n * 1000`.
fn rounded_up(column: &'static str, operator: Operator, values: &[Scalar]) -> Filter {
    let compare = |operator, milliseconds| Filter::Compare {
        column,
        operator,
        values: vec![Scalar::Integer(milliseconds)],
    };
    let seconds: Vec<i64> = values
        .iter()
        .filter_map(|value| match value {
            Scalar::Integer(seconds) => Some(*seconds),
            _ => None,
        })
        .collect();
    let end = |second: i64| second.saturating_mul(1000);
    let begin = |second: i64| end(second.saturating_sub(1));
    let within = |first, last| {
        Filter::And(vec![
            compare(Operator::Greater, begin(first)),
            compare(Operator::LessEqual, end(last)),
        ])
    };
    let outside = |first, last| {
        Filter::Or(vec![
            compare(Operator::LessEqual, begin(first)),
            compare(Operator::Greater, end(last)),
        ])
    };
    match (operator, &seconds[..]) {
        (Operator::Equal, seconds) => Filter::Or(
            seconds
                .iter()
                .map(|second| within(*second, *second))
                .collect(),
        ),
        (Operator::NotEqual, [second]) => outside(*second, *second),
        (Operator::Less, [second]) => compare(Operator::LessEqual, begin(*second)),
        (Operator::LessEqual, [second]) => compare(Operator::LessEqual, end(*second)),
        (Operator::Greater, [second]) => compare(Operator::Greater, end(*second)),
        (Operator::GreaterEqual, [second]) => compare(Operator::Greater, begin(*second)),
        (Operator::Between, [first, last]) => within(*first, *last),
        (Operator::NotBetween, [first, last]) => outside(*first, *last),
        (operator, _) => Filter::Compare {
            column,
            operator,
            values: values.to_vec(),
        },
    }
}

fn logical(
    query: &Query<'_>,
    schema: &Schema,
    format: Format,
    depth: usize,
) -> Result<Filter, Error> {
    if depth >= DEEPEST {
        return Err(refused(format_args!(
            "queries may be nested at most {DEEPEST} levels deep"
        )));
    }
    if query.values.len() < 2 {
        return Err(query.count("at least two queries"));
    }
    let inner = query
        .values
        .iter()
        .map(|value| read(&Query::of(value)?, schema, format, depth + 1))
        .collect::<Result<_, _>>()?;
    Ok(match query.method {
        "and" => Filter::And(inner),
        _ => Filter::Or(inner),
    })
}

fn existence(
    query: &Query<'_>,
    schema: &Schema,
    format: Format,
    operator: Operator,
) -> Result<Filter, Error> {
    if query.values.is_empty() {
        return Err(query.count("at least one value"));
    }
    let each = query
        .values
        .iter()
        .map(|value| {
            let name = value
                .as_str()
                .ok_or_else(|| query.count("names of attributes"))?;
            let attribute = schema.attribute(name, format)?;
            Ok(match attribute.constant {
                Some(_) => always(operator == Operator::IsNotNull),
                None => Filter::Compare {
                    column: attribute.column,
                    operator,
                    values: Vec::new(),
                },
            })
        })
        .collect::<Result<_, Error>>()?;
    Ok(Filter::And(each))
}

fn scalar(attribute: &Attribute, value: &Value) -> Result<Scalar, Error> {
    let read = match (attribute.kind, value) {
        (Type::Text, Value::String(text)) => Some(Scalar::Text(text.clone())),
        (Type::Boolean, Value::Bool(boolean)) => Some(Scalar::Boolean(*boolean)),
        (Type::Integer | Type::SecondsRoundedUp, Value::Number(number)) => {
            number.as_i64().map(Scalar::Integer)
        }
        (Type::Seconds, Value::Number(number)) => number
            .as_f64()
            .map(|seconds| Scalar::Integer((seconds * 1e6).round() as i64)),
        (Type::Date, Value::String(text)) => time::parse(text).map(Scalar::Integer),
        (Type::Integer, Value::String(text)) if attribute.name == "$sequence" => {
            text.parse().ok().map(Scalar::Integer)
        }
        _ => None,
    };
    read.ok_or_else(|| {
        refused(format_args!(
            "Query value is invalid for attribute \"{}\"",
            attribute.name
        ))
    })
}
