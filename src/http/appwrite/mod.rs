//! The Appwrite Functions dialect: the wire format of the official server SDKs
//! and command line, below `/v1`.
//!
//! It translates and nothing else: a request becomes a command or a read of the
//! core, and what comes back becomes a model of the wire format. Every route is
//! one line of the table in [`routes`]; every handler takes a [`Request`] that
//! is identified, allowed and read already, and returns a [`Reply`] or an
//! [`Error`]. [`dispatch`] is the one place where either becomes a response.

mod archive;
mod caller;
mod catalogue;
mod contract;
mod deployments;
mod ephemeral;
mod error;
mod executions;
mod format;
mod functions;
mod model;
mod openapi;
mod parameters;
mod queries;
mod reply;
mod request;
mod routes;
mod rules;
mod schedules;
mod system;
mod time;
mod variables;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter};

use crate::app::App;
use crate::http::Code;

pub use contract::{Appwrite, contract};
pub use openapi::openapi;

use error::{Error, Kind};
use reply::Reply;
use request::Request;
use routes::Route;

/// The routes, relative to `/v1`.
pub fn router() -> Router<Arc<App>> {
    let mut paths: BTreeMap<&str, MethodRouter<Arc<App>>> = BTreeMap::new();
    for route in routes::ALL {
        let filter = MethodFilter::try_from(route.method.clone())
            .expect("the table holds the usual methods only");
        let methods = paths
            .remove(route.path)
            .unwrap_or_else(|| MethodRouter::new().fallback(no_route));
        let handler = move |State(app): State<Arc<App>>, request: axum::extract::Request| {
            dispatch(route, app, request)
        };
        paths.insert(route.path, methods.on(filter, handler));
    }
    paths
        .into_iter()
        .fold(Router::new(), |router, (path, methods)| {
            router.route(path, methods)
        })
        .fallback(no_route)
        .layer(DefaultBodyLimit::disable())
}

async fn dispatch(
    route: &'static Route,
    app: Arc<App>,
    request: axum::extract::Request,
) -> Response {
    let format = format::Format::of(request.headers());
    let answered = async {
        let request = Request::read(route, app, request).await?;
        (route.handler)(request).await
    };
    let mut response = match answered.await {
        Ok(reply) => reply.into_response(),
        Err(error) => error.into_response(),
    };
    if let Some(warning) = format.warning()
        && let Ok(warning) = warning.parse()
    {
        response.headers_mut().insert("x-appwrite-warning", warning);
    }
    response
}

async fn no_route() -> Response {
    Error::new(Kind::RouteNotFound).into_response()
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut reply = Reply::json(self.status(), self.envelope());
        reply.header("cache-control", "no-store");
        if let Some(seconds) = self.retry_after {
            reply.header("retry-after", &seconds.to_string());
        }
        let mut response = reply.into_response();
        response.extensions_mut().insert(Code(self.code()));
        response
    }
}
