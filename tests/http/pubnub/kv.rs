//! What functions of a keyset share: texts, JSON values and counters.

use std::time::Duration;

use futures::future::join_all;
use http::Method;
use serde_json::{Value, json};

use super::bed::{Bed, Enveloped, Keyset, at, refused};
use crate::client::{encode, unique};

/// The path of a call on a keyset.
fn kv(keyset: &Keyset, path: &str, more: &str) -> String {
    at(&format!("/kv/{path}?subkey={}{more}", keyset.subscribe_key))
}

fn keys(rows: &Value) -> Vec<&str> {
    let rows = rows.as_array().expect("a list");
    rows.iter().filter_map(|row| row["key"].as_str()).collect()
}

#[tokio::test]
async fn values_are_set_read_and_deleted() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let odd = "my key/with:special %2F ключ?#";
    let path = |kind: &str, key: &str| kv(&keyset, &format!("{kind}/{}", encode(key)), "");
    refused(
        &bed.client.get(&path("strings", odd)).await,
        400,
        "FAAS-1021",
    );
    let made = bed
        .client
        .put(&path("strings", odd), json!({"value": "one"}))
        .await;
    let expected = json!({"key": odd, "value": "one", "ttlSeconds": 86_400});
    assert_eq!(made.data(200).to_string(), expected.to_string());
    let read = bed.client.get(&path("strings", odd)).await.data(200);
    assert_eq!((&read["key"], &read["value"]), (&json!(odd), &json!("one")));
    let left = read["ttlSeconds"].as_i64().expect("a number");
    assert!((86_390..=86_400).contains(&left), "{left}");
    // Writing one kind replaces the other; the wrong kind is not there.
    refused(&bed.client.get(&path("jsons", odd)).await, 400, "FAAS-1021");
    let value = json!({"z": [1, 2.5, null, "x"], "a": {"deep": true}});
    let set = bed
        .client
        .put(
            &path("jsons", odd),
            json!({"value": value, "ttlSeconds": 20}),
        )
        .await;
    assert_eq!(set.data(200)["value"].to_string(), value.to_string());
    let read = bed.client.get(&path("jsons", odd)).await.data(200);
    assert_eq!(read["value"].to_string(), value.to_string());
    refused(
        &bed.client.get(&path("strings", odd)).await,
        400,
        "FAAS-1021",
    );
    // Deleting the wrong kind deletes nothing, and nothing is missing twice.
    assert_eq!(bed.client.delete(&path("strings", odd)).await.status, 204);
    assert_eq!(bed.client.get(&path("jsons", odd)).await.status, 200);
    for _ in 0..2 {
        let gone = bed
            .client
            .ask(Method::DELETE, &path("jsons", odd))
            .send()
            .await;
        assert_eq!((gone.status, gone.bytes.len()), (204, 0));
        refused(&bed.client.get(&path("jsons", odd)).await, 400, "FAAS-1021");
    }
    let then = kv(
        &keyset,
        &format!("jsons/{}", encode(odd)),
        &format!("&as_of={}", set.position()),
    );
    let then = bed.client.get(&then).await.data(200);
    assert_eq!(then, json!({"key": odd, "value": value, "ttlSeconds": 20}));
    for any in [json!(null), json!(0), json!("text"), json!([])] {
        let path = path("jsons", "any");
        bed.client.put(&path, json!({"value": any})).await.data(200);
        assert_eq!(bed.client.get(&path).await.data(200)["value"], any);
    }
}

