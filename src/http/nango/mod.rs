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
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::app::App;

pub use openapi::openapi;

use error::Error;
use request::Request;
use routes::Route;

/// The routes, from the root.
pub fn router() -> Router<Arc<App>> {
    let mut paths: BTreeMap<&str, MethodRouter<Arc<App>>> = BTreeMap::new();
    let mut methods_of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for route in routes::ALL {
        let filter = MethodFilter::try_from(route.method.clone())
            .expect("the table holds the usual methods only");
        let methods = paths
            .remove(route.path)
            .unwrap_or_else(|| MethodRouter::new().fallback(async || no_route().into_response()));
        methods_of
            .entry(route.path)
            .or_default()
            .push(route.method.as_str());
        let handler = move |State(app): State<Arc<App>>, request: axum::extract::Request| {
            dispatch(route, app, request)
        };
        paths.insert(route.path, methods.on(filter, handler));
    }
    paths
        .into_iter()
        .fold(Router::new(), move |router, (path, methods)| {
            let allowed = methods_of.remove(path).unwrap_or_default().join(", ");
            let methods =
                methods.options(async move |headers: HeaderMap| preflight(&allowed, &headers));
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

/// What a browser asks before it sends a request from a page of another origin: anybody may, with
/// any header. It sends no key with it, so that nothing is checked.
fn preflight(methods: &str, asked: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    if let Ok(methods) = HeaderValue::from_str(methods) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    }
    // A star would leave out `Authorization`.
    let wanted = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let usual = HeaderValue::from_static(
        "Authorization, Content-Type, Connection-Id, Provider-Config-Key, Idempotency-Key",
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        wanted.unwrap_or(usual),
    );
    headers.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static("600"),
    );
    let varies = HeaderValue::from_static("Access-Control-Request-Headers");
    headers.insert(header::VARY, varies);
    response
}

fn no_route() -> Error {
    Error::new(404, "not_found", "This endpoint does not exist")
}
