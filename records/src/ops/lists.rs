//! Reading records, as they are or were.

use uuid::Uuid;

use super::lives;
use crate::db::{Bulk, Column, Database, Either, Row, Value, number};
use crate::model::{Action, Page, Query, Record};
use crate::{Cursor, Error, MOST, Scope};

/// The columns in the order in which [`record`] reads them.
macro_rules! columns {
    () => {
        "id, uuid, action, first_seen_at, modified_at, pruned_at, payload"
    };
}

/// What lists of now and of then have in common: of a scope, after a place, with
/// a last action of a set.
macro_rules! wanted {
    () => {
        "scope = ?1 AND (modified_at, uuid) > (?2, ?3) AND ((?4 >> CAST(action AS integer)) & 1) = 1"
    };
}

const NOW: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM changes WHERE ",
    wanted!(),
    " AND superseded_at IS NULL ORDER BY modified_at, uuid LIMIT ?5"
);

macro_rules! current_then {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM changes WHERE ",
            wanted!(),
            " AND superseded_at IS NULL AND at <= ?6"
        )
    };
}

macro_rules! superseded_since {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM changes WHERE ",
            wanted!(),
            " AND superseded_at > ?6 AND at <= ?6"
        )
    };
}

/// What is current may have been so then; what is not may have been so too. Each
/// has its index, and SQLite merges the two as it reads. PostgreSQL is told to
/// take no more of either than the page can hold, or it may sort all.
const THEN: Either = Either {
    sqlite: concat!(
        current_then!(),
        " UNION ALL ",
        superseded_since!(),
        " ORDER BY modified_at, uuid LIMIT ?5"
    ),
    postgres: concat!(
        "(",
        current_then!(),
        " ORDER BY modified_at, uuid LIMIT ?5) UNION ALL (",
        superseded_since!(),
        " ORDER BY modified_at, uuid LIMIT ?5) ORDER BY modified_at, uuid LIMIT ?5"
    ),
};

/// See [`crate::Records::list`].
pub(crate) fn list(db: &mut dyn Database, scope: &Scope, query: &Query) -> Result<Page, Error> {
    let limit = query.limit.clamp(1, MOST);
    let mut records = Vec::new();
    if let Some(life) = lives::find(db, scope, query.as_of)? {
        let after = after(query);
        records = match &query.ids {
            None => walk(db, life.id, query, after, limit)?,
            Some(ids) => {
                let mut records = by_id(db, life.id, ids, query.as_of)?;
                let wanted = actions(query);
                records.retain(|record| {
                    record.cursor() > after && wanted >> record.last_action.number() & 1 == 1
                });
                records.sort_unstable_by_key(Record::cursor);
                records
            }
        };
    }
    let has_more = records.len() > limit;
    records.truncate(limit);
    let last = records.last().filter(|_| has_more);
    Ok(Page {
        next_cursor: last.map(Record::cursor),
        records,
    })
}

/// The later of the two places that a query begins after.
fn after(query: &Query) -> Cursor {
    let time = query.modified_after.map(|modified_at| Cursor {
        modified_at,
        uuid: Uuid::max(),
    });
    query.cursor.max(time).unwrap_or(Cursor::START)
}

/// A set of actions: a bit for the number of each.
fn actions(query: &Query) -> i64 {
    let bits = query.filter.iter().map(|action| 1 << action.number());
    match bits.fold(0, |all, bit| all | bit) {
        0 => i64::MAX,
        some => some,
    }
}

fn walk(
    db: &mut dyn Database,
    scope: i64,
    query: &Query,
    after: Cursor,
    limit: usize,
) -> Result<Vec<Record>, Error> {
    let mut values = vec![
        scope.into(),
        after.modified_at.into(),
        Value::Bytes(after.uuid.as_bytes()),
        actions(query).into(),
        (limit as i64 + 1).into(),
    ];
    let mut sql = NOW;
    if let Some(at) = query.as_of {
        values.push(at.into());
        sql = db.of(&THEN);
    }
    let mut records = Vec::new();
    db.query(sql, &values, &mut |row| {
        records.push(record(row)?);
        Ok(())
    })?;
    Ok(records)
}

/// The version of a record at a time; it may have been closed before.
const BY_ID: Bulk = Bulk {
    sqlite: concat!(
        "SELECT ",
        columns!(),
        " FROM changes WHERE scope = ?1 AND at <= ?2 AND id = ?3 ORDER BY at DESC LIMIT 1"
    ),
    postgres: concat!(
        "SELECT found.* FROM unnest(?3::text[]) AS wanted (name) CROSS JOIN LATERAL (SELECT ",
        columns!(),
        " FROM changes WHERE scope = ?1 AND at <= ?2 AND id = wanted.name
             ORDER BY at DESC LIMIT 1) AS found"
    ),
};

fn by_id(
    db: &mut dyn Database,
    scope: i64,
    ids: &[String],
    as_of: Option<i64>,
) -> Result<Vec<Record>, Error> {
    let mut ids: Vec<_> = ids.iter().map(String::as_str).collect();
    ids.sort_unstable();
    ids.dedup();
    let shared = [scope.into(), as_of.unwrap_or(i64::MAX).into()];
    let mut records = Vec::with_capacity(ids.len());
    db.query_all(&BY_ID, &shared, &[Column::Texts(ids)], &mut |row| {
        records.push(record(row)?);
        Ok(())
    })?;
    Ok(records)
}

/// See [`crate::Records::get`].
pub(crate) fn get(
    db: &mut dyn Database,
    scope: &Scope,
    ids: &[String],
) -> Result<Vec<Record>, Error> {
    match lives::find(db, scope, None)? {
        Some(life) => by_id(db, life.id, ids, None),
        None => Ok(Vec::new()),
    }
}

/// See [`crate::Records::count`].
pub(crate) fn count(
    db: &mut dyn Database,
    scope: &Scope,
    as_of: Option<i64>,
) -> Result<u64, Error> {
    let Some(life) = lives::find(db, scope, as_of)? else {
        return Ok(0);
    };
    let Some(at) = as_of else {
        return Ok(life.live.max(0) as u64);
    };
    let of = [
        "SELECT count(*) FROM changes
         WHERE scope = ?1 AND superseded_at IS NULL AND at <= ?2 AND action <> 3",
        "SELECT count(*) FROM changes
         WHERE scope = ?1 AND superseded_at > ?2 AND at <= ?2 AND action <> 3",
    ];
    let mut total = 0;
    for sql in of {
        let found = number(db, sql, &[life.id.into(), at.into()])?;
        total += found.unwrap_or(0).max(0) as u64;
    }
    Ok(total)
}

fn record(row: &dyn Row) -> Result<Record, Error> {
    let last_action = Action::from_number(row.integer(2)?)?;
    let last_modified_at = row.integer(4)?;
    Ok(Record {
        id: row.text(0)?.to_owned(),
        uuid: Uuid::from_bytes(row.bytes(1)?),
        payload: row.maybe_bytes(6)?.map(<[u8]>::to_vec),
        first_seen_at: row.integer(3)?,
        last_modified_at,
        last_action,
        deleted_at: (last_action == Action::Deleted).then_some(last_modified_at),
        pruned_at: row.maybe_integer(5)?,
    })
}
