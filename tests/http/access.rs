//! Who may do what, and what everybody else is told.

use http::Method;
use serde_json::json;

use crate::client::Client;
use crate::server::Server;

#[tokio::test]
async fn a_project_and_a_key_are_needed() {
    let client = Client::new();
    let no_project = client.with("x-appwrite-project", "");
    no_project
        .get("/v1/functions")
        .await
        .refused(403, "project_id_missing");
    no_project
        .guest()
        .get("/v1/functions")
        .await
        .refused(401, "general_access_forbidden");
    no_project
        .guest()
        .get("/v1/functions/runtimes")
        .await
        .refused(401, "general_access_forbidden");
    assert_eq!(
        no_project.get("/v1/functions?project=default").await.status,
        200
    );
    client
        .with("x-appwrite-project", "elsewhere")
        .get("/v1/functions")
        .await
        .refused(404, "project_not_found");

    let text = client
        .guest()
        .get("/v1/functions")
        .await
        .refused(401, "general_unauthorized_scope");
    assert_eq!(
        text,
        "User (role: guests) missing scopes ([\"functions.read\"])"
    );
    for key in ["wrong", "standard_wrong", "ephemeral_a.b.c", "dynamic_"] {
        let wrong = client.with("x-appwrite-key", key);
        wrong
            .get("/v1/functions")
            .await
            .refused(401, "general_unauthorized_scope");
    }
    let jwt = client.guest().with("x-appwrite-jwt", "a.b.c");
    jwt.get("/v1/functions/runtimes")
        .await
        .refused(401, "user_jwt_invalid");
    jwt.with("cookie", "a_session_default=x")
        .get("/v1/functions")
        .await
        .refused(403, "user_jwt_and_cookie_set");
    client
        .guest()
        .with("x-appwrite-session", "x")
        .get("/v1/functions")
        .await
        .refused(401, "general_unauthorized_scope");
}

#[tokio::test]
async fn a_key_is_good_for_its_scopes_and_its_time() {
    let client = Client::new();
    let root = client.with(
        "authorization",
        &format!("Bearer {}", crate::server::ROOT_KEY),
    );
    let key = async |body| {
        let made = root.post("/strata/v1/projects/default/keys", body).await;
        let made: serde_json::Value = serde_json::from_slice(&made.bytes).unwrap();
        client.with("x-appwrite-key", made["secret"].as_str().unwrap())
    };
    let reader = key(json!({"name": "reader", "scopes": ["functions.read"]})).await;
    assert_eq!(reader.get("/v1/functions").await.status, 200);
    let text = reader
        .post("/v1/functions", json!({}))
        .await
        .refused(401, "general_unauthorized_scope");
    assert!(
        text.contains("missing scopes ([\"functions.write\"])"),
        "{text}"
    );
    let function = client.function(json!({})).await;
    let executions = format!("/v1/functions/{function}/executions");
    reader
        .get(&executions)
        .await
        .refused(401, "general_unauthorized_scope");
    // Either spelling of a scope will do.
    let old = key(json!({"name": "old", "scopes": ["execution.read"]})).await;
    assert_eq!(old.get(&executions).await.status, 200);
    let expired = key(json!({"name": "expired", "expiresAt": "2020-01-01T00:00:00Z"})).await;
    expired
        .get("/v1/functions")
        .await
        .refused(401, "project_key_expired");
}

#[tokio::test]
async fn unknown_routes_and_bad_requests_have_the_usual_error() {
    let client = Client::new();
    for (method, path) in [
        (Method::GET, "/v1/nothing"),
        (Method::GET, "/v1"),
        (Method::GET, "/v1/functions/a/b"),
        (Method::DELETE, "/v1/functions"),
        (Method::PATCH, "/v1/functions/x"),
        (Method::POST, "/v1/ping"),
    ] {
        let answer = client.ask(method.clone(), path).send().await;
        assert_eq!(
            answer.error(),
            (404, "general_route_not_found".to_owned()),
            "{method} {path}"
        );
    }
    for id in ["_x", "a%20b", "%FF", &"x".repeat(37), "a:b"] {
        let answer = client.get(&format!("/v1/functions/{id}")).await;
        assert!(matches!(answer.status, 400 | 404), "{id}: {answer:?}");
        answer.json();
    }
    client
        .get("/v1/functions/unknown")
        .await
        .refused(404, "function_not_found");

    // A body that cannot be read counts as empty.
    for (kind, body) in [
        ("application/json", "{\"name\": "),
        ("application/json", "[1]"),
        ("application/json", ""),
        ("application/json", "\u{0}"),
        ("multipart/form-data; boundary=x", "garbage"),
        ("multipart/form-data", ""),
        ("", "name=x"),
    ] {
        let ask = client
            .ask(Method::POST, "/v1/functions")
            .header("content-type", kind);
        let answer = ask.body(body).send().await;
        let text = answer.refused(400, "general_argument_invalid");
        assert_eq!(
            text, "Param \"functionId\" is not optional.",
            "{kind} {body}"
        );
    }
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let answer = client
        .ask(Method::POST, "/v1/functions")
        .header("content-type", "application/json");
    answer
        .body(deep)
        .send()
        .await
        .refused(400, "general_argument_invalid");
    // Too large a body is refused, not read.
    let large = json!({"functionId": "x", "name": "x".repeat(2 << 20)});
    client
        .post("/v1/functions", large)
        .await
        .refused(400, "general_argument_invalid");
    // Forms work too.
    let form =
        "functionId=unique()&name=form&runtime=node-22&execute[0]=any&enabled=false&timeout=7";
    let made = client
        .ask(Method::POST, "/v1/functions")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await
        .json();
    assert_eq!(
        (&made["enabled"], &made["timeout"], &made["execute"]),
        (&json!(false), &json!(7), &json!(["any"]))
    );
}

