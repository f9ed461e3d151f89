//! `GET /openapi.json`: one document, made from each dialect's own fragment.
//! The committed copy is `docs/openapi.json`; a test compares the two.

use std::sync::Arc;

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::app::App;

pub(super) fn router() -> Router<Arc<App>> {
    Router::new().route("/openapi.json", get(async || Json(document())))
}

/// The whole document.
pub fn document() -> Value {
    let mut paths = serde_json::Map::new();
    let mut schemas = serde_json::Map::new();
    for mut fragment in [
        super::appwrite::openapi(),
        super::nango::openapi(),
        super::pubnub::openapi(),
        super::strata::openapi(),
    ] {
        if let Value::Object(more) = fragment["paths"].take() {
            paths.extend(more);
        }
        if let Value::Object(more) = fragment["components"]["schemas"].take() {
            schemas.extend(more);
        }
    }
    paths.extend(plain());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Strata",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "An event-sourced control plane for serverless functions.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "appwriteKey": {"type": "apiKey", "in": "header", "name": "X-Appwrite-Key"},
                "nangoKey": {"type": "http", "scheme": "bearer"},
                "pubnubKey": {"type": "apiKey", "in": "header", "name": "Authorization"},
                "strataKey": {"type": "http", "scheme": "bearer"},
            },
        },
    })
}

fn plain() -> serde_json::Map<String, Value> {
    let text = |summary: &str, kind: &str| {
        json!({"get": {
            "summary": summary,
            "tags": ["Server"],
            "security": [],
            "responses": {"200": {"description": "OK", "content": {kind: {}}}},
        }})
    };
    let mut paths = serde_json::Map::new();
    paths.insert("/healthz".into(), text("The process answers", "text/plain"));
    let mut ready = text("Read models are there and up to date", "application/json");
    ready["get"]["responses"]["503"] = json!({"description": "Not ready; the body says why"});
    paths.insert("/readyz".into(), ready);
    paths.insert(
        "/metrics".into(),
        text("Counters for Prometheus", "application/openmetrics-text"),
    );
    paths.insert(
        "/openapi.json".into(),
        text("This document", "application/json"),
    );
    paths
}
