//! `/functions/deployments/bundle`: what the command line deploys of functions made with
//! `createFunction`, as one set that says all there is to be.
//!
//! The set is authoritative for functions of that kind only: actions, syncs and on-events are
//! deployed in other ways, and stay. Nothing takes effect before all of it is built.

mod body;

use std::time::Duration;

use aggregates::function::{Command, Function};
use aggregates::{DeploymentId, FunctionId, ScriptKind, ScriptPlan, ScriptSource};
use projections::model;
use serde_json::{Value, json};

use self::body::Set;
use super::{deployed, deployments};
use crate::bus::Committed;
use crate::http::nango::error::Error;
use crate::http::nango::reply::Reply;
use crate::http::nango::request::Request;
use crate::nango::build::Source;
use crate::nango::bundle::Bundle;
use crate::nango::keys;

/// How long the builds of a set are waited for.
const BUILDS: Duration = Duration::from_secs(120);
/// How long a deployment keeps others away when its server is gone.
const TURN_MS: i64 = 5 * 60 * 1000;

/// What a set would change.
pub async fn preview(request: Request) -> Result<Reply, Error> {
    let set = body::read(&request)?;
    let changes = changes(&request, &set).await?;
    Ok(Reply::json(200, changes.shown()))
}

/// Deploys a set.
pub async fn create(request: Request) -> Result<Reply, Error> {
    let set = body::read(&request)?;
    // Integrations first, as the refusal is the same while another deployment is under way.
    changes(&request, &set).await?;
    let records = &request.app.nango.records;
    // No project has this name, so that no function holds a lock in it.
    let place = format!("{}/deployment", request.project);
    let owner = uuid::Uuid::new_v4().to_string();
    let now = crate::auth::now_ms();
    let unavailable = |error: records::Error| Error::unavailable(&error.to_string());
    let taken = records.acquire(&place, "bundle", &owner, TURN_MS, now);
    if !taken.await.map_err(unavailable)? {
        return Err(Error::new(
            409,
            "concurrent_deployment",
            "Another deployment of this environment is under way",
        ));
    }
    let done = deploy(&request, &set).await;
    if let Err(error) = records.release(&place, "bundle", &owner).await {
        tracing::warn!(%error, "the turn of a deployment ends by itself");
    }
    let (changes, committed) = done?;
    let reply = Reply::json(200, changes.shown());
    Ok(reply.maybe_committed(committed.as_ref()))
}

/// What a set changes.
struct Changes<'a> {
    created: Vec<&'a Value>,
    updated: Vec<&'a Value>,
    unchanged: Vec<&'a Value>,
    deleted: Vec<model::Function>,
}

impl Changes<'_> {
    fn shown(&self) -> Value {
        let entries = |list: &[&Value]| -> Vec<Value> {
            let shown = list.iter().map(
                |entry| json!({"integrationId": entry["integrationId"], "name": entry["name"]}),
            );
            shown.collect()
        };
        let deleted = self.deleted.iter().filter_map(|row| {
            let script = row.settings.script.as_ref()?;
            Some(json!({"integrationId": script.integration, "name": script.name}))
        });
        json!({
            "created": entries(&self.created),
            "updated": entries(&self.updated),
            "unchanged": entries(&self.unchanged),
            "deleted": deleted.collect::<Vec<_>>(),
        })
    }
}

/// Compares a set with what is deployed.
async fn changes<'a>(request: &Request, set: &'a Set) -> Result<Changes<'a>, Error> {
    let view = request.app.reads.view(None);
    let project = request.project.as_str();
    let mut missing = Vec::new();
    for id in set.integrations() {
        if view.integration(project, id).await?.is_none() {
            missing.push(id);
        }
    }
    if !missing.is_empty() {
        let message = format!("Integration(s) not found: {}", missing.join(", "));
        return Err(Error::new(400, "integration_not_found", message));
    }
    let mut there = deployed(request, set.scope.as_deref()).await?;
    let mut changes = Changes {
        created: Vec::new(),
        updated: Vec::new(),
        unchanged: Vec::new(),
        deleted: Vec::new(),
    };
    for entry in &set.functions {
        let id = function_of(entry);
        let Some(index) = there.iter().position(|row| row.id == id.as_str()) else {
            changes.created.push(entry);
            continue;
        };
        let row = there.swap_remove(index);
        let deployment = deployed::active(request, &row).await?;
        let version = deployment
            .and_then(|row| row.artefact)
            .and_then(|made| made.script)
            .map(|script| script.version);
        match version == Some(Bundle::of(entry).version) {
            true => changes.unchanged.push(entry),
            false => changes.updated.push(entry),
        }
    }
    there.sort_by(|one, other| one.id.cmp(&other.id));
    changes.deleted = there;
    Ok(changes)
}

