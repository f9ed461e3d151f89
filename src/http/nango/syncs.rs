//! `/sync`: starting, pausing and triggering syncs, and asking how they are.

use aggregates::sync::RunStatus;
use projections::model;
use projections::query::{Filter, List};
use serde_json::{Value, json};

use super::error::{Error, Issue};
use super::reply::Reply;
use super::request::Request;
use super::rules::{self, BELOW, Object, Text};
use super::time;
use crate::bus;
use crate::nango::syncs::{self, BASE, Change, Name, Target};
use crate::nango::{keys, shapes};

fn missing_key() -> Error {
    Error::new(
        400,
        "missing_provider_config_key",
        "The parameter 'provider_config_key' is required, as a header or in the body",
    )
}

/// Names of syncs in a body.
fn names(sent: &mut Object<'_>) -> Vec<Name> {
    const MOST: usize = 256;
    let Some(value) = sent.any("syncs") else {
        sent.refuse(
            "syncs",
            "invalid_type",
            "Invalid input: expected array, received undefined",
        );
        return Vec::new();
    };
    let Value::Array(list) = value else {
        let message = format!(
            "Invalid input: expected array, received {}",
            rules::type_of(Some(value))
        );
        sent.refuse("syncs", "invalid_type", message);
        return Vec::new();
    };
    if list.len() > MOST {
        sent.refuse(
            "syncs",
            "too_big",
            format!("Too big: expected array to have <={MOST} items"),
        );
    }
    let mut names = Vec::new();
    for (index, one) in list.iter().enumerate() {
        let parsed: Option<Name> = serde_json::from_value(one.clone()).ok();
        let fits = parsed.as_ref().is_some_and(|name| {
            let (name, variant) = name.parts();
            rules::is_name(name) && rules::is_name(variant) && name.len() <= 255
        });
        match (parsed, fits) {
            (Some(name), true) => names.push(name),
            _ => sent.refuse(
                &format!("syncs{BELOW}{index}"),
                "invalid_union",
                "Invalid input",
            ),
        }
    }
    names
}

fn target(request: &Request, key: Option<&str>, connection: Option<&str>) -> Result<Target, Error> {
    let key = key
        .or_else(|| request.header("provider-config-key"))
        .ok_or_else(missing_key)?;
    let connection = connection.or_else(|| request.header("connection-id"));
    Ok(Target {
        project: request.project.clone(),
        integration: key.to_owned(),
        connection: connection.map(str::to_owned),
    })
}

fn failed(error: syncs::Error) -> Error {
    match error {
        syncs::Error::NotFound(name) => {
            Error::new(404, "unknown_sync", format!("Sync '{name}' was not found"))
        }
        syncs::Error::Connection(id) => Error::unknown_connection(400, &id),
        syncs::Error::Bus(error) => error.into(),
        syncs::Error::Reads(error) => error.into(),
    }
}

async fn changed(
    request: Request,
    target: &Target,
    names: &[Name],
    change: Change,
) -> Result<Reply, Error> {
    let shared = &request.app.nango.shared;
    let done = syncs::change(shared, target, names, change, &request.context).await;
    let committed = done.map_err(failed)?;
    Ok(success(committed))
}

fn success(committed: Option<bus::Committed>) -> Reply {
    let reply = Reply::json(200, json!({ "success": true }));
    reply.maybe_committed(committed.as_ref())
}

/// Runs syncs now.
pub async fn trigger(request: Request) -> Result<Reply, Error> {
    let mut sent = Object::body(request.body.as_ref());
    let names = names(&mut sent);
    let key = sent.optional_text("provider_config_key", Text::Integration);
    let connection = sent.optional_text("connection_id", Text::Connection);
    let opts = sent.any("opts").cloned();
    const MODES: &[&str] = &[
        "incremental",
        "full_refresh",
        "full_refresh_and_clear_cache",
    ];
    let mode = sent
        .optional_text("sync_mode", Text::OneOf(MODES))
        .map(str::to_owned);
    let full = sent.optional_flag("full_resync");
    if opts.is_some() && (mode.is_some() || full.is_some()) {
        sent.refuse(
            "opts",
            "custom",
            "opts cannot be used together with sync_mode or full_resync",
        );
    }
    let (key, connection) = (key.map(str::to_owned), connection.map(str::to_owned));
    sent.finish()?;
    let target = target(&request, key.as_deref(), connection.as_deref())?;
    let option = |name: &str| opts.as_ref().is_some_and(|opts| opts[name] == true);
    let mode = mode.unwrap_or_default();
    let change = Change::Request {
        reset: option("reset") || full == Some(true) || mode.starts_with("full_refresh"),
        empty: option("emptyCache") || mode == "full_refresh_and_clear_cache",
    };
    changed(request, &target, &names, change).await
}

