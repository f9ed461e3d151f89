//! Records of syncs: saved, updated, deleted, read.

use aggregates::sync::{Command, Counts, Sync};
use records::{Entry, Merging, Mode, Query, Record, Scope, Unseen};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answered, Batch, Failed, Host, just};

#[derive(Deserialize)]
pub(super) struct Page {
    op: String,
    model: String,
}

#[derive(Deserialize)]
pub(super) struct Get {
    model: String,
    ids: Vec<Value>,
}

#[derive(Deserialize)]
pub(super) struct List {
    model: String,
    cursor: Option<String>,
    limit: Option<u32>,
}

#[derive(Deserialize)]
pub(super) struct Deletes {
    op: String,
    model: String,
}

#[derive(Deserialize)]
pub(super) struct Strategy {
    model: String,
    strategy: String,
}

fn id_of(record: &Value) -> Option<String> {
    match record.get("id")? {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

impl Host {
    fn scope(&self, model: &str) -> Scope {
        let run = self.run();
        Scope {
            project: run.project.to_string(),
            integration: run.integration.clone(),
            connection: run.connection.clone(),
            model: model.to_owned(),
            variant: run.variant.clone(),
        }
    }

    pub(super) async fn records(&self, page: Page, data: &[u8]) -> Answered {
        let given: Vec<Value> = serde_json::from_slice(data)?;
        if self.trying().is_some() {
            let count = given.len() as u64;
            let counts = match page.op.as_str() {
                "update" => (0, count, 0),
                "delete" => (0, 0, count),
                _ => (count, 0, 0),
            };
            self.noted().batches.push(Batch {
                op: page.op,
                model: page.model,
                records: given,
            });
            return just(json!({
                "added": counts.0, "updated": counts.1, "deleted": counts.2,
                "unchanged": 0, "duplicates": [],
            }));
        }
        let run = self.run();
        let scope = self.scope(&page.model);
        let store = &self.shared().records;
        let counts = if page.op == "delete" {
            let ids = given.iter().filter_map(id_of).collect();
            store.delete(&scope, &run.id, ids).await?
        } else {
            let mut entries = Vec::with_capacity(given.len());
            for mut record in given {
                let id = id_of(&record).ok_or_else(|| Failed("a record has no id".to_owned()))?;
                record["id"] = id.as_str().into();
                entries.push(Entry::new(id, &record));
            }
            let mode = match page.op.as_str() {
                "update" => Mode::Update,
                _ => Mode::Save,
            };
            let merging = self.noted().merging.get(&page.model).copied();
            let merging = merging.unwrap_or(Merging::Override);
            store.save(&scope, &run.id, entries, mode, merging).await?
        };
        let noted = Counts {
            added: counts.added as u64,
            updated: counts.updated as u64,
            deleted: counts.deleted as u64,
            unchanged: counts.unchanged as u64,
        };
        self.page_saved(&page.model, noted).await?;
        just(json!({
            "added": counts.added, "updated": counts.updated, "deleted": counts.deleted,
            "unchanged": counts.unchanged, "duplicates": counts.duplicates,
        }))
    }

    /// The fact, as an event; the records themselves are not events.
    async fn page_saved(&self, model: &str, counts: Counts) -> Result<(), Failed> {
        let run = self.run();
        if run.attempt == 0 {
            return Ok(());
        }
        let command = Command::SavePage {
            run: run.id.clone(),
            attempt: run.attempt,
            model: model.to_owned(),
            counts,
        };
        let bus = &self.shared().bus;
        bus.execute::<Sync>(&self.state_key(), command, &self.context())
            .await?;
        Ok(())
    }

    pub(super) async fn records_get(&self, asked: Get) -> Answered {
        let ids = asked.ids.iter().filter_map(|id| match id {
            Value::String(id) => Some(id.clone()),
            Value::Number(id) => Some(id.to_string()),
            _ => None,
        });
        let scope = self.scope(&asked.model);
        let found = self.shared().records.get(&scope, ids.collect()).await?;
        just(json!({ "records": found.iter().map(shown).collect::<Vec<_>>() }))
    }

    pub(super) async fn records_list(&self, asked: List) -> Answered {
        let scope = self.scope(&asked.model);
        let cursor = match asked.cursor {
            Some(text) => Some(
                text.parse()
                    .map_err(|_| Failed("invalid cursor".to_owned()))?,
            ),
            None => None,
        };
        let query = Query {
            cursor,
            limit: asked.limit.unwrap_or(100).clamp(1, 1000) as usize,
            ..Query::default()
        };
        let page = self.shared().records.list(&scope, query).await?;
        just(json!({
            "records": page.records.iter().map(shown).collect::<Vec<_>>(),
            "next_cursor": page.next_cursor.map(|cursor| cursor.to_string()),
        }))
    }

    pub(super) async fn track_deletes(&self, asked: Deletes) -> Answered {
        if self.trying().is_some() {
            return just(json!({ "deletedKeys": [] }));
        }
        let run = self.run();
        let store = &self.shared().records;
        let scope = self.scope(&asked.model);
        let unseen = match asked.op.as_str() {
            "start" => {
                let mark = store.mark().await?;
                let model = asked.model;
                self.change(Command::MarkTrackDeletes { model, mark })
                    .await?;
                return just(json!({ "deletedKeys": [] }));
            }
            "end" => {
                let state = self.shared().bus.load::<Sync>(&self.state_key()).await?;
                match state.state.marks.get(&asked.model) {
                    Some(mark) => Unseen::Since(*mark),
                    None => {
                        let message = format!(
                            "No track deletes starting point found for model '{}'.",
                            asked.model
                        );
                        return just(json!({ "error": { "message": message } }));
                    }
                }
            }
            _ => Unseen::NotBy(run.id.clone()),
        };
        let deleted = store.delete_unseen(&scope, &unseen, &run.id).await?;
        let counts = Counts {
            deleted: deleted.len() as u64,
            ..Counts::default()
        };
        self.page_saved(&asked.model, counts).await?;
        if asked.op == "end" {
            let model = asked.model;
            self.change(Command::EndTrackDeletes { model }).await?;
        }
        just(json!({ "deletedKeys": deleted }))
    }

    pub(super) fn merging(&self, asked: &Strategy) -> Answered {
        let merging = match asked.strategy.as_str() {
            "ignore_if_modified_after" => Merging::IgnoreIfModifiedAfter(self.run().began),
            _ => Merging::Override,
        };
        self.noted().merging.insert(asked.model.clone(), merging);
        just(json!({}))
    }
}

/// A record as functions read it.
fn shown(record: &Record) -> Value {
    crate::nango::records::shown(record)
}
