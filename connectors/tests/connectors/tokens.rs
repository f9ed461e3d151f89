//! Token requests, and what is made of the answers.

use connectors::token::{self, Error};
use connectors::{Catalogue, Client, Credentials, Failure, Fresh, Request, Target};
use serde_json::{Value, json};

use crate::fake::{Answers, answer, now, object};

/// A connection that is to be renewed.
pub(crate) struct Setup {
    pub(crate) provider: &'static str,
    pub(crate) credentials: Value,
    pub(crate) config: Value,
    pub(crate) client: Option<Value>,
}

impl Setup {
    pub(crate) fn new(provider: &'static str, credentials: Value) -> Self {
        Self {
            provider,
            credentials,
            config: Value::Null,
            client: Some(json!({"type": "OAUTH2", "client_id": "cid", "client_secret": "csec"})),
        }
    }

    pub(crate) async fn refresh(self, transport: &Answers) -> Result<Fresh, Error> {
        let catalogue = Catalogue::built_in()
            .with_file(crate::signed::APPLE)
            .unwrap();
        let credentials: Credentials = serde_json::from_value(self.credentials).unwrap();
        let config = object(self.config);
        let client: Option<Client> = self.client.map(|c| serde_json::from_value(c).unwrap());
        let target = Target {
            provider: catalogue.get(self.provider).unwrap(),
            credentials: &credentials,
            connection_config: &config,
            metadata: None,
            client: client.as_ref(),
            user_agent: "strata",
        };
        token::refresh(transport, &target, now()).await
    }
}

fn body(request: &Request) -> &str {
    std::str::from_utf8(request.body.as_deref().unwrap()).unwrap()
}

pub(crate) fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request
        .headers
        .get(name)
        .map(|value| value.to_str().unwrap())
}

pub(crate) fn only(transport: &Answers) -> Request {
    let [request] = <[Request; 1]>::try_from(transport.requests()).unwrap();
    request
}

