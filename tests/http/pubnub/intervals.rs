//! Functions that run by the clock.

use std::time::Duration;

use serde_json::{Value, json};

use super::bed::{Bed, Enveloped, OK, before};
use crate::server::{Server, until};

fn every(name: &str, interval: u32, code: &str) -> Value {
    json!({
        "name": name,
        "type": "ON_INTERVAL",
        "config": {"type": "ON_INTERVAL", "interval": interval},
        "code": code,
    })
}

/// A run: when it was asked for and when it ended, in milliseconds, and which function it was of.
#[derive(Debug)]
struct Run {
    asked: i64,
    ended: i64,
    completed: bool,
    function: String,
}

/// What the journal tells of the runs of a project, in the order in which they were asked for.
async fn runs(bed: &Bed) -> Vec<Run> {
    let events = async |kind: &str| {
        let path = format!(
            "/strata/v1/audit?project={}&event={kind}&limit=1000",
            bed.project
        );
        let shown = bed.strata().get(&path).await.json();
        shown["events"].as_array().expect("a list").clone()
    };
    let at = |event: &Value| {
        let text = event["recordedAt"].as_str().expect("a time");
        text.parse::<jiff::Timestamp>()
            .expect("a time")
            .as_millisecond()
    };
    let ends = events("ExecutionFinished").await;
    let asked = events("ExecutionRequested").await;
    let run = |event: &Value| {
        let of: Vec<&Value> = ends
            .iter()
            .filter(|end| end["stream"] == event["stream"])
            .collect();
        assert!(of.len() <= 1, "it ends once: {of:?}");
        let end = of.first()?;
        Some(Run {
            asked: at(event),
            ended: at(end),
            completed: end["payload"]["ExecutionFinished"]["result"]["completed"] == true,
            function: event["payload"]["ExecutionRequested"]["request"]["function"]
                .as_str()
                .expect("an id")
                .to_owned(),
        })
    };
    asked.iter().filter_map(run).collect()
}

/// Waits until so many runs have ended.
async fn after(bed: &Bed, count: usize) -> Vec<Run> {
    until("runs by the clock", async || {
        let runs = runs(bed).await;
        (runs.len() >= count).then_some(runs)
    })
    .await
}

fn started_at(deployment: &Value) -> i64 {
    let text = deployment["updatedDttm"].as_str().expect("a time");
    text.parse::<jiff::Timestamp>()
        .expect("a time")
        .as_millisecond()
}

#[tokio::test]
async fn runs_follow_one_another_from_end_to_begin() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let code = "export default (event) => new Promise((done) => setTimeout(done, 400)).then(() => event.ok());";
    let revision = bed.package(&[every("tick", 1000, code)]).await;
    let id = bed.assign(&revision, &keyset).await;
    let started = started_at(&bed.start(&id).await.data(200));
    let seen = after(&bed, 3).await;
    assert!(seen.iter().all(|run| run.completed), "{seen:?}");
    let first = seen[0].asked - started;
    assert!((900..2500).contains(&first), "{first} ms after the start");
    for pair in seen.windows(2) {
        let pause = pair[1].asked - pair[0].ended;
        assert!((950..2500).contains(&pause), "{pause} ms between runs");
        assert!(pair[0].ended - pair[0].asked >= 400);
    }
    assert_eq!(bed.stop(&id, "").await.data(200)["state"], "STOPPED");
    let count = runs(&bed).await.len();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(runs(&bed).await.len(), count, "none after the stop");
}

#[tokio::test]
async fn a_run_that_fails_is_followed_by_the_next() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let code = "export default (event) => { throw new Error('boom'); };";
    let revision = bed.package(&[every("tick", 1000, code)]).await;
    bed.running(&revision, &keyset).await;
    let seen = after(&bed, 2).await;
    assert!(seen.iter().all(|run| !run.completed), "{seen:?}");
}

#[tokio::test]
async fn a_roll_keeps_the_phase() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let tick = "export default (event) => event.ok();";
    let first = bed.package(&[every("tick", 4000, tick)]).await;
    let functions = [every("tick", 4000, tick), before("f", "a", OK)];
    let second = bed.revision(&first.package, &functions).await;
    let old = bed.running(&first, &keyset).await;
    let new = bed.assign(&second, &keyset).await;
    let seen = after(&bed, 1).await;
    // In the middle between two runs.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    bed.roll(&old, &new).await.data(200);
    let all = after(&bed, 2).await;
    let pause = all[1].asked - seen[0].ended;
    assert!((3900..5200).contains(&pause), "{pause} ms between runs");
    assert_ne!(all[0].function, all[1].function, "the new function runs");
}

#[tokio::test]
async fn a_kill_neither_loses_nor_repeats_a_run() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut server = Server::start_in(dir.path());
    let bed = Bed::on(&server).await;
    let keyset = bed.keyset().await;
    let tick = "export default (event) => event.ok();";
    let revision = bed.package(&[every("tick", 2000, tick)]).await;
    bed.running(&revision, &keyset).await;
    let before = after(&bed, 1).await;
    server.kill();
    let server = Server::start_with(dir.path(), &[("STRATA_FAILPOINT", "interval.due")]);
    let mut server = server;
    server.wait_for_death().await;
    let server = Server::start_in(dir.path());
    let bed = bed.again(&server);
    let all = after(&bed, 3).await;
    assert_eq!(all[0].asked, before[0].asked);
    for pair in all.windows(2) {
        assert!(pair[1].asked - pair[0].ended >= 1950, "{all:?}");
    }
}
