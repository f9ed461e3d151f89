//! `GET /healthz`, `GET /readyz`, `GET /metrics`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use crate::app::App;

/// Events that a read model may be behind before the server counts as not ready.
const MAX_LAG: u64 = 10_000;

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
}

async fn ready(State(app): State<Arc<App>>) -> Response {
    let head = app.bus.journal().head();
    let projections = app.reads.status();
    let parked = projections.iter().any(|status| status.parked.is_some());
    let behind = projections.iter().any(|status| status.lag > MAX_LAG);
    let stopping = app.stop.is_cancelled();
    let (code, state) = match (stopping, parked, behind) {
        (true, ..) => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        (_, true, _) => (StatusCode::SERVICE_UNAVAILABLE, "parked"),
        (_, _, true) => (StatusCode::SERVICE_UNAVAILABLE, "behind"),
        _ => (StatusCode::OK, "ready"),
    };
    let body = serde_json::json!({
        "status": state,
        "head": head,
        "projections": projections
            .iter()
            .map(super::strata::projection_status)
            .collect::<Vec<_>>(),
        "builds": {"running": app.builds.tasks().len(), "waiting": app.builds.waiting()},
        "executions": {"pending": app.calls.tasks().len()},
    });
    (code, Json(body)).into_response()
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    app.metrics.observe(&app);
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], app.metrics.render()).into_response()
}
