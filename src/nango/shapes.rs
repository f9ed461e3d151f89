//! Integrations and connections as the dialect shows them, to clients and to functions alike.

use connectors::{Client, Credentials, Provider};
use projections::model;
use serde_json::{Value, json};

/// RFC 3339 in UTC with milliseconds.
pub fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map(|time| format!("{time:.3}"))
        .unwrap_or_default()
}

/// An integration. `webhook` and `client` are shown when they are given.
pub fn integration(
    row: &model::Integration,
    provider: Option<&Provider>,
    webhook: Option<String>,
    client: Option<Option<&Client>>,
) -> Value {
    let settings = &row.settings;
    let name = settings.display_name.clone();
    let name = name.or_else(|| provider.and_then(|provider| provider.display_name.clone()));
    let mut shown = json!({
        "unique_key": row.id,
        "provider": settings.provider,
        "display_name": name.unwrap_or_else(|| settings.provider.clone()),
        "logo": "",
        "forward_webhooks": settings.forward_webhooks,
        "created_at": time(row.created_at),
        "updated_at": time(row.updated_at),
    });
    if let Some(webhook) = webhook {
        shown["webhook_url"] = webhook.into();
    }
    if let Some(client) = client {
        shown["credentials"] = json!(client);
    }
    shown
}

/// A connection as it is read alone. Without `credentials` it shows `{}`.
pub fn connection(row: &model::Connection, credentials: Option<&Credentials>) -> Value {
    let settings = &row.settings;
    let credentials = credentials.map_or_else(|| json!({}), Credentials::to_json);
    json!({
        "id": row.sequence,
        "connection_id": row.connection_id,
        "provider_config_key": row.integration,
        "provider": row.provider,
        "errors": errors(row),
        "end_user": settings.end_user,
        "tags": settings.tags,
        "metadata": settings.metadata,
        "connection_config": settings.config,
        "webhook_url_override": settings.webhook_url_override,
        "created_at": time(row.created_at),
        "updated_at": time(row.updated_at),
        "last_fetched_at": time(row.updated_at),
        "credentials": credentials,
    })
}

/// A connection in a list.
pub fn listed(row: &model::Connection) -> Value {
    json!({
        "id": row.sequence,
        "connection_id": row.connection_id,
        "provider_config_key": row.integration,
        "provider": row.provider,
        "errors": errors(row),
        "end_user": row.settings.end_user,
        "tags": row.settings.tags,
        "metadata": row.settings.metadata,
        "created": time(row.created_at),
    })
}

fn errors(row: &model::Connection) -> Vec<Value> {
    row.errors
        .iter()
        .map(|noted| json!({"type": "auth", "log_id": noted.error}))
        .collect()
}
