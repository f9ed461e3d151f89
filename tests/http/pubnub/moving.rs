//! An account moves to another store with all that it consists of.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::bed::{Bed, at};
use super::stage::{Stage, on};
use crate::server::Server;

fn strata(command: &str, data: &Path, more: &[&str]) {
    let ended = Command::new(env!("CARGO_BIN_EXE_strata"))
        .args([command, "--data-dir"])
        .arg(data)
        .args(more)
        .env_remove("STRATA_CONFIG")
        .output()
        .expect("it runs");
    assert!(ended.status.success(), "{command}: {ended:?}");
}

/// A message that was let through, with the text of a secret in it.
const SIGNS: &str = "const kv = require('kvstore');\nconst vault = require('vault');\n\
    export default async (request) => {\n\
      request.message.n = await kv.incrCounter('seen');\n\
      request.message.by = await vault.get('name');\n\
      return request.ok();\n\
    };";

/// What can be asked of an account.
async fn answers(bed: &Bed, paths: &[String]) -> Vec<Value> {
    let mut answers = Vec::new();
    for path in paths {
        let client = match path.starts_with("/strata") {
            true => bed.strata(),
            false => bed.client.clone(),
        };
        let answer = client.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        let mut body = answer.json();
        if let Some(body) = body.as_object_mut() {
            body.remove("meta");
        }
        answers.push(body);
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_moves_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name);
    let (one, two, file) = (place("one"), place("two"), place("world.jsonl"));
    let blobs = place("blobs");
    let environment = [("STRATA_BLOBS", blobs.to_str().expect("a path"))];
    let mut server = Server::start_with(&one, &environment);
    let stage = Stage::on(&server).await;
    stage.secret("name", "the keeper").await;
    let fails = "export default () => { throw new Error('no'); };";
    stage
        .play(&[
            on("sign", "BEFORE_PUBLISH", "chat", SIGNS),
            on("fail", "AFTER_PUBLISH", "chat", fails),
        ])
        .await;
    assert_eq!(stage.publish("chat", &json!({})).await.0, 200);
    stage.letters(1).await;
    let subkey = &stage.keyset.subscribe_key;
    let text = at(&format!("/kv/jsons/a?subkey={subkey}"));
    let set = stage.bed.client.put(&text, json!({"value": [1, 2]})).await;
    assert_eq!(set.status, 200, "{set:?}");
    // A time that goes on is not compared.
    let then = |path: &str, mark: char| format!("{path}{mark}as_of={}", set.position());
    let paths = [
        at("/packages"),
        then(&at(&format!("/kv/jsons?subkey={subkey}")), '&'),
        at(&format!("/kv/counters?subkey={subkey}")),
        at(&format!("/kv/secrets?subkey={subkey}")),
        at(&format!(
            "/package-deployments/intersected?keyset_id={}&channel=chat",
            stage.keyset.number
        )),
        stage.own("executions"),
        stage.own("dead-letters"),
        stage.own("history"),
        then(&at("/packages"), '?'),
    ];
    let before = answers(&stage.bed, &paths).await;
    server.stop();
    let file = file.to_str().expect("a path");
    strata("export", &one, &["--output", file]);
    strata("import", &two, &["--input", file]);
    strata("verify", &two, &[]);

    // Also without the read models, which the import does not make.
    let mut server = Server::start_with(&two, &environment);
    let moved = Stage {
        bed: stage.bed.again(&server),
        keyset: stage.keyset.clone(),
    };
    assert_eq!(answers(&moved.bed, &paths).await, before);
    let since = moved.now().await;
    assert_eq!(moved.publish("chat", &json!({})).await.0, 200);
    let heard = moved.hear("chat", &since, 1).await;
    assert_eq!(heard, [json!({"n": 2, "by": "the keeper"})]);
    moved.letters(2).await;
    server.stop();
    strata("verify", &two, &[]);
}
