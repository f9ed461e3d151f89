//! Deleting records, which keeps them and says that they are deleted.

use std::collections::{HashMap, HashSet};

use super::changes;
use super::lives;
use crate::db::{Bulk, Column, Database};
use crate::model::{Action, Counts, Unseen};
use crate::{Cursor, Error, Scope};

/// See [`crate::Records::delete`]. With `unseen`, only those that it names; the
/// others count as unchanged.
pub(crate) fn delete(
    db: &mut dyn Database,
    now: i64,
    scope: &Scope,
    job: &str,
    ids: &[String],
    unseen: Option<&Unseen>,
) -> Result<(Counts, Vec<String>), Error> {
    let mut counts = Counts::default();
    let Some(life) = lives::lock(db, scope)? else {
        counts.unknown = ids.to_vec();
        return Ok((counts, Vec::new()));
    };
    let wanted = ids.iter().map(String::as_str).collect();
    let known = changes::current(db, life.id, wanted, false)?;
    let seen = match unseen {
        None => HashSet::new(),
        Some(unseen) => {
            let records = known.values().map(|current| current.record).collect();
            seen(db, life.id, records, unseen)?
        }
    };
    let mut given = HashSet::with_capacity(ids.len());
    let (mut old, mut deleted) = (Vec::new(), Vec::new());
    for id in ids {
        if !given.insert(id) {
            counts.duplicates.push(id.clone());
            continue;
        }
        match known.get(id) {
            None => counts.unknown.push(id.clone()),
            Some(current) if current.action == Action::Deleted => counts.unchanged += 1,
            Some(current) if seen.contains(&current.record) => counts.unchanged += 1,
            Some(current) => {
                counts.deleted += 1;
                old.push(current.number);
                deleted.push(id.clone());
            }
        }
    }
    if !old.is_empty() {
        let turn = life.turn(db, old.len(), now)?;
        let fewer = -(old.len() as i64);
        changes::delete(db, turn, job, old)?;
        life.touch(db, turn.at, fewer)?;
    }
    Ok((counts, deleted))
}

const SEEN: Bulk = Bulk {
    sqlite: "SELECT record, number, job FROM seen WHERE scope = ?1 AND record = ?2",
    postgres: "SELECT record, number, job FROM seen WHERE scope = ?1 AND record = ANY(?2::bigint[])",
};

/// Which of the records were saved as `unseen` asks for.
fn seen(
    db: &mut dyn Database,
    scope: i64,
    records: Vec<i64>,
    unseen: &Unseen,
) -> Result<HashSet<i64>, Error> {
    let mut last = HashMap::with_capacity(records.len());
    let columns = [Column::Integers(records)];
    db.query_all(&SEEN, &[scope.into()], &columns, &mut |row| {
        let is_seen = match unseen {
            Unseen::Since(mark) => row.integer(1)? > *mark,
            Unseen::NotBy(job) => row.text(2)? == job,
        };
        last.insert(row.integer(0)?, is_seen);
        Ok(())
    })?;
    let seen = last.into_iter().filter(|(_, is_seen)| *is_seen);
    Ok(seen.map(|(record, _)| record).collect())
}

/// Part of a search for records that were not seen.
pub(crate) struct Part {
    pub ids: Vec<String>,
    /// Where the search goes on.
    pub next: Cursor,
}

/// The next records after a place that are not deleted and were not seen; those
/// that changed after `until` are left out.
pub(crate) fn find_unseen(
    db: &mut dyn Database,
    scope: i64,
    unseen: &Unseen,
    after: Cursor,
    until: i64,
    limit: usize,
) -> Result<Part, Error> {
    let sql = match unseen {
        Unseen::Since(_) => {
            "SELECT changes.id, changes.modified_at, changes.uuid
             FROM changes LEFT JOIN seen
                 ON seen.scope = changes.scope AND seen.record = changes.record
             WHERE changes.scope = ?1 AND changes.superseded_at IS NULL
                 AND (changes.modified_at, changes.uuid) > (?2, ?3)
                 AND changes.modified_at <= ?4 AND changes.action <> 3
                 AND coalesce(seen.number, 0) <= ?6
             ORDER BY changes.modified_at, changes.uuid LIMIT ?5"
        }
        Unseen::NotBy(_) => {
            "SELECT changes.id, changes.modified_at, changes.uuid
             FROM changes LEFT JOIN seen
                 ON seen.scope = changes.scope AND seen.record = changes.record
             WHERE changes.scope = ?1 AND changes.superseded_at IS NULL
                 AND (changes.modified_at, changes.uuid) > (?2, ?3)
                 AND changes.modified_at <= ?4 AND changes.action <> 3
                 AND coalesce(seen.job, '') <> ?6
             ORDER BY changes.modified_at, changes.uuid LIMIT ?5"
        }
    };
    let mark = match unseen {
        Unseen::Since(mark) => (*mark).into(),
        Unseen::NotBy(job) => job.as_str().into(),
    };
    let values = [
        scope.into(),
        after.modified_at.into(),
        after.uuid.as_bytes()[..].into(),
        until.into(),
        (limit as i64).into(),
        mark,
    ];
    let mut part = Part {
        ids: Vec::new(),
        next: after,
    };
    db.query(sql, &values, &mut |row| {
        part.ids.push(row.text(0)?.to_owned());
        part.next = Cursor {
            modified_at: row.integer(1)?,
            uuid: uuid::Uuid::from_bytes(row.bytes(2)?),
        };
        Ok(())
    })?;
    Ok(part)
}
