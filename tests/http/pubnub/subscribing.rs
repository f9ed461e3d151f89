//! Subscribers: the long poll, patterns, presence. Reference: section 10.8.

use std::time::Duration;

use serde_json::{Value, json};

use super::stage::{Stage, on};

#[tokio::test]
async fn messages_arrive_in_the_form_of_the_wire() {
    let stage = Stage::new().await;
    let since = stage.now().await;
    assert_eq!(since.len(), 17);
    let waiting = stage.poll("a,b", &since, "");
    let sending = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        stage.ask("publish", "c", "1", "").await;
        stage
            .ask(
                "publish",
                "a",
                r#"{"n":1}"#,
                "?uuid=me&meta=%7B%22x%22%3A1%7D",
            )
            .await
    };
    let ((next, heard), (_, answer)) = tokio::join!(waiting, sending);
    assert_eq!(answer[2], next.as_str());
    let message = json!({
        "c": "a",
        "d": {"n": 1},
        "i": "me",
        "k": stage.keyset.subscribe_key,
        "p": {"t": next, "r": 1},
        "u": {"x": 1},
    });
    assert_eq!(heard, [message]);
    stage.ask("signal", "a", "2", "").await;
    let (next, heard) = stage.poll("a", &next, "").await;
    assert_eq!((&heard[0]["e"], &heard[0]["d"]), (&json!(1), &json!(2)));
    let file = json!({"channel": "a", "file": {"id": "1", "name": "n"}});
    stage.bed.strata().post(&stage.own("files"), file).await;
    let (last, heard) = stage.poll("a", &next, "").await;
    assert_eq!(heard[0]["e"], 4);
    assert!(last > next, "timetokens rise");
    // Who comes back with an older timetoken misses nothing.
    assert_eq!(stage.poll("a", &since, "").await.1.len(), 3);
}

#[tokio::test]
async fn patterns_stand_for_channels() {
    let stage = Stage::new().await;
    let since = stage.now().await;
    for channel in ["a.b", "a.b.c", "a", "z"] {
        stage.publish(channel, &json!(channel)).await;
    }
    for (channels, heard) in [
        ("a.*", vec!["a.b"]),
        ("a.b.*,z", vec!["a.b.c", "z"]),
        ("*", vec!["a.b", "a.b.c", "a", "z"]),
    ] {
        assert_eq!(stage.hear(channels, &since, heard.len()).await, heard);
    }
    let subscribe = &stage.keyset.subscribe_key;
    let guest = stage.bed.client.with("authorization", "");
    for (key, channels, tt) in [
        ("sub-c-0", "a", "0"),
        (subscribe.as_str(), "a,,b", "0"),
        (subscribe.as_str(), "a", "yesterday"),
    ] {
        let path = format!("/v2/subscribe/{key}/{channels}/0?tt={tt}");
        let refused = guest.get(&path).await;
        assert_eq!(
            (refused.status, &refused.json()[0]),
            (400, &json!(0)),
            "{path}"
        );
    }
}

#[tokio::test]
async fn who_subscribes_is_present() {
    let stage = Stage::new().await;
    let code = "const kv = require('kvstore');\n\
        export default async (request) => {\n\
          const { action, uuid, channel } = request.message;\n\
          await kv.set(`${action} ${uuid} ${channel}`, true);\n\
          return request.ok();\n\
        };";
    stage
        .play(&[on("p", "AFTER_PRESENCE", "room.*", code)])
        .await;
    let since = stage.now().await;
    let event = |message: &Value| {
        let part = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
        (part("action"), part("uuid"), message["occupancy"].as_u64())
    };
    let hear = async |since: &str| {
        let (next, heard) = stage.poll("room.one-pnpres", since, "").await;
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert_eq!(heard[0]["c"], "room.one-pnpres");
        (next, event(&heard[0]["d"]))
    };
    let is =
        |action: &str, user: &str, occupancy| (action.to_owned(), user.to_owned(), Some(occupancy));
    stage
        .poll("room.one,room.two", "0", "&uuid=ann&heartbeat=3")
        .await;
    let (since, heard) = hear(&since).await;
    assert_eq!(heard, is("join", "ann", 1));
    stage.poll("room.one", "0", "&uuid=bob&heartbeat=300").await;
    let (since, heard) = hear(&since).await;
    assert_eq!(heard, is("join", "bob", 2));
    stage.poll("room.three", "0", "&uuid=bob").await;
    let (since, heard) = hear(&since).await;
    assert_eq!(heard, is("leave", "bob", 1));
    let (_, heard) = hear(&since).await;
    assert_eq!(heard, is("timeout", "ann", 0));
    let ran = stage.executions(7).await;
    assert!(ran.iter().all(|row| row["type"] == "AFTER_PRESENCE"));
    let events: Vec<_> = ran
        .iter()
        .map(|row| row["channel"].as_str().unwrap_or(""))
        .collect();
    assert_eq!(
        events
            .iter()
            .filter(|channel| **channel == "room.two")
            .count(),
        2
    );
}
