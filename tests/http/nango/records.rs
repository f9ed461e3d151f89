//! `/records`.

use base64::Engine as _;
use serde_json::{Value, json};

use super::api::{has_members, is_time};
use super::bed::Place;
use super::sources::sync;

/// With five things, one of them changed and one deleted by a second run.
async fn filled() -> (Place, String) {
    let place = Place::new().await;
    let body = "if (!(await nango.getCheckpoint())) {
            await nango.batchSave([1, 2, 3, 4, 5].map((n) => ({ id: `t${n}`, name: `one ${n}` })), 'Thing');
            await nango.saveCheckpoint({ again: true });
            return;
        }
        await nango.batchSave([{ id: 't2', name: 'changed' }], 'Thing');
        await nango.batchDelete([{ id: 't4' }], 'Thing');";
    let code = sync("checkpoint: z.object({ again: z.boolean() }),", body);
    place.deploy("sync", "things", &code).await;
    let first = place.run("things", json!({})).await;
    let head = place.client.get("/strata/v1/head").await.json()["head"].to_string();
    assert_eq!(first["recordCount"]["Thing"], 5);
    place.run("things", json!({})).await;
    (place, head)
}

fn ids(page: &Value) -> Vec<&str> {
    let rows = page["records"].as_array().expect("a list").iter();
    rows.filter_map(|one| one["id"].as_str()).collect()
}

#[tokio::test]
async fn records_are_read_page_by_page() {
    let (place, head) = filled().await;
    let client = place.behalf();
    let get = async |query: &str| {
        client
            .get(&format!("/records?model=Thing{query}"))
            .await
            .good(200)
    };
    let all = get("").await;
    has_members(&all, &["next_cursor", "records"], &[]);
    assert_eq!(all["next_cursor"], json!(null));
    assert_eq!(ids(&all).len(), 5);
    for one in all["records"].as_array().expect("a list") {
        let added = &one["_nango_metadata"];
        has_members(
            added,
            &[
                "first_seen_at",
                "last_modified_at",
                "last_action",
                "deleted_at",
                "pruned_at",
                "cursor",
            ],
            &[],
        );
        let text = |name: &str| added[name].as_str().unwrap_or_default();
        assert!(!text("first_seen_at").is_empty() && !text("last_modified_at").is_empty());
        let cursor = base64::engine::general_purpose::STANDARD
            .decode(text("cursor"))
            .expect("base64");
        let cursor = String::from_utf8(cursor).expect("a text");
        let (_, record) = cursor.split_once("||").expect("two parts");
        assert!(uuid::Uuid::parse_str(record).is_ok(), "{cursor}");
        let action = match one["id"].as_str() {
            Some("t2") => "UPDATED",
            Some("t4") => "DELETED",
            _ => "ADDED",
        };
        assert_eq!(added["last_action"], action);
        assert_eq!(
            added["deleted_at"].is_null(),
            action != "DELETED",
            "{added}"
        );
        assert_eq!(added["pruned_at"], json!(null));
    }
    // In pages of two, each once.
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for _ in 0..10 {
        let page = get(&format!("&limit=2{cursor}")).await;
        assert!(ids(&page).len() <= 2);
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={}", crate::client::encode(next));
    }
    assert_eq!(seen, ids(&all));
    assert_eq!(ids(&get("&filter=updated").await), ["t2"]);
    assert_eq!(ids(&get("&filter=deleted").await), ["t4"]);
    assert_eq!(ids(&get("&filter=added").await).len(), 3);
    assert_eq!(ids(&get("&filter=updated,deleted").await).len(), 2);
    assert_eq!(ids(&get("&ids=t1&ids=t5").await), ["t1", "t5"]);
    assert_eq!(ids(&get("&ids=t1").await), ["t1"]);
    let changed = all["records"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|one| one["id"] == "t2")
        .expect("it is there");
    let since = changed["_nango_metadata"]["last_modified_at"]
        .as_str()
        .expect("a time");
    let later = get(&format!("&modified_after={}", crate::client::encode(since))).await;
    assert!(!ids(&later).contains(&"t1"), "{later}");
    assert_eq!(ids(&get("&variant=other").await), Vec::<&str>::new());
    // As of the first run nothing is changed, nothing deleted.
    let then = get(&format!("&as_of={head}")).await;
    assert_eq!(ids(&then).len(), 5);
    assert!(
        !then.to_string().contains("DELETED") && !then.to_string().contains("changed"),
        "{then}"
    );
}

