//! What a run of a sync is, and what it leaves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ExecutionId;

/// A run that was asked for and did not begin yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requested {
    /// Names the run.
    pub run: String,
    /// Without checkpoint and marks.
    pub reset: bool,
    /// Without records.
    pub empty_cache: bool,
}

/// A run that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Names the run.
    pub run: String,
    /// Names the worker's process.
    pub worker: String,
    /// The attempt that holds the sync.
    pub attempt: u32,
    /// The time it was due, in milliseconds since the Unix epoch.
    pub due: Option<i64>,
    /// What caused it: `schedule`, `manual`, `creation` or `webhook`.
    pub trigger: String,
    /// It began without checkpoint and marks.
    pub reset: bool,
    /// It is to begin without records.
    pub empty_cache: bool,
    /// It was asked to stop; also whoever takes it over stops.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// What became of records so far, by model; whichever attempt saved them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, Counts>,
}

/// The run that ended last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// Names the run.
    pub run: String,
    /// How it ended.
    pub status: RunStatus,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunResult {
    /// How it ended.
    pub status: RunStatus,
    /// Why it did not end well: one sentence, without secrets.
    pub error: Option<String>,
    /// What became of records, by model: of all pages that were saved. A command leaves it
    /// empty.
    pub counts: BTreeMap<String, Counts>,
    /// The execution that has its logs.
    pub execution: Option<ExecutionId>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// Well.
    Succeeded,
    /// The script failed, or its worker is gone.
    Failed,
    /// It was stopped.
    Aborted,
}

impl RunStatus {
    /// The status as it is stored: `succeeded`, `failed`, `aborted`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
        }
    }
}

/// How many records became what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Counts {
    pub added: u64,
    pub updated: u64,
    pub deleted: u64,
    pub unchanged: u64,
}

impl Counts {
    /// Adds what became of further records.
    pub fn add(&mut self, more: Self) {
        self.added += more.added;
        self.updated += more.updated;
        self.deleted += more.deleted;
        self.unchanged += more.unchanged;
    }
}

/// What the next run begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// As the script gave it.
    pub value: Map<String, Value>,
    /// Grows with every one that is saved; from 1.
    pub version: u64,
}
