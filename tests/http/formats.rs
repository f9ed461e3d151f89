//! The generations of the wire format.

use serde_json::json;

use crate::client::Client;

#[tokio::test]
async fn every_generation_gets_its_own_shape() {
    let client = Client::new();
    let function = client.function(json!({})).await;
    client
        .deploy(
            &function,
            "export default ({ res }) => res.text('no', 404);",
        )
        .await;
    let path = format!("/v1/functions/{function}");
    let keys = |value: &serde_json::Value, names: &[&str]| -> Vec<bool> {
        names.iter().map(|name| value.get(name).is_some()).collect()
    };

    let names = [
        "runtimeSpecification",
        "specification",
        "deploymentId",
        "deployment",
        "scopes",
        "latestDeploymentId",
    ];
    for (format, expected) in [
        ("", [true, false, true, false, true, true]),
        ("1.9.5", [true, false, true, false, true, true]),
        ("1.8.0", [false, true, true, false, true, true]),
        ("1.6.0", [false, true, false, true, true, false]),
        ("1.5.0", [false, false, false, true, false, false]),
    ] {
        let client = client.with("x-appwrite-response-format", format);
        assert_eq!(
            keys(&client.get(&path).await.json(), &names),
            expected,
            "{format}"
        );
        let list = client.get("/v1/functions").await.json();
        assert_eq!(
            keys(&list["functions"][0], &names),
            expected,
            "{format}, in a list"
        );
    }

    let ran = client
        .post(&format!("{path}/executions"), json!({}))
        .await
        .json();
    assert_eq!(
        (&ran["resourceId"], &ran["status"]),
        (&json!(function), &json!("completed"))
    );
    let one = format!("{path}/executions/{}", ran["$id"].as_str().unwrap());
    for (format, resource, status) in [
        ("2.5.0", true, "completed"),
        ("1.9.5", false, "completed"),
        ("1.5.0", false, "failed"),
    ] {
        let read = client
            .with("x-appwrite-response-format", format)
            .get(&one)
            .await
            .json();
        assert_eq!(
            keys(&read, &["resourceId", "resourceType", "functionId"]),
            [resource, resource, !resource]
        );
        assert_eq!(read["status"], status, "{format}");
    }

    let newer = client
        .with("x-appwrite-response-format", "9.0.0")
        .get(&path)
        .await;
    assert!(newer.header("x-appwrite-warning").contains("9.0.0"));
    assert_eq!(client.get(&path).await.header("x-appwrite-warning"), "");
}

#[tokio::test]
async fn old_requests_are_understood() {
    let client = Client::new();
    let old = client.with("x-appwrite-response-format", "1.4.0");
    let function = client.function(json!({})).await;
    let made = old
        .post(
            &format!("/v1/functions/{function}/variables"),
            json!({"key": "K", "value": "clear"}),
        )
        .await
        .json();
    assert_eq!(
        made["value"], "clear",
        "variables of old clients are readable: {made}"
    );
    let query = crate::client::encode(&format!("equal(\"$id\", [\"{function}\"])"));
    let path = format!("/v1/functions?queries[0]={query}");
    assert_eq!(old.get(&path).await.json()["total"], 1);
    client
        .get(&path)
        .await
        .refused(400, "general_argument_invalid");
}
