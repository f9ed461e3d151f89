//! Projects: create, list, get, delete.

use std::sync::Arc;

use aggregates::project::{Command, Project};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use projections::model;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Error;
use super::caller::Caller;
use super::page::Page;
use crate::app::App;
use crate::http::position_header;

#[derive(Deserialize)]
struct New {
    id: Option<String>,
    name: Option<String>,
}

pub(super) fn time(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis)
        .unwrap_or_default()
        .strftime("%Y-%m-%dT%H:%M:%S.%3fZ")
        .to_string()
}

pub(super) fn parse<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| Error::Invalid(format!("the body: {error}")))
}

/// Ids that fit every dialect: 1 to 36 of `a-z A-Z 0-9 . _ -`, beginning with
/// a letter or a digit.
pub(super) fn check_id(id: &str) -> Result<(), Error> {
    let good = (1..=36).contains(&id.len())
        && id.as_bytes()[0].is_ascii_alphanumeric()
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if good {
        Ok(())
    } else {
        Err(Error::Invalid(
            "an id has 1 to 36 of a-z A-Z 0-9 . _ - and begins with a letter or a digit".to_owned(),
        ))
    }
}

fn show(project: &model::Project) -> Value {
    json!({
        "id": project.id,
        "name": project.name,
        "createdAt": time(project.created_at),
        "updatedAt": time(project.updated_at),
    })
}

pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    body: Bytes,
) -> Result<Response, Error> {
    caller.must_be_root("creating projects")?;
    let new: New = parse(&body)?;
    let id = new.id.unwrap_or_else(|| caller.new_id(""));
    check_id(&id)?;
    let name = new.name.unwrap_or_else(|| id.clone());
    if !(1..=128).contains(&name.chars().count()) {
        return Err(Error::Invalid("a name has 1 to 128 characters".to_owned()));
    }
    let context = caller.context(&id, &body);
    let known = app.bus.load::<Project>(&id).await?;
    let data_key = if known.state.exists {
        String::new()
    } else {
        app.vault.create_data_key().await?
    };
    let command = Command::Create { name, data_key };
    let committed = app.bus.execute::<Project>(&id, command, &context).await?;
    let view = app.reads.view(Some(committed.position));
    let project = view.project(&id).await?;
    let project = project.ok_or_else(|| Error::NotFound("the project".to_owned()))?;
    let header = [position_header(&committed)];
    Ok((StatusCode::CREATED, header, Json(show(&project))).into_response())
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Error> {
    caller.must_be_root("listing projects")?;
    let page = app.reads.view(caller.as_of).projects(&page.list()?).await?;
    let projects: Vec<_> = page.rows.iter().map(show).collect();
    Ok(Json(json!({"total": page.total, "projects": projects})))
}

pub(super) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Error> {
    caller.must_allow(&id, "project.read")?;
    let project = app.reads.view(caller.as_of).project(&id).await?;
    let project = project.ok_or_else(|| Error::NotFound(format!("the project {id}")))?;
    Ok(Json(show(&project)))
}

pub(super) async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    caller.must_be_root("deleting projects")?;
    if id == crate::installation::DEFAULT_PROJECT {
        let text = "the project default always exists and cannot be deleted";
        return Err(Error::Invalid(text.to_owned()));
    }
    let context = caller.context(&id, b"");
    let committed = app
        .bus
        .execute::<Project>(&id, Command::Delete, &context)
        .await?;
    Ok((StatusCode::NO_CONTENT, [position_header(&committed)]).into_response())
}
