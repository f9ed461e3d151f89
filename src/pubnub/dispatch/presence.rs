//! Users that come and go: told to subscribers, and to functions after presence.

use std::sync::Arc;

use aggregates::{ProjectId, TriggerKind, channel};
use serde_json::json;

use super::{NotSent, Sender, Stage, request, told};
use crate::pubnub::Shared;
use crate::pubnub::messages::{Delivery, Kind, Move, Moved};
use crate::pubnub::scene::{Asked, Scene};

/// Tells subscribers and functions that a user has moved.
///
/// # Errors
/// When functions cannot be started right now.
pub async fn moved(
    shared: &Arc<Shared>,
    project: &ProjectId,
    keyset: u64,
    moved: Moved,
) -> Result<(), NotSent> {
    let now = jiff::Timestamp::now().as_second();
    let mut message = json!({
        "action": moved.action.as_str(),
        "channel": moved.channel,
        "uuid": moved.user,
        "timestamp": now,
        "occupancy": moved.occupancy,
    });
    if let Some(data) = &moved.data {
        message["data"] = data.clone();
    }
    if moved.action == Move::Interval {
        for list in ["join", "leave", "timeout"] {
            message[list] = json!([]);
        }
    }
    let delivery = Delivery {
        channel: format!("{}{}", moved.channel, channel::PRESENCE),
        payload: message.clone(),
        kind: Kind::Message,
        user: None,
        meta: None,
    };
    shared.messages.deliver(keyset, delivery);
    let stage = Stage::enter(shared, project, keyset).await?;
    let correlation = uuid::Uuid::now_v7().to_string();
    let event = told(
        &stage.keyset,
        "presence",
        &moved.channel,
        message,
        None,
        &Sender::default(),
    );
    let listening = stage.listening(TriggerKind::AfterPresence, &moved.channel);
    let calls = listening.into_iter().map(|(connected, handler)| {
        let scene = Scene {
            project,
            keyset: &stage.keyset,
            connected,
            handler,
            channel: &moved.channel,
            hop: 1,
            correlation: &correlation,
        };
        let asked = Asked::event("presence", &moved.channel);
        scene.call(event.clone(), asked)
    });
    request(shared, project, calls.collect(), &correlation).await
}

/// As [`moved`], for a keyset that is known by its number only.
pub async fn moved_on(shared: &Arc<Shared>, keyset: u64, user: Moved) -> Result<(), NotSent> {
    let found = shared.reads.view(None).keyset_by_number(keyset).await;
    match found.map_err(|error| NotSent::Unavailable(error.to_string()))? {
        Some(found) => moved(shared, &found.project.into(), keyset, user).await,
        None => Ok(()),
    }
}
