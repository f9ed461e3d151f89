//! `/functions/deployments`: deploying code, or a template by name.

use std::time::Duration;

use aggregates::deployment::{Command as Deploy, Deployment, Plan};
use aggregates::function::{Command, Function, Provider, Settings};
use aggregates::{DeploymentId, Dialect, FunctionId, Script, ScriptKind, ScriptPlan, ScriptSource};
use projections::model;
use serde_json::{Value, json};

use crate::bus::{self, Context};
use crate::http::nango::error::Error;
use crate::http::nango::reply::Reply;
use crate::http::nango::request::Request;
use crate::http::nango::rules::{Object, Text};
use crate::http::nango::time;
use crate::nango::build::Source;
use crate::nango::keys;
use crate::nango::templates::{self, Template};

/// How long a template's deployment is waited for.
const TEMPLATE: Duration = Duration::from_secs(120);
/// How long a deployment can be asked for.
const KEPT: i64 = 14 * 24 * 60 * 60 * 1000;
/// Longest run of an action, in seconds.
const ACTION: u32 = 15 * 60;
/// Longest run of a sync, in seconds.
const SYNC: u32 = 24 * 60 * 60;

/// Deploys.
pub async fn create(request: Request) -> Result<Reply, Error> {
    let kind = request
        .body
        .as_ref()
        .map(|body| body["type"].as_str().unwrap_or_default());
    match kind {
        Some("function") => code(request).await,
        Some("template") => template(request).await,
        _ => {
            let mut sent = Object::body(request.body.as_ref());
            sent.refuse("type", "invalid_union", "Invalid input");
            sent.loose();
            sent.finish()?;
            Err(Error::body("invalid_union", "Invalid input", &["type"]))
        }
    }
}

fn runnable(name: &str) -> ScriptKind {
    match name {
        "sync" => ScriptKind::Sync,
        "on-event" => ScriptKind::OnEvent,
        _ => ScriptKind::Action,
    }
}

async fn code(request: Request) -> Result<Reply, Error> {
    let mut sent = Object::body(request.body.as_ref());
    sent.any("type");
    let integration = sent.text("integration_id", Text::Integration).to_owned();
    let name = sent.text("function_name", Text::Name).to_owned();
    // Beyond upstream, where only its command line deploys these.
    let is_event = request
        .body
        .as_ref()
        .is_some_and(|body| body["function_type"] == "on-event");
    let kind = match is_event {
        true => {
            sent.any("function_type");
            ScriptKind::OnEvent
        }
        false => runnable(sent.text("function_type", Text::OneOf(&["action", "sync"]))),
    };
    let code = sent.text("code", Text::Length(1, usize::MAX)).to_owned();
    let version = sent.optional_text("version", Text::Length(0, usize::MAX));
    let version = version.map(str::to_owned);
    // It lifts a confirmation that a single function never asks for.
    sent.optional_flag("allow_destructive");
    let files = super::files(&mut sent);
    sent.finish()?;
    let provider = provider(&request, &integration).await?;
    if let Some(source) = active_source(&request, &integration, kind, &name).await?
        && source != ScriptSource::Standalone
    {
        let message = format!("Cannot overwrite existing function '{name}'");
        return Err(Error::new(400, "invalid_request", message));
    }
    let plan = ScriptPlan {
        integration,
        provider,
        kind,
        name,
        version,
        source: ScriptSource::Standalone,
    };
    let source = Source {
        code,
        files,
        bundle: None,
    };
    let (id, committed) = queue(&request, plan, source, true, &request.context).await?;
    let mut request = request;
    request.at = None;
    let row = deployment(&request, &id).await?;
    let status = row.as_ref().map_or("waiting", |row| status(row));
    // An answer says how it began; how it ends is polled for.
    let status = if status == "waiting" {
        "waiting"
    } else {
        "running"
    };
    let body = json!({
        "id": id.as_str(),
        "status": status,
        "created_at": time::text(row.map_or(committed.recorded_at, |row| row.created_at)),
    });
    Ok(Reply::json(202, body).committed(&committed))
}

