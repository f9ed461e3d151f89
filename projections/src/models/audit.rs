//! The audit log: which event of our aggregates concerns which project, actor
//! and request, by digests of their names. A line is read from the journal,
//! which has it, and only there does it show whose it is.

use aggregates::Sealed;
use journal::Event;
use serde_json::Value as Json;

use crate::append::{Appended, Shape};
use crate::db::{Database, Value};
use crate::model::Audit;
use crate::projection::{Part, Projection, Recorded};
use crate::table::Column;
use crate::versions::Store;
use crate::{AuditFilter, Error};

const SHAPE: Shape = Shape {
    name: "audit",
    columns: &[
        Column::integer("position"),
        Column::integer("project"),
        Column::integer("event"),
        Column::integer("actor"),
        Column::integer("correlation_id"),
    ],
    key: 1,
    indexed: &["correlation_id", "actor", "project"],
};

/// The projection. It reads nothing out of an event, so it keeps also the ones
/// that this program cannot read.
pub(crate) struct Audits(Appended);

impl Audits {
    pub(crate) fn new(generation: u32) -> Self {
        Self(Appended::new(&SHAPE, generation))
    }
}

impl Projection for Audits {
    fn apply(&mut self, event: &Recorded, _store: &mut Store<'_>) -> Result<(), Error> {
        let stored = &event.stored;
        if is_ours(stored) {
            let rows = &mut self.0.rows;
            rows.number(stored.position);
            rows.integer(digest(project(stored)));
            rows.integer(digest(&stored.kind));
            rows.integer(digest(&stored.metadata.actor));
            rows.integer(digest(&stored.metadata.correlation_id));
        }
        Ok(())
    }

    fn parts(&mut self) -> Vec<&mut dyn Part> {
        vec![&mut self.0]
    }
}

/// 64 bits of a name (FNV-1a). Two names may share them: whoever looks for one
/// compares the names as well.
fn digest(name: &str) -> i64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    name.bytes().fold(0xcbf2_9ce4_8422_2325, mix) as i64
}

fn is_ours(event: &Event) -> bool {
    matches!(
        &*event.stream.kind,
        "project"
            | "function"
            | "deployment"
            | "execution"
            | "integration"
            | "connection"
            | "sync"
            | "dryrun"
            | "package"
            | "keyset"
            | "pkgdeploy"
            | "entry"
            | "counter"
            | "rejection"
            | "compilation"
            | "sending"
    )
}

fn project(event: &Event) -> &str {
    let key = &event.stream.key;
    aggregates::split_key(key).map_or(key, |(project, _)| project)
}

/// Whether the newest rows are wanted, and not the first ones.
pub(crate) fn backwards(filter: &AuditFilter) -> bool {
    filter.before.is_some() && filter.after.is_none()
}

/// Positions of the events that a filter may let through, in order: of those
/// too whose names have the same digests.
pub(crate) fn positions(
    db: &mut dyn Database,
    generation: u32,
    at: Option<u64>,
    filter: &AuditFilter,
) -> Result<Vec<u64>, Error> {
    let mut values: Vec<Value> = Vec::new();
    let mut conditions = vec!["1 = 1".to_owned()];
    let fields = [
        ("correlation_id", &filter.correlation),
        ("actor", &filter.actor),
        ("project", &filter.project),
        ("event", &filter.event),
    ];
    let mut index = None;
    for (column, wanted) in fields {
        if let Some(wanted) = wanted {
            values.push(digest(wanted).into());
            conditions.push(format!("{column} = ?{}", values.len()));
            if index.is_none() && SHAPE.indexed.contains(&column) {
                index = Some(column);
            }
        }
    }
    for (symbol, position) in [(">", filter.after), ("<", filter.before), ("<=", at)] {
        if let Some(position) = position {
            let position = i64::try_from(position).unwrap_or(i64::MAX);
            values.push(position.into());
            conditions.push(format!("position {symbol} ?{}", values.len()));
        }
    }
    values.push(filter.limit.into());
    let sql = format!(
        "SELECT position FROM {}{} WHERE {} ORDER BY position{} LIMIT ?{}",
        SHAPE.table(generation),
        index.map_or_else(String::new, |column| {
            (db.dialect().by_index)(&SHAPE.index(generation, column))
        }),
        conditions.join(" AND "),
        if backwards(filter) { " DESC" } else { "" },
        values.len(),
    );
    let mut found = Vec::new();
    db.query(&sql, &values, &mut |record| {
        found.push(record.integer(0)? as u64);
        Ok(true)
    })?;
    if backwards(filter) {
        found.reverse();
    }
    Ok(found)
}

/// Whether a filter lets an event of its stream through.
pub(crate) fn passes(event: &Event, at: Option<u64>, filter: &AuditFilter) -> bool {
    let is = |wanted: &Option<String>, have: &str| wanted.as_ref().is_none_or(|one| one == have);
    is_ours(event)
        && is(&filter.project, project(event))
        && is(&filter.event, &event.kind)
        && is(&filter.actor, &event.metadata.actor)
        && is(&filter.correlation, &event.metadata.correlation_id)
        && filter.after.is_none_or(|after| event.position > after)
        && filter.before.is_none_or(|before| event.position < before)
        && at.is_none_or(|at| event.position <= at)
}

/// A line of the audit log.
pub(crate) fn line(event: &Event) -> Result<Audit, Error> {
    let metadata = &event.metadata;
    let mut payload: Json = serde_json::from_str(event.payload.get())
        .map_err(|error| Error::Damaged(format!("event {}: {error}", event.position)))?;
    blank(&mut payload);
    Ok(Audit {
        position: event.position,
        recorded_at: event.recorded_at,
        project: project(event).to_owned(),
        stream: event.stream.to_string(),
        sequence: event.sequence,
        event: event.kind.to_string(),
        actor: metadata.actor.clone(),
        command_id: metadata.command_id.clone(),
        correlation_id: metadata.correlation_id.clone(),
        causation_id: metadata.causation_id.clone(),
        request_id: metadata.request_id.clone(),
        payload,
    })
}

/// Takes sealed values out.
fn blank(json: &mut Json) {
    match json {
        Json::Object(fields) => {
            let sealed = |fields: &serde_json::Map<String, Json>| {
                Some(Sealed {
                    data_key: fields.get("data_key")?.as_str()?.to_owned(),
                    sealed: fields.get("sealed")?.as_str()?.to_owned(),
                })
            };
            match sealed(fields) {
                Some(sealed) => {
                    let blank = crate::model::blank(&sealed);
                    fields.insert("sealed".to_owned(), blank.sealed.into());
                }
                None => fields.values_mut().for_each(blank),
            }
        }
        Json::Array(items) => items.iter_mut().for_each(blank),
        _ => {}
    }
}
