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

    /// Makes committed events visible; they follow the head without a gap.
    pub(crate) fn publish(&self, events: Vec<Event>) {
        let Some(head) = events.last().map(|event| event.position) else {
            return;
        };
        {
            let mut kept = self.events.write().unwrap_or_else(PoisonError::into_inner);
            for event in events {
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
        self.move_to(head);
    }

    /// Moves the head without events to keep: what is before it is read from
    /// the database.
    pub(crate) fn skip_to(&self, head: Position) {
        if head != self.head() {
            let mut kept = self.events.write().unwrap_or_else(PoisonError::into_inner);
            *kept = Kept::default();
            drop(kept);
            self.move_to(head);
        }
    }

    fn move_to(&self, head: Position) {
        self.head.store(head, Ordering::Release);
        self.changed.send_replace(head);
    }

    /// The events after `after`, if they are all still here.
    pub(crate) fn read(&self, after: Position, limit: usize) -> Option<Vec<Event>> {
        let found: Vec<Arc<Event>> = {
            let kept = self.events.read().unwrap_or_else(PoisonError::into_inner);
            let first = kept.events.front()?.position;
            let skip = usize::try_from((after.checked_add(1)?).checked_sub(first)?).ok()?;
            kept.events.iter().skip(skip).take(limit).cloned().collect()
        };
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
