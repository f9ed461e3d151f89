//! Deployed functions of an integration: list, get, code, delete.

use aggregates::function::{Command, Function};
use aggregates::{FunctionId, ScriptKind};
use projections::model;
use projections::query::{Filter, List};
use serde_json::{Value, json};

use super::entry;
use crate::http::nango::error::Error;
use crate::http::nango::integrations::existing;
use crate::http::nango::reply::Reply;
use crate::http::nango::request::Request;
use crate::http::nango::rules::{Object, Text};
use crate::nango::{build, keys};

const KINDS: [ScriptKind; 4] = [
    ScriptKind::Action,
    ScriptKind::Function,
    ScriptKind::OnEvent,
    ScriptKind::Sync,
];

fn not_found() -> Error {
    Error::new(404, "not_found", "Function does not exist")
}

fn kind_of(name: &str) -> Option<ScriptKind> {
    match name {
        "action" => Some(ScriptKind::Action),
        "sync" => Some(ScriptKind::Sync),
        "on-event" => Some(ScriptKind::OnEvent),
        "function" => Some(ScriptKind::Function),
        _ => None,
    }
}

/// Lists, by type and name.
pub async fn list(request: Request) -> Result<Reply, Error> {
    let integration = existing(&request).await?;
    let sent = request.query_object();
    let mut object = Object::body(Some(&sent));
    let kind = object.optional_text(
        "type",
        Text::OneOf(&["action", "sync", "on-event", "function"]),
    );
    let search = object
        .optional_text("search", Text::Length(0, 255))
        .map(str::to_ascii_lowercase);
    let number =
        |object: &mut Object<'_>, name: &'static str, most: i64, least: i64, usual: i64| {
            match object.optional_text(name, Text::Length(1, 10)) {
                None => usual,
                Some(text) => match text.parse::<i64>() {
                    Ok(number) if number > most => {
                        object.refuse(
                            name,
                            "too_big",
                            format!("Too big: expected number to be <={most}"),
                        );
                        usual
                    }
                    Ok(number) if number < least => {
                        object.refuse(
                            name,
                            "too_small",
                            format!("Too small: expected number to be >={least}"),
                        );
                        usual
                    }
                    Ok(number) => number,
                    Err(_) => {
                        object.refuse(
                            name,
                            "invalid_type",
                            "Invalid input: expected number, received NaN",
                        );
                        usual
                    }
                },
            }
        };
    let page = number(&mut object, "page", i64::MAX, 0, 0);
    let limit = number(&mut object, "limit", 100, 1, 20);
    let kind = kind.map(str::to_owned);
    object.finish_as("invalid_query_params")?;
    let mut rows = rows(&request, &integration.id).await?;
    rows.retain(|row| {
        let script = row.settings.script.as_ref();
        let fits = |script: &aggregates::Script| {
            kind.as_ref()
                .is_none_or(|kind| script.kind.as_str() == kind)
                && search
                    .as_ref()
                    .is_none_or(|search| script.name.to_ascii_lowercase().contains(search))
        };
        script.is_some_and(fits)
    });
    rows.sort_by_cached_key(|row| {
        let script = row.settings.script.as_ref();
        script.map(|script| (script.kind.as_str(), script.name.clone()))
    });
    let total = rows.len();
    let (start, limit) = ((page * limit) as usize, limit as usize);
    let mut shown = Vec::new();
    for row in rows.iter().skip(start).take(limit) {
        if let Some(entry) = shape(&request, row).await? {
            shown.push(entry);
        }
    }
    let body = json!({
        "data": shown,
        "pagination": {"total": total, "page": page, "limit": limit},
    });
    Ok(Reply::json(200, body))
}

/// Gets one.
pub async fn get(request: Request) -> Result<Reply, Error> {
    let row = one(&request).await?;
    let shown = shape(&request, &row).await?.ok_or_else(not_found)?;
    Ok(Reply::json(200, json!({ "data": shown })))
}

/// The TypeScript of one.
pub async fn code(request: Request) -> Result<Reply, Error> {
    let row = one(&request).await?;
    let deployment = active(&request, &row).await?.ok_or_else(not_found)?;
    let source = build::Source::read(&request.app.nango.shared, &deployment.source).await;
    let source = source.map_err(|cause| Error::unavailable(&cause))?;
    let script = row.settings.script.as_ref();
    let kind = script.map_or("action", |script| script.kind.as_str());
    let mut body = json!({ "type": kind, "code": source.code });
    if !source.files.is_empty() {
        let files: serde_json::Map<String, Value> = source
            .files
            .into_iter()
            .map(|(path, text)| (path, text.into()))
            .collect();
        body["files"] = Value::Object(files);
    }
    Ok(Reply::json(200, body))
}

