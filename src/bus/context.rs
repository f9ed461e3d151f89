//! Who sends a command and what it belongs to.

use journal::{Appended, Metadata};

/// Travels with a command into the metadata of its events.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// `key:<id>`, `root`, `guest`, `saga:<name>` or `cli`.
    pub actor: String,
    /// Unique per command; the client's `Idempotency-Key` when it sent one.
    pub command_id: String,
    /// One id for everything that follows from one outside request.
    pub correlation_id: String,
    /// The event or command that this follows from, or empty.
    pub causation_id: String,
    /// The HTTP request id, or empty.
    pub request_id: String,
    /// The project, or empty.
    pub project: String,
    /// Of the whole request. Set: the command id is remembered with its
    /// outcome, and a repeat answers with that outcome.
    pub fingerprint: Option<[u8; 32]>,
    /// The sequence the stream must be at (`If-Match`).
    pub if_match: Option<u64>,
}

impl Context {
    /// The context of a command that a saga sends. The id is derived from what
    /// the saga does, so that repeating a step is harmless.
    pub fn saga(name: &str, project: &str, step: &str, correlation: &str, cause: &str) -> Self {
        use sha2::{Digest, Sha256};
        let command_id = format!("{name}/{project}/{step}");
        let fingerprint = Sha256::digest(command_id.as_bytes()).into();
        Self {
            actor: format!("saga:{name}"),
            command_id,
            correlation_id: correlation.to_owned(),
            causation_id: cause.to_owned(),
            project: project.to_owned(),
            fingerprint: Some(fingerprint),
            ..Self::default()
        }
    }

    /// The context of a command that is sent once and never repeated.
    pub fn once(actor: impl Into<String>, project: impl Into<String>) -> Self {
        let command_id = uuid::Uuid::now_v7().to_string();
        Self {
            actor: actor.into(),
            correlation_id: command_id.clone(),
            command_id,
            project: project.into(),
            ..Self::default()
        }
    }

    pub(super) fn metadata(&self) -> Metadata {
        Metadata {
            command_id: self.command_id.clone(),
            actor: self.actor.clone(),
            correlation_id: self.correlation_id.clone(),
            causation_id: self.causation_id.clone(),
            request_id: self.request_id.clone(),
            project: self.project.clone(),
            ..Metadata::default()
        }
    }
}

/// A command that took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Position of its first event.
    pub first: u64,
    /// Position of its last event.
    pub position: u64,
    /// Sequence of its stream afterwards.
    pub sequence: u64,
    /// Milliseconds since the Unix epoch.
    pub recorded_at: i64,
    /// Whether it took effect earlier and this was a repeat.
    pub duplicate: bool,
}

impl Committed {
    pub(super) fn new(appended: Appended, duplicate: bool) -> Self {
        Self {
            first: appended.first,
            position: appended.last,
            sequence: appended.sequence,
            recorded_at: appended.recorded_at,
            duplicate,
        }
    }
}
