//! `Idempotency-Key`: the same request twice has one effect and one answer.

use axum::http::HeaderMap;
use sha2::{Digest, Sha256};

use crate::bus::Context;

/// Longest key, in bytes.
pub const LONGEST: usize = 255;

/// A request's idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(String);

/// A header that is not a usable key.
#[derive(Debug, thiserror::Error)]
#[error("Idempotency-Key must have 1 to {LONGEST} printable ASCII characters")]
pub struct Unusable;

impl Key {
    /// The key that the client sent, if it did.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, Unusable> {
        let Some(value) = headers.get("idempotency-key") else {
            return Ok(None);
        };
        let text = value.to_str().map_err(|_| Unusable)?;
        if !(1..=LONGEST).contains(&text.len()) {
            return Err(Unusable);
        }
        Ok(Some(Self(text.to_owned())))
    }

    /// Puts the key into the context of the request's command. `request` is
    /// everything that makes two requests the same: method, path, body.
    pub fn apply(&self, context: &mut Context, request: &[&[u8]]) {
        let mut hash = Sha256::new();
        for part in request {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        context.fingerprint = Some(hash.finalize().into());
        context.command_id = format!("client/{}/{}", context.project, self.0);
    }

    /// A stable random-looking text for ids that the server makes, so that a
    /// repeated request names the same thing.
    pub fn seed(&self, project: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(project.as_bytes());
        hash.update([0]);
        hash.update(self.0.as_bytes());
        hash.finalize().into()
    }
}
