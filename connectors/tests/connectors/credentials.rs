//! Credentials: what is read, what is shown, when they end.

use std::time::Duration;

use connectors::{Catalogue, Client, Credentials};
use serde_json::{Value, json};

use crate::fake::now;

fn parse(provider: &str, value: &Value) -> Result<Credentials, Vec<Value>> {
    let catalogue = Catalogue::built_in();
    Credentials::parse(value, catalogue.get(provider).unwrap()).map_err(|issues| {
        issues
            .iter()
            .map(|issue| issue.to_json(&["credentials"]))
            .collect()
    })
}

/// What `POST /connections` takes is what `GET /connections/{id}` shows, and reads again.
#[test]
fn what_is_given_is_shown() {
    let cases = [
        (
            "hubspot",
            json!({"type": "OAUTH2", "access_token": "a"}),
            json!({"raw": {}}),
        ),
        (
            "hubspot",
            json!({"type": "OAUTH2", "access_token": "a", "refresh_token": "r", "expires_at": "2026-01-02T05:04:05+01:00", "raw": {"x": 1}}),
            json!({"expires_at": "2026-01-02T04:04:05.000Z"}),
        ),
        (
            "hubspot",
            json!({"type": "OAUTH2", "access_token": "a", "expires_at": 1_767_323_045_123_i64}),
            json!({"expires_at": "2026-01-02T03:04:05.123Z", "raw": {}}),
        ),
        (
            "paypal",
            json!({"type": "OAUTH2_CC", "token": "t", "client_id": "c", "client_secret": "s"}),
            json!({"raw": {}}),
        ),
        (
            "trello",
            json!({"type": "OAUTH1", "oauth_token": "t", "oauth_token_secret": "s"}),
            json!({"raw": {}}),
        ),
        (
            "openai",
            json!({"type": "API_KEY", "apiKey": "k"}),
            json!({}),
        ),
        (
            "twilio",
            json!({"type": "BASIC", "username": "u", "password": ""}),
            json!({}),
        ),
        (
            "greenhouse",
            json!({"type": "BASIC", "username": "u"}),
            json!({"password": ""}),
        ),
        (
            "freshdesk",
            json!({"type": "BASIC", "username": "u"}),
            json!({"password": "X"}),
        ),
        (
            "netsuite-tba",
            json!({"type": "TBA", "token_id": "t", "token_secret": "s", "config_override": {"client_id": "c", "client_secret": "d"}}),
            json!({}),
        ),
        (
            "github-app",
            json!({"type": "APP", "app_id": 1, "installation_id": "2"}),
            json!({"app_id": "1", "raw": {}}),
        ),
        (
            "github-app-oauth",
            json!({"type": "CUSTOM", "app_id": "1", "installation_id": "2"}),
            json!({"raw": {}}),
        ),
        ("unauthenticated", json!({"type": "NONE"}), json!({})),
        (
            "docker-hub",
            json!({"type": "TWO_STEP", "username": "u", "password": "p"}),
            json!({"raw": {}}),
        ),
        (
            "ghost-admin",
            json!({"type": "JWT", "id": "0a", "secret": "ff"}),
            json!({"raw": {}}),
        ),
        (
            "emarsys",
            json!({"type": "SIGNATURE", "username": "u", "password": "p"}),
            json!({}),
        ),
        (
            "aws",
            json!({"type": "AWS_SIGV4", "access_key_id": "a", "secret_access_key": "s"}),
            json!({}),
        ),
        (
            "bill",
            json!({"type": "BILL", "username": "u", "password": "p", "organization_id": "o", "dev_key": "d"}),
            json!({"raw": {}}),
        ),
    ];
    for (provider, given, added) in cases {
        let credentials = parse(provider, &given).unwrap_or_else(|e| panic!("{given}: {e:?}"));
        let mut expected = given;
        for (name, value) in added.as_object().unwrap() {
            expected[name] = value.clone();
        }
        assert_eq!(credentials.to_json(), expected);
        let again: Credentials = serde_json::from_value(expected).unwrap();
        assert_eq!(again, credentials);
        assert_eq!(credentials.mode().name(), credentials.to_json()["type"]);
    }
}

