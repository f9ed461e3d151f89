//! All statements of the journal file, and what its rows mean.

use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, Rows, params};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::unavailable;
use crate::batch::{Remembered, Tip};
use crate::gapless;
use crate::shared::{Columns, Shared};
use crate::{Appended, Command, Error, Event, Position, Sequence, StreamId};

const INSERT_EVENT: &str = "INSERT INTO events (
    position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
    metadata, recorded_at, event_id, command_id, actor, correlation_id, causation_id,
    request_id, project, previous_hash, hash
) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";

/// The columns in the order in which [`Decoder`] reads them.
macro_rules! select_events {
    ($rest:literal) => {
        concat!(
            "SELECT position, aggregate_type, aggregate_id, sequence, event_type, event_version, \
             payload, metadata, recorded_at, event_id, command_id, actor, correlation_id, \
             causation_id, request_id, project, previous_hash, hash FROM events ",
            $rest
        )
    };
}

macro_rules! insert_command {
    ($or:literal) => {
        concat!(
            "INSERT ",
            $or,
            " INTO commands (command_id, fingerprint, first, last, sequence, recorded_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
        )
    };
}

/// Adds events; their positions must follow the last one.
pub(super) fn insert_events(connection: &Connection, events: &[Event]) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(INSERT_EVENT)?;
    for event in events {
        let metadata = &*event.metadata;
        let extra = Some(metadata.extra.as_str()).filter(|extra| !extra.is_empty());
        statement.execute(params![
            event.position as i64,
            &*event.stream.kind,
            &*event.stream.key,
            event.sequence as i64,
            &*event.kind,
            &*event.version,
            event.payload.get(),
            extra,
            event.recorded_at,
            event.event_id.as_bytes(),
            metadata.command_id,
            metadata.actor,
            metadata.correlation_id,
            metadata.causation_id,
            metadata.request_id,
            metadata.project,
            event.previous_hash,
            event.hash,
        ])?;
    }
    Ok(())
}

/// Remembers command ids; none of them may be there already.
pub(super) fn insert_commands(
    connection: &Connection,
    commands: &[(String, Remembered)],
) -> rusqlite::Result<()> {
    let commands = commands.iter();
    let commands = commands.map(|(id, known)| (id, &known.fingerprint, &known.appended));
    remember(connection, insert_command!(""), commands)
}

/// Remembers command ids that another journal remembered; those that are there
/// already stay.
pub(super) fn restore_commands(
    connection: &Connection,
    commands: &[Command],
) -> rusqlite::Result<()> {
    let commands = commands.iter();
    let commands = commands.map(|known| (&known.id, &known.fingerprint, &known.appended));
    remember(connection, insert_command!("OR IGNORE"), commands)
}

fn remember<'a>(
    connection: &Connection,
    insert: &str,
    commands: impl Iterator<Item = (&'a String, &'a [u8; 32], &'a Appended)>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(insert)?;
    for (id, fingerprint, appended) in commands {
        statement.execute(params![
            id,
            fingerprint,
            appended.first as i64,
            appended.last as i64,
            appended.sequence as i64,
            appended.recorded_at,
        ])?;
    }
    Ok(())
}

/// Command ids after one, in order.
pub(super) fn commands(
    connection: &Connection,
    after: &str,
    limit: usize,
) -> rusqlite::Result<Vec<Command>> {
    let mut statement = connection.prepare_cached(
        "SELECT fingerprint, first, last, sequence, recorded_at, command_id FROM commands
         WHERE command_id > ?1 ORDER BY command_id LIMIT ?2",
    )?;
    let rows = statement.query_map(params![after, signed(limit as u64)], |row| {
        let remembered = remembered(row)?;
        Ok(Command {
            id: row.get(5)?,
            fingerprint: remembered.fingerprint,
            appended: remembered.appended,
        })
    })?;
    rows.collect()
}

/// The end of the order as the file has it.
pub(super) fn tip(connection: &Connection) -> rusqlite::Result<Tip> {
    let tip = connection
        .query_row(
            "SELECT position, hash, recorded_at FROM events ORDER BY position DESC LIMIT 1",
            [],
            |row| {
                Ok(Tip {
                    position: row.get::<_, i64>(0)? as u64,
                    hash: row.get(1)?,
                    recorded_at: row.get(2)?,
                })
            },
        )
        .optional()?;
    Ok(tip.unwrap_or(Tip::START))
}

/// The last sequence of a stream, 0 when there is no such stream.
pub(super) fn last_sequence(connection: &Connection, stream: &StreamId) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare_cached(
        "SELECT sequence FROM events WHERE aggregate_type = ?1 AND aggregate_id = ?2
         ORDER BY sequence DESC LIMIT 1",
    )?;
    let last: Option<i64> = statement
        .query_row(params![&*stream.kind, &*stream.key], |row| row.get(0))
        .optional()?;
    Ok(last.unwrap_or(0) as u64)
}

/// The statement of [`command`], to be used for many.
pub(super) fn select_command(connection: &Connection) -> rusqlite::Result<CachedStatement<'_>> {
    connection.prepare_cached(
        "SELECT fingerprint, first, last, sequence, recorded_at FROM commands
         WHERE command_id = ?1",
    )
}

/// What is remembered of a command id.
pub(super) fn command(
    select: &mut CachedStatement<'_>,
    id: &str,
) -> rusqlite::Result<Option<Remembered>> {
    select.query_row([id], remembered).optional()
}

