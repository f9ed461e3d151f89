//! Token requests, and what is made of the answers.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use connectors::token::{self, Error};
use connectors::{Catalogue, Client, Credentials, Failure, Fresh, Request, Target};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use rustls_pki_types::PrivatePkcs1KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use crate::fake::{Answers, answer, now, object};

/// One key in both forms, made for these tests and used nowhere else.
const PKCS1: &str = include_str!("rsa-pkcs1.pem");
const PKCS8: &str = include_str!("rsa-pkcs8.pem");

struct Setup {
    provider: &'static str,
    credentials: Value,
    config: Value,
    client: Option<Value>,
}

impl Setup {
    fn new(provider: &'static str, credentials: Value) -> Self {
        Self {
            provider,
            credentials,
            config: Value::Null,
            client: Some(json!({"type": "OAUTH2", "client_id": "cid", "client_secret": "csec"})),
        }
    }

    async fn refresh(self, transport: &Answers) -> Result<Fresh, Error> {
        let catalogue = Catalogue::built_in().with_file(APPLE).unwrap();
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

/// An API in the manner of App Store Connect.
const APPLE: &str = "
apple:
  auth_mode: JWT
  credentials:
    key_id: {type: string}
    issuer_id: {type: string}
    private_key: {type: string}
  token:
    algorithm: ES256
    signing_key: ${credentials.private_key}
    expires_in_ms: 600000
    headers: {kid: '${credentials.key_id}'}
    payload: {iss: '${credentials.issuer_id}', aud: appstoreconnect-v1}
  proxy: {base_url: 'https://api.appstoreconnect.apple.com'}
";

fn body(request: &Request) -> &str {
    std::str::from_utf8(request.body.as_deref().unwrap()).unwrap()
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request
        .headers
        .get(name)
        .map(|value| value.to_str().unwrap())
}

fn only(transport: &Answers) -> Request {
    let [request] = <[Request; 1]>::try_from(transport.requests()).unwrap();
    request
}

/// Header and claims of a token whose signature `check` accepts.
fn read(token: &str, check: impl Fn(&[u8], &[u8]) -> bool) -> (Value, Value) {
    let (message, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    assert!(check(message.as_bytes(), &signature), "the signature");
    let (head, claims) = message.split_once('.').unwrap();
    let part = |text: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap();
    (part(head), part(claims))
}

fn rsa(message: &[u8], signature: &[u8]) -> bool {
    let der = PrivatePkcs1KeyDer::from_pem_slice(PKCS1.as_bytes()).unwrap();
    let key = RsaKeyPair::from_der(der.secret_pkcs1_der()).unwrap();
    let key = UnparsedPublicKey::new(
        &RSA_PKCS1_2048_8192_SHA256,
        key.public_key().as_ref().to_vec(),
    );
    key.verify(message, signature).is_ok()
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

#[tokio::test]
async fn a_jwt_is_signed_without_asking_anybody() {
    let transport = Answers::default();
    let old = json!({"type": "JWT", "id": "5f", "secret": "00ff10"});
    let mut setup = Setup::new("ghost-admin", old);
    setup.config = json!({"adminDomain": "acme.ghost.io"});
    let fresh = setup.refresh(&transport).await.unwrap();
    let token = fresh
        .credentials
        .access_token()
        .unwrap()
        .reveal()
        .to_owned();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &[0, 0xff, 0x10]);
    let (head, claims) = read(&token, |m, s| ring::hmac::verify(&key, m, s).is_ok());
    assert_eq!(head, json!({"alg": "HS256", "typ": "JWT", "kid": "5f"}));
    assert_eq!(
        claims,
        json!({"iat": 1_767_323_045, "exp": 1_767_323_345, "aud": "/admin/"})
    );
    assert_eq!(
        fresh.credentials.expires_at(),
        Some("2026-01-02T03:09:05Z".parse().unwrap())
    );
}

#[tokio::test]
async fn a_jwt_is_exchanged_where_there_is_a_token_url() {
    let transport = Answers::new([Ok(answer(
        200,
        &[],
        r#"{"access_token":"ya29","expires_in":3599}"#,
    ))]);
    // As it stands in a key file that was pasted with its escapes.
    let key = PKCS8.replace('\n', "\\n");
    let old = json!({"type": "JWT", "client_email": "a@b.test", "private_key_id": "k1", "private_key": key});
    let mut setup = Setup::new("google-service-account", old);
    setup.config = json!({"scopes": "drive calendar"});
    let fresh = setup.refresh(&transport).await.unwrap();
    assert_eq!(fresh.credentials.access_token().unwrap().reveal(), "ya29");
    assert_eq!(fresh.credentials.to_json()["client_email"], "a@b.test");
    let request = only(&transport);
    assert_eq!(request.url.as_str(), "https://oauth2.googleapis.com/token");
    let fields: std::collections::BTreeMap<_, _> =
        url::form_urlencoded::parse(request.body.as_deref().unwrap())
            .into_owned()
            .collect();
    assert_eq!(
        fields["grant_type"],
        "urn:ietf:params:oauth:grant-type:jwt-bearer"
    );
    let (head, claims) = read(&fields["assertion"], rsa);
    assert_eq!(head["kid"], "k1");
    assert_eq!(
        claims,
        json!({
            "iss": "a@b.test", "scope": "drive calendar", "aud": "https://oauth2.googleapis.com/token",
            "iat": 1_767_323_045, "exp": 1_767_326_645,
        })
    );
}

#[tokio::test]
async fn a_jwt_may_be_signed_on_a_curve() {
    let rng = ring::rand::SystemRandom::new();
    let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng).unwrap();
    let pair =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref(), &rng).unwrap();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(&der)
    );
    let old = json!({"type": "JWT", "key_id": "k", "issuer_id": "i", "private_key": pem});
    let fresh = Setup::new("apple", old)
        .refresh(&Answers::default())
        .await
        .unwrap();
    let public = UnparsedPublicKey::new(
        &ECDSA_P256_SHA256_FIXED,
        pair.public_key().as_ref().to_vec(),
    );
    let token = fresh
        .credentials
        .access_token()
        .unwrap()
        .reveal()
        .to_owned();
    let (head, claims) = read(&token, |m, s| public.verify(m, s).is_ok());
    assert_eq!(
        (&head["alg"], &claims["iss"]),
        (&json!("ES256"), &json!("i"))
    );
}

