//! What holds for every call: order of checks, envelope, headers, pages.

use http::Method;
use serde_json::{Value, json};

use super::bed::{Bed, Enveloped, OK, at, before, refused};
use crate::client::{Answer, Client, unique};
use crate::server::{ROOT_KEY, Server};

const NOBODY: &str = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d";

fn is_uuid(text: &str) -> bool {
    uuid::Uuid::try_parse(text).is_ok_and(|id| id.to_string() == text)
}

/// Every error has the whole envelope, and its id in a header.
fn whole(answer: &Answer) -> Value {
    let body = answer.json();
    let members: Vec<&String> = body.as_object().expect("an object").keys().collect();
    match answer.status < 300 {
        true => assert_eq!(members, ["data", "meta", "errors"]),
        false => assert_eq!(members, ["meta", "errors"]),
    }
    let time = body["meta"]["timestamp"].as_str().expect("a time");
    assert!(
        time.len() == 24 && time.ends_with('Z') && time.as_bytes()[19] == b'.',
        "{time}"
    );
    let id = body["meta"]["correlationId"].as_str().expect("an id");
    assert!(is_uuid(id), "{id}");
    assert_eq!(answer.header("x-correlation-id"), id);
    body
}

#[tokio::test]
async fn checks_are_made_in_the_order_of_the_reference() {
    let bed = Bed::new().await;
    let good = bed.client.clone();
    // Each of these lacks one thing more than the one before, in the order of the checks.
    let post = |client: &Client, path: &str, body: &str| {
        let ask = client.ask(Method::POST, &at(path));
        ask.body(body.to_owned()).send()
    };
    let none = bed.limited(&["nothing"]).await;
    let typed = none.with("content-type", "application/json");
    let path = "/package-revisions";
    let body = json!({"packageId": NOBODY, "functions": [before("a", "b", OK)]}).to_string();
    refused(&post(&typed, path, &body).await, 403, "FAAS-403");
    let malformed = json!({"packageId": NOBODY, "functions": []}).to_string();
    refused(&post(&typed, path, &malformed).await, 400, "FAAS-400");
    refused(&post(&typed, path, "{").await, 400, "FAAS-1003");
    let untyped = typed.with("content-type", "text/plain");
    refused(&post(&untyped, path, "{").await, 415, "FAAS-415");
    refused(&post(&none, path, "{").await, 415, "FAAS-415");
    let picky = untyped.with("accept", "text/html, application/json;q=0");
    refused(&post(&picky, path, "{").await, 406, "FAAS-406");
    let early = picky.with("pubnub-version", "2025-11-14");
    refused(&post(&early, path, "{").await, 400, "FAAS-400");
    let odd = early.with("x-correlation-id", "odd");
    refused(&post(&odd, path, "{").await, 400, "FAAS-1000");
    let stranger = odd.with("authorization", "nobody's key");
    refused(&post(&stranger, path, "{").await, 401, "FAAS-1002");
    let guest = stranger.with("authorization", "");
    refused(&post(&guest, path, "{").await, 401, "FAAS-1001");
    let wrong = guest.ask(Method::PUT, &at(path)).body("{").send().await;
    refused(&wrong, 405, "FAAS-405");
    assert_eq!(wrong.header("allow"), "POST");
    let nowhere = guest
        .ask(Method::PUT, &at("/package-revision"))
        .body("{")
        .send()
        .await;
    refused(&nowhere, 404, "FAAS-404");
    whole(&nowhere);

    // With all permissions, what is asked for is looked for.
    let typed = good.with("content-type", "application/json");
    let missing = post(&typed, path, &body).await;
    refused(&missing, 404, "FAAS-404");
    assert_eq!(whole(&missing)["errors"][0]["message"], "Entity not found");
    // Existence is before what the functions are among themselves.
    let twice =
        json!({"packageId": NOBODY, "functions": [before("a", "b", OK), before("a", "b", OK)]});
    refused(
        &post(&typed, path, &twice.to_string()).await,
        404,
        "FAAS-404",
    );
}

