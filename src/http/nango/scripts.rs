//! Older and smaller endpoints: `/scripts/config`, `/functions/invocations`, webhooks.

use std::collections::BTreeMap;

use projections::query::List;
use serde_json::{Value, json};

use super::error::Error;
use super::functions::deployed;
use super::reply::Reply;
use super::request::Request;
use super::rules::{Object, Text};
use crate::nango::{keys, syncs};

/// Every deployed function, by integration. `format=openai`: as tools.
pub async fn config(request: Request) -> Result<Reply, Error> {
    let list = List {
        limit: 1000,
        ..List::default()
    };
    let integrations = request
        .view()
        .integrations(request.project.as_str(), &list)
        .await?;
    let mut shown = Vec::new();
    let mut tools = Vec::new();
    for integration in &integrations.rows {
        let mut parts: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for row in deployed::rows(&request, &integration.id).await? {
            let Some(entry) = deployed::shape(&request, &row).await? else {
                continue;
            };
            if entry["type"] == "action" {
                let input = entry["input"].as_str().unwrap_or_default();
                let schema = entry["json_schema"]["definitions"][input].clone();
                tools.push(json!({
                    "name": entry["name"],
                    "description": entry["description"],
                    "parameters": if schema.is_null() { json!({"type": "object", "properties": {}}) } else { schema },
                }));
            }
            let part = entry["type"].as_str().unwrap_or_default().to_owned();
            parts.entry(part).or_default().push(entry);
        }
        let mut take = |name: &str| parts.remove(name).unwrap_or_default();
        shown.push(json!({
            "providerConfigKey": integration.id,
            "provider": integration.settings.provider,
            "syncs": take("sync"),
            "actions": take("action"),
            "on-events": take("on-event"),
        }));
    }
    match request.in_query("format") {
        Some("openai") => Ok(Reply::json(200, json!({ "data": tools }))),
        _ => Ok(Reply::json(200, Value::Array(shown))),
    }
}

/// Validates, looks things up, and says that it is not there, as upstream does.
pub async fn invocations(request: Request) -> Result<Reply, Error> {
    let mut sent = Object::body(request.body.as_ref());
    let connection = sent.text("connection_id", Text::Connection).to_owned();
    let integration = sent.text("integration_id", Text::Integration).to_owned();
    let name = sent.text("name", Text::Name).to_owned();
    sent.any("input");
    sent.text("invocation_type", Text::OneOf(&["wait", "no_wait"]));
    sent.any("options");
    sent.finish()?;
    let project = request.project.as_str();
    let key = keys::connection(&integration, &connection);
    if request
        .view()
        .connection(project, key.as_str())
        .await?
        .is_none()
    {
        return Err(Error::connection(&connection, &integration));
    }
    let rows = deployed::rows(&request, &integration).await?;
    let found = rows.iter().find(|row| row.settings.name == name);
    match found {
        None => Err(Error::new(
            404,
            "unknown_function",
            format!("Function '{name}' was not found"),
        )),
        Some(row) if !row.settings.enabled => Err(Error::new(
            403,
            "function_disabled",
            format!("Function '{name}' is disabled"),
        )),
        Some(_) => Err(Error::new(
            501,
            "not_implemented",
            "Invocations are not implemented",
        )),
    }
}

/// Scripts of syncs that wait for webhooks hear of one; connections are named by the query
/// (`connection_id`), else all of the integration are meant.
pub async fn webhook(request: Request) -> Result<Reply, Error> {
    use subtle::ConstantTimeEq as _;
    let integration = request
        .checked_path("uniqueKey", Text::Integration)?
        .to_owned();
    let shared = &request.app.nango.shared;
    let token = shared.webhook_token(&request.project, &integration);
    if !bool::from(token.as_bytes().ct_eq(request.in_path("token").as_bytes())) {
        return Err(super::no_route());
    }
    let payload: Value = serde_json::from_slice(&request.bytes)
        .unwrap_or_else(|_| String::from_utf8_lossy(&request.bytes).into_owned().into());
    let only = request.in_query("connection_id").map(str::to_owned);
    let begun = syncs::webhook(
        shared,
        &request.project,
        &integration,
        only.as_deref(),
        payload,
    );
    let begun = begun
        .await
        .map_err(|error| Error::unavailable(&error.to_string()))?;
    Ok(Reply::json(200, json!({ "success": true, "runs": begun })))
}
