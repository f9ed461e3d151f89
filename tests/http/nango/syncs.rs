//! `/sync`: triggering, schedules, states.

use serde_json::{Value, json};

use super::api::{has_members, is_time};
use super::bed::Place;
use super::sources::sync;
use crate::server::until;

/// Saves what the provider has.
const SAVING: &str = "const { data } = await nango.get<{ things: { id: string }[] }>({ endpoint: '/things', retries: 0 });

        await nango.batchSave(data.things, 'Thing');";

fn things(things: Value) -> Value {
    json!({"method": "GET", "path": "/things", "reply": {"json": {"things": things}}})
}

#[tokio::test]
async fn a_sync_is_run_by_hand() {
    let place = Place::new().await;
    place.deploy("sync", "things", &sync("", SAVING)).await;
    let fresh = place.sync("things").await;
    assert_eq!(
        (
            &fresh["name"],
            &fresh["variant"],
            &fresh["connection_id"],
            &fresh["status"]
        ),
        (
            &json!("things"),
            &json!("base"),
            &json!("conn-1"),
            &json!("PAUSED")
        )
    );
    assert_eq!(
        (&fresh["frequency"], &fresh["nextScheduledSyncAt"]),
        (&json!("every day"), &json!(null))
    );
    place.standin.expect(
        &[
            things(json!([{"id": "a"}, {"id": "b"}])),
            things(json!([{"id": "b", "name": "B"}, {"id": "c"}])),
        ],
        false,
    );
    let first = place.run("things", json!({})).await;
    is_time(&first["finishedAt"]);
    assert_eq!(
        first["latestResult"]["Thing"],
        json!({"added": 2, "updated": 0, "deleted": 0})
    );
    assert_eq!(first["recordCount"]["Thing"], 2);
    let second = place.run("things", json!({})).await;
    assert_eq!(
        second["latestResult"]["Thing"],
        json!({"added": 1, "updated": 1, "deleted": 0})
    );
    assert_eq!(second["recordCount"]["Thing"], 3);
    assert_eq!(place.standin.faults(), Vec::<String>::new());
    // The headers name integration and connection as well.
    place.standin.expect(&[things(json!([]))], false);
    let answer = place
        .behalf()
        .post("/sync/trigger", json!({"syncs": ["things"]}))
        .await;
    assert_eq!(answer.good(200), json!({"success": true}));
    assert!(answer.position() > 0);
    until("the run", async || {
        (place.standin.calls().len() == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_run_that_fails_says_so() {
    let place = Place::new().await;
    let body = "await nango.batchSave([{ id: 'kept' }], 'Thing'); throw new nango.ActionError({ why: 'not today' });";
    place
        .deploy("sync", "things", &sync("autoStart: true,", body))
        .await;
    let status = until("a run", async || {
        let status = place.sync("things").await;
        (status["status"] == "ERROR").then_some(status)
    })
    .await;
    is_time(&status["finishedAt"]);
    assert_eq!(status["recordCount"]["Thing"], 1);
}

#[tokio::test]
async fn schedules_start_and_stop() {
    let place = Place::new().await;
    place.standin.expect(
        &[things(json!([{"id": "a"}])), things(json!([{"id": "b"}]))],
        false,
    );
    // It starts by itself, for connections that are there and for those that come.
    place
        .deploy("sync", "things", &sync("autoStart: true,", SAVING))
        .await;
    let ran = until("the first run", async || {
        let status = place.sync("things").await;
        (status["status"] == "SUCCESS" && !status["finishedAt"].is_null()).then_some(status)
    })
    .await;
    is_time(&ran["nextScheduledSyncAt"]);
    let body =
        json!({"syncs": ["things"], "provider_config_key": "github", "connection_id": "conn-1"});
    assert_eq!(
        place
            .client
            .post("/sync/pause", body.clone())
            .await
            .good(200),
        json!({"success": true})
    );
    let paused = place.sync("things").await;
    assert_eq!(
        (&paused["status"], &paused["nextScheduledSyncAt"]),
        (&json!("PAUSED"), &json!(null))
    );
    assert_eq!(
        place.client.post("/sync/start", body).await.good(200),
        json!({"success": true})
    );
    let started = until("it is started", async || {
        let status = place.sync("things").await;
        (status["status"] != "PAUSED").then_some(status)
    })
    .await;
    assert!(
        ["SUCCESS", "RUNNING"].contains(&started["status"].as_str().expect("a text")),
        "{started}"
    );
    // No connection named: all of them.
    let all = json!({"syncs": ["things"], "provider_config_key": "github"});
    place.client.post("/sync/pause", all).await.good(200);
    assert_eq!(place.sync("things").await["status"], "PAUSED");

    place
        .deploy("sync", "by-hand", &sync("autoStart: false,", SAVING))
        .await;
    place.connect("conn-2").await;
    let path = "/sync/status?syncs=*&provider_config_key=github&connection_id=conn-2";
    let both = until("the new connection's", async || {
        let both = place.client.get(path).await.good(200)["syncs"].clone();
        (both.as_array().map(Vec::len) == Some(2)).then_some(both)
    })
    .await;
    for one in both.as_array().expect("a list") {
        assert_eq!(one["status"] == "PAUSED", one["name"] == "by-hand", "{one}");
    }
    let frequency = json!({"sync_name": "things", "provider_config_key": "github", "connection_id": "conn-1", "frequency": "every 5 minutes"});
    let changed = place
        .client
        .put("/sync/update-connection-frequency", frequency.clone())
        .await;
    assert_eq!(changed.good(200)["frequency"], "every 5 minutes");
    assert_eq!(place.sync("things").await["frequency"], "every 5 minutes");
    let mut reset = frequency.clone();
    reset["frequency"] = json!(null);
    place
        .client
        .put("/sync/update-connection-frequency", reset)
        .await
        .good(200);
    assert_eq!(place.sync("things").await["frequency"], "every day");
    for wrong in ["sometimes", "5", "every"] {
        let mut body = frequency.clone();
        body["frequency"] = wrong.into();
        place
            .client
            .put("/sync/update-connection-frequency", body)
            .await
            .denied(400, "invalid_body");
    }
}

#[tokio::test]
async fn requests_have_rules() {
    let place = Place::new().await;
    place.deploy("sync", "things", &sync("", "")).await;
    let client = &place.client;
    for path in ["/sync/trigger", "/sync/start", "/sync/pause"] {
        client
            .post(path, json!({"syncs": ["things"]}))
            .await
            .denied(400, "missing_provider_config_key");
        client
            .post(path, json!({"provider_config_key": "github"}))
            .await
            .denied(400, "invalid_body");
        client
            .post(
                path,
                json!({"syncs": "things", "provider_config_key": "github"}),
            )
            .await
            .denied(400, "invalid_body");
        client
            .post(
                path,
                json!({"syncs": ["a b"], "provider_config_key": "github"}),
            )
            .await
            .denied(400, "invalid_body");
        let error = client
            .post(
                path,
                json!({"syncs": ["things"], "provider_config_key": "github", "more": 1}),
            )
            .await;
        error.wrong("unrecognized_keys · Unrecognized key: \"more\" · []");
        let many: Vec<String> = (0..257).map(|number| format!("s{number}")).collect();
        if path != "/sync/trigger" {
            client
                .post(
                    path,
                    json!({"syncs": many, "provider_config_key": "github"}),
                )
                .await
                .denied(400, "invalid_body");
        }
        let key = place.keyed(&["environment:syncs:read"]).await;
        let error = key.post(path, json!({})).await.denied(403, "forbidden");
        assert_eq!(
            error["message"],
            "Insufficient scope. Required: environment:syncs:execute"
        );
    }
    for more in [
        json!({"sync_mode": "incremental"}),
        json!({"full_resync": true}),
    ] {
        let mut body =
            json!({"syncs": ["things"], "provider_config_key": "github", "opts": {"reset": true}});
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        client
            .post("/sync/trigger", body)
            .await
            .denied(400, "invalid_body");
    }
    client
        .get("/sync/status?syncs=*")
        .await
        .denied(400, "invalid_query_params");
    client
        .get("/sync/status?provider_config_key=github")
        .await
        .denied(400, "invalid_query_params");
    assert_eq!(
        client
            .get("/sync/status?syncs=nobody&provider_config_key=github")
            .await
            .good(200),
        json!({"syncs": []})
    );
}

/// As of a position before a change, the old state is shown.
#[tokio::test]
async fn the_past_of_a_sync_is_kept() {
    let place = Place::new().await;
    place
        .deploy("sync", "things", &sync("autoStart: false,", ""))
        .await;
    let before = place.client.get("/strata/v1/head").await.json()["head"].clone();
    let body = json!({"sync_name": "things", "provider_config_key": "github", "connection_id": "conn-1", "frequency": "every hour"});
    place
        .client
        .put("/sync/update-connection-frequency", body)
        .await
        .good(200);
    let path = "/sync/status?syncs=things&provider_config_key=github&connection_id=conn-1";
    let now = place.client.get(path).await.good(200);
    let then = place
        .client
        .get(&format!("{path}&as_of={before}"))
        .await
        .good(200);
    assert_eq!(
        (
            &now["syncs"][0]["frequency"],
            &then["syncs"][0]["frequency"]
        ),
        (&json!("every hour"), &json!("every day"))
    );
    has_members(
        &now["syncs"][0],
        &[
            "id",
            "connection_id",
            "name",
            "variant",
            "status",
            "finishedAt",
            "nextScheduledSyncAt",
            "frequency",
            "latestResult",
            "recordCount",
            "checkpoint",
        ],
        &[
            "type",
            "latestExecutionStatus",
            "error",
            "lastRunId",
            "isPaused",
        ],
    );
}
