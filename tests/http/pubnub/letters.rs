//! Functions after messages that fail: further attempts, dead letters, and what a crash leaves.
//! Beyond the reference: Strata's own.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::stage::{Stage, on};
use crate::server::{Server, until};

/// Fails until its counter is at `good`.
fn fails_until(good: u32) -> String {
    format!(
        "const kv = require('kvstore');\n\
         export default async (request) => {{\n\
           const tries = await kv.incrCounter('tries');\n\
           if (tries < {good}) throw new Error('try ' + tries);\n\
           return request.ok();\n\
         }};"
    )
}

#[tokio::test]
async fn a_function_is_tried_again_as_the_keyset_says() {
    let stage = Stage::new().await;
    stage
        .set(json!({"afterRetries": 3, "retryDelayMs": 200}))
        .await;
    stage
        .play(&[on("a", "AFTER_PUBLISH", "chat", &fails_until(3))])
        .await;
    let begun = std::time::Instant::now();
    assert_eq!(stage.publish("chat", &json!({"n": 1})).await.0, 200);
    let ran = stage.executions(3).await;
    assert!(
        begun.elapsed() >= Duration::from_millis(600),
        "the second wait is twice the first"
    );
    let states: Vec<_> = ran
        .iter()
        .map(|row| (row["status"].as_str(), row["attempt"].as_u64()))
        .collect();
    let expected = [
        (Some("failed"), Some(1)),
        (Some("failed"), Some(2)),
        (Some("completed"), Some(3)),
    ];
    assert_eq!(states, expected);
    assert_eq!(ran[2]["retryOf"], ran[0]["id"]);
    assert!(
        ran[1]["errors"]
            .as_str()
            .is_some_and(|errors| errors.contains("try 2"))
    );
    assert!(stage.letters(0).await.is_empty());
}

#[tokio::test]
async fn a_dead_letter_is_tried_or_thrown_away() {
    let stage = Stage::new().await;
    stage
        .set(json!({"afterRetries": 1, "retryDelayMs": 1}))
        .await;
    stage
        .play(&[on("a", "AFTER_PUBLISH", "chat", &fails_until(4))])
        .await;
    stage.publish("chat", &json!({"n": 1})).await;
    let letter = stage.letters(1).await.remove(0);
    assert_eq!(
        (&letter["attempt"], &letter["isLast"]),
        (&json!(2), &json!(true))
    );
    assert!(
        letter["errors"]
            .as_str()
            .is_some_and(|errors| errors.contains("try 2"))
    );
    let strata = stage.bed.strata();
    let retry = |id: &serde_json::Value| {
        let id = id.as_str().expect("an id");
        stage.own(&format!("dead-letters/{id}/retry"))
    };
    // It fails once more, and is a dead letter again.
    let again = strata.post(&retry(&letter["id"]), json!({})).await;
    assert_eq!(again.status, 202, "{again:?}");
    let second = until("the next dead letter", async || {
        let letter = stage.letters(1).await.remove(0);
        (letter["id"] == again.text("id").as_str()).then_some(letter)
    })
    .await;
    assert_eq!(second["attempt"], 3);
    assert_eq!(
        strata.post(&retry(&letter["id"]), json!({})).await.status,
        404
    );
    // Then it succeeds.
    assert_eq!(
        strata.post(&retry(&second["id"]), json!({})).await.status,
        202
    );
    stage.letters(0).await;
    let ran = stage.executions(2).await;
    let last = ran.last().expect("one");
    assert_eq!(
        (&last["status"], &last["attempt"]),
        (&json!("completed"), &json!(4))
    );
    // Another one is thrown away.
    let other = Stage::new().await;
    let throws = "export default () => { throw new Error('no'); };";
    other
        .play(&[on("a", "AFTER_PUBLISH", "chat", throws)])
        .await;
    other.publish("chat", &json!({})).await;
    let letter = other.letters(1).await.remove(0);
    let id = letter["id"].as_str().expect("an id");
    let path = other.own(&format!("dead-letters/{id}"));
    // Not through another keyset, and not without the scope.
    let foreign = stage.own(&format!("dead-letters/{id}"));
    assert_eq!(strata.delete(&foreign).await.status, 404);
    let reader = super::bed::bearer(&other.bed.client, &other.bed.key(&["keyset:read"]).await);
    assert_eq!(reader.delete(&path).await.status, 403);
    assert_eq!(other.bed.strata().delete(&path).await.status, 204);
    other.letters(0).await;
    assert_eq!(other.bed.strata().delete(&path).await.status, 404);
}

