//! `/v1/functions/{functionId}/variables`.

use serde_json::json;

use crate::client::{Client, column};

#[tokio::test]
async fn variables_have_rules() {
    let client = Client::new();
    let function = client.function(json!({})).await;
    let path = format!("/v1/functions/{function}/variables");
    for (field, value) in [
        ("key", json!(null)),
        ("key", json!("")),
        ("key", json!("k".repeat(256))),
        ("value", json!(null)),
        ("value", json!("v".repeat(8193))),
        ("secret", json!("true")),
        ("variableId", json!("_x")),
    ] {
        let mut body = json!({"key": "K", "value": "v"});
        body[field] = value;
        client
            .post(&path, body)
            .await
            .refused(400, "general_argument_invalid");
    }
    // An empty value is one, and the id may be left to the server.
    let made = client
        .post(&path, json!({"key": "EMPTY", "value": "", "secret": false}))
        .await;
    assert_eq!(made.status, 201);
    assert_eq!(made.text("$id").len(), 20);
    let body = json!({"variableId": "mine", "key": "k".repeat(255), "value": "ö".repeat(8192)});
    let made = client.post(&path, body.clone()).await.json();
    assert_eq!(
        (&made["secret"], &made["value"]),
        (&json!(true), &json!(""))
    );
    assert_eq!(
        (&made["resourceType"], &made["resourceId"]),
        (&json!("function"), &json!(function))
    );
    client
        .post(&path, body)
        .await
        .refused(409, "variable_already_exists");

    let mine = format!("{path}/mine");
    client
        .put(&mine, json!({}))
        .await
        .refused(400, "general_argument_invalid");
    client
        .put(&mine, json!({"key": "EMPTY"}))
        .await
        .refused(409, "variable_already_exists");
    client
        .put(&mine, json!({"secret": false}))
        .await
        .refused(400, "variable_cannot_unset_secret");
    let renamed = client.put(&mine, json!({"key": "RENAMED"})).await.json();
    assert_eq!(
        (&renamed["key"], &renamed["secret"]),
        (&json!("RENAMED"), &json!(true))
    );
    client
        .get(&format!("{path}/nobody"))
        .await
        .refused(404, "variable_not_found");
    client
        .put(&format!("{path}/nobody"), json!({"key": "x"}))
        .await
        .refused(404, "variable_not_found");
    client
        .delete(&format!("{path}/nobody"))
        .await
        .refused(404, "variable_not_found");

    let other = client.function(json!({})).await;
    client
        .get(&format!("/v1/functions/{other}/variables/mine"))
        .await
        .refused(404, "variable_not_found");
}

#[tokio::test]
async fn all_variables_are_listed_unless_a_limit_is_asked_for() {
    let client = Client::new();
    let function = client.function(json!({})).await;
    let path = format!("/v1/functions/{function}/variables");
    for number in 0..30 {
        let body = json!({"key": format!("K{number:02}"), "value": "x", "secret": number % 2 == 0});
        assert_eq!(client.post(&path, body).await.status, 201);
    }
    let all = client.get(&path).await.json();
    assert_eq!(all["total"], 30);
    let keys = column(&all, "variables", "key");
    assert_eq!((keys.len(), keys[0], keys[29]), (30, "K00", "K29"));
    let secret = json!({"method": "equal", "attribute": "secret", "values": [true]});
    let some = client
        .list(&path, &[secret, json!({"method": "limit", "values": [2]})])
        .await
        .json();
    assert_eq!(some["total"], 15);
    assert_eq!(column(&some, "variables", "key"), ["K00", "K02"]);
    let function = client
        .get(&format!("/v1/functions/{function}"))
        .await
        .json();
    assert_eq!(function["vars"].as_array().map(Vec::len), Some(30));
}

#[tokio::test]
async fn a_changed_variable_is_there_for_the_next_execution() {
    let client = Client::new();
    let function = client.function(json!({})).await;
    client
        .deploy(
            &function,
            "export default ({ res }) => res.json([process.env.A ?? null, process.env.B ?? null]);",
        )
        .await;
    let seen = async || client.execute(&function, json!({})).await["responseBody"].clone();
    assert_eq!(seen().await, "[null,null]");
    let path = format!("/v1/functions/{function}/variables");
    client
        .post(
            &path,
            json!({"variableId": "a", "key": "A", "value": "1", "secret": false}),
        )
        .await;
    client
        .post(&path, json!({"variableId": "b", "key": "B", "value": "2"}))
        .await;
    assert_eq!(seen().await, "[\"1\",\"2\"]");
    client
        .put(&format!("{path}/b"), json!({"value": "3"}))
        .await;
    assert_eq!(seen().await, "[\"1\",\"3\"]");
    // What was readable becomes secret and stays the same for the function.
    client
        .put(&format!("{path}/a"), json!({"secret": true}))
        .await;
    assert_eq!(client.get(&format!("{path}/a")).await.json()["value"], "");
    assert_eq!(seen().await, "[\"1\",\"3\"]");
    client.delete(&format!("{path}/a")).await;
    assert_eq!(seen().await, "[null,\"3\"]");
}
