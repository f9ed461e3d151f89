//! What stays when the server dies, and what never leaves it.

use std::path::Path;

use serde_json::{Value, json};

use super::api::root;
use super::bed::{self, start_in};
use super::sources::{action, sync};
use super::standin::StandIn;
use crate::server::until;

const SECRETS: [&str; 4] = [
    "s3cret-client",
    "s3cret-token",
    "s3cret-refresh",
    "s3cret-source",
];

fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[tokio::test]
async fn everything_survives_a_crash_and_secrets_stay_sealed() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let standin = StandIn::start();
    let mut server = start_in(dir.path());
    let client = root(&server);
    let body = json!({"provider": "github", "unique_key": "github", "credentials": {"type": "OAUTH2", "client_id": "client-1", "client_secret": "s3cret-client"}});
    client.post("/integrations", body).await.good(200);
    let body = json!({
        "provider_config_key": "github", "connection_id": "conn-1", "metadata": {"a": 1},
        "credentials": {"type": "OAUTH2", "access_token": "s3cret-token", "refresh_token": "s3cret-refresh"},
        "connection_config": {"standin": standin.port.to_string()},
    });
    client.post("/connections", body).await.good(200);
    let code = action(
        "",
        "// s3cret-source\nreturn (await nango.getConnection()).credentials;",
    );
    assert_eq!(
        bed::deploy(&client, "github", "action", "one", &code).await["status"],
        "success"
    );
    let code = sync(
        "",
        "await nango.batchSave([{ id: 'a', name: 'A' }], 'Thing');",
    );
    assert_eq!(
        bed::deploy(&client, "github", "sync", "things", &code).await["status"],
        "success"
    );
    let body =
        json!({"syncs": ["things"], "provider_config_key": "github", "connection_id": "conn-1"});
    client.post("/sync/trigger", body).await.good(200);
    let paths = [
        "/integrations/github?include=credentials&include=webhook",
        "/connections/conn-1?provider_config_key=github&refresh_token=true",
        "/integrations/github/functions",
        "/integrations/github/functions/one/code",
        "/sync/status?syncs=*&provider_config_key=github&connection_id=conn-1",
        "/records?model=Thing",
    ];
    let behalf = |client: &crate::client::Client| {
        client
            .with("connection-id", "conn-1")
            .with("provider-config-key", "github")
    };
    let state = async |client: &crate::client::Client| -> Vec<Value> {
        let mut state = Vec::new();
        for path in paths {
            let mut shown = behalf(client).get(path).await.good(200);
            // When it was last looked at, and where the server is, are not part of it.
            shown["last_fetched_at"] = json!(null);
            if shown["data"].is_object() {
                shown["data"]["webhook_url"] = json!(null);
            }
            state.push(shown);
        }
        state
    };
    until("a record", async || {
        let records = behalf(&client).get("/records?model=Thing").await.good(200);
        let status = client.get(paths[4]).await.good(200);
        let ended = !status["syncs"][0]["finishedAt"].is_null();
        (ended && records["records"][0]["id"] == "a").then_some(())
    })
    .await;
    let trigger = json!({"action_name": "one"});
    assert_eq!(
        behalf(&client)
            .post("/action/trigger", trigger.clone())
            .await
            .good(200)["access_token"],
        "s3cret-token"
    );
    let before = state(&client).await;

    let mut offset = 0;
    loop {
        let page = client
            .get(&format!("/strata/v1/audit?limit=100&after={offset}"))
            .await;
        let text = String::from_utf8_lossy(&page.bytes);
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        let events = page.json()["events"].as_array().expect("a list").clone();
        let Some(last) = events.last() else {
            break;
        };
        offset = last["position"].as_u64().expect("a position");
    }
    server.kill();

    let mut found = Vec::new();
    files(dir.path(), &mut found);
    let mut looked = 0;
    for file in found {
        let name = file
            .strip_prefix(dir.path())
            .expect("it is below")
            .to_string_lossy()
            .into_owned();
        // Sources lie in blobs in clear; caches hold packages.
        if name.starts_with("cache") || name == "providers.yaml" {
            continue;
        }
        let bytes = std::fs::read(&file).unwrap_or_default();
        looked += 1;
        for secret in &SECRETS[..if name.starts_with("blobs") { 3 } else { 4 }] {
            let there = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!there, "{secret} in {name}");
        }
    }
    assert!(looked > 3);

    let server = start_in(dir.path());
    let client = root(&server);
    assert_eq!(state(&client).await, before);
    assert_eq!(
        behalf(&client)
            .post("/action/trigger", trigger)
            .await
            .good(200)["access_token"],
        "s3cret-token"
    );
}
