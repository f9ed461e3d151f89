//! What the catalogue says of one provider.
//!
//! Field names are those that users of the dialect's catalogue know.

mod check;
mod config;
mod proxy;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::template::Template;

pub(crate) use check::check;
pub use config::{Field, FieldType};
pub use proxy::{Codes, OffsetStep, Paginate, Pagination, Proxy, RetrySettings, Verification};

/// How a provider tells who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AuthMode {
    /// OAuth 2 on behalf of a user.
    #[serde(rename = "OAUTH2")]
    OAuth2,
    /// OAuth 2 client credentials.
    #[serde(rename = "OAUTH2_CC")]
    OAuth2Cc,
    /// OAuth 1.0a.
    #[serde(rename = "OAUTH1")]
    OAuth1,
    /// A key that goes where the provider's templates say.
    ApiKey,
    /// HTTP Basic.
    Basic,
    /// OAuth 1.0a with tokens made by hand (NetSuite).
    Tba,
    /// A GitHub App.
    App,
    /// A GitHub App together with OAuth 2.
    Custom,
    /// No credentials.
    None,
    /// Some credentials are exchanged for a token in a way of the provider's own.
    TwoStep,
    /// A token that is signed here.
    Jwt,
    /// A header that is computed from a secret.
    Signature,
    /// AWS Signature Version 4.
    #[serde(rename = "AWS_SIGV4")]
    AwsSigV4,
    /// The sessions of BILL.
    Bill,
}

impl AuthMode {
    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OAuth2 => "OAUTH2",
            Self::OAuth2Cc => "OAUTH2_CC",
            Self::OAuth1 => "OAUTH1",
            Self::ApiKey => "API_KEY",
            Self::Basic => "BASIC",
            Self::Tba => "TBA",
            Self::App => "APP",
            Self::Custom => "CUSTOM",
            Self::None => "NONE",
            Self::TwoStep => "TWO_STEP",
            Self::Jwt => "JWT",
            Self::Signature => "SIGNATURE",
            Self::AwsSigV4 => "AWS_SIGV4",
            Self::Bill => "BILL",
        }
    }
}

impl fmt::Display for AuthMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One provider. `M` is [`AuthMode`], except while a file is being read: an entry that inherits
/// from another may leave it out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider<M = AuthMode> {
    /// The provider that this one inherits from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// What it is about, for example `crm`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Where the vendor documents its API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docs: Option<String>,
    /// How to log in.
    pub auth_mode: M,

    /// OAuth: where the user is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_url: Option<Template>,
    /// OAuth: further query parameters of that URL.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub authorization_params: BTreeMap<String, Template>,
    /// OAuth: scopes when the integration names none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub default_scopes: Vec<String>,
    /// OAuth: what stands between scopes; a blank unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope_separator: Option<String>,
    /// OAuth: whether the provider refuses PKCE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable_pkce: Option<bool>,
    /// OAuth 1: where the temporary credentials come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_url: Option<Template>,
    /// OAuth 1 and TBA: how requests are signed; HMAC-SHA1 (TBA: HMAC-SHA256) unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature_method: Option<SignatureMethod>,
    /// OAuth 1 and TBA: the `realm` of the `Authorization` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realm: Option<Template>,

    /// Where tokens come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_url: Option<Template>,
    /// Where tokens are renewed, if elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_url: Option<Template>,
    /// Further parameters of a token request; for TWO_STEP and BILL, all of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub token_params: BTreeMap<String, Template>,
    /// Further parameters of a renewal.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refresh_params: BTreeMap<String, Template>,
    /// Headers of a token request.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub token_headers: BTreeMap<String, Template>,
    /// How the client authenticates there; `custom` (in the body) unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_request_auth_method: Option<TokenAuth>,
    /// Form of the token request's body; `form` unless given, for TWO_STEP and BILL `json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_format: Option<BodyFormat>,
    /// Where the answer has the token and its life time, where that is not as in RFC 6749.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_response: Option<TokenResponse>,
    /// Life time of a token whose answer names none, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_expires_in_ms: Option<u64>,
    /// How long before its end a token is renewed, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_expiration_buffer: Option<u32>,
    /// Fields of the token answer that become part of the connection's configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token_response_metadata: Vec<String>,
    /// JWT: the token that is signed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<JwtSpec>,
    /// SIGNATURE: which one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<SignatureSpec>,

    /// What a connection must say beside its credentials.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub connection_config: BTreeMap<String, Field>,
    /// What the credentials consist of.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub credentials: BTreeMap<String, Field>,
    /// How its API is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
}

