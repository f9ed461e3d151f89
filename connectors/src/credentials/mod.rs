//! What a connection holds to log in with.

mod parse;
mod secret;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::provider::AuthMode;
use crate::template::Variable;

pub use secret::{Raw, Secret};

/// The credentials of a connection. Serialised they are what `GET /connections/{id}` shows, and
/// what can be read again; `Debug` shows no secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Credentials {
    /// OAuth 2 on behalf of a user.
    #[serde(rename = "OAUTH2")]
    OAuth2(OAuth2),
    /// OAuth 2 client credentials.
    #[serde(rename = "OAUTH2_CC")]
    OAuth2Cc(ClientCredentials),
    /// OAuth 1.0a.
    #[serde(rename = "OAUTH1")]
    OAuth1(OAuth1),
    /// A key.
    #[serde(rename = "API_KEY")]
    ApiKey(ApiKey),
    /// A name and a password.
    #[serde(rename = "BASIC")]
    Basic(Basic),
    /// Tokens of NetSuite.
    #[serde(rename = "TBA")]
    Tba(Tba),
    /// An installation of a GitHub App.
    #[serde(rename = "APP")]
    App(Installation),
    /// An installation of a GitHub App that also has OAuth 2.
    #[serde(rename = "CUSTOM")]
    Custom(Installation),
    /// None.
    #[serde(rename = "NONE")]
    None {},
    /// What is exchanged for a token.
    #[serde(rename = "TWO_STEP")]
    TwoStep(Exchanged),
    /// What a token is signed with.
    #[serde(rename = "JWT")]
    Jwt(Exchanged),
    /// What a header is computed from.
    #[serde(rename = "SIGNATURE")]
    Signature(Signature),
    /// Keys of AWS.
    #[serde(rename = "AWS_SIGV4")]
    AwsSigV4(AwsSigV4),
    /// A login of BILL.
    #[serde(rename = "BILL")]
    Bill(Exchanged),
}

/// OAuth 2 on behalf of a user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OAuth2 {
    /// The token that calls carry.
    pub access_token: Secret,
    /// The token that gets another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    /// The end of the access token.
    #[serde(
        default,
        with = "secret::moment",
        skip_serializing_if = "Option::is_none"
    )]
    pub expires_at: Option<Timestamp>,
    /// The answer of the provider, as it came.
    #[serde(default)]
    pub raw: Raw,
}

/// OAuth 2 client credentials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientCredentials {
    /// The token that calls carry, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// The end of the token.
    #[serde(
        default,
        with = "secret::moment",
        skip_serializing_if = "Option::is_none"
    )]
    pub expires_at: Option<Timestamp>,
    /// The client.
    pub client_id: Secret,
    /// Its secret.
    pub client_secret: Secret,
    /// The scopes to ask for, divided by commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<String>,
    /// The answer of the provider, as it came.
    #[serde(default)]
    pub raw: Raw,
}

/// OAuth 1.0a.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OAuth1 {
    /// The token.
    pub oauth_token: Secret,
    /// Its secret.
    pub oauth_token_secret: Secret,
    /// The answer of the provider, as it came.
    #[serde(default)]
    pub raw: Raw,
}

/// A key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApiKey {
    /// The key.
    #[serde(rename = "apiKey")]
    pub api_key: Secret,
}

/// A name and a password; either may be empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Basic {
    /// The name, which with some providers is the key.
    pub username: Secret,
    /// The password.
    pub password: Secret,
}

/// Tokens of NetSuite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tba {
    /// The token.
    pub token_id: Secret,
    /// Its secret.
    pub token_secret: Secret,
    /// A consumer of the connection's own, in place of the integration's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_override: Option<ConfigOverride>,
}

/// A consumer of a connection's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfigOverride {
    /// The consumer key.
    pub client_id: Secret,
    /// Its secret.
    pub client_secret: Secret,
}

/// An installation of a GitHub App.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Installation {
    /// The app.
    pub app_id: String,
    /// The installation.
    pub installation_id: String,
    /// The token that calls carry, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<Secret>,
    /// The end of the token.
    #[serde(
        default,
        with = "secret::moment",
        skip_serializing_if = "Option::is_none"
    )]
    pub expires_at: Option<Timestamp>,
    /// The answer of the provider, as it came.
    #[serde(default)]
    pub raw: Raw,
}

/// Fields of the provider's own, and the token that came of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exchanged {
    /// The token that calls carry, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// The end of the token.
    #[serde(
        default,
        with = "secret::moment",
        skip_serializing_if = "Option::is_none"
    )]
    pub expires_at: Option<Timestamp>,
    /// The answer of the provider, as it came.
    #[serde(default)]
    pub raw: Raw,
    /// What the provider's `credentials` ask for.
    #[serde(flatten)]
    pub fields: BTreeMap<String, Secret>,
}

/// What a header is computed from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signature {
    /// The name.
    pub username: Secret,
    /// The secret.
    pub password: Secret,
}

/// Keys of AWS. Region and service are `region` and `service` of the connection's configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AwsSigV4 {
    /// The key's id.
    pub access_key_id: Secret,
    /// The key.
    pub secret_access_key: Secret,
    /// The token that belongs to temporary keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_token: Option<Secret>,
    /// The end of temporary keys.
    #[serde(
        default,
        with = "secret::moment",
        skip_serializing_if = "Option::is_none"
    )]
    pub expires_at: Option<Timestamp>,
}

/// How long before its end a token is renewed, unless the provider says otherwise.
pub const REFRESH_BEFORE: Duration = Duration::from_secs(15 * 60);

