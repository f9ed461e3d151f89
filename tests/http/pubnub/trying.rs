//! Runs of functions that are not deployed, on test inputs and events. Beyond the reference:
//! Strata's own.

use serde_json::{Value, json};

use super::bed::{Enveloped, at, bearer};
use super::stage::{Stage, function, on};

const RUNS: &str = "/strata/v1/handler-runs";

const WORKS: &str = "const kv = require('kvstore'), pubnub = require('pubnub'), vault = require('vault');\n\
    export default async (request) => {\n\
      console.log('saw ' + request.message.text);\n\
      await kv.set('last', request.message);\n\
      request.message.back = await kv.get('last');\n\
      request.message.count = await kv.incrCounter('runs');\n\
      await vault.get('token');\n\
      await pubnub.publish({ channel: 'out', message: { n: 1 } });\n\
      return request.message.text === 'bad' ? request.abort('bad text') : request.ok();\n\
    };";

async fn run(stage: &Stage, body: Value) -> Value {
    let path = format!("{RUNS}?project={}", stage.bed.project);
    let ran = stage.bed.strata().post(&path, body).await;
    assert_eq!(ran.status, 200, "{ran:?}");
    ran.json()
}

#[tokio::test]
async fn a_dry_run_tells_what_it_would_do() {
    let stage = Stage::new().await;
    let revision = stage
        .bed
        .package(&[on("a", "BEFORE_PUBLISH", "chat", WORKS)])
        .await;
    let id = revision.functions[0]["functionRevisionId"]
        .as_str()
        .expect("an id");
    let inputs = at(&format!("/function-revisions/{id}/test-inputs"));
    let made = stage
        .bed
        .client
        .post(&inputs, json!({"payload": {"text": "hi"}}))
        .await;
    let input = made.data(201)["id"].clone();
    let since = stage.now().await;
    let told = run(
        &stage,
        json!({"handler": id, "test_input": input, "keyset": stage.keyset.number}),
    )
    .await;
    assert_eq!(
        (&told["mode"], &told["decision"]),
        (&json!("dry"), &json!("ok")),
        "{told}"
    );
    let message = json!({"text": "hi", "back": {"text": "hi"}, "count": 1});
    assert_eq!(told["message"], message);
    assert_eq!(told["logs"][0]["text"], "saw hi");
    let calls: Vec<_> = told["calls"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|call| (call["call"].as_str().unwrap_or(""), call["done"].as_bool()))
        .collect();
    let expected = [
        ("kvstore.set", Some(false)),
        ("kvstore.get", Some(true)),
        ("kvstore.incrCounter", Some(false)),
        ("vault.get", Some(true)),
        ("pubnub.publish", Some(false)),
    ];
    assert_eq!(calls, expected);
    // For real it does it, on the event that is given.
    let body = json!({
        "handler": id,
        "event": {"message": {"text": "bad"}, "channel": "chat"},
        "keyset": stage.keyset.number,
        "mode": "live",
    });
    let told = run(&stage, body).await;
    assert_eq!(
        (&told["decision"], &told["text"]),
        (&json!("abort"), &json!("bad text"))
    );
    assert!(
        told["calls"]
            .as_array()
            .expect("a list")
            .iter()
            .all(|call| call["done"] == true)
    );
    assert_eq!(
        stage.hear("out", &since, 1).await,
        [json!({"n": 1})],
        "only this run has sent"
    );
    let dry = run(
        &stage,
        json!({"handler": id, "event": {"message": {}}, "keyset": stage.keyset.number}),
    )
    .await;
    assert_eq!(
        dry["message"]["count"], 2,
        "it reads what the live one has counted"
    );
    assert_eq!(stage.executions(3).await.len(), 3, "they are recorded");
    assert!(stage.letters(0).await.is_empty());
}

