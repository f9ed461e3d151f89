//! Syncs.

use std::collections::BTreeMap;

use aggregates::sync::{Checkpoint, Event as Happened, Requested, RunStatus};

use super::Integrations;
use crate::Error;
use crate::db::Buffer;
use crate::model::{FinishedRun, Run, Sync};
use crate::projection::Recorded;
use crate::table::{Column, Table};
use crate::versions::{Place, Row, Store};

/// What all syncs are looked for by.
pub(crate) const EVERY: &str = "every";

impl Row for Sync {
    const TABLE: &'static Table = &Table {
        name: "syncs",
        columns: &[
            Column::text("id"),
            Column::integer("created_at"),
            Column::integer("updated_at"),
            Column::text("name").facet(),
            Column::text("variant"),
            Column::text("kind"),
            Column::text("integration").facet(),
            Column::text("connection_id"),
            Column::integer("started"),
        ],
        computed: &[],
        ids_in_parent: false,
    };

    fn columns(&self, to: &mut Buffer) {
        let place = &self.place;
        to.text(self.key.as_str());
        to.integer(self.created_at);
        to.integer(self.updated_at);
        to.text(&place.name);
        to.text(&place.variant);
        to.text(place.kind.as_str());
        to.text(place.integration.as_str());
        to.text(&place.connection_id);
        to.flag(self.started);
    }

    fn global(&self) -> Option<&str> {
        Some(EVERY)
    }
}

impl Integrations {
    pub(super) fn sync(
        &mut self,
        event: &Recorded,
        happened: &Happened,
        store: &mut Store<'_>,
    ) -> Result<(), Error> {
        let (project, key) = event.key()?;
        let now = event.stored.recorded_at;
        let at = Place::new(project, key);
        match happened {
            Happened::SyncCreated {
                place,
                started,
                frequency,
            } => {
                let owner = place.connection.as_str();
                let of = Place::new(project, owner);
                // It came too late: its connection is gone.
                if self.connections.get(store, of)?.is_none() {
                    return Ok(());
                }
                let row = Sync {
                    key: key.into(),
                    sequence: event.stored.position,
                    created_at: now,
                    updated_at: now,
                    place: place.clone(),
                    started: *started,
                    frequency: frequency.clone(),
                    requested: None,
                    running: None,
                    last: None,
                    last_due: None,
                    last_success_started_at: None,
                    totals: BTreeMap::new(),
                    checkpoint: None,
                    marks: BTreeMap::new(),
                };
                self.syncs.create(store, at.below(owner), row)?;
            }
            Happened::SyncDeleted {} => {
                self.syncs.end(store, at)?;
            }
            change => {
                self.syncs.update(store, at, |row| {
                    fold(row, change, now);
                    row.updated_at = now;
                })?;
            }
        }
        Ok(())
    }
}

fn fold(row: &mut Sync, change: &Happened, now: i64) {
    match change {
        // How it stops is told when it ends.
        Happened::SyncCreated { .. }
        | Happened::RunInterrupted { .. }
        | Happened::SyncDeleted {} => {}
        Happened::SyncStarted {} => row.started = true,
        Happened::SyncPaused {} => row.started = false,
        Happened::FrequencySet { frequency } => row.frequency.clone_from(frequency),
        Happened::RunRequested {
            run,
            reset,
            empty_cache,
        } => {
            row.requested = Some(Requested {
                run: run.clone(),
                reset: *reset,
                empty_cache: *empty_cache,
            });
        }
        Happened::RunStarted {
            run,
            worker,
            attempt,
            due,
            trigger,
            reset,
            empty_cache,
        } => {
            if row
                .requested
                .as_ref()
                .is_some_and(|asked| asked.run == *run)
            {
                row.requested = None;
            }
            row.last_due = row.last_due.max(*due);
            let before = row.running.take().filter(|before| before.run == *run);
            // A worker that takes a run over begins nothing anew.
            if before.is_none() && *empty_cache {
                row.totals.clear();
            }
            if before.is_none() && *reset {
                row.last_success_started_at = None;
            }
            row.running = Some(Run {
                run: run.clone(),
                worker: worker.clone(),
                attempt: *attempt,
                started_at: before.map_or(now, |before| before.started_at),
                taken_at: now,
                due: *due,
                trigger: trigger.clone(),
                reset: *reset,
                empty_cache: *empty_cache,
            });
        }
        Happened::PageSaved { model, counts, .. } => {
            let total = row.totals.entry(model.clone()).or_default();
            total.add(*counts);
        }
        Happened::RunFinished { run, result, .. } => {
            let running = row.running.take();
            let (started_at, trigger) =
                running.map_or_else(Default::default, |run| (run.started_at, run.trigger));
            if result.status == RunStatus::Succeeded {
                row.last_success_started_at = Some(started_at);
            }
            row.last = Some(FinishedRun {
                run: run.clone(),
                trigger,
                status: result.status,
                error: result.error.clone(),
                counts: result.counts.clone(),
                execution: result.execution.clone(),
                started_at,
                finished_at: now,
                duration_ms: result.duration_ms,
            });
        }
        Happened::CheckpointSaved { value, version } => {
            row.checkpoint = Some(Checkpoint {
                value: value.clone(),
                version: *version,
            });
        }
        Happened::CheckpointCleared {} => row.checkpoint = None,
        Happened::TrackDeletesMarked { model, mark } => {
            row.marks.insert(model.clone(), *mark);
        }
        Happened::TrackDeletesEnded { model } => {
            row.marks.remove(model);
        }
    }
}
