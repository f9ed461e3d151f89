//! Connections.

use aggregates::connection::Event as Happened;
use serde_json::Value;

use super::Integrations;
use crate::Error;
use crate::db::Buffer;
use crate::model::{Connection, NotedFailure};
use crate::projection::Recorded;
use crate::table::{Column, Table};
use crate::versions::{Place, Row, Store};

impl Row for Connection {
    const TABLE: &'static Table = &Table {
        name: "connections",
        columns: &[
            Column::text("id"),
            Column::integer("created_at"),
            Column::integer("updated_at"),
            Column::text("connection_id").facet(),
            Column::text("integration"),
            Column::text("provider"),
            Column::text("words").words(),
        ],
        computed: &[],
        ids_in_parent: false,
    };

    fn columns(&self, to: &mut Buffer) {
        to.text(self.key.as_str());
        to.integer(self.created_at);
        to.integer(self.updated_at);
        to.text(&self.connection_id);
        to.text(&self.integration);
        to.text(&self.provider);
        to.text(&words(self));
    }
}

/// Most words that a connection is found by: what an end user is said to be
/// may be of any size.
const MOST_WORDS: usize = 100;

/// Most characters of a word that count.
const LONGEST_WORD: usize = 64;

/// The words that a connection is found by: of its id, and of all texts in its
/// end user.
fn words(row: &Connection) -> String {
    let mut texts = vec![row.connection_id.as_str()];
    let mut rest: Vec<&Value> = row.settings.end_user.iter().collect();
    while let Some(value) = rest.pop() {
        match value {
            Value::String(text) => texts.push(text),
            Value::Array(items) => rest.extend(items.iter().rev()),
            Value::Object(fields) => rest.extend(fields.values().rev()),
            _ => {}
        }
    }
    let words = texts.into_iter().flat_map(crate::search::words);
    let mut phrase = String::from(" ");
    for word in words.take(MOST_WORDS) {
        phrase.extend(word.chars().take(LONGEST_WORD));
        phrase.push(' ');
    }
    phrase
}

impl Integrations {
    pub(super) fn connection(
        &mut self,
        event: &Recorded,
        happened: &Happened,
        store: &mut Store<'_>,
    ) -> Result<(), Error> {
        let (project, key) = event.key()?;
        let now = event.stored.recorded_at;
        let at = Place::new(project, key);
        match happened {
            Happened::ConnectionCreated {
                integration,
                connection_id,
                provider,
                settings,
            } => {
                let owner = Place::new(project, integration.as_str());
                // It came too late: its integration is gone.
                if self.integrations.get(store, owner)?.is_none() {
                    return Ok(());
                }
                let row = Connection {
                    key: key.into(),
                    sequence: event.stored.position,
                    connection_id: connection_id.clone(),
                    integration: integration.to_string(),
                    provider: provider.clone(),
                    created_at: now,
                    updated_at: now,
                    settings: settings.clone(),
                    errors: Vec::new(),
                };
                let at = at.below(integration.as_str());
                self.connections.create(store, at, row)?;
            }
            Happened::ConnectionDeleted {} => {
                if self.connections.end(store, at)?.is_some() {
                    self.syncs.end_children(store, project, key)?;
                }
            }
            change => {
                self.connections.update(store, at, |row| {
                    fold(row, change, now);
                    row.updated_at = now;
                })?;
            }
        }
        Ok(())
    }
}

fn fold(row: &mut Connection, change: &Happened, now: i64) {
    match change {
        Happened::ConnectionReplaced { settings } => {
            row.settings.clone_from(settings);
            row.errors.clear();
        }
        Happened::RefreshFailed { error } => {
            row.errors = vec![NotedFailure {
                error: error.clone(),
                at: now,
            }];
        }
        part => {
            if matches!(part, Happened::CredentialsRefreshed { .. }) {
                row.errors.clear();
            }
            row.settings.fold(part.clone());
        }
    }
}
