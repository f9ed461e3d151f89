//! Folded states of streams.

use sqlx::Row;
use sqlx::postgres::PgPool;

use super::rows::signed;
use crate::{Sequence, StreamId};

/// The snapshot, if it fits the stream: a journal that was restored from a
/// backup may be behind snapshots that were not.
pub(super) async fn load(
    pool: &PgPool,
    stream: &StreamId,
    fold_version: u32,
) -> sqlx::Result<Option<(Sequence, Vec<u8>)>> {
    let row = sqlx::query(
        "SELECT s.sequence, s.state FROM stream_snapshots s
         WHERE s.aggregate_type = $1 AND s.aggregate_id = $2 AND s.fold_version = $3
           AND s.sequence <= (
               SELECT e.sequence FROM events e
               WHERE e.aggregate_type = $1 AND e.aggregate_id = $2 AND e.position IS NOT NULL
               ORDER BY e.sequence DESC LIMIT 1
           )",
    )
    .bind(&*stream.kind)
    .bind(&*stream.key)
    .bind(i64::from(fold_version))
    .fetch_optional(pool)
    .await?;
    row.map(|row| Ok((row.try_get::<i64, _>(0)? as u64, row.try_get(1)?)))
        .transpose()
}

/// Keeps a snapshot unless a later one of the same fold is there already.
/// Does not wait for the disk.
pub(super) async fn save(
    pool: &PgPool,
    stream: &StreamId,
    fold_version: u32,
    sequence: Sequence,
    state: &[u8],
) -> sqlx::Result<()> {
    let saved = sqlx::query(
        "INSERT INTO stream_snapshots (aggregate_type, aggregate_id, fold_version, sequence, state)
         SELECT $1, $2, $3, $4, $5 WHERE set_config('synchronous_commit', 'off', true) = 'off'
         ON CONFLICT (aggregate_type, aggregate_id, fold_version)
         DO UPDATE SET sequence = excluded.sequence, state = excluded.state
         WHERE excluded.sequence >= stream_snapshots.sequence",
    )
    .bind(&*stream.kind)
    .bind(&*stream.key)
    .bind(i64::from(fold_version))
    .bind(signed(sequence))
    .bind(state)
    .execute(pool);
    saved.await.map(|_| ())
}
