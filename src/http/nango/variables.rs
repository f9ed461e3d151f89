//! `/environment-variables`: what functions read with `getEnvironmentVariables`. Upstream sets them
//! in its dashboard; here `PUT` and `DELETE` do.

use aggregates::function::{Command, Error as Refused, Function, Provider, Settings, Value};
use aggregates::{Dialect, FunctionId};
use serde_json::json;

use super::error::Error;
use super::reply::Reply;
use super::request::Request;
use super::rules::{Object, Text};
use crate::bus;
use crate::nango::keys;

/// Lists them.
pub async fn list(request: Request) -> Result<Reply, Error> {
    let id = keys::environment();
    let project = request.project.as_str();
    let all = projections::query::List {
        limit: Function::MAX_VARIABLES as u32,
        ..projections::query::List::default()
    };
    let found = request.view().variables(project, id.as_str(), &all).await?;
    let mut shown = Vec::with_capacity(found.rows.len());
    for row in found.rows {
        let value = match &row.value {
            Value::Clear(text) => text.clone(),
            Value::Secret(sealed) => request.app.vault.open(sealed).await?,
        };
        shown.push(json!({ "name": row.key, "value": value }));
    }
    Ok(Reply::json(200, shown.into()))
}

/// Sets one, sealed: `{"name", "value"}`.
pub async fn set(request: Request) -> Result<Reply, Error> {
    let mut sent = Object::body(request.body.as_ref());
    let name = sent.text("name", Text::Length(1, 255)).to_owned();
    let value = sent.text("value", Text::Length(0, 65_536)).to_owned();
    sent.finish()?;
    let id = keys::environment();
    ensure(&request, &id).await?;
    let sealed = request
        .app
        .nango
        .connections
        .seal_text(&request.project, &value)
        .await;
    let value = Value::Secret(sealed.map_err(|error| Error::internal(&error.to_string()))?);
    let (bus, key) = (&request.app.bus, id.key(&request.project));
    let state = bus.load::<Function>(&key).await?.state;
    let known = state
        .variables
        .iter()
        .find(|(_, variable)| variable.key == name);
    let command = match known {
        Some((id, _)) => Command::UpdateVariable {
            id: id.clone(),
            key: None,
            value: Some(value),
        },
        None => Command::CreateVariable {
            id: request.new_uuid().simple().to_string().into(),
            key: name,
            value,
        },
    };
    let committed = bus
        .execute::<Function>(&key, command, &request.context)
        .await?;
    Ok(Reply::json(200, json!({ "success": true })).committed(&committed))
}

/// Removes one.
pub async fn delete(request: Request) -> Result<Reply, Error> {
    let name = request.in_path("name").to_owned();
    let missing = || Error::new(404, "not_found", "Environment variable does not exist");
    let (bus, key) = (&request.app.bus, keys::environment().key(&request.project));
    let state = bus.load::<Function>(&key).await?.state;
    let known = state
        .variables
        .iter()
        .find(|(_, variable)| variable.key == name);
    let (id, _) = known.ok_or_else(missing)?;
    let command = Command::DeleteVariable { id: id.clone() };
    let committed = bus
        .execute::<Function>(&key, command, &request.context)
        .await?;
    Ok(Reply::json(200, json!({ "success": true })).committed(&committed))
}

/// Variables belong to functions; those of an environment to one that is never deployed.
async fn ensure(request: &Request, id: &FunctionId) -> Result<(), Error> {
    let (bus, key) = (&request.app.bus, id.key(&request.project));
    if bus.load::<Function>(&key).await?.state.settings.is_some() {
        return Ok(());
    }
    let settings = Settings {
        name: "environment".to_owned(),
        runtime: "nango".to_owned(),
        execute: Vec::new(),
        events: Vec::new(),
        schedule: String::new(),
        timeout: 1,
        enabled: false,
        logging: false,
        entrypoint: String::new(),
        commands: String::new(),
        scopes: Vec::new(),
        provider: Provider::default(),
        build_specification: String::new(),
        runtime_specification: String::new(),
        deployment_retention: 0,
        script: None,
    };
    let command = Command::Create {
        origin: Dialect::Nango,
        settings,
    };
    match bus
        .execute::<Function>(&key, command, &request.further("environment"))
        .await
    {
        Ok(_) | Err(bus::Error::Refused(Refused::AlreadyExists)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
