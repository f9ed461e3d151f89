//! What every endpoint of the dialect checks, in which order, and how it says so; asked of
//! `POST /functions/compile`, which needs nothing else.

use http::Method;
use serde_json::json;

use super::api::{bearer, guest, keyed, root, shared};
use super::sources::ACTION;
use crate::client::{Answer, Client};
use crate::server::Server;

const PATH: &str = "/functions/compile";

async fn compile(client: &Client, code: &str) -> Answer {
    client.post(PATH, json!({"code": code})).await
}

/// Each check answers before the next one runs.
#[tokio::test]
async fn checks_come_in_order() {
    let server = Server::shared();
    let guest = guest(&server);
    let root = root(&server);
    let narrow = keyed(&root, &["environment:deploy"]).await;
    let ask = |client: &Client, path: &str, kind: &str, body: &str| {
        let mut ask = client.ask(Method::POST, path);
        if !kind.is_empty() {
            ask = ask.header("content-type", kind);
        }
        ask.body(body.to_owned()).send()
    };
    let wrong = format!("{PATH}?a=1");
    // A body that is no JSON, even without a key.
    for body in ["{\"code\": ", "{code}", "[1,]"] {
        let answer = ask(&guest, &wrong, "application/json", body).await;
        let error = answer.denied(400, "invalid_json");
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
    }
    // A type that is not JSON.
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        let answer = ask(&guest, &wrong, kind, "{\"code\": ").await;
        let error = answer.denied(415, "invalid_content_type");
        assert_eq!(
            error["message"],
            "Content-Type header must be application/json"
        );
    }
    // The key.
    let answer = ask(&guest, &wrong, "application/json", "{}").await;
    answer.denied_with(401, "missing_auth_header", &["payload"]);
    // The scope.
    let answer = ask(&narrow, &wrong, "application/json", "{}").await;
    answer.denied(403, "forbidden");
    // The query.
    let answer = ask(&root, &wrong, "application/json", "{}").await;
    assert_eq!(
        answer.invalid("invalid_query_params"),
        ["unrecognized_keys · Unrecognized key: \"a\" · []"]
    );
    let answer = ask(&root, &format!("{PATH}?a=1&b="), "application/json", "{}").await;
    assert_eq!(
        answer.invalid("invalid_query_params"),
        ["unrecognized_keys · Unrecognized keys: \"a\", \"b\" · []"]
    );
    // The body.
    let undefined =
        "invalid_type · Invalid input: expected string, received undefined · [\"code\"]";
    let answer = ask(&root, PATH, "application/json", "{}").await;
    answer.wrong(undefined);
    let answer = ask(&root, PATH, "application/json; charset=utf-8", "{}").await;
    answer.wrong(undefined);
    // Without a type there is no body.
    let nothing = "invalid_type · Invalid input: expected object, received undefined · []";
    ask(&root, PATH, "", "{\"code\": ").await.wrong(nothing);
    ask(&root, PATH, "", "").await.wrong(nothing);
}

#[tokio::test]
async fn a_body_over_the_limit_is_not_taken() {
    let large = format!("{{\"code\": \"{}\"}}", "x".repeat(79 << 20));
    let client = guest(&Server::shared());
    let ask = client
        .ask(Method::POST, PATH)
        .header("content-type", "application/json");
    ask.body(large)
        .send()
        .await
        .denied(500, "generic_error_support");
}

#[tokio::test]
async fn a_body_below_the_limit_is_taken() {
    let comment = format!("\n/* {} */", "x".repeat(30 << 20));
    let answer = compile(&shared(), &format!("{ACTION}{comment}")).await;
    answer.good(200);
}

