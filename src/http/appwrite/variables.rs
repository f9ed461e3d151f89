//! `/functions/{functionId}/variables`.

use aggregates::VariableId;
use aggregates::function::{Command, Function, Value};
use aggregates::project::Project;
use projections::model;

use super::error::{Error, Kind};
use super::format::Model;
use super::functions::execute;
use super::queries;
use super::reply::Reply;
use super::request::Request;
use crate::bus::Committed;

/// Lists; all of them unless a limit is asked for.
pub async fn list(request: Request) -> Result<Reply, Error> {
    let mut wanted = queries::read(&request.parameters, &queries::VARIABLES, request.format)?;
    if !wanted.limited {
        wanted.list.limit = Function::MAX_VARIABLES as u32;
    }
    let function = request.function().await?;
    let view = request.view();
    let page = view
        .variables(request.project.as_str(), &function.id, &wanted.list)
        .await?;
    let models = page.rows.iter().map(super::model::variable).collect();
    let body = request.list("variables", Model::Variable, page.total, models);
    Ok(Reply::json(200, body))
}

/// Gets one.
pub async fn get(request: Request) -> Result<Reply, Error> {
    request.function().await?;
    let row = find(&request, &request.variable_id()).await?;
    Ok(answer(&request, 200, &row))
}

/// Makes one.
pub async fn create(request: Request) -> Result<Reply, Error> {
    let sent = &request.parameters;
    let id = sent.text("variableId", 0..=64)?.unwrap_or("unique()");
    let id = VariableId::from(request.chosen_id("variableId", id)?);
    let key = sent.required_text("key", 1..=255)?.to_owned();
    let text = sent.required_text("value", 0..=8192)?;
    let secret_by_default = !request.format.before(1, 7, 0);
    let secret = sent.boolean("secret")?.unwrap_or(secret_by_default);
    let value = value(&request, text, secret).await?;
    let command = Command::CreateVariable {
        id: id.clone(),
        key,
        value,
    };
    let committed = execute(&request, &request.function_id(), command).await?;
    changed(request, 201, &id, committed).await
}

/// Changes what is sent of one.
pub async fn update(request: Request) -> Result<Reply, Error> {
    let sent = &request.parameters;
    let id = request.variable_id();
    let key = sent.text("key", 1..=255)?.map(str::to_owned);
    let text = sent.text("value", 0..=8192)?;
    let secret = sent.boolean("secret")?;
    if key.is_none() && text.is_none() && secret.is_none() {
        return Err(Error::with(
            Kind::ArgumentInvalid,
            "Nothing to change: send at least one of \"key\", \"value\" and \"secret\".",
        ));
    }
    request.function().await?;
    let stored = find(&request, &id).await?;
    if stored.value.is_secret() && secret == Some(false) {
        return Err(Error::new(Kind::VariableCannotUnsetSecret));
    }
    let becomes_secret = secret == Some(true) && !stored.value.is_secret();
    let secret = secret.unwrap_or(stored.value.is_secret());
    let value = match (text, &stored.value) {
        (Some(text), _) => Some(value(&request, text, secret).await?),
        (None, Value::Clear(text)) if becomes_secret => Some(value(&request, text, true).await?),
        (None, _) => None,
    };
    let command = Command::UpdateVariable {
        id: id.clone(),
        key,
        value,
    };
    let committed = execute(&request, &request.function_id(), command).await?;
    changed(request, 200, &id, committed).await
}

/// Deletes one.
pub async fn delete(request: Request) -> Result<Reply, Error> {
    let command = Command::DeleteVariable {
        id: request.variable_id(),
    };
    let committed = execute(&request, &request.function_id(), command).await?;
    Ok(Reply::empty().committed(committed))
}

async fn find(request: &Request, id: &VariableId) -> Result<model::Variable, Error> {
    let function = request.function_id();
    let found = request
        .view()
        .variable(request.project.as_str(), function.as_str(), id.as_str())
        .await?;
    found.ok_or_else(|| Error::new(Kind::VariableNotFound))
}

/// Answers a command with the variable as the command left it.
async fn changed(
    mut request: Request,
    status: u16,
    id: &VariableId,
    committed: Committed,
) -> Result<Reply, Error> {
    request.at = Some(committed.position);
    let row = find(&request, id).await?;
    Ok(answer(&request, status, &row).committed(committed))
}

fn answer(request: &Request, status: u16, row: &model::Variable) -> Reply {
    let value = request.shaped(Model::Variable, super::model::variable(row));
    Reply::json(status, value)
}

/// A value as it is stored: sealed when it is secret.
async fn value(request: &Request, text: &str, secret: bool) -> Result<Value, Error> {
    if !secret {
        return Ok(Value::Clear(text.to_owned()));
    }
    let project = request
        .app
        .bus
        .load::<Project>(request.project.as_str())
        .await?;
    let vault = &request.app.vault;
    let sealed = vault.seal(&project.state.data_key, text).await?;
    Ok(Value::Secret(sealed))
}
