//! What an event looks like on the server.
//!
//! The payload is the event's data, byte for byte. Who and why is the event's
//! metadata, a JSON object of strings, with the names that the server's own
//! projections know where they have one.

use kurrentdb::{EventData, RecordedEvent};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::names::Names;
use crate::{Error, Event, Metadata, NewEvent, Sequence, StreamId};

/// Events that are to be written to one stream by one append of the server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Write {
    pub(super) stream: StreamId,
    /// The sequence that the stream has before.
    pub(super) expected: Sequence,
    /// When it was decided; goes into the ids.
    millis: i64,
    /// Makes the ids those of this append and no other: the fingerprint of the
    /// command, or a random number.
    seed: String,
    pub(super) events: Vec<Planned>,
}

/// An event that is to be written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Planned {
    kind: String,
    version: String,
    payload: Box<RawValue>,
    metadata: Metadata,
}

impl Planned {
    pub(super) fn new(event: NewEvent, metadata: Metadata) -> Self {
        Self {
            kind: event.kind,
            version: event.version,
            payload: event.payload,
            metadata,
        }
    }
}

/// The metadata of an event of ours. What is empty is left out.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Fields {
    /// The version of the payload's shape; only events of ours have it.
    #[serde(rename = "strata-version")]
    version: Option<String>,
    #[serde(rename = "strata-command", skip_serializing_if = "String::is_empty")]
    command_id: String,
    #[serde(rename = "strata-actor", skip_serializing_if = "String::is_empty")]
    actor: String,
    #[serde(rename = "$correlationId", skip_serializing_if = "String::is_empty")]
    correlation_id: String,
    #[serde(rename = "$causationId", skip_serializing_if = "String::is_empty")]
    causation_id: String,
    #[serde(rename = "strata-request", skip_serializing_if = "String::is_empty")]
    request_id: String,
    #[serde(rename = "strata-project", skip_serializing_if = "String::is_empty")]
    project: String,
    #[serde(rename = "strata-extra", skip_serializing_if = "String::is_empty")]
    extra: String,
    /// When another journal recorded it, from which it was restored.
    #[serde(rename = "strata-recorded-at", skip_serializing_if = "Option::is_none")]
    recorded_at: Option<i64>,
}

impl Fields {
    fn new(version: &str, metadata: Metadata) -> Self {
        Self {
            version: Some(version.to_owned()),
            command_id: metadata.command_id,
            actor: metadata.actor,
            correlation_id: metadata.correlation_id,
            causation_id: metadata.causation_id,
            request_id: metadata.request_id,
            project: metadata.project,
            extra: metadata.extra,
            recorded_at: None,
        }
    }
}

impl Write {
    pub(super) fn new(
        stream: StreamId,
        expected: Sequence,
        millis: i64,
        seed: String,
        events: Vec<Planned>,
    ) -> Self {
        Self {
            stream,
            expected,
            millis,
            seed,
            events,
        }
    }

    /// The id of the event at `index`. It follows from the append alone, so
    /// that whoever repeats the append repeats the ids.
    pub(super) fn event_id(&self, index: usize) -> Uuid {
        let mut hasher = Sha256::new();
        hasher.update(b"strata.kurrentdb.event.1");

        let command_id = self
            .events
            .get(index)
            .map(|event| &event.metadata.command_id);
        for text in [
            &*self.seed,
            &*self.stream.kind,
            &*self.stream.key,
            command_id.map_or("", String::as_str),
        ] {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.update((self.expected + 1 + index as u64).to_be_bytes());
        let digest: [u8; 32] = hasher.finalize().into();
        let mut part = [0; 10];
        part.copy_from_slice(&digest[..10]);
        let millis = u64::try_from(self.millis).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &part).into_uuid()
    }

    /// The events as the client sends them.
    pub(super) fn data(&self) -> Result<Vec<EventData>, Error> {
        let events = self.events.iter().enumerate();
        let data = events.map(|(index, event)| {
            let fields = Fields::new(&event.version, event.metadata.clone());
            EventData::json(&event.kind, &event.payload)?
                .id(self.event_id(index))
                .metadata_as_json(&fields)
        });
        data.collect::<serde_json::Result<_>>()
            .map_err(|error| Error::Unstorable(format!("KurrentDB: {error}")))
    }
}

