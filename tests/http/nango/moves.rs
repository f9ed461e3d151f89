//! Records move with their world, from store to store.

use serde_json::{Value, json};

use super::api::root;
use super::bed::{self, providers_file};
use super::sources::sync;
use super::standin::StandIn;
use crate::client::Client;
use crate::postgresql;
use crate::server::{Server, until};
use crate::transfer::Home;

/// Saves what there is, and deletes what there is no more.
const SAVING: &str = "await nango.trackDeletesStart('Thing');
        const { data } = await nango.get<{ things: { id: string }[] }>({ endpoint: '/things', retries: 0 });
        await nango.batchSave(data.things, 'Thing');
        await nango.trackDeletesEnd('Thing');";

fn things(things: Value) -> Value {
    json!({"method": "GET", "path": "/things", "reply": {"json": {"things": things}}})
}

fn behalf(server: &Server) -> Client {
    root(server)
        .with("connection-id", "conn-1")
        .with("provider-config-key", "github")
}

async fn run(server: &Server, standin: &StandIn, there: Value) -> Value {
    standin.expect(&[things(there)], false);
    let path = "/sync/status?syncs=things&provider_config_key=github&connection_id=conn-1";
    let client = behalf(server);
    let status = async || client.get(path).await.good(200)["syncs"][0].clone();
    let before = status().await["finishedAt"].clone();
    let begun = client.post("/sync/trigger", json!({"syncs": ["things"]}));
    begun.await.good(200);
    until("a run", async || {
        let status = status().await;
        (status["finishedAt"] != before && status["status"] != "RUNNING").then_some(status)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn records_move_with_their_history() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name);
    let blobs = at("blobs");
    let providers = providers_file(folder.path());
    let environment = [
        ("STRATA_PROVIDERS", &*providers),
        ("STRATA_ALLOW_PRIVATE_NETWORK", "true"),
    ];
    let on_files = Home {
        data: at("one"),
        database: None,
    };
    let database = postgresql::shared();
    let on_database = Home {
        data: at("two"),
        database: Some(database.url(&database.create_database())),
    };
    let standin = StandIn::start();
    let mut server = on_files.server_with(&blobs, &environment);
    let client = root(&server);
    bed::integrate(&client, "github", "github").await.good(200);
    let body = json!({
        "provider_config_key": "github", "connection_id": "conn-1",
        "credentials": {"type": "OAUTH2", "access_token": "t"},
        "connection_config": {"standin": standin.port.to_string()},
    });
    client.post("/connections", body).await.good(200);
    let code = sync("", SAVING);
    let deployed = bed::deploy(&client, "github", "sync", "things", &code).await;
    assert_eq!(deployed["status"], "success", "{deployed}");
    let first = json!([{"id": "a"}, {"id": "b", "name": "Ä"}, {"id": "c"}]);
    run(&server, &standin, first).await;
    let before = client.get("/strata/v1/head").await.json()["head"].clone();
    let second = json!([{"id": "b", "name": "B"}, {"id": "c"}]);
    run(&server, &standin, second).await;
    let paths = [
        "/records?model=Thing".to_owned(),
        format!("/records?model=Thing&as_of={before}"),
        "/records?model=Thing&filter=deleted".to_owned(),
    ];
    let read = async |server: &Server| {
        let mut answers = Vec::new();
        for path in &paths {
            answers.push(behalf(server).get(path).await.good(200));
        }
        answers
    };
    let was = read(&server).await;
    assert_eq!(was[0]["records"].as_array().map(Vec::len), Some(3));
    assert_ne!(was[0], was[1]);
    let said = on_files.succeed("export", &at("first.jsonl"));
    assert!(said.contains(" rows of records"), "{said}");
    server.stop();

    on_database.succeed("import", &at("first.jsonl"));
    on_database.succeed("export", &at("second.jsonl"));
    let texts =
        ["first.jsonl", "second.jsonl"].map(|name| std::fs::read(at(name)).expect("a file"));
    assert!(texts[0] == texts[1], "the second file differs");
    // Again is harmless.
    on_database.succeed("import", &at("first.jsonl"));
    let mut server = on_database.server_with(&blobs, &environment);
    assert_eq!(read(&server).await, was);
    // It goes on where it was: what is unchanged is, and what is new comes after what is known.
    let last = was[0]["records"][2]["_nango_metadata"]["cursor"].clone();
    let third = json!([{"id": "b", "name": "B"}, {"id": "c"}, {"id": "d"}]);
    let ran = run(&server, &standin, third).await;
    let counts = json!({"added": 1, "updated": 0, "deleted": 0});
    assert_eq!(ran["latestResult"]["Thing"], counts, "{ran}");
    let cursor = crate::client::encode(last.as_str().expect("a cursor"));
    let path = format!("/records?model=Thing&cursor={cursor}");
    let new = behalf(&server).get(&path).await.good(200);
    assert_eq!(new["records"].as_array().map(Vec::len), Some(1), "{new}");
    assert_eq!(new["records"][0]["id"], "d");
    let now = read(&server).await;
    server.stop();

    // And back; a store that holds something else is left as it is.
    on_database.succeed("export", &at("third.jsonl"));
    let back = Home {
        data: at("three"),
        database: None,
    };
    back.succeed("import", &at("third.jsonl"));
    let mut server = back.server_with(&blobs, &environment);
    assert_eq!(read(&server).await, now);
    server.stop();
    let other = Home {
        data: at("four"),
        database: None,
    };
    std::fs::create_dir_all(&other.data).expect("a folder");
    std::fs::copy(at("three/records.db"), at("four/records.db")).expect("a copy");
    let said = other.fail("import", &at("first.jsonl"));
    assert!(said.contains("not empty"), "{said}");
}
