//! The rows of the table `changes` as writes see them: looking them up by id,
//! adding and closing them.

use std::collections::HashMap;

use super::head::Turn;
use crate::Error;
use crate::db::{Bulk, Column, Database};
use crate::model::Action;

/// The newest change of a record, which says how it is now.
#[derive(Clone, Debug)]
pub(crate) struct Current {
    pub number: i64,
    pub record: i64,
    pub uuid: [u8; 16],
    pub action: Action,
    pub first_seen_at: i64,
    pub modified_at: i64,
    pub hash: [u8; 32],
    /// Only where it was asked for.
    pub payload: Option<Vec<u8>>,
}

macro_rules! look_up {
    ($payload:literal) => {
        Bulk {
            sqlite: concat!(
                "SELECT id, number, record, uuid, action, first_seen_at, modified_at, hash, ",
                $payload,
                " FROM changes WHERE scope = ?1 AND id = ?2 ORDER BY at DESC LIMIT 1"
            ),
            postgres: concat!(
                "SELECT found.* FROM unnest(?2::text[]) AS wanted (id) CROSS JOIN LATERAL (
                     SELECT id, number, record, uuid, action, first_seen_at, modified_at, hash, ",
                $payload,
                " FROM changes WHERE scope = ?1 AND changes.id = wanted.id
                     ORDER BY at DESC LIMIT 1
                 ) AS found"
            ),
        }
    };
}

const LOOK_UP: Bulk = look_up!("CAST(NULL AS bytea)");
const LOOK_UP_ALL: Bulk = look_up!("payload");

/// The records with these ids that were ever there.
pub(crate) fn current(
    db: &mut dyn Database,
    scope: i64,
    ids: Vec<&str>,
    with_payload: bool,
) -> Result<HashMap<String, Current>, Error> {
    let sql = if with_payload { LOOK_UP_ALL } else { LOOK_UP };
    let mut found = HashMap::with_capacity(ids.len());
    db.query_all(&sql, &[scope.into()], &[Column::Texts(ids)], &mut |row| {
        let current = Current {
            number: row.integer(1)?,
            record: row.integer(2)?,
            uuid: row.bytes(3)?,
            action: Action::from_number(row.integer(4)?)?,
            first_seen_at: row.integer(5)?,
            modified_at: row.integer(6)?,
            hash: row.bytes(7)?,
            payload: row.maybe_bytes(8)?.map(<[u8]>::to_vec),
        };
        found.insert(row.text(0)?.to_owned(), current);
        Ok(())
    })?;
    Ok(found)
}

/// New content of records, column by column.
#[derive(Default)]
pub(crate) struct Contents<'a> {
    pub numbers: Vec<i64>,
    pub records: Vec<i64>,
    pub ids: Vec<&'a str>,
    pub uuids: Vec<&'a [u8]>,
    pub actions: Vec<i64>,
    pub first_seen_at: Vec<i64>,
    pub hashes: Vec<&'a [u8]>,
    pub payloads: Vec<&'a [u8]>,
}

const INSERT: Bulk = Bulk {
    sqlite: "INSERT INTO changes (scope, at, modified_at, job, number, record, id, uuid, action,
             first_seen_at, hash, payload)
         VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    postgres: "INSERT INTO changes (scope, at, modified_at, job, number, record, id, uuid, action,
             first_seen_at, hash, payload)
         SELECT ?1, ?2, ?2, ?3, * FROM unnest(?4::bigint[], ?5::bigint[], ?6::text[], ?7::bytea[],
             ?8::bigint[], ?9::bigint[], ?10::bytea[], ?11::bytea[])",
};

/// Adds changes that give records new content.
pub(crate) fn insert(
    db: &mut dyn Database,
    scope: i64,
    at: i64,
    job: &str,
    contents: Contents<'_>,
) -> Result<(), Error> {
    db.execute_all(
        &INSERT,
        &[scope.into(), at.into(), job.into()],
        &[
            Column::Integers(contents.numbers),
            Column::Integers(contents.records),
            Column::Texts(contents.ids),
            Column::Bytes(contents.uuids),
            Column::Integers(contents.actions),
            Column::Integers(contents.first_seen_at),
            Column::Bytes(contents.hashes),
            Column::Bytes(contents.payloads),
        ],
    )
}

