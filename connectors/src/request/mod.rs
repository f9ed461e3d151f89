//! From the configuration of a call to an authenticated request.

mod body;
mod url;

use std::collections::BTreeMap;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::auth::{self, oauth1};
use crate::call::CallConfig;
use crate::client::Client;
use crate::credentials::Credentials;
use crate::encoding;
use crate::provider::{AuthMode, Provider, SignatureMethod, SignatureProtocol};
use crate::template::{Template, Unresolved, UrlError, Values, Variable};
use crate::transport::Request;

/// Who is called with which credentials.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The provider.
    pub provider: &'a Provider,
    /// The credentials of the connection.
    pub credentials: &'a Credentials,
    /// The configuration of the connection.
    pub connection_config: &'a Map<String, Value>,
    /// The metadata of the connection.
    pub metadata: Option<&'a Map<String, Value>>,
    /// The client of the integration; OAUTH1 and TBA do not work without.
    pub client: Option<&'a Client>,
    /// The `user-agent` of calls whose provider asks for none.
    pub user_agent: &'a str,
}

/// What makes two requests of the same content differ. A nonce is used once.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// The present time.
    pub now: Timestamp,
    /// Random letters and digits, at least 16.
    pub nonce: String,
}

/// Why there is no request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The provider has no base URL and the call brings none.
    #[error("the provider has no base URL")]
    NoBase,
    /// A template has a variable that the connection has no value for.
    #[error(transparent)]
    Unresolved(#[from] Unresolved),
    /// The base URL cannot be used.
    #[error(transparent)]
    Base(UrlError),
    /// The URL that comes out is none.
    #[error("base URL and endpoint `{endpoint}` do not make a URL: {reason}")]
    Url {
        /// The endpoint.
        endpoint: String,
        /// What the parser says.
        reason: ::url::ParseError,
    },
    /// `params` is a text and the endpoint has a query already.
    #[error("params given as a text cannot be combined with a query in the endpoint")]
    TwoQueries,
    /// A parameter is neither a text nor a number nor a boolean, nor a list of these.
    #[error("the parameter `{0}` cannot be written in a query")]
    Parameter(String),
    /// A header cannot be sent. Its value is not told, as it may be a secret.
    #[error("the header `{0}` has a name or a value that HTTP does not allow")]
    Header(String),
    /// A body does not fit its content type.
    #[error("the body cannot be sent as {0}")]
    Body(&'static str),
    /// Something else is missing to authenticate.
    #[error("{mode} needs {what}")]
    Missing {
        /// The mode.
        mode: AuthMode,
        /// What is missing.
        what: &'static str,
    },
}

impl From<UrlError> for Error {
    fn from(error: UrlError) -> Self {
        match error {
            UrlError::Unresolved(unresolved) => Self::Unresolved(unresolved),
            other => Self::Base(other),
        }
    }
}

impl Values for Target<'_> {
    fn value(&self, variable: &Variable) -> Option<String> {
        let in_map = |map: &Map<String, Value>, path: &str| {
            let (first, rest) = path
                .split_once('.')
                .map_or((path, None), |(a, b)| (a, Some(b)));
            let value = map.get(first)?;
            encoding::scalar(match rest {
                Some(rest) => encoding::at(value, rest)?,
                None => value,
            })
        };
        match variable {
            Variable::ConnectionConfig(path) => {
                in_map(self.connection_config, path).or_else(|| {
                    let field = self.provider.connection_config.get(path)?;
                    field.default_value.clone()
                })
            }
            Variable::Metadata(path) => in_map(self.metadata?, path),
            Variable::ClientId | Variable::ClientSecret => {
                self.credentials.value(variable).or_else(|| {
                    let (id, secret) = self.client?.oauth()?;
                    Some(match variable {
                        Variable::ClientId => id.to_owned(),
                        _ => secret.reveal().to_owned(),
                    })
                })
            }
            _ => self.credentials.value(variable),
        }
    }
}

/// The request for `config`, with everything that `target` and `stamp` add.
///
/// # Errors
///
/// An [`Error`] when a value is missing or does not fit.
pub fn build(config: &CallConfig, target: &Target<'_>, stamp: &Stamp) -> Result<Request, Error> {
    let proxy = target.provider.proxy.as_ref();
    let none = BTreeMap::new();
    let query = present(proxy.map_or(&none, |proxy| &proxy.query), target)?;
    let url = url::url(config, target, &query)?;

    let extra = present(proxy.map_or(&none, |proxy| &proxy.body), target)?;
    let own = present(proxy.map_or(&none, |proxy| &proxy.headers), target)?;
    let usual = own.iter().find(|(name, _)| is_content_type(name));
    let usual = usual.map(|(_, value)| value.as_str());
    let body = body::body(config, extra, usual, &stamp.nonce)?;

    let mut headers = HeaderMap::new();
    headers.insert(
        ACCEPT,
        HeaderValue::from_static("application/json, text/plain, */*"),
    );
    if let Some(kind) = body.as_ref().and_then(|body| body.content_type.as_deref()) {
        set(&mut headers, CONTENT_TYPE.as_str(), kind)?;
    }
    let form = body.as_ref().map_or(&[][..], |body| &body.form);
    authenticate(&mut headers, config, target, stamp, &url, form)?;
    set(&mut headers, USER_AGENT.as_str(), target.user_agent)?;
    // A body has been made for one content type, and says which.
    let made = headers.contains_key(CONTENT_TYPE);
    for (name, value) in &own {
        if !(made && is_content_type(name)) {
            set(&mut headers, name, value)?;
        }
    }
    for (name, value) in &config.headers {
        // The caller does not decide who we say we are.
        let ours = name.eq_ignore_ascii_case(USER_AGENT.as_str());
        if ours || (made && is_content_type(name)) {
            continue;
        }
        set(&mut headers, name, value)?;
    }

    let mut request = Request {
        method: config.method.0.clone(),
        url,
        headers,
        body: body.map(|body| body.bytes),
    };
    if let Credentials::AwsSigV4(keys) = target.credentials {
        sign_for_aws(&mut request, keys, target, stamp)?;
    }
    Ok(request)
}

