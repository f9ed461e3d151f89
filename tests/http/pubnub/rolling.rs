//! A rolling update while messages come in: each is seen by the functions before it or by those
//! after it, by none of both and not by neither.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::bed::{Bed, Enveloped, Keyset, at, before};
use crate::client::{Client, encode};
use crate::server::until;

/// Marks what it sees, and counts what has passed.
fn functions(mark: &str) -> [Value; 2] {
    let mark_it = format!(
        "export default (request) => {{\n\
           request.message.seen = [...(request.message.seen ?? []), '{mark}'];\n\
           return request.ok();\n}};"
    );
    let count_it = format!(
        "const kvstore = require('kvstore');\n\
         export default (request) => kvstore.incrCounter('after-{mark}').then(() => request.ok());"
    );
    let after = json!({
        "name": "count",
        "type": "AFTER_PUBLISH",
        "config": {"type": "AFTER_PUBLISH", "inputChannel": "rolled"},
        "code": count_it,
    });
    [before("mark", "rolled", &mark_it), after]
}

async fn subscribe(client: &Client, keyset: &Keyset, token: &str) -> (String, Vec<Value>) {
    let path = format!("/v2/subscribe/{}/rolled/0?tt={token}", keyset.subscribe_key);
    let answer = client.get(&path).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let body: Value = serde_json::from_slice(&answer.bytes).expect("JSON");
    let messages = body["m"].as_array().expect("messages").clone();
    (
        body["t"]["t"].as_str().expect("a timetoken").to_owned(),
        messages,
    )
}

async fn publish(client: &Client, keyset: &Keyset, number: u64) {
    let message = encode(&json!({"n": number}).to_string()).replace('+', "%20");
    let (publish_key, subscribe_key) = (&keyset.publish_key, &keyset.subscribe_key);
    let path = format!("/publish/{publish_key}/{subscribe_key}/0/rolled/0/{message}");
    let answer = client.get(&path).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let body: Value = serde_json::from_slice(&answer.bytes).expect("JSON");
    assert_eq!(body[0], 1, "{body}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_message_is_lost_or_handled_twice() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let first = bed.package(&functions("old")).await;
    let second = bed.revision(&first.package, &functions("new")).await;
    let mut old = bed.running(&first, &keyset).await;
    let mut new = bed.assign(&second, &keyset).await;

    let (mut token, _) = subscribe(&bed.client, &keyset, "0").await;
    let (sent, stop) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let publishers: Vec<_> = (0..4)
        .map(|_| {
            let (client, keyset) = (bed.client.clone(), keyset.clone());
            let (sent, stop) = (sent.clone(), stop.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let number = sent.fetch_add(1, Ordering::Relaxed);
                    publish(&client, &keyset, number).await;
                }
            })
        })
        .collect();
    let (client, listened) = (bed.client.clone(), keyset.clone());
    let (to_come, over) = (sent.clone(), stop.clone());
    let subscriber = tokio::spawn(async move {
        let mut got: BTreeMap<u64, Vec<Value>> = BTreeMap::new();
        let mut count = 0;
        while !over.load(Ordering::Relaxed) || count < to_come.load(Ordering::Relaxed) {
            let polled = subscribe(&client, &listened, &token);
            let Ok((next, messages)) = tokio::time::timeout(Duration::from_secs(20), polled).await
            else {
                break;
            };
            token = next;
            for message in messages {
                count += 1;
                let number = message["d"]["n"].as_u64().expect("a number");
                got.entry(number)
                    .or_default()
                    .push(message["d"]["seen"].clone());
            }
        }
        got
    });
    for _ in 0..6 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(bed.roll(&old, &new).await.data(200)["state"], "RUNNING");
        bed.reaches(&old, "STOPPED").await;
        std::mem::swap(&mut old, &mut new);
    }
    stop.store(true, Ordering::Relaxed);
    for publisher in publishers {
        publisher.await.expect("every message is accepted");
    }
    let total = sent.load(Ordering::Relaxed);
    assert!(total > 50, "{total} messages are too few to tell");
    let got = subscriber.await.expect("all messages come");
    assert_eq!(got.len() as u64, total, "every message is delivered");
    let mut marks: BTreeMap<&str, u64> = BTreeMap::new();
    for (number, seen) in &got {
        assert_eq!(seen.len(), 1, "message {number} is delivered once");
        let marked = seen[0].as_array().expect("marks");
        assert_eq!(marked.len(), 1, "message {number} is seen once: {marked:?}");
        *marks
            .entry(marked[0].as_str().expect("a mark"))
            .or_default() += 1;
    }
    assert_eq!(marks.len(), 2, "both have seen some: {marks:?}");
    // What runs afterwards is of the same side.
    for (mark, count) in marks {
        let path = at(&format!(
            "/kv/counters/after-{mark}?subkey={}",
            keyset.subscribe_key
        ));
        until("what runs after messages", async || {
            let counter = bed.client.get(&path).await;
            let value = (counter.status == 200).then(|| counter.data(200)["value"].as_u64())??;
            assert!(
                value <= count,
                "{value} runs of {mark} for {count} messages"
            );
            (value == count).then_some(())
        })
        .await;
    }
}
