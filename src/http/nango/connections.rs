//! `/connections` and, with the same meaning, `/connection`.

use std::collections::BTreeMap;

use aggregates::connection::{Command, Connection, Settings};
use aggregates::{ConnectionKey, IntegrationId};
use connectors::{CallConfig, Credentials};
use projections::model;
use projections::query::List;
use serde_json::{Map, Value, json};

use super::error::Error;
use super::integrations::issues;
use super::reply::Reply;
use super::request::Request;
use super::rules::{Object, Text};
use crate::bus;
use crate::nango::{calls, connections, keys, shapes, syncs};

/// Lists; `connectionId`, `integrationId`, `search`, `limit` and `page` narrow it.
pub async fn list(request: Request) -> Result<Reply, Error> {
    let integration = request.in_query("integrationId").map(str::to_owned);
    let wanted = request.in_query("connectionId").map(str::to_owned);
    let limit = request.in_query("limit").and_then(|text| text.parse().ok());
    let page: u32 = request
        .in_query("page")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let limit: u32 = limit.unwrap_or(1000).clamp(1, 1000);
    let list = List {
        limit,
        offset: page.saturating_mul(limit),
        search: request.in_query("search").unwrap_or_default().to_owned(),
        ..List::default()
    };
    let project = request.project.as_str();
    let view = request.view();
    let found = view
        .connections(project, integration.as_deref(), &list)
        .await?;
    let shown: Vec<Value> = found
        .rows
        .iter()
        .filter(|row| {
            wanted
                .as_ref()
                .is_none_or(|wanted| *wanted == row.connection_id)
        })
        .map(shapes::listed)
        .collect();
    Ok(Reply::json(200, json!({ "connections": shown })))
}

/// Gets one.
pub async fn get(request: Request) -> Result<Reply, Error> {
    let id = request
        .checked_path("connectionId", Text::Connection)?
        .to_owned();
    let integration = in_query(&request, "provider_config_key")?;
    let asks = |name| request.in_query(name) == Some("true");
    let row = row(&request, &integration, &id).await?;
    let shows = request.allows("environment:connections:read_credentials");
    if !shows {
        return Ok(Reply::json(200, shapes::connection(&row, None)));
    }
    let shared = &request.app.nango;
    let mut credentials = match request.at {
        // The past is shown as it was.
        Some(_) => shared
            .connections
            .credentials(&row.settings)
            .await
            .map_err(failed)?,
        None => {
            let opened =
                shared
                    .connections
                    .open(&request.project, &integration, &id, asks("force_refresh"));
            opened.await.map_err(failed)?.credentials
        }
    };
    if !asks("refresh_token")
        && let Credentials::OAuth2(token) = &mut credentials
    {
        // It is shown only to those who ask for it.
        token.refresh_token = None;
    }
    Ok(Reply::json(
        200,
        shapes::connection(&row, Some(&credentials)),
    ))
}

