//! API keys of a project: create, list, revoke.

use std::sync::Arc;

use aggregates::project::{Command, Key, Project};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Error;
use super::caller::Caller;
use super::page::Page;
use super::projects::{parse, time};
use crate::app::App;
use crate::auth;
use crate::http::position_header;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct New {
    name: Option<String>,
    scopes: Option<Vec<String>>,
    expires_at: Option<jiff::Timestamp>,
    /// `uuid` for clients of Nango, which know keys by that form.
    format: Option<String>,
}

pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(project): Path<String>,
    body: Bytes,
) -> Result<Response, Error> {
    caller.must_allow(&project, "keys.write")?;
    let new: New = parse(&body)?;
    let scopes = new.scopes.unwrap_or_else(|| vec!["*".to_owned()]);
    // Nobody hands on more than they have.
    if let Some(scope) = scopes.iter().find(|scope| !caller.grant.may_give(scope)) {
        let text = format!("the scope {scope} is not yours to give");
        return Err(Error::Invalid(text));
    }
    if scopes.len() > 200
        || scopes
            .iter()
            .any(|scope| scope.is_empty() || scope.len() > 128)
    {
        let text = "at most 200 scopes of 1 to 128 characters";
        return Err(Error::Invalid(text.to_owned()));
    }
    if let Some(scope) = scopes.iter().find(|scope| !is_scope(scope)) {
        let text = format!("the scope {scope} must end in the number of a keyset");
        return Err(Error::Invalid(text));
    }
    let id = caller.new_id(&project);
    let name = new.name.unwrap_or_default();
    if name.chars().count() > 128 {
        return Err(Error::Invalid(
            "a name has at most 128 characters".to_owned(),
        ));
    }
    let secret = match new.format.as_deref() {
        // The prefix is the one that Appwrite's clients know stored keys by.
        None | Some("standard") => format!("standard_{}", auth::new_secret()),
        Some("uuid") => uuid::Uuid::new_v4().to_string(),
        Some(other) => {
            let text = format!("the format is `standard` or `uuid`, not {other:?}");
            return Err(Error::Invalid(text));
        }
    };
    let key = Key {
        name: name.clone(),
        hash: auth::hash(&secret),
        scopes: scopes.clone(),
        expires_at: new.expires_at.map(|at| at.as_millisecond()),
    };
    let command = Command::CreateKey {
        id: id.as_str().into(),
        key,
    };
    let context = caller.context(&project, &body);
    let committed = app
        .bus
        .execute::<Project>(&project, command, &context)
        .await?;
    let mut shown = json!({
        "id": id,
        "name": name,
        "scopes": scopes,
        "createdAt": time(committed.recorded_at),
        "expiresAt": new.expires_at.map(|at| time(at.as_millisecond())),
    });
    // A secret is shown once; a repeated request made none.
    if !committed.duplicate {
        shown["secret"] = secret.into();
    }
    Ok((
        StatusCode::CREATED,
        [position_header(&committed)],
        Json(shown),
    )
        .into_response())
}

/// What is limited to a keyset names it by its number, as in `keyset:read@1001`.
fn is_scope(scope: &str) -> bool {
    let Some((permission, keyset)) = scope.split_once('@') else {
        return true;
    };
    const LIMITED: [&str; 4] = [
        "functions.package-deployment:read",
        "functions.package-deployment:write",
        "keyset:read",
        "keyset:write",
    ];
    LIMITED.contains(&permission) && keyset.parse::<u64>().is_ok()
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(project): Path<String>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Error> {
    caller.must_allow(&project, "keys.read")?;
    let view = app.reads.view(caller.as_of);
    if view.project(&project).await?.is_none() {
        return Err(Error::NotFound(format!("the project {project}")));
    }
    let page = view.keys(&project, &page.list()?).await?;
    let keys: Vec<_> = page
        .rows
        .iter()
        .map(|key| {
            json!({
                "id": key.id,
                "name": key.name,
                "scopes": key.scopes,
                "createdAt": time(key.created_at),
                "expiresAt": key.expires_at.map(time),
            })
        })
        .collect();
    Ok(Json(json!({"total": page.total, "keys": keys})))
}

pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((project, key)): Path<(String, String)>,
) -> Result<Response, Error> {
    caller.must_allow(&project, "keys.write")?;
    let command = Command::RevokeKey {
        id: key.as_str().into(),
    };
    let context = caller.context(&project, b"");
    let committed = app
        .bus
        .execute::<Project>(&project, command, &context)
        .await?;
    Ok((StatusCode::NO_CONTENT, [position_header(&committed)]).into_response())
}
