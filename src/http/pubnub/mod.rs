//! The PubNub Functions dialect: the Admin API v2 under `/v2/faas`.
//!
//! It translates and nothing else. Every route is one entry of the table in [`routes`]; every
//! handler takes a [`Request`] that is read and identified, and returns a [`Reply`] or an [`Error`].
//! [`dispatch`] is the one place where either becomes a response. A handler follows the order of
//! checks of the reference: schema, permission on the account, existence, permission on the keyset,
//! uniqueness and state, limits.

mod catalogue;
pub mod data;
mod deployments;
mod error;
mod functions;
mod import;
mod inputs;
mod kv;
mod limits;
mod openapi;
mod packages;
mod paging;
mod reply;
mod request;
mod revisions;
mod routes;
mod rules;
mod scheduled;
mod schemas;
mod secrets;
mod shapes;
mod time;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter};
use http::HeaderMap;

use crate::app::App;

pub(crate) use data::PresenceEvent;
pub use openapi::openapi;

use error::{Error, Kind};
use reply::Envelope;
use request::Request;
use routes::Route;

/// Where the paths of this dialect begin.
pub const PREFIX: &str = "/v2/faas";

/// The routes, without their prefix.
pub fn router() -> Router<Arc<App>> {
    let mut paths: BTreeMap<&str, Vec<&'static Route>> = BTreeMap::new();
    for route in routes::ALL {
        paths.entry(route.path).or_default().push(route);
    }
    paths
        .into_iter()
        .fold(Router::new(), |router, (path, routes)| {
            router.route(path, methods(&routes))
        })
        .fallback(nothing)
        .layer(DefaultBodyLimit::disable())
}

/// The answer where there is nothing.
pub async fn nothing(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    refused(&app, &headers, no_route())
}

/// What answers at one path.
fn methods(routes: &[&'static Route]) -> MethodRouter<Arc<App>> {
    let allowed: Vec<String> = routes
        .iter()
        .map(|route| route.verb.method().to_string())
        .collect();
    let allowed: Arc<str> = allowed.join(", ").into();
    let other = move |State(app): State<Arc<App>>, headers: HeaderMap| async move {
        let message = "This method is not supported here";
        let error = Error::new(Kind::Method, message).header("allow", &*allowed);
        refused(&app, &headers, error)
    };
    let mut methods = MethodRouter::new().fallback(other);
    for route in routes.iter().copied() {
        let filter = MethodFilter::try_from(route.verb.method())
            .expect("the table holds the usual methods only");
        let handler = move |State(app): State<Arc<App>>, request: axum::extract::Request| {
            dispatch(route, app, request)
        };
        methods = methods.on(filter, handler);
    }
    methods
}

async fn dispatch(
    route: &'static Route,
    app: Arc<App>,
    request: axum::extract::Request,
) -> Response {
    let envelope = envelope(request.headers());
    let profile = app.config.pubnub_not_found_profile;
    let answered = async {
        let request = Request::read(route, app, request, &envelope).await?;
        (route.handler)(request).await
    };
    match answered.await {
        Ok(reply) => reply.respond(&envelope),
        Err(error) => error.respond(profile, &envelope),
    }
}

/// The answer to what no route takes: who asks is not looked at.
fn refused(app: &App, headers: &HeaderMap, error: Error) -> Response {
    let profile = app.config.pubnub_not_found_profile;
    error.respond(profile, &envelope(headers))
}

/// With the correlation id that the client sent, or one that is made for it.
fn envelope(headers: &HeaderMap) -> Envelope {
    let sent = request::correlation(headers).ok().flatten();
    Envelope {
        correlation: sent.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
    }
}

fn no_route() -> Error {
    Error::new(Kind::NoRoute, "There is nothing at this path")
}