/// Makes one, or replaces it.
pub async fn create(request: Request) -> Result<Reply, Error> {
    let mut sent = Object::body(request.body.as_ref());
    let integration = sent
        .text("provider_config_key", Text::Integration)
        .to_owned();
    let credentials = sent.any("credentials").cloned();
    let id = sent.optional_text("connection_id", Text::Connection);
    let id = id.map(str::to_owned);
    let metadata = sent.optional_record("metadata").cloned();
    let config = sent.optional_record("connection_config").cloned();
    let tags = sent.optional_texts("tags", 255);
    let end_user = sent.any("end_user").cloned();
    let webhook = sent.optional_text("webhook_url_override", Text::Length(1, 2048));
    let webhook = webhook.map(str::to_owned);
    if credentials.is_none() {
        sent.refuse(
            "credentials",
            "invalid_type",
            "Invalid input: expected object, received undefined",
        );
    }
    sent.finish()?;
    let id = id.unwrap_or_else(|| request.new_uuid().to_string());
    let shared = &request.app.nango;
    let configured = match shared
        .connections
        .integration(&request.project, &integration)
        .await
    {
        Ok(configured) => configured,
        Err(connections::Error::Integration(_)) => {
            return Err(Error::new(404, "not_found", "Integration does not exist"));
        }
        Err(error) => return Err(failed(error)),
    };
    let credentials = credentials.unwrap_or_default();
    let provider = &configured.provider;
    let mode = credentials["type"].as_str().unwrap_or_default();
    if mode != provider.auth_mode.name() {
        let message = format!(
            "Provider {} does not support {mode} auth",
            provider.auth_mode
        );
        return Err(Error::body("custom", message, &["credentials", "type"]));
    }
    let credentials = Credentials::parse(&credentials, provider)
        .map_err(|found| issues(&found, "credentials"))?;
    let config = provider
        .check_connection_config(&config.unwrap_or_default())
        .map_err(|found| issues(&found, "connection_config"))?;
    let sealed = shared
        .connections
        .seal(&request.project, &credentials.to_json())
        .await;
    let settings = Settings {
        kind: mode.to_owned(),
        credentials: sealed.map_err(failed)?,
        expires_at: credentials.expires_at().map(|at| at.as_millisecond()),
        config: texts(&config),
        metadata: Value::Object(metadata.unwrap_or_default()),
        tags: tags.unwrap_or_default(),
        end_user,
        webhook_url_override: webhook,
    };
    let live = connections::Live {
        key: keys::connection(&integration, &id),
        id: id.clone(),
        settings: settings.clone(),
        credentials: credentials.clone(),
        config,
        integration: configured.clone(),
    };
    verify(&request, &live).await?;
    let key = live.key.key(&request.project);
    let bus = &request.app.bus;
    let is_there = bus.load::<Connection>(&key).await?.state.settings.is_some();
    let command = match is_there {
        true => Command::Replace { settings },
        false => Command::Create {
            integration: IntegrationId::from(integration.as_str()),
            connection_id: id.clone(),
            provider: configured.settings.provider.clone(),
            settings,
        },
    };
    let committed = bus
        .execute::<Connection>(&key, command, &request.context)
        .await?;
    let mut request = request;
    request.at = Some(committed.position);
    let row = row(&request, &integration, &id).await?;
    let event = "validate-connection";
    let shared = &request.app.nango.shared;
    let ran = syncs::run_on_event(shared, &request.project, &integration, &id, event).await?;
    if let Some(error) = ran {
        remove(&request, &row).await?;
        return Err(Error::new(400, "connection_validation_failed", error));
    }
    let shown = shapes::connection(&row, Some(&credentials));
    Ok(Reply::json(200, shown).committed(&committed))
}

/// Asks the provider whether the credentials are good, where the catalogue says how.
async fn verify(request: &Request, live: &connections::Live) -> Result<(), Error> {
    let target = live.target();
    let Ok(Some(check)) = connectors::token::verification(&target) else {
        return Ok(());
    };
    let shared = &request.app.nango;
    let check = CallConfig {
        retries: 0,
        ..check
    };
    let sent = calls::call(&shared.connections, &request.project, live, &check);
    let good = matches!(sent.await, Ok(exchange) if exchange.response.is_success());
    match good {
        true => Ok(()),
        false => Err(Error::new(
            400,
            "connection_test_failed",
            "The given credentials were found invalid",
        )),
    }
}

/// Deletes one.
pub async fn delete(request: Request) -> Result<Reply, Error> {
    let id = request
        .checked_path("connectionId", Text::Connection)?
        .to_owned();
    let integration = in_query(&request, "provider_config_key")?;
    let unknown = || Error::unknown_connection(400, &id);
    let key = keys::connection(&integration, &id);
    let found = request
        .view()
        .connection(request.project.as_str(), key.as_str())
        .await?;
    let row = found.ok_or_else(unknown)?;
    let ran = syncs::run_on_event(
        &request.app.nango.shared,
        &request.project,
        &integration,
        &id,
        "pre-connection-deletion",
    );
    ran.await?;
    let committed = remove(&request, &row).await?;
    Ok(Reply::json(200, json!({ "success": true })).committed(&committed))
}