fn is_content_type(name: &str) -> bool {
    name.eq_ignore_ascii_case(CONTENT_TYPE.as_str())
}

fn authenticate(
    headers: &mut HeaderMap,
    config: &CallConfig,
    target: &Target<'_>,
    stamp: &Stamp,
    url: &::url::Url,
    form: &[(String, String)],
) -> Result<(), Error> {
    let mode = target.credentials.mode();
    let oauth1 = |token, token_secret, client: Option<(&str, &str)>, usual, realm: Option<&str>| {
        let (consumer_key, consumer_secret) = client.ok_or(Error::Missing {
            mode,
            what: "the client_id and client_secret of the integration",
        })?;
        let signer = oauth1::Signer {
            consumer_key,
            consumer_secret,
            token: Some((token, token_secret)),
            method: target.provider.signature_method.unwrap_or(usual),
            realm,
        };
        let method = config.method.0.as_str();
        Ok::<_, Error>(signer.authorization(method, url, form, stamp))
    };
    let client = target
        .client
        .and_then(Client::oauth)
        .map(|(id, secret)| (id, secret.reveal()));
    let realm = match &target.provider.realm {
        Some(realm) => Some(realm.resolve(target)?),
        None => None,
    };
    let value = match target.credentials {
        Credentials::Basic(it) => auth::basic(it.username.reveal(), it.password.reveal()),
        Credentials::OAuth1(it) => oauth1(
            it.oauth_token.reveal(),
            it.oauth_token_secret.reveal(),
            client,
            SignatureMethod::HmacSha1,
            realm.as_deref(),
        )?,
        Credentials::Tba(it) => {
            let own = it.config_override.as_ref();
            let own = own.map(|own| (own.client_id.reveal(), own.client_secret.reveal()));
            oauth1(
                it.token_id.reveal(),
                it.token_secret.reveal(),
                own.or(client),
                SignatureMethod::HmacSha256,
                realm.as_deref(),
            )?
        }
        Credentials::Signature(it) => {
            let protocol = target.provider.signature.as_ref().map(|spec| spec.protocol);
            if protocol == Some(SignatureProtocol::Wsse) {
                let token = auth::wsse(it.username.reveal(), it.password.reveal(), stamp);
                set(headers, "x-wsse", &token)?;
            }
            return Ok(());
        }
        // Templates say where a key goes, and the session of BILL.
        Credentials::ApiKey(_)
        | Credentials::None {}
        | Credentials::AwsSigV4(_)
        | Credentials::Bill(_) => return Ok(()),
        other => {
            let token = other.access_token().ok_or(Error::Missing {
                mode,
                what: "a token, which was not obtained yet",
            })?;
            format!("Bearer {}", token.reveal())
        }
    };
    set(headers, AUTHORIZATION.as_str(), &value)
}

fn sign_for_aws(
    request: &mut Request,
    keys: &crate::credentials::AwsSigV4,
    target: &Target<'_>,
    stamp: &Stamp,
) -> Result<(), Error> {
    let config = |name: &str, what| {
        target
            .value(&Variable::ConnectionConfig(name.to_owned()))
            .ok_or(Error::Missing {
                mode: AuthMode::AwsSigV4,
                what,
            })
    };
    let signer = auth::sigv4::Signer {
        access_key_id: keys.access_key_id.reveal(),
        secret_access_key: keys.secret_access_key.reveal(),
        session_token: keys.session_token.as_ref().map(|token| token.reveal()),
        region: &config("region", "connection_config.region")?,
        service: &config("service", "connection_config.service")?,
    };
    signer
        .sign(request, stamp.now)
        .map_err(|name| Error::Header(name.to_owned()))
}

/// What does not come out empty.
fn present(
    templates: &BTreeMap<String, Template>,
    target: &Target<'_>,
) -> Result<BTreeMap<String, String>, Unresolved> {
    let mut values = resolve(templates, target)?;
    values.retain(|_, value| !value.is_empty());
    Ok(values)
}

pub(crate) fn resolve(
    templates: &BTreeMap<String, Template>,
    target: &Target<'_>,
) -> Result<BTreeMap<String, String>, Unresolved> {
    templates
        .iter()
        .map(|(name, template)| Ok((name.clone(), template.resolve(target)?)))
        .collect()
}

/// Sets a header, in place of one that is there.
pub(crate) fn set(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), Error> {
    let bad = || Error::Header(name.to_owned());
    let key = HeaderName::from_bytes(name.to_ascii_lowercase().as_bytes()).map_err(|_| bad())?;
    let value = HeaderValue::from_str(value).map_err(|_| bad())?;
    headers.insert(key, value);
    Ok(())
}