#[tokio::test]
async fn a_key_is_needed() {
    let server = Server::shared();
    let client = guest(&server);
    let unknown = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let upper = unknown.to_uppercase();
    let malformed = "Authentication failed. The Authorization header is malformed.";
    let format = "Authentication failed. The provided secret key is not a UUID v4.";
    let account =
        "Authentication failed. The provided authorization header does not match any account.";
    for (header, code, message) in [
        // Blanks at the end of a header are no part of it.
        ("Bearer ", "invalid_secret_key_format", format),
        ("Bearer", "invalid_secret_key_format", format),
        ("nope", "invalid_secret_key_format", format),
        ("Bearer nope", "invalid_secret_key_format", format),
        ("Basic eDp5", "invalid_secret_key_format", format),
        // Of version 1, which no key is.
        (
            "Bearer 6c84fb90-12c4-11e1-840d-7b25c5ee775a",
            "invalid_secret_key_format",
            format,
        ),
        (unknown, "unknown_account", account),
        (&bearer(unknown), "unknown_account", account),
        (&bearer(&upper), "unknown_account", account),
        (
            &format!("Bearer nope Bearer {unknown}"),
            "unknown_account",
            account,
        ),
    ] {
        let ask = client
            .ask(Method::POST, PATH)
            .header("authorization", header);
        let error = ask
            .json(json!({}))
            .await
            .denied_with(401, code, &["payload"]);
        let expected = json!({"code": code, "message": message, "payload": {}});
        assert_eq!(error, expected, "{header:?}");
    }
    let ask = client.ask(Method::POST, PATH).header("authorization", "");
    let error = ask
        .json(json!({}))
        .await
        .denied_with(401, "malformed_auth_header", &["payload"]);
    assert_eq!(error["message"], malformed);
    let error =
        client
            .post(PATH, json!({}))
            .await
            .denied_with(401, "missing_auth_header", &["payload"]);
    let message = "Authentication failed. The request is missing the Authorization header.";
    assert_eq!(
        error,
        json!({"code": "missing_auth_header", "message": message, "payload": {}})
    );
    // The key stands after the last word, or alone.
    let root = crate::server::ROOT_KEY;
    for header in [root.to_owned(), format!("Bearer x Bearer {root}")] {
        let ask = client
            .ask(Method::POST, PATH)
            .header("authorization", &header);
        ask.json(json!({"code": ACTION})).await.good(200);
    }
}

#[tokio::test]
async fn a_key_needs_the_scope() {
    let root = shared();
    for scopes in [
        &["environment:functions:compile"][..],
        &["environment:functions:*"],
        &["environment:*"],
        &["environment:deploy", "environment:functions:compile"],
        &["*"],
    ] {
        compile(&keyed(&root, scopes).await, ACTION).await.good(200);
    }
    for scopes in [
        &["environment:deploy"][..],
        &["environment:functions:dryrun"],
        &["environment:functions"],
        &["environment:functions:comp*"],
        &["environment:integrations:*", "environment:connections:*"],
        &["account:*"],
        &["functions.write"],
        &[],
    ] {
        let answer = compile(&keyed(&root, scopes).await, ACTION).await;
        let error = answer.denied(403, "forbidden");
        let message = "Insufficient scope. Required: environment:functions:compile";
        assert_eq!(error["message"], message, "{scopes:?}");
    }
}

#[tokio::test]
async fn revoked_and_expired_keys_are_unknown() {
    let root = shared();
    let path = "/strata/v1/projects/default/keys";
    let body = json!({"name": "old", "expiresAt": "2020-01-01T00:00:00Z"});
    let expired = root.post(path, body).await.text("secret");
    let made = root
        .post(path, json!({"name": "short", "scopes": ["environment:*"]}))
        .await;
    let revoked = made.text("secret");
    let id = made.text("id");
    let short = root.with("authorization", &bearer(&revoked));
    compile(&short, ACTION).await.good(200);
    root.delete(&format!("{path}/{id}")).await;
    for secret in [expired, revoked] {
        let client = root.with("authorization", &bearer(&secret));
        let answer = compile(&client, ACTION).await;
        assert_eq!(answer.status, 401, "{answer:?}");
        assert_eq!(answer.json()["error"]["payload"], json!({}));
    }
}