/// Ends a connection, its syncs and their records.
pub async fn remove(request: &Request, row: &model::Connection) -> Result<bus::Committed, Error> {
    let (bus, project) = (&request.app.bus, &request.project);
    let list = List {
        limit: 1000,
        ..List::default()
    };
    let view = request.app.reads.view(None);
    let found = view
        .syncs(project.as_str(), row.key.as_str(), &list)
        .await?;
    for sync in found.rows {
        let context = request.further(&format!("sync/{}", sync.key));
        let command = aggregates::sync::Command::Delete;
        let key = sync.key.key(project);
        match bus
            .execute::<aggregates::sync::Sync>(&key, command, &context)
            .await
        {
            Ok(_) | Err(bus::Error::Refused(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let key = row.key.key(project);
    let context = request.further(&format!("connection/{}", row.key));
    let committed = bus
        .execute::<Connection>(&key, Command::Delete, &context)
        .await?;
    let records = &request.app.nango.records;
    let dropped = records.drop_connection(project.as_str(), &row.integration, &row.connection_id);
    dropped
        .await
        .map_err(|error| Error::unavailable(&error.to_string()))?;
    Ok(committed)
}

/// Replaces metadata.
pub async fn set_metadata(request: Request) -> Result<Reply, Error> {
    metadata(request, 201, false).await
}

/// Merges into metadata, at the top level.
pub async fn update_metadata(request: Request) -> Result<Reply, Error> {
    metadata(request, 200, true).await
}

async fn metadata(request: Request, status: u16, merges: bool) -> Result<Reply, Error> {
    let mut sent = Object::body(request.body.as_ref());
    let ids = match sent.any("connection_id") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        other => {
            let got = super::rules::type_of(other);
            let message = format!("Invalid input: expected string, received {got}");
            sent.refuse("connection_id", "invalid_type", message);
            Vec::new()
        }
    };
    let integration = sent
        .text("provider_config_key", Text::Integration)
        .to_owned();
    let metadata = sent.optional_record("metadata").cloned();
    if metadata.is_none() {
        sent.refuse(
            "metadata",
            "invalid_type",
            "Invalid input: expected record, received undefined",
        );
    }
    sent.finish()?;
    let metadata = metadata.unwrap_or_default();
    let mut all: Vec<ConnectionKey> = Vec::new();
    for id in &ids {
        let key = keys::connection(&integration, id);
        let found = request
            .view()
            .connection(request.project.as_str(), key.as_str())
            .await?;
        if found.is_none() {
            return Err(Error::unknown_connection(404, id));
        }
        all.push(key);
    }
    let mut committed = None;
    for key in all {
        let command = match merges {
            true => Command::MergeMetadata {
                metadata: metadata.clone(),
            },
            false => Command::SetMetadata {
                metadata: Value::Object(metadata.clone()),
            },
        };
        let context = request.further(&format!("metadata/{key}"));
        let stream = key.key(&request.project);
        let sent = request
            .app
            .bus
            .execute::<Connection>(&stream, command, &context);
        committed = Some(sent.await?);
    }
    let body = request.body.clone().unwrap_or_default();
    let reply = Reply::json(status, body);
    Ok(reply.maybe_committed(committed.as_ref()))
}

/// A parameter of the query that must be there.
pub fn in_query(request: &Request, name: &'static str) -> Result<String, Error> {
    let sent = request.query_object();
    let mut object = Object::body(Some(&sent));
    let value = object.text(name, Text::Integration).to_owned();
    object.loose();
    object.finish_as("invalid_query_params")?;
    Ok(value)
}

/// A connection that must be there.
pub async fn row(
    request: &Request,
    integration: &str,
    id: &str,
) -> Result<model::Connection, Error> {
    let key = keys::connection(integration, id);
    let found = request
        .view()
        .connection(request.project.as_str(), key.as_str())
        .await?;
    found.ok_or_else(|| Error::new(404, "not_found", "Failed to find connection"))
}

/// What keeps a connection from being used, as `GET` answers it.
pub fn failed(error: connections::Error) -> Error {
    use connections::Error as E;
    match error {
        E::Integration(_) => Error::new(404, "not_found", "Integration does not exist"),
        E::Connection { .. } => Error::new(404, "not_found", "Failed to find connection"),
        E::Credentials(text) | E::Refresh(text) => Error::new(424, "invalid_credentials", text),
        E::Unavailable(cause) => Error::unavailable(&cause),
        E::Provider(_) | E::Internal(_) => Error::internal(&error.to_string()),
    }
}

fn texts(config: &Map<String, Value>) -> BTreeMap<String, String> {
    config
        .iter()
        .map(|(name, value)| {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            (name.clone(), text)
        })
        .collect()
}
