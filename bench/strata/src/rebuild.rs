//! All read models from the first event on: into a new file, and blue/green
//! beside the one that is read.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;
use serde_json::{Map, Value};
use workload::{Arguments, Clock, History};

use crate::fill;

/// Longest rebuild.
const PATIENCE: Duration = Duration::from_secs(600);

pub async fn run(arguments: &Arguments) -> anyhow::Result<Map<String, Value>> {
    let dir = PathBuf::from(arguments.text("dir", "."));
    let events = arguments.number("events", 1_000_000);
    let journal = fill::open(&dir)?;
    if journal.head() == 0 {
        fill::append(&*journal, History::new(events)).await?;
    }
    let head = journal.head();
    let file = dir.join("readmodels.db");
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(dir.join(format!("readmodels.db{suffix}")));
    }
    let options = projections::Options::new(journal.clone(), file);
    let clock = Clock::start();
    let reads = tokio::task::spawn_blocking(move || options.build()).await??;
    ensure!(
        reads.wait_for(head, PATIENCE).await,
        "the read models did not get there"
    );
    let first = (clock.elapsed(), clock.processor());
    let clock = Clock::start();
    tokio::time::timeout(PATIENCE, reads.rebuild("all")).await??;
    let again = (clock.elapsed(), clock.processor());
    for status in reads.status() {
        ensure!(
            status.parked.is_none(),
            "{} is parked: {:?}",
            status.name,
            status.parked
        );
    }
    reads.close().await;
    journal.close().await;
    let mut values = Map::new();
    for (name, (took, processor)) in [("first", first), ("rebuild", again)] {
        let each = |spent: Duration| spent.as_secs_f64() / head as f64;
        values.insert(format!("{name}_seconds"), took.as_secs_f64().into());
        values.insert(format!("{name}_per_second"), (1.0 / each(took)).into());
        values.insert(
            format!("{name}_processor_us"),
            (1e6 * each(processor)).into(),
        );
    }
    values.insert("events".to_owned(), head.into());
    Ok(values)
}
