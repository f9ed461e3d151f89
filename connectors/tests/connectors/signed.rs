//! Tokens that start from a key.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use rustls_pki_types::PrivatePkcs1KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use crate::fake::{Answers, answer};
use crate::tokens::{Setup, header, only};

/// One key in both forms, made for these tests and used nowhere else.
const PKCS1: &str = include_str!("rsa-pkcs1.pem");
const PKCS8: &str = include_str!("rsa-pkcs8.pem");

/// An API in the manner of App Store Connect.
pub(crate) const APPLE: &str = "
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
