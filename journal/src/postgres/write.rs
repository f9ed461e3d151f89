//! The statements that append.

use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::query::Query;
use sqlx::{Postgres, Row};
use uuid::Uuid;

use super::rows::signed;
use crate::batch::{Plan, Tip};
use crate::{Event, Metadata, Position};

/// What listeners hear: which node appended, and where the end of the order is.
pub(super) const CHANNEL: &str = "strata_journal";

/// Moves the end of the order, if it is where it was seen. Everything else in
/// the same statement happens only then.
macro_rules! if_moved {
    ($rest:literal) => {
        concat!(
            "WITH moved AS (
                 UPDATE head SET position = $1, hash = $2, recorded_at = $3
                 WHERE position = $4 AND hash = $5 RETURNING position
             ), told AS (
                 SELECT pg_notify('strata_journal', $6) FROM moved
             ), ",
            $rest
        )
    };
}

/// Writes a batch. Alone it is a transaction of its own: one round trip, one
/// flush. It does nothing and returns false when the end of the order is not
/// at `before`.
pub(super) async fn append(
    connection: &mut PgConnection,
    node: &str,
    before: Tip,
    plan: &Plan,
) -> sqlx::Result<bool> {
    let statement = if_moved!(
        "written AS (
             INSERT INTO events (
                 position, recorded_at, event_id, command_id, actor, correlation_id,
                 causation_id, request_id, project, previous_hash, hash, aggregate_type,
                 aggregate_id, sequence, event_type, event_version, payload, metadata,
                 has_metadata, arrived_at
             )
             SELECT e.position, e.recorded_at, e.event_id, e.command_id, e.actor,
                 e.correlation_id, e.causation_id, e.request_id, e.project, e.previous_hash,
                 e.hash, e.kind, e.key, e.sequence, e.type, e.version, e.payload::json,
                 coalesce(e.metadata, '{}')::json, e.metadata IS NOT NULL, NULL
             FROM moved, unnest(
                 $7::bigint[], $8::bigint[], $9::uuid[], $10::text[], $11::text[], $12::text[],
                 $13::text[], $14::text[], $15::text[], $16::bytea[], $17::bytea[],
                 $18::text[], $19::text[], $20::bigint[], $21::text[], $22::text[],
                 $23::text[], $24::text[]
             ) AS e (
                 position, recorded_at, event_id, command_id, actor, correlation_id,
                 causation_id, request_id, project, previous_hash, hash, kind, key, sequence,
                 type, version, payload, metadata
             )
         ), remembered AS (
             INSERT INTO commands (command_id, fingerprint, first, last, sequence, recorded_at)
             SELECT c.* FROM moved, unnest(
                 $25::text[], $26::bytea[], $27::bigint[], $28::bigint[], $29::bigint[],
                 $30::bigint[]
             ) AS c
         )
         SELECT 1 FROM moved LEFT JOIN told ON true"
    );
    let query = head(sqlx::query(statement), node, before, plan);
    let events = &plan.events;
    let query = placed(query, events)
        .bind(column(events, |event| &*event.stream.kind))
        .bind(column(events, |event| &*event.stream.key))
        .bind(column(events, |event| signed(event.sequence)))
        .bind(column(events, |event| &*event.kind))
        .bind(column(events, |event| &*event.version))
        .bind(column(events, |event| event.payload.get()))
        .bind(column(events, |event| {
            Some(event.metadata.extra.as_str()).filter(|extra| !extra.is_empty())
        }));
    let commands = &plan.commands;
    let query = query
        .bind(column(commands, |(id, _)| id.as_str()))
        .bind(column(commands, |(_, known)| &known.fingerprint[..]))
        .bind(column(commands, |(_, known)| signed(known.appended.first)))
        .bind(column(commands, |(_, known)| signed(known.appended.last)))
        .bind(column(commands, |(_, known)| {
            signed(known.appended.sequence)
        }))
        .bind(column(commands, |(_, known)| known.appended.recorded_at));
    Ok(query.fetch_optional(connection).await?.is_some())
}

/// Gives events of other programs their place. To be used in a transaction
/// that holds the end of the order; returns how many were there.
pub(super) async fn adopt(
    connection: &mut PgConnection,
    node: &str,
    before: Tip,
    plan: &Plan,
) -> sqlx::Result<u64> {
    let statement = if_moved!(
        "adopted AS (
             UPDATE events SET
                 position = n.position, recorded_at = n.recorded_at, event_id = n.event_id,
                 command_id = n.command_id, actor = n.actor, correlation_id = n.correlation_id,
                 causation_id = n.causation_id, request_id = n.request_id, project = n.project,
                 previous_hash = n.previous_hash, hash = n.hash
             FROM moved, unnest(
                 $7::bigint[], $8::bigint[], $9::uuid[], $10::text[], $11::text[], $12::text[],
                 $13::text[], $14::text[], $15::text[], $16::bytea[], $17::bytea[],
                 $18::text[], $19::text[], $20::bigint[]
             ) AS n (
                 position, recorded_at, event_id, command_id, actor, correlation_id,
                 causation_id, request_id, project, previous_hash, hash, kind, key, sequence
             )
             WHERE events.aggregate_type = n.kind AND events.aggregate_id = n.key
               AND events.sequence = n.sequence AND events.position IS NULL
             RETURNING 1
         )
         SELECT (SELECT count(*) FROM adopted) FROM moved LEFT JOIN told ON true"
    );
    let query = head(sqlx::query(statement), node, before, plan);
    let events = &plan.events;
    let query = placed(query, events)
        .bind(column(events, |event| &*event.stream.kind))
        .bind(column(events, |event| &*event.stream.key))
        .bind(column(events, |event| signed(event.sequence)));
    let row = query.fetch_one(connection).await?;
    Ok(row.try_get::<i64, _>(0)? as u64)
}

type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// Parameters 1 to 6.
fn head<'q>(query: Statement<'q>, node: &str, before: Tip, plan: &Plan) -> Statement<'q> {
    let after = plan.tip();
    query
        .bind(signed(after.position))
        .bind(after.hash.to_vec())
        .bind(after.recorded_at)
        .bind(signed(before.position))
        .bind(before.hash.to_vec())
        .bind(notice(node, after.position))
}

/// Parameters 7 to 17: what an event has besides its content.
fn placed<'q>(query: Statement<'q>, events: &'q [Event]) -> Statement<'q> {
    let text = |of: fn(&Metadata) -> &String| {
        let texts = events.iter().map(|event| of(&event.metadata).as_str());
        texts.collect::<Vec<&str>>()
    };
    query
        .bind(column(events, |event| signed(event.position)))
        .bind(column(events, |event| event.recorded_at))
        .bind(column::<_, Uuid>(events, |event| event.event_id))
        .bind(text(|metadata| &metadata.command_id))
        .bind(text(|metadata| &metadata.actor))
        .bind(text(|metadata| &metadata.correlation_id))
        .bind(text(|metadata| &metadata.causation_id))
        .bind(text(|metadata| &metadata.request_id))
        .bind(text(|metadata| &metadata.project))
        .bind(column(events, |event| &event.previous_hash[..]))
        .bind(column(events, |event| &event.hash[..]))
}

fn column<'a, R, T: 'a>(rows: &'a [R], of: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

fn notice(node: &str, position: Position) -> String {
    format!("{node} {position}")
}

/// Whether `notice` is of another node and tells of something after `head`.
pub(super) fn is_news(notice: &str, node: &str, head: Position) -> bool {
    match notice.split_once(' ') {
        Some((from, position)) => {
            from != node && position.parse().is_ok_and(|position: u64| position > head)
        }
        None => false,
    }
}
