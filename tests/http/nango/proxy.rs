//! `/proxy/*`: calls of a provider's API on behalf of a connection.

use http::Method;
use serde_json::json;

use super::bed::Place;

#[tokio::test]
async fn calls_are_passed_on_with_credentials() {
    let place = Place::new().await;
    place.standin.expect(
        &[
            json!({"method": "GET", "path": "/user/a b", "query": {"x": "1", "y": "ö&="}, "headers": {"authorization": "Bearer s3cret-token", "x-own": "mine", "x-github-api-version": "2022-11-28"}, "reply": {"status": 203, "headers": {"x-vendor": "v", "content-type": "application/vnd.x+json"}, "text": "{\"a\":1}"}}),
            json!({"method": "POST", "path": "/things", "body": {"a": [1]}, "headers": {"content-type": "application/json"}, "reply": {"status": 201, "json": {"id": 7}}}),
            json!({"method": "DELETE", "path": "/things/7", "reply": {"status": 204}}),
            json!({"method": "PATCH", "path": "/things/7", "reply": {"status": 422, "json": {"why": "no"}}}),
            json!({"method": "GET", "path": "/picture", "reply": {"headers": {"content-type": "image/png"}, "base64": "iVBORw0KGgo="}}),
        ],
        false,
    );
    let client = place.behalf();
    let got = client
        .with("nango-proxy-x-own", "mine")
        .get("/proxy/user/a%20b?x=1&y=%C3%B6%26%3D")
        .await;
    assert_eq!(
        (got.status, &got.bytes[..]),
        (203, &b"{\"a\":1}"[..]),
        "{:?}",
        place.standin.faults()
    );
    assert_eq!(
        (got.header("x-vendor"), got.header("content-type")),
        ("v", "application/vnd.x+json")
    );
    let made = client.post("/proxy/things", json!({"a": [1]})).await;
    assert_eq!(made.good(201), json!({"id": 7}));
    let gone = client.ask(Method::DELETE, "/proxy/things/7").send().await;
    assert_eq!((gone.status, gone.bytes.len()), (204, 0));
    let refused = client.patch("/proxy/things/7", json!({})).await;
    assert_eq!(
        (refused.status, refused.json()),
        (422, json!({"why": "no"}))
    );
    let picture = client.get("/proxy/picture").await;
    assert_eq!(&picture.bytes[..], b"\x89PNG\r\n\x1a\n");
    assert_eq!(place.standin.faults(), Vec::<String>::new());
    // The key of this server is nothing for the provider.
    for call in place.standin.calls() {
        for name in [
            "connection-id",
            "provider-config-key",
            "nango-proxy-x-own",
            "retries",
        ] {
            assert!(!call.headers.contains_key(name), "{call:?}");
        }
        assert!(
            !format!("{call:?}").contains(crate::server::ROOT_KEY),
            "{call:?}"
        );
    }
}

#[tokio::test]
async fn calls_are_tried_again() {
    let place = Place::new().await;
    let now = json!({"retry-after": "0"});
    place.standin.expect(
        &[
            json!({"method": "GET", "path": "/busy", "repeat": 2, "reply": {"status": 503, "headers": now}}),
            json!({"method": "GET", "path": "/busy", "reply": {"json": {"ok": true}}}),
            json!({"method": "GET", "path": "/missing", "reply": {"status": 404, "headers": now}}),
            json!({"method": "GET", "path": "/missing", "reply": {"json": {"there": 1}}}),
            json!({"method": "GET", "path": "/once", "reply": {"status": 500, "json": {"why": "broken"}}}),
        ],
        false,
    );
    let client = place.behalf();
    assert_eq!(
        client
            .with("retries", "3")
            .get("/proxy/busy")
            .await
            .good(200),
        json!({"ok": true})
    );
    assert_eq!(
        client
            .with("retries", "1")
            .with("retry-on", "404")
            .get("/proxy/missing")
            .await
            .good(200),
        json!({"there": 1})
    );
    let once = client.get("/proxy/once").await;
    assert_eq!((once.status, once.json()), (500, json!({"why": "broken"})));
    assert_eq!(place.standin.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn another_base_can_be_given() {
    let place = Place::new().await;
    let other = super::standin::StandIn::start();
    let client = place
        .behalf()
        .with("base-url-override", &format!("{}/v9", other.url));
    client.get("/proxy/things").await.good(200);
    assert_eq!(other.calls()[0].path, "/v9/things");
    assert!(place.standin.calls().is_empty());
}

#[tokio::test]
async fn calls_have_rules() {
    let place = Place::new().await;
    place
        .client
        .get("/proxy/user")
        .await
        .denied(400, "invalid_headers");
    let on = |connection: &str, key: &str| {
        place
            .client
            .with("connection-id", connection)
            .with("provider-config-key", key)
    };
    let answer = on("nobody", "github").get("/proxy/user").await;
    assert!((400..500).contains(&answer.status), "{answer:?}");
    let answer = on("conn-1", "nobody").get("/proxy/user").await;
    assert!((400..500).contains(&answer.status), "{answer:?}");
    let key = place.keyed(&["environment:actions:execute"]).await;
    let error = key.get("/proxy/user").await.denied(403, "forbidden");
    assert_eq!(
        error["message"],
        "Insufficient scope. Required: environment:proxy"
    );
    assert!(place.standin.calls().is_empty());
    place
        .behalf()
        .with("retries", "many")
        .get("/proxy/user")
        .await
        .denied(400, "invalid_headers");
}
