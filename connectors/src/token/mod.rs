//! Getting and renewing access tokens.

mod exchange;
mod response;
mod signed;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::call::{CallConfig, Data, Verb};
use crate::credentials::Credentials;
use crate::provider::AuthMode;
use crate::request::Target;
use crate::template::{Unresolved, UrlError};
use crate::transport::{Failure, Transport};

pub use crate::auth::jwt::KeyError;

/// What a renewal brought.
#[derive(Clone, Debug, PartialEq)]
pub struct Fresh {
    /// The credentials, with the new token.
    pub credentials: Credentials,
    /// What the answer adds to the connection's configuration.
    pub connection_config: Map<String, Value>,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Credentials of this mode have no token, or none that could be renewed.
    #[error("{0} credentials cannot be renewed")]
    NotRefreshable(AuthMode),
    /// There is no refresh token.
    #[error("there is no refresh token")]
    NoRefreshToken,
    /// Something is missing on our side.
    #[error("{mode} needs {what}")]
    Missing {
        /// The mode.
        mode: AuthMode,
        /// What is missing.
        what: &'static str,
    },
    /// A template has a variable without a value.
    #[error(transparent)]
    Unresolved(#[from] Unresolved),
    /// The token URL cannot be used.
    #[error("the token URL cannot be used")]
    Url(#[source] UrlError),
    /// A header of the token request cannot be sent.
    #[error("the header `{0}` of the token request has a value that HTTP does not allow")]
    Header(String),
    /// The key cannot be used.
    #[error("the signing key cannot be used")]
    Key(#[from] KeyError),
    /// The provider could not be reached.
    #[error("the provider could not be reached")]
    Transport(#[from] Failure),
    /// The provider said no.
    #[error(
        "the provider refused with status {status}{}",
        detail(code, description)
    )]
    Refused {
        /// The status; some refuse with 200.
        status: u16,
        /// The provider's code, such as `invalid_grant`.
        code: Option<String>,
        /// The provider's explanation.
        description: Option<String>,
    },
    /// The provider said yes, in words that are not understood.
    #[error("the answer of the provider has no {0}")]
    Unreadable(String),
}

fn detail(code: &Option<String>, description: &Option<String>) -> String {
    [code, description]
        .into_iter()
        .flatten()
        .map(|text| format!(": {text}"))
        .collect()
}

impl Error {
    /// Whether the connection is to blame: the user must connect again. Otherwise a later
    /// attempt, or another setting, may bring a token.
    #[must_use]
    pub fn is_invalid_credentials(&self) -> bool {
        match self {
            Self::NoRefreshToken | Self::NotRefreshable(_) | Self::Key(_) => true,
            Self::Refused { status, .. } => *status < 500 && *status != 429 && *status != 408,
            Self::Missing { .. }
            | Self::Unresolved(_)
            | Self::Url(_)
            | Self::Header(_)
            | Self::Transport(_)
            | Self::Unreadable(_) => false,
        }
    }
}

/// Gets a token for `target`, or another one. Whether that is needed,
/// [`Credentials::refresh_needed`] tells.
///
/// # Errors
///
/// An [`Error`]; [`Error::is_invalid_credentials`] tells whose fault it is.
pub async fn refresh(
    transport: &dyn Transport,
    target: &Target<'_>,
    now: Timestamp,
) -> Result<Fresh, Error> {
    match target.credentials {
        Credentials::OAuth2(it) => exchange::oauth2(transport, target, it, now).await,
        Credentials::OAuth2Cc(it) => exchange::client(transport, target, it, now).await,
        Credentials::TwoStep(it) | Credentials::Bill(it) => {
            exchange::own(transport, target, it, now).await
        }
        Credentials::Jwt(it) => signed::jwt(transport, target, it, now).await,
        Credentials::App(it) | Credentials::Custom(it) => {
            signed::app(transport, target, it, now).await
        }
        other => Err(Error::NotRefreshable(other.mode())),
    }
}

/// The call that tells whether API_KEY or BASIC credentials are good, where the provider defines
/// one: they are on a status of 200–299. It is sent like any other call.
///
/// # Errors
///
/// [`Unresolved`] when its base URL has a variable without a value.
pub fn verification(target: &Target<'_>) -> Result<Option<CallConfig>, Unresolved> {
    let spec = target
        .provider
        .proxy
        .as_ref()
        .and_then(|proxy| proxy.verification.as_ref());
    let mode = target.credentials.mode();
    let Some(spec) = spec.filter(|_| matches!(mode, AuthMode::ApiKey | AuthMode::Basic)) else {
        return Ok(None);
    };
    let base = match &spec.base_url_override {
        Some(base) => Some(base.resolve(target)?),
        None => None,
    };
    let method = spec.method.as_deref().unwrap_or("GET");
    Ok(Some(CallConfig {
        endpoint: spec.endpoint.clone(),
        method: Verb(method.parse().unwrap_or(http::Method::GET)),
        headers: spec.headers.clone(),
        data: spec.data.clone().map(Data::Json),
        base_url_override: base,
        ..CallConfig::default()
    }))
}
