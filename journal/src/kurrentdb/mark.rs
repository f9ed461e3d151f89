//! Places from which the order can be continued.

use super::at::At;
use super::record::Content;
use crate::batch::Tip;
use crate::shared::{Columns, Shared};
use crate::{Event, chain};

/// An event's place in both orders and the chain up to it: all that is needed
/// to place the events behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) tip: Tip,
    /// Where the server has the event; `None` before the first one.
    pub(super) at: Option<At>,
}

/// The place of one event, for when its content is read from its stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) position: u64,
    pub(super) at: At,
    pub(super) recorded_at: i64,
    pub(super) previous_hash: [u8; 32],
    pub(super) hash: [u8; 32],
}

impl Mark {
    /// Before everything.
    pub(super) const START: Self = Self {
        tip: Tip::START,
        at: None,
    };

    /// The place behind this one, for an event that the server has at `at`.
    ///
    /// This is the one rule by which every node finds position, time and hash.
    pub(super) fn next(
        &self,
        at: At,
        event_id: uuid::Uuid,
        content: Content,
        shared: &mut Shared,
    ) -> Event {
        let place = Place {
            position: self.tip.position + 1,
            at,
            recorded_at: self.tip.recorded_at.max(content.created),
            previous_hash: self.tip.hash,
            hash: chain::GENESIS,
        };
        let mut event = place.event(event_id, content, shared);
        event.hash = chain::hash(&event);
        event
    }

    /// The mark at an event.
    pub(super) fn of(event: &Event, at: At) -> Self {
        Self {
            tip: Tip {
                position: event.position,
                hash: event.hash,
                recorded_at: event.recorded_at,
            },
            at: Some(at),
        }
    }
}

impl Place {
    /// The place that an event has.
    pub(super) fn of(event: &Event, at: At) -> Self {
        Self {
            position: event.position,
            at,
            recorded_at: event.recorded_at,
            previous_hash: event.previous_hash,
            hash: event.hash,
        }
    }

    /// The event that stands here.
    pub(super) fn event(
        &self,
        event_id: uuid::Uuid,
        content: Content,
        shared: &mut Shared,
    ) -> Event {
        let metadata = &content.metadata;
        Event {
            position: self.position,
            sequence: content.sequence,
            kind: shared.name(&content.kind),
            version: shared.name(&content.version),
            payload: content.payload,
            metadata: shared.metadata(&Columns {
                command_id: &metadata.command_id,
                actor: &metadata.actor,
                correlation_id: &metadata.correlation_id,
                causation_id: &metadata.causation_id,
                request_id: &metadata.request_id,
                project: &metadata.project,
                extra: &metadata.extra,
            }),
            stream: content.stream,
            event_id,
            recorded_at: self.recorded_at,
            previous_hash: self.previous_hash,
            hash: self.hash,
        }
    }
}
