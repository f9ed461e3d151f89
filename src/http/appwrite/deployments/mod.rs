//! `/functions/{functionId}/deployments`.

mod download;
mod range;
mod upload;

use aggregates::deployment::{Command, Deployment, Plan};
use aggregates::{DeploymentId, function};
use projections::model;
use serde_json::Value;

use super::catalogue::templates;
use super::error::{Error, Kind};
use super::format::Model;
use super::reply::Reply;
use super::request::Request;
use super::{functions, queries, time};
use crate::bus::Committed;

pub use download::{download, download_build};
pub use upload::create;

/// Lists.
pub async fn list(request: Request) -> Result<Reply, Error> {
    let wanted = queries::read(&request.parameters, &queries::DEPLOYMENTS, request.format)?;
    let function = request.function().await?;
    let view = request.view();
    let page = view
        .deployments(request.project.as_str(), &function.id, &wanted.list)
        .await?;
    let mut models = Vec::with_capacity(page.rows.len());
    for row in &page.rows {
        let mut value = model_of(&request, row).await?;
        if let Some(names) = &wanted.select {
            select(&mut value, names);
        }
        models.push(value);
    }
    let body = request.list("deployments", Model::Deployment, page.total, models);
    Ok(Reply::json(200, body))
}

/// Leaves only the selected fields and those that begin with `$`.
fn select(value: &mut Value, names: &[String]) {
    if let Value::Object(fields) = value
        && !names.iter().any(|name| name == "*")
    {
        fields.retain(|field, _| field.starts_with('$') || names.contains(field));
    }
}

/// Gets one.
pub async fn get(request: Request) -> Result<Reply, Error> {
    let function = request.function().await?;
    let row = request.deployment(&function).await?;
    answer(&request, 200, &row).await
}

/// Deletes one, in any state.
pub async fn delete(request: Request) -> Result<Reply, Error> {
    if request.repeated().await?.is_none() {
        let function = request.function().await?;
        request.deployment(&function).await?;
    }
    let committed = execute(&request, &request.deployment_id(), Command::Delete).await?;
    Ok(Reply::empty().committed(committed))
}

/// Makes the deployment of the body the active one.
pub async fn activate(request: Request) -> Result<Reply, Error> {
    let id = request.parameters.required_text("deploymentId", 0..=64)?;
    if !super::rules::is_path_id(id) {
        return Err(Error::invalid("deploymentId", super::rules::PATH_ID));
    }
    let id = DeploymentId::from(id);
    set_active(request, id).await
}

/// Makes the deployment of the path the active one.
pub async fn activate_in_path(request: Request) -> Result<Reply, Error> {
    let id = request.deployment_id();
    set_active(request, id).await
}

async fn set_active(request: Request, id: DeploymentId) -> Result<Reply, Error> {
    let function_id = request.function_id();
    if request.repeated().await?.is_none() {
        let function = request.function().await?;
        let deployment = request.deployment_by_id(&function, id.as_str()).await?;
        if deployment.status != "ready" {
            return Err(Error::new(Kind::BuildNotReady));
        }
    }
    let command = function::Command::ActivateDeployment {
        deployment: id,
        queued_at: None,
    };
    let committed = functions::execute(&request, &function_id, command).await?;
    functions::changed(request, 200, &function_id, committed).await
}

/// Cancels a build or an upload.
pub async fn cancel(request: Request) -> Result<Reply, Error> {
    let function = request.function().await?;
    let row = request.deployment(&function).await?;
    let started = row.build_started_at.filter(|_| row.status == "building");
    let duration = started.map_or(0, |at| time::now().saturating_sub(at));
    let command = Command::Cancel {
        log: format!("{} [appwrite] Build has been canceled.\n", time::clock()),
        duration_ms: u64::try_from(duration).unwrap_or(0),
    };
    let id = request.deployment_id();
    let committed = execute(&request, &id, command).await?;
    changed(request, 200, &function, &id, committed).await
}

/// Builds the source of the deployment of the body again.
pub async fn duplicate(request: Request) -> Result<Reply, Error> {
    let id = request.parameters.required_text("deploymentId", 0..=64)?;
    if !super::rules::is_path_id(id) {
        return Err(Error::invalid("deploymentId", super::rules::PATH_ID));
    }
    let id = DeploymentId::from(id);
    build_again(request, id).await
}

