//! Tokens that start from a key: JWT, and the apps of GitHub.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::exchange::{filled, request, send};
use super::response::Token;
use super::{Error, Fresh};
use crate::auth::jwt::{Key, KeyError};
use crate::credentials::{Credentials, Exchanged, Installation, Raw};
use crate::provider::{BodyFormat, ExpirationStrategy, JwtAlgorithm, KeyEncoding, TokenResponse};
use crate::request::{Target, resolve};
use crate::transport::Transport;

/// A token that is signed here and, where the provider has a `token_url`, exchanged for another
/// there.
pub(super) async fn jwt(
    transport: &dyn Transport,
    target: &Target<'_>,
    old: &Exchanged,
    now: Timestamp,
) -> Result<Fresh, Error> {
    let provider = target.provider;
    let spec = provider.token.as_ref().ok_or(Error::Missing {
        mode: provider.auth_mode,
        what: "a token to sign",
    })?;
    let text = spec.signing_key.resolve(target)?;
    let bytes = match spec.key_encoding {
        Some(KeyEncoding::Hex) => hex::decode(&text).map_err(|_| KeyError::Unfit {
            algorithm: "HS256",
            reason: "not hexadecimal".to_owned(),
        })?,
        // A key that went through a JSON file may have its line ends written out.
        None => text.replace("\\n", "\n").into_bytes(),
    };
    let key = Key::read(spec.algorithm, &bytes)?;
    let end = now
        .checked_add(Duration::from_millis(spec.expires_in_ms))
        .unwrap_or(Timestamp::MAX);
    let texts = |map: std::collections::BTreeMap<String, String>| -> Map<String, Value> {
        map.into_iter()
            .map(|(name, value)| (name, value.into()))
            .collect()
    };
    let mut claims = texts(resolve(&spec.payload, target)?);
    claims.insert("iat".to_owned(), now.as_second().into());
    claims.insert("exp".to_owned(), end.as_second().into());
    let signed = key.token(texts(resolve(&spec.headers, target)?), &claims)?;
    let token = Token {
        token: signed.into(),
        expires_at: Some(end),
        refresh_token: None,
        raw: Raw::default(),
        connection_config: Map::new(),
    };
    let fresh = filled(target, old, token);
    if provider.token_url.is_none() {
        return Ok(fresh);
    }
    // The parameters name the signed token as `${accessToken}`.
    let target = Target {
        credentials: &fresh.credentials,
        ..*target
    };
    let params = resolve(&provider.token_params, &target)?;
    let template = provider.token_url.as_ref();
    let request = request(&target, template, params, None, BodyFormat::Form)?;
    let token = send(transport, request, &target, now).await?;
    Ok(filled(&target, old, token))
}

/// The token of an installation: <https://docs.github.com/en/apps/creating-github-apps>.
pub(super) async fn app(
    transport: &dyn Transport,
    target: &Target<'_>,
    old: &Installation,
    now: Timestamp,
) -> Result<Fresh, Error> {
    let (app_id, key) = target
        .client
        .and_then(crate::Client::app)
        .ok_or(Error::Missing {
            mode: target.credentials.mode(),
            what: "the app_id and private_key of the integration",
        })?;
    let key = Key::read(
        JwtAlgorithm::RS256,
        key.reveal().replace("\\n", "\n").as_bytes(),
    )?;
    // A minute back for clocks that differ; ten minutes in all is what GitHub allows.
    let second = now.as_second();
    let claims = Map::from_iter([
        ("iat".to_owned(), (second - 60).into()),
        ("exp".to_owned(), (second + 540).into()),
        ("iss".to_owned(), app_id.into()),
    ]);
    let signed = key.token(Map::new(), &claims)?;

    let mut provider = target.provider.clone();
    provider
        .token_response
        .get_or_insert_with(|| TokenResponse {
            token: "token".to_owned(),
            token_expiration: Some("expires_at".to_owned()),
            token_expiration_strategy: Some(ExpirationStrategy::ExpireAt),
        });
    let target = Target {
        provider: &provider,
        ..*target
    };
    let params = resolve(&provider.token_params, &target)?;
    let template = provider
        .refresh_url
        .as_ref()
        .or(provider.token_url.as_ref());
    let mut request = request(&target, template, params, None, BodyFormat::Json)?;
    crate::request::set(
        &mut request.headers,
        "authorization",
        &format!("Bearer {signed}"),
    )
    .map_err(|_| Error::Header("authorization".to_owned()))?;
    let token = send(transport, request, &target, now).await?;
    let installation = Installation {
        access_token: Some(token.token),
        expires_at: token.expires_at,
        raw: token.raw,
        ..old.clone()
    };
    Ok(Fresh {
        credentials: match target.credentials {
            Credentials::Custom(_) => Credentials::Custom(installation),
            _ => Credentials::App(installation),
        },
        connection_config: token.connection_config,
    })
}
