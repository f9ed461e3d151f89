//! `/action`: running actions, and asking for what came of those that run later.

use aggregates::ExecutionId;
use serde_json::{Value, json};

use super::error::Error;
use super::reply::Reply;
use super::request::Request;
use super::rules::{Object, Text};
use crate::execution::Input;
use crate::nango::actions::{self, Action, Refused};

/// The headers that say on whose behalf a request is made.
pub fn on_behalf(request: &Request) -> Result<(String, String), Error> {
    let header = |name: &str| request.header(name).map_or(Value::Null, Value::from);
    let mut sent = json!({});
    for name in ["connection-id", "provider-config-key"] {
        let value = header(name);
        if !value.is_null() {
            sent[name] = value;
        }
    }
    let mut object = Object::body(Some(&sent));
    let connection = object.text("connection-id", Text::Connection).to_owned();
    let integration = object
        .text("provider-config-key", Text::Integration)
        .to_owned();
    object.finish_as("invalid_headers")?;
    Ok((connection, integration))
}

/// Runs one: now, or later with `X-Async: true`.
pub async fn trigger(request: Request) -> Result<Reply, Error> {
    let (connection, integration) = on_behalf(&request)?;
    let mut retries = 0;
    if let Some(text) = request.header("x-max-retries") {
        if let Some(count) = text.parse().ok().filter(|count| *count <= 5) {
            retries = count;
        } else {
            let sent = json!({});
            let mut object = Object::body(Some(&sent));
            object.refuse(
                "x-max-retries",
                "too_big",
                "Too big: expected number to be <=5",
            );
            object.finish_as("invalid_headers")?;
        }
    }
    let later = match request.header("x-async") {
        None => false,
        Some("true" | "1" | "yes" | "on" | "y" | "enabled") => true,
        Some("false" | "0" | "no" | "off" | "n" | "disabled") => false,
        Some(_) => {
            let sent = json!({});
            let mut object = Object::body(Some(&sent));
            object.refuse(
                "x-async",
                "invalid_value",
                "Invalid option: expected one of \"true\"|\"false\"",
            );
            object.finish_as("invalid_headers")?;
            false
        }
    };
    let mut sent = Object::body(request.body.as_ref());
    let name = sent.text("action_name", Text::Name).to_owned();
    let input = sent.any("input").cloned();
    let issues: Vec<_> = sent
        .issues()
        .into_iter()
        .filter(|issue| issue.code != "unrecognized_keys")
        .collect();
    if !issues.is_empty() {
        return Err(Error::invalid("invalid_body", &issues));
    }
    let action = Action {
        project: request.project.clone(),
        integration,
        connection,
        name,
        input,
        depth: 0,
        retries,
    };
    let shared = &request.app.nango.shared;
    let id = ExecutionId::from(request.new_uuid().to_string());
    if later {
        let sent = actions::request(shared, action, id.clone(), &request.context);
        let committed = sent.await.map_err(refused)?;
        let url = format!("/action/{id}");
        let body = json!({ "id": id.as_str(), "statusUrl": url });
        let mut reply = Reply::json(202, body).committed(&committed);
        reply.header("location", &url);
        return Ok(reply);
    }
    let ran = actions::run(shared, action, id, &request.context)
        .await
        .map_err(refused)?;
    let reply = Reply::bytes(ran.status, "application/json; charset=utf-8", ran.body);
    Ok(reply.committed(&ran.committed))
}

/// What came of one that was to run later.
pub async fn get(request: Request) -> Result<Reply, Error> {
    let id = request.checked_path("id", Text::Uuid)?.to_owned();
    let missing = || Error::new(404, "not_found", "Action not found or still running");
    let view = request.view();
    let row = view
        .execution(request.project.as_str(), &id)
        .await?
        .ok_or_else(missing)?;
    let output = match (row.status.as_str(), &row.output) {
        ("completed" | "failed", Some(output)) => output,
        ("failed", None) => {
            let text = request.app.blobs.get_text(&row.errors).await?;
            let message = text
                .lines()
                .next()
                .unwrap_or("The action failed")
                .to_owned();
            return Err(Error::new(500, "script_internal_error", message));
        }
        _ => return Err(missing()),
    };
    let app = &request.app;
    let output = Input::fetch(&request.project, output, &app.vault, &app.blobs).await;
    let output = output.map_err(|refused| Error::unavailable(&refused.to_string()))?;
    let status = output.request["status"].as_u64().unwrap_or(200) as u16;
    Ok(Reply::bytes(
        status,
        "application/json; charset=utf-8",
        output.body,
    ))
}

fn refused(refused: Refused) -> Error {
    let (status, code) = refused.shown();
    match refused {
        Refused::Unavailable(cause) => Error::unavailable(&cause),
        Refused::Internal(cause) => Error::internal(&cause),
        Refused::Repeated(committed) => {
            let position = committed.position.to_string();
            Error::new(
                status,
                code,
                "this request was answered before; its output is not kept",
            )
            .header("strata-position", position)
        }
        refused => Error::new(status, code, refused.to_string()),
    }
}
