//! Folded states of streams, one stream of the server for each.
//!
//! The server is told to keep the last event of such a stream only. They may
//! be deleted at any time.

use kurrentdb::EventData;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::link::Link;
use super::names::Names;
use crate::{Error, Sequence, StreamId};

/// The metadata of a snapshot; the state is its data.
#[derive(Debug, Serialize, Deserialize)]
struct Fields {
    sequence: Sequence,
    /// SHA-256 of the state, in hexadecimal.
    seal: String,
}

/// The snapshot, if it is whole and fits the stream.
pub(super) async fn load(
    link: &Link,
    names: &Names,
    stream: &StreamId,
    fold_version: u32,
) -> Result<Option<(Sequence, Vec<u8>)>, Error> {
    let Some(record) = link.last(&names.snapshot(stream, fold_version)).await? else {
        return Ok(None);
    };
    let fields: Option<Fields> = serde_json::from_slice(&record.custom_metadata).ok();
    let Some(fields) = fields.filter(|fields| fields.seal == seal(&record.data)) else {
        tracing::warn!(%stream, "a snapshot is damaged and is not used");
        return Ok(None);
    };
    let last = link.last(&names.events(stream)).await?;
    let last = last.map_or(0, |last| last.revision + 1);
    Ok((fields.sequence <= last).then(|| (fields.sequence, record.data.to_vec())))
}

/// Keeps a snapshot unless a later one of the same fold is there already.
pub(super) async fn save(
    link: &Link,
    names: &Names,
    stream: &StreamId,
    fold_version: u32,
    sequence: Sequence,
    state: Vec<u8>,
) -> Result<(), Error> {
    let name = names.snapshot(stream, fold_version);
    let before = link.last(&name).await?;
    let count = before.as_ref().map_or(0, |before| before.revision + 1);
    if let Some(before) = &before {
        let fields = serde_json::from_slice(&before.custom_metadata);
        if fields.is_ok_and(|fields: Fields| fields.sequence > sequence) {
            return Ok(());
        }
    } else {
        link.keep_last(&name).await?;
    }
    let fields = Fields {
        sequence,
        seal: seal(&state),
    };
    let event = EventData::binary("SnapshotTaken", state.into()).id(uuid::Uuid::new_v4());
    let event = event
        .metadata_as_json(&fields)
        .map_err(|error| Error::Unstorable(format!("KurrentDB: {error}")))?;
    // Refused when another node has saved one at the same time: as good.
    link.append(&name, count, &[event]).await.map(|_| ())
}

fn seal(state: &[u8]) -> String {
    hex::encode(Sha256::digest(state))
}