#[tokio::test]
async fn an_app_gets_the_token_of_an_installation() {
    for (mode, provider) in [("APP", "github-app"), ("CUSTOM", "github-app-oauth")] {
        let transport = Answers::new([Ok(answer(
            201,
            &[],
            r#"{"token":"ghs","expires_at":"2026-01-02T04:04:05Z","permissions":{}}"#,
        ))]);
        let old = json!({"type": mode, "app_id": "12", "installation_id": "34"});
        let mut setup = Setup::new(provider, old);
        let mut client =
            json!({"type": mode, "app_id": "12", "app_link": "l", "private_key": PKCS1});
        if mode == "CUSTOM" {
            client["client_id"] = "c".into();
            client["client_secret"] = "s".into();
        }
        setup.client = Some(client);
        let fresh = setup.refresh(&transport).await.unwrap();
        let shown = fresh.credentials.to_json();
        assert_eq!(
            (&shown["type"], &shown["access_token"]),
            (&json!(mode), &json!("ghs"))
        );
        assert_eq!(shown["expires_at"], "2026-01-02T04:04:05.000Z");
        let request = only(&transport);
        assert_eq!(
            request.url.as_str(),
            "https://api.github.com/app/installations/34/access_tokens"
        );
        let token = header(&request, "authorization")
            .unwrap()
            .strip_prefix("Bearer ")
            .unwrap();
        let (head, claims) = read(token, rsa);
        assert_eq!(head, json!({"alg": "RS256", "typ": "JWT"}));
        assert_eq!(
            claims,
            json!({"iat": 1_767_322_985, "exp": 1_767_323_585, "iss": "12"})
        );
    }
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
