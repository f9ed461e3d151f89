//! What the tests need of a backend, and how they speak.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use journal::{
    Append, Appended, Clock, Event, Journal, Metadata, NewEvent, Outcome, Sequence, StreamId,
    verify,
};
use serde_json::value::RawValue;

/// One place where a journal is kept, for the time of one test.
#[async_trait::async_trait]
pub trait Bed: Send + Sync {
    /// Opens the journal, again if it was open and closed before.
    async fn open(&self, clock: Clock) -> Arc<dyn Journal>;

    /// Whether it is a database that can be changed with [`Bed::tamper`].
    fn has_sql(&self) -> bool {
        true
    }

    /// Whether events are recorded at the time of the clock that the journal
    /// was opened with.
    fn has_clock(&self) -> bool {
        true
    }

    /// Whether requests that are sent at the same time are decided in the order
    /// in which they were sent, and not only those to the same stream.
    fn has_queue(&self) -> bool {
        true
    }

    /// Runs a statement behind the back of the (closed) journal, which changes
    /// one row. False: the types of the columns do not let it.
    async fn tamper(&self, sql: &str) -> bool;

    /// Bytes, given in hexadecimal, as a literal of the backend's SQL.
    fn bytes(&self, hex: &str) -> String;
}

/// A clock that a test sets.
#[derive(Clone, Default)]
pub struct Hand(Arc<AtomicI64>);

impl Hand {
    pub fn at(millis: i64) -> Self {
        let hand = Self::default();
        hand.set(millis);
        hand
    }

    pub fn set(&self, millis: i64) {
        self.0.store(millis, Ordering::SeqCst);
    }

    pub fn clock(&self) -> Clock {
        let hand = Arc::clone(&self.0);
        Clock::new(move || hand.load(Ordering::SeqCst))
    }
}

pub fn stream(key: &str) -> StreamId {
    StreamId::new("counter", key)
}

pub fn event(payload: &str) -> NewEvent {
    NewEvent {
        kind: "Counted".to_owned(),
        version: "1".to_owned(),
        payload: RawValue::from_string(payload.to_owned()).expect("JSON"),
    }
}

/// An append of events whose payloads are numbers.
pub fn append(key: &str, expected: Sequence, payloads: &[u64]) -> Append {
    Append {
        stream: stream(key),
        expected,
        events: payloads.iter().map(|n| event(&n.to_string())).collect(),
        metadata: Metadata {
            actor: "test".to_owned(),
            ..Metadata::default()
        },
        fingerprint: None,
    }
}

/// The same, as a command that is to be remembered.
pub fn command(id: &str, print: u8, append: Append) -> Append {
    Append {
        metadata: Metadata {
            command_id: id.to_owned(),
            ..append.metadata
        },
        fingerprint: Some([print; 32]),
        ..append
    }
}

pub fn appended(outcome: &Outcome) -> Appended {
    match outcome {
        Outcome::Appended(appended) => *appended,
        other => panic!("not appended: {other:?}"),
    }
}

/// Every event, in pages, with everything checked that must always hold.
pub async fn everything(journal: &dyn Journal) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    loop {
        let after = events.len() as u64;
        let page = journal.read_all(after, 7).await.expect("read_all");
        if page.is_empty() {
            break;
        }
        events.extend(page);
    }
    let mut last = std::collections::HashMap::new();
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event.position, index as u64 + 1, "positions are contiguous");
        let sequence = last.entry(event.stream.clone()).or_insert(0);
        *sequence += 1;
        assert_eq!(event.sequence, *sequence, "sequences are contiguous");
        assert_eq!(event.event_id.get_version_num(), 7);
        if index > 0 {
            assert!(events[index - 1].recorded_at <= event.recorded_at);
        }
    }
    assert_eq!(journal.head(), events.len() as u64);
    let stored = journal.read_stored(0, usize::MAX).await.expect("stored");
    // Not with assert_eq: it would show all of both.
    for (memory, stored) in events.iter().zip(&stored) {
        let (memory, stored) = (format!("{memory:?}"), format!("{stored:?}"));
        assert_eq!(memory, stored, "memory is what is stored");
    }
    assert_eq!(events.len(), stored.len(), "memory is what is stored");
    let report = verify(journal, 0).await.expect("verify");
    assert_eq!(report.broken, None);
    assert_eq!(report.checked, events.len() as u64);
    events
}

/// All that there is to compare of events.
pub fn shown(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| format!("{event:?}")).collect()
}

pub fn numbers(events: &[Event]) -> Vec<u64> {
    let number = |event: &Event| event.payload.get().parse().expect("a number");
    events.iter().map(number).collect()
}