/// Deletes one.
pub async fn delete(request: Request) -> Result<Reply, Error> {
    let sent = request.query_object();
    let mut object = Object::body(Some(&sent));
    // On-events beyond upstream, which deploys them in another way. Functions are told apart below.
    if !matches!(request.in_query("type"), Some("on-event" | "function")) {
        object.text("type", Text::OneOf(&["sync", "action"]));
    }
    object.loose();
    object.finish_as("invalid_query_params")?;
    let row = one(&request).await?;
    let deployment = active(&request, &row).await?.ok_or_else(not_found)?;
    let source = deployment.plan.script.map(|plan| plan.source);
    if source == Some(aggregates::ScriptSource::Repo) {
        return Err(Error::new(
            400,
            "function_managed_by_deploy",
            "The function comes from a repository; remove it there and deploy again",
        ));
    }
    let committed = remove(&request, &row).await?;
    Ok(Reply::json(200, json!({ "data": { "success": true } })).committed(&committed))
}

/// Ends a function, and the syncs of a sync.
pub async fn remove(
    request: &Request,
    row: &model::Function,
) -> Result<crate::bus::Committed, Error> {
    let (bus, project) = (&request.app.bus, &request.project);
    if let Some(script) = row
        .settings
        .script
        .as_ref()
        .filter(|script| script.kind == ScriptKind::Sync)
    {
        let list = List {
            filters: vec![
                Filter::equals("integration", &script.integration),
                Filter::equals("name", &script.name),
            ],
            limit: 1000,
            ..List::default()
        };
        let view = request.app.reads.view(None);
        let found = view.syncs_of_project(project.as_str(), &list).await?;
        for sync in found.rows {
            let context = request.further(&format!("sync/{}", sync.key));
            let command = aggregates::sync::Command::Delete;
            let key = sync.key.key(project);
            match bus
                .execute::<aggregates::sync::Sync>(&key, command, &context)
                .await
            {
                Ok(_) | Err(crate::bus::Error::Refused(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    let key = FunctionId::from(row.id.as_str()).key(project);
    let context = request.further(&format!("function/{}", row.id));
    Ok(bus
        .execute::<Function>(&key, Command::Delete, &context)
        .await?)
}

/// The deployed functions of an integration.
pub async fn rows(request: &Request, integration: &str) -> Result<Vec<model::Function>, Error> {
    let list = List {
        filters: vec![Filter::equals("integration", integration)],
        limit: 5000,
        ..List::default()
    };
    let found = request
        .view()
        .functions(request.project.as_str(), &list)
        .await?;
    let rows = found.rows.into_iter();
    Ok(rows.filter(|row| !row.deployment_id.is_empty()).collect())
}

/// The function that path and `type` name.
async fn one(request: &Request) -> Result<model::Function, Error> {
    let integration = existing(request).await?;
    let name = request.checked_path("name", Text::Name)?;
    let kinds = match request.in_query("type") {
        None => KINDS.to_vec(),
        Some(kind) => vec![kind_of(kind).ok_or_else(not_found)?],
    };
    let mut found = Vec::new();
    for kind in kinds {
        let id = keys::function(&integration.id, kind, name);
        let row = request
            .view()
            .function(request.project.as_str(), id.as_str())
            .await?;
        found.extend(row.filter(|row| !row.deployment_id.is_empty()));
    }
    match found.len() {
        0 => Err(not_found()),
        1 => Ok(found.remove(0)),
        _ => {
            let matches: Vec<Value> = found
                .iter()
                .filter_map(|row| row.settings.script.as_ref())
                .map(|script| json!({ "type": script.kind.as_str(), "name": script.name }))
                .collect();
            let message =
                format!("Several functions are called '{name}'; specify 'type' to disambiguate");
            let error = Error::new(409, "ambiguous_function", message);
            Err(error.with_payload(json!({ "matches": matches })))
        }
    }
}

/// The deployment that a function runs on.
pub async fn active(
    request: &Request,
    row: &model::Function,
) -> Result<Option<model::Deployment>, Error> {
    let view = request.view();
    Ok(view
        .deployment(request.project.as_str(), &row.deployment_id)
        .await?)
}

/// A function as lists show it.
pub async fn shape(request: &Request, row: &model::Function) -> Result<Option<Value>, Error> {
    let Some(deployment) = active(request, row).await? else {
        return Ok(None);
    };
    let script = deployment
        .artefact
        .as_ref()
        .and_then(|made| made.script.as_ref());
    let Some(script) = script else {
        return Ok(None);
    };
    let text = request.app.blobs.get_text(&script.definition).await?;
    let mut definition: Value = serde_json::from_str(&text).unwrap_or_default();
    definition["version"] = script.version.as_str().into();
    Ok(Some(entry::deployed(row, &deployment, &definition)))
}