#[tokio::test]
async fn values_end() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let path = kv(&keyset, "strings/short", "");
    let set = bed
        .client
        .put(&path, json!({"value": "v", "ttlSeconds": 20}))
        .await;
    set.data(200);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let left = bed.client.get(&path).await.data(200)["ttlSeconds"]
        .as_i64()
        .expect("a number");
    assert!((15..=19).contains(&left), "{left}");
    // Setting it begins anew.
    let again = bed
        .client
        .put(&path, json!({"value": "v", "ttlSeconds": 20}))
        .await;
    assert_eq!(again.data(200)["ttlSeconds"], 20);
    tokio::time::sleep(Duration::from_millis(20_100)).await;
    refused(&bed.client.get(&path).await, 400, "FAAS-1021");
    let list = bed.client.get(&kv(&keyset, "strings", "")).await.data(200);
    assert_eq!(list, json!([]));
    // At that time it was there.
    let then = kv(&keyset, "strings", &format!("&as_of={}", again.position()));
    let then = bed.client.get(&then).await.data(200);
    assert_eq!(
        then,
        json!([{"key": "short", "value": "v", "ttlSeconds": 20}])
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_value() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let put = async |kind: &str, key: &str, body: Value| {
        bed.client
            .put(&kv(&keyset, &format!("{kind}/{key}"), ""), body)
            .await
    };
    for body in [
        json!({}),
        json!({"value": 5}),
        json!({"value": null}),
        json!({"value": "x".repeat(32_001)}),
        json!({"value": "x", "ttlSeconds": 19}),
        json!({"value": "x", "ttlSeconds": 31_536_001}),
        json!({"value": "x", "ttlSeconds": "60"}),
        json!({"value": "x", "ttlSeconds": 60.5}),
    ] {
        refused(&put("strings", "k", body).await, 400, "FAAS-1023");
    }
    refused(
        &put("jsons", "k", json!({"value": "x".repeat(31_999)})).await,
        400,
        "FAAS-1023",
    );
    refused(&put("jsons", "k", json!({})).await, 400, "FAAS-1023");
    put(
        "jsons",
        "k",
        json!({"value": "x".repeat(31_998), "ttlSeconds": 31_536_000}),
    )
    .await
    .data(200);
    put(
        "strings",
        "k",
        json!({"value": "ü".repeat(32_000), "ttlSeconds": 20}),
    )
    .await
    .data(200);
    put("strings", "k", json!({"value": ""})).await.data(200);
    let long = "k".repeat(1001);
    refused(
        &put("strings", &long, json!({"value": "x"})).await,
        400,
        "FAAS-1023",
    );
    put("strings", &long[1..], json!({"value": "x"}))
        .await
        .data(200);
    // Several faults are told one by one.
    let both = put("strings", "k", json!({"value": 5, "ttlSeconds": 1}))
        .await
        .json();
    assert_eq!(both["errors"].as_array().map(Vec::len), Some(2), "{both}");
}

#[tokio::test]
async fn every_call_names_a_subscribe_key_of_the_account() {
    let bed = Bed::new().await;
    let stranger = Bed::new().await;
    let theirs = stranger.keyset().await;
    for (method, path) in [
        (Method::GET, "strings"),
        (Method::GET, "strings/k"),
        (Method::PUT, "strings/k"),
        (Method::DELETE, "strings/k"),
        (Method::GET, "jsons"),
        (Method::GET, "jsons/k"),
        (Method::PUT, "jsons/k"),
        (Method::DELETE, "jsons/k"),
        (Method::GET, "counters"),
        (Method::GET, "counters/k"),
        (Method::POST, "counters/k/increment"),
        (Method::POST, "counters/k/decrement"),
        (Method::GET, "secrets"),
        (Method::PUT, "secrets/k"),
        (Method::DELETE, "secrets/k"),
    ] {
        let send = async |query: &str| {
            let ask = bed
                .client
                .ask(method.clone(), &at(&format!("/kv/{path}{query}")));
            match method {
                Method::PUT => ask.json(json!({"value": "x"})).await,
                _ => ask.send().await,
            }
        };
        refused(&send("").await, 400, "FAAS-1020");
        refused(&send("?subkey=").await, 400, "FAAS-1020");
        refused(&send("?subkey=sub-c-nobody").await, 400, "FAAS-1022");
        let foreign = format!("?subkey={}", theirs.subscribe_key);
        refused(&send(&foreign).await, 400, "FAAS-1022");
        // The number of a keyset is no subscribe key.
        refused(
            &send(&format!("?subkey={}", theirs.number)).await,
            400,
            "FAAS-1022",
        );
    }
}