/// Builds the source of the deployment of the path again.
pub async fn duplicate_in_path(request: Request) -> Result<Reply, Error> {
    let id = request.deployment_id();
    build_again(request, id).await
}

async fn build_again(request: Request, original: DeploymentId) -> Result<Reply, Error> {
    let function = request.function().await?;
    let original = request
        .deployment_by_id(&function, original.as_str())
        .await?;
    if !original.source_complete {
        return Err(Error::new(Kind::DeploymentNotFound));
    }
    let plan = Plan {
        script: None,
        function: function.id.as_str().into(),
        kind: "manual".to_owned(),
        entrypoint: function.settings.entrypoint.clone(),
        commands: function.settings.commands.clone(),
        activate: true,
        size: original.source_size,
        chunks: original.source.len() as u32,
    };
    let source = original.source;
    build(request, function, Command::Duplicate { plan, source }).await
}

/// Deploys a template whose source is inside this program.
pub async fn from_template(request: Request) -> Result<Reply, Error> {
    let sent = &request.parameters;
    let repository = sent.required_text("repository", 1..=128)?;
    let owner = sent.required_text("owner", 1..=128)?;
    let directory = sent.required_text("rootDirectory", 1..=128)?;
    // Formats before 1.9 name a tag with `version`.
    if sent.text("version", 0..=128)?.is_none_or(str::is_empty) {
        let kind = sent.one_of("type", &["commit", "branch", "tag"])?;
        kind.ok_or_else(|| Error::missing("type"))?;
        sent.required_text("reference", 1..=128)?;
    }
    let activate = sent.loose_boolean("activate")?.unwrap_or(false);
    let function = request.function().await?;
    let Some(source) = templates::source(owner, repository, directory) else {
        return Err(Error::with(
            Kind::RepositoryNotFound,
            "This server deploys the templates that GET /functions/templates lists, and no others.",
        ));
    };
    let source = source.map_err(|error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "cannot pack a template"
        );
        Error::new(Kind::ServerError)
    })?;
    let blob = request.app.blobs.put(source).await?;
    let plan = Plan {
        script: None,
        function: function.id.as_str().into(),
        kind: "vcs".to_owned(),
        entrypoint: function.settings.entrypoint.clone(),
        commands: function.settings.commands.clone(),
        activate,
        size: blob.size,
        chunks: 1,
    };
    let source = vec![blob];
    build(request, function, Command::Duplicate { plan, source }).await
}

/// No function can be connected to a repository, so there is nothing to deploy.
pub async fn from_repository(request: Request) -> Result<Reply, Error> {
    let sent = &request.parameters;
    let kind = sent.one_of("type", &["branch", "commit"])?;
    kind.ok_or_else(|| Error::missing("type"))?;
    sent.required_text("reference", 1..=255)?;
    sent.loose_boolean("activate")?;
    request.function().await?;
    Err(Error::new(Kind::InstallationNotFound))
}

/// Makes a deployment that is built at once.
async fn build(
    request: Request,
    function: model::Function,
    command: Command,
) -> Result<Reply, Error> {
    let id = DeploymentId::from(request.new_id());
    let committed = execute(&request, &id, command).await?;
    changed(request, 202, &function, &id, committed).await
}

async fn execute(
    request: &Request,
    id: &DeploymentId,
    command: Command,
) -> Result<Committed, Error> {
    let key = id.key(&request.project);
    let bus = &request.app.bus;
    Ok(bus
        .execute::<Deployment>(&key, command, &request.context)
        .await?)
}

/// Answers a command with the deployment as the command left it: a build may
/// have begun since.
async fn changed(
    mut request: Request,
    status: u16,
    function: &model::Function,
    id: &DeploymentId,
    committed: Committed,
) -> Result<Reply, Error> {
    request.at = Some(committed.position);
    let row = request.deployment_by_id(function, id.as_str()).await?;
    Ok(answer(&request, status, &row).await?.committed(committed))
}

async fn answer(request: &Request, status: u16, row: &model::Deployment) -> Result<Reply, Error> {
    let value = model_of(request, row).await?;
    Ok(Reply::json(
        status,
        request.shaped(Model::Deployment, value),
    ))
}

async fn model_of(request: &Request, row: &model::Deployment) -> Result<Value, Error> {
    let view = request.view();
    let log = view.build_log(request.project.as_str(), &row.id).await?;
    Ok(super::model::deployment(row, &log))
}