/// Lets schedules run.
pub async fn start(request: Request) -> Result<Reply, Error> {
    let (target, names) = simple(&request)?;
    changed(request, &target, &names, Change::Start).await
}

/// Stops schedules.
pub async fn pause(request: Request) -> Result<Reply, Error> {
    let (target, names) = simple(&request)?;
    changed(request, &target, &names, Change::Pause).await
}

fn simple(request: &Request) -> Result<(Target, Vec<Name>), Error> {
    let mut sent = Object::body(request.body.as_ref());
    let names = names(&mut sent);
    let key = sent.optional_text("provider_config_key", Text::Integration);
    let connection = sent.optional_text("connection_id", Text::Connection);
    let (key, connection) = (key.map(str::to_owned), connection.map(str::to_owned));
    sent.finish()?;
    Ok((
        target(request, key.as_deref(), connection.as_deref())?,
        names,
    ))
}

/// Says how often a sync of a connection runs.
pub async fn frequency(request: Request) -> Result<Reply, Error> {
    let mut sent = Object::body(request.body.as_ref());
    let name = sent.text("sync_name", Text::Name).to_owned();
    let variant = sent
        .optional_text("sync_variant", Text::Name)
        .map(str::to_owned);
    let key = sent
        .text("provider_config_key", Text::Integration)
        .to_owned();
    let connection = sent.text("connection_id", Text::Connection).to_owned();
    let frequency = match sent.any("frequency") {
        Some(Value::String(text)) if syncs::is_frequency(text) => Some(text.clone()),
        Some(Value::Null) => None,
        _ => {
            sent.refuse("frequency", "custom", "Invalid frequency");
            None
        }
    };
    sent.finish()?;
    let target = target(&request, Some(&key), Some(&connection))?;
    let name = Name::Parts {
        name,
        variant: variant.unwrap_or_else(|| BASE.to_owned()),
    };
    let shared = &request.app.nango.shared;
    let change = Change::Frequency(frequency.clone());
    let done = syncs::change(shared, &target, &[name], change, &request.context).await;
    let committed = done.map_err(failed)?;
    let reply = Reply::json(200, json!({ "frequency": frequency }));
    Ok(reply.maybe_committed(committed.as_ref()))
}

/// Makes a variant of a sync on a connection.
pub async fn create_variant(request: Request) -> Result<Reply, Error> {
    variant(request, false).await
}

/// Ends a variant of a sync on a connection.
pub async fn delete_variant(request: Request) -> Result<Reply, Error> {
    variant(request, true).await
}

async fn variant(request: Request, ends: bool) -> Result<Reply, Error> {
    let name = request.checked_path("name", Text::Name)?.to_owned();
    let variant = request.checked_path("variant", Text::Name)?.to_owned();
    let mut sent = Object::body(request.body.as_ref());
    let key = sent
        .text("provider_config_key", Text::Integration)
        .to_owned();
    let connection = sent.text("connection_id", Text::Connection).to_owned();
    sent.finish()?;
    if variant == BASE {
        let message = format!("The variant '{BASE}' is always there");
        return Err(Error::new(400, "invalid_variant", message));
    }
    let target = target(&request, Some(&key), Some(&connection))?;
    let shared = &request.app.nango.shared;
    let sync = keys::sync(
        &key,
        &connection,
        aggregates::ScriptKind::Sync,
        &name,
        &variant,
    );
    let stream = sync.key(&request.project);
    if ends {
        let command = aggregates::sync::Command::Delete;
        let sent =
            request
                .app
                .bus
                .execute::<aggregates::sync::Sync>(&stream, command, &request.context);
        let committed = match sent.await {
            Ok(committed) => committed,
            Err(bus::Error::Refused(_)) => {
                return Err(Error::new(
                    404,
                    "unknown_sync",
                    format!("Sync '{name}::{variant}' was not found"),
                ));
            }
            Err(error) => return Err(error.into()),
        };
        return Ok(success(Some(committed)));
    }
    let names = [Name::Parts {
        name: name.clone(),
        variant: variant.clone(),
    }];
    let change = Change::Frequency(None);
    let done = syncs::change(shared, &target, &names, change, &request.context);
    let committed = done.await.map_err(failed)?;
    let body = json!({ "id": sync.as_str(), "name": name, "variant": variant });
    let reply = Reply::json(200, body);
    Ok(reply.maybe_committed(committed.as_ref()))
}