#[tokio::test]
async fn lists_go_on_where_their_token_says() {
    let bed = Bed::new().await;
    let (keyset, other) = (bed.keyset().await, bed.keyset().await);
    let names = ["Z", "a", "a/b", "a b", "ä", "b", "0"];
    for name in names {
        let path = kv(&keyset, &format!("strings/{}", encode(name)), "");
        bed.client
            .put(&path, json!({"value": name}))
            .await
            .data(200);
    }
    bed.client
        .put(&kv(&keyset, "jsons/j", ""), json!({"value": 1}))
        .await
        .data(200);
    let mut sorted = names.to_vec();
    sorted.sort_unstable();
    let whole = bed.client.get(&kv(&keyset, "strings", "")).await.json();
    assert_eq!(keys(&whole["data"]), sorted);
    assert_eq!(whole["data"][0]["value"], "0");
    assert_eq!(
        whole["meta"]["paging"],
        json!({"pageSize": 100, "pageToken": null})
    );
    let (mut found, mut token) = (Vec::new(), String::new());
    for page in 0.. {
        assert!(page < 4);
        let more = match token.as_str() {
            "" => "&size=3".to_owned(),
            token => format!("&size=3&page_token={}", encode(token)),
        };
        let list = bed.client.get(&kv(&keyset, "strings", &more)).await.json();
        found.extend(keys(&list["data"]).iter().map(|key| (*key).to_owned()));
        assert_eq!(list["meta"]["paging"]["pageSize"], 3);
        match list["meta"]["paging"]["pageToken"].as_str() {
            Some(next) => token = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(found, sorted);
    assert!(token.starts_with("0x"));
    // A page that ends with the last key has no token.
    let exact = bed
        .client
        .get(&kv(&keyset, "strings", "&size=7"))
        .await
        .json();
    assert_eq!(exact["meta"]["paging"]["pageToken"], Value::Null);
    // A token is good for one kind of one keyset.
    let token = format!("&page_token={}", encode(&token));
    for path in [
        kv(&keyset, "jsons", &token),
        kv(&keyset, "counters", &token),
        kv(&other, "strings", &token),
        kv(&keyset, "strings", "&page_token=0xzz%21"),
        kv(&keyset, "strings", "&page_token="),
        kv(&keyset, "strings", "&page_token=abc"),
    ] {
        refused(&bed.client.get(&path).await, 400, "FAAS-1018");
    }
    refused(
        &bed.client.get(&kv(&keyset, "counters", "&size=0")).await,
        400,
        "FAAS-1019",
    );
    refused(
        &bed.client.get(&kv(&keyset, "jsons", "&size=x")).await,
        400,
        "FAAS-400",
    );
    let clamped = bed
        .client
        .get(&kv(&keyset, "jsons", "&size=500"))
        .await
        .json();
    assert_eq!(clamped["meta"]["paging"]["pageSize"], 100);
    assert_eq!(keys(&clamped["data"]), ["j"]);
    assert_eq!(
        bed.client.get(&kv(&other, "strings", "")).await.data(200),
        json!([])
    );
}

#[tokio::test]
async fn counters_count() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let counter = kv(&keyset, "counters/c%2F1", "");
    let add = async |which: &str, body: Value| {
        let path = kv(&keyset, &format!("counters/c%2F1/{which}"), "");
        bed.client.post(&path, body).await
    };
    refused(&bed.client.get(&counter).await, 400, "FAAS-1021");
    let plain = bed
        .client
        .ask(Method::POST, &kv(&keyset, "counters/c%2F1/increment", ""));
    let plain = plain.send().await;
    assert_eq!((plain.status, plain.bytes.len()), (204, 0));
    let read = bed.client.get(&counter).await.data(200);
    assert_eq!(read.to_string(), r#"{"key":"c/1","value":1}"#);
    assert_eq!(add("increment", json!({"value": 41})).await.status, 204);
    assert_eq!(add("decrement", json!({"value": 2})).await.status, 204);
    assert_eq!(add("decrement", json!({})).await.status, 204);
    assert_eq!(add("increment", json!({"value": -9})).await.status, 204);
    let shown = bed.client.with("prefer", "return=representation");
    let path = kv(&keyset, "counters/c%2F1/decrement", "");
    let shown = shown.post(&path, json!({"value": -70})).await;
    assert_eq!(shown.data(200), json!({"key": "c/1", "value": 100}));
    assert_eq!(shown.header("preference-applied"), "return=representation");

    for value in [
        json!("1"),
        json!(1.5),
        json!(null),
        json!(9_223_372_036_854_775_808_u64),
    ] {
        refused(
            &add("increment", json!({"value": value})).await,
            400,
            "FAAS-1023",
        );
    }
    refused(
        &add("increment", json!({"value": i64::MAX})).await,
        400,
        "FAAS-1023",
    );
    refused(
        &add("decrement", json!({"value": i64::MIN})).await,
        400,
        "FAAS-1023",
    );
    assert_eq!(bed.client.get(&counter).await.data(200)["value"], 100);
    assert_eq!(
        add("increment", json!({"value": i64::MAX - 100}))
            .await
            .status,
        204
    );
    assert_eq!(bed.client.get(&counter).await.data(200)["value"], i64::MAX);
    refused(
        &add("increment", json!({"value": 1})).await,
        400,
        "FAAS-1023",
    );
    // Counters are apart from values.
    let text = kv(&keyset, "strings/c%2F1", "");
    refused(&bed.client.get(&text).await, 400, "FAAS-1021");
    bed.client
        .put(&text, json!({"value": "apart"}))
        .await
        .data(200);
    assert_eq!(bed.client.delete(&text).await.status, 204);
    let list = bed.client.get(&kv(&keyset, "counters", "")).await.data(200);
    assert_eq!(list, json!([{"key": "c/1", "value": i64::MAX}]));
    let then = kv(
        &keyset,
        "counters/c%2F1",
        &format!("&as_of={}", shown.position()),
    );
    assert_eq!(bed.client.get(&then).await.data(200)["value"], 100);

    // None of many at once is lost, and a repeat counts once.
    let path = kv(&keyset, "counters/many/increment", "");
    let sent = (0..20).map(|_| bed.client.ask(Method::POST, &path).send());
    assert!(
        join_all(sent)
            .await
            .iter()
            .all(|answer| answer.status == 204)
    );
    let with = bed.client.with("idempotency-key", &unique("key"));
    for _ in 0..2 {
        assert_eq!(with.post(&path, json!({"value": 5})).await.status, 204);
    }
    let many = bed
        .client
        .get(&kv(&keyset, "counters/many", ""))
        .await
        .data(200);
    assert_eq!(many["value"], 25);
}

#[tokio::test]
async fn values_are_in_no_event() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let value = unique("quite-private");
    bed.client
        .put(&kv(&keyset, "strings/a", ""), json!({"value": value}))
        .await
        .data(200);
    bed.client
        .put(&kv(&keyset, "jsons/b", ""), json!({"value": [value]}))
        .await
        .data(200);
    bed.client
        .put(&kv(&keyset, "secrets/c", ""), json!({"value": value}))
        .await
        .data(200);
    let path = format!("/strata/v1/audit?project={}&limit=1000", bed.project);
    let audit = bed.strata().get(&path).await;
    let text = String::from_utf8_lossy(&audit.bytes).into_owned();
    assert!(
        text.contains("EntrySet") && text.contains("SecretSet"),
        "{text}"
    );
    assert!(!text.contains(&value));
}