#[tokio::test]
async fn an_abort_after_a_message_is_no_failure() {
    let stage = Stage::new().await;
    let aborts = "export default (request) => request.abort('enough');";
    stage
        .play(&[on("a", "AFTER_PUBLISH", "chat", aborts)])
        .await;
    assert_eq!(stage.publish("chat", &json!({})).await.0, 200);
    assert_eq!(stage.executions(1).await[0]["status"], "completed");
    assert!(stage.letters(0).await.is_empty());
}

#[tokio::test]
async fn a_crash_leaves_dead_letters_and_loses_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut server = Server::start_in(dir.path());
    let stage = Stage::on(&server).await;
    let code = "const kv = require('kvstore');\n\
        export default async (request) => {\n\
          if (await kv.incrCounter('runs') === 1) await new Promise((resolve) => setTimeout(resolve, 9000));\n\
          console.log('done with ' + request.message.n);\n\
          return request.ok();\n\
        };";
    stage.play(&[on("a", "AFTER_PUBLISH", "chat", code)]).await;
    assert_eq!(stage.publish("chat", &json!({"n": 7})).await.0, 200);
    until("the run", async || {
        let list = stage
            .bed
            .strata()
            .get(&stage.own("executions"))
            .await
            .json();
        (list["executions"][0]["status"] == "processing").then_some(())
    })
    .await;
    server.kill();
    let server = Server::start_in(dir.path());
    let stage = Stage {
        bed: stage.bed.again(&server),
        keyset: stage.keyset,
    };
    let letter = stage.letters(1).await.remove(0);
    assert_eq!(letter["reason"], "interrupted");
    // Its request survived, so it can be tried again, and is a full run.
    let id = letter["id"].as_str().expect("an id");
    let path = stage.own(&format!("dead-letters/{id}/retry"));
    assert_eq!(stage.bed.strata().post(&path, json!({})).await.status, 202);
    stage.letters(0).await;
    let ran = stage.executions(1).await;
    let last = ran.last().expect("one");
    assert_eq!(last["status"], "completed", "{last}");
    assert!(
        last["logs"]
            .as_str()
            .is_some_and(|logs| logs.contains("done with 7")),
        "{last}"
    );
}

/// Every file below a folder.
fn files(folder: &std::path::Path) -> BTreeSet<std::path::PathBuf> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => _ = found.insert(path),
        }
    }
    found
}

#[tokio::test]
async fn a_keyset_takes_its_dead_letters_along() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start_in(dir.path());
    let stage = Stage::on(&server).await;
    let throws = "export default () => { throw new Error('no'); };";
    let functions = [on("a", "AFTER_PUBLISH", "chat", throws)];
    let revision = stage.bed.package(&functions).await;
    let deployment = stage.bed.running(&revision, &stage.keyset).await;
    let blobs = dir.path().join("blobs");
    let before = files(&blobs);
    stage.publish("chat", &json!({"n": 1})).await;
    stage.letters(1).await;
    let kept = &files(&blobs) - &before;
    assert_eq!(kept.len(), 1, "what it was asked with: {kept:?}");
    assert_eq!(stage.bed.stop(&deployment, "").await.status, 200);
    stage.bed.reaches(&deployment, "STOPPED").await;
    let path = format!("/strata/v1/keysets/{}", stage.keyset.number);
    let deleted = stage.bed.strata().delete(&path).await;
    assert_eq!(deleted.status, 204, "{deleted:?}");
    assert_eq!(&files(&blobs) & &kept, BTreeSet::new());
}
