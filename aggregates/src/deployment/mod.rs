//! A deployment: one version of a function's code, from upload to artefact.
//!
//! ```text
//! uploading ─► queued ─► building ─► ready
//!     │          │          ├──────► failed
//!     └──────────┴──────────┴──────► canceled
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::aggregate::{aggregate, kinds};
use crate::{Blob, FunctionId, ScriptArtefact, ScriptPlan};

/// What can be asked of a deployment.
#[derive(Clone, Debug)]
pub enum Command {
    /// Stores one chunk of the source; the first one makes the deployment, the
    /// one that completes the set queues it for its build. Storing a chunk that
    /// is there already, or after the upload is complete, changes nothing.
    Upload {
        /// What the deployment is; ignored when it exists.
        plan: Plan,
        /// Which chunk, from 0.
        index: u32,
        /// Its bytes.
        blob: Blob,
    },
    /// Makes a deployment from a source that is stored already, queued at once.
    Duplicate {
        /// What the deployment is.
        plan: Plan,
        /// The chunks of the source, in order.
        source: Vec<Blob>,
    },
    /// A worker takes the build.
    StartBuild {
        /// Names the worker's process.
        worker: String,
        /// Counts from 1; must be one more than the last.
        attempt: u32,
    },
    /// More of the build log.
    AppendLog {
        /// The attempt that wrote it.
        attempt: u32,
        /// Whole lines.
        text: String,
    },
    /// The build is done.
    FinishBuild {
        /// The attempt that did it.
        attempt: u32,
        /// What it made.
        artefact: Artefact,
        /// How long it took.
        duration_ms: u64,
        /// The last lines of the log.
        log: String,
    },
    /// The build cannot be done.
    FailBuild {
        /// The attempt that failed; 0 when none was started.
        attempt: u32,
        /// The dialect's code for it, for example `compilation_error`,
        /// `deployment_error` or `timeout`; empty where there is none.
        code: String,
        /// One sentence.
        reason: String,
        /// How long it took.
        duration_ms: u64,
        /// The last lines of the log.
        log: String,
    },
    /// Stops the upload or the build.
    Cancel {
        /// Appended to the build log.
        log: String,
        /// How long the build had taken.
        duration_ms: u64,
    },
    /// Removes the deployment in any state.
    Delete,
}

/// What a deployment is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The function it belongs to.
    pub function: FunctionId,
    /// How it came: `manual`, `cli` or `vcs`.
    pub kind: String,
    /// Path of the entry file in the source.
    pub entrypoint: String,
    /// Build commands, or empty.
    pub commands: String,
    /// Whether it becomes the active one when it is ready.
    pub activate: bool,
    /// Announced length of the source in bytes.
    pub size: u64,
    /// How many chunks the source comes in; at least 1.
    pub chunks: u32,
    /// Which script it is a version of, if its function is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<ScriptPlan>,
}

/// What a build made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artefact {
    /// JavaScript bundle or WebAssembly component.
    pub kind: ArtefactKind,
    /// The bundle's code, or the component.
    pub code: Blob,
    /// The bundle's source map.
    pub source_map: Option<Blob>,
    /// What was found out about a script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<ScriptArtefact>,
}

impl Artefact {
    /// Bytes of everything in it.
    pub fn size(&self) -> u64 {
        self.code.size + self.source_map.as_ref().map_or(0, |map| map.size)
    }
}

/// What runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtefactKind {
    /// A bundle for the shared engine, snapshotted later.
    #[serde(rename = "javascript")]
    JavaScript,
    /// A component that exports `wasi:http/incoming-handler`.
    Component,
}