#[tokio::test]
async fn bodies_have_rules() {
    let client = shared();
    for (body, entries) in [
        (
            json!({}),
            &["invalid_type · Invalid input: expected string, received undefined · [\"code\"]"][..],
        ),
        (
            json!([]),
            &["invalid_type · Invalid input: expected object, received array · []"],
        ),
        (
            json!({"code": 5}),
            &["invalid_type · Invalid input: expected string, received number · [\"code\"]"],
        ),
        (
            json!({"code": true}),
            &["invalid_type · Invalid input: expected string, received boolean · [\"code\"]"],
        ),
        (
            json!({"code": null}),
            &["invalid_type · Invalid input: expected string, received null · [\"code\"]"],
        ),
        (
            json!({"code": ["x"]}),
            &["invalid_type · Invalid input: expected string, received array · [\"code\"]"],
        ),
        (
            json!({"code": {}}),
            &["invalid_type · Invalid input: expected string, received object · [\"code\"]"],
        ),
        (
            json!({"code": ""}),
            &["too_small · Too small: expected string to have >=1 characters · [\"code\"]"],
        ),
        (
            json!({"code": "x", "foo": 1}),
            &["unrecognized_keys · Unrecognized key: \"foo\" · []"],
        ),
        (
            json!({"function_name": "x"}),
            &[
                "invalid_type · Invalid input: expected string, received undefined · [\"code\"]",
                "unrecognized_keys · Unrecognized key: \"function_name\" · []",
            ],
        ),
    ] {
        let answer = client.post(PATH, body.clone()).await;
        assert_eq!(answer.invalid("invalid_body"), entries, "{body}");
    }
    // Keys that nobody knows are told in the order of the body.
    let ask = client
        .ask(Method::POST, PATH)
        .header("content-type", "application/json");
    let answer = ask
        .body("{\"foo\": 1, \"code\": \"\", \"bar\": 2}")
        .send()
        .await;
    assert_eq!(
        answer.invalid("invalid_body"),
        [
            "too_small · Too small: expected string to have >=1 characters · [\"code\"]",
            "unrecognized_keys · Unrecognized keys: \"foo\", \"bar\" · []",
        ]
    );
}

#[tokio::test]
async fn other_methods_are_not_there() {
    let client = shared();
    for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE] {
        let answer = client.ask(method.clone(), PATH).send().await;
        assert_eq!(answer.status, 404, "{method}");
        assert!(answer.json()["error"]["code"].is_string());
    }
}

/// Two requests of three, in one minute or, when it ends between them, in two.
#[tokio::test]
async fn requests_of_a_minute_can_be_limited() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start_with(dir.path(), &[("STRATA_NANGO_RATE_LIMIT", "2")]);
    let client = root(&server);
    let narrow = keyed(&client, &["environment:deploy"]).await;
    // Who is not known does not count.
    for _ in 0..6 {
        let answer = guest(&server).post(PATH, json!({})).await;
        answer.denied_with(401, "missing_auth_header", &["payload"]);
    }
    let mut refused = None;
    for _ in 0..6 {
        let answer = narrow.post(&format!("{PATH}?a=1"), json!({})).await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
        // Before the limit it is the scope that is looked at.
        answer.denied(403, "forbidden");
    }
    let refused = refused.expect("the limit is met");
    let error = refused.denied_with(429, "too_many_request", &["method", "path"]);
    assert_eq!(
        error,
        json!({"code": "too_many_request", "method": "POST", "path": PATH})
    );
    let seconds: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(refused.header("x-ratelimit-limit"), "2");
    assert_eq!(refused.header("x-ratelimit-remaining"), "0");
    let reset: u64 = refused.header("x-ratelimit-reset").parse().expect("a time");
    assert!(reset > 1_700_000_000, "{reset}");
    // What functions ask is counted apart.
    let script = client.with("nango-is-script", "true");
    script
        .post(PATH, json!({}))
        .await
        .denied(400, "invalid_body");
}

/// What a browser asks first has no key, and says which headers it is about to send.
#[tokio::test]
async fn browsers_may_ask_from_any_page() {
    let guest = shared().with("authorization", "");
    for (path, methods) in [
        (PATH, "POST"),
        ("/integrations/github", "GET, PATCH, DELETE"),
        ("/connection/metadata", "POST, PATCH"),
        ("/proxy/some/path", "GET, POST, PUT, PATCH, DELETE"),
        ("/records", "GET"),
    ] {
        let asked = guest
            .ask(Method::OPTIONS, path)
            .header("origin", "https://app.example.com")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,x-mine")
            .send()
            .await;
        assert_eq!(asked.status, 204, "{path}: {asked:?}");
        assert!(asked.bytes.is_empty());
        assert_eq!(asked.header("access-control-allow-origin"), "*");
        assert_eq!(asked.header("access-control-allow-methods"), methods);
        assert_eq!(
            asked.header("access-control-allow-headers"),
            "authorization,x-mine"
        );
    }
    let plain = guest.ask(Method::OPTIONS, PATH).send().await;
    assert_eq!(plain.status, 204);
    assert!(
        plain
            .header("access-control-allow-headers")
            .contains("Authorization")
    );
    // What follows is answered as ever, refusals as well, for the page to read.
    let refused = guest.post(PATH, json!({})).await;
    refused.denied_with(401, "missing_auth_header", &["payload"]);
    assert_eq!(refused.header("access-control-allow-origin"), "*");
    assert!(
        refused
            .header("access-control-expose-headers")
            .contains("X-RateLimit-Limit")
    );
}