const CLOSE: Bulk = Bulk {
    sqlite: "UPDATE changes SET superseded_at = ?1 WHERE number = ?2",
    postgres: "UPDATE changes SET superseded_at = ?1 WHERE number = ANY(?2::bigint[])",
};

/// Closes the versions that these changes began.
pub(crate) fn close(db: &mut dyn Database, at: i64, numbers: Vec<i64>) -> Result<(), Error> {
    db.execute_all(&CLOSE, &[at.into()], &[Column::Integers(numbers)])
}

const DELETE: Bulk = Bulk {
    sqlite: "INSERT INTO changes (number, scope, record, id, uuid, action, at, first_seen_at,
             modified_at, pruned_at, job, hash, payload)
         SELECT ?4, scope, record, id, uuid, 3, ?1, first_seen_at, ?1, pruned_at, ?2, hash, payload
         FROM changes WHERE number = ?3",
    postgres: "INSERT INTO changes (number, scope, record, id, uuid, action, at, first_seen_at,
             modified_at, pruned_at, job, hash, payload)
         SELECT step.new, scope, record, id, uuid, 3, ?1, first_seen_at, ?1, pruned_at, ?2, hash,
             payload
         FROM unnest(?3::bigint[], ?4::bigint[]) AS step (old, new)
             JOIN changes ON changes.number = step.old",
};

/// Marks the records of these newest changes as deleted; they keep what they
/// hold.
pub(crate) fn delete(
    db: &mut dyn Database,
    turn: Turn,
    job: &str,
    old: Vec<i64>,
) -> Result<(), Error> {
    follow(db, &DELETE, &[turn.at.into(), job.into()], turn, old)
}

const PRUNE: Bulk = Bulk {
    sqlite: "INSERT INTO changes (number, scope, record, id, uuid, action, at, first_seen_at,
             modified_at, pruned_at, job, hash)
         SELECT ?3, scope, record, id, uuid, action, ?1, first_seen_at, modified_at, ?1, job, hash
         FROM changes WHERE number = ?2",
    postgres: "INSERT INTO changes (number, scope, record, id, uuid, action, at, first_seen_at,
             modified_at, pruned_at, job, hash)
         SELECT step.new, scope, record, id, uuid, action, ?1, first_seen_at, modified_at, ?1, job,
             hash
         FROM unnest(?2::bigint[], ?3::bigint[]) AS step (old, new)
             JOIN changes ON changes.number = step.old",
};

/// Takes the content of the records of these newest changes away; everything
/// else stays as it is.
pub(crate) fn prune(db: &mut dyn Database, turn: Turn, old: Vec<i64>) -> Result<(), Error> {
    follow(db, &PRUNE, &[turn.at.into()], turn, old)
}

fn follow(
    db: &mut dyn Database,
    sql: &Bulk,
    shared: &[crate::db::Value<'_>],
    turn: Turn,
    old: Vec<i64>,
) -> Result<(), Error> {
    let new = (0..old.len()).map(|index| turn.change(index)).collect();
    let columns = [Column::Integers(old.clone()), Column::Integers(new)];
    db.execute_all(sql, shared, &columns)?;
    close(db, turn.at, old)
}

const SEE: Bulk = Bulk {
    sqlite: "INSERT INTO seen (scope, number, job, record) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (scope, record) DO UPDATE SET number = excluded.number, job = excluded.job",
    postgres: "INSERT INTO seen (scope, number, job, record)
         SELECT ?1, ?2, ?3, * FROM unnest(?4::bigint[])
         ON CONFLICT (scope, record) DO UPDATE SET number = excluded.number, job = excluded.job",
};

/// Notes that records were saved, changed or not.
pub(crate) fn see(
    db: &mut dyn Database,
    scope: i64,
    number: i64,
    job: &str,
    records: Vec<i64>,
) -> Result<(), Error> {
    let shared = [scope.into(), number.into(), job.into()];
    db.execute_all(&SEE, &shared, &[Column::Integers(records)])
}
