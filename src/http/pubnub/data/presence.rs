//! Presence events from outside, for tests.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Refusal, body, keyset};
use crate::app::App;
use crate::pubnub::dispatch;
use crate::pubnub::messages::{Move, Moved};

/// Bytes of a body.
const BODY: usize = 32 << 10;

/// A presence event.
#[derive(Deserialize)]
pub(crate) struct Event {
    action: String,
    uuid: String,
    channel: String,
    data: Option<Value>,
}

impl Event {
    /// None: it names no action, user or channel.
    pub(crate) fn read(self) -> Option<Moved> {
        let good = !self.uuid.is_empty() && aggregates::channel::is_name(&self.channel);
        let action = Move::parse(&self.action).filter(|_| good)?;
        Some(Moved {
            action,
            channel: self.channel,
            user: self.uuid,
            data: self.data,
            occupancy: 0,
        })
    }
}

pub(super) async fn inject(
    State(app): State<Arc<App>>,
    Path(subscribe_key): Path<String>,
    sent: Body,
) -> Result<Json<Value>, Refusal> {
    let found = keyset(&app, &subscribe_key).await?;
    let bytes = body(sent, BODY).await?;
    let event = serde_json::from_slice::<Event>(&bytes).ok();
    let moved = event.and_then(Event::read);
    let moved = moved.ok_or_else(|| Refusal::invalid("Invalid Presence Event"))?;
    let shared = &app.pubnub.shared;
    let moved = shared.messages.moved(found.number, moved);
    dispatch::moved(shared, &found.project, found.number, moved).await?;
    let timetoken = shared.messages.timetoken(found.number);
    Ok(Json(json!([1, "Sent", timetoken.to_string()])))
}