#[tokio::test]
async fn ping_version_and_request_ids() {
    let client = Client::new().guest().with("x-appwrite-project", "console");
    let pong = client.get("/v1/ping").await;
    assert_eq!((pong.status, &pong.bytes[..]), (200, &b"Pong!"[..]));
    assert_eq!(
        client.get("/v1/health/version").await.json(),
        json!({"version": "1.9.6"})
    );
    assert_eq!(
        client
            .with("x-request-id", "mine")
            .get("/v1/ping")
            .await
            .header("x-request-id"),
        "mine"
    );
    assert!(!pong.header("x-request-id").is_empty());
}

#[tokio::test]
async fn what_the_command_line_asks_beside_functions() {
    let client = Client::new();
    let rules = client.get("/v1/proxy/rules").await.json();
    assert_eq!(rules, json!({"total": 0, "rules": []}));
    let guest = client.guest();
    guest
        .get("/v1/proxy/rules")
        .await
        .refused(401, "general_unauthorized_scope");
    let console = guest.with("x-appwrite-project", "console");
    let console = console.get("/v1/console/variables").await.json();
    assert_eq!(console["_APP_DOMAIN_FUNCTIONS"], "");
}

#[tokio::test]
async fn commands_that_are_turned_away_are_audited() {
    let server = Server::start();
    let client = Client::to(&server);
    let root = client.with(
        "authorization",
        &format!("Bearer {}", crate::server::ROOT_KEY),
    );
    let body = json!({"name": "reader", "scopes": ["functions.read"]});
    let key = root.post("/strata/v1/projects/default/keys", body).await;
    let key: serde_json::Value = serde_json::from_slice(&key.bytes).unwrap();
    let reader = client.with("x-appwrite-key", key["secret"].as_str().unwrap());

    // Turned away: without a scope, without a key, with bad input, by another API.
    let named = json!({"functionId": "s3cret in a body", "name": "x"});
    reader.post("/v1/functions", named.clone()).await;
    client.guest().delete("/v1/functions/x").await;
    client.post("/v1/functions?token=s3cret", named).await;
    client.delete("/strata/v1/projects/default").await;
    // No commands: a read, and paths that are nobody's.
    client.guest().get("/v1/functions").await;
    client.post("/v1/nothing", json!({})).await;

    let actor = format!("key:{}", key["id"].as_str().unwrap());
    let expected = [
        json!([
            actor,
            "POST",
            "/v1/functions",
            401,
            "general_unauthorized_scope"
        ]),
        json!([
            "guest",
            "DELETE",
            "/v1/functions/x",
            401,
            "general_unauthorized_scope"
        ]),
        json!([
            "root",
            "POST",
            "/v1/functions",
            400,
            "general_argument_invalid"
        ]),
        json!([
            "guest",
            "DELETE",
            "/strata/v1/projects/default",
            401,
            "unauthorized"
        ]),
    ];
    let mut seen = Vec::new();
    for _ in 0..100 {
        let answer = root.get("/strata/v1/audit?event=CommandRejected").await;
        assert!(!String::from_utf8_lossy(&answer.bytes).contains("s3cret"));
        let answer = answer.json();
        let events = answer["events"].as_array().unwrap().iter();
        seen = events
            .map(|event| {
                let rejected = &event["payload"]["CommandRejected"];
                assert!(!event["requestId"].as_str().unwrap().is_empty());
                json!([
                    event["actor"],
                    rejected["method"],
                    rejected["path"],
                    rejected["status"],
                    rejected["code"]
                ])
            })
            .collect();
        if seen.len() >= expected.len() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(seen, expected);
    // A project's own log has what was asked of the project.
    let own = root
        .get("/strata/v1/audit?event=CommandRejected&project=default")
        .await
        .json();
    assert_eq!(own["events"].as_array().unwrap().len(), 3);
}
