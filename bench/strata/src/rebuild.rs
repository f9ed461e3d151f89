//! All read models from the first event on: into a new file, and blue/green
//! beside the one that is read.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::{Map, Value};
use workload::{Arguments, History};

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
    let begun = Instant::now();
    let reads = tokio::task::spawn_blocking(move || options.build()).await??;
    ensure!(
        reads.wait_for(head, PATIENCE).await,
        "the read models did not get there"
    );
    let first = begun.elapsed();
    let begun = Instant::now();
    tokio::time::timeout(PATIENCE, reads.rebuild("all")).await??;
    let again = begun.elapsed();
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
    for (name, took) in [("first", first), ("rebuild", again)] {
        values.insert(format!("{name}_seconds"), took.as_secs_f64().into());
        values.insert(
            format!("{name}_per_second"),
            (head as f64 / took.as_secs_f64()).into(),
        );
    }
    values.insert("events".to_owned(), head.into());
    Ok(values)
}
