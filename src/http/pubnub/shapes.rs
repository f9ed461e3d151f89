//! Entities as they are shown (section 5), members in the order of the reference.

use aggregates::{Handler, Trigger, TriggerKind};
use projections::model;
use serde_json::{Value, json};

use super::error::Error;
use super::time::format;
use crate::blobs::Blobs;

/// A package (5.1).
pub fn package(row: &model::Package) -> Value {
    json!({
        "id": row.id,
        "packageBlueprintId": row.blueprint,
        "name": row.settings.name,
        "description": row.settings.description,
        "apiManaged": row.api_managed,
        "tags": row.settings.tags,
        "revisionsTotal": row.revisions_total,
        "revisionsRunning": row.revisions_running,
        "packageDeploymentsTotal": row.deployments_total,
        "packageDeploymentsRunning": row.deployments_running,
        "createdDttm": format(row.created_at),
        "updatedDttm": format(row.updated_at),
    })
}

/// A revision with its functions (5.2).
pub async fn revision(blobs: &Blobs, row: &model::PackageRevision) -> Result<Value, Error> {
    let reads: Vec<_> = row
        .handlers
        .iter()
        .map(|handler| function(blobs, handler, row.id.as_str(), row.created_at))
        .collect();
    let functions = futures::future::try_join_all(reads).await?;
    Ok(json!({
        "id": row.id,
        "packageId": row.package,
        "name": row.name,
        "description": row.description,
        "packageDeploymentsTotal": row.deployments_total,
        "packageDeploymentsRunning": row.deployments_running,
        "createdDttm": format(row.created_at),
        "updatedDttm": format(row.updated_at),
        "functions": functions,
    }))
}

/// A function at one revision (5.3), which never changes.
pub async fn function(
    blobs: &Blobs,
    handler: &Handler,
    revision: &str,
    created_at: i64,
) -> Result<Value, Error> {
    let code = blobs.get(&handler.code).await?;
    Ok(json!({
        "id": handler.id,
        "functionRevisionId": handler.revision,
        "packageRevisionId": revision,
        "name": handler.name,
        "language": "JAVASCRIPT",
        "type": handler.trigger.kind.as_str(),
        "sortOrder": handler.sort_order,
        "code": String::from_utf8_lossy(&code),
        "config": config(&handler.trigger),
        "createdDttm": format(created_at),
        "updatedDttm": format(created_at),
    }))
}

/// What a function listens to.
pub fn config(trigger: &Trigger) -> Value {
    let mut config = json!({"type": trigger.kind.as_str()});
    match trigger.kind {
        TriggerKind::OnRequest => config["path"] = json!(trigger.path),
        TriggerKind::OnInterval => config["interval"] = json!(trigger.interval),
        TriggerKind::SubscribeOnInterval => {
            config["inputChannel"] = json!(trigger.input_channel);
            config["interval"] = json!(trigger.interval);
        }
        _ => {
            config["inputChannel"] = json!(trigger.input_channel);
            config["outputChannel"] = json!(trigger.output_channel);
        }
    }
    config
}

/// A deployment (5.4). The state of its functions is its own (7.2).
pub fn deployment(row: &model::PackageDeployment) -> Value {
    let (created, updated) = (format(row.created_at), format(row.updated_at));
    let state = row.status.as_str();
    let functions: Vec<Value> = row
        .handlers
        .iter()
        .map(|handler| {
            json!({
                "functionRevisionId": handler,
                "state": state,
                "createdDttm": created,
                "updatedDttm": updated,
            })
        })
        .collect();
    json!({
        "id": row.id,
        "packageRevisionId": row.revision,
        "keysetId": row.keyset,
        "state": state,
        "functionDeployments": functions,
        "createdDttm": created,
        "updatedDttm": updated,
    })
}

/// A test input (5.5).
pub async fn test_input(blobs: &Blobs, row: &model::TestInput) -> Result<Value, Error> {
    let payload = blobs.get_text(&row.input.payload).await?;
    let payload: Value = serde_json::from_str(&payload)
        .map_err(|error| Error::internal(&format!("a stored test input is damaged: {error}")))?;
    Ok(json!({
        "id": row.id,
        "functionRevisionId": row.handler,
        "payload": payload,
        "mimeType": row.input.mime_type,
        "description": row.input.description,
        "createdDttm": format(row.created_at),
        "updatedDttm": format(row.updated_at),
    }))
}
