//! Tokens that are exchanged for something: refresh tokens, client credentials, logins.

use std::collections::BTreeMap;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use jiff::Timestamp;
use serde_json::{Map, Value};
use url::Url;

use super::response::{self, Token};
use super::{Error, Fresh};
use crate::auth;
use crate::credentials::{ClientCredentials, Credentials, Exchanged, OAuth2};
use crate::encoding;
use crate::provider::{BodyFormat, TokenAuth};
use crate::request::{Target, resolve, set};
use crate::template::{Template, UrlError};
use crate::transport::{Request, Transport};

/// RFC 6749, section 6.
pub(super) async fn oauth2(
    transport: &dyn Transport,
    target: &Target<'_>,
    old: &OAuth2,
    now: Timestamp,
) -> Result<Fresh, Error> {
    let refresh_token = old.refresh_token.as_ref().ok_or(Error::NoRefreshToken)?;
    let client = target
        .client
        .and_then(crate::Client::oauth)
        .ok_or(Error::Missing {
            mode: target.credentials.mode(),
            what: "the client_id and client_secret of the integration",
        })?;
    let mut params = resolve(&target.provider.refresh_params, target)?;
    params.insert("grant_type".to_owned(), "refresh_token".to_owned());
    params.insert(
        "refresh_token".to_owned(),
        refresh_token.reveal().to_owned(),
    );
    let template = target
        .provider
        .refresh_url
        .as_ref()
        .or(target.provider.token_url.as_ref());
    let form = BodyFormat::Form;
    let client = Some((client.0, client.1.reveal()));
    let request = request(target, template, params, client, form)?;
    let token = send(transport, request, target, now).await?;
    Ok(Fresh {
        credentials: Credentials::OAuth2(OAuth2 {
            access_token: token.token,
            // One that is not replaced stays good.
            refresh_token: token.refresh_token.or_else(|| old.refresh_token.clone()),
            expires_at: token.expires_at,
            raw: token.raw,
        }),
        connection_config: token.connection_config,
    })
}

/// RFC 6749, section 4.4.
pub(super) async fn client(
    transport: &dyn Transport,
    target: &Target<'_>,
    old: &ClientCredentials,
    now: Timestamp,
) -> Result<Fresh, Error> {
    let provider = target.provider;
    let mut params = resolve(&provider.token_params, target)?;
    params
        .entry("grant_type".to_owned())
        .or_insert_with(|| "client_credentials".to_owned());
    let scopes: Vec<&str> = match &old.scopes {
        Some(scopes) => scopes
            .split([',', ' '])
            .filter(|scope| !scope.is_empty())
            .collect(),
        None => provider.default_scopes.iter().map(String::as_str).collect(),
    };
    if !scopes.is_empty() {
        let separator = provider.scope_separator.as_deref().unwrap_or(" ");
        params.insert("scope".to_owned(), scopes.join(separator));
    }
    let client = Some((old.client_id.reveal(), old.client_secret.reveal()));
    let template = provider.token_url.as_ref();
    let request = request(target, template, params, client, BodyFormat::Form)?;
    let token = send(transport, request, target, now).await?;
    Ok(Fresh {
        credentials: Credentials::OAuth2Cc(ClientCredentials {
            token: Some(token.token),
            expires_at: token.expires_at,
            raw: token.raw,
            ..old.clone()
        }),
        connection_config: token.connection_config,
    })
}

/// An exchange of the provider's own: TWO_STEP and BILL.
pub(super) async fn own(
    transport: &dyn Transport,
    target: &Target<'_>,
    old: &Exchanged,
    now: Timestamp,
) -> Result<Fresh, Error> {
    let params = resolve(&target.provider.token_params, target)?;
    let template = target.provider.token_url.as_ref();
    let request = request(target, template, params, None, BodyFormat::Json)?;
    let token = send(transport, request, target, now).await?;
    Ok(filled(target, old, token))
}

/// `old` with a new token, in the mode of `target`.
pub(super) fn filled(target: &Target<'_>, old: &Exchanged, token: Token) -> Fresh {
    let exchanged = Exchanged {
        token: Some(token.token),
        expires_at: token.expires_at,
        raw: token.raw,
        fields: old.fields.clone(),
    };
    Fresh {
        credentials: match target.credentials {
            Credentials::Jwt(_) => Credentials::Jwt(exchanged),
            Credentials::Bill(_) => Credentials::Bill(exchanged),
            _ => Credentials::TwoStep(exchanged),
        },
        connection_config: token.connection_config,
    }
}

/// Sends a token request and reads the answer.
pub(super) async fn send(
    transport: &dyn Transport,
    request: Request,
    target: &Target<'_>,
    now: Timestamp,
) -> Result<Token, Error> {
    let response = transport.send(request).await?;
    response::read(&response, target.provider, now)
}

/// A token request: a POST of `params` to `template`.
pub(super) fn request(
    target: &Target<'_>,
    template: Option<&Template>,
    mut params: BTreeMap<String, String>,
    client: Option<(&str, &str)>,
    usual: BodyFormat,
) -> Result<Request, Error> {
    let provider = target.provider;
    let template = template.ok_or(Error::Missing {
        mode: provider.auth_mode,
        what: "a token_url",
    })?;
    let url = template.resolve_url(target).map_err(|error| match error {
        UrlError::Unresolved(unresolved) => Error::Unresolved(unresolved),
        other => Error::Url(other),
    })?;
    let url = Url::parse(&url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| Error::Url(UrlError::NotHttp(template.as_str().to_owned())))?;

    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let mut put = |name: &str, value: &str| {
        set(&mut headers, name, value).map_err(|_| Error::Header(name.to_owned()))
    };
    put("user-agent", target.user_agent)?;
    if let Some((id, secret)) = client {
        if provider.token_request_auth_method == Some(TokenAuth::Basic) {
            put(AUTHORIZATION.as_str(), &auth::basic(id, secret))?;
        } else {
            params.insert("client_id".to_owned(), id.to_owned());
            params.insert("client_secret".to_owned(), secret.to_owned());
        }
    }
    let body = match provider.body_format.unwrap_or(usual) {
        BodyFormat::Form => {
            put(CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded")?;
            encoding::form(
                params
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str())),
            )
        }
        BodyFormat::Json => {
            put(CONTENT_TYPE.as_str(), "application/json")?;
            let fields: Map<String, Value> = params
                .into_iter()
                .map(|(name, value)| (name, value.into()))
                .collect();
            Value::Object(fields).to_string()
        }
    };
    for (name, value) in resolve(&provider.token_headers, target)? {
        put(&name, &value)?;
    }
    Ok(Request {
        method: Method::POST,
        url,
        headers,
        body: Some(body.into_bytes()),
    })
}
