//! Strata's own API under `/strata/v1`: projects, keys, projections, audit.
//!
//! Authentication is `Authorization: Bearer <key>`. Errors are
//! `{"error": {"code", "message"}}`.

mod audit;
mod caller;
mod error;
mod handler_runs;
mod keys;
mod keysets;
mod nodes;
mod openapi;
mod page;
mod projections;
mod projects;

use std::sync::Arc;

use axum::Router;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};

use crate::app::App;

pub use error::Error;
pub use openapi::openapi;
pub(super) use projections::status as projection_status;

/// The routes, without their prefix.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/projects", get(projects::list).post(projects::create))
        .route(
            "/projects/{project}",
            get(projects::get).delete(projects::delete),
        )
        .route(
            "/projects/{project}/keys",
            get(keys::list).post(keys::create),
        )
        .route("/projects/{project}/keys/{key}", delete(keys::revoke))
        .route("/projections", get(projections::list))
        .route("/projections/{name}/rebuild", post(projections::rebuild))
        .route("/nodes", get(nodes::list))
        .route("/audit", get(audit::list))
        .route("/head", get(audit::head))
        .merge(keysets::router())
        .route("/handler-runs", post(handler_runs::create))
        .fallback(not_found)
        .method_not_allowed_fallback(async || Error::MethodNotAllowed.into_response())
}

/// The answer to a path that is nobody's.
pub async fn not_found(uri: Uri) -> Response {
    Error::NoRoute(uri.path().to_owned()).into_response()
}
