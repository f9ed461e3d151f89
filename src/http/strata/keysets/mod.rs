//! Keysets of the PubNub dialect: what is deployed on them, what happened to them, and what happens.

mod deployments;
mod diff;
mod executions;
mod history;
mod manage;
mod send;
mod watch;

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, get, post};
use projections::{InProject, model};

use super::Error;
use super::caller::Caller;
use crate::app::App;

/// The routes of keysets.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/keysets", get(manage::list).post(manage::create))
        .route(
            "/keysets/{keyset}",
            get(manage::get)
                .patch(manage::update)
                .delete(manage::delete),
        )
        .route("/keysets/{keyset}/deployments", get(deployments::list))
        .route("/keysets/{keyset}/history", get(history::list))
        .route("/keysets/{keyset}/diff", get(diff::compare))
        .route("/keysets/{keyset}/watch", get(watch::follow))
        .route("/keysets/{keyset}/executions", get(executions::list))
        .route(
            "/keysets/{keyset}/dead-letters",
            get(executions::dead_letters),
        )
        .route(
            "/keysets/{keyset}/dead-letters/{execution}",
            delete(executions::delete),
        )
        .route(
            "/keysets/{keyset}/dead-letters/{execution}/retry",
            post(executions::retry),
        )
        .route("/keysets/{keyset}/{how}", post(send::send))
}

/// Who may see what is deployed.
const DEPLOYMENTS: &str = "functions.package-deployment:read";
/// Who may see settings and names of secrets.
const KEYSET: &str = "keyset:read";
/// Who may see code.
const CODE: &str = "functions.package:read";

/// A keyset of the caller's project, as of a position; one of another project is as good as none.
async fn find(
    app: &App,
    caller: &Caller,
    number: u64,
    at: Option<u64>,
) -> Result<Option<InProject<model::Keyset>>, Error> {
    let found = app.reads.view(at).keyset_by_number(number).await?;
    let own = caller.grant.project.as_ref();
    Ok(found.filter(|found| own.is_none_or(|own| own.as_str() == found.project)))
}

fn missing(number: u64) -> Error {
    Error::NotFound(format!("the keyset {number}"))
}

fn must_allow(caller: &Caller, permission: &'static str, keyset: u64) -> Result<(), Error> {
    match caller.grant.allows_on(permission, keyset) {
        true => Ok(()),
        false => Err(Error::Forbidden(permission)),
    }
}
