//! The audit log: every event, who caused it and how, newest last.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use projections::AuditFilter;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Error;
use super::caller::Caller;
use super::page::Page;
use super::projects::time;
use crate::app::App;

#[derive(Deserialize)]
pub(super) struct Filter {
    project: Option<String>,
    stream: Option<String>,
    actor: Option<String>,
    event: Option<String>,
    correlation: Option<String>,
    after: Option<u64>,
    before: Option<u64>,
    limit: Option<u32>,
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(filter): Query<Filter>,
) -> Result<Json<Value>, Error> {
    let project = match (&caller.grant.project, filter.project) {
        (None, asked) => asked,
        (Some(own), asked) => {
            let asked = asked.unwrap_or_else(|| own.to_string());
            caller.must_allow(&asked, "audit.read")?;
            Some(asked)
        }
    };
    let filter = AuditFilter {
        project,
        stream: filter.stream,
        actor: filter.actor,
        event: filter.event,
        correlation: filter.correlation,
        after: filter.after,
        before: filter.before,
        limit: Page::limit(filter.limit)?,
    };
    let rows = app.reads.view(caller.as_of).audit(&filter).await?;
    let events: Vec<_> = rows
        .iter()
        .map(|row| {
            json!({
                "position": row.position,
                "recordedAt": time(row.recorded_at),
                "project": row.project,
                "stream": row.stream,
                "sequence": row.sequence,
                "event": row.event,
                "actor": row.actor,
                "commandId": row.command_id,
                "correlationId": row.correlation_id,
                "causationId": row.causation_id,
                "requestId": row.request_id,
                "payload": row.payload,
            })
        })
        .collect();
    Ok(Json(json!({"events": events})))
}

/// The last position, and the one that `as_of` names.
pub(super) async fn head(State(app): State<Arc<App>>, caller: Caller) -> Json<Value> {
    let head = app.bus.journal().head();
    Json(json!({"head": head, "position": caller.as_of.unwrap_or(head)}))
}
