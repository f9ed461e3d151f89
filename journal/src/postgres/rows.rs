//! The statements that read, and what their rows mean.

use std::collections::HashMap;

use serde_json::value::RawValue;
use sqlx::postgres::{PgConnection, PgPool, PgRow};
use sqlx::{Decode, Postgres, Row, Type};

use crate::batch::{Draft, Plan, Remembered, Tip};
use crate::gapless;
use crate::shared::{Columns, Shared};
use crate::{
    Append, Appended, Command, Error, Event, Metadata, NewEvent, Position, Sequence, StreamId,
};

/// The columns in the order in which [`Decoder`] reads them.
macro_rules! select_events {
    ($rest:literal) => {
        concat!(
            "SELECT position, aggregate_type, aggregate_id, sequence, event_type, event_version, \
             payload::text, CASE WHEN has_metadata THEN metadata::text ELSE '' END, recorded_at, \
             event_id, command_id, actor, correlation_id, causation_id, request_id, project, \
             previous_hash, hash FROM events ",
            $rest
        )
    };
}

/// Events of one stream after a sequence; those not adopted yet are not there.
pub(super) async fn read_stream(
    pool: &PgPool,
    stream: &StreamId,
    after: Sequence,
    limit: usize,
) -> sqlx::Result<Vec<PgRow>> {
    sqlx::query(select_events!(
        "WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence > $3
           AND position IS NOT NULL ORDER BY sequence LIMIT $4"
    ))
    .bind(&*stream.kind)
    .bind(&*stream.key)
    .bind(signed(after))
    .bind(signed(limit as u64))
    .fetch_all(pool)
    .await
}

/// The rows of [`read_stream`] as events.
pub(super) fn in_stream(
    rows: &[PgRow],
    stream: &StreamId,
    after: Sequence,
) -> Result<Vec<Event>, Error> {
    gapless::in_stream(decoded(rows), stream, after)
}

/// Events of all streams after a position.
pub(super) async fn read_all(
    pool: &PgPool,
    after: Position,
    limit: usize,
) -> sqlx::Result<Vec<PgRow>> {
    sqlx::query(select_events!(
        "WHERE position > $1 ORDER BY position LIMIT $2"
    ))
    .bind(signed(after))
    .bind(signed(limit as u64))
    .fetch_all(pool)
    .await
}

/// The rows of [`read_all`] as events.
pub(super) fn in_order(rows: &[PgRow], after: Position) -> Result<Vec<Event>, Error> {
    gapless::in_order(decoded(rows), after)
}

/// The last position recorded at or before a time.
pub(super) async fn position_at(pool: &PgPool, millis: i64) -> sqlx::Result<Position> {
    let found: Option<i64> = sqlx::query_scalar(
        "SELECT position FROM events WHERE recorded_at <= $1 AND position IS NOT NULL
         ORDER BY recorded_at DESC, position DESC LIMIT 1",
    )
    .bind(millis)
    .fetch_optional(pool)
    .await?;
    Ok(found.unwrap_or(0) as u64)
}

/// What is remembered of a command id.
pub(super) async fn command(pool: &PgPool, id: &str) -> sqlx::Result<Option<Remembered>> {
    let row = sqlx::query(
        "SELECT fingerprint, first, last, sequence, recorded_at FROM commands
         WHERE command_id = $1",
    )
    .bind(id)
    .fetch_optional(pool)
    .await?;
    row.map(|row| remembered(&row, 0)).transpose()
}

/// Command ids after one, in order.
pub(super) async fn commands(
    pool: &PgPool,
    after: &str,
    limit: usize,
) -> sqlx::Result<Vec<Command>> {
    let rows = sqlx::query(
        "SELECT fingerprint, first, last, sequence, recorded_at, command_id FROM commands
         WHERE command_id COLLATE \"C\" > $1 ORDER BY command_id COLLATE \"C\" LIMIT $2",
    )
    .bind(after)
    .bind(signed(limit as u64))
    .fetch_all(pool)
    .await?;
    let command = |row: &PgRow| {
        let remembered = remembered(row, 0)?;
        Ok(Command {
            id: row.try_get(5)?,
            fingerprint: remembered.fingerprint,
            appended: remembered.appended,
        })
    };
    rows.iter().map(command).collect()
}

fn remembered(row: &PgRow, from: usize) -> sqlx::Result<Remembered> {
    Ok(Remembered {
        fingerprint: row.try_get(from)?,
        appended: Appended {
            first: row.try_get::<i64, _>(from + 1)? as u64,
            last: row.try_get::<i64, _>(from + 2)? as u64,
            sequence: row.try_get::<i64, _>(from + 3)? as u64,
            recorded_at: row.try_get(from + 4)?,
        },
    })
}

/// The end of the order.
pub(super) async fn tip(connection: &mut PgConnection) -> sqlx::Result<Tip> {
    let row = sqlx::query("SELECT position, hash, recorded_at FROM head")
        .fetch_one(connection)
        .await?;
    as_tip(&row)
}