/// How syncs are.
pub async fn status(request: Request) -> Result<Reply, Error> {
    let wanted = request.in_query("syncs").map(str::to_owned);
    let key = request.in_query("provider_config_key").map(str::to_owned);
    let mut issues = Vec::new();
    for (name, value) in [("syncs", &wanted), ("provider_config_key", &key)] {
        if value.is_none() {
            issues.push(Issue {
                code: "invalid_type",
                message: "Invalid input: expected string, received undefined".to_owned(),
                path: vec![name.to_owned()],
            });
        }
    }
    if !issues.is_empty() {
        return Err(Error::invalid("invalid_query_params", &issues));
    }
    let (wanted, key) = (wanted.unwrap_or_default(), key.unwrap_or_default());
    let project = request.project.as_str();
    let rows = match request.in_query("connection_id") {
        Some(id) => {
            let connection = keys::connection(&key, id);
            let found = request
                .view()
                .connection(project, connection.as_str())
                .await?;
            if found.is_none() {
                return Err(Error::unknown_connection(400, id));
            }
            let list = List {
                limit: 1000,
                ..List::default()
            };
            let view = request.view();
            view.syncs(project, connection.as_str(), &list).await?.rows
        }
        None => {
            let list = List {
                filters: vec![Filter::equals("integration", key.clone())],
                limit: 1000,
                ..List::default()
            };
            request.view().syncs_of_project(project, &list).await?.rows
        }
    };
    let names: Vec<&str> = wanted.split(',').map(str::trim).collect();
    let mut shown = Vec::new();
    for row in rows {
        let place = &row.place;
        if place.kind != aggregates::ScriptKind::Sync {
            continue;
        }
        let full = format!("{}::{}", place.name, place.variant);
        let fits = wanted == "*"
            || names.contains(&full.as_str())
            || (place.variant == BASE && names.contains(&place.name.as_str()));
        if fits {
            shown.push(shape(&request, &row).await?);
        }
    }
    Ok(Reply::json(200, json!({ "syncs": shown })))
}

async fn shape(request: &Request, row: &model::Sync) -> Result<Value, Error> {
    let place = &row.place;
    let shared = &request.app.nango.shared;
    let found = syncs::deployed(
        shared,
        &request.project,
        place.integration.as_str(),
        &place.name,
    );
    let definition = found.await?.unwrap_or_default();
    let frequency = row
        .frequency
        .as_deref()
        .or_else(|| definition["runs"].as_str());
    let interval = frequency.and_then(syncs::interval_ms);
    let status = match (&row.running, row.started, &row.last) {
        (Some(_), ..) => "RUNNING",
        (None, false, _) => "PAUSED",
        (None, true, Some(last)) if last.status == RunStatus::Failed => "ERROR",
        (None, true, Some(last)) if last.status == RunStatus::Aborted => "STOPPED",
        (None, true, _) => "SUCCESS",
    };
    let next = match (row.started, interval, &row.last) {
        (true, Some(interval), Some(last)) => Some(last.started_at + interval),
        (true, Some(_), None) => Some(row.created_at),
        _ => None,
    };
    let latest = row.last.as_ref().map(|last| {
        let counts = last.counts.iter().map(|(model, counts)| {
            let shown = json!({
                "added": counts.added, "updated": counts.updated, "deleted": counts.deleted,
            });
            (model.clone(), shown)
        });
        Value::Object(counts.collect())
    });
    let view = &request.app.nango.records;
    let models = view.models(
        request.project.as_str(),
        place.integration.as_str(),
        &place.connection_id,
    );
    let models = models
        .await
        .map_err(|error| Error::unavailable(&error.to_string()))?;
    let mut counts = serde_json::Map::new();
    for name in definition["models"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        let count = models
            .iter()
            .find(|model| model.model == name && model.variant == place.variant)
            .map_or(0, |model| model.count);
        counts.insert(name.to_owned(), count.into());
    }
    Ok(json!({
        "id": row.key.as_str(),
        "connection_id": place.connection_id,
        "name": place.name,
        "variant": place.variant,
        "status": status,
        "type": definition["syncType"].as_str().unwrap_or("full").to_ascii_uppercase(),
        "finishedAt": row.last.as_ref().map(|last| shapes::time(last.finished_at)),
        "nextScheduledSyncAt": next.map(time::text),
        "frequency": frequency,
        "latestResult": latest.unwrap_or_else(|| json!({})),
        "latestExecutionStatus": row.last.as_ref().map(|last| match last.status {
            RunStatus::Succeeded => "SUCCESS",
            RunStatus::Failed => "ERROR",
            RunStatus::Aborted => "STOPPED",
        }),
        "error": row.last.as_ref().and_then(|last| last.error.clone()),
        "recordCount": counts,
        "checkpoint": row.checkpoint.as_ref().map(|checkpoint| &checkpoint.value),
    }))
}
