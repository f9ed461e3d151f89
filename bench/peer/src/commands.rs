//! Commands through `CqrsFramework` from many clients.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aggregates::function::Function;
use cqrs_es::persist::{GenericQuery, PersistedEventRepository, PersistedEventStore};
use cqrs_es::{AggregateError, CqrsFramework, Query};
use postgres_es::postgres_cqrs;
use serde_json::{Map, Value};
use sqlite_es::{SqliteViewRepository, sqlite_cqrs};
use workload::{Arguments, Client, Clock, PROJECT, Timings};

use crate::database::{self, Flush};
use crate::view::Folded;
use crate::{Result, postgres};

/// The framework on the event repository `R`.
type Framework<R> = CqrsFramework<Function, PersistedEventStore<R, Function>>;

/// How often a command is sent again when the database was locked.
const TRIES: u32 = 10;

/// On PostgreSQL when `--database` names one, else on SQLite in `--dir`.
pub async fn run(arguments: &Arguments) -> Result<Map<String, Value>> {
    match arguments.text("database", "").as_str() {
        "" => on_sqlite(arguments).await,
        url => {
            let pool = postgres::create(url, arguments.number("connections", 16)).await?;
            let summary = drive(postgres_cqrs(pool.clone(), Vec::new(), ()), arguments).await;
            pool.close().await;
            summary
        }
    }
}

async fn on_sqlite(arguments: &Arguments) -> Result<Map<String, Value>> {
    let flush = match arguments.text("flush", "full").as_str() {
        "default" => Flush::AsByDefault,
        _ => Flush::Full,
    };
    let pool = database::create(&arguments.text("dir", "."), flush, &["functions"]).await?;
    let mut queries: Vec<Box<dyn Query<Function>>> = Vec::new();
    if arguments.text("views", "no") == "yes" {
        let views =
            SqliteViewRepository::<Folded<Function>, Function>::new("functions", pool.clone());
        queries.push(Box::new(GenericQuery::new(Arc::new(views))));
    }
    let summary = drive(sqlite_cqrs(pool.clone(), queries, ()), arguments).await;
    pool.close().await;
    summary
}

/// Sends the commands of all clients.
async fn drive<R>(framework: Framework<R>, arguments: &Arguments) -> Result<Map<String, Value>>
where
    R: PersistedEventRepository + 'static,
{
    let framework = Arc::new(framework);
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
        let (framework, taken) = (framework.clone(), taken.clone());
        let steps = Client::new(index, clients, functions, seed, true);
        tasks.push(tokio::spawn(async move {
            let (mut timings, mut repeats) = (Timings::default(), 0);
            for step in steps {
                if taken.fetch_add(1, Ordering::Relaxed) >= commands || clock.elapsed() > stop_at {
                    break;
                }
                let key = format!("{PROJECT}:{}", step.function);
                let sent = Instant::now();
                repeats += execute(&framework, &key, step.command).await?;
                timings.add(sent.elapsed());
            }
            Ok::<_, AggregateError<aggregates::function::Error>>((timings, repeats))
        }));
    }
    let (mut timings, mut repeats) = (Timings::default(), 0);
    for task in tasks {
        let (client, again) = task.await??;
        timings.join(client);
        repeats += again;
    }
    let mut summary = timings.summary(&clock);
    summary.insert("repeats".to_owned(), repeats.into());
    Ok(summary)
}

async fn execute<R>(
    framework: &Framework<R>,
    key: &str,
    command: aggregates::function::Command,
) -> std::result::Result<u64, AggregateError<aggregates::function::Error>>
where
    R: PersistedEventRepository,
{
    let mut tried = 0;
    loop {
        match framework
            .execute_with_metadata(key, command.clone(), metadata())
            .await
        {
            Ok(()) => return Ok(u64::from(tried)),
            Err(AggregateError::UserError(refusal)) => {
                return Err(AggregateError::UserError(refusal));
            }
            Err(error) if tried >= TRIES => return Err(error),
            Err(_) => tried += 1,
        }
    }
}

/// What Strata stores with each event.
fn metadata() -> HashMap<String, String> {
    let command = uuid::Uuid::now_v7().to_string();
    HashMap::from([
        ("event_id".to_owned(), uuid::Uuid::now_v7().to_string()),
        ("correlation_id".to_owned(), command.clone()),
        ("command_id".to_owned(), command),
        ("actor".to_owned(), "benchmark".to_owned()),
        ("project".to_owned(), PROJECT.to_owned()),
    ])
}
