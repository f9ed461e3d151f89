//! `/connections`, and `/connection` with the same meaning.

use http::Method;
use serde_json::{Value, json};

use super::api::{has_members, is_time, is_uuid};
use super::bed::{self, Place};

const SHOWN: [&str; 14] = [
    "id",
    "connection_id",
    "provider_config_key",
    "provider",
    "errors",
    "end_user",
    "tags",
    "metadata",
    "connection_config",
    "webhook_url_override",
    "created_at",
    "updated_at",
    "last_fetched_at",
    "credentials",
];

fn body(more: Value) -> Value {
    let mut body = json!({"provider_config_key": "github", "credentials": {"type": "OAUTH2", "access_token": "s3cret-token"}});
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

#[tokio::test]
async fn connections_are_made_shown_and_deleted() {
    let place = Place::new().await;
    let client = &place.client;
    let expires = "2099-01-01T00:00:00.000Z";
    let made = client
        .post("/connections", body(json!({
            "connection_id": "a b/c@d", "metadata": {"deep": {"a": [1, null]}}, "tags": {"team": "one"},
            "credentials": {"type": "OAUTH2", "access_token": "s3cret-token", "refresh_token": "s3cret-refresh", "expires_at": expires},
        })))
        .await;
    let shown = made.good(200);
    has_members(&shown, &SHOWN, &[]);
    assert!(shown["id"].is_u64());
    assert_eq!(
        (&shown["errors"], &shown["end_user"], &shown["tags"]),
        (&json!([]), &json!(null), &json!({"team": "one"}))
    );
    assert_eq!(shown["metadata"], json!({"deep": {"a": [1, null]}}));
    for name in ["created_at", "updated_at", "last_fetched_at"] {
        is_time(&shown[name]);
    }
    let path = "/connections/a%20b%2Fc%40d";
    let query = "provider_config_key=github";
    let got = client.get(&format!("{path}?{query}")).await.good(200);
    has_members(&got, &SHOWN, &[]);
    assert_eq!(
        (&got["id"], &got["connection_id"]),
        (&shown["id"], &json!("a b/c@d"))
    );
    assert_eq!(
        (
            &got["credentials"]["type"],
            &got["credentials"]["access_token"]
        ),
        (&json!("OAUTH2"), &json!("s3cret-token"))
    );
    assert_eq!(got["credentials"].get("refresh_token"), None);
    let refresh = client
        .get(&format!("{path}?{query}&refresh_token=true"))
        .await
        .good(200);
    assert_eq!(refresh["credentials"]["refresh_token"], "s3cret-refresh");
    assert_eq!(
        client
            .get(&format!("/connection/a%20b%2Fc%40d?{query}"))
            .await
            .good(200)["id"],
        shown["id"]
    );
    // In the list there are no secrets, and another name of a time.
    let list = client.get("/connections").await;
    assert!(!String::from_utf8_lossy(&list.bytes).contains("s3cret"));
    let list = list.good(200)["connections"].clone();
    assert_eq!(list.as_array().map(Vec::len), Some(2), "{list}");
    for one in list.as_array().expect("a list") {
        is_time(&one["created"]);
        assert!(
            one.get("created_at").is_none() && one.get("credentials").is_none(),
            "{one}"
        );
    }
    let deleted = client.delete(&format!("{path}?{query}")).await;
    assert_eq!(deleted.good(200), json!({"success": true}));
    client
        .get(&format!("{path}?{query}"))
        .await
        .denied(404, "not_found");
    client
        .delete(&format!("{path}?{query}"))
        .await
        .denied(400, "unknown_connection");
    let then = client
        .get(&format!("{path}?{query}&as_of={}", made.position()))
        .await
        .good(200);
    assert_eq!(then["connection_id"], "a b/c@d");
    // Without an id it gets one.
    is_uuid(&client.post("/connections", body(json!({}))).await.good(200)["connection_id"]);
}

#[tokio::test]
async fn a_connection_can_be_made_again() {
    let place = Place::new().await;
    let first = place
        .client
        .post(
            "/connections",
            body(json!({"connection_id": "again", "metadata": {"a": 1}})),
        )
        .await;
    let second = json!({"connection_id": "again", "credentials": {"type": "OAUTH2", "access_token": "other-token"}});
    let again = place
        .client
        .post("/connections", body(second))
        .await
        .good(200);
    assert_eq!(again["id"], first.good(200)["id"]);
    let path = "/connections/again?provider_config_key=github";
    let now = place.client.get(path).await.good(200);
    assert_eq!(now["credentials"]["access_token"], "other-token");
    let then = place
        .client
        .get(&format!("{path}&as_of={}", first.position()))
        .await
        .good(200);
    assert_eq!(
        (&then["credentials"]["access_token"], &then["metadata"]),
        (&json!("s3cret-token"), &json!({"a": 1}))
    );
}

#[tokio::test]
async fn connections_have_rules() {
    let place = Place::new().await;
    let client = &place.client;
    for (more, entry) in [
        (
            json!({"provider_config_key": 1}),
            "invalid_type · Invalid input: expected string, received number · [\"provider_config_key\"]",
        ),
        (
            json!({"connection_id": "a#b"}),
            "invalid_format · Invalid string: must match pattern /^[a-zA-Z0-9,.;:=+~[\\]|@${}\"'\\\\/_ -]+$/ · [\"connection_id\"]",
        ),
        (
            json!({"connection_id": "c".repeat(256)}),
            "too_big · Too big: expected string to have <=255 characters · [\"connection_id\"]",
        ),
        (
            json!({"metadata": []}),
            "invalid_type · Invalid input: expected record, received array · [\"metadata\"]",
        ),
        (
            json!({"stranger": 1}),
            "unrecognized_keys · Unrecognized key: \"stranger\" · []",
        ),
    ] {
        client.post("/connections", body(more)).await.wrong(entry);
    }
    for (kind, message) in [
        ("API_KEY", "Provider OAUTH2 does not support API_KEY auth"),
        ("BASIC", "Provider OAUTH2 does not support BASIC auth"),
    ] {
        let credentials = json!({"type": kind, "apiKey": "x", "username": "x", "password": "x"});
        let entries = client
            .post("/connections", body(json!({"credentials": credentials})))
            .await
            .invalid("invalid_body");
        assert!(entries[0].contains(message), "{entries:?}");
    }
    for credentials in [
        json!({}),
        json!({"type": "OAUTH2"}),
        json!({"type": "OAUTH2", "access_token": 5}),
        json!("x"),
        json!(null),
    ] {
        client
            .post("/connections", body(json!({"credentials": credentials})))
            .await
            .denied(400, "invalid_body");
    }
    client
        .post(
            "/connections",
            body(json!({"provider_config_key": "nobody"})),
        )
        .await
        .denied(404, "not_found");
    client
        .get("/connections/conn-1")
        .await
        .denied(400, "invalid_query_params");
    client
        .get("/connections/conn-1?provider_config_key=nobody")
        .await
        .denied(404, "not_found");
    client
        .get("/connections/nobody?provider_config_key=github")
        .await
        .denied(404, "not_found");
    client
        .get("/connections/a%23b?provider_config_key=github")
        .await
        .denied(400, "invalid_uri_params");
}

#[tokio::test]
async fn every_kind_of_credentials_is_kept() {
    let place = Place::new().await;
    for provider in ["sendgrid", "twilio", "unauthenticated"] {
        bed::integrate(&place.client, provider, provider)
            .await
            .good(200);
        let known = place
            .client
            .get(&format!("/providers/{provider}"))
            .await
            .good(200);
        let mode = known["data"]["auth_mode"].as_str().expect("a mode");
        let sent = bed::credentials(mode);
        let config = json!({"standin": place.standin.port.to_string(), "accountSid": "AC1"});
        let config = if provider == "twilio" {
            config
        } else {
            json!({"standin": place.standin.port.to_string()})
        };
        let body = json!({"provider_config_key": provider, "connection_id": "c", "credentials": sent, "connection_config": config});
        place.client.post("/connections", body).await.good(200);
        let path = format!("/connections/c?provider_config_key={provider}");
        let shown = place.client.get(&path).await.good(200)["credentials"].clone();
        for (name, value) in sent.as_object().expect("an object") {
            assert_eq!(shown[name], *value, "{provider}: {shown}");
        }
    }
}

/// Keys and passwords are tried out, where the catalogue says how.
#[tokio::test]
async fn credentials_that_the_provider_refuses_are_refused() {
    let place = Place::new().await;
    bed::integrate(&place.client, "twilio", "twilio")
        .await
        .good(200);
    let exchange = json!({"method": "GET", "path": "/never", "reply": {"status": 401}});
    // Nothing fits, so that whatever comes is refused.
    place.standin.expect(&[exchange], false);
    let body = json!({"provider_config_key": "twilio", "connection_id": "c", "credentials": bed::credentials("BASIC"), "connection_config": {"standin": place.standin.port.to_string(), "accountSid": "AC1"}});
    place
        .client
        .post("/connections", body)
        .await
        .denied(400, "connection_test_failed");
    assert_eq!(place.standin.calls().len(), 1);
}

#[tokio::test]
async fn metadata_is_replaced_and_merged() {
    let place = Place::new().await;
    place.connect("conn-2").await;
    let client = &place.client;
    let path = "/connections/metadata";
    let body = json!({"connection_id": "conn-1", "provider_config_key": "github", "metadata": {"a": {"x": 1}, "b": 2}});
    let set = client.post(path, body.clone()).await;
    assert_eq!(set.good(201), body);
    let body = json!({"connection_id": ["conn-1", "conn-2"], "provider_config_key": "github", "metadata": {"a": {"y": 1}}});
    let merged = client.patch("/connection/metadata", body.clone()).await;
    assert_eq!(merged.good(200), body);
    let of = async |id: &str, query: &str| {
        client
            .get(&format!(
                "/connections/{id}?provider_config_key=github{query}"
            ))
            .await
            .good(200)["metadata"]
            .clone()
    };
    assert_eq!(of("conn-1", "").await, json!({"a": {"y": 1}, "b": 2}));
    assert_eq!(of("conn-2", "").await, json!({"a": {"y": 1}}));
    assert_eq!(
        of("conn-1", &format!("&as_of={}", set.position())).await,
        json!({"a": {"x": 1}, "b": 2})
    );
    let set = json!({"connection_id": "conn-1", "provider_config_key": "github", "metadata": {}});
    client.post(path, set).await.good(201);
    assert_eq!(of("conn-1", "").await, json!({}));
    for method in [Method::POST, Method::PATCH] {
        let body =
            json!({"connection_id": "nobody", "provider_config_key": "github", "metadata": {}});
        let answer = client.ask(method.clone(), path).json(body).await;
        answer.denied(404, "unknown_connection");
        for wrong in [
            json!({}),
            json!({"connection_id": 5, "provider_config_key": "github", "metadata": {}}),
            json!({"connection_id": "conn-1", "provider_config_key": "github", "metadata": "x"}),
            json!({"connection_id": "conn-1", "provider_config_key": "github", "metadata": {}, "x": 1}),
        ] {
            client
                .ask(method.clone(), path)
                .json(wrong)
                .await
                .denied(400, "invalid_body");
        }
    }
}

#[tokio::test]
async fn connections_need_their_scopes() {
    let place = Place::new().await;
    let other = place.keyed(&["environment:integrations:*"]).await;
    let query = "?provider_config_key=github";
    for answer in [
        other.get("/connections").await,
        other.get(&format!("/connections/conn-1{query}")).await,
        other.post("/connections", json!({})).await,
        other.post("/connections/metadata", json!({})).await,
        other.delete(&format!("/connections/conn-1{query}")).await,
    ] {
        answer.denied(403, "forbidden");
    }
    let reader = place.keyed(&["environment:connections:read"]).await;
    let shown = reader
        .get(&format!("/connections/conn-1{query}"))
        .await
        .good(200);
    assert_eq!(shown["credentials"], json!({}));
    let knower = place
        .keyed(&["environment:connections:read_credentials"])
        .await;
    let shown = knower
        .get(&format!("/connections/conn-1{query}"))
        .await
        .good(200);
    assert_eq!(shown["credentials"]["access_token"], "s3cret-token");
}

/// A token that has run out is renewed at the provider, once for all who wait.
#[tokio::test]
async fn a_connection_whose_token_cannot_be_renewed_says_so() {
    let place = Place::new().await;
    let credentials = json!({"type": "OAUTH2", "access_token": "old", "refresh_token": "r-1", "expires_at": "2020-01-01T00:00:00.000Z"});
    let config = json!({"standin": "1"});
    let made = place.client.post("/connections", body(json!({"connection_id": "old", "credentials": credentials, "connection_config": config}))).await;
    made.good(200);
    let answer = place
        .client
        .get("/connections/old?provider_config_key=github")
        .await;
    answer.denied_with(424, "invalid_credentials", &["payload"]);
}