/// An event of another journal, to be written with its id and its time.
pub(super) fn restored(event: &Event) -> Result<EventData, Error> {
    let fields = Fields {
        recorded_at: Some(event.recorded_at),
        ..Fields::new(&event.version, (*event.metadata).clone())
    };
    let data = EventData::json(&*event.kind, &event.payload);
    let data = data.and_then(|data| data.id(event.event_id).metadata_as_json(&fields));
    data.map_err(|error| Error::Unstorable(format!("KurrentDB: {error}")))
}

/// What a record says, without its place in the order.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) stream: StreamId,
    pub(super) sequence: Sequence,
    pub(super) kind: String,
    pub(super) version: String,
    pub(super) payload: Box<RawValue>,
    pub(super) metadata: Metadata,
    /// When the server took it, or the journal that it was restored from, in
    /// milliseconds since the Unix epoch.
    pub(super) created: i64,
}

/// Reads a record: `None` when its stream has a name that no journal gave, an
/// error of words when it cannot be an event.
pub(super) fn read(names: &Names, record: &RecordedEvent) -> Result<Option<Content>, String> {
    let Some(stream) = names.parse(record.stream_id()) else {
        return Ok(None);
    };
    let sequence = record.revision + 1;
    let payload: Box<RawValue> = serde_json::from_slice(&record.data).map_err(|error| {
        format!(
            "the payload of the event {sequence} of {stream}, a {}, is not JSON: {error}",
            record.event_type
        )
    })?;
    let (version, metadata, recorded_at) = metadata(record);
    Ok(Some(Content {
        stream,
        sequence,
        kind: record.event_type.clone(),
        version,
        payload,
        metadata,
        created: recorded_at.unwrap_or_else(|| created(record)),
    }))
}

/// The events of other programs have no version of ours; what they keep stays
/// as it is.
fn metadata(record: &RecordedEvent) -> (String, Metadata, Option<i64>) {
    let bytes = &*record.custom_metadata;
    let fields: Fields = serde_json::from_slice(bytes).unwrap_or_default();
    let Some(version) = fields.version else {
        let extra = String::from_utf8_lossy(bytes).into_owned();
        return ("1".to_owned(), Metadata::from_extra(extra), None);
    };
    let metadata = Metadata {
        command_id: fields.command_id,
        actor: fields.actor,
        correlation_id: fields.correlation_id,
        causation_id: fields.causation_id,
        request_id: fields.request_id,
        project: fields.project,
        extra: fields.extra,
    };
    (version, metadata, fields.recorded_at)
}

/// The client rounds this to seconds; the server sends ticks of 100 ns.
pub(super) fn created(record: &RecordedEvent) -> i64 {
    let ticks = record.metadata.get("created").map(|ticks| ticks.parse());
    match ticks {
        Some(Ok::<i64, _>(ticks)) => ticks / 10_000,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(seed: u8, key: &str, command_id: &str) -> Write {
        let event = NewEvent {
            kind: "Counted".to_owned(),
            version: "1".to_owned(),
            payload: RawValue::from_string(" 1".to_owned()).expect("JSON"),
        };
        let metadata = Metadata {
            command_id: command_id.to_owned(),
            ..Metadata::default()
        };
        let events = vec![Planned::new(event, metadata); 2];
        Write::new(
            StreamId::new("a", key),
            3,
            1_700_000_000_000,
            seed.to_string(),
            events,
        )
    }

    /// The ids of what was claimed before a crash are computed again after it.
    #[test]
    fn ids_follow_from_the_append() {
        let one = write(1, "k", "c");
        let text = serde_json::to_string(&one).expect("JSON");
        let again: Write = serde_json::from_str(&text).expect("JSON");
        assert_eq!(one.event_id(0), again.event_id(0));
        assert_eq!(
            one.event_id(0).to_string(),
            "018bcfe5-6800-7784-b149-fb8209f08dd5"
        );
        assert_eq!(one.event_id(0).get_version_num(), 7);
        let others = [write(2, "k", "c"), write(1, "l", "c"), write(1, "k", "d")];
        for other in others {
            assert_ne!(one.event_id(0), other.event_id(0));
        }
        assert_ne!(one.event_id(0), one.event_id(1));
    }
}