/// What happened to a deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields repeat those of the commands")]
pub enum Event {
    /// The deployment exists; its source is not complete yet.
    DeploymentCreated { plan: Plan },
    /// A chunk of the source is stored.
    ChunkStored { index: u32, blob: Blob },
    /// The source is complete and the build is due. Chunks in order.
    SourceStored { source: Vec<Blob>, size: u64 },
    /// A worker has taken the build.
    BuildStarted { worker: String, attempt: u32 },
    /// The build wrote these lines.
    BuildLogged { attempt: u32, text: String },
    /// The deployment can be activated.
    BuildSucceeded {
        attempt: u32,
        artefact: Artefact,
        duration_ms: u64,
        log: String,
    },
    /// The deployment will never run.
    BuildFailed {
        attempt: u32,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        code: String,
        reason: String,
        duration_ms: u64,
        log: String,
    },
    /// Somebody stopped it.
    BuildCanceled { duration_ms: u64, log: String },
    /// The deployment is gone.
    DeploymentDeleted {},
}

kinds!(Event: DeploymentCreated, ChunkStored, SourceStored, BuildStarted, BuildLogged,
    BuildSucceeded, BuildFailed, BuildCanceled, DeploymentDeleted);

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such deployment (or it was deleted).
    #[error("the deployment does not exist")]
    NotFound,
    /// The id is taken.
    #[error("a deployment with this id exists already")]
    AlreadyExists,
    /// The chunk does not fit the upload that was announced.
    #[error("chunk {index} does not belong to an upload of {chunks} chunks and {size} bytes")]
    ChunkMismatch {
        /// The chunk sent.
        index: u32,
        /// Chunks announced first.
        chunks: u32,
        /// Bytes announced first.
        size: u64,
    },
    /// The build has ended and cannot be canceled.
    #[error("the build has ended already")]
    AlreadyCompleted,
    /// The worker does not hold the build: it was canceled, ended, deleted or
    /// taken over.
    #[error("build attempt {attempt} does not hold this deployment")]
    NotHolder {
        /// The attempt that asked.
        attempt: u32,
    },
    /// The source is not complete.
    #[error("the source is not complete")]
    SourceIncomplete,
}

/// How far a deployment is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It does not exist, or was deleted.
    #[default]
    Absent,
    /// Chunks are missing.
    Uploading,
    /// The build is due.
    Queued,
    /// A worker builds it.
    Building,
    /// It can run.
    Ready,
    /// It will never run.
    Failed,
    /// It was stopped.
    Canceled,
}

/// The state of a deployment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Deployment {
    /// How far it is.
    pub status: Status,
    /// What it is; none: it does not exist.
    pub plan: Option<Plan>,
    /// Chunks stored so far, by index.
    pub chunks: BTreeMap<u32, Blob>,
    /// The complete source, in order.
    pub source: Vec<Blob>,
    /// The last build attempt.
    pub attempt: u32,
    /// The worker of the last attempt.
    pub worker: String,
    /// What the build made.
    pub artefact: Option<Artefact>,
}

aggregate!(Deployment, "deployment", fold 2);

impl Deployment {
    /// The function it belongs to, when it exists.
    pub fn function(&self) -> Option<&FunctionId> {
        self.plan.as_ref().map(|plan| &plan.function)
    }

