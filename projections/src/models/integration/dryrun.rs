//! Dry runs.

use aggregates::dryrun::Event as Happened;

use super::Integrations;
use crate::Error;
use crate::db::Buffer;
use crate::model::DryRun;
use crate::models::UNFINISHED;
use crate::projection::Recorded;
use crate::table::{Column, Table};
use crate::versions::{Place, Row, Store};

impl Row for DryRun {
    const TABLE: &'static Table = &Table {
        name: "dryruns",
        columns: &[
            Column::text("id"),
            Column::integer("created_at"),
            Column::integer("updated_at"),
            Column::text("status").facet(),
        ],
        computed: &[],
        ids_in_parent: false,
    };

    fn columns(&self, to: &mut Buffer) {
        to.text(&self.id);
        to.integer(self.created_at);
        to.integer(self.updated_at);
        to.text(&self.status);
    }

    fn global(&self) -> Option<&str> {
        matches!(&*self.status, "waiting" | "running").then_some(UNFINISHED)
    }
}

impl Integrations {
    pub(super) fn dryrun(
        &mut self,
        event: &Recorded,
        happened: &Happened,
        store: &mut Store<'_>,
    ) -> Result<(), Error> {
        let (project, id) = event.key()?;
        let now = event.stored.recorded_at;
        let at = Place::new(project, id);
        match happened {
            Happened::DryRunRequested(request) => {
                let row = DryRun {
                    id: id.to_owned(),
                    sequence: event.stored.position,
                    integration: request.integration.to_string(),
                    connection_id: request.connection_id.clone(),
                    kind: request.kind,
                    source: request.source.clone(),
                    input: Some(request.input.clone()),
                    status: "waiting".to_owned(),
                    worker: String::new(),
                    attempt: 0,
                    created_at: now,
                    updated_at: now,
                    started_at: None,
                    completed_at: None,
                    result: None,
                    unstarted: None,
                };
                self.dryruns.create(store, at, row)?;
            }
            Happened::DryRunStarted { worker, attempt } => {
                self.dryruns.update(store, at, |row| {
                    "running".clone_into(&mut row.status);
                    row.worker.clone_from(worker);
                    row.attempt = *attempt;
                    row.started_at.get_or_insert(now);
                    row.updated_at = now;
                })?;
            }
            Happened::DryRunFinished { result, .. } => {
                self.dryruns.update(store, at, |row| {
                    let status = match result.succeeded {
                        true => "success",
                        false => "failed",
                    };
                    end(row, status, now);
                    row.result = Some(result.clone());
                })?;
            }
            Happened::DryRunFailed { error } => {
                self.dryruns.update(store, at, |row| {
                    end(row, "failed", now);
                    row.unstarted = Some(error.clone());
                })?;
            }
        }
        Ok(())
    }
}

fn end(row: &mut DryRun, status: &str, now: i64) {
    status.clone_into(&mut row.status);
    row.input = None;
    row.completed_at = Some(now);
    row.updated_at = now;
}
