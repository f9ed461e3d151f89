//! Create, list, get, change and delete.

use std::sync::Arc;

use aggregates::keyset::{Command, Error as Refused, Keyset, OnError, Settings};
use aggregates::{KeysetId, ProjectId};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use projections::model;
use projections::query::Scalar;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::bus::{self, Committed};
use crate::http::position_header;
use crate::http::strata::Error;
use crate::http::strata::caller::Caller;
use crate::http::strata::page::Page;
use crate::http::strata::projects::{parse, time};
use crate::pubnub::{after, assignments};

const READ: &str = "keyset:read";
const WRITE: &str = "keyset:write";

/// The number of the first keyset of an installation.
const FIRST: u64 = 1001;

/// Most further tries of a function after a message.
const MOST_RETRIES: u32 = 20;

/// Longest wait before the first further try: one hour.
const LONGEST_DELAY: u32 = 3_600_000;

/// Which project, for the root key.
#[derive(Deserialize)]
pub(super) struct Within {
    project: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    name: Option<String>,
    on_function_error: Option<OnError>,
    after_retries: Option<u32>,
    retry_delay_ms: Option<u32>,
}

impl Sent {
    fn read(body: &[u8]) -> Result<Self, Error> {
        let sent: Self = parse(body)?;
        let invalid = |text: String| Err(Error::Invalid(text));
        let name = sent.name.as_deref().map(str::trim);
        if name.is_some_and(|name| !(1..=128).contains(&name.chars().count())) {
            return invalid("a name has 1 to 128 characters".to_owned());
        }
        if sent.after_retries.is_some_and(|tries| tries > MOST_RETRIES) {
            return invalid(format!("afterRetries is 0 to {MOST_RETRIES}"));
        }
        if sent
            .retry_delay_ms
            .is_some_and(|delay| !(1..=LONGEST_DELAY).contains(&delay))
        {
            return invalid(format!("retryDelayMs is 1 to {LONGEST_DELAY}"));
        }
        Ok(Self {
            name: name.map(str::to_owned),
            ..sent
        })
    }

    fn has_settings(&self) -> bool {
        self.on_function_error.is_some()
            || self.after_retries.is_some()
            || self.retry_delay_ms.is_some()
    }

    /// What was sent, and the rest as it was.
    fn settings(&self, before: &Settings) -> Settings {
        Settings {
            on_function_error: self.on_function_error.unwrap_or(before.on_function_error),
            after_retries: self.after_retries.unwrap_or(before.after_retries),
            retry_delay_ms: self.retry_delay_ms.unwrap_or(before.retry_delay_ms),
        }
    }
}

fn show(row: &model::Keyset) -> Value {
    json!({
        "id": row.number,
        "name": row.name,
        "publishKey": row.publish_key,
        "subscribeKey": row.subscribe_key,
        "onFunctionError": row.settings.on_function_error,
        "afterRetries": row.settings.after_retries,
        "retryDelayMs": row.settings.retry_delay_ms,
        "connected": row.connected,
        "createdAt": time(row.created_at),
        "updatedAt": time(row.updated_at),
    })
}

/// The project that a request is about: the key's own; for the root key, the one in the query.
fn project(caller: &Caller, within: &Within) -> Result<ProjectId, Error> {
    match (&caller.grant.project, &within.project) {
        (Some(own), Some(asked)) if own.as_str() != asked => Err(Error::Forbidden("this project")),
        (Some(own), _) => Ok(own.clone()),
        (None, Some(asked)) => Ok(asked.as_str().into()),
        (None, None) => Ok(crate::installation::DEFAULT_PROJECT.into()),
    }
}

/// The project of a keyset that is there already. Numbers are unique in the installation, so that
/// the root key need not name it.
async fn owner(
    app: &App,
    caller: &Caller,
    within: &Within,
    number: u64,
    at: Option<u64>,
) -> Result<ProjectId, Error> {
    if caller.grant.is_root() && within.project.is_none() {
        let found = app.reads.view(at).keyset_by_number(number).await?;
        if let Some(found) = found {
            return Ok(found.project.as_str().into());
        }
    }
    project(caller, within)
}

fn must_allow(caller: &Caller, scope: &'static str, keyset: u64) -> Result<(), Error> {
    match caller.grant.allows_on(scope, keyset) {
        true => Ok(()),
        false => Err(Error::Forbidden(scope)),
    }
}

fn missing(keyset: u64) -> Error {
    Error::NotFound(format!("the keyset {keyset}"))
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(within): Query<Within>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Error> {
    let project = project(&caller, &within)?;
    let mut list = page.list()?;
    // What the caller may not read is not there.
    if let Some(keysets) = caller.grant.keysets(READ) {
        if keysets.is_empty() {
            return Err(Error::Forbidden(READ));
        }
        let numbers = keysets.into_iter();
        let numbers = numbers.filter_map(|number| i64::try_from(number).ok());
        list.filters.push(projections::query::Filter::Compare {
            column: "number",
            operator: projections::query::Operator::Equal,
            values: numbers.map(Scalar::Integer).collect(),
        });
    }
    let view = app.reads.view(caller.as_of);
    let page = view.keysets(project.as_str(), &list).await?;
    let keysets: Vec<_> = page.rows.iter().map(show).collect();
    Ok(Json(json!({"total": page.total, "keysets": keysets})))
}

pub(super) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(number): Path<u64>,
    Query(within): Query<Within>,
) -> Result<Json<Value>, Error> {
    let project = owner(&app, &caller, &within, number, caller.as_of).await?;
    let view = app.reads.view(caller.as_of);
    let row = view.keyset(project.as_str(), number).await?;
    let row = row.ok_or_else(|| missing(number))?;
    must_allow(&caller, READ, number)?;
    Ok(Json(show(&row)))
}

pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(within): Query<Within>,
    body: Bytes,
) -> Result<Response, Error> {
    let project = project(&caller, &within)?;
    let sent = Sent::read(&body)?;
    caller.must_allow(project.as_str(), WRITE)?;
    let view = app.reads.view(None);
    if view.project(project.as_str()).await?.is_none() {
        return Err(Error::NotFound(format!("the project {project}")));
    }
    let context = caller.context(project.as_str(), &body);
    let subscribe_key = format!("sub-c-{}", caller.new_uuid(project.as_str(), "subscribe"));
    let publish_key = format!("pub-c-{}", caller.new_uuid(project.as_str(), "publish"));
    // Numbers are given out one after another.
    let _turn = app.pubnub.shared.making.lock().await;
    let mut number = view.highest_keyset().await?.max(FIRST - 1) + 1;
    let committed = loop {
        let command = Command::Create {
            number,
            name: sent
                .name
                .clone()
                .unwrap_or_else(|| format!("Keyset {number}")),
            publish_key: publish_key.clone(),
            subscribe_key: subscribe_key.clone(),
            settings: sent.settings(&Settings::default()),
        };
        let key = KeysetId::from(number.to_string()).key(&project);
        match app.bus.execute::<Keyset>(&key, command, &context).await {
            Err(bus::Error::Refused(Refused::AlreadyExists)) => number += 1,
            outcome => break outcome?,
        }
    };
    let view = app.reads.view(Some(committed.position));
    if !app.cluster.is_alone() && !committed.duplicate {
        // Another node may have given the number to another project at the same time: who was first
        // keeps it.
        let first = view.keyset_by_number(number).await?;
        if first.is_some_and(|first| first.project != project.as_str()) {
            let key = KeysetId::from(number.to_string()).key(&project);
            let back = further(&context, "give-way");
            app.bus
                .execute::<Keyset>(&key, Command::Delete, &back)
                .await?;
            let text = format!("the number {number} was just taken; try again");
            return Err(Error::Conflict(text));
        }
    }
    let row = view.keyset_by_subscribe_key(&subscribe_key).await?;
    let row = row.ok_or_else(|| missing(number))?.row;
    Ok((
        StatusCode::CREATED,
        [position_header(&committed)],
        Json(show(&row)),
    )
        .into_response())
}

pub(super) async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(number): Path<u64>,
    Query(within): Query<Within>,
    body: Bytes,
) -> Result<Response, Error> {
    let project = owner(&app, &caller, &within, number, None).await?;
    let sent = Sent::read(&body)?;
    let row = app
        .reads
        .view(None)
        .keyset(project.as_str(), number)
        .await?;
    let row = row.ok_or_else(|| missing(number))?;
    must_allow(&caller, WRITE, number)?;
    let command = Command::Update {
        settings: sent.has_settings().then(|| sent.settings(&row.settings)),
        name: sent.name,
    };
    let context = caller.context(project.as_str(), &body);
    let key = KeysetId::from(number.to_string()).key(&project);
    let committed = app.bus.execute::<Keyset>(&key, command, &context).await?;
    let view = app.reads.view(Some(committed.position));
    let row = view.keyset(project.as_str(), number).await?;
    let row = row.ok_or_else(|| missing(number))?;
    Ok(([position_header(&committed)], Json(show(&row))).into_response())
}

pub(super) async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(number): Path<u64>,
    Query(within): Query<Within>,
) -> Result<Response, Error> {
    let project = owner(&app, &caller, &within, number, None).await?;
    let context = caller.context(project.as_str(), b"");
    let key = KeysetId::from(number.to_string()).key(&project);
    let row = app
        .reads
        .view(None)
        .keyset(project.as_str(), number)
        .await?;
    if row.is_some() {
        must_allow(&caller, WRITE, number)?;
        remove_deployments(&app, &project, number, &context).await?;
    } else {
        // A repeat of the request finds no keyset, and its outcome all the same.
        must_allow(&caller, WRITE, number).map_err(|_| missing(number))?;
    }
    let sent = app.bus.execute::<Keyset>(&key, Command::Delete, &context);
    let committed: Committed = match sent.await {
        Err(bus::Error::Refused(Refused::NotFound)) => return Err(missing(number)),
        outcome => outcome?,
    };
    // One that was assigned meanwhile has no keyset any more.
    remove_deployments(&app, &project, number, &context).await?;
    let before = committed.first.saturating_sub(1);
    let step = |step: &str| further(&context, step);
    after::clear(&app.pubnub.shared, &project, number, before, step).await?;
    Ok((StatusCode::NO_CONTENT, [position_header(&committed)]).into_response())
}

/// The context of a further command of a request.
fn further(context: &bus::Context, step: &str) -> bus::Context {
    bus::Context {
        command_id: format!("{}/{step}", context.command_id),
        if_match: None,
        ..context.clone()
    }
}

/// Takes what has stopped off the keyset.
async fn remove_deployments(
    app: &App,
    project: &ProjectId,
    number: u64,
    context: &bus::Context,
) -> Result<(), Error> {
    let keyset = Scalar::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    let further = |step: &str| further(context, step);
    let removed = assignments::remove(&app.pubnub.shared, project, ("keyset", keyset), further);
    removed.await.map_err(|error| match error {
        assignments::Error::Active(id) => {
            Error::Conflict(format!("the deployment {id} is active; stop it first"))
        }
        error => Error::Unavailable(error.to_string()),
    })
}
