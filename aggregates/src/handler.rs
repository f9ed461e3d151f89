//! A function of the PubNub dialect, at one revision of its package, and what triggers it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::deployment::Artefact;
use crate::{Blob, HandlerId, HandlerRevisionId, PackageDeploymentId, PackageId, RevisionId};

/// What makes a handler run. The words are those of the dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the names say it")]
pub enum TriggerKind {
    BeforePublish,
    BeforePublishFile,
    BeforeSignal,
    AfterPublish,
    AfterPublishFile,
    AfterSignal,
    AfterPresence,
    OnInterval,
    OnRequest,
    SubscribeOnInterval,
}

impl TriggerKind {
    /// All of them, in the order of the dialect's table.
    pub const ALL: [Self; 10] = [
        Self::BeforePublish,
        Self::BeforePublishFile,
        Self::BeforeSignal,
        Self::AfterPublish,
        Self::AfterPublishFile,
        Self::AfterSignal,
        Self::AfterPresence,
        Self::OnInterval,
        Self::OnRequest,
        Self::SubscribeOnInterval,
    ];

    /// The word on the wire, for example `BEFORE_PUBLISH`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BeforePublish => "BEFORE_PUBLISH",
            Self::BeforePublishFile => "BEFORE_PUBLISH_FILE",
            Self::BeforeSignal => "BEFORE_SIGNAL",
            Self::AfterPublish => "AFTER_PUBLISH",
            Self::AfterPublishFile => "AFTER_PUBLISH_FILE",
            Self::AfterSignal => "AFTER_SIGNAL",
            Self::AfterPresence => "AFTER_PRESENCE",
            Self::OnInterval => "ON_INTERVAL",
            Self::OnRequest => "ON_REQUEST",
            Self::SubscribeOnInterval => "SUBSCRIBE_ON_INTERVAL",
        }
    }

    /// Whether the sender waits for it, and it may change or block what was sent.
    pub fn is_before(self) -> bool {
        matches!(
            self,
            Self::BeforePublish | Self::BeforePublishFile | Self::BeforeSignal
        )
    }

    /// Whether it gets a copy of what was sent, afterwards.
    pub fn is_after(self) -> bool {
        matches!(
            self,
            Self::AfterPublish | Self::AfterPublishFile | Self::AfterSignal | Self::AfterPresence
        )
    }

    /// Whether it runs by the clock.
    pub fn is_timed(self) -> bool {
        matches!(self, Self::OnInterval | Self::SubscribeOnInterval)
    }

    /// Whether it listens on a channel.
    pub fn has_channel(self) -> bool {
        self.is_before() || self.is_after() || self == Self::SubscribeOnInterval
    }
}

impl fmt::Display for TriggerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// When a handler runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// What makes it run.
    pub kind: TriggerKind,
    /// The channel or pattern it listens on; see [`crate::channel`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_channel: Option<String>,
    /// A channel that its console lines are published on as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_channel: Option<String>,
    /// The path that it answers, without a leading slash; see [`crate::route`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Milliseconds between the end of a run and the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<u32>,
}

/// A function at one revision of its package. Never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handler {
    /// The same in all revisions that have a function of this name.
    pub id: HandlerId,
    /// Of this function at this revision.
    pub revision: HandlerRevisionId,
    /// Unique in its revision.
    pub name: String,
    /// When it runs.
    pub trigger: Trigger,
    /// Its place among those of the same trigger.
    pub sort_order: u32,
    /// The source text.
    pub code: Blob,
    /// What runs.
    pub artefact: Artefact,
}

/// A call of a handler, as an execution records it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandlerCall {
    /// The keyset, by its number.
    pub keyset: u64,
    /// The deployment that it runs for; none: a run without one, on a test input.
    pub deployment: Option<PackageDeploymentId>,
    /// The package.
    pub package: PackageId,
    /// The revision of the package.
    pub revision: RevisionId,
    /// The function at this revision.
    pub handler: HandlerRevisionId,
    /// Its name.
    pub name: String,
    /// What made it run.
    pub kind: TriggerKind,
    /// The channel of what was sent, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub channel: String,
    /// How many functions have led to this call: 1 when the event came from outside.
    pub hop: u32,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// The first attempt, when this is a further one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<String>,
    /// Whether it is given up when it fails.
    pub is_last: bool,
}
