//! The same server with everything in PostgreSQL.

use serde_json::json;

use crate::client::{Client, unique};
use crate::server::Server;

#[path = "../../projections/tests/projections/server.rs"]
#[expect(dead_code, reason = "the tests of the read models ask more of it")]
mod database;

#[tokio::test]
async fn a_server_that_stands_by_takes_over_what_was_answered() {
    let url = database::SERVER.database();
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

    // The other one says that it listens only when it is its turn.
    let (folder, address) = (data.path().to_owned(), url.clone());
    let second = std::thread::spawn(move || {
        Server::start_with(&folder, &[("STRATA_DATABASE_URL", &*address)])
    });
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    assert!(!second.is_finished(), "two servers work on one database");
    assert_eq!(client.get(&path).await.json(), now);
    first.kill();
    let second = tokio::task::spawn_blocking(move || second.join().unwrap())
        .await
        .unwrap();

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