/// The position of the last event.
pub(super) async fn head(pool: &PgPool) -> sqlx::Result<Position> {
    let head: i64 = sqlx::query_scalar("SELECT position FROM head")
        .fetch_one(pool)
        .await?;
    Ok(head as u64)
}

/// Begins a transaction that holds the end of the order: nobody else appends
/// until it is over.
pub(super) async fn lock(connection: &mut PgConnection) -> sqlx::Result<Tip> {
    let row =
        sqlx::raw_sql("BEGIN; SELECT position, hash, recorded_at FROM head FOR NO KEY UPDATE")
            .fetch_one(connection)
            .await?;
    as_tip(&row)
}

fn as_tip(row: &PgRow) -> sqlx::Result<Tip> {
    let hash: Vec<u8> = row.try_get(1)?;
    let hash = hash
        .try_into()
        .map_err(|_| sqlx::Error::Decode("the hash in head has not 32 bytes".into()))?;
    Ok(Tip {
        position: row.try_get::<i64, _>(0)? as u64,
        hash,
        recorded_at: row.try_get(2)?,
    })
}

/// Tells `draft` what the database has of the streams and command ids that
/// memory does not know.
pub(super) async fn learn(connection: &mut PgConnection, draft: &mut Draft) -> sqlx::Result<()> {
    let streams: Vec<StreamId> = draft.unknown_streams().cloned().collect();
    let kinds: Vec<&str> = streams.iter().map(|stream| &*stream.kind).collect();
    let keys: Vec<&str> = streams.iter().map(|stream| &*stream.key).collect();
    let commands: Vec<&str> = draft.unknown_commands().collect();
    let rows = sqlx::query(
        "SELECT s.place, NULL::bytea, 0::bigint, 0::bigint, (
             SELECT e.sequence FROM events e
             WHERE e.aggregate_type = s.kind AND e.aggregate_id = s.key
               AND e.position IS NOT NULL ORDER BY e.sequence DESC LIMIT 1
         ), 0::bigint
         FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS s (kind, key, place)
         UNION ALL
         SELECT a.place, c.fingerprint, c.first, c.last, c.sequence, c.recorded_at
         FROM unnest($3::text[]) WITH ORDINALITY AS a (id, place)
         JOIN commands c ON c.command_id = a.id",
    )
    .bind(kinds)
    .bind(keys)
    .bind(&commands)
    .fetch_all(connection)
    .await?;
    let mut sequences = HashMap::new();
    let mut outcomes = HashMap::new();
    for row in &rows {
        let place = row.try_get::<i64, _>(0)? as usize - 1;
        if row.try_get::<Option<&[u8]>, _>(1)?.is_some() {
            if let Some(id) = commands.get(place) {
                outcomes.insert((*id).to_owned(), remembered(row, 1)?);
            }
        } else if let Some(stream) = streams.get(place) {
            let sequence: Option<i64> = row.try_get(4)?;
            sequences.insert(stream.clone(), sequence.unwrap_or(0) as u64);
        }
    }
    draft.learn_streams::<sqlx::Error>(|stream| Ok(sequences.get(stream).copied().unwrap_or(0)))?;
    draft.learn_commands(|id| Ok(outcomes.get(id).copied()))
}

/// Whether the database holds what `plan` was to write.
pub(super) async fn holds(connection: &mut PgConnection, plan: &Plan) -> sqlx::Result<bool> {
    // All of it was written at once, so one part of it speaks for the whole.
    if let Some(event) = plan.events.first() {
        let found = sqlx::query("SELECT FROM events WHERE position = $1 AND event_id = $2")
            .bind(signed(event.position))
            .bind(event.event_id)
            .fetch_optional(connection);
        return Ok(found.await?.is_some());
    }
    let Some((id, remembered)) = plan.commands.first() else {
        return Ok(false);
    };
    let found = sqlx::query(
        "SELECT FROM commands
         WHERE command_id = $1 AND fingerprint = $2 AND last = $3 AND recorded_at = $4",
    )
    .bind(id)
    .bind(&remembered.fingerprint[..])
    .bind(signed(remembered.appended.last))
    .bind(remembered.appended.recorded_at)
    .fetch_optional(connection);
    Ok(found.await?.is_some())
}

/// Whether another program appended something that has no position yet.
pub(super) async fn has_foreign(connection: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM events WHERE position IS NULL)")
        .fetch_one(connection)
        .await
}

/// Events of other programs that have no position yet.
#[derive(Debug, Default)]
pub(super) struct Foreign {
    /// Each with one event; those of one stream are in their order.
    pub(super) appends: Vec<Append>,
    /// The last adopted sequence of each of their streams.
    pub(super) last: HashMap<StreamId, Sequence>,
}

