//! Pages of any origin may publish and subscribe: the SDKs run in browsers. The vendor does so; its
//! functions that answer HTTP see to their own headers.

use http::Method;
use serde_json::json;

use super::stage::{Stage, function};

#[tokio::test]
async fn pages_may_publish_and_subscribe() {
    let stage = Stage::new().await;
    let answers = "export default (request, response) => response.send('hello');";
    let config = json!({"path": "hello"});
    stage
        .play(&[function("api", "ON_REQUEST", config, answers)])
        .await;
    let (publish, subscribe) = (&stage.keyset.publish_key, &stage.keyset.subscribe_key);
    let client = stage.bed.client.with("authorization", "");
    let open = "access-control-allow-origin";
    for (path, status) in [
        (format!("/publish/{publish}/{subscribe}/0/chat/0/1"), 200),
        (format!("/signal/{publish}/{subscribe}/0/chat/0/1"), 200),
        (format!("/v2/subscribe/{subscribe}/chat/0?tt=0"), 200),
        // A page may read why it was refused.
        ("/publish/pub-c-no/sub-c-no/0/chat/0/1".to_owned(), 400),
    ] {
        let answer = client.get(&path).await;
        assert_eq!(
            (answer.status, answer.header(open)),
            (status, "*"),
            "{path}"
        );
        // Asked by a browser before anything that a form could not send.
        let asked = client.ask(Method::OPTIONS, &path);
        let asked = asked.header("access-control-request-method", "POST");
        let answer = asked.send().await;
        assert_eq!((answer.status, answer.header(open)), (204, "*"), "{path}");
        assert!(
            answer
                .header("access-control-allow-methods")
                .contains("POST")
        );
    }
    let path = format!("/publish/{publish}/{subscribe}/0/chat/0");
    let posted = client.post(&path, json!({"a": 1})).await;
    assert_eq!((posted.status, posted.header(open)), (200, "*"));
    let answer = stage.request(Method::GET, "hello").await;
    assert_eq!((answer.status, answer.header(open)), (200, ""));
    // Nobody's page speaks for an operator.
    let admin = stage.bed.client.get("/v2/faas/packages").await;
    assert_eq!(admin.header(open), "");
}
