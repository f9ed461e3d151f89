//! The way of a message: functions before it, subscribers, functions after it. Reference: sections
//! 10.3 to 10.5, 10.8, 11.3, 12.1.

use http::Method;
use serde_json::{Value, json};

use super::stage::{Stage, on};
use crate::client::encode;

/// Adds its name to the message.
fn adds(name: &str) -> String {
    format!(
        "export default async (request) => {{\n\
           request.message.seen = [...(request.message.seen ?? []), '{name}'];\n\
           return request.ok();\n\
         }};"
    )
}

/// Tells on another channel what it was given.
const TELLS: &str = "const pubnub = require('pubnub');\n\
    export default async (request) => {\n\
      const { message, channels, verb, method, meta, params, subkey, pubkey, version } = request;\n\
      const told = { message, channels, verb, method, meta, params, subkey, pubkey, version };\n\
      await pubnub.publish({ channel: 'told', message: told });\n\
      return request.ok();\n\
    };";

fn is_timetoken(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    text.len() == 17 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[tokio::test]
async fn functions_before_a_message_change_it_one_after_another() {
    let stage = Stage::new().await;
    let mut late = on("a", "BEFORE_PUBLISH", "chat.*", &adds("late"));
    late["sortOrder"] = 5.into();
    let mut soon = on("z", "BEFORE_PUBLISH", "chat.*", &adds("soon"));
    soon["sortOrder"] = 1.into();
    let elsewhere = on("e", "BEFORE_PUBLISH", "other", &adds("elsewhere"));
    let signals = on("s", "BEFORE_SIGNAL", "chat.*", &adds("signals"));
    stage.play(&[late, soon, elsewhere, signals]).await;
    // A deployment that came later sees it later.
    stage
        .play(&[on("x", "BEFORE_PUBLISH", "*", &adds("later"))])
        .await;
    let since = stage.now().await;
    let (status, answer) = stage.publish("chat.one", &json!({"text": "hi"})).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!((&answer[0], &answer[1]), (&json!(1), &json!("Sent")));
    assert!(is_timetoken(&answer[2]), "{answer}");
    let heard = stage.hear("chat.one", &since, 1).await;
    let seen = json!({"text": "hi", "seen": ["soon", "late", "later"]});
    assert_eq!(heard, [seen]);
    let ran = stage.executions(3).await;
    let names: Vec<_> = ran.iter().map(|row| row["functionName"].as_str()).collect();
    assert_eq!(names, [Some("z"), Some("a"), Some("x")]);
    for row in &ran {
        assert_eq!(row["status"], "completed");
        assert_eq!(row["channel"], "chat.one");
        assert_eq!(row["hop"], 1);
    }
}

#[tokio::test]
async fn an_abort_ends_it() {
    let stage = Stage::new().await;
    let code = "export default async (request) => {\n\
        if (request.message.silent) return request.abort();\n\
        return request.abort('not like this');\n\
      };";
    let tells = on("b", "AFTER_PUBLISH", "chat", TELLS);
    stage
        .play(&[on("a", "BEFORE_PUBLISH", "chat", code), tells])
        .await;
    let since = stage.now().await;
    let (status, answer) = stage.publish("chat", &json!({})).await;
    assert_eq!(status, 400);
    assert_eq!(
        (&answer[0], &answer[1]),
        (&json!(0), &json!("not like this"))
    );
    assert!(is_timetoken(&answer[2]));
    let (status, answer) = stage.publish("chat", &json!({"silent": true})).await;
    assert_eq!((status, &answer[1]), (400, &json!("Aborted by function")));
    stage.publish("end", &json!(0)).await;
    let heard = stage.hear("chat,told,end", &since, 1).await;
    assert_eq!(
        heard,
        [json!(0)],
        "neither is delivered, and nothing ran after them"
    );
    assert_eq!(stage.executions(2).await.len(), 2);
}

#[tokio::test]
async fn a_function_that_fails_blocks_or_lets_pass() {
    let stage = Stage::new().await;
    let code = "export default async (request) => {\n\
        const { how } = request.message;\n\
        request.message = { spoilt: true };\n\
        if (how === 'throw') throw new TypeError('boom\\nsecond line');\n\
        if (how === 'reject') return Promise.reject('no');\n\
        if (how === 'nothing') return;\n\
        if (how === 'loop') for (;;) {}\n\
        if (how === 'circle') { request.message.self = request.message; return request.ok(); }\n\
        if (how === 'memory') { const all = []; for (let i = 0; i < 90000; i++) all.push(new Uint8Array(1 << 20).fill(1)); }\n\
      };";
    stage.play(&[on("a", "BEFORE_PUBLISH", "chat", code)]).await;
    let since = stage.now().await;
    let ways = ["throw", "reject", "nothing", "loop", "circle", "memory"];
    for (how, text) in ways.iter().zip([
        "Function error: TypeError: boom",
        "Function error: no",
        "Function error: Error: The function ended without calling ok() or abort()",
        "Function error: Error: loop iterations exceeds: 100000",
        "Function error: TypeError",
        "Function error: ",
    ]) {
        let (status, answer) = stage.publish("chat", &json!({"how": how})).await;
        assert_eq!((status, &answer[0]), (500, &json!(0)), "{how} {answer}");
        let told = answer[1].as_str().expect("a text");
        assert!(told.starts_with(text), "{how}: {told}");
        assert!(!told.contains('\n') && !told.contains("second"), "{told}");
    }
    let failed = stage.executions(ways.len()).await;
    assert!(failed.iter().all(|row| row["status"] == "failed"));
    let first = failed[0]["errors"].as_str().expect("a text");
    assert!(
        first.contains("boom") && first.contains("function.js:4"),
        "{first}"
    );
    // What a keyset may set beyond the reference's server setting.
    stage.set(json!({"onFunctionError": "pass"})).await;
    for how in ways {
        let (status, answer) = stage.publish("chat", &json!({"how": how})).await;
        assert_eq!(status, 200, "{answer}");
    }
    let heard = stage.hear("chat", &since, ways.len()).await;
    let unchanged: Vec<_> = ways.iter().map(|how| json!({"how": how})).collect();
    assert_eq!(heard, unchanged);
}

#[tokio::test]
async fn a_function_that_waits_too_long_is_stopped() {
    let stage = Stage::new().await;
    let code = "export default async (request) => {\n\
        await new Promise((resolve) => setTimeout(resolve, 60000));\n\
        return request.ok();\n\
      };";
    stage.play(&[on("a", "BEFORE_PUBLISH", "chat", code)]).await;
    let begun = std::time::Instant::now();
    let (status, answer) = stage.publish("chat", &json!({})).await;
    let text = "Function error: Error: execution time exceeded";
    assert_eq!((status, &answer[1]), (500, &json!(text)));
    let took = begun.elapsed().as_secs();
    assert!((9..15).contains(&took), "{took}");
}

#[tokio::test]
async fn what_functions_see() {
    let stage = Stage::new().await;
    let kinds = [
        "AFTER_PUBLISH",
        "AFTER_SIGNAL",
        "AFTER_PUBLISH_FILE",
        "AFTER_PRESENCE",
    ];
    let tells = kinds.map(|kind| on(&kind.to_lowercase(), kind, "chat", TELLS));
    stage.play(&tells).await;
    let since = stage.now().await;
    let query = format!(
        "?uuid=me&auth=secret&a=1&meta={}",
        encode(&json!({"x": 1}).to_string())
    );
    let (status, _) = stage.ask("publish", "chat", r#"{"n":1}"#, &query).await;
    assert_eq!(status, 200);
    let told = stage.hear("told", &since, 1).await.remove(0);
    assert_eq!(told["message"], json!({"n": 1}));
    assert_eq!(told["channels"], json!(["chat"]));
    assert_eq!(
        (&told["verb"], &told["method"]),
        (&json!("publish"), &json!("publish"))
    );
    assert_eq!(told["subkey"], stage.keyset.subscribe_key.as_str());
    assert_eq!(told["pubkey"], stage.keyset.publish_key.as_str());
    assert_eq!(told["version"], "v1");
    assert_eq!(told["meta"]["clientip"], "127.0.0.1");
    assert_eq!(told["meta"]["custom"], json!({"x": 1}));
    assert_eq!(
        (&told["params"]["uuid"], &told["params"]["a"]),
        (&json!("me"), &json!("1"))
    );
    assert!(!told.to_string().contains("secret"), "{told}");
    let ran = stage.executions(1).await;
    assert!(!json!(ran).to_string().contains("secret"));

    let since = stage.now().await;
    let (status, _) = stage
        .ask("publish", "chat", r#"{"n":2}"#, "?store=0&norep=true")
        .await;
    assert_eq!(status, 200);
    let heard = stage.hear("chat,told", &since, 1).await.remove(0);
    assert_eq!(
        heard["verb"], "fire",
        "it is told by a function, and not delivered: {heard}"
    );

    let since = stage.now().await;
    assert_eq!(stage.ask("signal", "chat", r#"{"n":3}"#, "").await.0, 200);
    let heard = stage.hear("told", &since, 1).await.remove(0);
    assert_eq!(
        (&heard["verb"], &heard["message"]["n"]),
        (&json!("signal"), &json!(3))
    );

    let since = stage.now().await;
    let file = json!({"channel": "chat", "file": {"id": "f1", "name": "a.txt"}, "message": [1]});
    let sent = stage.bed.strata().post(&stage.own("files"), file).await;
    assert_eq!(
        (sent.status, sent.text("outcome")),
        (200, "sent".to_owned()),
        "{sent:?}"
    );
    let heard = stage.hear("told", &since, 1).await.remove(0);
    let shared = json!({"message": [1], "file": {"id": "f1", "name": "a.txt"}});
    assert_eq!(
        (&heard["verb"], &heard["message"]),
        (&json!("file"), &shared)
    );

    let since = stage.now().await;
    let event = json!({"action": "state-change", "uuid": "u", "channel": "chat", "data": {"s": 1}});
    let path = format!("/x/data/{}/presence", stage.keyset.subscribe_key);
    let sent = stage
        .bed
        .client
        .with("authorization", "")
        .post(&path, event)
        .await;
    assert_eq!(sent.status, 200, "{sent:?}");
    let heard = stage.hear("told", &since, 1).await.remove(0);
    let message = &heard["message"];
    assert_eq!(
        (&heard["verb"], &heard["channels"]),
        (&json!("presence"), &json!(["chat"]))
    );
    assert_eq!(
        (&message["action"], &message["uuid"]),
        (&json!("state-change"), &json!("u"))
    );
    assert_eq!(
        (&message["data"], &message["channel"]),
        (&json!({"s": 1}), &json!("chat"))
    );
    assert!(
        message["timestamp"].is_i64() && message["occupancy"].is_u64(),
        "{message}"
    );
}

#[tokio::test]
async fn texts_and_numbers_start_nothing() {
    let stage = Stage::new().await;
    let aborts = "export default (request) => request.abort();";
    stage.play(&[on("a", "BEFORE_PUBLISH", "*", aborts)]).await;
    let since = stage.now().await;
    let plain = [json!("text"), json!(7), json!(true), json!(null)];
    for message in &plain {
        assert_eq!(stage.publish("chat", message).await.0, 200, "{message}");
    }
    assert_eq!(stage.publish("chat", &json!([])).await.0, 400);
    assert_eq!(stage.hear("chat", &since, plain.len()).await, plain);
}

#[tokio::test]
async fn what_cannot_be_sent() {
    let stage = Stage::new().await;
    let answers = async |what: &str, channel: &str, payload: &str| {
        let (status, answer) = stage.ask(what, channel, payload, "").await;
        assert!(is_timetoken(&answer[2]), "{answer}");
        assert_eq!(answer[0], 0);
        (status, answer[1].as_str().expect("a text").to_owned())
    };
    let invalid = (400, "Invalid JSON".to_owned());
    assert_eq!(answers("publish", "a", "{\"a\":").await, invalid);
    let log = format!("output-rev-x-key-{}", stage.keyset.subscribe_key);
    for channel in ["a.*", "*", log.as_str()] {
        assert_eq!(answers("publish", channel, "{}").await.0, 400, "{channel}");
    }
    let long = json!("x".repeat(63)).to_string();
    let large = (400, "Signal too large".to_owned());
    assert_eq!(answers("signal", "a", &long).await, large);
    assert_eq!(
        stage
            .ask("signal", "a", &json!("x".repeat(62)).to_string(), "")
            .await
            .0,
        200
    );
    let (publish, subscribe) = (&stage.keyset.publish_key, &stage.keyset.subscribe_key);
    let guest = stage.bed.client.with("authorization", "");
    for (publish, subscribe) in [
        (publish.as_str(), "sub-c-0"),
        ("pub-c-0", subscribe.as_str()),
    ] {
        let path = format!("/publish/{publish}/{subscribe}/0/a/0/1");
        let refused = guest.get(&path).await;
        assert_eq!(
            (refused.status, &refused.json()[1]),
            (400, &json!("Invalid Key"))
        );
    }
    let path = format!("/publish/{publish}/{subscribe}/0/a/0");
    let limit = 32 << 10;
    for (length, status) in [(limit - 2, 200), (limit - 1, 413)] {
        let body = json!("x".repeat(length)).to_string();
        let ask = guest.ask(Method::POST, &path);
        let answer = ask
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await;
        assert_eq!(answer.status, status, "{length}");
        assert_eq!(answer.json()[0], u8::from(status == 200));
    }
}

#[tokio::test]
async fn only_keys_with_the_scope_send_by_our_own_api() {
    let stage = Stage::new().await;
    let body = json!({"channel": "a", "message": {}});
    let own = |secret: &str| super::bed::bearer(&stage.bed.client, secret);
    let number = stage.keyset.number;
    for (scopes, status) in [
        (vec!["keyset:write".to_owned()], 200),
        (vec![format!("keyset:write@{number}")], 200),
        (vec![format!("keyset:write@{}", number + 1)], 403),
        (vec!["keyset:read".to_owned()], 403),
    ] {
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        let client = own(&stage.bed.key(&scopes).await);
        for what in ["publish", "fire", "signal"] {
            let sent = client.post(&stage.own(what), body.clone()).await;
            assert_eq!(sent.status, status, "{scopes:?} {what} {sent:?}");
        }
        let event = json!({"action": "join", "uuid": "u", "channel": "a"});
        let sent = client.post(&stage.own("presence"), event).await;
        assert_eq!(
            sent.status,
            if status == 200 { 202 } else { status },
            "{sent:?}"
        );
    }
    let stranger = Stage::new().await;
    let client = own(&stranger.bed.key(&["*"]).await);
    assert_eq!(
        client
            .post(&stage.own("publish"), body.clone())
            .await
            .status,
        404
    );
    let root = stage.bed.strata();
    for (what, body, status) in [
        ("publish", json!({"channel": "a"}), 400),
        ("publish", json!({"channel": "a.*", "message": 1}), 400),
        ("files", json!({"channel": "a", "message": 1}), 400),
        ("publish", json!({"message": 1}), 400),
        (
            "presence",
            json!({"action": "dance", "uuid": "u", "channel": "a"}),
            400,
        ),
        ("nothing", body, 404),
    ] {
        let answer = root.post(&stage.own(what), body).await;
        assert_eq!(answer.status, status, "{what} {answer:?}");
    }
}

#[tokio::test]
async fn what_is_sent_with_an_idempotency_key_is_sent_once() {
    let stage = Stage::new().await;
    let count = "const kv = require('kvstore');\n\
        export default async (request) => { request.message.n = await kv.incrCounter('n');\n\
        return request.message.stop ? request.abort('stopped') : request.ok(); };";
    stage
        .play(&[on("count", "BEFORE_PUBLISH", "a", count)])
        .await;
    let since = stage.now().await;
    let key = crate::client::unique("key");
    let once = stage.bed.strata().with("idempotency-key", &key);
    let body = json!({"channel": "a", "message": {}});
    let first = once.post(&stage.own("publish"), body.clone()).await;
    assert_eq!(
        (first.status, &first.json()["outcome"]),
        (200, &json!("sent"))
    );
    for _ in 0..2 {
        let again = once.post(&stage.own("publish"), body.clone()).await;
        assert_eq!(again.json(), first.json());
        assert_eq!(again.position(), first.position());
    }
    let other = json!({"channel": "a", "message": {"b": 1}});
    let reused = once.post(&stage.own("publish"), other.clone()).await;
    assert_eq!(reused.status, 422, "{reused:?}");
    // Without a key all of them are sent, and every answer says how far the journal was.
    let plain = stage.bed.strata().post(&stage.own("publish"), other).await;
    assert!(plain.position() > first.position(), "{plain:?}");
    let heard = stage.hear("a", &since, 2).await;
    assert_eq!(heard, [json!({"n": 1}), json!({"b": 1, "n": 2})]);
    // What functions did not let through stays so.
    let key = crate::client::unique("key");
    let once = stage.bed.strata().with("idempotency-key", &key);
    let stop = json!({"channel": "a", "message": {"stop": true}});
    let first = once.post(&stage.own("publish"), stop.clone()).await.json();
    assert_eq!(first["outcome"], "aborted");
    let again = once.post(&stage.own("publish"), stop).await.json();
    assert_eq!(again, first);
    // What makes no sense is not remembered.
    let bad = json!({"channel": "a.*", "message": 1});
    let key = crate::client::unique("key");
    let once = stage.bed.strata().with("idempotency-key", &key);
    assert_eq!(once.post(&stage.own("publish"), bad).await.status, 400);
    let event = json!({"action": "join", "uuid": "u", "channel": "a"});
    for _ in 0..2 {
        let told = once.post(&stage.own("presence"), event.clone()).await;
        assert_eq!(told.status, 202, "{told:?}");
        assert!(told.position() > 0);
    }
    let audit = stage
        .bed
        .strata()
        .get("/strata/v1/audit?event=MessageSent&limit=100")
        .await;
    let told = audit.json().to_string();
    assert!(
        told.contains(&format!("\"keyset\":{}", stage.keyset.number)),
        "{told}"
    );
}

#[tokio::test]
async fn two_requests_with_one_key_at_once_send_once() {
    let stage = Stage::new().await;
    let slow = super::bed::slow(1);
    stage
        .play(&[on("slow", "BEFORE_PUBLISH", "a", &slow)])
        .await;
    let since = stage.now().await;
    let key = crate::client::unique("key");
    let once = stage.bed.strata().with("idempotency-key", &key);
    let body = json!({"channel": "a", "message": {}});
    let path = stage.own("publish");
    let (one, two) = tokio::join!(
        once.post(&path, body.clone()),
        once.post(&path, body.clone())
    );
    let mut both = [one.status, two.status];
    both.sort_unstable();
    assert!(both == [200, 409] || both == [200, 200], "{one:?} {two:?}");
    let told = once.post(&path, body).await;
    assert_eq!(told.status, 200);
    let last = json!({"last": 1});
    assert_eq!(stage.publish("b", &last).await.0, 200);
    assert_eq!(stage.hear("a,b", &since, 2).await, [json!({}), last]);
}