fn remembered(row: &Row<'_>) -> rusqlite::Result<Remembered> {
    Ok(Remembered {
        fingerprint: row.get(0)?,
        appended: Appended {
            first: row.get::<_, i64>(1)? as u64,
            last: row.get::<_, i64>(2)? as u64,
            sequence: row.get::<_, i64>(3)? as u64,
            recorded_at: row.get(4)?,
        },
    })
}

/// The last position recorded at or before a time.
pub(super) fn position_at(connection: &Connection, millis: i64) -> rusqlite::Result<Position> {
    // Times never go backwards, so the last of the index entries not after the
    // time is the last of the positions, too.
    let mut statement = connection.prepare_cached(
        "SELECT position FROM events WHERE recorded_at <= ?1
         ORDER BY recorded_at DESC, position DESC LIMIT 1",
    )?;
    let position: Option<i64> = statement.query_row([millis], |row| row.get(0)).optional()?;
    Ok(position.unwrap_or(0) as u64)
}

/// Events of one stream after a sequence.
pub(super) fn read_stream(
    connection: &Connection,
    stream: &StreamId,
    after: Sequence,
    limit: usize,
) -> Result<Vec<Event>, Error> {
    let mut statement = connection
        .prepare_cached(select_events!(
            "WHERE aggregate_type = ?1 AND aggregate_id = ?2 AND sequence > ?3
             ORDER BY sequence LIMIT ?4"
        ))
        .map_err(unavailable)?;
    let mut rows = statement
        .query(params![
            &*stream.kind,
            &*stream.key,
            signed(after),
            signed(limit as u64)
        ])
        .map_err(unavailable)?;
    gapless::in_stream(decoded(&mut rows), stream, after)
}

/// Events of all streams after a position.
pub(super) fn read_all(
    connection: &Connection,
    after: Position,
    limit: usize,
) -> Result<Vec<Event>, Error> {
    let mut statement = connection
        .prepare_cached(select_events!(
            "WHERE position > ?1 ORDER BY position LIMIT ?2"
        ))
        .map_err(unavailable)?;
    let mut rows = statement
        .query(params![signed(after), signed(limit as u64)])
        .map_err(unavailable)?;
    gapless::in_order(decoded(&mut rows), after)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn decoded(rows: &mut Rows<'_>) -> impl Iterator<Item = Result<Event, Error>> {
    let mut decoder = Decoder::default();
    std::iter::from_fn(move || match rows.next() {
        Ok(row) => row.map(|row| decoder.decode(row)),
        Err(error) => Some(Err(unavailable(error))),
    })
}

/// Turns rows into events.
#[derive(Default)]
struct Decoder(Shared);

impl Decoder {
    fn decode(&mut self, row: &Row<'_>) -> Result<Event, Error> {
        let position = integer(row, 0, 0)? as u64;
        let stream = self
            .0
            .stream(text(row, 1, position)?, text(row, 2, position)?);
        let payload = text(row, 6, position)?.to_owned();
        let payload = RawValue::from_string(payload).map_err(|error| Error::Corrupt {
            position,
            reason: format!("the payload is not JSON: {error}"),
        })?;
        let extra = match cell(row, 7, position)? {
            ValueRef::Null => "",
            _ => text(row, 7, position)?,
        };
        let columns = Columns {
            command_id: text(row, 10, position)?,
            actor: text(row, 11, position)?,
            correlation_id: text(row, 12, position)?,
            causation_id: text(row, 13, position)?,
            request_id: text(row, 14, position)?,
            project: text(row, 15, position)?,
            extra,
        };
        Ok(Event {
            position,
            stream,
            sequence: integer(row, 3, position)? as u64,
            kind: self.0.name(text(row, 4, position)?),
            version: self.0.name(text(row, 5, position)?),
            payload,
            metadata: self.0.metadata(&columns),
            event_id: Uuid::from_bytes(bytes(row, 9, position)?),
            recorded_at: integer(row, 8, position)?,
            previous_hash: bytes(row, 16, position)?,
            hash: bytes(row, 17, position)?,
        })
    }
}

fn cell<'a>(row: &'a Row<'_>, index: usize, position: Position) -> Result<ValueRef<'a>, Error> {
    row.get_ref(index)
        .map_err(|error| damaged(index, position, &error.to_string()))
}

fn integer(row: &Row<'_>, index: usize, position: Position) -> Result<i64, Error> {
    let cell = cell(row, index, position)?;
    cell.as_i64()
        .map_err(|error| damaged(index, position, &error.to_string()))
}

fn text<'a>(row: &'a Row<'_>, index: usize, position: Position) -> Result<&'a str, Error> {
    let cell = cell(row, index, position)?;
    cell.as_str()
        .map_err(|error| damaged(index, position, &error.to_string()))
}

fn bytes<const N: usize>(
    row: &Row<'_>,
    index: usize,
    position: Position,
) -> Result<[u8; N], Error> {
    let cell = cell(row, index, position)?;
    let bytes = cell
        .as_blob()
        .map_err(|error| damaged(index, position, &error.to_string()))?;
    bytes
        .try_into()
        .map_err(|_| damaged(index, position, &format!("{} bytes, not {N}", bytes.len())))
}

fn damaged(column: usize, position: Position, reason: &str) -> Error {
    Error::Corrupt {
        position,
        reason: format!("column {column} of its row: {reason}"),
    }
}
