//! What goes into the journal and what comes out of it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A place in the one global order. The first event has position 1; 0 means
/// "before everything". Positions are contiguous.
pub type Position = u64;

/// A place within one stream. The first event has sequence 1; 0 means that the
/// stream does not exist yet.
pub type Sequence = u64;

/// Names one stream: `{kind}-{key}`, for example `function-default:hello`.
///
/// The kind is the aggregate type (no `-` in it), the key is the aggregate id.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StreamId {
    /// The aggregate type, for example `function`.
    pub kind: Arc<str>,
    /// The aggregate id, for example `default:hello`.
    pub key: Arc<str>,
}

impl StreamId {
    /// A stream id from its two parts.
    pub fn new(kind: impl Into<Arc<str>>, key: impl Into<Arc<str>>) -> Self {
        Self {
            kind: kind.into(),
            key: key.into(),
        }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.kind, self.key)
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Who and what caused an event. Stored in typed columns beside the payload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The command that was decided, unique per command and project.
    pub command_id: String,
    /// Who asked: `key:<id>`, `user:<id>`, `guest`, `saga:<name>`, `cli`, `root`.
    pub actor: String,
    /// One id for everything that follows from one outside request.
    pub correlation_id: String,
    /// The event or command that this follows from, or empty.
    pub causation_id: String,
    /// The HTTP request id, or empty.
    pub request_id: String,
    /// The project the command was for, or empty.
    pub project: String,
    /// Whatever else a program keeps with its events, as the text of a JSON
    /// object, or empty (as all of Strata's own events have it). It is what
    /// `cqrs-es` programs store as metadata.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

impl Metadata {
    /// Metadata that a `cqrs-es` program keeps: the entries that have columns
    /// of their own are taken out of the JSON object, which stays as it is.
    pub(crate) fn from_extra(extra: String) -> Self {
        let value: serde_json::Value = serde_json::from_str(&extra).unwrap_or_default();
        let entry = |name: &str| {
            let text = value.get(name).and_then(serde_json::Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        Self {
            command_id: entry("command_id"),
            actor: entry("actor"),
            correlation_id: entry("correlation_id"),
            causation_id: entry("causation_id"),
            request_id: entry("request_id"),
            project: entry("project"),
            extra,
        }
    }
}

/// An event that a decision produced and that has no place in the order yet.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Event type, past tense, for example `FunctionCreated`.
    pub kind: String,
    /// Version of the payload's shape, for example `1`.
    pub version: String,
    /// The payload as JSON text.
    pub payload: Box<RawValue>,
}

/// One decision to be appended: all of its events or none, to one stream.
#[derive(Clone, Debug)]
pub struct Append {
    /// Where the events go.
    pub stream: StreamId,
    /// The sequence that the decision saw as the stream's last (0: no stream).
    pub expected: Sequence,
    /// In order. An empty list records only the outcome of the command id.
    pub events: Vec<NewEvent>,
    /// Applies to every event of this append.
    pub metadata: Metadata,
    /// A fingerprint of the command. Present: the command id is remembered
    /// with its outcome, and a second append with the same id answers with the
    /// first outcome when the fingerprints agree and with
    /// [`Outcome::Reused`] when they do not.
    pub fingerprint: Option<[u8; 32]>,
}

/// What became of one append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Durable.
    Appended(Appended),
    /// The command id was seen before with the same fingerprint; nothing was
    /// written now. Carries the outcome of the first time.
    Duplicate(Appended),
    /// The command id was seen before with another fingerprint.
    Reused,
    /// The stream is not where the decision saw it; nothing was written.
    Conflict(Conflict),
}

/// Where the events of an append stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appended {
    /// Position of the first event (of the head, when there was no event).
    pub first: Position,
    /// Position of the last event (of the head, when there was no event).
    pub last: Position,
    /// Sequence of the stream's last event afterwards.
    pub sequence: Sequence,
    /// Recorded time of the events, milliseconds since the Unix epoch.
    pub recorded_at: i64,
}

/// What is remembered of a command id that came with a fingerprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The command id.
    pub id: String,
    /// The fingerprint of the command.
    pub fingerprint: [u8; 32],
    /// What became of it.
    pub appended: Appended,
}

/// Expected and actual last sequence of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// What the append expected.
    pub expected: Sequence,
    /// What the stream's last sequence is.
    pub actual: Sequence,
}

/// An event with its place in the order.
#[derive(Clone, Debug)]
pub struct Event {
    /// Place in the global order.
    pub position: Position,
    /// The stream it belongs to.
    pub stream: StreamId,
    /// Place in the stream.
    pub sequence: Sequence,
    /// Event type, for example `FunctionCreated`.
    pub kind: Arc<str>,
    /// Version of the payload's shape.
    pub version: Arc<str>,
    /// The payload as JSON text.
    pub payload: Box<RawValue>,
    /// Who and what caused it.
    pub metadata: Arc<Metadata>,
    /// UUIDv7, made by the appender.
    pub event_id: uuid::Uuid,
    /// Milliseconds since the Unix epoch; never goes backwards along positions.
    pub recorded_at: i64,
    /// Hash of the event before it (32 zero bytes for the first).
    pub previous_hash: [u8; 32],
    /// SHA-256 over previous hash, position, stream, sequence, type, version,
    /// payload hash and metadata hash; the exact bytes are in [`crate::chain`].
    pub hash: [u8; 32],
}
