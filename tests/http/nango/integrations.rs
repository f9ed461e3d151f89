//! `/integrations` and `/providers`.

use serde_json::{Value, json};

use super::api::{has_members, is_time};
use super::bed::{Bed, Place};
use crate::client::Client;

const NEEDED: [&str; 7] = [
    "unique_key",
    "provider",
    "display_name",
    "logo",
    "forward_webhooks",
    "created_at",
    "updated_at",
];

async fn make(client: &Client, more: Value) -> crate::client::Answer {
    let mut body = json!({
        "provider": "github",
        "unique_key": "one",
        "credentials": {"type": "OAUTH2", "client_id": "client-1", "client_secret": "s3cret-client", "scopes": "repo,user:email"},
    });
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    client.post("/integrations", body).await
}

#[tokio::test]
async fn integrations_are_made_changed_and_deleted() {
    let bed = Bed::shared();
    let (_, client) = bed.project().await;
    assert_eq!(
        client.get("/integrations").await.good(200),
        json!({"data": []})
    );
    let made = make(
        &client,
        json!({"display_name": "Ours", "forward_webhooks": false}),
    )
    .await;
    let shown = made.good(200)["data"].clone();
    has_members(&shown, &NEEDED, &[]);
    assert_eq!(
        (&shown["unique_key"], &shown["provider"]),
        (&json!("one"), &json!("github"))
    );
    assert_eq!(
        (&shown["display_name"], &shown["forward_webhooks"]),
        (&json!("Ours"), &json!(false))
    );
    is_time(&shown["created_at"]);
    is_time(&shown["updated_at"]);
    let before = made.position();
    assert_eq!(
        client.get("/integrations").await.good(200),
        json!({"data": [shown]})
    );
    assert_eq!(
        client.get("/integrations/one").await.good(200),
        json!({"data": shown})
    );

    let changed = client
        .patch("/integrations/one", json!({"display_name": "Theirs"}))
        .await;
    assert_eq!(changed.good(200)["data"]["display_name"], "Theirs");
    assert!(changed.position() > before);
    // The past stays as it was.
    let then = client
        .get(&format!("/integrations/one?as_of={before}"))
        .await
        .good(200);
    assert_eq!(then["data"]["display_name"], "Ours");
    let never = client
        .get(&format!("/integrations/one?as_of={}", before - 1))
        .await;
    never.denied(404, "not_found");
    client
        .get("/integrations/one?as_of=999999999")
        .await
        .denied(400, "invalid_query_params");

    let renamed = client
        .patch("/integrations/one", json!({"unique_key": "two"}))
        .await;
    if renamed.status == 200 {
        client
            .get("/integrations/one")
            .await
            .denied(404, "not_found");
        client
            .patch("/integrations/two", json!({"unique_key": "one"}))
            .await
            .good(200);
    }
    let deleted = client.delete("/integrations/one").await;
    assert_eq!(deleted.good(200), json!({"success": true}));
    client
        .get("/integrations/one")
        .await
        .denied(404, "not_found");
    client
        .patch("/integrations/one", json!({}))
        .await
        .denied(404, "not_found");
    let error = client
        .delete("/integrations/one")
        .await
        .denied(404, "not_found");
    assert_eq!(error["message"], "Integration does not exist");
    let then = client
        .get(&format!("/integrations?as_of={before}"))
        .await
        .good(200);
    assert_eq!(then["data"][0]["unique_key"], "one");
    // The key is free again.
    make(&client, json!({})).await.good(200);
}

#[tokio::test]
async fn more_is_shown_to_those_who_ask() {
    let place = Place::new().await;
    let path = "/integrations/github";
    let plain = place.client.get(path).await.good(200)["data"].clone();
    has_members(&plain, &NEEDED, &[]);
    let hook = place
        .client
        .get(&format!("{path}?include=webhook"))
        .await
        .good(200)["data"]
        .clone();
    assert!(
        hook["webhook_url"]
            .as_str()
            .is_some_and(|url| url.starts_with("http")),
        "{hook}"
    );
    let both = place
        .client
        .get(&format!("{path}?include=webhook&include=credentials"))
        .await
        .good(200)["data"]
        .clone();
    assert_eq!(both["credentials"]["type"], "OAUTH2");
    assert_eq!(both["credentials"]["client_secret"], "client-secret-1");
    assert_eq!(both["webhook_url"], hook["webhook_url"]);
    // Secrets need a scope of their own.
    let reader = place.keyed(&["environment:integrations:read"]).await;
    let shown = reader.get(&format!("{path}?include=credentials")).await;
    assert!(!String::from_utf8_lossy(&shown.bytes).contains("client-secret-1"));
    let knower = place
        .keyed(&["environment:integrations:read_credentials"])
        .await;
    let shown = knower
        .get(&format!("{path}?include=credentials"))
        .await
        .good(200);
    assert_eq!(
        shown["data"]["credentials"]["client_secret"],
        "client-secret-1"
    );
}