#[tokio::test]
async fn reading_has_rules() {
    let place = Place::new().await;
    let client = place.behalf();
    place
        .client
        .get("/records?model=Thing")
        .await
        .denied(400, "invalid_headers");
    place
        .client
        .with("provider-config-key", "github")
        .with("connection-id", "nobody")
        .get("/records?model=Thing")
        .await
        .denied(400, "unknown_connection");
    for query in [
        "",
        "?model=thing",
        "?model=a%20b",
        "?model=Thing&limit=0",
        "?model=Thing&limit=10001",
        "?model=Thing&limit=x",
        "?model=Thing&filter=some",
        "?model=Thing&modified_after=yesterday",
        "?model=Thing&stranger=1",
    ] {
        client
            .get(&format!("/records{query}"))
            .await
            .denied(400, "invalid_query_params");
    }
    let many: String = (0..101).map(|number| format!("&ids=t{number}")).collect();
    client
        .get(&format!("/records?model=Thing{many}"))
        .await
        .denied(400, "invalid_query_params");
    let old = client
        .get("/records?model=Thing&modified_after=2020-01-01T00:00:00Z")
        .await;
    assert_eq!(old.status, 400, "older than a year: {old:?}");
    assert_eq!(
        client
            .get("/records?model=Thing&cursor=nonsense")
            .await
            .status,
        400
    );
    assert_eq!(
        client
            .get("/records?model=Thing&limit=10000")
            .await
            .good(200),
        json!({"next_cursor": null, "records": []})
    );
    let key = place.keyed(&["environment:syncs:*"]).await;
    let error = key.get("/records").await.denied(403, "forbidden");
    assert_eq!(
        error["message"],
        "Insufficient scope. Required: environment:records:read"
    );
    let error = key
        .patch("/records/prune", json!({}))
        .await
        .denied(403, "forbidden");
    assert_eq!(
        error["message"],
        "Insufficient scope. Required: environment:records:write"
    );
}

#[tokio::test]
async fn what_was_read_can_be_pruned() {
    let (place, _) = filled().await;
    let client = place.behalf();
    let page = client.get("/records?model=Thing&limit=2").await.good(200);
    let until = page["records"][1]["_nango_metadata"]["cursor"].clone();
    let body = json!({"model": "Thing", "until_cursor": until});
    let pruned = client.patch("/records/prune", body).await.good(200);
    assert_eq!(pruned, json!({"count": 2, "has_more": false}));
    let after = client.get("/records?model=Thing").await.good(200);
    for one in &after["records"].as_array().expect("a list")[..2] {
        is_time_or_text(&one["_nango_metadata"]["pruned_at"]);
        assert_eq!(one.get("name"), None, "{one}");
    }
    assert_eq!(
        after["records"][2]["_nango_metadata"]["pruned_at"],
        json!(null)
    );
    client
        .patch("/records/prune", json!({"model": "Thing"}))
        .await
        .denied(400, "invalid_body");
    assert_eq!(
        client
            .patch(
                "/records/prune",
                json!({"model": "Thing", "until_cursor": "x"})
            )
            .await
            .status,
        400
    );
}

fn is_time_or_text(value: &Value) {
    assert!(
        value.as_str().is_some_and(|text| text.starts_with("20")),
        "{value}"
    );
    if value.as_str().is_some_and(|text| text.ends_with('Z')) {
        is_time(value);
    }
}
