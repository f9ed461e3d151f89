//! HTTP: the only part that knows status codes.
//!
//! Each dialect has a folder with its own router, its own envelope, and one
//! place where errors become responses. Here is what they share.

pub mod appwrite;
pub mod as_of;
mod health;
pub mod idempotency;
pub mod metrics;
pub mod nango;
mod openapi;
pub mod pubnub;
pub mod rate;
mod rejections;
mod request;
pub mod strata;
mod unread;

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, HeaderValue};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use crate::app::App;
use crate::bus::Committed;

pub use openapi::document;
pub use rejections::{Code, Rejections, Sender};
pub use request::RequestId;

/// Carries the position of a command's last event.
pub const POSITION: HeaderName = HeaderName::from_static("strata-position");

/// The `Strata-Position` header of a response to a command.
pub fn position_header(committed: &Committed) -> (HeaderName, HeaderValue) {
    (POSITION, HeaderValue::from(committed.position))
}

/// Everything that this server answers.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .merge(health::router())
        .merge(openapi::router())
        .nest("/strata/v1", strata::router())
        .nest("/v1", appwrite::router())
        .nest(pubnub::PREFIX, pubnub::router())
        // A nested router does not get its own prefix with a slash.
        .route("/v2/faas/", axum::routing::any(pubnub::nothing))
        .merge(pubnub::data::router())
        .merge(nango::router())
        .fallback(strata::not_found)
        .layer(axum::middleware::from_fn(unread::drain))
        .layer(axum::middleware::from_fn_with_state(
            app.clone(),
            request::track,
        ))
        .with_state(app)
}

/// Answers until `stop` completes, then finishes the requests under way.
pub async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let service = router(app).into_make_service_with_connect_info::<std::net::SocketAddr>();
    // Small answers must not wait for an acknowledgement of the one before.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps Nagle's algorithm");
        }
    });
    axum::serve(listener, service)
        .with_graceful_shutdown(stop)
        .await
}