#[test]
fn what_is_wrong_is_told_field_by_field() {
    let entry = |code: &str, message: &str, path: &[&str]| {
        let mut whole = vec!["credentials"];
        whole.extend(path);
        json!({"code": code, "message": message, "path": whole})
    };
    let missing = "Invalid input: expected string, received undefined";
    let cases = [
        (
            "openai",
            json!(5),
            vec![entry(
                "invalid_type",
                "Invalid input: expected object, received number",
                &[],
            )],
        ),
        (
            "openai",
            json!({"apiKey": "k"}),
            vec![entry("invalid_type", missing, &["type"])],
        ),
        (
            "openai",
            json!({"type": "KEY"}),
            vec![entry("invalid_union", "Invalid input", &["type"])],
        ),
        (
            "openai",
            json!({"type": "BASIC", "username": "u", "password": "p"}),
            vec![entry(
                "custom",
                "Provider API_KEY does not support BASIC auth",
                &["type"],
            )],
        ),
        (
            "openai",
            json!({"type": "API_KEY"}),
            vec![entry("invalid_type", missing, &["apiKey"])],
        ),
        (
            "openai",
            json!({"type": "API_KEY", "apiKey": ""}),
            vec![entry(
                "too_small",
                "Too small: expected string to have >=1 characters",
                &["apiKey"],
            )],
        ),
        (
            "openai",
            json!({"type": "API_KEY", "apiKey": "x".repeat(20_000)}),
            vec![entry(
                "too_big",
                "Too big: expected string to have <=16384 characters",
                &["apiKey"],
            )],
        ),
        (
            "stripe-api-key",
            json!({"type": "API_KEY", "apiKey": "pk_1"}),
            vec![entry(
                "invalid_format",
                "Invalid string: must match pattern /^(sk|rk)_/",
                &["apiKey"],
            )],
        ),
        (
            "twilio",
            json!({"type": "BASIC", "username": 5, "extra": 1, "more": 2}),
            vec![
                entry(
                    "invalid_type",
                    "Invalid input: expected string, received number",
                    &["username"],
                ),
                entry("invalid_type", missing, &["password"]),
                entry(
                    "unrecognized_keys",
                    "Unrecognized keys: \"extra\", \"more\"",
                    &[],
                ),
            ],
        ),
        (
            "hubspot",
            json!({"type": "OAUTH2", "access_token": "a", "expires_at": "soon"}),
            vec![entry(
                "invalid_type",
                "Invalid input: expected date, received Invalid Date",
                &["expires_at"],
            )],
        ),
        (
            "netsuite-tba",
            json!({"type": "TBA", "token_id": "t", "token_secret": "s", "config_override": {"client_id": "c"}}),
            vec![entry(
                "invalid_type",
                missing,
                &["config_override", "client_secret"],
            )],
        ),
        (
            "ghost-admin",
            json!({"type": "JWT", "id": "zz"}),
            vec![
                entry(
                    "invalid_format",
                    "Invalid string: must match pattern /^[0-9a-f]+$/",
                    &["id"],
                ),
                entry("invalid_type", missing, &["secret"]),
            ],
        ),
    ];
    for (provider, given, expected) in cases {
        assert_eq!(parse(provider, &given).unwrap_err(), expected, "{given}");
    }
}

#[test]
fn get_token_gives_what_the_mode_has() {
    let token = |value: Value| {
        serde_json::from_value::<Credentials>(value)
            .unwrap()
            .token_json()
    };
    assert_eq!(
        token(json!({"type": "OAUTH2", "access_token": "a"})),
        json!("a")
    );
    assert_eq!(
        token(json!({"type": "OAUTH1", "oauth_token": "t", "oauth_token_secret": "s"})),
        json!({"oAuthToken": "t", "oAuthTokenSecret": "s"})
    );
    let key = json!({"type": "API_KEY", "apiKey": "k"});
    assert_eq!(token(key.clone()), key);
}

