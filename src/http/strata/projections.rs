//! Read models: how far they are, and building them again.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use projections::Status;
use serde_json::{Value, json};

use super::Error;
use super::caller::Caller;
use crate::app::App;

pub(in crate::http) fn status(status: &Status) -> Value {
    json!({
        "name": status.name,
        "checkpoint": status.checkpoint,
        "lag": status.lag,
        "parked": status.parked,
        "rebuild": status.rebuild.as_ref().map(|rebuild| {
            json!({"done": rebuild.done, "total": rebuild.total})
        }),
    })
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Json<Value>, Error> {
    caller.must_be_root("reading the state of projections")?;
    let head = app.bus.journal().head();
    let projections: Vec<_> = app.reads.status().iter().map(status).collect();
    Ok(Json(json!({"head": head, "projections": projections})))
}

/// Begins a rebuild in the background; the list shows how far it is.
pub(super) async fn rebuild(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Error> {
    caller.must_be_root("rebuilding projections")?;
    let known = app.reads.status();
    let Some(found) = known.iter().find(|status| status.name == name) else {
        let names: Vec<_> = known.iter().map(|status| status.name.to_string()).collect();
        let names = names.join(", ");
        return Err(Error::NotFound(format!(
            "the projection {name} (there are: {names})"
        )));
    };
    if found.rebuild.is_some() {
        return Err(Error::Conflict(format!("{name} is being rebuilt already")));
    }
    let reads = app.reads.clone();
    let answer = json!({"name": name, "head": app.bus.journal().head()});
    tokio::spawn(async move {
        match reads.rebuild(&name).await {
            Ok(()) => tracing::info!(projection = name, "rebuilt"),
            Err(error) => tracing::error!(projection = name, %error, "a rebuild failed"),
        }
    });
    Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
}