impl Credentials {
    /// The mode that these belong to.
    #[must_use]
    pub fn mode(&self) -> AuthMode {
        match self {
            Self::OAuth2(_) => AuthMode::OAuth2,
            Self::OAuth2Cc(_) => AuthMode::OAuth2Cc,
            Self::OAuth1(_) => AuthMode::OAuth1,
            Self::ApiKey(_) => AuthMode::ApiKey,
            Self::Basic(_) => AuthMode::Basic,
            Self::Tba(_) => AuthMode::Tba,
            Self::App(_) => AuthMode::App,
            Self::Custom(_) => AuthMode::Custom,
            Self::None {} => AuthMode::None,
            Self::TwoStep(_) => AuthMode::TwoStep,
            Self::Jwt(_) => AuthMode::Jwt,
            Self::Signature(_) => AuthMode::Signature,
            Self::AwsSigV4(_) => AuthMode::AwsSigV4,
            Self::Bill(_) => AuthMode::Bill,
        }
    }

    /// As `GET /connections/{id}` shows them, secrets and all; what is absent is left out.
    #[must_use]
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// What `nango.getToken()` gives: the access token for OAUTH2, both tokens for OAUTH1, the
    /// whole credentials for everything else.
    #[must_use]
    pub fn token_json(&self) -> Value {
        match self {
            Self::OAuth2(it) => it.access_token.reveal().into(),
            Self::OAuth1(it) => json!({
                "oAuthToken": it.oauth_token.reveal(),
                "oAuthTokenSecret": it.oauth_token_secret.reveal(),
            }),
            _ => self.to_json(),
        }
    }

    /// The token that calls carry, where the mode has one and it was obtained.
    #[must_use]
    pub fn access_token(&self) -> Option<&Secret> {
        match self {
            Self::OAuth2(it) => Some(&it.access_token),
            Self::OAuth1(it) => Some(&it.oauth_token),
            Self::OAuth2Cc(it) => it.token.as_ref(),
            Self::App(it) | Self::Custom(it) => it.access_token.as_ref(),
            Self::TwoStep(it) | Self::Jwt(it) | Self::Bill(it) => it.token.as_ref(),
            Self::ApiKey(_)
            | Self::Basic(_)
            | Self::Tba(_)
            | Self::None {}
            | Self::Signature(_)
            | Self::AwsSigV4(_) => None,
        }
    }

    /// The end of the token, if it is known.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Self::OAuth2(it) => it.expires_at,
            Self::OAuth2Cc(it) => it.expires_at,
            Self::App(it) | Self::Custom(it) => it.expires_at,
            Self::TwoStep(it) | Self::Jwt(it) | Self::Bill(it) => it.expires_at,
            Self::AwsSigV4(it) => it.expires_at,
            Self::OAuth1(_)
            | Self::ApiKey(_)
            | Self::Basic(_)
            | Self::Tba(_)
            | Self::None {}
            | Self::Signature(_) => None,
        }
    }

    /// Whether the token is over at `now`.
    #[must_use]
    pub fn expired(&self, now: Timestamp) -> bool {
        self.expires_at().is_some_and(|end| end <= now)
    }

    /// Whether another token can be had without the user.
    #[must_use]
    pub fn refreshable(&self) -> bool {
        match self {
            Self::OAuth2(it) => it.refresh_token.is_some(),
            Self::OAuth2Cc(_)
            | Self::App(_)
            | Self::Custom(_)
            | Self::TwoStep(_)
            | Self::Jwt(_)
            | Self::Bill(_) => true,
            Self::OAuth1(_)
            | Self::ApiKey(_)
            | Self::Basic(_)
            | Self::Tba(_)
            | Self::None {}
            | Self::Signature(_)
            | Self::AwsSigV4(_) => false,
        }
    }

    /// Whether another token should be had at `now`: there is none yet, or it ends within
    /// `before` (see [`crate::Provider::refresh_before`]). Never for what cannot be renewed.
    #[must_use]
    pub fn refresh_needed(&self, now: Timestamp, before: Duration) -> bool {
        if !self.refreshable() {
            return false;
        }
        let soon = now.saturating_add(before).unwrap_or(Timestamp::MAX);
        self.access_token().is_none() || self.expires_at().is_some_and(|end| end <= soon)
    }

    /// The value of a template's variable, as far as the credentials have it.
    #[must_use]
    pub(crate) fn value(&self, variable: &Variable) -> Option<String> {
        let secret = match (self, variable) {
            (_, Variable::AccessToken) => self.access_token(),
            (Self::ApiKey(it), Variable::ApiKey) => Some(&it.api_key),
            (Self::Basic(it), Variable::Username) => Some(&it.username),
            (Self::Basic(it), Variable::Password) => Some(&it.password),
            (Self::Signature(it), Variable::Username) => Some(&it.username),
            (Self::Signature(it), Variable::Password) => Some(&it.password),
            (Self::TwoStep(it) | Self::Bill(it), Variable::Username) => it.fields.get("username"),
            (Self::TwoStep(it) | Self::Bill(it), Variable::Password) => it.fields.get("password"),
            (Self::OAuth2Cc(it), Variable::ClientId) => Some(&it.client_id),
            (Self::OAuth2Cc(it), Variable::ClientSecret) => Some(&it.client_secret),
            (_, Variable::Credentials(name)) => return self.field(name),
            _ => None,
        };
        secret.map(|secret| secret.reveal().to_owned())
    }

    fn field(&self, name: &str) -> Option<String> {
        match self {
            Self::TwoStep(it) | Self::Jwt(it) | Self::Bill(it) => {
                it.fields.get(name).map(|secret| secret.reveal().to_owned())
            }
            // The others have few fields, and those by their names on the wire.
            _ => crate::encoding::scalar(self.to_json().get(name)?),
        }
    }
}
