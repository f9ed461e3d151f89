//! Deployments and clocks where several servers work on one database.

use std::time::Duration;

use serde_json::{Value, json};

use super::bed::{Bed, Enveloped, OK, at, before, slow};
use crate::cluster::{World, holder};
use crate::server::{Server, until};

async fn events(bed: &Bed, kind: &str) -> Vec<Value> {
    let path = format!(
        "/strata/v1/audit?project={}&event={kind}&limit=1000",
        bed.project
    );
    let shown = bed.strata().get(&path).await.json();
    shown["events"].as_array().expect("a list").clone()
}

fn at_ms(event: &Value) -> i64 {
    let text = event["recordedAt"].as_str().expect("a time");
    text.parse::<jiff::Timestamp>()
        .expect("a time")
        .as_millisecond()
}

/// Ends the server that holds the lease of whoever does what one node alone does.
async fn kill_leader(servers: &mut [Option<Server>]) {
    let leader = until("a leader", async || holder(servers, "sagas").await).await;
    servers[leader] = None;
}

fn alive(servers: &[Option<Server>]) -> &Server {
    servers.iter().flatten().next().expect("one that is alive")
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_strike_once_whoever_leads() {
    let world = World::new();
    let servers = tokio::task::block_in_place(|| world.nodes(3));
    let mut servers: Vec<Option<Server>> = servers.into_iter().map(Some).collect();
    let bed = Bed::on(alive(&servers)).await;
    let keyset = bed.keyset().await;
    let tick = json!({
        "name": "tick",
        "type": "ON_INTERVAL",
        "config": {"type": "ON_INTERVAL", "interval": 1000},
        "code": "export default (event) => event.ok();",
    });
    let revision = bed.package(&[tick]).await;
    bed.running(&revision, &keyset).await;
    let windowed = bed.package(&[before("f", "a", OK)]).await;
    let windowed = bed.assign(&windowed, &keyset).await;
    let after = |millis: i64| {
        let at = jiff::Timestamp::now() + jiff::SignedDuration::from_millis(millis);
        at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
    };
    let body = json!({
        "packageDeploymentId": windowed,
        "dttmBegin": after(2500),
        "dttmEnd": after(9000),
    });
    bed.client
        .post(&at("/scheduled/events"), body)
        .await
        .data(201);
    until("the first run", async || {
        (!events(&bed, "ExecutionFinished").await.is_empty()).then_some(())
    })
    .await;
    kill_leader(&mut servers).await;
    let bed = bed.again(alive(&servers));
    bed.reaches(&windowed, "RUNNING").await;
    let count = events(&bed, "ExecutionFinished").await.len();
    until("further runs", async || {
        (events(&bed, "ExecutionFinished").await.len() >= count + 3).then_some(())
    })
    .await;
    bed.reaches(&windowed, "STOPPED").await;
    assert_eq!(
        events(&bed, "StartRequested").await.len(),
        2,
        "one for each deployment"
    );
    let asked = events(&bed, "ExecutionRequested").await;
    let ended = events(&bed, "ExecutionFinished").await;
    let end_of = |event: &Value| {
        let of: Vec<&Value> = ended
            .iter()
            .filter(|end| end["stream"] == event["stream"])
            .collect();
        assert!(of.len() <= 1, "it ends once: {of:?}");
        of.first().map(|end| at_ms(end))
    };
    for pair in asked.windows(2) {
        let ended = end_of(&pair[0]).expect("a run ends before the next is asked for");
        assert!(at_ms(&pair[1]) - ended >= 950, "{pair:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_of_a_node_that_is_gone_go_on() {
    let world = World::new();
    let servers = tokio::task::block_in_place(|| world.nodes(2));
    let mut servers: Vec<Option<Server>> = servers.into_iter().map(Some).collect();
    let bed = Bed::on(alive(&servers)).await;
    let keyset = bed.keyset().await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        let revision = bed.package(&[before("f", "a", &slow(2))]).await;
        ids.push(bed.assign(&revision, &keyset).await);
    }
    for id in &ids {
        bed.begin(id).await.data(202);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    servers[0] = None;
    let bed = bed.again(alive(&servers));
    for id in &ids {
        bed.reaches(id, "RUNNING").await;
        assert_eq!(bed.stop(id, "").await.data(200)["state"], "STOPPED");
    }
    assert_eq!(events(&bed, "PackageStarted").await.len(), 4);
    assert_eq!(events(&bed, "FunctionsConnected").await.len(), 4);
}
