//! Who asks, and the context of what they command.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use sha2::{Digest, Sha256};

use super::Error;
use crate::app::App;
use crate::auth::Grant;
use crate::bus::Context;
use crate::http::idempotency::Key;
use crate::http::{RequestId, Sender};

/// A caller with a valid key.
pub(super) struct Caller {
    pub(super) grant: Grant,
    request_id: Arc<str>,
    key: Option<Key>,
    if_match: Option<u64>,
    /// Method and path, for the fingerprint.
    target: String,
    /// The moment that the request asks about; none: now.
    pub(super) as_of: Option<u64>,
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Error> {
        let secret = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.strip_prefix("Bearer "))
            .ok_or(Error::Unauthorized)?;
        let grant = app.keys.find(secret.trim()).await?;
        let grant = grant.ok_or(Error::Unauthorized)?;
        let project = grant
            .project
            .as_ref()
            .map_or("", |project| project.as_str());
        if let Some(sender) = parts.extensions.get::<Sender>() {
            sender.is(project, &grant.actor());
        }
        if grant.expired {
            return Err(Error::Unauthorized);
        }
        let request_id = parts.extensions.get::<RequestId>();
        let if_match = match parts.headers.get("if-match") {
            None => None,
            Some(value) => {
                let text = value.to_str().unwrap_or_default().trim_matches('"');
                let invalid = || Error::Invalid("If-Match must be a sequence".to_owned());
                Some(text.parse().map_err(|_| invalid())?)
            }
        };
        Ok(Self {
            grant,
            request_id: request_id.map_or_else(|| "".into(), |id| id.0.clone()),
            key: Key::of(&parts.headers).map_err(|error| Error::Invalid(error.to_string()))?,
            if_match,
            target: format!("{} {}", parts.method, parts.uri.path()),
            as_of: crate::http::as_of::resolve(app, parts.uri.query()).await?,
        })
    }
}

impl Caller {
    /// Only the root key may.
    pub(super) fn must_be_root(&self, what: &'static str) -> Result<(), Error> {
        if self.grant.is_root() {
            Ok(())
        } else {
            Err(Error::Forbidden(what))
        }
    }

    /// The root key may, and the project's own keys with this scope.
    pub(super) fn must_allow(&self, project: &str, scope: &'static str) -> Result<(), Error> {
        let own = self.grant.project.as_ref();
        if own.is_none_or(|own| own.as_str() == project) && self.grant.allows(scope) {
            Ok(())
        } else {
            Err(Error::Forbidden(scope))
        }
    }

    /// The context of the request's command.
    pub(super) fn context(&self, project: &str, body: &[u8]) -> Context {
        let mut context = Context::once(self.grant.actor(), project);
        context.request_id = self.request_id.to_string();
        context.correlation_id = self.request_id.to_string();
        context.if_match = self.if_match;
        if let Some(key) = &self.key {
            key.apply(&mut context, &[self.target.as_bytes(), body]);
        }
        context
    }

    /// A UUID for something that this request makes: the same for a repeat.
    pub(super) fn new_uuid(&self, project: &str, purpose: &str) -> uuid::Uuid {
        let Some(key) = &self.key else {
            return uuid::Uuid::new_v4();
        };
        let seed = [&key.seed(project)[..], purpose.as_bytes()].concat();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&Sha256::digest(seed)[..16]);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// An id for something that this request makes: the same for a repeat.
    pub(super) fn new_id(&self, project: &str) -> String {
        match &self.key {
            Some(key) => hex::encode(&key.seed(project)[..10]),
            None => uuid::Uuid::now_v7().simple().to_string(),
        }
    }
}
