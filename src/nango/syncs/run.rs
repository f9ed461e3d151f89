//! One run of a sync, of its webhook, or of a script that waits for an event.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aggregates::sync::{Command, Place, RunResult, RunStatus, Sync};
use aggregates::{ExecutionId, ProjectId, ScriptCall, ScriptKind};
use bytes::Bytes;
use records::Scope;
use serde_json::{Value, json};

use super::{definition, functions, key_of};
use crate::auth::now_ms;
use crate::bus::{self, Context};
use crate::execution::{Call, Ran};
use crate::nango::runtime::{Host, INTERRUPTED, Run, Stop, WHY};
use crate::nango::{Shared, keys};

/// Longest run of a sync; the dialect's own limit.
const TIME_LIMIT: Duration = Duration::from_secs(24 * 60 * 60);
/// Longest run of a script that waits for an event.
const EVENT_LIMIT: Duration = Duration::from_secs(5 * 60);
/// Longest run of a webhook.
const WEBHOOK_LIMIT: Duration = Duration::from_secs(60 * 60);

/// A run that is to begin.
pub(super) struct Begin {
    pub(super) project: ProjectId,
    pub(super) place: Place,
    pub(super) run: String,
    pub(super) attempt: u32,
    pub(super) due: Option<i64>,
    pub(super) trigger: &'static str,
    /// When the last run that succeeded began.
    pub(super) last_sync: Option<i64>,
    /// The payload of a webhook.
    pub(super) payload: Option<Value>,
}

