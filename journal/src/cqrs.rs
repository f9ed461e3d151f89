//! Lets plain `cqrs-es` programs run on a journal.

use std::sync::Arc;

use cqrs_es::Aggregate;
use cqrs_es::persist::{
    PersistedEventRepository, PersistenceError, ReplayFeed, ReplayStream, SerializedEvent,
    SerializedSnapshot,
};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::{
    Append, Error, Event, Journal, Metadata, NewEvent, Outcome, Position, Sequence, StreamId,
};

/// The event repository of `cqrs-es` over any journal: give it to a
/// `PersistedEventStore`.
///
/// The metadata of an event is kept as it is. The entries that Strata has
/// columns for (`command_id`, `actor`, `correlation_id`, `causation_id`,
/// `request_id`, `project`) are written there, too.
///
/// No snapshots are stored: cqrs-es 0.5.0 makes them with every event applied
/// twice. A program that asks for one gets the aggregate folded from its
/// events, so that all three kinds of `PersistedEventStore` give right answers.
#[derive(Clone)]
pub struct Repository {
    journal: Arc<dyn Journal>,
}

const CHUNK: usize = 256;

impl Repository {
    /// A repository of the events in `journal`.
    pub fn new(journal: Arc<dyn Journal>) -> Self {
        Self { journal }
    }

    async fn read(
        &self,
        stream: &StreamId,
        mut after: Sequence,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        let mut found = Vec::new();
        loop {
            let chunk = self.journal.read_stream(stream, after, CHUNK).await;
            let chunk = chunk.map_err(failed)?;
            let Some(last) = chunk.last() else {
                return Ok(found);
            };
            after = last.sequence;
            let full = chunk.len() == CHUNK;
            for event in &chunk {
                found.push(serialized(event)?);
            }
            if !full {
                return Ok(found);
            }
        }
    }
}

impl PersistedEventRepository for Repository {
    async fn get_events<A: Aggregate>(
        &self,
        aggregate_id: &str,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        self.read(&StreamId::new(A::TYPE, aggregate_id), 0).await
    }

    async fn get_last_events<A: Aggregate>(
        &self,
        aggregate_id: &str,
        last_sequence: usize,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        let stream = StreamId::new(A::TYPE, aggregate_id);
        self.read(&stream, last_sequence as u64).await
    }

    async fn get_snapshot<A: Aggregate>(
        &self,
        aggregate_id: &str,
    ) -> Result<Option<SerializedSnapshot>, PersistenceError> {
        let events = self.get_events::<A>(aggregate_id).await?;
        let Some(current_sequence) = events.last().map(|event| event.sequence) else {
            return Ok(None);
        };
        Ok(Some(SerializedSnapshot {
            aggregate_id: aggregate_id.to_owned(),
            aggregate: fold::<A>(events)?,
            current_sequence,
            current_snapshot: 0,
        }))
    }

    async fn persist<A: Aggregate>(
        &self,
        events: &[SerializedEvent],
        _snapshot: Option<(String, Value, usize)>,
    ) -> Result<(), PersistenceError> {
        let appends = appends(events)?;
        let outcomes = self.journal.append_all(appends).await.map_err(failed)?;
        if outcomes
            .iter()
            .all(|outcome| matches!(outcome, Outcome::Appended(_)))
        {
            return Ok(());
        }
        Err(PersistenceError::OptimisticLockError)
    }

    async fn stream_events<A: Aggregate>(
        &self,
        aggregate_id: &str,
    ) -> Result<ReplayStream, PersistenceError> {
        let (mut feed, stream) = ReplayStream::new(CHUNK);
        let (journal, id) = (
            Arc::clone(&self.journal),
            StreamId::new(A::TYPE, aggregate_id),
        );
        tokio::spawn(async move {
            let mut after = 0;
            loop {
                let chunk = journal.read_stream(&id, after, CHUNK).await;
                match push(&mut feed, chunk, |_| true).await {
                    Some(last) => after = last.sequence,
                    None => return,
                }
            }
        });
        Ok(stream)
    }