/// The foreign events that continue their stream, in the order of their
/// arrival, at most `limit`.
pub(super) async fn foreign(connection: &mut PgConnection, limit: usize) -> sqlx::Result<Foreign> {
    let rows = sqlx::query(
        "SELECT e.aggregate_type, e.aggregate_id, e.sequence, e.event_type, e.event_version,
             e.payload::text, e.metadata::text, (
                 SELECT b.sequence FROM events b
                 WHERE b.aggregate_type = e.aggregate_type AND b.aggregate_id = e.aggregate_id
                   AND b.position IS NOT NULL ORDER BY b.sequence DESC LIMIT 1
             )
         FROM events e
         WHERE e.position IS NULL AND (e.sequence = 1 OR EXISTS (
             SELECT FROM events b
             WHERE b.aggregate_type = e.aggregate_type AND b.aggregate_id = e.aggregate_id
               AND b.sequence = e.sequence - 1
         ))
         ORDER BY e.arrived_at, e.ctid LIMIT $1",
    )
    .bind(signed(limit as u64))
    .fetch_all(connection)
    .await?;
    let mut found = Foreign::default();
    for row in &rows {
        let stream = StreamId::new(row.try_get::<&str, _>(0)?, row.try_get::<&str, _>(1)?);
        let last: Option<i64> = row.try_get(7)?;
        let last = last.unwrap_or(0) as u64;
        let sequence = row.try_get::<i64, _>(2)? as u64;
        let Ok(payload) = RawValue::from_string(row.try_get(5)?) else {
            tracing::error!(%stream, sequence, "a foreign event cannot be read as JSON");
            continue;
        };
        found.last.insert(stream.clone(), last);
        found.appends.push(Append {
            stream,
            expected: sequence.wrapping_sub(1),
            events: vec![NewEvent {
                kind: row.try_get(3)?,
                version: row.try_get(4)?,
                payload,
            }],
            metadata: foreign_metadata(row.try_get(6)?),
            fingerprint: None,
        });
    }
    found.appends = in_order_of_streams(found.appends);
    Ok(found)
}

fn foreign_metadata(extra: String) -> Metadata {
    let mut metadata = Metadata::from_extra(extra);
    for text in [
        &mut metadata.command_id,
        &mut metadata.actor,
        &mut metadata.correlation_id,
        &mut metadata.causation_id,
        &mut metadata.request_id,
        &mut metadata.project,
    ] {
        // JSON can say it, a column of type text cannot hold it.
        text.retain(|c| c != '\0');
    }
    metadata
}

/// Clocks may have stepped back between two events of a stream: each stream
/// keeps its places among the others, but fills them in its own order.
fn in_order_of_streams(appends: Vec<Append>) -> Vec<Append> {
    let places: Vec<StreamId> = appends.iter().map(|append| append.stream.clone()).collect();
    let mut streams: HashMap<StreamId, Vec<Append>> = HashMap::new();
    for append in appends {
        let stream = streams.entry(append.stream.clone()).or_default();
        stream.push(append);
    }
    for stream in streams.values_mut() {
        stream.sort_by_key(|append| std::cmp::Reverse(append.expected));
    }
    let next = |stream| streams.get_mut(&stream).and_then(Vec::pop);
    places.into_iter().filter_map(next).collect()
}

pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn decoded(rows: &[PgRow]) -> impl Iterator<Item = Result<Event, Error>> {
    let mut decoder = Decoder::default();
    rows.iter().map(move |row| decoder.decode(row))
}

/// Turns rows into events.
#[derive(Default)]
struct Decoder(Shared);

impl Decoder {
    fn decode(&mut self, row: &PgRow) -> Result<Event, Error> {
        let position = get::<i64>(row, 0, 0)? as u64;
        let text = |column| get::<&str>(row, column, position);
        let stream = self.0.stream(text(1)?, text(2)?);
        let payload =
            RawValue::from_string(text(6)?.to_owned()).map_err(|error| Error::Corrupt {
                position,
                reason: format!("the payload is not JSON: {error}"),
            })?;
        let columns = Columns {
            command_id: text(10)?,
            actor: text(11)?,
            correlation_id: text(12)?,
            causation_id: text(13)?,
            request_id: text(14)?,
            project: text(15)?,
            extra: text(7)?,
        };
        Ok(Event {
            position,
            stream,
            sequence: get::<i64>(row, 3, position)? as u64,
            kind: self.0.name(text(4)?),
            version: self.0.name(text(5)?),
            payload,
            metadata: self.0.metadata(&columns),
            event_id: get(row, 9, position)?,
            recorded_at: get(row, 8, position)?,
            previous_hash: hash(row, 16, position)?,
            hash: hash(row, 17, position)?,
        })
    }
}

fn get<'r, T>(row: &'r PgRow, column: usize, position: Position) -> Result<T, Error>
where
    T: Decode<'r, Postgres> + Type<Postgres>,
{
    row.try_get(column).map_err(|error| Error::Corrupt {
        position,
        reason: format!("column {column} of its row: {error}"),
    })
}

fn hash(row: &PgRow, column: usize, position: Position) -> Result<[u8; 32], Error> {
    let bytes: &[u8] = get(row, column, position)?;
    bytes.try_into().map_err(|_| Error::Corrupt {
        position,
        reason: format!("column {column} of its row: {} bytes", bytes.len()),
    })
}
