//! The servers that work together.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::Error;
use super::caller::Caller;
use super::projects::time;
use crate::app::App;

pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Json<Value>, Error> {
    caller.must_be_root("listing nodes")?;
    let known = app.cluster.nodes().await;
    let nodes = known.map_err(|error| Error::Unavailable(error.to_string()))?;
    let head = app.bus.journal().head();
    let reads = app.reads.leader();
    let show = |node: &journal::postgres::Node| {
        let mut leases = node.leases.clone();
        if reads.as_ref().is_some_and(|leader| leader.node == node.id) {
            leases.push("projections".to_owned());
        }
        json!({
            "id": node.id,
            "address": node.address,
            "version": node.version,
            "startedAt": time(node.started_at),
            "state": if node.alive { "alive" } else { "gone" },
            "position": node.position,
            "lag": head.saturating_sub(node.position),
            "leases": leases,
        })
    };
    let nodes: Vec<_> = nodes.iter().map(show).collect();
    let this = app.cluster.node();
    Ok(Json(json!({"node": **this, "head": head, "nodes": nodes})))
}
