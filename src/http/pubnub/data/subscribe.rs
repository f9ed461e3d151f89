//! Subscribe: a long poll.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequestParts, Path, Request, State};
use serde_json::{Value, json};

use super::{Refusal, keyset, query};
use crate::app::App;
use crate::pubnub::dispatch;
use crate::pubnub::messages::{Channels, Delivered, Kind};

/// Seconds that a user counts as present after a request of theirs, unless they say otherwise.
const LINGER: u64 = 300;
/// What they may say.
const LINGERS: std::ops::RangeInclusive<u64> = 3..=86_400;
/// The region of every timetoken: there is one.
const REGION: u8 = 1;

pub(super) async fn subscribe(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let (mut parts, _) = request.into_parts();
    let path = Path::<(String, String, String)>::from_request_parts(&mut parts, &()).await;
    let Path((subscribe_key, channels, _)) =
        path.map_err(|_| Refusal::invalid("Invalid Channel"))?;
    let found = keyset(&app, &subscribe_key).await?;
    let channels = Channels::parse(&channels);
    let channels = channels.ok_or_else(|| Refusal::invalid("Invalid Channel"))?;
    let (pairs, _) = query(&parts);
    let value = |name: &str| {
        let mut pairs = pairs.iter();
        let found = pairs.find(|(have, _)| have == name);
        found.map(|(_, value)| value.as_str())
    };
    let timetoken = value("tt").unwrap_or("0").parse::<u64>();
    let timetoken = timetoken.map_err(|_| Refusal::invalid("Invalid Timetoken"))?;
    let shared = &app.pubnub.shared;
    let mut attendance = None;
    if let Some(user) = value("uuid").filter(|user| !user.is_empty()) {
        let linger = value("heartbeat").and_then(|text| text.parse().ok());
        let linger = linger
            .unwrap_or(LINGER)
            .clamp(*LINGERS.start(), *LINGERS.end());
        let linger = Duration::from_secs(linger);
        let (present, moved) = shared
            .messages
            .attend(found.number, user, &channels, linger);
        attendance = Some(present);
        for moved in moved {
            dispatch::moved(shared, &found.project, found.number, moved).await?;
        }
    }
    // A server that stops answers at once; the client comes back with the same timetoken.
    let (next, page) = tokio::select! {
        heard = shared.messages.after(found.number, timetoken, &channels) => heard,
        () = app.stop.cancelled() => (timetoken, Vec::new()),
    };
    drop(attendance);
    let messages = page
        .iter()
        .map(|delivered| show(delivered, &subscribe_key))
        .collect::<Vec<_>>();
    Ok(Json(json!({
        "t": { "t": next.to_string(), "r": REGION },
        "m": messages,
    })))
}

fn show(delivered: &Delivered, subscribe_key: &str) -> Value {
    let delivery = &delivered.delivery;
    let mut shown = json!({
        "c": delivery.channel,
        "d": delivery.payload,
        "k": subscribe_key,
        "p": { "t": delivered.timetoken.to_string(), "r": REGION },
    });
    if delivery.kind != Kind::Message {
        shown["e"] = delivery.kind.number().into();
    }
    if let Some(user) = &delivery.user {
        shown["i"] = user.as_str().into();
    }
    if let Some(meta) = &delivery.meta {
        shown["u"] = meta.clone();
    }
    shown
}
