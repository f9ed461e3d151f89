//! The state of one script on one connection and variant: whether it is
//! started, which run holds it, and what its runs leave for the next one.
//!
//! Actions and on-events have such a state too, for their checkpoints. At most
//! one run holds a sync at a time, and at most one request waits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::aggregate::{aggregate, kinds};
use crate::{ConnectionKey, IntegrationId, ScriptKind};

mod decide;
mod run;

pub use run::{Checkpoint, Counts, Last, Requested, Run, RunResult, RunStatus};

/// What can be asked of a sync.
#[derive(Clone, Debug)]
pub enum Command {
    /// Makes it. That the connection exists is known to whoever sends this.
    Create {
        /// Which script, on what.
        place: Place,
        /// Whether its schedule runs from the beginning.
        started: bool,
        /// How often, if not as often as the deployed script says.
        frequency: Option<String>,
    },
    /// Lets its schedule run.
    Start,
    /// Stops its schedule, and asks a run that is under way to stop.
    Pause,
    /// Says how often it runs; none: as often as the deployed script says.
    SetFrequency {
        /// In the words of the dialect, for example `every hour`.
        frequency: Option<String>,
    },
    /// Asks for a run, also of one that is paused. While a request waits,
    /// another one adds to it what it asks beyond.
    Request {
        /// Names the run, if no request waits.
        run: String,
        /// Without checkpoint and marks.
        reset: bool,
        /// Without records.
        empty_cache: bool,
    },
    /// A worker begins a run, or takes over that of a worker that is gone.
    StartRun {
        /// Names the run; that of the request if the trigger is `manual`.
        run: String,
        /// Names the worker's process.
        worker: String,
        /// Counts from 1 for each run; must be one more than the last.
        attempt: u32,
        /// The time it was due, in milliseconds since the Unix epoch. A time
        /// runs once.
        due: Option<i64>,
        /// `schedule` and `creation` (refused while paused), `manual` (refused
        /// without a request), `webhook`.
        trigger: String,
    },
    /// A page of records was stored.
    SavePage {
        /// The run.
        run: String,
        /// The attempt that stored it.
        attempt: u32,
        /// The model, with its variant if it has one.
        model: String,
        /// What became of the records.
        counts: Counts,
    },
    /// The run has ended.
    FinishRun {
        /// The run.
        run: String,
        /// The attempt that ended.
        attempt: u32,
        /// What came of it.
        result: RunResult,
    },
    /// Keeps what the next run begins with.
    SaveCheckpoint {
        /// Flat: texts, numbers, booleans.
        value: Map<String, Value>,
        /// The version that was read, 0 for none; none: whatever it is.
        expected_version: Option<u64>,
    },
    /// Forgets the checkpoint.
    ClearCheckpoint,
    /// Marks from when on records that were not saved count as deleted. A mark
    /// that is there stays, so that it survives resumed runs.
    MarkTrackDeletes {
        /// The model, with its variant if it has one.
        model: String,
        /// Chosen by the caller.
        mark: i64,
    },
    /// Takes the mark away.
    EndTrackDeletes {
        /// The model, with its variant if it has one.
        model: String,
    },
    /// Ends it, with a run that is under way.
    Delete,
}

/// Which script, on which connection, in which variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The integration of script and connection.
    pub integration: IntegrationId,
    /// The connection, by the id its integration knows it by.
    pub connection_id: String,
    /// The connection, by its stream.
    pub connection: ConnectionKey,
    /// What kind of script it is.
    pub kind: ScriptKind,
    /// The name of the script.
    pub name: String,
    /// `base` unless another one was made.
    pub variant: String,
}

/// What happened to a sync.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields repeat those of the commands")]
pub enum Event {
    /// The sync exists.
    SyncCreated {
        place: Place,
        started: bool,
        frequency: Option<String>,
    },
    /// Its schedule runs.
    SyncStarted {},
    /// Its schedule does not run.
    SyncPaused {},
    /// The run that holds it is to stop as soon as it can.
    RunInterrupted { run: String },
    /// How often it runs from now on.
    FrequencySet { frequency: Option<String> },
    /// The request that waits, as it is now.
    RunRequested {
        run: String,
        reset: bool,
        empty_cache: bool,
    },
    /// A worker holds it. `reset` and `empty_cache` are those of the request.
    RunStarted {
        run: String,
        worker: String,
        attempt: u32,
        due: Option<i64>,
        trigger: String,
        reset: bool,
        empty_cache: bool,
    },
    /// The run stored a page of records.
    PageSaved {
        run: String,
        attempt: u32,
        model: String,
        counts: Counts,
    },
    /// Nobody holds it any more.
    RunFinished {
        run: String,
        attempt: u32,
        result: RunResult,
    },
    /// What the next run begins with.
    CheckpointSaved {
        value: Map<String, Value>,
        version: u64,
    },
    /// The next run begins with nothing.
    CheckpointCleared {},
    /// From when on records that were not saved count as deleted.
    TrackDeletesMarked { model: String, mark: i64 },
    /// That mark is gone.
    TrackDeletesEnded { model: String },
    /// The sync is gone.
    SyncDeleted {},
}

kinds!(Event: SyncCreated, SyncStarted, SyncPaused, RunInterrupted, FrequencySet, RunRequested, RunStarted,
    PageSaved, RunFinished, CheckpointSaved, CheckpointCleared, TrackDeletesMarked,
    TrackDeletesEnded, SyncDeleted);

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such sync.
    #[error("the sync does not exist")]
    NotFound,
    /// The key is taken.
    #[error("a sync with this key exists already")]
    AlreadyExists,
    /// Its schedule does not run.
    #[error("the sync is paused")]
    Paused,
    /// Another run holds it.
    #[error("run {run} is under way")]
    AlreadyRunning {
        /// That run.
        run: String,
    },
    /// The run, or one that was due then or later, has ended already.
    #[error("run {run} was done already")]
    AlreadyRun {
        /// The run that was to begin.
        run: String,
    },
    /// Nobody asked for the run.
    #[error("run {run} was not requested")]
    NotRequested {
        /// The run that was to begin.
        run: String,
    },
    /// The worker does not hold the sync: its run has ended or was taken over.
    #[error("attempt {attempt} of run {run} does not hold this sync")]
    NotHolder {
        /// The run that asked.
        run: String,
        /// Its attempt.
        attempt: u32,
    },
    /// Somebody else saved or cleared the checkpoint meanwhile.
    #[error("the checkpoint is at version {version}")]
    Conflict {
        /// The version it has; 0: there is none.
        version: u64,
    },
    /// Nothing is marked.
    #[error("no deletes are tracked for the model {model}")]
    NotTracked {
        /// The model.
        model: String,
    },
}

/// The state of a sync.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sync {
    /// What it is; none: it does not exist.
    pub place: Option<Place>,
    /// Whether its schedule runs.
    pub started: bool,
    /// How often, if not as often as the deployed script says.
    pub frequency: Option<String>,
    /// The request that waits.
    pub requested: Option<Requested>,
    /// The run that holds it.
    pub running: Option<Run>,
    /// The run that ended last.
    pub last: Option<Last>,
    /// The latest time that a run was due at.
    pub last_due: Option<i64>,
    /// What the next run begins with.
    pub checkpoint: Option<Checkpoint>,
    /// The last version of a checkpoint, cleared or not: no version comes twice.
    pub checkpoint_version: u64,
    /// Marks of track deletes, by model.
    pub marks: BTreeMap<String, i64>,
}

aggregate!(Sync, "sync", fold 2);
