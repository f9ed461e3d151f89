//! What happened to a keyset and to the deployments on it: who did what, and when.

use std::collections::BTreeMap;
use std::sync::Arc;

use aggregates::event::Event as Any;
use aggregates::pkgdeploy::{ActionKind, Status};
use aggregates::{KeysetId, keyset, pkgdeploy};
use axum::Json;
use axum::extract::{Path, Query, State};
use journal::{Event, StreamId};
use projections::AuditFilter;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Error;
use super::super::caller::Caller;
use super::super::page::Page;
use super::super::projects::time;
use super::{DEPLOYMENTS, KEYSET, find, missing, must_allow};
use crate::app::App;

const PAGE: usize = 500;

#[derive(Deserialize)]
pub(super) struct Asked {
    /// Only what comes after this position, the oldest first.
    after: Option<u64>,
    /// Only what comes before this position: the newest of it, unless `after` is given.
    before: Option<u64>,
    limit: Option<u32>,
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(number): Path<u64>,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Error> {
    let limit = Page::limit(asked.limit)? as usize;
    let keyset = find(&app, &caller, number, caller.as_of).await?;
    let keyset = keyset.ok_or_else(|| missing(number))?;
    must_allow(&caller, KEYSET, number)?;
    must_allow(&caller, DEPLOYMENTS, number)?;
    let key = KeysetId::from(number.to_string()).key(&keyset.project.as_str().into());
    let mut streams = vec![StreamId::new("keyset", key)];
    streams.extend(deployments(&app, &keyset.project, number, caller.as_of).await?);
    let last = caller.as_of.unwrap_or(u64::MAX);
    let wanted = |position: u64| {
        position <= last
            && asked.after.is_none_or(|after| position > after)
            && asked.before.is_none_or(|before| position < before)
    };
    let mut found: BTreeMap<u64, Value> = BTreeMap::new();
    for stream in &streams {
        let mut state = Place::default();
        let mut after = 0;
        loop {
            let events = read(&app, stream, after).await?;
            let is_last = events.len() < PAGE;
            for event in events {
                after = event.sequence;
                let change = state.change(&event);
                if wanted(event.position) {
                    found.insert(event.position, show(&event, &state, change));
                    if found.len() > limit {
                        match asked.after {
                            Some(_) => found.pop_last(),
                            None => found.pop_first(),
                        };
                    }
                }
            }
            if is_last {
                break;
            }
        }
    }
    let events: Vec<Value> = found.into_values().collect();
    Ok(Json(json!({"events": events})))
}

async fn read(app: &App, stream: &StreamId, after: u64) -> Result<Vec<Event>, Error> {
    let events = app.bus.journal().read_stream(stream, after, PAGE).await;
    events.map_err(|error| Error::Unavailable(error.to_string()))
}

/// The streams of all deployments that ever were on a keyset.
async fn deployments(
    app: &App,
    project: &str,
    number: u64,
    at: Option<u64>,
) -> Result<Vec<StreamId>, Error> {
    let mut filter = AuditFilter {
        project: Some(project.to_owned()),
        event: Some("PackageAssigned".to_owned()),
        after: Some(0),
        limit: 1000,
        ..AuditFilter::default()
    };
    let mut streams = Vec::new();
    loop {
        let rows = app.reads.view(at).audit(&filter).await?;
        for row in &rows {
            let key = row.stream.strip_prefix("pkgdeploy-");
            if let Some(key) = key.filter(|_| is_on(&row.payload, number)) {
                let stream = StreamId::new("pkgdeploy", key);
                if !streams.contains(&stream) {
                    streams.push(stream);
                }
            }
        }
        match rows.last() {
            Some(last) if rows.len() == 1000 => filter.after = Some(last.position),
            _ => return Ok(streams),
        }
    }
}

fn is_on(payload: &Value, number: u64) -> bool {
    payload["PackageAssigned"]["keyset"] == number
}

/// What is known of a stream where its events tell less.
#[derive(Default)]
struct Place {
    deployment: Option<String>,
    package: Option<String>,
    revision: Option<String>,
}

impl Place {
    /// What an event changed, without anything that is sealed.
    fn change(&mut self, event: &Event) -> Value {
        let (kind, version) = (&event.kind, &event.version);
        let decoded =
            aggregates::event::decode(&event.stream.kind, kind, version, event.payload.get());
        match decoded {
            Ok(Some(Any::Keyset(event))) => of_keyset(event),
            Ok(Some(Any::PackageDeployment(event))) => {
                if let pkgdeploy::Event::PackageAssigned {
                    id,
                    package,
                    revision,
                    ..
                } = &event
                {
                    self.deployment = Some(id.to_string());
                    self.package = Some(package.to_string());
                    self.revision = Some(revision.to_string());
                }
                of_deployment(event)
            }
            // An event of a later version: that it happened is told all the same.
            _ => json!({}),
        }
    }
}

fn show(event: &Event, place: &Place, change: Value) -> Value {
    json!({
        "position": event.position,
        "recordedAt": time(event.recorded_at),
        "event": event.kind,
        "actor": event.metadata.actor,
        "correlationId": event.metadata.correlation_id,
        "requestId": event.metadata.request_id,
        "deployment": place.deployment,
        "package": place.package,
        "revision": place.revision,
        "change": change,
    })
}

fn of_keyset(event: keyset::Event) -> Value {
    use keyset::Event as Of;
    let connected = |connected: &keyset::Connected| {
        let functions = connected.handlers.iter().map(|handler| {
            json!({
                "functionRevisionId": handler.revision.as_str(),
                "name": handler.name,
                "type": handler.trigger.kind.as_str(),
            })
        });
        json!({
            "deployment": connected.deployment.as_str(),
            "package": connected.package.as_str(),
            "revision": connected.revision.as_str(),
            "functions": functions.collect::<Vec<_>>(),
        })
    };
    match event {
        Of::KeysetCreated { name, settings, .. } | Of::KeysetUpdated { name, settings } => {
            json!({"name": name, "settings": settings})
        }
        Of::KeysetDeleted {} => json!({}),
        Of::SecretSet { name, .. } | Of::SecretDeleted { name } => json!({"secret": name}),
        Of::FunctionsConnected { connected: to } => json!({"connected": connected(&to)}),
        Of::FunctionsDisconnected { deployment } => {
            json!({"disconnected": {"deployment": deployment.as_str()}})
        }
        Of::FunctionsSwitched { from, to } => json!({
            "disconnected": {"deployment": from.as_str()},
            "connected": connected(&to),
        }),
    }
}

fn of_deployment(event: pkgdeploy::Event) -> Value {
    use pkgdeploy::Event as Of;
    let state = |state: Status| json!({"state": state.as_str()});
    let action = |kind: ActionKind| match kind {
        ActionKind::Start => "START",
        ActionKind::Stop => "STOP",
    };
    match event {
        Of::PackageAssigned { .. } => state(Status::Stopped),
        Of::StartRequested { replacing, .. } => json!({
            "state": Status::Starting.as_str(),
            "replacing": replacing.as_ref().map(|id| id.as_str()),
        }),
        Of::PackageStarted { .. } => state(Status::Running),
        Of::StartFailed {
            code,
            reason,
            state,
            ..
        } => json!({
            "state": state.as_str(),
            "failure": {"code": code, "message": reason},
        }),
        Of::StopRequested { restart, .. } => json!({
            "state": Status::Stopping.as_str(),
            "restart": restart,
        }),
        Of::PackageStopped { forced, .. } => json!({
            "state": Status::Stopped.as_str(),
            "forced": forced,
        }),
        Of::PackageUnassigned {} => json!({"state": null}),
        Of::EventScheduled { event } => json!({
            "scheduledEvent": event.id.as_str(),
            "begin": time(event.begin),
            "end": time(event.end),
        }),
        Of::EventUnscheduled { id } => json!({"scheduledEvent": id.as_str(), "removed": true}),
        Of::ActionBegun { id, kind } => json!({
            "scheduledEvent": id.as_str(),
            "action": action(kind),
            "state": "IN_PROGRESS",
        }),
        Of::ActionFinished {
            id,
            kind,
            succeeded,
        } => json!({
            "scheduledEvent": id.as_str(),
            "action": action(kind),
            "state": if succeeded { "COMPLETED" } else { "FAILED" },
        }),
    }
}
