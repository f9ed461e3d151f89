//! Secrets of keysets: they go in and never come out.

use http::Method;
use serde_json::{Value, json};

use super::bed::{Bed, Enveloped, at, refused};
use crate::client::encode;

#[tokio::test]
async fn secrets_are_set_named_and_deleted() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let path = |name: &str| {
        at(&format!(
            "/kv/secrets/{}?subkey={}",
            encode(name),
            keyset.subscribe_key
        ))
    };
    let list = at(&format!("/kv/secrets?subkey={}", keyset.subscribe_key));
    let empty = bed.client.get(&list).await.json();
    assert_eq!(empty["data"], json!([]));
    assert!(empty["meta"].get("paging").is_none());
    let set = bed
        .client
        .put(&path("B KEY/1"), json!({"value": "s3cret"}))
        .await;
    assert_eq!(set.data(200), json!({"key": "B KEY/1"}));
    for name in ["a", "Z", "ключ"] {
        bed.client
            .put(&path(name), json!({"value": "other"}))
            .await
            .data(200);
    }
    bed.client
        .put(&path("a"), json!({"value": "x".repeat(32_000)}))
        .await
        .data(200);
    let names = bed.client.get(&list).await;
    assert_eq!(
        names.data(200),
        json!([{"key": "B KEY/1"}, {"key": "Z"}, {"key": "a"}, {"key": "ключ"}])
    );
    for _ in 0..2 {
        let gone = bed.client.ask(Method::DELETE, &path("a")).send().await;
        assert_eq!((gone.status, gone.bytes.len()), (204, 0));
    }
    assert_eq!(
        bed.client
            .get(&list)
            .await
            .data(200)
            .as_array()
            .map(Vec::len),
        Some(3)
    );
    let then = format!("{list}&as_of={}", set.position());
    assert_eq!(
        bed.client.get(&then).await.data(200),
        json!([{"key": "B KEY/1"}])
    );
    // There is no way to read one.
    refused(&bed.client.get(&path("Z")).await, 405, "FAAS-405");
    let shown = bed
        .strata()
        .get(&format!(
            "/strata/v1/keysets/{}?project={}",
            keyset.number, bed.project
        ))
        .await;
    assert!(!String::from_utf8_lossy(&shown.bytes).contains("s3cret"));
}

#[tokio::test]
async fn what_is_wrong_with_a_secret() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let put = async |name: &str, body: Value| {
        let path = format!(
            "/kv/secrets/{}?subkey={}",
            encode(name),
            keyset.subscribe_key
        );
        bed.client.put(&at(&path), body).await
    };
    for name in [
        " a",
        "a ",
        "\u{feff}a",
        "a\u{200b}",
        "a\u{7}b",
        "a\nb",
        &"x".repeat(1001),
    ] {
        refused(&put(name, json!({"value": "x"})).await, 400, "FAAS-1023");
    }
    put(&"x".repeat(1000), json!({"value": "x"}))
        .await
        .data(200);
    for body in [
        json!({}),
        json!({"value": ""}),
        json!({"value": 5}),
        json!({"value": "x".repeat(32_001)}),
    ] {
        refused(&put("a", body).await, 400, "FAAS-1023");
    }
    for query in ["page=0", "size=5", "sort=key", "page_token=x"] {
        let path = format!("/kv/secrets?subkey={}&{query}", keyset.subscribe_key);
        refused(&bed.client.get(&at(&path)).await, 400, "FAAS-1029");
    }
}