    fn decide(&self, command: Command) -> Result<Vec<Event>, Error> {
        match command {
            Command::Upload { plan, index, blob } => self.upload(plan, index, blob),
            Command::Duplicate { plan, source } => {
                if self.status != Status::Absent {
                    return Err(Error::AlreadyExists);
                }
                let size = source.iter().map(|blob| blob.size).sum();
                Ok(vec![
                    Event::DeploymentCreated { plan },
                    Event::SourceStored { source, size },
                ])
            }
            _ if self.status == Status::Absent => Err(Error::NotFound),
            Command::StartBuild { worker, attempt } => match self.status {
                Status::Queued | Status::Building if attempt == self.attempt + 1 => {
                    Ok(vec![Event::BuildStarted { worker, attempt }])
                }
                Status::Uploading => Err(Error::SourceIncomplete),
                _ => Err(Error::NotHolder { attempt }),
            },
            Command::AppendLog { attempt, text } => {
                self.held_by(attempt)?;
                Ok(vec![Event::BuildLogged { attempt, text }])
            }
            Command::FinishBuild {
                attempt,
                artefact,
                duration_ms,
                log,
            } => {
                self.held_by(attempt)?;
                Ok(vec![Event::BuildSucceeded {
                    attempt,
                    artefact,
                    duration_ms,
                    log,
                }])
            }
            Command::FailBuild {
                attempt,
                code,
                reason,
                duration_ms,
                log,
            } => {
                let unstarted = attempt == 0
                    && self.attempt == 0
                    && matches!(self.status, Status::Uploading | Status::Queued);
                if !unstarted {
                    self.held_by(attempt)?;
                }
                Ok(vec![Event::BuildFailed {
                    attempt,
                    code,
                    reason,
                    duration_ms,
                    log,
                }])
            }
            Command::Cancel { log, duration_ms } => match self.status {
                Status::Canceled => Ok(vec![]),
                Status::Ready | Status::Failed => Err(Error::AlreadyCompleted),
                _ => Ok(vec![Event::BuildCanceled { duration_ms, log }]),
            },
            Command::Delete => Ok(vec![Event::DeploymentDeleted {}]),
        }
    }

    fn upload(&self, plan: Plan, index: u32, blob: Blob) -> Result<Vec<Event>, Error> {
        let known = self.plan.as_ref();
        if known.is_some_and(|known| known.function != plan.function) {
            return Err(Error::NotFound);
        }
        if known.is_some() && !matches!(self.status, Status::Uploading | Status::Canceled) {
            return Ok(vec![]);
        }
        let (chunks, size) = known.map_or((plan.chunks, plan.size), |k| (k.chunks, k.size));
        if index >= chunks || plan.chunks != chunks || plan.size != size {
            return Err(Error::ChunkMismatch {
                index,
                chunks,
                size,
            });
        }
        if self.status == Status::Canceled || self.chunks.contains_key(&index) {
            return Ok(vec![]);
        }
        let mut events = Vec::with_capacity(3);
        if known.is_none() {
            events.push(Event::DeploymentCreated { plan });
        }
        events.push(Event::ChunkStored {
            index,
            blob: blob.clone(),
        });
        if self.chunks.len() as u32 + 1 == chunks {
            let mut all = self.chunks.clone();
            all.insert(index, blob);
            let source: Vec<Blob> = all.into_values().collect();
            let size = source.iter().map(|blob| blob.size).sum();
            events.push(Event::SourceStored { source, size });
        }
        Ok(events)
    }

    fn held_by(&self, attempt: u32) -> Result<(), Error> {
        if self.status == Status::Building && self.attempt == attempt {
            Ok(())
        } else {
            Err(Error::NotHolder { attempt })
        }
    }

    fn fold(&mut self, event: Event) {
        match event {
            Event::DeploymentCreated { plan } => {
                *self = Self {
                    status: Status::Uploading,
                    plan: Some(plan),
                    ..Self::default()
                };
            }
            Event::ChunkStored { index, blob } => {
                self.chunks.insert(index, blob);
            }
            Event::SourceStored { source, .. } => {
                self.status = Status::Queued;
                self.chunks = BTreeMap::new();
                self.source = source;
            }
            Event::BuildStarted { worker, attempt } => {
                self.status = Status::Building;
                self.worker = worker;
                self.attempt = attempt;
            }
            Event::BuildLogged { .. } => {}
            Event::BuildSucceeded { artefact, .. } => {
                self.status = Status::Ready;
                self.artefact = Some(artefact);
            }
            Event::BuildFailed { .. } => self.status = Status::Failed,
            Event::BuildCanceled { .. } => self.status = Status::Canceled,
            Event::DeploymentDeleted {} => *self = Self::default(),
        }
    }
}
