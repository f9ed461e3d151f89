//! The audit log: one row per event of our aggregates.

use aggregates::Sealed;
use serde_json::Value as Json;

use crate::db::{Database, Dialect, Insert, Value};
use crate::model::Audit;
use crate::projection::{Projection, Recorded};
use crate::versions::Store;
use crate::{AuditFilter, Error};

/// The table, before the number of its generation.
const TABLE: &str = "audit";

/// The columns that have an index.
const INDEXED: [&str; 4] = ["project", "stream", "actor", "correlation_id"];

/// The columns in the order in which they are read.
const COLUMNS: [&str; 12] = [
    "position",
    "recorded_at",
    "project",
    "stream",
    "sequence",
    "event",
    "actor",
    "command_id",
    "correlation_id",
    "causation_id",
    "request_id",
    "payload",
];

/// The projection. It reads nothing out of an event, so it keeps also the ones
/// that this program cannot read.
pub(crate) struct Audits {
    table: String,
    insert: Insert,
    rows: Vec<Value>,
}

impl Audits {
    pub(crate) fn new(generation: u32) -> Self {
        let table = format!("{TABLE}_{generation}");
        Self {
            insert: Insert::new(&table, COLUMNS),
            rows: Vec::new(),
            table,
        }
    }
}

impl Projection for Audits {
    fn apply(&mut self, event: &Recorded, _store: &mut Store<'_>) -> Result<(), Error> {
        let stored = &event.stored;
        let ours = matches!(
            &*stored.stream.kind,
            "project" | "function" | "deployment" | "execution"
        );
        if !ours {
            return Ok(());
        }
        let key = &*stored.stream.key;
        let project = aggregates::split_key(key).map_or(key, |(project, _)| project);
        let metadata = &stored.metadata;
        self.rows.extend([
            stored.position.into(),
            stored.recorded_at.into(),
            project.into(),
            stored.stream.to_string().into(),
            stored.sequence.into(),
            Value::from(&stored.kind),
            metadata.actor.as_str().into(),
            metadata.command_id.as_str().into(),
            metadata.correlation_id.as_str().into(),
            metadata.causation_id.as_str().into(),
            metadata.request_id.as_str().into(),
            blanked(event)?.into(),
        ]);
        Ok(())
    }

    fn flush(&mut self, store: &mut Store<'_>) -> Result<(), Error> {
        store.db.insert(&self.insert, &self.rows)?;
        self.rows.clear();
        Ok(())
    }

    fn forget(&mut self) {
        self.rows.clear();
    }

    fn create(&self, dialect: &Dialect) -> String {
        format!(
            "CREATE TABLE {} (
                 position       {integer} PRIMARY KEY,
                 recorded_at    {integer} NOT NULL,
                 project        TEXT NOT NULL,
                 stream         TEXT NOT NULL,
                 sequence       {integer} NOT NULL,
                 event          TEXT NOT NULL,
                 actor          TEXT NOT NULL,
                 command_id     TEXT NOT NULL,
                 correlation_id TEXT NOT NULL,
                 causation_id   TEXT NOT NULL,
                 request_id     TEXT NOT NULL,
                 payload        TEXT NOT NULL
             ){plain};",
            self.table,
            integer = dialect.integer,
            plain = dialect.plain,
        )
    }

    fn create_indexes(&self) -> Vec<String> {
        let table = &self.table;
        INDEXED
            .iter()
            .map(|column| format!("CREATE INDEX {table}_{column} ON {table} ({column}, position)"))
            .collect()
    }

    fn tables(&self) -> Vec<String> {
        vec![self.table.clone()]
    }
}

/// The payload without sealed values.
fn blanked(event: &Recorded) -> Result<String, Error> {
    let payload = event.stored.payload.get();
    if !payload.contains("sealed") {
        return Ok(payload.to_owned());
    }
    let mut json: Json = serde_json::from_str(payload)
        .map_err(|error| event.poison(&format!("its payload is not JSON: {error}")))?;
    blank(&mut json);
    Ok(json.to_string())
}

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

/// Reads the audit log as of a position.
pub(crate) fn audit(
    db: &mut dyn Database,
    generation: u32,
    at: Option<u64>,
    filter: &AuditFilter,
) -> Result<Vec<Audit>, Error> {
    let mut values: Vec<Value> = Vec::new();
    let mut conditions = vec!["1 = 1".to_owned()];
    let fields = [
        ("stream", &filter.stream),
        ("actor", &filter.actor),
        ("correlation_id", &filter.correlation),
        ("project", &filter.project),
        ("event", &filter.event),
    ];
    let mut index = None;
    for (column, wanted) in fields {
        if let Some(wanted) = wanted {
            values.push(wanted.as_str().into());
            conditions.push(format!("{column} = ?{}", values.len()));
            if index.is_none() && INDEXED.contains(&column) {
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
    let last = filter.before.is_some() && filter.after.is_none();
    values.push(filter.limit.into());
    let sql = format!(
        "SELECT {} FROM {TABLE}_{generation}{} WHERE {} ORDER BY position{} LIMIT ?{}",
        COLUMNS.join(", "),
        index.map_or_else(String::new, |column| {
            (db.dialect().by_index)(&format!("{TABLE}_{generation}_{column}"))
        }),
        conditions.join(" AND "),
        if last { " DESC" } else { "" },
        values.len(),
    );
    let mut rows = Vec::new();
    db.query(&sql, &values, &mut |record| {
        let text = |index| record.text(index).map(str::to_owned);
        rows.push(Audit {
            position: record.integer(0)? as u64,
            recorded_at: record.integer(1)?,
            project: text(2)?,
            stream: text(3)?,
            sequence: record.integer(4)? as u64,
            event: text(5)?,
            actor: text(6)?,
            command_id: text(7)?,
            correlation_id: text(8)?,
            causation_id: text(9)?,
            request_id: text(10)?,
            payload: crate::versions::read_body(record.text(11)?)?,
        });
        Ok(true)
    })?;
    if last {
        rows.reverse();
    }
    Ok(rows)
}
