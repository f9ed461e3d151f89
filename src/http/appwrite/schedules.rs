//! When a function's schedule was and will be due: what `scheduleNext` and
//! `schedulePrevious` of a list query ask for.
//!
//! No row can hold it, because it changes with time alone. A condition on it
//! becomes a condition on the ids of the functions that fulfil it.

use jiff::tz::TimeZone;
use projections::model::Function;
use projections::query::{Filter, List, Operator, Scalar};

use super::error::Error;
use super::queries::{self, SCHEDULE_NEXT, SCHEDULE_PREVIOUS};
use super::request::Request;
use super::rules;

/// Most functions with a schedule that are looked at.
const MOST: u32 = 10_000;

/// Turns the conditions on schedules in `filters` into conditions on ids.
pub async fn resolve(request: &Request, filters: &mut [Filter]) -> Result<(), Error> {
    if !filters.iter().any(mentions) {
        return Ok(());
    }
    let armed = List {
        filters: [("schedule", ""), ("deployment_id", "")]
            .into_iter()
            .map(|(column, empty)| Filter::Compare {
                column,
                operator: Operator::NotEqual,
                values: vec![Scalar::Text(empty.to_owned())],
            })
            .collect(),
        limit: MOST,
        ..List::default()
    };
    let page = request
        .view()
        .functions(request.project.as_str(), &armed)
        .await?;
    let moment = request.moment().await?;
    for filter in filters {
        rewrite(filter, &page.rows, moment);
    }
    Ok(())
}

fn mentions(filter: &Filter) -> bool {
    match filter {
        Filter::Compare { column, .. } => matches!(*column, SCHEDULE_NEXT | SCHEDULE_PREVIOUS),
        Filter::And(inner) | Filter::Or(inner) => inner.iter().any(mentions),
    }
}

fn rewrite(filter: &mut Filter, functions: &[Function], moment: i64) {
    match filter {
        Filter::And(inner) | Filter::Or(inner) => {
            for filter in inner {
                rewrite(filter, functions, moment);
            }
        }
        Filter::Compare {
            column: column @ (SCHEDULE_NEXT | SCHEDULE_PREVIOUS),
            operator,
            values,
        } => {
            let values: Vec<i64> = values
                .iter()
                .filter_map(|value| match value {
                    Scalar::Integer(at) => Some(*at),
                    _ => None,
                })
                .collect();
            // Those without a schedule have no such time.
            let without = *operator == Operator::IsNull;
            let ids = functions
                .iter()
                .filter(|function| {
                    let due = due(
                        &function.settings.schedule,
                        moment,
                        *column == SCHEDULE_NEXT,
                    );
                    due.is_some_and(|at| without || holds(*operator, at, &values))
                })
                .map(|function| Scalar::Text(function.id.clone()))
                .collect::<Vec<_>>();
            *filter = match (without, ids.is_empty()) {
                (without, true) => queries::always(without),
                (false, false) => Filter::Compare {
                    column: "id",
                    operator: Operator::Equal,
                    values: ids,
                },
                (true, false) => Filter::And(
                    ids.into_iter()
                        .map(|id| Filter::Compare {
                            column: "id",
                            operator: Operator::NotEqual,
                            values: vec![id],
                        })
                        .collect(),
                ),
            };
        }
        Filter::Compare { .. } => {}
    }
}

/// The time at which a schedule is due next after a moment, or was last.
fn due(schedule: &str, moment: i64, next: bool) -> Option<i64> {
    let cron = rules::schedule(schedule)?;
    let moment = jiff::Timestamp::from_millisecond(moment).ok()?;
    let moment = moment.to_zoned(TimeZone::UTC);
    let found = match next {
        true => cron.find_next_occurrence(&moment, false),
        false => cron.find_previous_occurrence(&moment, true),
    };
    Some(found.ok()?.timestamp().as_millisecond())
}

fn holds(operator: Operator, at: i64, values: &[i64]) -> bool {
    match (operator, values) {
        (Operator::Equal, values) => values.contains(&at),
        (Operator::NotEqual, values) => !values.contains(&at),
        (Operator::Less, [value]) => at < *value,
        (Operator::LessEqual, [value]) => at <= *value,
        (Operator::Greater, [value]) => at > *value,
        (Operator::GreaterEqual, [value]) => at >= *value,
        (Operator::Between, [from, to]) => (*from..=*to).contains(&at),
        (Operator::NotBetween, [from, to]) => !(*from..=*to).contains(&at),
        (Operator::IsNotNull, _) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_due_before_and_after_a_moment() {
        let at = |text| super::super::time::parse(text).unwrap();
        let moment = at("2025-06-15T12:07:30Z");
        for (schedule, previous, next) in [
            (
                "*/5 * * * *",
                "2025-06-15T12:05:00Z",
                "2025-06-15T12:10:00Z",
            ),
            ("@midnight", "2025-06-15T00:00:00Z", "2025-06-16T00:00:00Z"),
        ] {
            assert_eq!(due(schedule, moment, false), Some(at(previous)));
            assert_eq!(due(schedule, moment, true), Some(at(next)));
        }
        assert_eq!(due("", moment, true), None);
    }
}
