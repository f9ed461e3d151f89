//! Saving a page.

use std::collections::HashMap;

use uuid::{ContextV7, Timestamp, Uuid};

use super::changes::{self, Contents};
use super::decide::{Plan, decide};
use super::lives::{self, Life};
use crate::db::Database;
use crate::model::{Action, Counts, Entry, Merging, Mode};
use crate::{Error, Scope};

/// See [`crate::Records::save`]. One with [`Mode::Save`] has an entry at least.
pub(crate) fn save(
    db: &mut dyn Database,
    now: i64,
    scope: &Scope,
    job: &str,
    entries: &[Entry],
    (mode, merging): (Mode, Merging),
) -> Result<Counts, Error> {
    let life = match mode {
        Mode::Save => Some(lives::lock_or_open(db, scope)?),
        Mode::Update | Mode::Replace => lives::lock(db, scope)?,
    };
    let Some(life) = life else {
        return Ok(decide(entries, &HashMap::new(), mode, merging)?.counts);
    };
    let ids = entries.iter().map(|entry| entry.id.as_str()).collect();
    let known = changes::current(db, life.id, ids, mode == Mode::Update)?;
    let plan = decide(entries, &known, mode, merging)?;
    if plan.changes.is_empty() && plan.seen.is_empty() {
        return Ok(plan.counts);
    }
    write(db, now, life, job, plan)
}

fn write(
    db: &mut dyn Database,
    now: i64,
    life: Life,
    job: &str,
    plan: Plan<'_>,
) -> Result<Counts, Error> {
    let turn = life.turn(db, plan.changes.len(), now)?;
    let uuids = uuids(&plan, turn.at);
    let mut contents = Contents::default();
    let mut closed = Vec::new();
    let mut seen = plan.seen;
    for (index, (change, uuid)) in plan.changes.iter().zip(&uuids).enumerate() {
        let number = turn.change(index);
        let record = change.old.map_or(number, |old| old.record);
        contents.numbers.push(number);
        contents.records.push(record);
        contents.ids.push(change.id);
        contents.uuids.push(uuid);
        contents.actions.push(change.action.number());
        let first = change.old.map_or(turn.at, |old| old.first_seen_at);
        contents.first_seen_at.push(first);
        contents.hashes.push(&change.hash[..]);
        contents.payloads.push(&change.payload);
        closed.extend(change.old.map(|old| old.number));
        seen.push(record);
    }
    let added = plan.changes.iter();
    let added = added
        .filter(|change| change.action == Action::Added)
        .count();
    let changed = !contents.numbers.is_empty();
    changes::insert(db, life.id, turn.at, job, contents)?;
    changes::close(db, turn.at, closed)?;
    changes::see(db, life.id, turn.number, job, seen)?;
    if changed {
        life.touch(db, turn.at, added as i64)?;
    }
    Ok(plan.counts)
}

/// The uuids of the changed records. New ones are of version 7 and grow in the
/// order of the page, so that the page is listed in it.
fn uuids(plan: &Plan<'_>, at: i64) -> Vec<[u8; 16]> {
    let context = ContextV7::new();
    let millis = at.max(0) as u64;
    let (seconds, nanos) = (millis / 1000, (millis % 1000) as u32 * 1_000_000);
    let uuid = || Uuid::new_v7(Timestamp::from_unix(&context, seconds, nanos)).into_bytes();
    let of = |change: &super::decide::Change<'_>| change.old.map_or_else(uuid, |old| old.uuid);
    plan.changes.iter().map(of).collect()
}
