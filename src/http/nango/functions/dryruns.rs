//! `/functions/dryruns`: one trial of a source on a connection.

use aggregates::dryrun::{Command, DryRun, Request as Asked};
use aggregates::project::Project;
use aggregates::{DryRunId, ScriptKind};
use serde_json::{Value, json};

use crate::execution::Input;
use crate::http::nango::error::Error;
use crate::http::nango::reply::Reply;
use crate::http::nango::request::Request;
use crate::http::nango::rules::{Object, Text};
use crate::http::nango::time;
use crate::nango::build::Source;
use crate::nango::dryruns::Given;
use crate::nango::keys;

/// How long a dry run can be asked for.
const KEPT: i64 = 14 * 24 * 60 * 60 * 1000;

/// Asks for one.
pub async fn create(request: Request) -> Result<Reply, Error> {
    let mut sent = Object::body(request.body.as_ref());
    let integration = sent.text("integration_id", Text::Integration).to_owned();
    let kind = sent.text("function_type", Text::OneOf(&["action", "sync"]));
    let kind = match kind {
        "sync" => ScriptKind::Sync,
        _ => ScriptKind::Action,
    };
    let code = sent.text("code", Text::Length(1, usize::MAX)).to_owned();
    let connection = sent.text("connection_id", Text::Connection).to_owned();
    let input = sent.any("input").cloned();
    let metadata = sent.optional_record("metadata").cloned().map(Value::Object);
    let checkpoint = sent
        .optional_record("checkpoint")
        .cloned()
        .map(Value::Object);
    let last_sync_date = sent.optional_text("last_sync_date", Text::DateTime);
    let last_sync_date = last_sync_date.map(str::to_owned);
    let files = super::files(&mut sent);
    // Beyond upstream: calls that write are refused, unless a recording answers them.
    let mode = sent.optional_text("dry_run_mode", Text::OneOf(&["live", "no_writes"]));
    let no_writes = mode == Some("no_writes");
    let recordings = match sent.any("recordings") {
        None => Vec::new(),
        Some(Value::Array(list)) => list.clone(),
        other => {
            let got = crate::http::nango::rules::type_of(other);
            let message = format!("Invalid input: expected array, received {got}");
            sent.refuse("recordings", "invalid_type", message);
            Vec::new()
        }
    };
    sent.finish()?;
    let (app, project) = (&request.app, &request.project);
    let view = app.reads.view(None);
    if view
        .integration(project.as_str(), &integration)
        .await?
        .is_none()
    {
        return Err(Error::integration(&integration));
    }
    let key = keys::connection(&integration, &connection);
    if view
        .connection(project.as_str(), key.as_str())
        .await?
        .is_none()
    {
        return Err(Error::connection(&connection, &integration));
    }
    let source = Source {
        code,
        files,
        bundle: None,
    };
    let source = source.store(&app.nango.shared).await?;
    let given = Given {
        input,
        metadata,
        checkpoint,
        last_sync_date,
        no_writes,
        recordings,
    };
    let input = Input {
        request: serde_json::to_value(given)
            .map_err(|error| Error::internal(&error.to_string()))?,
        body: bytes::Bytes::new(),
    };
    let loaded = app.bus.load::<Project>(project.as_str()).await?;
    let stored = input
        .store(project, &loaded.state.data_key, &app.vault, &app.blobs)
        .await;
    let input = stored.map_err(|refused| Error::unavailable(&refused.to_string()))?;
    let id = DryRunId::from(request.new_uuid().to_string());
    let command = Command::Request(Asked {
        integration: integration.as_str().into(),
        connection_id: connection,
        kind,
        source,
        input,
    });
    let key = id.key(project);
    let sent = app.bus.execute::<DryRun>(&key, command, &request.context);
    let committed = sent.await?;
    app.nango.dryruns.take(project.clone(), id.clone());
    let body = json!({
        "id": id.as_str(),
        "status": "running",
        "created_at": time::text(committed.recorded_at),
    });
    Ok(Reply::json(202, body).committed(&committed))
}

/// How one is getting on.
pub async fn get(request: Request) -> Result<Reply, Error> {
    let id = request.checked_path("id", Text::Uuid)?.to_owned();
    let missing = || {
        let message = format!("Dryrun '{id}' was not found");
        Error::new(404, "dryrun_not_found", message)
    };
    let found = request.view().dryrun(request.project.as_str(), &id).await?;
    let row = found.ok_or_else(missing)?;
    if row.created_at < crate::auth::now_ms() - KEPT {
        return Err(missing());
    }
    let mut body = json!({
        "id": row.id,
        "status": row.status,
        "integration_id": row.integration,
        "function_type": row.kind.as_str(),
        "created_at": time::text(row.created_at),
        "updated_at": time::text(row.updated_at),
    });
    if let Some(at) = row.started_at {
        body["started_at"] = time::text(at).into();
    }
    if let Some(at) = row.completed_at {
        body["completed_at"] = time::text(at).into();
    }
    let blobs = &request.app.blobs;
    if let Some(result) = &row.result {
        body["duration_ms"] = result.duration_ms.into();
        body["output"] = blobs.get_text(&result.output).await?.into();
        if let Some(text) = &result.result {
            let text = blobs.get_text(text).await?;
            body["result"] = serde_json::from_str(&text).unwrap_or(Value::Null);
        }
        // Beyond upstream: logs with levels, HTTP calls, records by model.
        if let Some(details) = &result.details {
            let bytes = blobs.get(details).await?;
            body["details"] = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        }
    }
    if let Some(error) = row.error() {
        let message = blobs.get_text(&error.message).await?;
        let mut shown = json!({ "code": error.code, "message": message });
        if let Some(payload) = &error.payload {
            shown["payload"] = payload.clone();
        }
        body["error"] = shown;
    }
    Ok(Reply::json(200, body))
}
