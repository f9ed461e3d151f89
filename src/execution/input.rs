//! The whole request of an execution that runs later, sealed: headers and
//! bodies hold credentials, so they are never part of an event.

use aggregates::{Blob, ProjectId};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::Refused;
use crate::blobs::Blobs;
use crate::vault::Vault;

/// A request as its function will get it.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// What the driver takes.
    pub request: serde_json::Value,
    /// The body.
    pub body: Bytes,
}

#[derive(Serialize, Deserialize)]
struct Head {
    request: serde_json::Value,
    /// The key that sealed this is named in clear before the sealed bytes.
    project: String,
}

impl Input {
    /// Seals and stores it.
    pub async fn store(
        &self,
        project: &ProjectId,
        data_key: &str,
        vault: &Vault,
        blobs: &Blobs,
    ) -> Result<Blob, Refused> {
        let head = serde_json::to_vec(&Head {
            request: self.request.clone(),
            project: project.to_string(),
        })
        .map_err(|error| Refused::Internal(error.to_string()))?;
        let mut clear = Vec::with_capacity(4 + head.len() + self.body.len());
        clear.extend_from_slice(&(head.len() as u32).to_be_bytes());
        clear.extend_from_slice(&head);
        clear.extend_from_slice(&self.body);
        let mut bytes = Vec::with_capacity(data_key.len() + 1 + clear.len() + 40);
        bytes.extend_from_slice(data_key.as_bytes());
        bytes.push(b'\n');
        bytes.extend_from_slice(&vault.seal_bytes(data_key, &clear).await?);
        Ok(blobs.put(bytes.into()).await?)
    }

    /// Fetches and opens it.
    pub async fn fetch(
        project: &ProjectId,
        blob: &Blob,
        vault: &Vault,
        blobs: &Blobs,
    ) -> Result<Self, Refused> {
        let damaged = || Refused::Internal("a stored request is damaged".to_owned());
        let bytes = blobs.get(blob).await?;
        let end = bytes
            .iter()
            .position(|byte| *byte == b'\n')
            .ok_or_else(damaged)?;
        let data_key = std::str::from_utf8(&bytes[..end]).map_err(|_| damaged())?;
        let clear = vault.open_bytes(data_key, &bytes[end + 1..]).await?;
        let clear = Bytes::from(clear);
        let length = clear
            .first_chunk::<4>()
            .map(|length| u32::from_be_bytes(*length) as usize)
            .ok_or_else(damaged)?;
        let head = clear.get(4..4 + length).ok_or_else(damaged)?;
        let head: Head = serde_json::from_slice(head).map_err(|_| damaged())?;
        if head.project != project.as_str() {
            return Err(damaged());
        }
        Ok(Self {
            request: head.request,
            body: clear.slice(4 + length..),
        })
    }
}
