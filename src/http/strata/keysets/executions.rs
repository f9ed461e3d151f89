//! What ran on a keyset, and what functions have not dealt with.

use std::sync::Arc;

use aggregates::ExecutionId;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use projections::model;
use projections::query::{Filter, List, Operator, Order, OrderBy, Scalar};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Error;
use super::super::caller::Caller;
use super::super::page::Page;
use super::super::projects::time;
use super::{find, missing, must_allow};
use crate::app::App;
use crate::http::position_header;
use crate::pubnub::after;

const READ: &str = "keyset:read";
const WRITE: &str = "keyset:write";

/// Which executions, newest first.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
    limit: Option<u32>,
    offset: Option<u32>,
    /// Of this function at its revision.
    function_revision_id: Option<String>,
    /// `waiting`, `processing`, `completed`, `failed`, `scheduled`.
    status: Option<String>,
}

impl Asked {
    fn list(self) -> Result<List, Error> {
        let equal = |column, value: Option<String>| {
            value.map(|value| Filter::Compare {
                column,
                operator: Operator::Equal,
                values: vec![Scalar::Text(value)],
            })
        };
        let handler = equal("handler", self.function_revision_id);
        let status = equal("status", self.status);
        Ok(List {
            filters: handler.into_iter().chain(status).collect(),
            order: vec![Order {
                by: OrderBy::Insertion,
                descending: true,
            }],
            limit: Page::limit(self.limit)?,
            offset: self.offset.unwrap_or(0),
            count_up_to: Some(5000),
            ..List::default()
        })
    }
}

async fn show(app: &App, row: &model::Execution) -> Result<Value, Error> {
    let missing = |error: crate::blobs::Error| Error::Unavailable(error.to_string());
    let handler = row.handler.as_ref();
    Ok(json!({
        "id": row.id,
        "functionRevisionId": handler.map(|call| &call.handler),
        "functionName": handler.map(|call| &call.name),
        "type": handler.map(|call| call.kind.as_str()),
        "packageId": handler.map(|call| &call.package),
        "packageRevisionId": handler.map(|call| &call.revision),
        "packageDeploymentId": handler.and_then(|call| call.deployment.as_ref()),
        "channel": handler.map(|call| &call.channel).filter(|channel| !channel.is_empty()),
        "hop": handler.map(|call| call.hop),
        "attempt": handler.map(|call| call.attempt),
        "retryOf": handler.and_then(|call| call.retry_of.as_ref()),
        "isLast": handler.map(|call| call.is_last),
        "trigger": row.trigger,
        "method": row.method,
        "path": row.path,
        "status": row.status,
        "statusCode": row.response_status_code,
        "reason": row.reason,
        "logs": app.blobs.get_text(&row.logs).await.map_err(missing)?,
        "errors": app.blobs.get_text(&row.errors).await.map_err(missing)?,
        "durationUs": row.duration_us,
        "scheduledAt": row.scheduled_at.map(time),
        "createdAt": time(row.created_at),
        "updatedAt": time(row.updated_at),
    }))
}

async fn shown(app: &App, rows: &[model::Execution]) -> Result<Vec<Value>, Error> {
    let shown = rows.iter().map(|row| show(app, row));
    futures::future::try_join_all(shown).await
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(number): Path<u64>,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Error> {
    let keyset = find(&app, &caller, number, caller.as_of).await?;
    let keyset = keyset.ok_or_else(|| missing(number))?;
    must_allow(&caller, READ, number)?;
    let view = app.reads.view(caller.as_of);
    let list = asked.list()?;
    let page = view.executions_of_keyset(&keyset.project, number, &list);
    let page = page.await?;
    let rows = shown(&app, &page.rows).await?;
    Ok(Json(json!({ "total": page.total, "executions": rows })))
}

pub(super) async fn dead_letters(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(number): Path<u64>,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Error> {
    let keyset = find(&app, &caller, number, caller.as_of).await?;
    let keyset = keyset.ok_or_else(|| missing(number))?;
    must_allow(&caller, READ, number)?;
    // All of them have failed.
    let asked = Asked {
        status: None,
        ..asked
    };
    let view = app.reads.view(caller.as_of);
    let list = asked.list()?;
    let page = view.dead_letters(&keyset.project, number, &list);
    let page = page.await?;
    let rows = shown(&app, &page.rows).await?;
    Ok(Json(json!({ "total": page.total, "deadLetters": rows })))
}

impl From<after::Error> for Error {
    fn from(error: after::Error) -> Self {
        use crate::bus::Error as Bus;
        match error {
            after::Error::NotFound => Self::NotFound("the dead letter".to_owned()),
            after::Error::Bus(Bus::Refused(refused)) => Self::Conflict(refused.to_string()),
            after::Error::Bus(Bus::KeyReused) => Self::KeyReused,
            after::Error::Bus(Bus::Conflict) => Self::Conflict(error.to_string()),
            after::Error::Bus(Bus::PreconditionFailed { .. }) => {
                Self::PreconditionFailed(error.to_string())
            }
            error => Self::Unavailable(error.to_string()),
        }
    }
}

pub(super) async fn retry(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((number, execution)): Path<(u64, String)>,
) -> Result<Response, Error> {
    let keyset = find(&app, &caller, number, None).await?;
    let keyset = keyset.ok_or_else(|| missing(number))?;
    must_allow(&caller, WRITE, number)?;
    let context = caller.context(&keyset.project, b"");
    let (shared, project) = (&app.pubnub.shared, keyset.project.as_str().into());
    let id = ExecutionId::from(execution);
    let (new, committed) = after::retry(shared, &project, number, &id, &context).await?;
    let header = [position_header(&committed)];
    Ok((StatusCode::ACCEPTED, header, Json(json!({ "id": new }))).into_response())
}

pub(super) async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((number, execution)): Path<(u64, String)>,
) -> Result<Response, Error> {
    let keyset = find(&app, &caller, number, None).await?;
    let keyset = keyset.ok_or_else(|| missing(number))?;
    must_allow(&caller, WRITE, number)?;
    let context = caller.context(&keyset.project, b"");
    let (shared, project) = (&app.pubnub.shared, keyset.project.as_str().into());
    let id = ExecutionId::from(execution);
    let committed = after::delete(shared, &project, number, &id, &context).await?;
    Ok((StatusCode::NO_CONTENT, [position_header(&committed)]).into_response())
}
