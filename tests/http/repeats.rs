//! `Idempotency-Key`, `If-Match`, and what survives a crash.

use serde_json::json;

use crate::client::{Client, column, unique};
use crate::server::Server;

#[tokio::test]
async fn the_same_request_has_one_effect_and_one_answer() {
    let client = Client::new();
    let once = client.with("idempotency-key", &unique("key"));
    let body = json!({"functionId": "unique()", "name": "once", "runtime": "node-22", "entrypoint": "main.js"});
    let first = once.post("/v1/functions", body.clone()).await;
    let second = once.post("/v1/functions", body).await;
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.json(), second.json());
    assert_eq!(first.position(), second.position());
    let other = json!({"functionId": "unique()", "name": "other", "runtime": "node-22"});
    once.post("/v1/functions", other)
        .await
        .refused(422, "general_idempotency_key_reused");

    let function = first.text("$id");
    let path = format!("/v1/functions/{function}");
    let once = client.with("idempotency-key", &unique("key"));
    let variable = json!({"key": "K", "value": "x"});
    let first = once
        .post(&format!("{path}/variables"), variable.clone())
        .await;
    let second = once.post(&format!("{path}/variables"), variable).await;
    assert_eq!((first.status, first.json()), (201, second.json()));

    // An upload whose boundary differs is the same upload.
    let once = client.with("idempotency-key", &unique("key"));
    let archive = crate::client::archive(&[(
        "main.js",
        b"export default ({ res }) => res.text(String(Math.random()));",
    )]);
    let first = once.upload(&function, &archive, true).await.text("$id");
    let second = once.upload(&function, &archive, true).await.text("$id");
    assert_eq!(first, second);
    client.built(&function, &first).await;
    let list = client.get(&format!("{path}/deployments")).await.json();
    assert_eq!(list["total"], 1);
    crate::server::until("activation", async || {
        (client.get(&path).await.text("deploymentId") == first).then_some(())
    })
    .await;

    // An execution runs once; its body is not kept.
    let once = client.with("idempotency-key", &unique("key"));
    let first = once.post(&format!("{path}/executions"), json!({})).await;
    let second = once.post(&format!("{path}/executions"), json!({})).await;
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.text("$id"), second.text("$id"));
    let list = client.get(&format!("{path}/executions")).await.json();
    assert_eq!(column(&list, "executions", "$id"), [first.text("$id")]);

    let once = client.with("idempotency-key", &unique("key"));
    assert_eq!(once.delete(&path).await.status, 204);
    assert_eq!(once.delete(&path).await.status, 204);
    client
        .delete(&path)
        .await
        .refused(404, "function_not_found");
    let long = client.with("idempotency-key", &"k".repeat(256));
    long.post("/v1/functions", json!({}))
        .await
        .refused(400, "general_argument_invalid");
}

#[tokio::test]
async fn a_change_can_ask_for_what_it_changes() {
    let client = Client::new();
    let function = client.function(json!({})).await;
    let path = format!("/v1/functions/{function}");
    let changed = client.put(&path, json!({"name": "one"})).await;
    let tag = changed.header("etag").to_owned();
    assert_eq!(tag, "\"2\"");
    let same = client.with("if-match", &tag);
    assert_eq!(same.put(&path, json!({"name": "two"})).await.status, 200);
    same.put(&path, json!({"name": "three"}))
        .await
        .refused(412, "general_precondition_failed");
    same.delete(&path)
        .await
        .refused(412, "general_precondition_failed");
    client
        .with("if-match", "soon")
        .delete(&path)
        .await
        .refused(400, "general_argument_invalid");
    assert_eq!(client.get(&path).await.text("name"), "two");
    assert_eq!(client.with("if-match", "*").delete(&path).await.status, 204);
}

#[tokio::test]
async fn what_was_answered_survives_a_crash() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start_in(data.path());
    let client = Client::to(&server);
    let function = client.function(json!({"execute": ["any"]})).await;
    client
        .deploy(
            &function,
            "export default ({ res }) => res.text('still here');",
        )
        .await;
    let path = format!("/v1/functions/{function}");
    let variable = json!({"variableId": "v", "key": "K", "value": "secret"});
    assert_eq!(
        client
            .post(&format!("{path}/variables"), variable)
            .await
            .status,
        201
    );
    let before = client.get(&path).await.json();
    server.kill();
    drop(server);

    let server = Server::start_in(data.path());
    let client = Client::to(&server);
    assert_eq!(client.get(&path).await.json(), before);
    assert_eq!(
        client.execute(&function, json!({})).await["responseBody"],
        "still here"
    );
    drop(server);

    // The read models hold nothing that the journal does not hold.
    for entry in std::fs::read_dir(data.path()).unwrap() {
        let entry = entry.unwrap();
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with("readmodels")
        {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    let server = Server::start_in(data.path());
    let client = Client::to(&server);
    assert_eq!(client.get(&path).await.json(), before);
}