/// Begins and ends a run; does nothing when somebody else has it.
pub(super) async fn run(
    shared: &Arc<Shared>,
    begin: Begin,
) -> Result<(), bus::Error<aggregates::sync::Error>> {
    let key = key_of(&begin.place).key(&begin.project);
    let step = |step: &str| {
        let step = format!("{}/{}/{step}", begin.run, begin.attempt);
        Context::saga("sync", begin.project.as_str(), &step, &begin.run, "")
    };
    let start = Command::StartRun {
        run: begin.run.clone(),
        worker: shared.cluster.node().to_string(),
        attempt: begin.attempt,
        due: begin.due,
        trigger: begin.trigger.to_owned(),
    };
    match shared
        .bus
        .execute::<Sync>(&key, start, &step("start"))
        .await
    {
        Ok(committed) if !committed.duplicate => {}
        Ok(_) | Err(bus::Error::Refused(_)) => return Ok(()),
        Err(error) => return Err(error),
    }
    let began = Instant::now();
    let stop = Stop::default();
    let _entered = shared.stops.enter(&key, &begin.run, &stop);
    // It may be one that was asked to stop while another worker had it.
    let state = shared.bus.load::<Sync>(&key).await?.state;
    if state.running.as_ref().is_some_and(|run| run.interrupted) {
        stop.ask();
    }
    let result = match stop.is_asked() {
        true => Err(format!("{INTERRUPTED}: {WHY}")),
        false => stop.watch(perform(shared, &begin, &stop)).await,
    };
    let failed = match stop.is_asked() {
        true => RunStatus::Aborted,
        false => RunStatus::Failed,
    };
    let (status, error, execution) = match result {
        Ok((execution, None)) => (RunStatus::Succeeded, None, Some(execution)),
        Ok((execution, Some(error))) => (failed, Some(error), Some(execution)),
        Err(error) => (failed, Some(error), None),
    };
    let finish = Command::FinishRun {
        run: begin.run.clone(),
        attempt: begin.attempt,
        result: RunResult {
            status,
            error: error.map(|text| text.chars().take(500).collect()),
            counts: BTreeMap::new(),
            execution,
            duration_ms: began.elapsed().as_millis() as u64,
        },
    };
    match shared
        .bus
        .execute::<Sync>(&key, finish, &step("finish"))
        .await
    {
        Ok(_) | Err(bus::Error::Refused(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn perform(
    shared: &Arc<Shared>,
    begin: &Begin,
    stop: &Stop,
) -> Result<(ExecutionId, Option<String>), String> {
    let (project, place) = (&begin.project, &begin.place);
    let host = host(shared, begin, stop).await?;
    if begin.attempt > 0 {
        empty(shared, begin).await?;
    }
    let last = begin.last_sync.map(crate::nango::shapes::time);
    let mut more = json!({});
    if let Some(last) = last {
        more["lastSyncDate"] = last.into();
    }
    let (job, limit) = match begin.payload {
        Some(_) => ("webhook", WEBHOOK_LIMIT),
        None => ("sync", TIME_LIMIT),
    };
    let request = host.request(job, begin.payload.clone(), &more);
    let call = call(project, place, &host, request, begin.trigger);
    let id = call.id.clone();
    let context = Context::once("saga:sync", project.as_str());
    let executor = shared.executor().map_err(|error| error.to_string())?;
    let ran = executor.run(call, &context, limit).await;
    ran.map(|ran| (id, failure(&ran)))
        .map_err(|refused| refused.to_string())
}

/// Why a run did not end well, in one line.
fn failure(ran: &Ran) -> Option<String> {
    if ran.result.status_code < 400 && ran.result.completed {
        return None;
    }
    let told: Option<Value> = serde_json::from_slice(&ran.body).ok();
    let told = told.map(|told| {
        let error = &told["error"];
        let payload = &error["payload"];
        let message = payload["message"]
            .as_str()
            .or_else(|| error["message"].as_str());
        format!(
            "{}: {}",
            error["code"].as_str().unwrap_or("error"),
            message.unwrap_or_default()
        )
    });
    let first = || ran.errors.lines().next().unwrap_or_default().to_owned();
    Some(told.unwrap_or_else(first))
}

async fn host(shared: &Arc<Shared>, begin: &Begin, stop: &Stop) -> Result<Host, String> {
    let (project, place) = (&begin.project, &begin.place);
    let connections = &shared.connections;
    let provider = connections.provider(project, place.integration.as_str());
    let (provider, _) = provider.await.map_err(|error| error.to_string())?;
    Ok(Host::stoppable(
        shared.clone(),
        Run {
            project: project.clone(),
            integration: place.integration.to_string(),
            provider,
            connection: place.connection_id.clone(),
            kind: place.kind,
            name: place.name.clone(),
            variant: place.variant.clone(),
            id: begin.run.clone(),
            attempt: begin.attempt,
            began: now_ms(),
            depth: 0,
        },
        stop.clone(),
    ))
}

/// Removes the records, when the run was asked to begin without any.
async fn empty(shared: &Arc<Shared>, begin: &Begin) -> Result<(), String> {
    let (project, place) = (&begin.project, &begin.place);
    let state = shared.bus.load::<Sync>(&key_of(place).key(project)).await;
    let state = state.map_err(|error| error.to_string())?;
    let wanted = state
        .state
        .running
        .as_ref()
        .is_some_and(|run| run.empty_cache);
    if !wanted || begin.attempt > 1 {
        return Ok(());
    }
    let function = keys::function(place.integration.as_str(), place.kind, &place.name);
    let definition = definition(shared, project, function.as_str()).await;
    let definition = definition
        .map_err(|error| error.to_string())?
        .unwrap_or_default();
    for model in definition["models"].as_array().into_iter().flatten() {
        let scope = Scope {
            project: project.to_string(),
            integration: place.integration.to_string(),
            connection: place.connection_id.clone(),
            model: model.as_str().unwrap_or_default().to_owned(),
            variant: place.variant.clone(),
        };
        let emptied = shared.records.empty(&scope).await;
        emptied.map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn call(project: &ProjectId, place: &Place, host: &Host, request: Value, trigger: &str) -> Call {
    Call {
        project: project.clone(),
        function: keys::function(place.integration.as_str(), place.kind, &place.name),
        id: uuid::Uuid::now_v7().to_string().into(),
        trigger: trigger.to_owned(),
        method: "RUN".to_owned(),
        path: format!("/{}/{}", place.kind, place.name),
        stored_headers: Vec::new(),
        user: String::new(),
        script: Some(ScriptCall {
            integration: place.integration.to_string(),
            connection: place.connection_id.clone(),
            kind: place.kind,
            name: place.name.clone(),
        }),
        handler: None,
        request,
        body: Bytes::new(),
        session: Some(Arc::new(host.clone())),
    }
}

/// Runs the scripts of an integration that wait for an event of a connection; gives the first
/// failure.
///
/// # Errors
/// When the scripts cannot be found.
pub async fn run_on_event(
    shared: &Arc<Shared>,
    project: &ProjectId,
    integration: &str,
    connection: &str,
    event: &str,
) -> Result<Option<String>, projections::Error> {
    let rows = functions(shared, project, integration, ScriptKind::OnEvent).await?;
    let mut failed = None;
    for row in rows {
        let found = definition(shared, project, &row.id).await?;
        if !row.settings.enabled || found.is_none_or(|found| found["event"] != event) {
            continue;
        }
        let begin = Begin {
            project: project.clone(),
            place: Place {
                integration: integration.into(),
                connection_id: connection.to_owned(),
                connection: keys::connection(integration, connection),
                kind: ScriptKind::OnEvent,
                name: row.settings.name.clone(),
                variant: super::BASE.to_owned(),
            },
            run: uuid::Uuid::now_v7().to_string(),
            attempt: 0,
            due: None,
            trigger: "event",
            last_sync: None,
            payload: None,
        };
        let ended = async {
            let host = host(shared, &begin, &Stop::default()).await?;
            let request = host.request("on-event", None, &json!({}));
            let call = call(project, &begin.place, &host, request, "event");
            let context = Context::once("saga:on-event", project.as_str());
            let executor = shared.executor().map_err(|error| error.to_string())?;
            let ran = executor.run(call, &context, EVENT_LIMIT).await;
            ran.map(|ran| failure(&ran))
                .map_err(|refused| refused.to_string())
        };
        let ended = ended.await.unwrap_or_else(Some);
        if let Some(error) = ended {
            tracing::warn!(
                script = row.settings.name,
                error,
                "a script of an event failed"
            );
            failed.get_or_insert(error);
        }
    }
    Ok(failed)
}

/// Lets the syncs of an integration that wait for webhooks hear of one, in the background; gives
/// how many will. `only`: those of this connection.
///
/// # Errors
/// When they cannot be found.
pub async fn webhook(
    shared: &Arc<Shared>,
    project: &ProjectId,
    integration: &str,
    only: Option<&str>,
    payload: Value,
) -> Result<usize, projections::Error> {
    let rows = functions(shared, project, integration, ScriptKind::Sync).await?;
    let mut count = 0;
    for row in rows {
        let found = definition(shared, project, &row.id).await?;
        let listens = found.is_some_and(|found| found["hasOnWebhook"] == true);
        if !row.settings.enabled || !listens {
            continue;
        }
        for connection in super::connections(shared, project, integration).await? {
            if only.is_some_and(|only| only != connection.connection_id) {
                continue;
            }
            count += 1;
            let begin = Begin {
                project: project.clone(),
                place: Place {
                    integration: integration.into(),
                    connection_id: connection.connection_id.clone(),
                    connection: connection.key.clone(),
                    kind: ScriptKind::Sync,
                    name: row.settings.name.clone(),
                    variant: super::BASE.to_owned(),
                },
                run: uuid::Uuid::now_v7().to_string(),
                attempt: 0,
                due: None,
                trigger: "webhook",
                last_sync: None,
                payload: Some(payload.clone()),
            };
            let shared = shared.clone();
            tokio::spawn(async move {
                let ended = perform(&shared, &begin, &Stop::default()).await;
                if let Ok((_, Some(error))) | Err(error) = ended {
                    tracing::warn!(sync = begin.place.name, error, "a webhook failed");
                }
            });
        }
    }
    Ok(count)
}