/// The functions of this kind that are deployed: of one integration, or of all.
async fn deployed(request: &Request, scope: Option<&str>) -> Result<Vec<model::Function>, Error> {
    use projections::query::{Filter, List};
    let mut filters = vec![Filter::equals("kind", ScriptKind::Function.as_str())];
    filters.extend(scope.map(|integration| Filter::equals("integration", integration)));
    let list = List {
        filters,
        limit: 5000,
        ..List::default()
    };
    let view = request.app.reads.view(None);
    let found = view.functions(request.project.as_str(), &list).await?;
    let rows = found.rows.into_iter();
    Ok(rows.filter(|row| !row.deployment_id.is_empty()).collect())
}

fn text<'a>(entry: &'a Value, name: &str) -> &'a str {
    entry[name].as_str().unwrap_or_default()
}

fn function_of(entry: &Value) -> FunctionId {
    let (integration, name) = (text(entry, "integrationId"), text(entry, "name"));
    keys::function(integration, ScriptKind::Function, name)
}

async fn deploy<'a>(
    request: &Request,
    set: &'a Set,
) -> Result<(Changes<'a>, Option<Committed>), Error> {
    let changes = changes(request, set).await?;
    let mut queued = Vec::new();
    for entry in changes.created.iter().chain(&changes.updated) {
        let id = queue(request, entry).await?;
        queued.push((function_of(entry), id));
    }
    for (function, id) in &queued {
        built(request, function, id).await?;
    }
    let bus = &request.app.bus;
    let mut committed = None;
    for (function, id) in queued {
        let command = Command::ActivateDeployment {
            deployment: id,
            queued_at: None,
        };
        let key = function.key(&request.project);
        let context = request.further(&format!("activate/{function}"));
        committed = Some(bus.execute::<Function>(&key, command, &context).await?);
    }
    for row in &changes.deleted {
        committed = Some(deployed::remove(request, row).await?);
    }
    Ok((changes, committed))
}

async fn queue(request: &Request, entry: &Value) -> Result<DeploymentId, Error> {
    let integration = text(entry, "integrationId");
    let view = request.app.reads.view(None);
    let row = view
        .integration(request.project.as_str(), integration)
        .await?;
    let row = row.ok_or_else(|| Error::integration(integration))?;
    let plan = ScriptPlan {
        integration: integration.to_owned(),
        provider: row.settings.provider,
        kind: ScriptKind::Function,
        name: text(entry, "name").to_owned(),
        version: None,
        source: ScriptSource::Repo,
    };
    let source = Source {
        code: text(&entry["fileBody"], "ts").to_owned(),
        files: Vec::new(),
        bundle: Some(Bundle::of(entry)),
    };
    let context = request.further(&format!("deployment/{}", function_of(entry)));
    let (id, _) = deployments::queue(request, plan, source, false, &context).await?;
    Ok(id)
}

/// Waits until a deployment is built.
async fn built(request: &Request, function: &FunctionId, id: &DeploymentId) -> Result<(), Error> {
    let failed = |why: &str| {
        let message = format!("Failed to deploy the functions: {function}: {why}");
        Error::new(500, "functions_deployment_error", message)
    };
    let until = tokio::time::Instant::now() + BUILDS;
    loop {
        let row = deployments::deployment(request, id).await?;
        let row = row.ok_or_else(|| failed("it was deleted"))?;
        match row.status.as_str() {
            "ready" => return Ok(()),
            "failed" | "canceled" => {
                let view = request.app.reads.view(None);
                let log = view.build_log(request.project.as_str(), &row.id).await?;
                return Err(failed(log.trim()));
            }
            _ if tokio::time::Instant::now() > until => return Err(failed("it takes too long")),
            _ => {}
        }
        let journal = request.app.bus.journal();
        let head = journal.head();
        journal.wait_beyond(head, Duration::from_millis(250)).await;
    }
}
