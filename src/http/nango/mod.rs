//! The Nango Functions dialect: functions, deployments, dry runs, integrations, connections,
//! actions, syncs, records and the proxy, at the paths of its public API.
//!
//! It translates and nothing else. Every route is one entry of the table in [`routes`]; every
//! handler takes a [`Request`] that is read, identified and allowed, and returns a [`Reply`] or an
//! [`Error`]. [`dispatch`] is the one place where either becomes a response.

mod actions;
mod clean;
mod connections;
mod error;
mod functions;
mod integrations;
mod openapi;
mod providers;
mod proxy;
mod rate;
mod records;
mod reply;
mod request;
mod routes;
mod rules;
mod scripts;
mod syncs;
mod time;
mod variables;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter};

use crate::app::App;

pub use openapi::openapi;

use error::Error;
use request::Request;
use routes::Route;

/// The routes, from the root.
pub fn router() -> Router<Arc<App>> {
    let mut paths: BTreeMap<&str, MethodRouter<Arc<App>>> = BTreeMap::new();
    for route in routes::ALL {
        let filter = MethodFilter::try_from(route.method.clone())
            .expect("the table holds the usual methods only");
        let methods = paths
            .remove(route.path)
            .unwrap_or_else(|| MethodRouter::new().fallback(async || no_route().into_response()));
        let handler = move |State(app): State<Arc<App>>, request: axum::extract::Request| {
            dispatch(route, app, request)
        };
        paths.insert(route.path, methods.on(filter, handler));
    }
    paths
        .into_iter()
        .fold(Router::new(), |router, (path, methods)| {
            // The official SDK asks for `/records/`.
            let router = match path {
                "/records" => router.route("/records/", methods.clone()),
                _ => router,
            };
            router.route(path, methods)
        })
        .layer(DefaultBodyLimit::disable())
}

async fn dispatch(
    route: &'static Route,
    app: Arc<App>,
    request: axum::extract::Request,
) -> Response {
    let answered = async {
        let request = Request::read(route, app, request).await?;
        (route.handler)(request).await
    };
    match answered.await {
        Ok(reply) => reply.into_response(),
        Err(error) => error.into_response(),
    }
}

fn no_route() -> Error {
    Error::new(404, "not_found", "This endpoint does not exist")
}
