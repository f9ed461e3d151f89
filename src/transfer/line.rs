//! The lines of a file.

use std::sync::Arc;

use journal::{Appended, Command, Event, Metadata, StreamId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Summary;

/// The version of the format.
pub(super) const FORMAT: u32 = 1;

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Line {
    /// The first: the version of the format.
    Strata(u32),
    /// An event as it is stored.
    Event(Box<Stored>),
    /// The outcome of a command id.
    Command(Outcome),
    /// A data key.
    DataKey(DataKey),
    /// A row of the store of records.
    Record(records::Row),
    /// The last.
    End(Summary),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Outcome {
    id: String,
    #[serde(with = "hash")]
    fingerprint: [u8; 32],
    appended: Appended,
}

#[derive(Serialize, Deserialize)]
pub(super) struct DataKey {
    pub(super) id: String,
    /// Wrapped, in hexadecimal.
    pub(super) wrapped: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stored {
    position: u64,
    stream: StreamId,
    sequence: u64,
    r#type: Arc<str>,
    version: Arc<str>,
    payload: Payload,
    metadata: Arc<Metadata>,
    event_id: uuid::Uuid,
    recorded_at: i64,
    #[serde(with = "hash")]
    previous_hash: [u8; 32],
    #[serde(with = "hash")]
    hash: [u8; 32],
}

/// The hash covers the payload as it is written. One that has line breaks in
/// it, as other programs may store them, is kept as a text.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Payload {
    Json(Box<RawValue>),
    Text(String),
}

impl From<Event> for Stored {
    fn from(event: Event) -> Self {
        let payload = match event.payload.get().contains(['\n', '\r']) {
            true => Payload::Text(event.payload.get().to_owned()),
            false => Payload::Json(event.payload),
        };
        Self {
            position: event.position,
            stream: event.stream,
            sequence: event.sequence,
            r#type: event.kind,
            version: event.version,
            payload,
            metadata: event.metadata,
            event_id: event.event_id,
            recorded_at: event.recorded_at,
            previous_hash: event.previous_hash,
            hash: event.hash,
        }
    }
}

impl TryFrom<Stored> for Event {
    type Error = serde_json::Error;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let payload = match stored.payload {
            Payload::Json(payload) => payload,
            Payload::Text(text) => RawValue::from_string(text)?,
        };
        Ok(Self {
            position: stored.position,
            stream: stored.stream,
            sequence: stored.sequence,
            kind: stored.r#type,
            version: stored.version,
            payload,
            metadata: stored.metadata,
            event_id: stored.event_id,
            recorded_at: stored.recorded_at,
            previous_hash: stored.previous_hash,
            hash: stored.hash,
        })
    }
}

impl From<Command> for Outcome {
    fn from(command: Command) -> Self {
        Self {
            id: command.id,
            fingerprint: command.fingerprint,
            appended: command.appended,
        }
    }
}

impl From<Outcome> for Command {
    fn from(outcome: Outcome) -> Self {
        Self {
            id: outcome.id,
            fingerprint: outcome.fingerprint,
            appended: outcome.appended,
        }
    }
}

/// 32 bytes as hexadecimal digits.
pub(super) mod hash {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(in crate::transfer) fn serialize<S: Serializer>(
        bytes: &[u8; 32],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(bytes))
    }

    pub(in crate::transfer) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = hex::decode(text).map_err(D::Error::custom)?;
        let length = |_| D::Error::custom("32 bytes are needed");
        bytes.try_into().map_err(length)
    }
}