#[tokio::test]
async fn oauth2_is_renewed_with_the_client_in_the_body() {
    let transport = Answers::new([Ok(answer(
        200,
        &[],
        r#"{"access_token":"new","expires_in":"1800","scope":"x"}"#,
    ))]);
    let old =
        json!({"type": "OAUTH2", "access_token": "old", "refresh_token": "r t", "raw": {"y": 1}});
    let fresh = Setup::new("hubspot", old)
        .refresh(&transport)
        .await
        .unwrap();
    assert_eq!(
        fresh.credentials.to_json(),
        json!({
            "type": "OAUTH2", "access_token": "new", "refresh_token": "r t",
            "expires_at": "2026-01-02T03:34:05.000Z",
            "raw": {"access_token": "new", "expires_in": "1800", "scope": "x"},
        })
    );
    let request = only(&transport);
    assert_eq!(
        (request.method.as_str(), request.url.as_str()),
        ("POST", "https://api.hubapi.com/oauth/v1/token")
    );
    assert_eq!(
        header(&request, "content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(header(&request, "authorization"), None);
    assert_eq!(
        body(&request),
        "client_id=cid&client_secret=csec&grant_type=refresh_token&refresh_token=r+t"
    );
}

#[tokio::test]
async fn oauth2_is_renewed_with_basic_and_json() {
    let transport = Answers::new([Ok(answer(
        200,
        &[],
        r#"{"access_token":"new","refresh_token":"next"}"#,
    ))]);
    let old = json!({"type": "OAUTH2", "access_token": "old", "refresh_token": "r"});
    let fresh = Setup::new("notion", old).refresh(&transport).await.unwrap();
    assert_eq!(fresh.credentials.to_json()["refresh_token"], "next");
    assert_eq!(fresh.credentials.expires_at(), None);
    let request = only(&transport);
    assert_eq!(
        header(&request, "authorization"),
        Some("Basic Y2lkOmNzZWM=")
    );
    assert_eq!(header(&request, "content-type"), Some("application/json"));
    assert_eq!(
        body(&request),
        r#"{"grant_type":"refresh_token","refresh_token":"r"}"#
    );
}

#[tokio::test]
async fn an_answer_may_change_the_configuration() {
    let answers = r#"{"access_token":"new","instance_url":"https://acme.my.salesforce.com"}"#;
    let transport = Answers::new([Ok(answer(200, &[], answers))]);
    let old = json!({"type": "OAUTH2", "access_token": "old", "refresh_token": "r"});
    let mut setup = Setup::new("salesforce", old);
    setup.config = json!({"hostname": "test.salesforce.com"});
    let fresh = setup.refresh(&transport).await.unwrap();
    assert_eq!(
        Value::Object(fresh.connection_config),
        json!({"instance_url": "https://acme.my.salesforce.com"})
    );
    // The provider names no life time; the catalogue does.
    assert_eq!(
        fresh.credentials.expires_at(),
        Some("2026-01-02T05:04:05Z".parse().unwrap())
    );
    assert_eq!(
        only(&transport).url.as_str(),
        "https://test.salesforce.com/services/oauth2/token"
    );
}

#[tokio::test]
async fn client_credentials_get_a_token() {
    let transport = Answers::new([Ok(answer(
        200,
        &[],
        r#"{"access_token":"new","expires_in":3600}"#,
    ))]);
    let old = json!({"type": "OAUTH2_CC", "client_id": "c", "client_secret": "s", "scopes": "a,b"});
    let mut setup = Setup::new("zoom-server-to-server", old);
    setup.config = json!({"accountId": "acc"});
    setup.client = None;
    let fresh = setup.refresh(&transport).await.unwrap();
    let shown = fresh.credentials.to_json();
    assert_eq!(
        (&shown["token"], &shown["client_id"]),
        (&json!("new"), &json!("c"))
    );
    assert_eq!(shown["expires_at"], "2026-01-02T04:04:05.000Z");
    let request = only(&transport);
    assert_eq!(header(&request, "authorization"), Some("Basic Yzpz"));
    assert_eq!(
        body(&request),
        "account_id=acc&grant_type=account_credentials&scope=a+b"
    );
}

#[tokio::test]
async fn two_steps_and_bill_exchange_their_fields() {
    let transport = Answers::new([Ok(answer(200, &[], r#"{"access_token":"new"}"#))]);
    let old = json!({"type": "TWO_STEP", "username": "u", "password": "p"});
    let fresh = Setup::new("docker-hub", old)
        .refresh(&transport)
        .await
        .unwrap();
    let shown = fresh.credentials.to_json();
    assert_eq!(
        (&shown["type"], &shown["token"], &shown["password"]),
        (&json!("TWO_STEP"), &json!("new"), &json!("p"))
    );
    assert_eq!(shown["expires_at"], "2026-01-02T03:14:05.000Z");
    let request = only(&transport);
    assert_eq!(request.url.as_str(), "https://hub.docker.com/v2/auth/token");
    assert_eq!(body(&request), r#"{"identifier":"u","secret":"p"}"#);

    let transport = Answers::new([Ok(answer(200, &[], r#"{"sessionId":"sess"}"#))]);
    let old = json!({"type": "BILL", "username": "u", "password": "p", "organization_id": "o", "dev_key": "d"});
    let fresh = Setup::new("bill", old).refresh(&transport).await.unwrap();
    assert_eq!(fresh.credentials.to_json()["type"], "BILL");
    assert_eq!(fresh.credentials.access_token().unwrap().reveal(), "sess");
    assert_eq!(
        body(&only(&transport)),
        r#"{"devKey":"d","organizationId":"o","password":"p","username":"u"}"#
    );
}

/// What a provider answers, and whether the user has to connect again.
#[tokio::test]
async fn refusals_tell_whose_fault_it_is() {
    let cases = [
        (
            400,
            r#"{"error":"invalid_grant","error_description":"Token has been revoked."}"#,
            true,
            "the provider refused with status 400: invalid_grant: Token has been revoked.",
        ),
        (
            200,
            r#"{"ok":false,"error":"invalid_refresh_token"}"#,
            true,
            "the provider refused with status 200: invalid_refresh_token",
        ),
        (
            401,
            r#"{"error":{"code":7,"message":"no"}}"#,
            true,
            "the provider refused with status 401: 7: no",
        ),
        (403, "<html>", true, "the provider refused with status 403"),
        (429, "", false, "the provider refused with status 429"),
        (503, "down", false, "the provider refused with status 503"),
        (
            200,
            r#"{"hello":1}"#,
            false,
            "the answer of the provider has no `access_token`",
        ),
    ];
    for (status, text, blamed, message) in cases {
        let transport = Answers::new([Ok(answer(status, &[], text))]);
        let old = json!({"type": "OAUTH2", "access_token": "old", "refresh_token": "r"});
        let error = Setup::new("hubspot", old)
            .refresh(&transport)
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(error.is_invalid_credentials(), blamed, "{message}");
    }
}

#[tokio::test]
async fn what_is_missing_is_told_before_anybody_is_asked() {
    let oauth2 = |extra: Value| {
        let mut value = json!({"type": "OAUTH2", "access_token": "old"});
        value.as_object_mut().unwrap().extend(object(extra));
        value
    };
    let nobody = Answers::default();
    let error = Setup::new("hubspot", oauth2(json!({})))
        .refresh(&nobody)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NoRefreshToken) && error.is_invalid_credentials());

    let mut setup = Setup::new("hubspot", oauth2(json!({"refresh_token": "r"})));
    setup.client = None;
    let error = setup.refresh(&nobody).await.unwrap_err();
    assert!(
        matches!(error, Error::Missing { .. }) && !error.is_invalid_credentials(),
        "{error}"
    );

    let setup = Setup::new("zendesk", oauth2(json!({"refresh_token": "r"})));
    let error = setup.refresh(&nobody).await.unwrap_err();
    assert!(matches!(error, Error::Unresolved(_)), "{error}");

    let setup = Setup::new("openai", json!({"type": "API_KEY", "apiKey": "k"}));
    let error = setup.refresh(&nobody).await.unwrap_err();
    assert!(matches!(error, Error::NotRefreshable(_)), "{error}");

    let app = json!({"type": "APP", "app_id": "1", "installation_id": "2"});
    let mut setup = Setup::new("github-app", app);
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    setup.client = Some(json!({"type": "APP", "app_id": "1", "app_link": "l", "private_key": key}));
    let error = setup.refresh(&nobody).await.unwrap_err();
    assert!(
        matches!(error, Error::Key(_)) && !format!("{error:?}").contains("AAAA"),
        "{error:?}"
    );
    assert!(nobody.requests().is_empty());

    let transport = Answers::new([Err(Failure::TimedOut)]);
    let setup = Setup::new("hubspot", oauth2(json!({"refresh_token": "r"})));
    let error = setup.refresh(&transport).await.unwrap_err();
    assert!(
        matches!(error, Error::Transport(Failure::TimedOut)) && !error.is_invalid_credentials()
    );
}

#[test]
fn keys_and_passwords_can_be_verified() {
    let catalogue = Catalogue::built_in();
    let config = object(Value::Null);
    let call = |provider: &str, credentials: Value| {
        let credentials: Credentials = serde_json::from_value(credentials).unwrap();
        let target = Target {
            provider: catalogue.get(provider).unwrap(),
            credentials: &credentials,
            connection_config: &config,
            metadata: None,
            client: None,
            user_agent: "strata",
        };
        let call = token::verification(&target).unwrap()?;
        Some((call.method.0.to_string(), call.endpoint))
    };
    assert_eq!(
        call("openai", json!({"type": "API_KEY", "apiKey": "k"})),
        Some(("GET".to_owned(), "/v1/models".to_owned()))
    );
    assert_eq!(
        call(
            "lever-basic",
            json!({"type": "BASIC", "username": "u", "password": ""})
        ),
        Some(("GET".to_owned(), "/v1/users?limit=1".to_owned()))
    );
    assert_eq!(
        call("mailchimp", json!({"type": "OAUTH2", "access_token": "a"})),
        None
    );
}