#[tokio::test]
async fn functions_of_every_kind_can_be_tried() {
    let stage = Stage::new().await;
    let answers = "export default async (request, response) => response.send({ method: request.method, body: await request.json() }, 202);";
    let timer = "export default (event) => { console.log(event.interval); return event.ok(); };";
    let throws = "export default () => { throw new Error('boom'); };";
    let functions = [
        function("answers", "ON_REQUEST", json!({"path": "p"}), answers),
        function("timer", "ON_INTERVAL", json!({"interval": 5000}), timer),
        on("throws", "AFTER_PUBLISH", "chat", throws),
    ];
    let revision = stage.bed.package(&functions).await;
    let id = |name: &str| {
        let mut functions = revision.functions.iter();
        let found = functions.find(|function| function["name"] == name);
        found.expect("it is there")["functionRevisionId"].clone()
    };
    let told = run(
        &stage,
        json!({"handler": id("answers"), "event": {"body": {"n": 1}}}),
    )
    .await;
    assert_eq!(told["decision"], "send", "{told}");
    assert_eq!(told["response"]["status"], 202);
    let body = told["response"]["body"].as_str().expect("a text");
    assert_eq!(body, r#"{"method":"POST","body":{"n":1}}"#);
    let told = run(&stage, json!({"handler": id("timer"), "event": {}})).await;
    assert_eq!(
        (&told["decision"], &told["logs"][0]["text"]),
        (&json!("ok"), &json!("5000"))
    );
    let told = run(
        &stage,
        json!({"handler": id("throws"), "event": {"message": {}}}),
    )
    .await;
    assert_eq!(
        (&told["decision"], &told["text"]),
        (&json!("error"), &json!("Error: boom"))
    );
    assert!(
        told["errors"]
            .as_str()
            .is_some_and(|text| text.contains("function.js:1")),
        "{told}"
    );

    let strata = stage.bed.strata();
    let path = format!("{RUNS}?project={}", stage.bed.project);
    for (body, status) in [
        (json!({"handler": id("timer")}), 400),
        (
            json!({"handler": id("timer"), "event": {}, "mode": "live"}),
            400,
        ),
        (
            json!({"handler": id("timer"), "event": {}, "keyset": 999_999_999}),
            404,
        ),
        (json!({"handler": "nobody", "event": {}}), 404),
        (json!({"handler": id("timer"), "test_input": "nobody"}), 404),
    ] {
        let answer = strata.post(&path, body.clone()).await;
        assert_eq!(answer.status, status, "{body} {answer:?}");
    }
    for (scopes, status) in [
        (["functions.package:write"], 200),
        (["functions.package:read"], 403),
    ] {
        let client = bearer(&stage.bed.client, &stage.bed.key(&scopes).await);
        let body = json!({"handler": id("timer"), "event": {}});
        assert_eq!(client.post(RUNS, body).await.status, status, "{scopes:?}");
    }
}

#[tokio::test]
async fn a_dry_run_needs_no_keyset() {
    let stage = Stage::new().await;
    let code = "const kv = require('kvstore'); const vault = require('vault');\n\
        export default async (request) => {\n\
          await kv.set('a', { b: 1 });\n\
          request.message = { count: await kv.incrCounter('n', 5), read: await kv.getCounter('n'),\n\
            a: await kv.get('a'), none: await kv.get('none'), keys: await kv.getKeys(), secret: await vault.get('s') };\n\
          return request.ok();\n\
        };";
    let functions = [on("stores", "BEFORE_PUBLISH", "chat", code)];
    let revision = stage.bed.package(&functions).await;
    let id = &revision.functions[0]["functionRevisionId"];
    let told = run(&stage, json!({"handler": id, "event": {"message": {}}})).await;
    assert_eq!(told["decision"], "ok", "{told}");
    let message = json!({
        "count": 5, "read": 5, "a": {"b": 1}, "none": null, "keys": [], "secret": null,
    });
    assert_eq!(told["message"], message);
}
