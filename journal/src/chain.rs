//! The hash chain: each event's hash covers the event and the hash before it.
//!
//! # Bytes
//!
//! Every hash is SHA-256. Numbers are eight bytes, big endian (two's complement
//! where they have a sign). `text(s)` is the length of `s` in bytes as such a
//! number, followed by its UTF-8 bytes, so no two lists of texts give the same
//! bytes.
//!
//! ```text
//! payload_hash  = SHA-256( payload as stored )
//! metadata_hash = SHA-256( "strata.metadata.1"
//!                        , text(command_id), text(actor), text(correlation_id)
//!                        , text(causation_id), text(request_id), text(project)
//!                        , text(extra), event_id (16 bytes), recorded_at )
//! hash          = SHA-256( "strata.event.1", previous_hash (32 bytes)
//!                        , position, text(stream kind), text(stream key)
//!                        , sequence, text(type), text(version)
//!                        , payload_hash, metadata_hash )
//! ```
//!
//! The previous hash of the event at position 1 is [`GENESIS`].

use sha2::{Digest, Sha256};

use crate::Event;

/// What stands in for the previous hash of the first event.
pub const GENESIS: [u8; 32] = [0; 32];

/// The hash that `event` must carry, from all of its other fields.
pub fn hash(event: &Event) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"strata.event.1");
    hasher.update(event.previous_hash);
    hasher.update(event.position.to_be_bytes());
    text(&mut hasher, &event.stream.kind);
    text(&mut hasher, &event.stream.key);
    hasher.update(event.sequence.to_be_bytes());
    text(&mut hasher, &event.kind);
    text(&mut hasher, &event.version);
    hasher.update(Sha256::digest(event.payload.get().as_bytes()));
    hasher.update(metadata(event));
    hasher.finalize().into()
}

fn metadata(event: &Event) -> [u8; 32] {
    let metadata = &*event.metadata;
    let mut hasher = Sha256::new();
    hasher.update(b"strata.metadata.1");
    text(&mut hasher, &metadata.command_id);
    text(&mut hasher, &metadata.actor);
    text(&mut hasher, &metadata.correlation_id);
    text(&mut hasher, &metadata.causation_id);
    text(&mut hasher, &metadata.request_id);
    text(&mut hasher, &metadata.project);
    text(&mut hasher, &metadata.extra);
    hasher.update(event.event_id.as_bytes());
    hasher.update(event.recorded_at.to_be_bytes());
    hasher.finalize().into()
}

fn text(hasher: &mut Sha256, text: &str) {
    hasher.update((text.len() as u64).to_be_bytes());
    hasher.update(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Metadata, StreamId};
    use serde_json::value::RawValue;
    use std::sync::Arc;

    fn event() -> Event {
        Event {
            position: 7,
            stream: StreamId::new("function", "default:hello"),
            sequence: 3,
            kind: "FunctionCreated".into(),
            version: "1".into(),
            payload: RawValue::from_string(r#"{"name":"hello"}"#.to_owned()).expect("JSON"),
            metadata: Arc::new(Metadata {
                command_id: "c".to_owned(),
                actor: "root".to_owned(),
                ..Metadata::default()
            }),
            event_id: uuid::Uuid::from_u128(1),
            recorded_at: 1_700_000_000_000,
            previous_hash: GENESIS,
            hash: GENESIS,
        }
    }

    /// The bytes are a stored format: a changed hash means that every journal
    /// written before no longer verifies.
    #[test]
    fn the_format_does_not_drift() {
        assert_eq!(
            hex::encode(hash(&event())),
            "76c06b206c5a5968f16f5b6364174b5a09314d1f5682e35ad2cf6fdf6f42fbfc"
        );
    }

    #[test]
    fn every_field_counts() {
        type Change = fn(&mut Event);
        fn meta(event: &mut Event) -> &mut Metadata {
            Arc::make_mut(&mut event.metadata)
        }
        let changes: &[Change] = &[
            |e| e.position += 1,
            |e| e.stream.kind = "functiond".into(),
            // The same bytes in a row, cut at another place.
            |e| e.stream = StreamId::new("functiond", "efault:hello"),
            |e| e.sequence += 1,
            |e| e.kind = "FunctionDeleted".into(),
            |e| e.version = "2".into(),
            |e| e.payload = RawValue::from_string("{}".to_owned()).expect("JSON"),
            |e| meta(e).command_id = "d".to_owned(),
            |e| meta(e).actor = "guest".to_owned(),
            |e| meta(e).correlation_id = "x".to_owned(),
            |e| meta(e).causation_id = "x".to_owned(),
            |e| meta(e).request_id = "x".to_owned(),
            |e| meta(e).project = "x".to_owned(),
            |e| meta(e).extra = "{}".to_owned(),
            |e| e.event_id = uuid::Uuid::from_u128(2),
            |e| e.recorded_at += 1,
            |e| e.previous_hash[31] = 1,
        ];
        let mut seen = std::collections::HashSet::from([hash(&event())]);
        for (index, change) in changes.iter().enumerate() {
            let mut changed = event();
            change(&mut changed);
            assert!(seen.insert(hash(&changed)), "change {index} is not covered");
        }
    }
}
