//! `pubnub`: what functions send themselves, and who is there to hear it.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Answered, Host, Line, just, no, parse};
use crate::pubnub::dispatch::{
    self, Answer, MESSAGE_LIMIT, Outcome, SIGNAL_LIMIT, Sender, Sent, Verb,
};

/// Calls in one execution.
const CALLS: u32 = 10;

#[derive(Deserialize)]
struct Publish {
    mode: String,
    channel: String,
    message: Value,
    meta: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HereNow {
    channels: Vec<String>,
    #[serde(rename = "includeUUIDs")]
    include_users: Option<bool>,
    include_state: Option<bool>,
}

#[derive(Deserialize)]
struct WhereNow {
    uuid: String,
}

impl Host {
    pub(super) async fn publish(&self, arg: &str) -> Answered {
        let asked: Publish = parse(arg)?;
        self.spend("pubnub", CALLS, |spent| &mut spent.pubnub)?;
        let (verb, call, limit) = match asked.mode.as_str() {
            "publish" => (Verb::Publish, "pubnub.publish", MESSAGE_LIMIT),
            "fire" => (Verb::Fire, "pubnub.fire", MESSAGE_LIMIT),
            "signal" => (Verb::Signal, "pubnub.signal", SIGNAL_LIMIT),
            _ => return Err(no("pubnub: there are publish, fire and signal")),
        };
        if asked.message.to_string().len() > limit {
            let text = format!("{call}: the message is longer than {limit} bytes");
            return Err(no(text));
        }
        let (shared, keyset) = (&self.0.shared, self.0.call.keyset);
        let about = json!({
            "channel": asked.channel,
            "message": asked.message,
            "meta": asked.meta,
        });
        self.note(call, about, !self.0.is_dry);
        if self.0.is_dry {
            let timetoken = shared.messages.timetoken(keyset);
            return just(json!({ "answer": [1, "Sent", timetoken.to_string()] }));
        }
        let sent = Sent {
            verb,
            channel: asked.channel,
            message: asked.message,
            meta: asked.meta,
            user: None,
            sender: Sender::function(),
            hop: self.0.call.hop,
            correlation: self.0.correlation.clone(),
        };
        // The box keeps the future of a function that starts functions finite.
        let sending = Box::pin(dispatch::send(shared, &self.0.project, keyset, sent));
        let answer: Answer = sending.await?;
        if answer.outcome == (Outcome::Sent { unseen: true }) {
            let text =
                format!("{call}: no function sees this message, it is the last of its chain");
            self.write(Line::warning(text));
        }
        just(json!({ "answer": answer.parts() }))
    }

    pub(super) fn here_now(&self, arg: &str) -> Answered {
        let asked: HereNow = parse(arg)?;
        self.spend("pubnub", CALLS, |spent| &mut spent.pubnub)?;
        let about = json!({ "channels": asked.channels });
        self.note("pubnub.hereNow", about, true);
        let messages = &self.0.shared.messages;
        let here = messages.here(self.0.call.keyset, &asked.channels);
        let with_users = asked.include_users.unwrap_or(true);
        let with_state = asked.include_state.unwrap_or(false);
        let mut channels = Map::new();
        let mut total = 0;
        for name in &asked.channels {
            let empty = json!({ "name": name, "occupancy": 0, "occupants": [] });
            channels.insert(name.clone(), empty);
        }
        for channel in here {
            let occupants: Vec<_> = channel
                .users
                .iter()
                .filter(|_| with_users)
                .map(|(user, state)| match with_state {
                    true => json!({ "uuid": user, "state": state }),
                    false => json!({ "uuid": user }),
                })
                .collect();
            total += channel.users.len();
            let shown = json!({
                "name": channel.channel,
                "occupancy": channel.users.len(),
                "occupants": occupants,
            });
            channels.insert(channel.channel, shown);
        }
        just(json!({ "answer": {
            "totalChannels": channels.len(),
            "totalOccupancy": total,
            "channels": channels,
        }}))
    }

    pub(super) fn where_now(&self, arg: &str) -> Answered {
        let WhereNow { uuid } = parse(arg)?;
        self.spend("pubnub", CALLS, |spent| &mut spent.pubnub)?;
        self.note("pubnub.whereNow", json!({ "uuid": uuid }), true);
        let messages = &self.0.shared.messages;
        let channels = messages.whereabouts(self.0.call.keyset, &uuid);
        just(json!({ "answer": { "channels": channels } }))
    }
}