#[test]
fn tokens_are_renewed_in_time() {
    // Minutes to the end, minutes before it, whether to renew, whether it is over.
    let cases = [
        (
            json!({"type": "OAUTH2", "access_token": "a", "refresh_token": "r"}),
            Some(16),
            15,
            false,
            false,
        ),
        (
            json!({"type": "OAUTH2", "access_token": "a", "refresh_token": "r"}),
            Some(15),
            15,
            true,
            false,
        ),
        (
            json!({"type": "OAUTH2", "access_token": "a", "refresh_token": "r"}),
            Some(0),
            0,
            true,
            true,
        ),
        (
            json!({"type": "OAUTH2", "access_token": "a", "refresh_token": "r"}),
            None,
            15,
            false,
            false,
        ),
        (
            json!({"type": "OAUTH2", "access_token": "a"}),
            Some(-5),
            15,
            false,
            true,
        ),
        (
            json!({"type": "TWO_STEP", "username": "u"}),
            None,
            15,
            true,
            false,
        ),
        (
            json!({"type": "TWO_STEP", "username": "u", "token": "t"}),
            Some(60),
            15,
            false,
            false,
        ),
        (
            json!({"type": "JWT", "token": "t"}),
            Some(1),
            15,
            true,
            false,
        ),
        (
            json!({"type": "APP", "app_id": "1", "installation_id": "2"}),
            None,
            15,
            true,
            false,
        ),
        (
            json!({"type": "API_KEY", "apiKey": "k"}),
            None,
            15,
            false,
            false,
        ),
        (
            json!({"type": "AWS_SIGV4", "access_key_id": "a", "secret_access_key": "s"}),
            Some(-1),
            15,
            false,
            true,
        ),
    ];
    for (mut value, end, before, needed, over) in cases {
        if let Some(end) = end {
            let end = now() + jiff::SignedDuration::from_mins(end);
            value["expires_at"] = end.to_string().into();
        }
        let credentials: Credentials = serde_json::from_value(value.clone()).unwrap();
        let before = Duration::from_secs(before * 60);
        assert_eq!(credentials.refresh_needed(now(), before), needed, "{value}");
        assert_eq!(credentials.expired(now()), over, "{value}");
    }
    let catalogue = Catalogue::built_in();
    let before = |name: &str| catalogue.get(name).unwrap().refresh_before().as_secs();
    assert_eq!((before("hubspot"), before("ghost-admin")), (900, 30));
}

#[test]
fn clients_of_integrations_are_checked() {
    let catalogue = Catalogue::built_in();
    let parse = |provider: &str, value: Value| {
        let parsed = Client::parse(&value, catalogue.get(provider).unwrap());
        parsed.map_err(|issues| issues.into_iter().map(|i| i.message).collect::<Vec<_>>())
    };
    let given =
        json!({"type": "OAUTH2", "client_id": "c", "client_secret": "s", "scopes": "a:b,c/d.e*"});
    let client = parse("slack", given.clone()).unwrap();
    assert_eq!(serde_json::to_value(client).unwrap(), given);
    assert_eq!(
        parse("openai", given).unwrap_err(),
        ["incompatible credentials auth type and provider auth"]
    );
    assert_eq!(
        parse(
            "slack",
            json!({"type": "OAUTH2", "client_id": "", "scopes": "a b", "x": 1})
        )
        .unwrap_err(),
        [
            "Too small: expected string to have >=1 characters",
            "Invalid input: expected string, received undefined",
            "Invalid string: must match pattern /^[0-9a-zA-Z:/_.*-]+(,[0-9a-zA-Z:/_.*-]+)*$/",
            "Unrecognized key: \"x\"",
        ]
    );
    assert_eq!(
        parse(
            "github-app",
            json!({"type": "APP", "app_id": "1", "app_link": "l", "private_key": "k"})
        )
        .unwrap_err(),
        ["must be a PEM private key"]
    );
}