/// The hash of an OAuth 1.0a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignatureMethod {
    /// HMAC-SHA1.
    #[serde(rename = "HMAC-SHA1")]
    HmacSha1,
    /// HMAC-SHA256.
    #[serde(rename = "HMAC-SHA256")]
    HmacSha256,
}

/// Where the client's id and secret go in a token request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenAuth {
    /// HTTP Basic.
    Basic,
    /// The body.
    Custom,
}

/// Form of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BodyFormat {
    /// `application/x-www-form-urlencoded`.
    Form,
    /// JSON.
    Json,
}

/// Where the answer to a token request has what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenResponse {
    /// Dotted path of the token.
    pub token: String,
    /// Dotted path of its life time or end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_expiration: Option<String>,
    /// What stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_expiration_strategy: Option<ExpirationStrategy>,
}

/// Meaning of a `token_expiration`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ExpirationStrategy {
    /// Seconds from now.
    ExpireIn,
    /// A moment: RFC 3339, or seconds or milliseconds since 1970.
    ExpireAt,
}

/// A JSON Web Token to sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JwtSpec {
    /// The algorithm.
    pub algorithm: JwtAlgorithm,
    /// The key: text for HS256 (see `key_encoding`), PEM for the others.
    pub signing_key: Template,
    /// How the text of an HS256 key is written; as it is unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_encoding: Option<KeyEncoding>,
    /// Life time in milliseconds.
    pub expires_in_ms: u64,
    /// Header fields beside `alg` and `typ`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Template>,
    /// Claims beside `iat` and `exp`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub payload: BTreeMap<String, Template>,
}

/// How a JSON Web Token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JwtAlgorithm {
    /// HMAC with SHA-256.
    HS256,
    /// RSA PKCS #1 with SHA-256.
    RS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
}

/// How the text of a key is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyEncoding {
    /// Hexadecimal.
    Hex,
}

/// A header computed from a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureSpec {
    /// Which one.
    pub protocol: SignatureProtocol,
}

/// Ways to compute a header from a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignatureProtocol {
    /// The `UsernameToken` of WSSE with a hexadecimal SHA-1 in Base64.
    #[serde(rename = "WSSE")]
    Wsse,
}

impl Provider {
    /// The entry of `GET /providers`: all that the catalogue says, with the provider's name.
    #[must_use]
    pub fn to_json(&self, name: &str) -> Value {
        let mut entry = Map::new();
        entry.insert("name".to_owned(), name.into());
        let display = self.display_name.as_deref().unwrap_or(name);
        entry.insert("display_name".to_owned(), display.into());
        if let Ok(Value::Object(fields)) = serde_json::to_value(self) {
            for (key, value) in fields {
                if key != "alias" && key != "display_name" {
                    entry.insert(key, value);
                }
            }
        }
        Value::Object(entry)
    }

    /// The defaults for `nango.paginate`; `null` where the provider has none.
    #[must_use]
    pub fn paginate_json(&self) -> Value {
        match self
            .proxy
            .as_ref()
            .and_then(|proxy| proxy.paginate.as_ref())
        {
            Some(paginate) => json!(paginate),
            None => Value::Null,
        }
    }
}

impl Provider {
    /// How long before its end a token is renewed.
    #[must_use]
    pub fn refresh_before(&self) -> std::time::Duration {
        self.token_expiration_buffer
            .map_or(crate::credentials::REFRESH_BEFORE, |seconds| {
                std::time::Duration::from_secs(seconds.into())
            })
    }
}