async fn template(request: Request) -> Result<Reply, Error> {
    let mut sent = Object::body(request.body.as_ref());
    sent.any("type");
    let integration = sent.text("integration_id", Text::Integration).to_owned();
    let name = sent.text("template", Text::Name).to_owned();
    let wanted = sent.optional_text("function_type", Text::OneOf(&["action", "sync"]));
    let wanted = wanted.map(runnable);
    sent.finish()?;
    let provider = provider(&request, &integration).await?;
    let found: Vec<&Template> = templates::of(&provider)
        .into_iter()
        .filter(|template| template.name == name)
        .filter(|template| wanted.is_none_or(|wanted| template.kind == wanted))
        .collect();
    let template = match found.as_slice() {
        [] => {
            let message = format!("No template named '{name}' exists for this integration");
            return Err(Error::new(404, "template_not_found", message));
        }
        [one] => *one,
        _ => {
            let message = format!(
                "'{name}' exists as both a sync and an action; specify 'function_type' to disambiguate"
            );
            return Err(Error::new(409, "ambiguous_function", message));
        }
    };
    let source = active_source(&request, &integration, template.kind, &name).await?;
    if source == Some(ScriptSource::Catalog) {
        let message = format!("'{name}' is already deployed on this integration");
        return Err(Error::new(409, "template_already_deployed", message));
    }
    let plan = ScriptPlan {
        integration,
        provider,
        kind: template.kind,
        name,
        version: None,
        source: ScriptSource::Catalog,
    };
    let source = Source {
        code: template.code.to_owned(),
        files: Vec::new(),
        bundle: None,
    };
    let (id, committed) = queue(&request, plan, source, true, &request.context).await?;
    let row = ended(&request, &id).await?;
    if row.status != "ready" {
        tracing::error!(deployment = %id, failure = row.failure, "a template was not deployed");
        return Err(Error::new(
            500,
            "deployment_error",
            "Failed to deploy the template",
        ));
    }
    let body = json!({
        "id": id.as_str(),
        "status": "success",
        "created_at": time::text(row.created_at),
    });
    Ok(Reply::json(202, body).committed(&committed))
}

/// Waits until a deployment has ended, and its function runs on it.
async fn ended(request: &Request, id: &DeploymentId) -> Result<model::Deployment, Error> {
    let late = || Error::new(504, "timeout", "Deployment timed out");
    let until = tokio::time::Instant::now() + TEMPLATE;
    loop {
        let row = deployment(request, id).await?.ok_or_else(late)?;
        let function = request
            .app
            .reads
            .view(None)
            .function(request.project.as_str(), &row.function_id)
            .await?;
        let is_active = function.is_some_and(|function| function.deployment_id == id.as_str());
        if row.status == "failed" || row.status == "canceled" || is_active {
            return Ok(row);
        }
        if tokio::time::Instant::now() > until {
            return Err(late());
        }
        let head = request.app.bus.journal().head();
        let journal = request.app.bus.journal();
        journal.wait_beyond(head, Duration::from_millis(250)).await;
    }
}

/// Makes the function unless it is there, and a deployment whose build is due.
pub(super) async fn queue(
    request: &Request,
    plan: ScriptPlan,
    source: Source,
    activate: bool,
    context: &Context,
) -> Result<(DeploymentId, bus::Committed), Error> {
    let (bus, project) = (&request.app.bus, &request.project);
    let function = keys::function(&plan.integration, plan.kind, &plan.name);
    ensure(request, &function, &plan).await?;
    let stored = source.store(&request.app.nango.shared).await?;
    let id = match context.command_id == request.context.command_id {
        true => request.new_uuid(),
        // One of several of a request; a repeat of it names the same one.
        false => uuid_of(&context.command_id),
    };
    let id = DeploymentId::from(id.to_string());
    let command = Deploy::Duplicate {
        plan: Plan {
            script: Some(plan),
            function,
            kind: "manual".to_owned(),
            entrypoint: "function.ts".to_owned(),
            commands: String::new(),
            activate,
            size: stored.size,
            chunks: 1,
        },
        source: vec![stored],
    };
    let key = id.key(project);
    let committed = bus.execute::<Deployment>(&key, command, context).await?;
    Ok((id, committed))
}

