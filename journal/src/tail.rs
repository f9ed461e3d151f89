//! How far the order reaches, and its most recent part in memory.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;

use crate::{Event, Position};

/// What the appender publishes to readers after each commit.
///
/// Projections, sagas and live listeners all read the newest events right
/// after their commit; they get them from here without asking the database.
/// An event is here only when it is durable.
#[derive(Debug)]
pub(crate) struct Tail {
    head: AtomicU64,
    changed: watch::Sender<Position>,
    events: RwLock<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<Arc<Event>>,
    bytes: usize,
}

/// At most this many events are kept, with at most this much payload.
const EVENTS: usize = 8192;
const BYTES: usize = 16 << 20;

impl Tail {
    pub(crate) fn new(head: Position) -> Self {
        Self {
            head: AtomicU64::new(head),
            changed: watch::Sender::new(head),
            events: RwLock::default(),
        }
    }

    pub(crate) fn head(&self) -> Position {
        self.head.load(Ordering::Acquire)
    }

    /// Makes committed events visible. They may leave a gap behind the events
    /// that are kept, when another node wrote what is between; what is here
    /// already is not kept twice.
    pub(crate) fn publish(&self, events: Vec<Event>) {
        let (Some(first), Some(head)) = (
            events.first().map(|event| event.position),
            events.last().map(|event| event.position),
        ) else {
            return;
        };
        {
            let mut kept = self.events.write().unwrap_or_else(PoisonError::into_inner);
            let next = kept.events.back().map_or(first, |last| last.position + 1);
            if next < first {
                *kept = Kept::default();
            }
            for event in events.into_iter().filter(|event| event.position >= next) {
                kept.bytes += event.payload.get().len();
                kept.events.push_back(Arc::new(event));
            }
            while kept.events.len() > EVENTS || kept.bytes > BYTES {
                let Some(oldest) = kept.events.pop_front() else {
                    break;
                };
                kept.bytes -= oldest.payload.get().len();
            }
        }
        self.advance(head);
    }

    /// Moves the head without events to keep and forgets those it has: what is
    /// before it is read from the database.
    pub(crate) fn skip_to(&self, head: Position) {
        if head != self.head() {
            let mut kept = self.events.write().unwrap_or_else(PoisonError::into_inner);
            *kept = Kept::default();
            drop(kept);
            self.advance(head);
        }
    }

    /// Moves the head to where it is known to be, without events to keep. Never
    /// backwards: two may tell of the same commit in either order.
    pub(crate) fn advance(&self, head: Position) {
        self.head.fetch_max(head, Ordering::AcqRel);
        self.changed.send_if_modified(|seen| {
            let is_new = *seen < head;
            *seen = head.max(*seen);
            is_new
        });
    }

    /// The first of the events after `after`, if they are still here.
    pub(crate) fn read(&self, after: Position, limit: usize) -> Option<Vec<Event>> {
        let found: Vec<Arc<Event>> = {
            let kept = self.events.read().unwrap_or_else(PoisonError::into_inner);
            let first = kept.events.front()?.position;
            let skip = usize::try_from((after.checked_add(1)?).checked_sub(first)?).ok()?;
            kept.events.iter().skip(skip).take(limit).cloned().collect()
        };
        if found.is_empty() {
            return None;
        }
        Some(found.iter().map(|event| Event::clone(event)).collect())
    }

    /// See [`crate::Journal::wait_beyond`].
    pub(crate) async fn wait_beyond(&self, position: Position, timeout: Duration) -> Position {
        if self.head() <= position {
            let mut changed = self.changed.subscribe();
            let passed = changed.wait_for(|head| *head > position);
            // Past the timeout, or closed: the head as it is now is the answer.
            let _ = tokio::time::timeout(timeout, passed).await;
        }
        self.head()
    }
}
