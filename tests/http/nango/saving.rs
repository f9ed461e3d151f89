//! What syncs leave behind: records, checkpoints, and variants with records of their own.

use serde_json::{Value, json};

use super::bed::Place;
use super::sources::sync;

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
