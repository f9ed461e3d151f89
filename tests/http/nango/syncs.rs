//! `/sync`: triggering, schedules, states, variants; and what syncs do to records.

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

#[tokio::test]
async fn what_was_seen_before_can_be_forgotten() {
    let place = Place::new().await;
    let body = "const before = await nango.getCheckpoint();
        await nango.saveCheckpoint({ runs: (before?.runs ?? 0) + 1 });
        await nango.batchSave([{ id: `run-${before?.runs ?? 0}` }], 'Thing');";
    place
        .deploy(
            "sync",
            "things",
            &sync("checkpoint: z.object({ runs: z.number() }),", body),
        )
        .await;
    place.run("things", json!({})).await;
    let second = place.run("things", json!({})).await;
    assert_eq!(
        (&second["checkpoint"], &second["recordCount"]["Thing"]),
        (&json!({"runs": 2}), &json!(2))
    );
    let reset = place.run("things", json!({"opts": {"reset": true}})).await;
    assert_eq!(
        (&reset["checkpoint"], &reset["recordCount"]["Thing"]),
        (&json!({"runs": 1}), &json!(2))
    );
    let emptied = place
        .run(
            "things",
            json!({"opts": {"reset": true, "emptyCache": true}}),
        )
        .await;
    assert_eq!(
        (&emptied["checkpoint"], &emptied["recordCount"]["Thing"]),
        (&json!({"runs": 1}), &json!(1))
    );
    assert_eq!(emptied["latestResult"]["Thing"]["added"], 1);
    place.run("things", json!({})).await;
    let cleared = place
        .run(
            "things",
            json!({"sync_mode": "full_refresh_and_clear_cache"}),
        )
        .await;
    assert_eq!(
        (&cleared["checkpoint"], &cleared["recordCount"]["Thing"]),
        (&json!({"runs": 1}), &json!(1))
    );
}

#[tokio::test]
async fn variants_have_records_of_their_own() {
    let place = Place::new().await;
    place
        .deploy(
            "sync",
            "things",
            &sync(
                "",
                "await nango.batchSave([{ id: nango.variant }], 'Thing');",
            ),
        )
        .await;
    let body = json!({"provider_config_key": "github", "connection_id": "conn-1"});
    let made = place
        .client
        .post("/sync/things/variant/eu", body.clone())
        .await;
    let shown = made.good(200);
    assert_eq!(
        (&shown["name"], &shown["variant"]),
        (&json!("things"), &json!("eu"))
    );
    place.run("things", json!({})).await;
    place
        .run(
            "things::eu",
            json!({"syncs": [{"name": "things", "variant": "eu"}]}),
        )
        .await;
    for (variant, id) in [("", "base"), ("&variant=eu", "eu")] {
        let records = place
            .behalf()
            .get(&format!("/records?model=Thing{variant}"))
            .await
            .good(200);
        let ids: Vec<&str> = records["records"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|one| one["id"].as_str())
            .collect();
        assert_eq!(ids, [id]);
    }
    let gone = place
        .client
        .ask(http::Method::DELETE, "/sync/things/variant/eu")
        .json(body.clone())
        .await;
    gone.good(200);
    assert_eq!(place.sync("things::eu").await, json!(null));
    place
        .client
        .post("/sync/things/variant/base", body.clone())
        .await
        .denied(400, "invalid_variant");
    place
        .client
        .post("/sync/nobody/variant/eu", body)
        .await
        .denied(404, "unknown_sync");
}

#[tokio::test]
async fn records_are_written_as_functions_say() {
    let place = Place::new().await;
    let first = "await nango.batchSave([], 'Thing');
        await nango.batchSave([{ id: 'a', deep: { x: 1, list: [1, 2] } }, { id: 'b', name: 'B' }, { id: 'b', name: 'second' }, { id: 'gone' }, { id: 'kept' }, { id: 'old', deep: { x: 1, list: [1, 2] } }], 'Thing');";
    place.deploy("sync", "things", &sync("", first)).await;
    let first = place.run("things", json!({})).await;
    assert_eq!(first["latestResult"]["Thing"]["added"], 5, "{first}");
    let records = async |filter: &str| {
        place
            .behalf()
            .get(&format!("/records?model=Thing{filter}"))
            .await
            .good(200)["records"]
            .clone()
    };
    let of = |records: &Value, id: &str| {
        records
            .as_array()
            .expect("a list")
            .iter()
            .find(|one| one["id"] == id)
            .cloned()
            .unwrap_or_default()
    };
    let before = records("").await;
    // Of two with one id the first counts.
    assert_eq!(of(&before, "b")["name"], "B");
    let second = "await nango.trackDeletesStart('Thing');
        await nango.batchUpdate([{ id: 'old', deep: { y: 2, list: [3] } } as never, { id: 'stranger', name: 'x' }], 'Thing');
        await nango.batchSave([{ id: 'a', name: 'A' }, { id: 'kept' }], 'Thing');
        await nango.batchDelete([{ id: 'b' }], 'Thing');
        const known = await nango.getRecordsByIds(['kept', 'nobody'], 'Thing');
        const listed: string[] = [];
        for await (const record of nango.listRecords('Thing')) { listed.push(record.id); }
        await nango.batchSave([{ id: `known ${known.size} listed ${listed.length}` }], 'Other');
        await nango.trackDeletesEnd('Thing');";
    place.deploy("sync", "things", &sync("", second)).await;
    let second = place.run("things", json!({})).await;
    assert_eq!(second["latestExecutionStatus"], "SUCCESS", "{second}");
    let after = records("").await;
    assert_eq!(
        of(&after, "kept")["_nango_metadata"]["last_modified_at"],
        of(&before, "kept")["_nango_metadata"]["last_modified_at"]
    );
    for id in ["b", "gone"] {
        assert_eq!(
            of(&after, id)["_nango_metadata"]["last_action"],
            "DELETED",
            "{after}"
        );
    }
    // What is not there is not updated; what is there is merged, and its arrays are replaced.
    assert_eq!(of(&after, "stranger"), json!(null));
    assert_eq!(
        of(&after, "old")["deep"],
        json!({"x": 1, "y": 2, "list": [3]})
    );
    let other = place.behalf().get("/records?model=Other").await.good(200);
    assert!(
        other["records"][0]["id"]
            .as_str()
            .is_some_and(|id| id.starts_with("known 1 listed ")),
        "{other}"
    );
    // A model that was not declared.
    let stranger = sync(
        "",
        "const model: string = 'Stranger'; await nango.batchSave([{ id: 'a' }], model as 'Thing');",
    );
    place.deploy("sync", "strange", &stranger).await;
    let failed = place.run("strange", json!({})).await;
    assert_eq!(failed["latestExecutionStatus"], "ERROR", "{failed}");
    // An end without a start.
    let end = sync("", "const end = nango; await end.trackDeletesEnd('Thing');");
    place.deploy("sync", "ended", &end).await;
    let failed = place.run("ended", json!({})).await;
    assert_eq!(failed["latestExecutionStatus"], "ERROR", "{failed}");
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
