//! A stream of Strata's, read as `postgres-es` reads any.

use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::{PersistedEventRepository, PersistedEventStore};
use cqrs_es::{Aggregate, DomainEvent, EventStore};
use postgres_es::PostgresEventRepository;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{Pool, Postgres};

use crate::Result;

/// As much of a function as this program cares for.
#[derive(Default, Serialize, Deserialize)]
struct Function {
    name: String,
}

/// Whatever happened to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Anything(Value);

impl DomainEvent for Anything {
    fn event_type(&self) -> String {
        let names = self.0.as_object().and_then(|event| event.keys().next());
        names.cloned().unwrap_or_default()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

/// This program sends no commands to functions.
#[derive(Debug, thiserror::Error)]
#[error("functions are only read")]
struct OnlyRead;

impl Aggregate for Function {
    const TYPE: &'static str = "function";
    type Command = ();
    type Event = Anything;
    type Error = OnlyRead;
    type Services = ();

    async fn handle(
        &mut self,
        (): (),
        (): &(),
        _: &EventSink<Self>,
    ) -> std::result::Result<(), OnlyRead> {
        Err(OnlyRead)
    }

    fn apply(&mut self, Anything(event): Anything) {
        let mut bodies = event
            .as_object()
            .into_iter()
            .flat_map(|event| event.values());
        let name = bodies.find_map(|body| body.pointer("/settings/name")?.as_str());
        if let Some(name) = name {
            self.name = name.to_owned();
        }
    }
}

/// The stored events of a function, and in the end what they come to, a value
/// each.
pub async fn function(pool: Pool<Postgres>, id: &str) -> Result<Vec<Value>> {
    let repository = PostgresEventRepository::new(pool.clone());
    let events = repository.get_events::<Function>(id).await?;
    let mut lines: Vec<Value> = Vec::new();
    for event in events {
        lines.push(json!({
            "aggregate_type": event.aggregate_type,
            "aggregate_id": event.aggregate_id,
            "sequence": event.sequence,
            "event_type": event.event_type,
            "event_version": event.event_version,
            "payload": event.payload,
            "metadata": event.metadata,
        }));
    }
    let repository = PostgresEventRepository::new(pool);
    let store = PersistedEventStore::<_, Function>::new_event_store(repository);
    let loaded = store.load_aggregate(id).await?;
    lines.push(json!({
        "name": loaded.aggregate.name,
        "current_sequence": loaded.current_sequence,
    }));
    Ok(lines)
}
