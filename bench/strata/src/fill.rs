//! Journals to read from.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aggregates::Dialect;
use aggregates::function::Event;
use anyhow::bail;
use journal::{Append, Journal, Metadata, NewEvent, Outcome, StreamId};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use workload::{Arguments, PROJECT, Random, Stored, settings};

/// Events that are appended together.
const BATCH: usize = 2000;
/// Of which each function has one at a time.
const RUNTIMES: [&str; 10] = [
    "node-14.5",
    "node-16.0",
    "node-18.0",
    "node-19.0",
    "node-20.0",
    "node-21.0",
    "node-22",
    "bun-1.0",
    "bun-1.1",
    "deno-1.40",
];

/// A data directory with functions that have been changed some times.
pub async fn run(arguments: &Arguments) -> anyhow::Result<Map<String, Value>> {
    let dir = PathBuf::from(arguments.text("dir", "."));
    let functions = arguments.number("functions", 100_000);
    let updates = arguments.number("updates", 200_000);
    let mut sequences = vec![0_u64; functions as usize];
    let mut random = Random::new(7);
    let created = (0..functions).map(|number| (number, true));
    let mut changes = Random::new(8);
    let updated = (0..updates).map(|_| (changes.below(functions), false));
    let events = created.chain(updated).map(|(number, new)| {
        let mut settings = settings(format!("Order intake {number}-{}", random.below(1000)));
        settings.runtime = RUNTIMES[random.below(10) as usize].to_owned();
        settings.timeout = 1 + random.below(900) as u32;
        let event = match new {
            true => Event::FunctionCreated {
                origin: Dialect::Appwrite,
                settings,
            },
            false => Event::FunctionUpdated {
                settings,
                needs_build: false,
            },
        };
        let sequence = &mut sequences[number as usize];
        *sequence += 1;
        Stored {
            kind: "function",
            key: format!("{PROJECT}:f-{number:06}"),
            sequence: *sequence,
            event: event.kind().to_owned(),
            version: event.version().to_owned(),
            payload: serde_json::to_string(&event).unwrap_or_default(),
        }
    });
    let journal = open(&dir)?;
    append(&*journal, events).await?;
    let mut values = Map::new();
    values.insert("head".to_owned(), journal.head().into());
    journal.close().await;
    Ok(values)
}

/// The journal of a data directory.
pub fn open(dir: &Path) -> anyhow::Result<Arc<dyn Journal>> {
    std::fs::create_dir_all(dir)?;
    Ok(journal::sqlite::Options::new(dir.join("journal.db")).build()?)
}

/// Appends in large batches.
pub async fn append(
    journal: &dyn Journal,
    events: impl Iterator<Item = Stored>,
) -> anyhow::Result<()> {
    let mut events = events.peekable();
    while events.peek().is_some() {
        let batch = events.by_ref().take(BATCH).map(request);
        let outcomes = journal
            .append_all(batch.collect::<anyhow::Result<_>>()?)
            .await?;
        for outcome in outcomes {
            if !matches!(outcome, Outcome::Appended(_)) {
                bail!("an event did not fit: {outcome:?}");
            }
        }
    }
    Ok(())
}

fn request(event: Stored) -> anyhow::Result<Append> {
    let command_id = format!("command-{}-{}", event.key, event.sequence);
    Ok(Append {
        stream: StreamId::new(event.kind, event.key),
        expected: event.sequence - 1,
        events: vec![NewEvent {
            kind: event.event,
            version: event.version,
            payload: RawValue::from_string(event.payload)?,
        }],
        metadata: Metadata {
            correlation_id: command_id.clone(),
            command_id,
            actor: "benchmark".to_owned(),
            project: PROJECT.to_owned(),
            ..Metadata::default()
        },
        fingerprint: None,
    })
}
