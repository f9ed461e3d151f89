//! How a keyset differs between two moments: what takes part, the functions with their code,
//! settings, and which secrets there are. Values of secrets are not told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aggregates::{Handler, KeysetId};
use axum::Json;
use axum::extract::{Path, Query, State};
use journal::StreamId;
use projections::{InProject, model};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Error;
use super::super::caller::Caller;
use super::{CODE, DEPLOYMENTS, KEYSET, find, missing, must_allow};
use crate::app::App;
use crate::http::as_of;

const PAGE: usize = 500;

#[derive(Deserialize)]
pub(super) struct Asked {
    /// A position or a time.
    from: Option<String>,
    /// The same; none: now.
    to: Option<String>,
}

/// What there is at one moment.
#[derive(Default)]
struct Moment {
    name: Option<String>,
    settings: Value,
    secrets: BTreeSet<String>,
    /// Deployments that take part, in order, with their revisions.
    routing: Vec<Value>,
    /// By package, deployment order and name of the function.
    functions: BTreeMap<(String, String), Handler>,
}

pub(super) async fn compare(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(number): Path<u64>,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Error> {
    let Some(from) = asked.from else {
        let text = "from must name a position or a time";
        return Err(Error::Invalid(text.to_owned()));
    };
    let from = as_of::position(&app, &from).await?;
    let to = match asked.to {
        Some(to) => as_of::position(&app, &to).await?,
        None => app.bus.journal().head(),
    };
    if from > to {
        return Err(Error::Invalid("from must not come after to".to_owned()));
    }
    let before = find(&app, &caller, number, Some(from)).await?;
    let after = find(&app, &caller, number, Some(to)).await?;
    let project = match (&before, &after) {
        (None, None) => return Err(missing(number)),
        (Some(found), _) | (None, Some(found)) => found.project.clone(),
    };
    must_allow(&caller, KEYSET, number)?;
    must_allow(&caller, DEPLOYMENTS, number)?;
    if !caller.grant.allows(CODE) {
        return Err(Error::Forbidden(CODE));
    }
    let replaced = replaced_secrets(&app, &project, number, from, to).await?;
    let before = moment(&app, before, from).await?;
    let after = moment(&app, after, to).await?;
    let names = |names: Vec<&String>| names.into_iter().cloned().collect::<Vec<String>>();
    let kept = before.secrets.intersection(&after.secrets);
    let changed = kept.filter(|name| replaced.contains(*name)).collect();
    Ok(Json(json!({
        "from": from,
        "to": to,
        "name": change(&json!(before.name), &json!(after.name)),
        "settings": settings(&before.settings, &after.settings),
        "secrets": {
            "added": names(after.secrets.difference(&before.secrets).collect()),
            "removed": names(before.secrets.difference(&after.secrets).collect()),
            "changed": names(changed),
        },
        "routing": change(&json!(before.routing), &json!(after.routing)),
        "functions": functions(&app, &before, &after).await,
    })))
}

async fn moment(
    app: &App,
    found: Option<InProject<model::Keyset>>,
    at: u64,
) -> Result<Moment, Error> {
    let Some(InProject { project, row }) = found else {
        return Ok(Moment::default());
    };
    let view = app.reads.view(Some(at));
    let mut moment = Moment {
        name: Some(row.name),
        settings: json!(row.settings),
        secrets: row.secrets.into_iter().collect(),
        ..Moment::default()
    };
    for id in row.connected {
        let Some(deployment) = view.package_deployment(&project, id.as_str()).await? else {
            continue;
        };
        let package = view.package(&project, deployment.package.as_str()).await?;
        let revision = view.package_revision(&project, deployment.revision.as_str());
        let revision = revision.await?;
        moment.routing.push(json!({
            "deployment": id.as_str(),
            "package": deployment.package.as_str(),
            "packageName": package.map(|package| package.settings.name),
            "revision": deployment.revision.as_str(),
            "revisionName": revision.as_ref().map(|revision| &revision.name),
        }));
        for handler in revision.into_iter().flat_map(|revision| revision.handlers) {
            // Two revisions of a package may run beside each other.
            let mut name = handler.name.clone();
            let package = deployment.package.to_string();
            while moment
                .functions
                .contains_key(&(package.clone(), name.clone()))
            {
                name.push('\'');
            }
            moment.functions.insert((package, name), handler);
        }
    }
    Ok(moment)
}

/// Both values where they differ, else nothing.
fn change(from: &Value, to: &Value) -> Value {
    match from == to {
        true => Value::Null,
        false => json!({"from": from, "to": to}),
    }
}

fn settings(from: &Value, to: &Value) -> Value {
    let names = [from, to].into_iter().filter_map(Value::as_object);
    let names: BTreeSet<&String> = names.flat_map(|settings| settings.keys()).collect();
    let differ = names.into_iter().filter(|name| from[*name] != to[*name]);
    let told = differ.map(|name| (name.clone(), change(&from[name], &to[name])));
    Value::Object(told.collect())
}

async fn functions(app: &App, before: &Moment, after: &Moment) -> Value {
    let (mut added, mut removed, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    let told = |package: &str, handler: &Handler| {
        json!({
            "package": package,
            "name": handler.name,
            "functionRevisionId": handler.revision.as_str(),
            "config": handler.trigger,
        })
    };
    for (name, new) in &after.functions {
        match before.functions.get(name) {
            None => added.push(told(&name.0, new)),
            Some(old) if old.revision != new.revision => {
                let mut shown = told(&name.0, new);
                shown["config"] = change(&json!(old.trigger), &json!(new.trigger));
                shown["sortOrder"] = change(&json!(old.sort_order), &json!(new.sort_order));
                shown["code"] = match old.code == new.code {
                    true => Value::Null,
                    false => code(app, old, new).await,
                };
                changed.push(shown);
            }
            Some(_) => {}
        }
    }
    for (name, old) in &before.functions {
        if !after.functions.contains_key(name) {
            removed.push(told(&name.0, old));
        }
    }
    json!({"added": added, "removed": removed, "changed": changed})
}

/// The lines that differ, as a unified diff; nothing when a source is gone.
async fn code(app: &App, old: &Handler, new: &Handler) -> Value {
    let source = async |handler: &Handler| {
        let bytes = app.blobs.get(&handler.code).await.ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    let (Some(before), Some(after)) = (source(old).await, source(new).await) else {
        return Value::Null;
    };
    let diff = similar::TextDiff::from_lines(&before, &after);
    let mut unified = diff.unified_diff();
    let unified = unified
        .context_radius(3)
        .header(old.revision.as_str(), new.revision.as_str());
    Value::String(unified.to_string())
}

/// Secrets that were set between two positions.
async fn replaced_secrets(
    app: &App,
    project: &str,
    number: u64,
    from: u64,
    to: u64,
) -> Result<BTreeSet<String>, Error> {
    let key = KeysetId::from(number.to_string()).key(&project.into());
    let stream = StreamId::new("keyset", key);
    let (mut names, mut after) = (BTreeSet::new(), 0);
    loop {
        let events = app.bus.journal().read_stream(&stream, after, PAGE).await;
        let events = events.map_err(|error| Error::Unavailable(error.to_string()))?;
        let is_last = events.len() < PAGE;
        for event in events {
            after = event.sequence;
            let between = event.position > from && event.position <= to;
            let decoded = aggregates::event::decode(
                &event.stream.kind,
                &event.kind,
                &event.version,
                event.payload.get(),
            );
            if let (true, Ok(Some(decoded))) = (between, decoded)
                && let aggregates::event::Event::Keyset(decoded) = decoded
                && let aggregates::keyset::Event::SecretSet { name, .. } = decoded
            {
                names.insert(name);
            }
        }
        if is_last {
            return Ok(names);
        }
    }
}
