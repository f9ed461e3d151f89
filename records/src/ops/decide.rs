//! What saving a page means, given what is there. Pure.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::changes::Current;
use crate::Error;
use crate::hash::content_hash;
use crate::merge::merge;
use crate::model::{Action, Counts, Entry, Merging, Mode};

/// New content of a record.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    pub id: &'a str,
    /// None: the record was never there.
    pub old: Option<&'a Current>,
    pub action: Action,
    pub payload: Cow<'a, [u8]>,
    pub hash: Cow<'a, [u8; 32]>,
}

/// What a page comes to.
#[derive(Debug, Default)]
pub(crate) struct Plan<'a> {
    pub counts: Counts,
    pub changes: Vec<Change<'a>>,
    /// Records that were saved and did not change.
    pub seen: Vec<i64>,
}

/// Decides on a page; `known` are the records that were ever there, with their
/// content if they are to be merged into.
pub(crate) fn decide<'a>(
    entries: &'a [Entry],
    known: &'a HashMap<String, Current>,
    mode: Mode,
    merging: Merging,
) -> Result<Plan<'a>, Error> {
    let mut plan = Plan::default();
    let mut given = HashSet::with_capacity(entries.len());
    for entry in entries {
        if !given.insert(entry.id.as_str()) {
            plan.counts.duplicates.push(entry.id.clone());
            continue;
        }
        let old = known.get(&entry.id);
        let is_deleted = old.is_some_and(|old| old.action == Action::Deleted);
        if mode != Mode::Save && (old.is_none() || is_deleted) {
            plan.counts.unknown.push(entry.id.clone());
            continue;
        }
        if let Some(old) = old
            && stays(old, merging)
        {
            plan.keep(old);
            continue;
        }
        let (payload, hash) = match old {
            Some(old) if mode == Mode::Update => merged(entry, old)?,
            _ => (entry.payload.as_slice().into(), Cow::Borrowed(&entry.hash)),
        };
        match old {
            Some(old) if !is_deleted && old.hash == *hash => {
                plan.keep(old);
                continue;
            }
            Some(_) if !is_deleted => plan.counts.updated += 1,
            _ => plan.counts.added += 1,
        }
        let is_new = old.is_none() || is_deleted;
        plan.changes.push(Change {
            id: &entry.id,
            old,
            action: if is_new {
                Action::Added
            } else {
                Action::Updated
            },
            payload,
            hash,
        });
    }
    Ok(plan)
}

impl Plan<'_> {
    fn keep(&mut self, old: &Current) {
        self.counts.unchanged += 1;
        self.seen.push(old.record);
    }
}

fn stays(old: &Current, merging: Merging) -> bool {
    match merging {
        Merging::Override => false,
        Merging::IgnoreIfModifiedAfter(time) => old.modified_at > time,
    }
}

type Content<'a> = (Cow<'a, [u8]>, Cow<'a, [u8; 32]>);

fn merged<'a>(entry: &'a Entry, old: &Current) -> Result<Content<'a>, Error> {
    let object = |bytes: &[u8]| match serde_json::from_slice(bytes) {
        Ok(value @ Value::Object(_)) => Ok(value),
        _ => Err(Error::NotObject {
            id: entry.id.clone(),
        }),
    };
    let patch = object(&entry.payload)?;
    let Some(payload) = &old.payload else {
        return Ok((entry.payload.as_slice().into(), Cow::Borrowed(&entry.hash)));
    };
    let mut value = object(payload)?;
    merge(&mut value, patch);
    let hash = content_hash(&value);
    Ok((value.to_string().into_bytes().into(), Cow::Owned(hash)))
}
