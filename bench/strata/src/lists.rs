//! A filtered list of 50 functions through the read models: now, and as of a
//! random position, in turns.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use projections::ReadModels;
use projections::query::{Filter, List, Operator, Order, OrderBy, Scalar};
use serde_json::{Map, Value};
use workload::{Arguments, Clock, PROJECT, Random, Timings};

use crate::fill;

pub async fn run(arguments: &Arguments) -> anyhow::Result<Map<String, Value>> {
    let journal = fill::open(&PathBuf::from(arguments.text("dir", ".")))?;
    let file = PathBuf::from(arguments.text("dir", ".")).join("readmodels.db");
    let options = projections::Options::new(journal.clone(), file);
    let reads = tokio::task::spawn_blocking(move || options.build()).await??;
    let head = journal.head();
    ensure!(
        reads.wait_for(head, Duration::from_secs(300)).await,
        "the read models did not get there"
    );
    let list = List {
        filters: vec![filter(&arguments.text("attribute", "enabled"))?],
        order: vec![Order {
            by: OrderBy::Column("created_at"),
            descending: true,
        }],
        limit: 50,
        count_up_to: Some(5000),
        ..List::default()
    };
    let first = arguments.number("first", 1);
    let mut random = Random::new(arguments.number("seed", 1));
    let (mut now, mut then) = (Timings::default(), Timings::default());
    let clock = Clock::start();
    for _ in 0..arguments.number("requests", 300) {
        now.add(timed(&reads, None, &list).await?);
        let position = first + random.below(head - first + 1);
        then.add(timed(&reads, Some(position), &list).await?);
    }
    reads.close().await;
    journal.close().await;
    let mut values = Map::new();
    values.insert("now".to_owned(), now.summary(&clock).into());
    values.insert("as_of".to_owned(), then.summary(&clock).into());
    values.insert("head".to_owned(), head.into());
    Ok(values)
}

fn filter(attribute: &str) -> anyhow::Result<Filter> {
    let (column, value) = match attribute {
        "runtime" => ("runtime", Scalar::Text("node-22".to_owned())),
        "enabled" => ("enabled", Scalar::Boolean(true)),
        other => bail!("no filter by {other} is known here"),
    };
    Ok(Filter::Compare {
        column,
        operator: Operator::Equal,
        values: vec![value],
    })
}

async fn timed(reads: &ReadModels, at: Option<u64>, list: &List) -> anyhow::Result<Duration> {
    let sent = Instant::now();
    let page = reads.view(at).functions(PROJECT, list).await?;
    let took = sent.elapsed();
    ensure!(
        page.rows.len() == 50,
        "{} functions as of {at:?}, not 50",
        page.rows.len()
    );
    Ok(took)
}