#[tokio::test]
async fn a_credential_is_the_key_itself_or_a_token() {
    let bed = Bed::new().await;
    let key = bed.key(&["functions.package:read"]).await;
    let client = bed.client.with("strata-project", "");
    for header in [
        key.clone(),
        format!("Bearer {key}"),
        format!("bearer  {key}"),
    ] {
        let list = client
            .with("authorization", &header)
            .get(&at("/packages"))
            .await;
        assert_eq!(list.data(200), json!([]), "{header}");
    }
    let empty = client
        .with("authorization", "Bearer ")
        .get(&at("/packages"))
        .await;
    assert_eq!(empty.status, 401);

    let path = format!("/strata/v1/projects/{}/keys", bed.project);
    let body = json!({"scopes": ["*"], "expiresAt": "2026-01-01T00:00:00Z"});
    let expired = bed.strata().post(&path, body).await.text("secret");
    let late = client
        .with("authorization", &expired)
        .get(&at("/packages"))
        .await;
    refused(&late, 401, "FAAS-1002");
    let revoked = bed.strata().post(&path, json!({"scopes": ["*"]})).await;
    let with = client.with("authorization", &revoked.text("secret"));
    assert_eq!(with.get(&at("/packages")).await.status, 200);
    let gone = bed
        .strata()
        .delete(&format!("{path}/{}", revoked.text("id")))
        .await;
    assert_eq!(gone.status, 204);
    refused(&with.get(&at("/packages")).await, 401, "FAAS-1002");
    // The root key may only choose what there is.
    let nowhere = bed.client.with("strata-project", &unique("nowhere"));
    refused(&nowhere.get(&at("/packages")).await, 404, "FAAS-404");
}

#[tokio::test]
async fn versions_are_dates_from_the_first_one_on() {
    let bed = Bed::new().await;
    for version in ["2025-11-15", "2026-02-09", "2026-09-03", "2999-12-31"] {
        let answer = bed
            .client
            .with("pubnub-version", version)
            .get(&at("/packages"))
            .await;
        assert_eq!(answer.status, 200, "{version}");
    }
    for version in [
        "",
        "2025-11-14",
        "2026-02-30",
        "2026-2-9",
        "20260209",
        "v2",
        "2026-02-09T00",
    ] {
        let answer = bed
            .client
            .with("pubnub-version", version)
            .get(&at("/packages"))
            .await;
        refused(&answer, 400, "FAAS-400");
    }
}

#[tokio::test]
async fn what_is_accepted_must_include_json() {
    let bed = Bed::new().await;
    for accept in [
        "*/*",
        "application/*",
        "text/html, application/json;q=0.1",
        "APPLICATION/JSON",
    ] {
        let answer = bed
            .client
            .with("accept", accept)
            .get(&at("/packages"))
            .await;
        assert_eq!(answer.status, 200, "{accept}");
        assert_eq!(answer.header("content-type"), "application/json");
    }
    for accept in [
        "text/html",
        "application/xml",
        "application/json;q=0",
        "*/*; q=0.0",
    ] {
        let answer = bed
            .client
            .with("accept", accept)
            .get(&at("/packages"))
            .await;
        refused(&answer, 406, "FAAS-406");
    }
}

#[tokio::test]
async fn correlation_ids_are_echoed_or_made() {
    let bed = Bed::new().await;
    let id = "A1B2C3D4-E5F6-4890-ABCD-EF1234567890";
    let client = bed.client.with("x-correlation-id", id);
    let listed = whole(&client.get(&at("/packages")).await);
    assert_eq!(listed["meta"]["correlationId"], id.to_lowercase());
    let one = whole(&bed.client.get(&at("/packages")).await);
    let other = whole(&bed.client.get(&at("/packages")).await);
    assert_ne!(one["meta"]["correlationId"], other["meta"]["correlationId"]);
    // Errors carry it as well, wherever they come from.
    for path in ["/nowhere", "/packages/x", &format!("/packages/{NOBODY}")] {
        let answer = whole(&client.get(&at(path)).await);
        assert_eq!(answer["meta"]["correlationId"], id.to_lowercase(), "{path}");
    }
    let guest = client.with("authorization", "").get(&at("/packages")).await;
    refused(&guest, 401, "FAAS-1001");
    assert_eq!(whole(&guest)["meta"]["correlationId"], id.to_lowercase());
    // Events are found by it.
    let id = uuid::Uuid::new_v4().to_string();
    let body =
        json!({"name": unique("p"), "revisionName": "r", "functions": [before("a", "b", OK)]});
    let made = bed
        .client
        .with("x-correlation-id", &id)
        .post(&at("/packages"), body)
        .await;
    assert_eq!(made.status, 201);
    let audit = bed
        .strata()
        .get(&format!("/strata/v1/audit?correlation={id}"))
        .await
        .json();
    let events = audit["events"].as_array().expect("events");
    let kinds: Vec<&str> = events
        .iter()
        .filter_map(|event| event["event"].as_str())
        .collect();
    assert_eq!(kinds.len(), 2, "{audit}");
}

