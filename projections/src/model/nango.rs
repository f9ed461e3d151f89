//! Rows of integrations, connections, syncs and dry runs.

use std::collections::BTreeMap;

use aggregates::dryrun::DryRunResult;
use aggregates::sync::{Checkpoint, Counts, Place, Requested, RunStatus};
use aggregates::{Blob, ConnectionKey, ExecutionId, Failure, ScriptKind, SyncKey};
use aggregates::{connection, integration};
use serde::{Deserialize, Serialize};

/// An integration as of some position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Integration {
    /// Its unique key.
    pub id: String,
    /// Insertion order: the position of the event that created it.
    pub sequence: u64,
    pub created_at: i64,
    pub updated_at: i64,
    pub settings: integration::Settings,
}

/// A connection as of some position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Connection {
    pub key: ConnectionKey,
    pub sequence: u64,
    /// The id it is known by.
    pub connection_id: String,
    pub integration: String,
    pub provider: String,
    pub created_at: i64,
    pub updated_at: i64,
    pub settings: connection::Settings,
    /// Why its credentials do not do; empty when they do.
    pub errors: Vec<NotedFailure>,
}

/// Why the credentials of a connection do not do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct NotedFailure {
    pub error: String,
    pub at: i64,
}

/// The state of a script on a connection as of some position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Sync {
    pub key: SyncKey,
    pub sequence: u64,
    pub created_at: i64,
    pub updated_at: i64,
    pub place: Place,
    /// Its schedule runs.
    pub started: bool,
    /// How often, if not as often as the deployed script says.
    pub frequency: Option<String>,
    /// The request that waits.
    pub requested: Option<Requested>,
    pub running: Option<Run>,
    pub last: Option<FinishedRun>,
    /// The latest time that a run was due at.
    pub last_due: Option<i64>,
    /// When the last run that succeeded began (the script's `lastSyncDate`);
    /// none after a reset.
    pub last_success_started_at: Option<i64>,
    /// What became of records, by model, since it was created or began without
    /// any: `added - deleted` are there.
    pub totals: BTreeMap<String, Counts>,
    pub checkpoint: Option<Checkpoint>,
    /// Marks of track deletes, by model.
    pub marks: BTreeMap<String, i64>,
}

/// A run that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Run {
    pub run: String,
    /// Of the last attempt.
    pub worker: String,
    pub attempt: u32,
    /// Time of the first attempt.
    pub started_at: i64,
    /// Time of the last attempt.
    pub taken_at: i64,
    pub due: Option<i64>,
    /// `schedule`, `manual`, `creation` or `webhook`.
    pub trigger: String,
    /// It began without checkpoint and marks.
    pub reset: bool,
    /// It is to begin without records.
    pub empty_cache: bool,
}

/// A run that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct FinishedRun {
    pub run: String,
    pub trigger: String,
    pub status: RunStatus,
    pub error: Option<String>,
    /// What became of records, by model.
    pub counts: BTreeMap<String, Counts>,
    /// The execution that has its logs.
    pub execution: Option<ExecutionId>,
    pub started_at: i64,
    pub finished_at: i64,
    pub duration_ms: u64,
}

/// A dry run as of some position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct DryRun {
    pub id: String,
    pub sequence: u64,
    pub integration: String,
    pub connection_id: String,
    pub kind: ScriptKind,
    pub source: Blob,
    /// What the script is given, sealed; none when it has ended.
    pub input: Option<Blob>,
    /// `waiting`, `running`, `success`, `failed`.
    pub status: String,
    /// Of the last attempt; empty before.
    pub worker: String,
    pub attempt: u32,
    pub created_at: i64,
    pub updated_at: i64,
    /// Time of the first attempt.
    pub started_at: Option<i64>,
    pub completed_at: Option<i64>,
    /// What came of it, if it was started.
    pub result: Option<DryRunResult>,
    /// Why it was never started.
    pub unstarted: Option<Failure>,
}

impl DryRun {
    /// Why it failed, started or not.
    pub fn error(&self) -> Option<&Failure> {
        let result = self.result.as_ref();
        result
            .and_then(|result| result.error.as_ref())
            .or(self.unstarted.as_ref())
    }
}
