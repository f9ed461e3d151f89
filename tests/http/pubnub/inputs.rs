//! Test inputs of functions.

use http::Method;
use serde_json::{Value, json};

use super::bed::{Bed, Enveloped, OK, at, before, refused};
use crate::client::unique;

const NOBODY: &str = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d";

async fn function(bed: &Bed) -> String {
    let revision = bed.package(&[before("f", "x", OK)]).await;
    let id = revision.functions[0]["functionRevisionId"].as_str();
    at(&format!(
        "/function-revisions/{}/test-inputs",
        id.expect("an id")
    ))
}

#[tokio::test]
async fn test_inputs_are_added_changed_listed_and_deleted() {
    let bed = Bed::new().await;
    let path = function(&bed).await;
    let body = json!({"payload": {"message": "Hello, World!"}, "description": "A greeting"});
    let made = bed.client.post(&path, body).await.data(201);
    let members: Vec<&String> = made.as_object().expect("an object").keys().collect();
    let published = [
        "id",
        "functionRevisionId",
        "payload",
        "mimeType",
        "description",
        "createdDttm",
        "updatedDttm",
    ];
    assert_eq!(members, published);
    assert_eq!(made["mimeType"], "application/json");
    assert_eq!(made["payload"], json!({"message": "Hello, World!"}));
    let one = format!("{path}/{}", made["id"].as_str().expect("an id"));
    let changed = bed
        .client
        .put(&one, json!({"payload": null, "mimeType": "text/x"}))
        .await
        .data(200);
    assert_eq!(
        (&changed["payload"], &changed["mimeType"]),
        (&Value::Null, &json!("text/x"))
    );
    assert_eq!(changed["description"], "A greeting");
    assert!(changed["updatedDttm"].as_str() > made["updatedDttm"].as_str());
    let changed = bed
        .client
        .put(&one, json!({"description": null}))
        .await
        .data(200);
    assert_eq!(
        (&changed["description"], &changed["mimeType"]),
        (&Value::Null, &json!("text/x"))
    );

    // Large ones are kept elsewhere, and come back whole and in their order.
    let large = json!({"z": "x".repeat(20_000), "a": [1.5, true, null]});
    let second = bed
        .client
        .post(&path, json!({"payload": large}))
        .await
        .data(201);
    assert_eq!(second["payload"].to_string(), large.to_string());
    assert_eq!(second["description"], Value::Null);
    let list = bed.client.get(&path).await.json();
    assert_eq!(list["data"], json!([second, changed]));
    assert_eq!(list["meta"]["paging"]["totalElements"], 2);
    let id = second["id"].as_str().expect("an id");
    let found = bed
        .client
        .get(&format!("{path}?search={}", &id[..20]))
        .await
        .data(200);
    assert_eq!(found, json!([second]));
    bed.client
        .put(&one, json!({"description": "Say hello"}))
        .await
        .data(200);
    let found = bed
        .client
        .get(&format!("{path}?search=HELLO&sort=id"))
        .await
        .data(200);
    assert_eq!(found[0]["id"], made["id"]);

    let gone = bed.client.ask(Method::DELETE, &one).send().await;
    assert_eq!((gone.status, gone.bytes.len()), (204, 0));
    refused(&bed.client.delete(&one).await, 404, "FAAS-404");
    refused(
        &bed.client.put(&one, json!({"payload": 1})).await,
        404,
        "FAAS-404",
    );
    assert_eq!(bed.client.get(&path).await.data(200), json!([second]));
    let then = format!("{path}?as_of={}", gone.position() - 1);
    assert_eq!(
        bed.client
            .get(&then)
            .await
            .data(200)
            .as_array()
            .map(Vec::len),
        Some(2)
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_test_input() {
    let bed = Bed::new().await;
    let path = function(&bed).await;
    for body in [
        json!({}),
        json!({"description": "no payload"}),
        json!({"payload": 1, "mimeType": 5}),
        json!({"payload": 1, "description": "d".repeat(1001)}),
    ] {
        refused(&bed.client.post(&path, body).await, 400, "FAAS-400");
    }
    let large = json!({"payload": "x".repeat((32 << 10) - 1)});
    refused(&bed.client.post(&path, large).await, 413, "FAAS-9006");
    let fits = json!({"payload": "x".repeat((32 << 10) - 2)});
    bed.client.post(&path, fits).await.data(201);
    for _ in 1..50 {
        bed.client
            .post(&path, json!({"payload": 1}))
            .await
            .data(201);
    }
    refused(
        &bed.client.post(&path, json!({"payload": 1})).await,
        422,
        "FAAS-400",
    );
}

#[tokio::test]
async fn a_test_input_is_one_of_its_function_only() {
    let bed = Bed::new().await;
    let (one, other) = (function(&bed).await, function(&bed).await);
    let stranger = Bed::new().await;
    let theirs = function(&stranger).await;
    let made = bed.client.post(&one, json!({"payload": 1})).await.data(201);
    let id = made["id"].as_str().expect("an id");
    let nobody = at(&format!("/function-revisions/{NOBODY}/test-inputs"));
    for base in [&other, &theirs, &nobody] {
        let path = format!("{base}/{id}");
        refused(
            &bed.client.put(&path, json!({"payload": 2})).await,
            404,
            "FAAS-404",
        );
        refused(&bed.client.delete(&path).await, 404, "FAAS-404");
    }
    for base in [&theirs, &nobody] {
        refused(&bed.client.get(base).await, 404, "FAAS-404");
        refused(
            &bed.client.post(base, json!({"payload": 1})).await,
            404,
            "FAAS-404",
        );
    }
    refused(
        &bed.client
            .put(&format!("{one}/x"), json!({"payload": 2}))
            .await,
        400,
        "FAAS-400",
    );
    refused(
        &bed.client
            .get(&at("/function-revisions/x/test-inputs"))
            .await,
        400,
        "FAAS-400",
    );
    assert_eq!(bed.client.get(&other).await.data(200), json!([]));
    // A repeat adds nothing.
    let with = bed.client.with("idempotency-key", &unique("key"));
    let first = with.post(&other, json!({"payload": 7})).await.data(201);
    assert_eq!(
        with.post(&other, json!({"payload": 7})).await.data(201),
        first
    );
    assert_eq!(bed.client.get(&other).await.data(200), json!([first]));
}