#[tokio::test]
async fn methods_and_paths_are_exact() {
    let bed = Bed::new().await;
    for (method, path, allow) in [
        (Method::DELETE, "/packages", "GET, POST"),
        (Method::PATCH, "/packages/x", "DELETE, GET, PUT"),
        (Method::POST, "/kv/counters", "GET"),
        (Method::PUT, "/kv/counters/a", "GET"),
        (Method::DELETE, "/kv/counters/a", "GET"),
        (Method::GET, "/kv/secrets/a", "DELETE, PUT"),
    ] {
        let answer = bed.client.ask(method.clone(), &at(path)).send().await;
        refused(&answer, 405, "FAAS-405");
        let mut allowed: Vec<&str> = answer.header("allow").split(", ").collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(", "), allow, "{method} {path}");
    }
    for path in [
        "",
        "/",
        "/packages/",
        "/kv",
        "/kv/strings/",
        "/x",
        "/packages/a/b/c",
    ] {
        refused(&bed.client.get(&at(path)).await, 404, "FAAS-404");
    }
    refused(
        &bed.client.get(&at("/packages/nonsense")).await,
        400,
        "FAAS-400",
    );
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let bed = Bed::new().await;
    let body = json!({"name": "x".repeat(9 << 20)});
    refused(
        &bed.client.post(&at("/packages"), body).await,
        413,
        "FAAS-9006",
    );
    let deep = "[".repeat(100_000);
    let ask = bed.client.ask(Method::POST, &at("/packages"));
    let answer = ask
        .header("content-type", "application/json; charset=utf-8")
        .body(deep);
    refused(&answer.send().await, 400, "FAAS-1003");
    for body in ["[]", "\"x\"", "null"] {
        let ask = bed.client.ask(Method::POST, &at("/packages"));
        let sent = ask
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await;
        refused(&sent, 400, "FAAS-400");
    }
    let ask = bed.client.ask(Method::POST, &at("/packages"));
    refused(&ask.send().await, 400, "FAAS-1003");
}

#[tokio::test]
async fn pages_by_number() {
    let bed = Bed::new().await;
    let empty = bed.client.get(&at("/packages")).await.json();
    assert_eq!(empty["data"], json!([]));
    assert_eq!(
        empty["meta"]["paging"],
        json!({"totalElements": 0, "totalPages": 0, "pageSize": 20, "pageNumber": 0, "pageOffset": 0})
    );
    let mut ids = Vec::new();
    for name in ["b", "C", "a", "ab", "x"] {
        let body = json!({"name": name, "revisionName": "r", "functions": [before("f", "c", OK)]});
        let made = bed.client.post(&at("/packages"), body).await.data(201);
        ids.push(made["id"].as_str().expect("an id").to_owned());
    }
    let names = async |query: &str| {
        let list = bed
            .client
            .get(&at(&format!("/packages?{query}")))
            .await
            .data(200);
        let rows = list.as_array().expect("a list").iter();
        rows.map(|row| row["name"].as_str().expect("a name").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("").await, ["x", "ab", "a", "C", "b"]);
    assert_eq!(names("page=0&size=2").await, ["x", "ab"]);
    assert_eq!(names("page=2&size=2").await, ["b"]);
    assert_eq!(names("page=7&size=2").await, [""; 0]);
    assert_eq!(names("page=4294967295&size=100").await, [""; 0]);
    assert_eq!(names("sort=createdDttm").await, ["b", "C", "a", "ab", "x"]);
    assert_eq!(names("sort=createdDttm,asc&size=1").await, ["b"]);
    assert_eq!(
        names("sort=name,DESC&sort=id")
            .await
            .first()
            .map(String::as_str),
        Some("x")
    );
    assert_eq!(names("search=A&sort=name").await, ["a", "ab"]);
    assert_eq!(names("search=%25").await, [""; 0]);
    assert_eq!(names("size=1000&unknown=1").await.len(), 5);
    ids.sort();
    let sorted = bed.client.get(&at("/packages?sort=id,ASC")).await.data(200);
    let sorted: Vec<&str> = sorted
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row["id"].as_str())
        .collect();
    assert_eq!(sorted, ids);

    let page = bed.client.get(&at("/packages?size=2&page=1")).await.json();
    assert_eq!(
        page["meta"]["paging"],
        json!({"totalElements": 5, "totalPages": 3, "pageSize": 2, "pageNumber": 1, "pageOffset": 2})
    );
    let most = bed.client.get(&at("/packages?size=101")).await.json();
    assert_eq!(most["meta"]["paging"]["pageSize"], 100);
    for (query, code) in [
        ("size=0", "FAAS-1019"),
        ("size=-1", "FAAS-1019"),
        ("size=x", "FAAS-400"),
        ("page=-1", "FAAS-400"),
        ("page=1.5", "FAAS-400"),
        ("page=", "FAAS-400"),
        ("sort=tags", "FAAS-400"),
        ("sort=name,up", "FAAS-400"),
    ] {
        refused(
            &bed.client.get(&at(&format!("/packages?{query}"))).await,
            400,
            code,
        );
    }
}

