//! `/integrations/{key}/functions`: what is deployed, and was.

use serde_json::{Value, json};

use super::api::has_members;
use super::bed::Place;
use super::sources::{ACTION, SYNC, action, sync};

#[tokio::test]
async fn what_is_deployed_is_listed_read_and_deleted() {
    let place = Place::new().await;
    for (kind, name, code) in [
        ("action", "b-two", ACTION),
        ("action", "a-one", ACTION),
        ("sync", "Both", SYNC),
        ("action", "Both", ACTION),
    ] {
        place.deploy(kind, name, code).await;
    }
    let client = &place.client;
    let path = "/integrations/github/functions";
    let names = async |query: &str| -> Value {
        let list = client.get(&format!("{path}{query}")).await.good(200);
        let rows = list["data"].as_array().expect("a list").iter();
        json!([
            rows.map(|row| json!([row["type"], row["name"]]))
                .collect::<Vec<_>>(),
            list["pagination"]
        ])
    };
    let all = names("").await;
    assert_eq!(all[0].as_array().map(Vec::len), Some(4));
    // By type, then by name.
    let kinds: Vec<_> = all[0]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| row[0].as_str().expect("a text"))
        .collect();
    assert_eq!(kinds, ["action", "action", "action", "sync"]);
    assert_eq!(
        names("?type=sync").await,
        json!([[["sync", "Both"]], {"total": 1, "page": 0, "limit": 20}])
    );
    assert_eq!(names("?search=BOT").await[1]["total"], 2);
    let second = names("?limit=3&page=1").await;
    assert_eq!(
        second,
        json!([[["sync", "Both"]], {"total": 4, "page": 1, "limit": 3}])
    );
    for wrong in [
        "?limit=0",
        "?limit=101",
        "?page=-1",
        "?type=flow",
        "?stranger=1",
    ] {
        client
            .get(&format!("{path}{wrong}"))
            .await
            .denied(400, "invalid_query_params");
    }
    let error = client
        .get("/integrations/nobody/functions")
        .await
        .denied(404, "not_found");
    assert_eq!(error["message"], "Integration does not exist");

    let error = client.get(&format!("{path}/Both/code")).await.denied_with(
        409,
        "ambiguous_function",
        &["payload"],
    );
    let mut matches = error["payload"]["matches"]
        .as_array()
        .expect("a list")
        .clone();
    matches.sort_by_key(ToString::to_string);
    assert_eq!(
        matches,
        [
            json!({"type": "action", "name": "Both"}),
            json!({"type": "sync", "name": "Both"})
        ]
    );
    let code = client
        .get(&format!("{path}/Both/code?type=sync"))
        .await
        .good(200);
    assert_eq!(code, json!({"type": "sync", "code": SYNC}));
    let sync = client
        .get(&format!("{path}/Both?type=sync"))
        .await
        .good(200)["data"]
        .clone();
    assert_eq!(
        (
            &sync["runs"],
            &sync["auto_start"],
            &sync["track_deletes"],
            &sync["returns"]
        ),
        (
            &json!("every hour"),
            &json!(false),
            &json!(false),
            &json!(["Thing"])
        )
    );

    let head = client.get("/strata/v1/head").await.json()["head"].clone();
    client
        .delete(&format!("{path}/Both"))
        .await
        .denied(400, "invalid_query_params");
    let deleted = client.delete(&format!("{path}/Both?type=sync")).await;
    assert_eq!(deleted.good(200), json!({"data": {"success": true}}));
    assert_eq!(
        client.get(&format!("{path}/Both/code")).await.good(200)["type"],
        "action"
    );
    client
        .delete(&format!("{path}/Both?type=sync"))
        .await
        .denied(404, "not_found");
    assert_eq!(names(&format!("?as_of={head}")).await[1]["total"], 4);
    let old = client
        .get(&format!("{path}/Both/code?type=sync&as_of={head}"))
        .await
        .good(200);
    assert_eq!(old["code"], SYNC);
    assert_eq!(
        client
            .get("/sync/status?syncs=*&provider_config_key=github")
            .await
            .good(200)["syncs"],
        json!([])
    );

    let config = client.get("/scripts/config").await.good(200);
    has_members(
        &config[0],
        &[
            "providerConfigKey",
            "provider",
            "syncs",
            "actions",
            "on-events",
        ],
        &[],
    );
    assert_eq!(config[0]["actions"].as_array().map(Vec::len), Some(3));
    let tools = client.get("/scripts/config?format=openai").await.good(200)["data"].clone();
    assert_eq!(tools.as_array().map(Vec::len), Some(3));
    has_members(&tools[0], &["name", "description", "parameters"], &[]);
    for (scope, allowed) in [
        ("environment:functions:list", path.to_owned()),
        ("environment:functions:read", format!("{path}/a-one")),
    ] {
        place.keyed(&[scope]).await.get(&allowed).await.good(200);
        place
            .keyed(&["environment:functions:compile"])
            .await
            .get(&allowed)
            .await
            .denied(403, "forbidden");
    }
}

#[tokio::test]
async fn the_past_of_a_function_is_kept() {
    let place = Place::new().await;
    let mut made = Vec::new();
    for number in 1..=3 {
        place
            .deploy("action", "one", &action("", &format!("return {number};")))
            .await;
        made.push(place.client.get("/strata/v1/head").await.json()["head"].clone());
    }
    let path = "/integrations/github/functions/one";
    for (index, position) in made.iter().enumerate() {
        let code = place
            .client
            .get(&format!("{path}/code?as_of={position}"))
            .await
            .good(200);
        assert!(
            code["code"]
                .as_str()
                .is_some_and(|code| code.contains(&format!("return {};", index + 1))),
            "{code}"
        );
        let entry = place
            .client
            .get(&format!("{path}?as_of={position}"))
            .await
            .good(200);
        assert_eq!(entry["data"]["version"], (index + 1).to_string(), "{entry}");
    }
}

#[tokio::test]
async fn the_schemas_are_those_of_the_definition() {
    let place = Place::new().await;
    let code = sync("metadata: z.object({ day: z.date(), any: z.unknown() }),", "")
        .replace("const Other = z.object({ id: z.string() });", "const Other = z.looseObject({ id: z.string(), at: z.date(), map: z.record(z.string(), z.number()), maybe: z.string().nullish(), sum: z.bigint().transform(String) });");
    place.deploy("sync", "things", &code).await;
    let entry = place
        .client
        .get("/integrations/github/functions/things")
        .await
        .good(200)["data"]
        .clone();
    let schemas = &entry["json_schema"]["definitions"];
    assert_eq!(
        schemas["Thing"],
        json!({"type": "object", "properties": {"id": {"type": "string"}, "name": {"type": "string"}}, "required": ["id"], "additionalProperties": false})
    );
    assert_eq!(schemas["Other"]["additionalProperties"], json!({}));
    assert_eq!(
        schemas["Other"]["properties"]["at"],
        json!({"type": "string", "format": "date-time"})
    );
    assert_eq!(schemas["Other"].get("$schema"), None);
    assert_eq!(
        schemas["SyncMetadata_github_things"]["properties"]["day"],
        json!({"type": "string", "format": "date-time"})
    );
    place
        .deploy(
            "action",
            "nothing-at-all",
            &action("", "return 1;").replace("input: z.any()", "input: z.void()"),
        )
        .await;
    let entry = place
        .client
        .get("/integrations/github/functions/nothing-at-all")
        .await
        .good(200)["data"]
        .clone();
    assert_eq!(
        entry["json_schema"]["definitions"]["ActionInput_github_nothingatall"],
        json!({"type": "null"})
    );
}
