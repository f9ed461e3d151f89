//! A journal in memory that a test writes by hand.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aggregates::event::Event as Happened;
use journal::{
    Append, Appended, Error, Event, Journal, Metadata, Outcome, Position, Sequence, StreamId,
};
use serde_json::value::RawValue;
use tokio::sync::watch;

/// See the module.
pub struct Memory {
    events: Mutex<Vec<Event>>,
    sequences: Mutex<HashMap<StreamId, u64>>,
    head: watch::Sender<u64>,
}

impl Memory {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            events: Mutex::default(),
            sequences: Mutex::default(),
            head: watch::Sender::new(0),
        })
    }

    /// Adds an event as it would be stored and returns its position.
    pub fn push(&self, kind: &str, key: &str, at: i64, event: &Happened) -> u64 {
        let (name, payload) = payload(event);
        self.push_raw(kind, key, at, name, "1", &payload)
    }

    pub fn push_raw(
        &self,
        kind: &str,
        key: &str,
        at: i64,
        name: &str,
        version: &str,
        payload: &str,
    ) -> u64 {
        let mut events = self.events.lock().unwrap();
        let position = events.len() as u64 + 1;
        let stream = StreamId::new(kind, key);
        let mut sequences = self.sequences.lock().unwrap();
        let sequence = sequences.entry(stream.clone()).or_default();
        *sequence += 1;
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&position.to_be_bytes());
        hash[8..16].copy_from_slice(&(payload.len() as u64).to_be_bytes());
        let project = key.split(':').next().unwrap_or_default();
        events.push(Event {
            position,
            sequence: *sequence,
            kind: name.into(),
            version: version.into(),
            payload: RawValue::from_string(payload.to_owned()).unwrap(),
            metadata: Arc::new(Metadata {
                command_id: format!("command-{position}"),
                actor: format!("key:{}", position % 3),
                correlation_id: format!("correlation-{}", position % 5),
                causation_id: String::new(),
                request_id: format!("request-{position}"),
                project: project.to_owned(),
                extra: String::new(),
            }),
            event_id: uuid::Uuid::from_u128(position.into()),
            recorded_at: at,
            previous_hash: [0; 32],
            hash,
            stream,
        });
        drop(events);
        self.head.send_replace(position);
        position
    }

    pub fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }
}

/// Type and payload as the journal stores them.
pub fn payload(event: &Happened) -> (&'static str, String) {
    match event {
        Happened::Project(event) => (event.kind(), serde_json::to_string(event).unwrap()),
        Happened::Function(event) => (event.kind(), serde_json::to_string(event).unwrap()),
        Happened::Deployment(event) => (event.kind(), serde_json::to_string(event).unwrap()),
        Happened::Execution(event) => (event.kind(), serde_json::to_string(event).unwrap()),
        Happened::Integration(event) => (event.kind(), serde_json::to_string(event).unwrap()),
        Happened::Connection(event) => (event.kind(), serde_json::to_string(event).unwrap()),
        Happened::Sync(event) => (event.kind(), serde_json::to_string(event).unwrap()),
        Happened::DryRun(event) => (event.kind(), serde_json::to_string(event).unwrap()),
        Happened::Compilation(event) => (event.kind(), serde_json::to_string(event).unwrap()),
        Happened::Package(event) => (event.kind(), serde_json::to_string(event).unwrap()),
        Happened::Keyset(event) => (event.kind(), serde_json::to_string(event).unwrap()),
        Happened::PackageDeployment(event) => (event.kind(), serde_json::to_string(event).unwrap()),
        Happened::Entry(event) => (event.kind(), serde_json::to_string(event).unwrap()),
        Happened::Counter(event) => (event.kind(), serde_json::to_string(event).unwrap()),
        Happened::Sending(event) => (event.kind(), serde_json::to_string(event).unwrap()),
        Happened::Rejection(event) => (event.kind(), serde_json::to_string(event).unwrap()),
    }
}

#[async_trait::async_trait]
impl Journal for Memory {
    async fn append(&self, _append: Append) -> Result<Outcome, Error> {
        Err(Error::Closed)
    }

    async fn append_all(&self, _appends: Vec<Append>) -> Result<Vec<Outcome>, Error> {
        Err(Error::Closed)
    }

    async fn outcome(&self, _command_id: &str) -> Result<Option<(Appended, [u8; 32])>, Error> {
        Ok(None)
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<Event>, Error> {
        let events = self.events.lock().unwrap();
        let found = events
            .iter()
            .filter(|event| event.stream == *stream && event.sequence > after);
        Ok(found.take(limit).cloned().collect())
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Event>, Error> {
        let events = self.events.lock().unwrap();
        let found = events.iter().skip(after as usize);
        Ok(found.take(limit).cloned().collect())
    }

    fn head(&self) -> Position {
        *self.head.borrow()
    }

    async fn wait_beyond(&self, position: Position, timeout: Duration) -> Position {
        let mut head = self.head.subscribe();
        let _ = tokio::time::timeout(timeout, head.wait_for(|head| *head > position)).await;
        self.head()
    }

    async fn position_at(&self, millis: i64) -> Result<Position, Error> {
        let events = self.events.lock().unwrap();
        Ok(events.partition_point(|event| event.recorded_at <= millis) as u64)
    }

    async fn load_snapshot(
        &self,
        _stream: &StreamId,
        _fold_version: u32,
    ) -> Result<Option<(Sequence, Vec<u8>)>, Error> {
        Ok(None)
    }

    async fn save_snapshot(
        &self,
        _stream: &StreamId,
        _fold_version: u32,
        _sequence: Sequence,
        _state: Vec<u8>,
    ) -> Result<(), Error> {
        Ok(())
    }

    async fn close(&self) {}
}