#[tokio::test]
async fn a_missing_entity_as_the_table_of_codes_has_it() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let environment = [
        ("STRATA_PUBNUB_NOT_FOUND_PROFILE", "table"),
        ("STRATA_PUBNUB_PACKAGES", "1"),
        ("STRATA_PUBNUB_SUBSCRIBE_ON_INTERVAL", "true"),
    ];
    let server = Server::start_with(dir.path(), &environment);
    let bed = Bed::on(&server).await;
    let upper = NOBODY.to_uppercase();
    let missing = bed.client.get(&at(&format!("/packages/{upper}"))).await;
    refused(&missing, 400, "FAAS-1004");
    let message = whole(&missing)["errors"][0]["message"].clone();
    assert_eq!(
        message,
        format!("Package with ID [{NOBODY}] was not found!")
    );
    // These have codes of their own.
    refused(
        &bed.client.get(&at("/kv/strings?subkey=sub-c-x")).await,
        400,
        "FAAS-1022",
    );
    refused(&bed.client.get(&at("/nowhere")).await, 404, "FAAS-404");

    // The other settings of this server.
    let timed = json!({
        "name": "t",
        "type": "SUBSCRIBE_ON_INTERVAL",
        "config": {"inputChannel": "a.*", "interval": 1000},
        "code": "export default (event) => event.ok();",
    });
    let body = |name: &str| json!({"name": name, "revisionName": "r", "functions": [timed]});
    let made = bed
        .client
        .post(&at("/packages"), body("one"))
        .await
        .data(201);
    let second = bed.client.post(&at("/packages"), body("two")).await;
    refused(&second, 422, "FAAS-1005");
    // What is taken is taken, however many there may be.
    refused(
        &bed.client.post(&at("/packages"), body("ONE")).await,
        409,
        "FAAS-409",
    );
    let path = at(&format!(
        "/packages/{}",
        made["id"].as_str().expect("an id")
    ));
    assert_eq!(bed.client.delete(&path).await.status, 204);
    bed.client
        .post(&at("/packages"), body("two"))
        .await
        .data(201);
}

#[tokio::test]
async fn an_account_sends_so_many_requests_in_a_minute() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start_with(dir.path(), &[("STRATA_PUBNUB_RATE_LIMIT", "20")]);
    let (bed, other) = (Bed::on(&server).await, Bed::on(&server).await);
    let mut refusal = None;
    // A minute may end in between.
    for _ in 0..41 {
        let answer = bed.client.get(&at("/packages")).await;
        if answer.status != 200 {
            refusal = Some(answer);
            break;
        }
    }
    let refusal = refusal.expect("a refusal");
    refused(&refusal, 429, "FAAS-9002");
    let wait: u32 = refusal.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(other.client.get(&at("/packages")).await.status, 200);
}

#[tokio::test]
async fn refused_commands_are_in_the_audit_log() {
    let bed = Bed::new().await;
    let none = bed.limited(&["functions.package:read"]).await;
    let path = at(&format!("/packages/{NOBODY}"));
    refused(&none.delete(&path).await, 403, "FAAS-403");
    let audit = crate::server::until("the audit log", async || {
        let path = format!(
            "/strata/v1/audit?project={}&event=CommandRejected",
            bed.project
        );
        let audit = bed.strata().get(&path).await.json();
        let events = audit["events"].as_array().cloned().unwrap_or_default();
        events
            .into_iter()
            .find(|event| event["payload"].to_string().contains(NOBODY))
    })
    .await;
    assert!(audit.to_string().contains("FAAS-403"), "{audit}");
    assert!(
        audit["actor"]
            .as_str()
            .is_some_and(|actor| actor.starts_with("key:"))
    );
    assert!(!audit.to_string().contains(ROOT_KEY));
}
