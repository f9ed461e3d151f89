//! What is sent, by whom, and what the sender is told.

use std::collections::BTreeMap;

use aggregates::TriggerKind;
use serde_json::Value;

/// Bytes of a message as JSON.
pub const MESSAGE_LIMIT: usize = 32 << 10;
/// Bytes of a signal as JSON.
pub const SIGNAL_LIMIT: usize = 64;
/// Functions in a chain: what the last of them sends starts none.
pub const HOPS: u32 = 3;

/// How something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Delivered.
    Publish,
    /// For functions only.
    Fire,
    /// Small and delivered.
    Signal,
    /// A file was shared.
    File,
}

impl Verb {
    /// The word that functions see.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Fire => "fire",
            Self::Signal => "signal",
            Self::File => "file",
        }
    }

    pub(super) fn before(self) -> TriggerKind {
        match self {
            Self::Publish | Self::Fire => TriggerKind::BeforePublish,
            Self::Signal => TriggerKind::BeforeSignal,
            Self::File => TriggerKind::BeforePublishFile,
        }
    }

    pub(super) fn after(self) -> TriggerKind {
        match self {
            Self::Publish | Self::Fire => TriggerKind::AfterPublish,
            Self::Signal => TriggerKind::AfterSignal,
            Self::File => TriggerKind::AfterPublishFile,
        }
    }

    pub(super) fn limit(self) -> usize {
        match self {
            Self::Signal => SIGNAL_LIMIT,
            _ => MESSAGE_LIMIT,
        }
    }
}

/// What functions are told of whoever sent something.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    /// Its address.
    pub ip: String,
    /// Its origin.
    pub origin: String,
    /// Its program.
    pub agent: String,
    /// Parameters of the request, without credentials.
    pub params: BTreeMap<String, String>,
    /// The address of the request, without credentials.
    pub uri: String,
}

impl Sender {
    /// A function.
    pub fn function() -> Self {
        Self {
            ip: "0.0.0.0".to_owned(),
            agent: "PubNub-Functions".to_owned(),
            ..Self::default()
        }
    }
}

/// Something that is sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// How.
    pub verb: Verb,
    /// Where.
    pub channel: String,
    /// What.
    pub message: Value,
    /// What its sender says of it.
    pub meta: Option<Value>,
    /// The user who sends it.
    pub user: Option<String>,
    /// The program that sends it.
    pub sender: Sender,
    /// How many functions have led to it: 0 from outside.
    pub hop: u32,
    /// What all of this belongs to; empty: a chain of its own.
    pub correlation: String,
}

/// What the sender is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What came of it.
    pub outcome: Outcome,
    /// When.
    pub timetoken: u64,
}

/// What came of something that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is on its way. `unseen`: functions would have seen it, but the chain is too long.
    Sent {
        /// No function was started.
        unseen: bool,
    },
    /// It cannot be sent.
    Invalid(&'static str),
    /// It is larger than what is sent may be.
    TooLarge,
    /// A function aborted it, with this text.
    Aborted(String),
    /// A function before it failed, with this text.
    Failed(String),
}

impl Answer {
    /// The answer on the wire.
    pub fn parts(&self) -> (u8, String, String) {
        let (number, text) = match &self.outcome {
            Outcome::Sent { .. } => (1, "Sent".to_owned()),
            Outcome::Invalid(text) => (0, (*text).to_owned()),
            Outcome::TooLarge => (0, "Message Too Large".to_owned()),
            Outcome::Aborted(text) => (0, text.clone()),
            Outcome::Failed(text) => (0, format!("Function error: {text}")),
        };
        (number, text, self.timetoken.to_string())
    }
}

/// Why something was not sent; the sender may try again.
#[derive(Debug, thiserror::Error)]
pub enum NotSent {
    /// There is no such keyset (any more).
    #[error("the keyset does not exist")]
    NoKeyset,
    /// What it needs is not there right now.
    #[error("{0}")]
    Unavailable(String),
}
