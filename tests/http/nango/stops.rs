//! Runs that are stopped: their sync was paused.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::bed::Place;
use super::sources::sync;
use crate::server::until;

async fn begun(place: &Place, name: &str) {
    until("a run", async || {
        (place.sync(name).await["status"] == "RUNNING").then_some(())
    })
    .await;
    until("a call", async || {
        (!place.standin.calls().is_empty()).then_some(())
    })
    .await;
}

async fn pause(place: &Place, name: &str) {
    let body = json!({"syncs": [name], "provider_config_key": "github", "connection_id": "conn-1"});
    place.client.post("/sync/pause", body).await.good(200);
}

async fn over(place: &Place, name: &str) -> Value {
    until("the end", async || {
        let status = place.sync(name).await;
        (status["status"] == "PAUSED").then_some(status)
    })
    .await
}

#[tokio::test]
async fn a_run_stops_at_its_next_call() {
    let place = Place::new().await;
    let body = "for (let page = 0; page < 1000; page += 1) {
            await nango.batchSave([{ id: String(page) }], 'Thing');
            await nango.get({ endpoint: '/page', retries: 0 });
        }";
    place
        .deploy("sync", "long", &sync("autoStart: true,", body))
        .await;
    begun(&place, "long").await;
    pause(&place, "long").await;
    let status = over(&place, "long").await;
    assert_eq!(status["latestExecutionStatus"], "STOPPED");
    let error = status["error"].as_str().expect("a text");
    assert!(error.starts_with("execution_interrupted"), "{error}");
    let saved = status["recordCount"]["Thing"].as_u64().expect("a number");
    assert!((1..1000).contains(&saved), "{status}");
    let calls = place.standin.calls().len();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(place.standin.calls().len(), calls, "it goes on");
    // The next run is another one, and is stopped for itself.
    let body =
        json!({"syncs": ["long"], "provider_config_key": "github", "connection_id": "conn-1"});
    place
        .client
        .post("/sync/start", body.clone())
        .await
        .good(200);
    place.client.post("/sync/trigger", body).await.good(200);
    until("another run", async || {
        (place.standin.calls().len() > calls + 3).then_some(())
    })
    .await;
    pause(&place, "long").await;
    assert_eq!(
        over(&place, "long").await["latestExecutionStatus"],
        "STOPPED"
    );
}

#[tokio::test]
async fn a_checkpoint_is_saved_before_the_stop() {
    let place = Place::new().await;
    let body = "for (let page = 0; page < 1000; page += 1) {
            await new Promise((resolve) => setTimeout(() => resolve(undefined), 20));
            await nango.saveCheckpoint({ page });
            if (page === 0) { await nango.get({ endpoint: '/begun' }); }
        }";
    let more = "checkpoint: z.object({ page: z.number() }),";
    place.deploy("sync", "long", &sync(more, body)).await;
    let body =
        json!({"syncs": ["long"], "provider_config_key": "github", "connection_id": "conn-1"});
    place.client.post("/sync/trigger", body).await.good(200);
    begun(&place, "long").await;
    let before = place.sync("long").await["checkpoint"]["page"].clone();
    // A sync whose schedule does not run, too.
    pause(&place, "long").await;
    let status = over(&place, "long").await;
    assert_eq!(status["latestExecutionStatus"], "STOPPED");
    let after = status["checkpoint"]["page"].as_u64().expect("a number");
    assert!(after > before.as_u64().unwrap_or(0), "{before} {after}");
    assert!(after < 999);
}

#[tokio::test]
async fn a_run_that_does_not_listen_is_ended() {
    let place = Place::new().await;
    let body = "await nango.get({ endpoint: '/begun' });
        for (;;) {
            try { await nango.getMetadata(); } catch { /* whatever it says */ }
        }";
    place
        .deploy("sync", "deaf", &sync("autoStart: true,", body))
        .await;
    begun(&place, "deaf").await;
    let paused = Instant::now();
    pause(&place, "deaf").await;
    let status = over(&place, "deaf").await;
    assert!(paused.elapsed() > Duration::from_secs(9), "it ended early");
    assert_eq!(status["latestExecutionStatus"], "STOPPED");
    assert_eq!(status["error"], "Execution canceled.");
}
