//! Removing what belongs to a connection or a project, and what it leaves.

use crate::Error;
use crate::db::{Bulk, Column, Database, number};

/// Whose scopes are dropped.
#[derive(Clone, Debug)]
pub(crate) enum Whose {
    Project(String),
    Connection(String, String, String),
}

/// Rows that are removed in one transaction.
const PORTION: i64 = 5_000;

/// Notes lives of which nothing is to stay.
const NOTE: Bulk = Bulk {
    sqlite: "INSERT INTO sweeps (scope, history) VALUES (?1, 1)
         ON CONFLICT (scope) DO UPDATE SET history = 1",
    postgres: "INSERT INTO sweeps (scope, history) SELECT *, 1 FROM unnest(?1::bigint[])
         ON CONFLICT (scope) DO UPDATE SET history = 1",
};

/// Makes scopes unfindable, at once and for every time; [`sweep`] removes what
/// they hold. Returns how many records they had that were not deleted.
pub(crate) fn detach(db: &mut dyn Database, whose: &Whose) -> Result<u64, Error> {
    let (sql, values) = match whose {
        Whose::Project(project) => (
            "DELETE FROM scopes WHERE project = ?1
             RETURNING id, CASE WHEN closed_at IS NULL THEN live ELSE 0 END",
            vec![project.as_str().into()],
        ),
        Whose::Connection(project, integration, connection) => (
            "DELETE FROM scopes WHERE project = ?1 AND integration = ?2 AND connection = ?3
             RETURNING id, CASE WHEN closed_at IS NULL THEN live ELSE 0 END",
            [project, integration, connection]
                .map(|name| name.as_str().into())
                .to_vec(),
        ),
    };
    let (mut scopes, mut live) = (Vec::new(), 0);
    db.query(sql, &values, &mut |row| {
        scopes.push(row.integer(0)?);
        live += row.integer(1)?.max(0) as u64;
        Ok(())
    })?;
    db.execute_all(&NOTE, &[], &[Column::Integers(scopes)])?;
    if let Whose::Project(project) = whose {
        let of = [project.as_str().into()];
        db.execute("DELETE FROM locks WHERE project = ?1", &of)?;
    }
    Ok(live)
}

/// Whether there is anything to be removed.
pub(crate) fn is_unclean(db: &mut dyn Database) -> Result<bool, Error> {
    let first = number(db, "SELECT scope FROM sweeps LIMIT 1", &[])?;
    Ok(first.is_some())
}

/// Removes a portion of what is to be removed; false: there is nothing left.
pub(crate) fn sweep(db: &mut dyn Database) -> Result<bool, Error> {
    let mut next = None;
    let first = "SELECT scope, history FROM sweeps ORDER BY scope LIMIT 1";
    db.query(first, &[], &mut |row| {
        next = Some((row.integer(0)?, row.integer(1)?));
        Ok(())
    })?;
    let Some((scope, history)) = next else {
        return Ok(false);
    };
    let values = [scope.into(), PORTION.into()];
    let mut removed = db.execute(
        "DELETE FROM seen WHERE scope = ?1
             AND record IN (SELECT record FROM seen WHERE scope = ?1 LIMIT ?2)",
        &values,
    )?;
    if removed == 0 && history != 0 {
        removed = db.execute(
            "DELETE FROM changes
             WHERE number IN (SELECT number FROM changes WHERE scope = ?1 LIMIT ?2)",
            &values,
        )?;
    }
    if removed == 0 {
        // More may have been asked for in the meantime.
        db.execute(
            "DELETE FROM sweeps WHERE scope = ?1 AND history = ?2",
            &[scope.into(), history.into()],
        )?;
    }
    Ok(true)
}