fn uuid_of(command_id: &str) -> uuid::Uuid {
    use sha2::{Digest, Sha256};
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Sha256::digest(command_id)[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

async fn ensure(request: &Request, id: &FunctionId, plan: &ScriptPlan) -> Result<(), Error> {
    let (bus, key) = (&request.app.bus, id.key(&request.project));
    if bus.load::<Function>(&key).await?.state.settings.is_some() {
        return Ok(());
    }
    let settings = Settings {
        name: plan.name.clone(),
        runtime: "nango".to_owned(),
        execute: Vec::new(),
        events: Vec::new(),
        schedule: String::new(),
        timeout: match plan.kind {
            ScriptKind::Sync => SYNC,
            _ => ACTION,
        },
        enabled: true,
        logging: true,
        entrypoint: "function.ts".to_owned(),
        commands: String::new(),
        scopes: Vec::new(),
        provider: Provider::default(),
        build_specification: String::new(),
        runtime_specification: String::new(),
        deployment_retention: 0,
        script: Some(Script {
            integration: plan.integration.clone(),
            kind: plan.kind,
            name: plan.name.clone(),
        }),
    };
    let command = Command::Create {
        origin: Dialect::Nango,
        settings,
    };
    let context = request.further(&format!("function/{id}"));
    match bus.execute::<Function>(&key, command, &context).await {
        Ok(_) | Err(bus::Error::Refused(aggregates::function::Error::AlreadyExists)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The provider of an integration that must be there.
async fn provider(request: &Request, integration: &str) -> Result<String, Error> {
    let view = request.app.reads.view(None);
    let row = view
        .integration(request.project.as_str(), integration)
        .await?;
    let row = row.ok_or_else(|| Error::integration(integration))?;
    Ok(row.settings.provider)
}

/// Where the code of a function comes from that is deployed now.
async fn active_source(
    request: &Request,
    integration: &str,
    kind: ScriptKind,
    name: &str,
) -> Result<Option<ScriptSource>, Error> {
    let view = request.app.reads.view(None);
    let id = keys::function(integration, kind, name);
    let project = request.project.as_str();
    let Some(row) = view.function(project, id.as_str()).await? else {
        return Ok(None);
    };
    let deployment = view.deployment(project, &row.deployment_id).await?;
    Ok(deployment
        .and_then(|row| row.plan.script)
        .map(|plan| plan.source))
}

pub(super) async fn deployment(
    request: &Request,
    id: &DeploymentId,
) -> Result<Option<model::Deployment>, Error> {
    let view = request.view();
    Ok(view
        .deployment(request.project.as_str(), id.as_str())
        .await?)
}

fn status(row: &model::Deployment) -> &'static str {
    match row.status.as_str() {
        "waiting" => "waiting",
        "building" => "running",
        "ready" => "success",
        _ => "failed",
    }
}

/// How a deployment is getting on.
pub async fn get(request: Request) -> Result<Reply, Error> {
    let id = request.checked_path("id", Text::Uuid)?.to_owned();
    let missing = || {
        let message = format!("Deployment '{id}' was not found");
        Error::new(404, "deployment_not_found", message)
    };
    let row = deployment(&request, &id.as_str().into())
        .await?
        .ok_or_else(missing)?;
    let plan = row.plan.script.clone().ok_or_else(missing)?;
    if row.created_at < crate::auth::now_ms() - KEPT {
        return Err(missing());
    }
    let status = match self::status(&row) {
        // Built, and about to take the place of the one before.
        "success" if !is_settled(&request, &row).await? => "running",
        status => status,
    };
    let mut body = json!({
        "id": row.id,
        "status": status,
        "integration_id": plan.integration,
        "function_name": plan.name,
        "function_type": plan.kind.as_str(),
        "created_at": time::text(row.created_at),
        "updated_at": time::text(row.updated_at),
    });
    if let Some(started) = row.build_started_at {
        body["started_at"] = time::text(started).into();
    }
    let Some(ended) = row.ended_at.filter(|_| status != "running") else {
        return Ok(Reply::json(200, body));
    };
    body["completed_at"] = time::text(ended).into();
    if plan.source != ScriptSource::Catalog {
        body["duration_ms"] = row.build_duration_ms.into();
    }
    let log = request
        .view()
        .build_log(request.project.as_str(), &row.id)
        .await?;
    let log = log.trim().to_owned();
    match status {
        "success" => {
            body["output"] = log.into();
            body["deployed"] = true.into();
            let version = row
                .artefact
                .and_then(|made| made.script)
                .map(|script| script.version);
            let version = version.unwrap_or_default();
            let shown = match plan.source {
                ScriptSource::Catalog => version,
                _ => format!("v{version}"),
            };
            body["deployed_functions"] = json!([{ "name": plan.name, "version": shown }]);
        }
        _ => {
            let code = match row.code.as_str() {
                "" => "deployment_error",
                code => code,
            };
            let message = if log.is_empty() {
                row.failure.clone()
            } else {
                log.clone()
            };
            body["output"] = log.into();
            body["error"] = json!({ "code": code, "message": message });
        }
    }
    Ok(Reply::json(200, body))
}

/// Whether a sync is there on every connection; after a moment that is not waited for any more.
async fn has_syncs(request: &Request, row: &model::Deployment) -> Result<bool, Error> {
    use projections::query::{Filter, List};
    let Some(plan) = row
        .plan
        .script
        .as_ref()
        .filter(|plan| plan.kind == ScriptKind::Sync)
    else {
        return Ok(true);
    };
    let ended = row.ended_at.unwrap_or(0);
    if request.at.is_some() || crate::auth::now_ms() - ended > 10_000 {
        return Ok(true);
    }
    let list = List {
        filters: vec![
            Filter::equals("integration", &plan.integration),
            Filter::equals("name", &plan.name),
        ],
        limit: 5000,
        ..List::default()
    };
    let project = request.project.as_str();
    let syncs = request.view().syncs_of_project(project, &list).await?;
    let shared = &request.app.nango.shared;
    let connections =
        crate::nango::syncs::connections(shared, &request.project, &plan.integration).await?;
    Ok(syncs.rows.len() >= connections.len())
}

/// Whether a deployment that is ready runs, or was left behind by another one.
async fn is_settled(request: &Request, row: &model::Deployment) -> Result<bool, Error> {
    let (view, project) = (request.view(), request.project.as_str());
    let Some(function) = view.function(project, &row.function_id).await? else {
        return Ok(true);
    };
    if function.deployment_id == row.id {
        return has_syncs(request, row).await;
    }
    if !row.activate {
        return Ok(true);
    }
    let active = view.deployment(project, &function.deployment_id).await?;
    Ok(active.is_some_and(|active| active.sequence > row.sequence))
}

/// Every version of a function, the newest first (beyond upstream).
pub async fn versions(request: Request) -> Result<Reply, Error> {
    let (row, rows) = history(&request).await?;
    let shown: Vec<Value> = rows
        .iter()
        .map(|deployment| {
            let script = deployment
                .artefact
                .as_ref()
                .and_then(|made| made.script.as_ref());
            json!({
                "id": deployment.id,
                "version": script.map(|script| script.version.as_str()),
                "status": status(deployment),
                "source": deployment.plan.script.as_ref().map(|plan| plan.source.as_str()),
                "active": deployment.id == row.deployment_id,
                "created_at": time::text(deployment.created_at),
                "position": deployment.sequence,
            })
        })
        .collect();
    Ok(Reply::json(200, json!({ "data": shown })))
}

/// What changed between two versions, as a unified diff (beyond upstream). `from` and `to` name
/// deployments; without them, the one before and the active one.
pub async fn diff(request: Request) -> Result<Reply, Error> {
    let (row, rows) = history(&request).await?;
    let at = |id: Option<&str>, usual: Option<usize>| match id {
        Some(id) => rows.iter().position(|deployment| deployment.id == id),
        None => usual,
    };
    let active = rows
        .iter()
        .position(|deployment| deployment.id == row.deployment_id);
    let to = at(request.in_query("to"), active);
    let from = at(request.in_query("from"), to.map(|to| to + 1)).filter(|from| *from < rows.len());
    let text = async |index: Option<usize>| match index {
        None => Ok::<_, Error>(String::new()),
        Some(index) => {
            let source = Source::read(&request.app.nango.shared, &rows[index].source).await;
            Ok(source.map_err(|cause| Error::unavailable(&cause))?.code)
        }
    };
    let Some(to) = to else {
        return Err(Error::new(
            404,
            "deployment_not_found",
            "There is no such version",
        ));
    };
    let (before, after) = (text(from).await?, text(Some(to)).await?);
    let diff = similar::TextDiff::from_lines(&before, &after);
    let name = |index: Option<usize>| index.map_or("/dev/null", |index| rows[index].id.as_str());
    let shown = diff
        .unified_diff()
        .context_radius(3)
        .header(name(from), name(Some(to)))
        .to_string();
    let body = json!({ "data": { "from": from.map(|from| &rows[from].id), "to": rows[to].id, "diff": shown } });
    Ok(Reply::json(200, body))
}

/// Runs on an earlier version again (beyond upstream): `{"deployment_id"}`.
pub async fn rollback(request: Request) -> Result<Reply, Error> {
    let (row, rows) = history(&request).await?;
    let mut sent = Object::body(request.body.as_ref());
    let id = sent.text("deployment_id", Text::Uuid).to_owned();
    sent.finish()?;
    let found = rows
        .iter()
        .find(|deployment| deployment.id == id && deployment.status == "ready");
    if found.is_none() {
        let message = format!("Deployment '{id}' was not found");
        return Err(Error::new(404, "deployment_not_found", message));
    }
    let key = FunctionId::from(row.id.as_str()).key(&request.project);
    let command = Command::ActivateDeployment {
        deployment: id.as_str().into(),
        queued_at: None,
    };
    let sent = request
        .app
        .bus
        .execute::<Function>(&key, command, &request.context);
    let committed = sent.await?;
    let body = json!({ "data": { "success": true, "deployment_id": id } });
    Ok(Reply::json(200, body).committed(&committed))
}

/// A function of the path (with `type`) and its deployments, the newest first.
async fn history(request: &Request) -> Result<(model::Function, Vec<model::Deployment>), Error> {
    use projections::query::{List, Order, OrderBy};
    let integration = crate::http::nango::integrations::existing(request).await?;
    let name = request.checked_path("name", Text::Name)?;
    let kind = runnable(request.in_query("type").unwrap_or("action"));
    let id = keys::function(&integration.id, kind, name);
    let project = request.project.as_str();
    let row = request.view().function(project, id.as_str()).await?;
    let row = row.filter(|row| !row.deployment_id.is_empty());
    let row = row.ok_or_else(|| Error::new(404, "not_found", "Function does not exist"))?;
    let list = List {
        order: vec![Order {
            by: OrderBy::Insertion,
            descending: true,
        }],
        limit: 200,
        ..List::default()
    };
    let found = request.view().deployments(project, &row.id, &list).await?;
    Ok((row, found.rows))
}
