//! Reads of the past.

use serde_json::json;

use crate::client::{Client, column};

#[tokio::test]
async fn every_read_can_be_asked_of_the_past() {
    let client = Client::new();
    let function = client.function(json!({"name": "first"})).await;
    let path = format!("/v1/functions/{function}");
    let deployment = client
        .deploy(&function, "export default ({ res }) => res.text('x');")
        .await;
    let ran = client.post(&format!("{path}/executions"), json!({})).await;
    let execution = ran.text("$id");
    let variable = client
        .post(
            &format!("{path}/variables"),
            json!({"variableId": "v", "key": "K", "value": "old", "secret": false}),
        )
        .await;
    let then = variable.position();
    let reads = [
        path.clone(),
        format!("{path}/deployments"),
        format!("{path}/deployments/{deployment}"),
        format!("{path}/executions"),
        format!("{path}/executions/{execution}"),
        format!("{path}/variables"),
        format!("{path}/variables/v"),
    ];
    let mut before = Vec::new();
    for read in &reads {
        before.push(client.get(read).await.json());
    }

    client.put(&path, json!({"name": "second"})).await;
    client
        .put(&format!("{path}/variables/v"), json!({"value": "new"}))
        .await;
    client
        .delete(&format!("{path}/executions/{execution}"))
        .await;
    client
        .delete(&format!("{path}/deployments/{deployment}"))
        .await;
    let deleted = client.delete(&path).await;
    assert!(deleted.position() > then);
    for (read, before) in reads.iter().zip(&before) {
        client.get(read).await.refused(404, "function_not_found");
        let as_of = client.get(&format!("{read}?as_of={then}")).await;
        assert_eq!(as_of.json(), *before, "{read}");
    }
    // The source is still there too.
    let source = client
        .get(&format!(
            "{path}/deployments/{deployment}/download?as_of={then}"
        ))
        .await;
    assert_eq!(source.status, 200);

    let named = |name: &str| json!({"method": "equal", "attribute": "name", "values": [name]});
    let query = crate::client::encode(&named("first").to_string());
    let list = client
        .get(&format!("/v1/functions?queries[0]={query}&as_of={then}"))
        .await
        .json();
    assert!(column(&list, "functions", "$id").contains(&function.as_str()));
    let list = client.list("/v1/functions", &[named("first")]).await.json();
    assert!(!column(&list, "functions", "$id").contains(&function.as_str()));
    client
        .get(&format!("{path}?as_of=0"))
        .await
        .refused(404, "function_not_found");

    // Times name positions; the future and nonsense are refused.
    let at = before[6]["$updatedAt"]
        .as_str()
        .unwrap()
        .replace('+', "%2B");
    let as_of = client.get(&format!("{path}/variables/v?as_of={at}")).await;
    assert_eq!(as_of.text("value"), "old");
    for bad in ["99999999999", "2999-01-01T00:00:00Z", "yesterday", "", "-1"] {
        client
            .get(&format!("{path}?as_of={bad}"))
            .await
            .refused(400, "general_argument_invalid");
    }
}
