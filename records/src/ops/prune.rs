//! Taking the content of records away that have been fetched.

use super::{changes, lives};
use crate::db::Database;
use crate::{Cursor, Error, Scope};

/// See [`crate::Records::prune`].
pub(crate) fn prune(
    db: &mut dyn Database,
    now: i64,
    scope: &Scope,
    until: Cursor,
    limit: usize,
) -> Result<(u64, bool), Error> {
    let Some(life) = lives::lock(db, scope)? else {
        return Ok((0, false));
    };
    let mut numbers = Vec::new();
    db.query(
        "SELECT number FROM changes
         WHERE scope = ?1 AND superseded_at IS NULL AND (modified_at, uuid) <= (?2, ?3)
             AND pruned_at IS NULL
         ORDER BY modified_at, uuid LIMIT ?4",
        &[
            life.id.into(),
            until.modified_at.into(),
            until.uuid.as_bytes()[..].into(),
            (limit as i64 + 1).into(),
        ],
        &mut |row| {
            numbers.push(row.integer(0)?);
            Ok(())
        },
    )?;
    let has_more = numbers.len() > limit;
    numbers.truncate(limit);
    let count = numbers.len();
    if count > 0 {
        let turn = life.turn(db, count, now)?;
        changes::prune(db, turn, numbers)?;
        life.touch(db, turn.at, 0)?;
    }
    Ok((count as u64, has_more))
}
