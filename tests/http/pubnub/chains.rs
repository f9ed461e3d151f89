//! Functions that start functions. Reference: section 14.

use serde_json::json;

use super::stage::{Stage, on};

#[tokio::test]
async fn a_chain_has_three_hops() {
    let stage = Stage::new().await;
    let code = "const pubnub = require('pubnub');\n\
        export default async (request) => {\n\
          const sent = await pubnub.publish({ channel: 'loop', message: { n: request.message.n + 1 } });\n\
          console.log(JSON.stringify(sent.slice(0, 2)));\n\
          return request.ok();\n\
        };";
    stage
        .play(&[on("again", "AFTER_PUBLISH", "loop", code)])
        .await;
    let since = stage.now().await;
    assert_eq!(stage.publish("loop", &json!({"n": 0})).await.0, 200);
    let heard = stage.hear("loop", &since, 4).await;
    let numbers: Vec<_> = heard.iter().map(|message| message["n"].as_u64()).collect();
    assert_eq!(numbers, [Some(0), Some(1), Some(2), Some(3)]);
    let ran = stage.executions(3).await;
    let hops: Vec<_> = ran.iter().map(|row| row["hop"].as_u64()).collect();
    assert_eq!(hops, [Some(1), Some(2), Some(3)]);
    for (row, silent) in ran.iter().zip([true, true, false]) {
        assert!(
            row["logs"]
                .as_str()
                .is_some_and(|logs| logs.contains("[1,\"Sent\"]")),
            "{row}"
        );
        let told = row["errors"]
            .as_str()
            .is_some_and(|text| text.contains("no function sees"));
        assert_eq!(told, !silent, "{row}");
    }
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(stage.executions(3).await.len(), 3, "nothing more has begun");
}

#[tokio::test]
async fn a_function_hears_what_comes_of_what_it_sends() {
    let stage = Stage::new().await;
    let sends = "const pubnub = require('pubnub');\n\
        export default async (request) => {\n\
          request.message.answers = [];\n\
          for (const channel of ['guarded', 'broken', 'free']) request.message.answers.push((await pubnub.publish({ channel, message: {} })).slice(0, 2));\n\
          return request.ok();\n\
        };";
    let functions = [
        on("sends", "BEFORE_PUBLISH", "chat", sends),
        on(
            "aborts",
            "BEFORE_PUBLISH",
            "guarded",
            "export default (request) => request.abort('no entry');",
        ),
        on(
            "throws",
            "BEFORE_PUBLISH",
            "broken",
            "export default () => { throw new Error('boom'); };",
        ),
        on(
            "sees",
            "BEFORE_PUBLISH",
            "free",
            "export default (request) => { request.message.meta = request.meta; return request.ok(); };",
        ),
    ];
    stage.play(&functions).await;
    let since = stage.now().await;
    assert_eq!(stage.publish("chat", &json!({})).await.0, 200);
    let heard = stage.hear("chat,free", &since, 2).await;
    let meta = &heard[0]["meta"];
    assert_eq!(
        (&meta["clientip"], &meta["useragent"]),
        (&json!("0.0.0.0"), &json!("PubNub-Functions"))
    );
    let answers = json!([
        [0, "no entry"],
        [0, "Function error: Error: boom"],
        [1, "Sent"]
    ]);
    assert_eq!(heard[1]["answers"], answers);
}
