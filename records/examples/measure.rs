//! How fast it is here: `cargo run -p records --example measure [FOLDER|URL] [RECORDS]`.
//!
//! Saves pages of 1000 records of about 300 bytes, saves them again with the
//! same and with other content, deletes half by a mark, and lists all. Prints
//! records per second of each; all of it is durable when it is counted.

use std::time::{Duration, Instant};

use records::{Entry, Merging, Mode, Options, Query, Records, Scope, Unseen};
use serde_json::json;

const PAGE: usize = 1000;

fn page(first: usize, round: usize) -> Vec<Entry> {
    let entry = |n: usize| {
        // As random as the ids of most services are.
        let id = format!("{:016x}", (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let content = json!({
            "id": id,
            "title": format!("Something that was reported as number {n}"),
            "state": "open",
            "round": round,
            "author": { "login": "somebody", "url": "https://example.com/users/somebody" },
            "labels": ["one", "two"],
            "updated_at": "2026-01-01T00:00:00.000Z",
            "body": "It does not work, and nobody knows why it ever worked.",
        });
        Entry::new(id, &content)
    };
    (first..first + PAGE).map(entry).collect()
}

async fn save(records: &Records, scope: &Scope, total: usize, round: usize, what: &str) {
    let job = format!("01234567-89ab-7cde-8000-00000000000{round}");
    let (started, busy_before) = (Instant::now(), busy());
    let mut preparing = Duration::ZERO;
    for first in (0..total).step_by(PAGE) {
        let began = Instant::now();
        let page = page(first, round);
        preparing += began.elapsed();
        let saved = records.save(scope, &job, page, Mode::Save, Merging::Override);
        let counts = saved.await.expect("save");
        assert_eq!(
            counts.added + counts.updated + counts.unchanged,
            PAGE as u64
        );
    }
    let elapsed = started.elapsed();
    tell(what, total, elapsed - preparing);
    if round == 1 {
        tell("  with making and hashing the JSON", total, elapsed);
        tell("  of a processor, with that", total, busy() - busy_before);
    }
}

fn tell(what: &str, count: usize, elapsed: Duration) {
    let rate = count as f64 / elapsed.as_secs_f64();
    println!("{what:<36} {rate:>9.0} records/s");
}

/// How long this process has kept processors busy, where the system tells; in
/// steps of 10 ms.
fn busy() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    let ticks = ticks.filter_map(|ticks| ticks.parse::<u64>().ok());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let place = arguments.next().unwrap_or_else(|| ".".to_owned());
    let total = arguments.next().and_then(|n| n.parse().ok());
    let total: usize = total.unwrap_or(200_000) / PAGE * PAGE;
    let (folder, options) = if place.starts_with("postgres") {
        (None, Options::postgres(place))
    } else {
        let folder = tempfile::tempdir_in(place).expect("a folder");
        let file = folder.path().join("records.db");
        (Some(folder), Options::sqlite(file))
    };
    let records = options.build().await.expect("open");
    let names = ["measured", "github", "c1", "Issue", "base"].map(str::to_owned);
    let [project, integration, connection, model, variant] = names;
    let scope = Scope {
        project,
        integration,
        connection,
        model,
        variant,
    };
    let bytes = page(0, 0)[0].payload.len();
    println!("{total} records of {bytes} bytes in pages of {PAGE}");
    save(&records, &scope, total, 1, "new").await;
    save(&records, &scope, total, 1, "unchanged").await;
    save(&records, &scope, total, 2, "updated").await;

    let mark = records.mark().await.expect("mark");
    save(&records, &scope, total / 2, 2, "unchanged, after a mark").await;
    let started = Instant::now();
    let unseen = Unseen::Since(mark);
    let deleted = records.delete_unseen(&scope, &unseen, "j").await;
    let deleted = deleted.expect("deleted").len();
    tell("deleted, as they were not seen", deleted, started.elapsed());

    let first = records.list(&scope, Query::default()).await.expect("list");
    let at = first.records[0].last_modified_at;
    for (what, as_of) in [("listed", None), ("listed as of before", Some(at))] {
        let started = Instant::now();
        let mut query = Query {
            limit: PAGE,
            as_of,
            ..Query::default()
        };
        let mut count = 0;
        loop {
            let page = records.list(&scope, query.clone()).await.expect("list");
            count += page.records.len();
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                break;
            }
        }
        tell(what, count, started.elapsed());
    }
    records.drop_project("measured").await.expect("dropped");
    records.close().await;
    drop(folder);
}
