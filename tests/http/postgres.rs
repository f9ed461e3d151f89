//! The same server with everything in PostgreSQL.

use std::time::Duration;

use serde_json::json;

use crate::client::{Client, unique};
use crate::postgresql;
use crate::server::{Server, until};

#[tokio::test]
async fn what_was_answered_is_there_after_a_crash() {
    let database = postgresql::shared();
    let url = database.url(&database.create_database());
    let data = tempfile::tempdir().unwrap();
    let environment = [("STRATA_DATABASE_URL", &*url)];
    let mut first = Server::start_with(data.path(), &environment);
    let client = Client::to(&first);
    let function = client.function(json!({"execute": ["any"]})).await;
    let path = format!("/v1/functions/{function}");
    let named = json!({"variableId": unique("v"), "key": "K", "value": "secret"});
    let variable = client.post(&format!("{path}/variables"), named).await;
    assert_eq!(variable.status, 201);
    let before_code = variable.position();
    client
        .deploy(
            &function,
            "export default ({ res }) => res.text('kept by ' + process.env.K.length);",
        )
        .await;
    let ran = client.execute(&function, json!({})).await;
    assert_eq!(ran["responseBody"], "kept by 6");
    let now = client.get(&path).await.json();
    assert_ne!(now["deploymentId"], "");
    first.kill();

    let second = Server::start_with(data.path(), &environment);
    let client = Client::to(&second);
    assert_eq!(client.get(&path).await.json(), now);
    let then = client.get(&format!("{path}?as_of={before_code}")).await;
    assert_eq!(then.json()["deploymentId"], "");
    assert_eq!(then.json()["vars"].as_array().unwrap().len(), 1);
    let ran = client.execute(&function, json!({})).await;
    assert_eq!(ran["responseBody"], "kept by 6");
    let list = client.get(&format!("{path}/executions")).await.json();
    assert_eq!(list["total"], 2);
    assert!(!data.path().join("journal.db").exists());
}

/// While the database is away, commands and reads are refused with a hint to
/// come again; afterwards everything goes on, and nothing was done twice.
#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_a_server_asks_to_come_again() {
    let database = tokio::task::spawn_blocking(|| postgresql::Server::start(""))
        .await
        .unwrap();
    let url = database.url(&database.create_database());
    let data = tempfile::tempdir().unwrap();
    let server = Server::start_with(data.path(), &[("STRATA_DATABASE_URL", &*url)]);
    let client = Client::to(&server);
    let function = client.function(json!({})).await;
    let path = format!("/v1/functions/{function}/variables");
    let named =
        |n: u32| json!({"variableId": format!("v{n}"), "key": format!("K{n}"), "value": ""});

    database.stop();
    let refused = client.post(&path, named(1)).await;
    refused.refused(503, "general_service_unavailable");
    assert_eq!(refused.header("retry-after"), "1");
    let refused = client.get(&path).await;
    refused.refused(503, "general_service_unavailable");
    assert_eq!(refused.header("retry-after"), "1");

    database.start_again();
    until("the database", async || {
        let answer = client.post(&path, named(2)).await;
        match answer.status {
            201 | 409 => Some(()),
            503 => None,
            _ => panic!("{answer:?}"),
        }
    })
    .await;
    // The refused one left nothing behind, or all of itself.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let listed = client.get(&path).await.json();
    let total = listed["total"].as_u64().unwrap();
    let again = client.post(&path, named(1)).await.status;
    assert!(matches!((total, again), (1, 201) | (2, 409)), "{listed}");
}
