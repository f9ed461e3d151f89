//! `/functions/{functionId}/executions`.

mod answer;
mod create;
mod headers;

use aggregates::execution::{Command, Execution};
use projections::model;
use projections::query::{Filter, Operator, Scalar};
use serde_json::Value;

use super::error::{Error, Kind};
use super::format::Model;
use super::reply::Reply;
use super::request::Request;
use super::{queries, time};

pub use create::create;

/// Statuses of an execution that has not ended.
const OPEN: [&str; 2] = ["waiting", "processing"];

/// Lists.
pub async fn list(request: Request) -> Result<Reply, Error> {
    let mut wanted = queries::read(&request.parameters, &queries::EXECUTIONS, request.format)?;
    let function = request.function().await?;
    // An open execution that is older than its function's timeout reads as
    // failed, unless open ones are what is asked for. Not in the past: there
    // the question is what was recorded.
    let mut overdue = (request.at.is_none()).then(|| cut_off(function.settings.timeout));
    if let Some(before) = overdue
        && !widen(&mut wanted.list.filters, before)
    {
        overdue = None;
    }
    let view = request.view();
    let page = view
        .executions(request.project.as_str(), &function.id, &wanted.list)
        .await?;
    let mut models = Vec::with_capacity(page.rows.len());
    for row in page.rows {
        models.push(model_of(&request, row, overdue).await?);
    }
    let body = request.list("executions", Model::Execution, page.total, models);
    Ok(Reply::json(200, body))
}

/// Gets one.
pub async fn get(request: Request) -> Result<Reply, Error> {
    let function = request.function().await?;
    let row = find(&request).await?;
    let overdue = request
        .at
        .is_none()
        .then(|| cut_off(function.settings.timeout));
    let value = model_of(&request, row, overdue).await?;
    Ok(Reply::json(200, request.shaped(Model::Execution, value)))
}

/// Deletes one; one that is scheduled will not run.
pub async fn delete(request: Request) -> Result<Reply, Error> {
    if !request.caller.is_key() {
        return Err(Error::new(Kind::UserUnauthorized));
    }
    let overdue = if request.repeated().await?.is_some() {
        false
    } else {
        let function = request.function().await?;
        let row = find(&request).await?;
        is_overdue(&row, cut_off(function.settings.timeout))
    };
    let key = request.execution_id().key(&request.project);
    let command = Command::Delete { overdue };
    let bus = &request.app.bus;
    let committed = bus
        .execute::<Execution>(&key, command, &request.context)
        .await?;
    Ok(Reply::empty().committed(committed))
}

async fn find(request: &Request) -> Result<model::Execution, Error> {
    let (id, function) = (request.execution_id(), request.function_id());
    let found = request
        .view()
        .execution(request.project.as_str(), id.as_str())
        .await?;
    found
        .filter(|row| row.function_id == function.as_str())
        .ok_or_else(|| Error::new(Kind::ExecutionNotFound))
}

/// The model of a row, with log texts for those who may read them.
async fn model_of(
    request: &Request,
    mut row: model::Execution,
    overdue: Option<i64>,
) -> Result<Value, Error> {
    if overdue.is_some_and(|before| is_overdue(&row, before)) {
        "failed".clone_into(&mut row.status);
    }
    let (logs, errors) = if request.caller.is_key() {
        let blobs = &request.app.blobs;
        (
            blobs.get_text(&row.logs).await?,
            blobs.get_text(&row.errors).await?,
        )
    } else {
        Default::default()
    };
    Ok(super::model::execution(&row, &logs, &errors))
}

/// When an execution that is still open must have begun.
fn cut_off(timeout: u32) -> i64 {
    time::now() - i64::from(timeout) * 1000
}

fn is_overdue(row: &model::Execution, before: i64) -> bool {
    let due = row
        .scheduled_at
        .unwrap_or(row.created_at)
        .max(row.created_at);
    OPEN.contains(&row.status.as_str()) && due < before
}

/// Lets a filter on `failed` find overdue executions too. False: open
/// executions are asked for by name, and are to be shown as they are stored.
fn widen(filters: &mut [Filter], before: i64) -> bool {
    for filter in filters {
        let Filter::Compare {
            column: "status",
            operator: Operator::Equal,
            values,
        } = filter
        else {
            continue;
        };
        let has = |word: &str| {
            values
                .iter()
                .any(|value| matches!(value, Scalar::Text(text) if text == word))
        };
        if OPEN.iter().any(|word| has(word)) {
            return false;
        }
        if has("failed") {
            let open = OPEN.iter().map(|word| Scalar::Text((*word).to_owned()));
            let overdue = Filter::And(vec![
                Filter::Compare {
                    column: "status",
                    operator: Operator::Equal,
                    values: open.collect(),
                },
                Filter::Compare {
                    column: "created_at",
                    operator: Operator::Less,
                    values: vec![Scalar::Integer(before)],
                },
            ]);
            *filter = Filter::Or(vec![filter.clone(), overdue]);
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_on_failed_finds_overdue_executions() {
        let status = |words: &[&str]| Filter::Compare {
            column: "status",
            operator: Operator::Equal,
            values: words
                .iter()
                .map(|word| Scalar::Text((*word).to_owned()))
                .collect(),
        };
        let mut filters = [status(&["failed"])];
        assert!(widen(&mut filters, 7));
        let Filter::Or(either) = &filters[0] else {
            panic!("{filters:?}");
        };
        assert_eq!(either[0], status(&["failed"]));
        for words in [&["completed"][..], &["processing", "failed"]] {
            let mut filters = [status(words)];
            assert_eq!(widen(&mut filters, 7), words == ["completed"]);
            assert_eq!(filters[0], status(words), "left alone");
        }
    }
}
