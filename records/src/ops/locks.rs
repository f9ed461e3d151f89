//! Locks that functions take.

use crate::Error;
use crate::db::Database;

/// See [`crate::Records::acquire`].
pub(crate) fn acquire(
    db: &mut dyn Database,
    project: &str,
    key: &str,
    owner: &str,
    expires_at: i64,
    now: i64,
) -> Result<bool, Error> {
    let taken = db.execute(
        "INSERT INTO locks (project, key, owner, expires_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (project, key) DO UPDATE
             SET owner = excluded.owner, expires_at = excluded.expires_at
             WHERE locks.owner = excluded.owner OR locks.expires_at <= ?5",
        &[
            project.into(),
            key.into(),
            owner.into(),
            expires_at.into(),
            now.into(),
        ],
    )?;
    Ok(taken > 0)
}

/// See [`crate::Records::release`].
pub(crate) fn release(
    db: &mut dyn Database,
    project: &str,
    key: &str,
    owner: &str,
) -> Result<bool, Error> {
    let given = db.execute(
        "DELETE FROM locks WHERE project = ?1 AND key = ?2 AND owner = ?3",
        &[project.into(), key.into(), owner.into()],
    )?;
    Ok(given > 0)
}

/// See [`crate::Records::release_all`].
pub(crate) fn release_all(db: &mut dyn Database, owner: &str) -> Result<u64, Error> {
    db.execute("DELETE FROM locks WHERE owner = ?1", &[owner.into()])
}
