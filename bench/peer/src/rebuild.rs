//! `QueryReplay` into `GenericQuery` for each aggregate type.

use std::fmt::Debug;
use std::sync::Arc;

use aggregates::deployment::Deployment;
use aggregates::execution::Execution;
use aggregates::function::Function;
use cqrs_es::Aggregate;
use cqrs_es::persist::{GenericQuery, QueryReplay};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sqlite_es::{SqliteEventRepository, SqliteViewRepository};
use sqlx::{Pool, Sqlite};
use workload::{Arguments, Clock, History};

use crate::Result;
use crate::database::{self, Flush};
use crate::view::Folded;

/// What Strata keeps in columns.
const METADATA: &str = r#"{"actor":"benchmark","command_id":"01890a5d-ac96-774b-bcce-b302099a8057","correlation_id":"01890a5d-ac96-774b-bcce-b302099a8057","project":"default"}"#;

pub async fn run(arguments: &Arguments) -> Result<Map<String, Value>> {
    let events = arguments.number("events", 25_000);
    let views = ["functions", "deployments", "executions"];
    let pool = database::create(&arguments.text("dir", "."), Flush::AsByDefault, &views).await?;
    fill(&pool, events).await?;
    let clock = Clock::start();
    replay::<Function>(&pool, views[0]).await?;
    replay::<Deployment>(&pool, views[1]).await?;
    replay::<Execution>(&pool, views[2]).await?;
    let seconds = clock.elapsed().as_secs_f64();
    let processor = clock.processor().as_micros() as f64 / events as f64;
    for view in views {
        let sql = format!("SELECT COUNT(*) FROM {view}");
        let rows: i64 = sqlx::query_scalar(&sql).fetch_one(&pool).await?;
        if rows == 0 {
            return Err(format!("the replay left {view} empty").into());
        }
    }
    pool.close().await;
    let mut values = Map::new();
    values.insert("events".to_owned(), events.into());
    values.insert("seconds".to_owned(), seconds.into());
    values.insert("per_second".to_owned(), (events as f64 / seconds).into());
    values.insert("processor_us".to_owned(), processor.into());
    Ok(values)
}

async fn fill(pool: &Pool<Sqlite>, events: u64) -> Result<()> {
    let mut transaction = pool.begin().await?;
    for event in History::new(events) {
        sqlx::query("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)")
            .bind(event.kind)
            .bind(event.key)
            .bind(event.sequence as i64)
            .bind(event.event)
            .bind(event.version)
            .bind(event.payload)
            .bind(METADATA)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(())
}

async fn replay<A>(pool: &Pool<Sqlite>, view: &str) -> Result<()>
where
    A: Aggregate + Debug + Default + Serialize + DeserializeOwned + 'static,
    A::Event: Clone,
{
    let views = SqliteViewRepository::<Folded<A>, A>::new(view, pool.clone());
    let mut query = GenericQuery::new(Arc::new(views));
    query.use_error_handler(Box::new(|error| {
        eprintln!("the view was not updated: {error}")
    }));
    let events = SqliteEventRepository::new(pool.clone());
    QueryReplay::new(events, query)
        .replay_all()
        .await
        .map_err(|error| error.to_string())?;
    Ok(())
}