    async fn stream_all_events<A: Aggregate>(&self) -> Result<ReplayStream, PersistenceError> {
        let (mut feed, stream) = ReplayStream::new(CHUNK);
        let journal = Arc::clone(&self.journal);
        tokio::spawn(async move {
            let mut after: Position = 0;
            loop {
                let chunk = journal.read_all(after, CHUNK).await;
                match push(&mut feed, chunk, |event| &*event.stream.kind == A::TYPE).await {
                    Some(last) => after = last.position,
                    None => return,
                }
            }
        });
        Ok(stream)
    }
}

/// Sends a chunk and returns its last event; `None` when there is nothing more
/// to send or nobody to send it to.
async fn push(
    feed: &mut ReplayFeed,
    chunk: Result<Vec<Event>, Error>,
    wanted: impl Fn(&Event) -> bool,
) -> Option<Event> {
    let mut chunk = match chunk {
        Ok(chunk) => chunk,
        Err(error) => {
            // The reader learns of it, or has gone.
            let _ = feed.push(Err(failed(error))).await;
            return None;
        }
    };
    for event in chunk.iter().filter(|event| wanted(event)) {
        feed.push(serialized(event)).await.ok()?;
    }
    chunk.pop()
}

/// The aggregate as its events make it. Null when one of them needs an
/// upcaster, which only the event store has: it takes a snapshot that it
/// cannot read as the sign to replay every event through its upcasters.
fn fold<A: Aggregate>(events: Vec<SerializedEvent>) -> Result<Value, PersistenceError> {
    let mut aggregate = A::default();
    for event in events {
        match serde_json::from_value::<A::Event>(event.payload) {
            Ok(event) => aggregate.apply(event),
            Err(_) => return Ok(Value::Null),
        }
    }
    Ok(serde_json::to_value(aggregate)?)
}

/// One append for each run of events with the same metadata.
fn appends(events: &[SerializedEvent]) -> Result<Vec<Append>, PersistenceError> {
    let mut appends = Vec::new();
    for run in events.chunk_by(|a, b| a.metadata == b.metadata && a.aggregate_id == b.aggregate_id)
    {
        let Some(first) = run.first() else { continue };
        let mut new = Vec::with_capacity(run.len());
        for event in run {
            new.push(NewEvent {
                kind: event.event_type.clone(),
                version: event.event_version.clone(),
                payload: RawValue::from_string(serde_json::to_string(&event.payload)?)?,
            });
        }
        appends.push(Append {
            stream: StreamId::new(first.aggregate_type.as_str(), first.aggregate_id.as_str()),
            expected: (first.sequence as u64).saturating_sub(1),
            events: new,
            metadata: metadata(&first.metadata)?,
            fingerprint: None,
        });
    }
    Ok(appends)
}

fn metadata(value: &Value) -> Result<Metadata, PersistenceError> {
    let is_empty = value.is_null() || value.as_object().is_some_and(Map::is_empty);
    if is_empty {
        return Ok(Metadata::default());
    }
    Ok(Metadata::from_extra(serde_json::to_string(value)?))
}

fn serialized(event: &Event) -> Result<SerializedEvent, PersistenceError> {
    Ok(SerializedEvent {
        aggregate_id: event.stream.key.to_string(),
        sequence: event.sequence as usize,
        aggregate_type: event.stream.kind.to_string(),
        event_type: event.kind.to_string(),
        event_version: event.version.to_string(),
        payload: serde_json::from_str(event.payload.get())?,
        metadata: metadata_value(&event.metadata)?,
    })
}

fn metadata_value(metadata: &Metadata) -> Result<Value, PersistenceError> {
    if !metadata.extra.is_empty() {
        return Ok(serde_json::from_str(&metadata.extra)?);
    }
    let Value::Object(mut entries) = serde_json::to_value(metadata)? else {
        return Ok(Value::Object(Map::new()));
    };
    entries.retain(|_, value| value.as_str().is_some_and(|text| !text.is_empty()));
    Ok(Value::Object(entries))
}

fn failed(error: Error) -> PersistenceError {
    match error {
        Error::Corrupt { .. } => PersistenceError::DeserializationError(Box::new(error)),
        _ => PersistenceError::ConnectionError(Box::new(error)),
    }
}
