//! What is remembered of a command id.
//!
//! The stream of a command id has a claim for every time that an append with
//! this id was begun. A claim holds the whole append, so that any node can
//! finish what another one began. All claims but the last are void: their
//! events were not written, because the stream had moved on.

use std::fmt;

use kurrentdb::EventData;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::link::{Link, Wrote};
use super::names::Names;
use super::order::Seen;
use super::record::Write;
use crate::{Appended, Error, Position, Sequence};

/// An append that was begun in the name of a command.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Claim {
    pub(super) command_id: String,
    /// In hexadecimal.
    fingerprint: String,
    pub(super) part: Part,
    /// The end of the order when it was begun.
    pub(super) head: Head,
    pub(super) write: Write,
}

impl fmt::Debug for Claim {
    /// Without the events.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim")
            .field("command_id", &self.command_id)
            .field("stream", &self.write.stream)
            .field("expected", &self.write.expected)
            .finish_non_exhaustive()
    }
}

/// Which of the events of a write are those of one append.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) offset: usize,
    pub(super) count: usize,
}

/// The end of the order at some time.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) position: Position,
    /// What an event would have been recorded at.
    pub(super) recorded_at: i64,
}

impl Part {
    /// The outcome of an append, from where the events of the write stand that
    /// it is a part of. An append without events stands where the order ended.
    pub(super) fn appended(self, expected: Sequence, head: Head, seen: &[Seen]) -> Appended {
        let sequence = expected + (self.offset + self.count) as u64;
        let own = seen.get(self.offset..self.offset + self.count);
        if let Some([first, .., last] | [first @ last]) = own {
            return Appended {
                first: first.position,
                last: last.position,
                sequence,
                recorded_at: last.recorded_at,
            };
        }
        let before = self.offset.checked_sub(1).and_then(|index| seen.get(index));
        let (position, recorded_at) = match (before, seen.first()) {
            (Some(before), _) => (before.position, before.recorded_at),
            (None, Some(behind)) => (behind.position - 1, behind.recorded_at),
            (None, None) => (head.position, head.recorded_at),
        };
        Appended {
            first: position,
            last: position,
            sequence,
            recorded_at,
        }
    }
}

impl Claim {
    pub(super) fn new(
        command_id: &str,
        fingerprint: [u8; 32],
        part: Part,
        head: Head,
        write: Write,
    ) -> Self {
        Self {
            command_id: command_id.to_owned(),
            fingerprint: hex::encode(fingerprint),
            part,
            head,
            write,
        }
    }

    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        // It was made here, or checked when the claim was read.
        let _ = hex::decode_to_slice(&self.fingerprint, &mut bytes);
        bytes
    }
}

/// The last claim of a command id.
#[derive(Debug)]
pub(super) struct Last {
    pub(super) claim: Claim,
    /// How many claims there are.
    pub(super) count: Sequence,
    id: Uuid,
}

/// The last claim of a command id, if there is one.
pub(super) async fn last(
    link: &Link,
    names: &Names,
    command_id: &str,
) -> Result<Option<Last>, Error> {
    let name = names.claims(command_id);
    let Some(record) = link.last(&name).await? else {
        return Ok(None);
    };
    let claim = serde_json::from_slice(&record.data).map_err(|error| error.to_string());
    let claim = claim.and_then(|claim: Claim| match hex::decode(&claim.fingerprint) {
        Ok(bytes) if bytes.len() == 32 => Ok(claim),
        _ => Err("its fingerprint has not 32 bytes".to_owned()),
    });
    let claim = claim.map_err(|reason| {
        Error::Unavailable(format!(
            "KurrentDB: event {} of {name} is not a claim: {reason}",
            record.revision
        ))
    })?;
    Ok(Some(Last {
        claim,
        count: record.revision + 1,
        id: record.id,
    }))
}

/// Makes a claim behind `before` others. False: somebody else did.
pub(super) async fn make(
    link: &Link,
    names: &Names,
    claim: &Claim,
    before: Sequence,
) -> Result<bool, Error> {
    let id = Uuid::new_v4();
    let event = EventData::json("CommandClaimed", claim)
        .map_err(|error| Error::Unstorable(format!("KurrentDB: {error}")))?;
    let name = names.claims(&claim.command_id);
    if link.append(&name, before, &[event.id(id)]).await? == Wrote::Done {
        return Ok(true);
    }
    // Unless it was this one, and its answer was lost.
    let last = last(link, names, &claim.command_id).await?;
    Ok(last.is_some_and(|last| last.id == id))
}
