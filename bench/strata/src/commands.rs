//! Commands through the bus from many clients.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aggregates::function::Function;
use journal::Journal;
use serde_json::{Map, Value};
use strata::bus::{self, Context, Follower};
use tokio_util::sync::CancellationToken;
use workload::{Arguments, Client, Clock, PROJECT, Timings};

/// On PostgreSQL when `--database` names one, else on SQLite in `--dir`.
pub async fn run(arguments: &Arguments) -> anyhow::Result<Map<String, Value>> {
    let dir = PathBuf::from(arguments.text("dir", "."));
    let database = arguments.text("database", "");
    let journal: Arc<dyn Journal> = match database.as_str() {
        "" => {
            std::fs::create_dir_all(&dir)?;
            journal::sqlite::Options::new(dir.join("journal.db")).build()?
        }
        url => journal::postgres::Options::new(url).build().await?,
    };
    let reads = match arguments.text("views", "no").as_str() {
        "yes" => {
            let options = projections::Options::new(journal.clone(), dir.join("readmodels.db"));
            Some(tokio::task::spawn_blocking(move || options.build()).await??)
        }
        _ => None,
    };
    let follower = reads
        .clone()
        .map(|reads| Arc::new(reads) as Arc<dyn Follower>);
    let bus = bus::Options {
        journal: journal.clone(),
        follower,
        cached_aggregates: 20_000,
        snapshot_every: 100,
        // As a server on PostgreSQL has it, alone or not.
        shared: !database.is_empty(),
    }
    .build();
    let following = {
        let bus = bus.clone();
        tokio::spawn(async move { bus.follow_others(CancellationToken::new()).await })
    };
    let (clients, functions) = (
        arguments.number("clients", 64),
        arguments.number("functions", 2000),
    );
    let seed = arguments.number("seed", 1);
    let commands = arguments.number("commands", 40_000);
    let stop_at = Duration::from_secs(arguments.number("max-seconds", 10));
    let taken = Arc::new(AtomicU64::new(0));
    let clock = Clock::start();
    let mut tasks = Vec::new();
    for index in 0..clients {
        let (bus, taken) = (bus.clone(), taken.clone());
        let steps = Client::new(index, clients, functions, seed, true);
        tasks.push(tokio::spawn(async move {
            let mut timings = Timings::default();
            for step in steps {
                if taken.fetch_add(1, Ordering::Relaxed) >= commands || clock.elapsed() > stop_at {
                    break;
                }
                let key = format!("{PROJECT}:{}", step.function);
                let sent = Instant::now();
                let context = Context::once("benchmark", PROJECT);
                bus.execute::<Function>(&key, step.command, &context)
                    .await?;
                timings.add(sent.elapsed());
            }
            anyhow::Ok(timings)
        }));
    }
    let mut timings = Timings::default();
    for task in tasks {
        timings.join(task.await??);
    }
    let summary = timings.summary(&clock);
    following.abort();
    drop(bus);
    if let Some(reads) = reads {
        reads.close().await;
    }
    journal.close().await;
    Ok(summary)
}
