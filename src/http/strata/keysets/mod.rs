//! Keysets of the PubNub dialect.

mod manage;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

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
}
