//! The same server with its events on a KurrentDB server: the one that stands in
//! for it in the tests of the journal.

#[path = "../../../journal/tests/journal/kurrentdb/server.rs"]
mod server;
#[path = "../../../journal/tests/journal/kurrentdb/store.rs"]
#[expect(dead_code, reason = "the tests of the journal ask more of it")]
mod store;
#[path = "../../../journal/tests/journal/kurrentdb/wire.rs"]
mod wire;

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::client::Client;
use crate::server::Server;

/// Runs `strata export` or `strata import` and returns the head that it tells.
fn transfer(command: &str, data: &Path, file: &Path, server: Option<&str>) -> String {
    let mut strata = Command::new(env!("CARGO_BIN_EXE_strata"));
    let way = if command == "export" {
        "--output"
    } else {
        "--input"
    };
    strata
        .arg(command)
        .arg("--data-dir")
        .arg(data)
        .arg(way)
        .arg(file);
    strata.env_remove("STRATA_CONFIG");
    if let Some(url) = server {
        strata.env("STRATA_KURRENTDB_URL", url);
    }
    let ended = strata.output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.success(), "{command}: {said}");
    let head = said.lines().find(|line| line.starts_with("head "));
    head.expect("a head").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_world_on_kurrentdb_does_its_main_job_and_moves() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (one, other) = (server::Server::start(), server::Server::start());
    let blobs = at("blobs");
    let start = |data: &str, url: Option<&str>| {
        let mut environment = vec![("STRATA_BLOBS", blobs.to_str().unwrap())];
        if let Some(url) = url {
            environment.push(("STRATA_KURRENTDB_URL", url));
        }
        Server::start_with(&at(data), &environment)
    };
    let url = one.url();
    let mut running = start("one", Some(&url));
    let client = Client::to(&running);
    let function = client.function(json!({"execute": ["any"]})).await;
    let path = format!("/v1/functions/{function}");
    let variable = json!({"variableId": "v", "key": "K", "value": "secret", "secret": true});
    let set = client.post(&format!("{path}/variables"), variable).await;
    assert_eq!(set.status, 201, "{set:?}");
    let before_code = set.position();
    let code = "export default ({ res }) => res.text('kept by ' + process.env.K.length);";
    client.deploy(&function, code).await;
    let ran = client.execute(&function, json!({})).await;
    assert_eq!(ran["responseBody"], "kept by 6");
    // After a crash it goes on from what the server has.
    running.kill();
    let mut running = start("one", Some(&url));
    let client = Client::to(&running);
    let paths = [
        format!("{path}?as_of={before_code}"),
        path.clone(),
        format!("{path}/deployments"),
        format!("{path}/executions"),
    ];
    let mut answers = Vec::new();
    for path in &paths {
        answers.push(client.get(path).await.json());
    }
    assert_eq!(answers[0]["deploymentId"], "");
    assert_eq!(answers[3]["total"], 1);
    running.stop();

    // To files, and from there to another server: the same heads, the same
    // answers.
    let head = transfer("export", &at("one"), &at("first.jsonl"), Some(&url));
    let files = transfer("import", &at("two"), &at("first.jsonl"), None);
    assert_eq!(files, head);
    let mut running = start("two", None);
    let client = Client::to(&running);
    for (path, answer) in paths.iter().zip(&answers) {
        assert_eq!(client.get(path).await.json(), *answer, "{path}");
    }
    let ran = client.execute(&function, json!({})).await;
    assert_eq!(ran["responseBody"], "kept by 6");
    running.stop();
    let head = transfer("export", &at("two"), &at("second.jsonl"), None);
    let url = other.url();
    let there = transfer("import", &at("three"), &at("second.jsonl"), Some(&url));
    assert_eq!(there, head);
    let running = start("three", Some(&url));
    let client = Client::to(&running);
    let then = client.get(&paths[0]).await.json();
    assert_eq!(then, answers[0]);
    let executions = client.get(&paths[3]).await.json();
    assert_eq!(executions["total"], 2);
    let ran = client.execute(&function, json!({})).await;
    assert_eq!(ran["responseBody"], "kept by 6");
}
