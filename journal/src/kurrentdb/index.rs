//! Marks that outlive the process: the stored checkpoint.
//!
//! One stream holds them, sixteen to an event, so an event for every 1,024
//! positions. Every node writes them, with the same content at the same
//! revision; the first one does, and the others compare.

use std::sync::Arc;
use std::time::Duration;

use kurrentdb::EventData;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::at::At;
use super::closed;
use super::link::{Link, Wrote};
use super::mark::Mark;
use super::names::Names;
use super::order::{Order, SEGMENT};
use crate::batch::Tip;
use crate::{Error, Position};

/// So many marks are stored in one event.
const MARKS: usize = 16;
/// So many events are read at once.
const PAGE: usize = 512;
/// How long a failed write is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// One event of the index.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    marks: Vec<StoredMark>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredMark {
    position: Position,
    commit: u64,
    prepare: u64,
    recorded_at: i64,
    hash: String,
}

/// The marks that are stored, behind the start.
pub(super) async fn load(link: &Link, names: &Names) -> Result<Vec<Mark>, Error> {
    let name = names.index();
    let mut marks = vec![Mark::START];
    let mut read = 0;
    loop {
        let records = link.read(&name, read, PAGE).await?;
        if records.is_empty() {
            return Ok(marks);
        }
        read += records.len() as u64;
        for record in &records {
            let next = marks.len() as u64 * SEGMENT;
            marks.extend(parse(&record.data, next).ok_or_else(|| Error::Corrupt {
                position: next,
                reason: format!("event {} of {name} is not a list of marks", record.revision),
            })?);
        }
    }
}

/// The marks of one event, of which the first is to be at `position`.
fn parse(data: &[u8], position: Position) -> Option<Vec<Mark>> {
    let stored: Stored = serde_json::from_slice(data).ok()?;
    if stored.marks.len() != MARKS {
        return None;
    }
    let marks = stored.marks.into_iter().zip(0..);
    let marks = marks.map(|(mark, number)| {
        let mut hash = [0; 32];
        hex::decode_to_slice(&mark.hash, &mut hash).ok()?;
        let is_next = mark.position == position + number * SEGMENT;
        is_next.then_some(Mark {
            tip: Tip {
                position: mark.position,
                hash,
                recorded_at: mark.recorded_at,
            },
            at: Some(At {
                commit: mark.commit,
                prepare: mark.prepare,
            }),
        })
    });
    marks.collect()
}

fn event(marks: &[Mark]) -> Result<EventData, Error> {
    let stored = Stored {
        marks: marks.iter().map(stored).collect(),
    };
    // The same marks have the same id: to write them twice is to write once.
    let mut id = [0; 16];
    if let Some(last) = marks.last() {
        id.copy_from_slice(&last.tip.hash[..16]);
    }
    let event = EventData::json("MarksStored", &stored)
        .map_err(|error| Error::Unstorable(format!("KurrentDB: {error}")))?;
    Ok(event.id(uuid::Builder::from_custom_bytes(id).into_uuid()))
}

fn stored(mark: &Mark) -> StoredMark {
    let at = mark.at.unwrap_or(At {
        commit: 0,
        prepare: 0,
    });
    StoredMark {
        position: mark.tip.position,
        commit: at.commit,
        prepare: at.prepare,
        recorded_at: mark.tip.recorded_at,
        hash: hex::encode(mark.tip.hash),
    }
}

/// Stores the marks as they come.
pub(super) struct Keeper {
    pub(super) link: Arc<Link>,
    pub(super) names: Names,
    pub(super) order: Arc<Order>,
    pub(super) closing: watch::Receiver<bool>,
    /// How many events the index has.
    pub(super) stored: u64,
}

impl Keeper {
    /// How many events hold these marks.
    pub(super) fn events(marks: &[Mark]) -> u64 {
        ((marks.len() - 1) / MARKS) as u64
    }

    /// Stores until the journal closes.
    pub(super) async fn run(mut self) {
        let mut end = self.order.watch();
        let mut closing = self.closing.clone();
        loop {
            let next = (self.stored + 1) * MARKS as u64 * SEGMENT;
            tokio::select! {
                () = closed(&mut closing) => return,
                reached = end.wait_for(|end| end.tip.position >= next) => {
                    if reached.is_err() {
                        return;
                    }
                }
            }
            if let Err(error) = self.store().await {
                tracing::warn!(%error, "the marks up to position {next} could not be stored yet");
                tokio::select! {
                    () = closed(&mut closing) => return,
                    () = tokio::time::sleep(PAUSE) => {}
                }
            }
            if self.order.is_sound().is_err() {
                return;
            }
        }
    }

    /// Stores the next marks, or finds that another node has.
    async fn store(&mut self) -> Result<(), Error> {
        let first = 1 + self.stored as usize * MARKS;
        let marks = self.order.marks(first, MARKS);
        let name = self.names.index();
        let wrote = self
            .link
            .append(&name, self.stored, &[event(&marks)?])
            .await?;
        if wrote == Wrote::Refused {
            let position = first as u64 * SEGMENT;
            let there = self.link.read(&name, self.stored, 1).await?;
            let there = there.first().and_then(|it| parse(&it.data, position));
            if there.as_deref() != Some(&*marks) {
                let reason = format!(
                    "event {} of {name}, by another node, is not what this node has derived",
                    self.stored
                );
                tracing::error!(position, reason, "the order cannot be continued");
                self.order.give_up(position, reason);
                return Ok(());
            }
        }
        self.stored += 1;
        Ok(())
    }
}