#[tokio::test]
async fn integrations_have_rules() {
    let bed = Bed::shared();
    let (_, client) = bed.project().await;
    make(&client, json!({"unique_key": "taken"}))
        .await
        .good(200);
    for (more, entry) in [
        (
            json!({"provider": "nobody"}),
            "invalid_string · Invalid provider · [\"provider\"]",
        ),
        (
            json!({"unique_key": "taken"}),
            "invalid_string · Unique key already exists · [\"uniqueKey\"]",
        ),
    ] {
        make(&client, more).await.wrong(entry);
    }
    for (more, text) in [
        (
            json!({"credentials": {"type": "OAUTH1", "client_id": "x", "client_secret": "x"}}),
            "incompatible credentials auth type and provider auth",
        ),
        (
            json!({"unique_key": "a/b"}),
            "Invalid string: must match pattern /^[a-zA-Z0-9~:.@ _-]+$/",
        ),
        (
            json!({"unique_key": ".."}),
            "Integration id cannot be \".\" or \"..\"",
        ),
        (
            json!({"unique_key": "k".repeat(256)}),
            "Too big: expected string to have <=255 characters",
        ),
        (
            json!({"unique_key": 5}),
            "Invalid input: expected string, received number",
        ),
        (
            json!({"display_name": ""}),
            "Too small: expected string to have >=1 characters",
        ),
        (
            json!({"display_name": "n".repeat(256)}),
            "Too big: expected string to have <=255 characters",
        ),
        (
            json!({"integration_config": {"a": "v".repeat(8193)}}),
            "Too big: expected string to have <=8192 characters",
        ),
        (json!({"stranger": 1}), "Unrecognized key: \"stranger\""),
    ] {
        let entries = make(&client, more.clone()).await.invalid("invalid_body");
        assert!(entries[0].contains(text), "{more}: {entries:?}");
    }
    let body = json!({"provider": "github", "unique_key": "bare"});
    let entries = client
        .post("/integrations", body)
        .await
        .invalid("invalid_body");
    assert!(entries[0].contains("Missing credentials"), "{entries:?}");
    for credentials in [
        json!({"type": "OAUTH2"}),
        json!({"type": "OAUTH2", "client_id": "", "client_secret": "x"}),
        json!({"type": "OAUTH2", "client_id": "x", "client_secret": "x", "scopes": "a b"}),
        json!({"type": "NEW"}),
        json!("x"),
    ] {
        make(&client, json!({"credentials": credentials}))
            .await
            .denied(400, "invalid_body");
    }
    // What needs no client needs no credentials.
    client
        .post(
            "/integrations",
            json!({"provider": "sendgrid", "unique_key": "mail"}),
        )
        .await
        .good(200);
    client
        .get("/integrations/a%2Fb")
        .await
        .denied(400, "invalid_uri_params");
}

#[tokio::test]
async fn integrations_need_their_scopes() {
    let place = Place::new().await;
    let other = place
        .keyed(&["environment:deploy", "environment:functions:*"])
        .await;
    let either = |verb: &str| {
        format!(
            "Insufficient scope. Required one of: environment:integrations:{verb} or environment:integrations:{verb}_credentials"
        )
    };
    let one = |verb: &str| format!("Insufficient scope. Required: environment:integrations:{verb}");
    for (answer, message) in [
        (other.get("/integrations").await, either("list")),
        (other.get("/integrations/github").await, either("read")),
        (other.post("/integrations", json!({})).await, one("create")),
        (
            other.patch("/integrations/github", json!({})).await,
            one("update"),
        ),
        (other.delete("/integrations/github").await, one("delete")),
    ] {
        assert_eq!(answer.denied(403, "forbidden")["message"], message);
    }
    // The catalogue is for everybody with a key.
    other.get("/providers").await.good(200);
    other.get("/providers/github/templates").await.good(200);
    place
        .client
        .with("authorization", "")
        .get("/providers")
        .await
        .denied_with(401, "missing_auth_header", &["payload"]);
}

#[tokio::test]
async fn the_catalogue_can_be_read() {
    let bed = Bed::shared();
    let (_, client) = bed.project().await;
    let all = client.get("/providers").await.good(200);
    let names: Vec<&str> = all["data"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    assert!(names.len() > 50 && names.contains(&"github"), "{names:?}");
    let one = client.get("/providers/github").await.good(200)["data"].clone();
    assert_eq!(
        (&one["name"], &one["auth_mode"]),
        (&json!("github"), &json!("OAUTH2"))
    );
    assert_eq!(client.get("/providers/nobody").await.status, 404);
    // A provider that is not known has no templates.
    assert_eq!(
        client.get("/providers/nobody/templates").await.good(200),
        json!({"data": []})
    );
    let templates = client.get("/providers/slack/templates").await.good(200)["data"].clone();
    let templates = templates.as_array().expect("a list");
    let kinds: Vec<&str> = templates
        .iter()
        .filter_map(|one| one["type"].as_str())
        .collect();
    assert_eq!(kinds, ["action", "sync"]);
    for one in templates {
        let more: &[&str] = if one["type"] == "sync" {
            &["runs", "auto_start", "track_deletes"]
        } else {
            &[]
        };
        let needed = [&["name", "returns", "json_schema", "type"][..], more].concat();
        has_members(one, &needed, &["description", "scopes", "input", "version"]);
        for name in one["returns"].as_array().expect("a list") {
            let name = name.as_str().expect("a text");
            assert!(one["json_schema"]["definitions"][name].is_object(), "{one}");
        }
    }
}
