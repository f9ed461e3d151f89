//! The build saga: from a complete source to a deployment that can run.
//!
//! ```text
//! SourceStored ─► queue ─► StartBuild ─► fetch ─► compile ─► store ─► smoke test
//!                                                     │                   │
//!                                                 FailBuild          FinishBuild ─► activate, if asked
//! ```
//!
//! Its state is the deployment's own events. After a crash at any step the next
//! start, or another node, finds the deployment queued or building and begins
//! another attempt; the steps before `FinishBuild` have no effect but blobs
//! named by their content. A canceled or deleted build is dropped where it
//! stands.
//!
//! Every node knows all that waits. The first in rank for a deployment takes it
//! at once, the others when it still waits a moment later. `StartBuild` decides
//! who has it: one attempt number goes to one worker, and what a worker says
//! after a later attempt has begun is refused.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aggregates::deployment::{Artefact, ArtefactKind, Command, Deployment, Plan, Status};
use aggregates::event::Event;
use aggregates::function::{self, Function};
use aggregates::{Blob, DeploymentId, FunctionId, ProjectId, deployment};
use compiler::Compiler;
use journal::failpoint;
use projections::ReadModels;
use sandbox::{Invocation, Program, Sandbox};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use super::fair::Fair;
use super::logbook::Logbook;
use super::{Saga, Seen, Tasks};
use crate::blobs::Blobs;
use crate::bus::{self, Bus, Context, Loaded};
use crate::cluster::Cluster;
use crate::execution::{Executor, NotMade, Place, Programs};

/// How to build [`Builds`].
pub struct Options {
    /// Where commands go.
    pub bus: Bus,
    /// Says what is unfinished, and which activation still stands.
    pub reads: ReadModels,
    /// Sources and artefacts.
    pub blobs: Blobs,
    /// Compiles.
    pub compiler: Compiler,
    /// Starts the result once.
    pub sandbox: Sandbox,
    /// Knows the environment of a function.
    pub executor: Executor,
    /// Code in memory.
    pub programs: Programs,
    /// Who else takes builds.
    pub cluster: Cluster,
    /// Builds at the same time.
    pub parallel: usize,
    /// Longest build.
    pub timeout: Duration,
    /// Longest wait for the missing chunks of an upload.
    pub upload_timeout: Duration,
}

/// The saga. Cheap to clone.
#[derive(Clone)]
pub struct Builds {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    queue: Mutex<Fair<Job>>,
    wake: Notify,
    permits: Arc<Semaphore>,
    tasks: Tasks,
    uploads: Tasks,
    /// Left to others for a moment.
    left: Tasks,
}

#[derive(Clone, Debug)]
struct Job {
    project: ProjectId,
    id: DeploymentId,
    correlation: String,
    /// Somebody had begun it already.
    begun: bool,
}

impl Job {
    fn key(&self) -> String {
        self.id.key(&self.project)
    }

    fn context(&self, step: &str) -> Context {
        let step = format!("{}/{step}", self.id);
        Context::saga("build", self.project.as_str(), &step, &self.correlation, "")
    }
}

/// Why a build ended without an artefact.
enum Stop {
    /// The user's source is at fault; the log says why.
    Failed(String),
    /// The same, told by a dialect in its own words.
    Refused { code: &'static str, log: String },
    /// Somebody else holds the deployment now, or it is gone.
    Lost,
    /// Something of ours failed; another start tries again.
    Broken(String),
}

type BuildError = bus::Error<deployment::Error>;

impl From<BuildError> for Stop {
    fn from(error: BuildError) -> Self {
        match error {
            bus::Error::Refused(_) | bus::Error::Conflict => Self::Lost,
            error => Self::Broken(error.to_string()),
        }
    }
}

/// Attempts after which a build that keeps killing its worker fails.
const MAX_ATTEMPTS: u32 = 3;
/// How long a node leaves a build to each of those before it in rank.
const PRECEDENCE: Duration = Duration::from_millis(400);
/// How often the log of a running build is handed on.
const LOG_INTERVAL: Duration = Duration::from_millis(250);

impl Options {
    /// The saga.
    pub fn build(self) -> Builds {
        Builds {
            inner: Arc::new(Inner {
                permits: Arc::new(Semaphore::new(self.parallel)),
                options: self,
                queue: Mutex::default(),
                wake: Notify::new(),
                tasks: Tasks::default(),
                uploads: Tasks::default(),
                left: Tasks::default(),
            }),
        }
    }
}

impl Builds {
    /// Builds under way.
    pub fn tasks(&self) -> &Tasks {
        &self.inner.tasks
    }

    /// Builds that wait for a worker.
    pub fn waiting(&self) -> usize {
        self.queue().len()
    }

    /// Takes up what was unfinished when a process ended.
    pub async fn recover(&self) -> Result<(), projections::Error> {
        self.sweep().await?;
        let reads = &self.inner.options.reads;
        for row in reads.view(None).ready_but_unactivated().await? {
            let job = Job {
                project: row.project.into(),
                id: row.row.id.as_str().into(),
                correlation: String::new(),
                begun: true,
            };
            self.activate(&job, &row.row.plan.function).await;
        }
        Ok(())
    }

    /// Takes up builds that nobody is at.
    pub async fn sweep(&self) -> Result<(), projections::Error> {
        let Options { reads, cluster, .. } = &self.inner.options;
        for row in reads.view(None).unfinished_deployments().await? {
            let job = Job {
                project: row.project.into(),
                id: row.row.id.as_str().into(),
                correlation: String::new(),
                begun: !row.row.worker.is_empty(),
            };
            let worker = row.row.worker.as_str();
            let is_own = worker == &**cluster.node();
            if !row.row.source_complete {
                self.expire_later(job, row.row.created_at);
            } else if worker.is_empty() || is_own || !cluster.is_alive(worker) {
                self.offer(job);
            }
        }
        Ok(())
    }

    /// Gives queued builds to workers until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        loop {
            let permit = tokio::select! {
                () = stop.cancelled() => return,
                permit = self.inner.permits.clone().acquire_owned() => permit,
            };
            let Ok(permit) = permit else { return };
            let job = loop {
                let waiting = self.inner.wake.notified();
                if let Some(job) = self.queue().pop() {
                    break job;
                }
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = waiting => {}
                }
            };
            let this = self.clone();
            self.inner.tasks.spawn(job.key(), async move {
                this.build(&job).await;
                drop(permit);
            });
        }
    }

    /// Queues a build at once, or in a moment, when other nodes come first.
    fn offer(&self, job: Job) {
        let key = job.key();
        if self.inner.tasks.is_running(&key) {
            return;
        }
        let rank = self.inner.options.cluster.rank(&key);
        if rank == 0 {
            return self.enqueue(job);
        }
        let this = self.clone();
        self.inner.left.spawn(key, async move {
            tokio::time::sleep(PRECEDENCE * rank).await;
            this.enqueue(job);
        });
    }

    fn enqueue(&self, job: Job) {
        if job.begun {
            self.queue().push_urgent(job.key(), job);
        } else {
            let project = job.project.to_string();
            self.queue().push(&project, job.key(), job);
        }
        self.inner.wake.notify_one();
    }

    /// Nobody needs to take it any more.
    fn withdraw(&self, job: &Job) {
        let key = job.key();
        self.inner.left.stop(&key);
        self.queue().remove(job.project.as_str(), &key);
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Fair<Job>> {
        self.inner
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails an upload whose chunks have not all come in time.
    fn expire_later(&self, job: Job, created_at: i64) {
        let this = self.clone();
        let limit = self.inner.options.upload_timeout;
        let age = u64::try_from(crate::auth::now_ms() - created_at).unwrap_or(0);
        self.inner.uploads.spawn(job.key(), async move {
            tokio::time::sleep(limit.saturating_sub(Duration::from_millis(age))).await;
            let command = Command::FailBuild {
                attempt: 0,
                code: String::new(),
                reason: "The upload was never completed.".to_owned(),
                duration_ms: 0,
                log: "The upload was never completed: some of its chunks did not arrive.\n"
                    .to_owned(),
            };
            let context = job.context("expire");
            let bus = &this.inner.options.bus;
            if let Err(error) = bus
                .execute::<Deployment>(&job.key(), command, &context)
                .await
            {
                tracing::info!(deployment = %job.id, %error, "an upload did not expire");
            }
        });
    }

    async fn build(&self, job: &Job) {
        match self.attempt(job).await {
            Ok(()) | Err(Stop::Lost) => {}
            Err(Stop::Failed(reason) | Stop::Refused { log: reason, .. }) => {
                tracing::error!(deployment = %job.id, reason, "a failed build was not recorded");
            }
            Err(Stop::Broken(reason)) => {
                tracing::error!(deployment = %job.id, reason, "a build was broken off");
            }
        }
    }

    async fn attempt(&self, job: &Job) -> Result<(), Stop> {
        let bus = &self.inner.options.bus;
        let key = job.key();
        let loaded = bus.load::<Deployment>(&key).await?;
        let state = &*loaded.state;
        let cluster = &self.inner.options.cluster;
        let is_free = match state.status {
            Status::Queued => true,
            // One of this node's own was broken off.
            Status::Building => {
                state.worker == **cluster.node() || !cluster.is_alive(&state.worker)
            }
            _ => false,
        };
        if !is_free {
            return Err(Stop::Lost);
        }
        let Some(plan) = state.plan.clone() else {
            return Err(Stop::Lost);
        };
        let function_key = plan.function.key(&job.project);
        let function = bus
            .load::<Function>(&function_key)
            .await
            .map_err(|error| Stop::Broken(error.to_string()))?;
        if function.state.settings.is_none() {
            return Err(Stop::Lost);
        }
        if state.attempt >= MAX_ATTEMPTS {
            let text =
                format!("The build was broken off {MAX_ATTEMPTS} times; it is not tried again.");
            let command = Command::FailBuild {
                attempt: state.attempt,
                code: String::new(),
                log: format!("{text}\n"),
                reason: text,
                duration_ms: 0,
            };
            bus.execute::<Deployment>(&key, command, &job.context("give-up"))
                .await?;
            return Ok(());
        }
        let attempt = state.attempt + 1;
        let start = Command::StartBuild {
            worker: cluster.node().to_string(),
            attempt,
        };
        let context = job.context(&format!("{attempt}/start"));
        bus.execute::<Deployment>(&key, start, &context).await?;
        failpoint("build.started");

        let begun = Instant::now();
        let logbook = Logbook::default();
        let steps = self.steps(job, &plan, &state.source, &function, &logbook);
        let limit = self.inner.options.timeout;
        let ended = self
            .stream_log(job, attempt, &logbook, tokio::time::timeout(limit, steps))
            .await?;
        let ended = ended.unwrap_or_else(|_| {
            Err(Stop::Failed(format!(
                "The build took longer than {} s.",
                limit.as_secs()
            )))
        });
        let duration_ms = begun.elapsed().as_millis() as u64;
        match ended {
            Ok(artefact) => {
                if artefact.script.is_none() {
                    logbook.line(self.log_name(&function), "Deployment finished.");
                }
                failpoint("build.before_finish");
                let command = Command::FinishBuild {
                    attempt,
                    artefact,
                    duration_ms,
                    log: logbook.take(),
                };
                let context = job.context(&format!("{attempt}/finish"));
                bus.execute::<Deployment>(&key, command, &context).await?;
                failpoint("build.finished");
                self.activate(job, &plan.function).await;
                Ok(())
            }
            Err(Stop::Failed(reason)) => {
                logbook.raw(&format!("{reason}\n"));
                logbook.line(self.log_name(&function), "Build failed with exit code 1.");
                let command = Command::FailBuild {
                    attempt,
                    code: String::new(),
                    reason: reason.lines().next().unwrap_or_default().to_owned(),
                    duration_ms,
                    log: logbook.take(),
                };
                let context = job.context(&format!("{attempt}/fail"));
                bus.execute::<Deployment>(&key, command, &context).await?;
                Ok(())
            }
            Err(Stop::Refused { code, log }) => {
                logbook.raw(&log);
                let log = logbook.take();
                let command = Command::FailBuild {
                    attempt,
                    code: code.to_owned(),
                    reason: code.to_owned(),
                    duration_ms,
                    log,
                };
                let context = job.context(&format!("{attempt}/fail"));
                bus.execute::<Deployment>(&key, command, &context).await?;
                Ok(())
            }
            Err(stop) => Err(stop),
        }
    }

    fn log_name(&self, function: &Loaded<Function>) -> &'static str {
        self.inner
            .options
            .executor
            .contract(function.state.origin)
            .map_or("strata", |contract| contract.log_name())
    }

    /// Runs `work` and hands the log on while it runs.
    async fn stream_log<T>(
        &self,
        job: &Job,
        attempt: u32,
        logbook: &Logbook,
        work: impl Future<Output = T>,
    ) -> Result<T, Stop> {
        let mut work = std::pin::pin!(work);
        let mut interval = tokio::time::interval(LOG_INTERVAL);
        interval.tick().await;
        let mut part = 0;
        loop {
            tokio::select! {
                ended = &mut work => return Ok(ended),
                _ = interval.tick() => {
                    let text = logbook.take();
                    if text.is_empty() {
                        continue;
                    }
                    part += 1;
                    let context = job.context(&format!("{attempt}/log/{part}"));
                    let command = Command::AppendLog { attempt, text };
                    let bus = &self.inner.options.bus;
                    bus.execute::<Deployment>(&job.key(), command, &context).await?;
                }
            }
        }
    }

    /// Everything that makes an artefact out of a source.
    async fn steps(
        &self,
        job: &Job,
        plan: &Plan,
        source: &[Blob],
        function: &Loaded<Function>,
        logbook: &Logbook,
    ) -> Result<Artefact, Stop> {
        let options = &self.inner.options;
        let name = self.log_name(function);
        if let Some(made) = self.own_build(job, plan, source, function, logbook).await {
            return made;
        }
        logbook.line(name, "Build started.");
        let archive = options
            .blobs
            .get_all(source)
            .await
            .map_err(|error| Stop::Broken(error.to_string()))?;
        failpoint("build.fetched");
        let tree = tokio::task::spawn_blocking(move || {
            compiler::Source::from_tar_gz(&archive, &compiler::UnpackLimits::default())
        })
        .await
        .map_err(|error| Stop::Broken(error.to_string()))?
        .map_err(|error| Stop::Failed(format!("Error: {error}")))?;
        if tree.is_empty() {
            let text = "Error: No source code found. Ensure your source isn't empty.";
            return Err(Stop::Failed(text.to_owned()));
        }
        let (artefact, program) = if plan.entrypoint.ends_with(".wasm") {
            self.component(&tree, plan).await?
        } else {
            self.bundle(&tree, plan, logbook).await?
        };
        failpoint("build.stored");
        self.smoke_test(job, plan, function, &artefact, &program, logbook)
            .await?;
        failpoint("build.tested");
        Ok(artefact)
    }

    /// The build of a dialect that has one of its own.
    async fn own_build(
        &self,
        job: &Job,
        plan: &Plan,
        source: &[Blob],
        function: &Loaded<Function>,
        logbook: &Logbook,
    ) -> Option<Result<Artefact, Stop>> {
        let contract = self
            .inner
            .options
            .executor
            .contract(function.state.origin)?;
        let place = Place {
            project: &job.project,
            function: &plan.function,
            settings: function.state.settings.as_ref()?,
            deployment: &job.id,
            plan,
            handler: None,
        };
        let made = contract.build(place, source).await?;
        Some(match made {
            Ok(made) => {
                logbook.raw(&made.log);
                Ok(made.artefact)
            }
            Err(NotMade::Failed { code, log }) => Err(Stop::Refused { code, log }),
            Err(NotMade::Broken(cause)) => Err(Stop::Broken(cause)),
        })
    }

    async fn component(
        &self,
        tree: &compiler::Source,
        plan: &Plan,
    ) -> Result<(Artefact, Program), Stop> {
        let path = plan.entrypoint.trim_start_matches("./");
        let Some(wasm) = tree.get(path).cloned() else {
            let text = format!("Error: the entrypoint {path} is not in the upload.");
            return Err(Stop::Failed(text));
        };
        let code = self.store(wasm.clone()).await?;
        let artefact = Artefact {
            kind: ArtefactKind::Component,
            code,
            source_map: None,
            script: None,
        };
        Ok((artefact, Program::component(wasm)))
    }

    async fn bundle(
        &self,
        tree: &compiler::Source,
        plan: &Plan,
        logbook: &Logbook,
    ) -> Result<(Artefact, Program), Stop> {
        let log = |text: &str| logbook.raw(&format!("{}\n", text.trim_end()));
        let request = compiler::Request {
            source: tree,
            entrypoint: &plan.entrypoint,
            commands: &plan.commands,
            provided: &[],
            require_default_export: true,
        };
        let bundle = self
            .inner
            .options
            .compiler
            .compile(request, &log)
            .await
            .map_err(|failure| Stop::Failed(failure.to_string()))?;
        failpoint("build.compiled");
        let program = Program::javascript(bundle.code.as_str());
        let (code, map) = tokio::join!(
            self.store(bundle.code.into()),
            self.store(bundle.source_map.into())
        );
        let artefact = Artefact {
            kind: ArtefactKind::JavaScript,
            code: code?,
            source_map: Some(map?),
            script: None,
        };
        Ok((artefact, program))
    }

    async fn store(&self, bytes: bytes::Bytes) -> Result<Blob, Stop> {
        let stored = self.inner.options.blobs.put(bytes).await;
        stored.map_err(|error| Stop::Broken(error.to_string()))
    }

    /// Starts the program once. JavaScript that does not load is a warning and
    /// not a failure: it may only lack a variable that is set later, and each
    /// execution reports it.
    async fn smoke_test(
        &self,
        job: &Job,
        plan: &Plan,
        function: &Loaded<Function>,
        artefact: &Artefact,
        program: &Program,
        logbook: &Logbook,
    ) -> Result<(), Stop> {
        let options = &self.inner.options;
        let env = options
            .executor
            .environment_for(&job.project, function, &job.id, plan)
            .await
            .map_err(|error| Stop::Broken(error.to_string()))?;
        let mut invocation = Invocation::new("", serde_json::Value::Null, "");
        invocation.env = env;
        let Err(failure) = options.sandbox.smoke_test(program, invocation).await else {
            return Ok(());
        };
        let text = options
            .programs
            .map_stack(artefact, &failure.to_string())
            .await;
        if artefact.kind == ArtefactKind::Component {
            return Err(Stop::Failed(format!("Error: {text}")));
        }
        logbook.raw(&format!(
            "Warning: the function did not load when it was started once:\n{text}\n"
        ));
        Ok(())
    }

    /// Makes a ready deployment the active one when it still asks for that: a
    /// newer deployment that asks takes the wish away from the older ones.
    async fn activate(&self, job: &Job, function: &FunctionId) {
        let options = &self.inner.options;
        let row = match options
            .reads
            .view(None)
            .deployment(job.project.as_str(), job.id.as_str())
            .await
        {
            Ok(Some(row)) => row,
            Ok(None) => return,
            Err(error) => {
                tracing::error!(deployment = %job.id, %error, "cannot tell whether to activate");
                return;
            }
        };
        if !row.activate {
            return;
        }
        let command = function::Command::ActivateDeployment {
            deployment: job.id.clone(),
            queued_at: Some(row.queued_at),
        };
        let context = job.context("activate");
        let key = function.key(&job.project);
        match options
            .bus
            .execute::<Function>(&key, command, &context)
            .await
        {
            Ok(_) | Err(bus::Error::Refused(_)) => {}
            Err(error) => {
                tracing::error!(deployment = %job.id, %error, "a deployment was not activated");
            }
        }
    }
}

impl Saga for Builds {
    fn wants(&self, kind: &str) -> bool {
        matches!(
            kind,
            "DeploymentCreated"
                | "SourceStored"
                | "BuildStarted"
                | "BuildCanceled"
                | "DeploymentDeleted"
        )
    }

    fn on_event(&self, seen: &Seen) {
        use deployment::Event as Happened;
        let Some((project, id)) = aggregates::split_key(&seen.key) else {
            return;
        };
        let Event::Deployment(event) = &seen.event else {
            return;
        };
        let job = Job {
            project: project.into(),
            id: id.into(),
            correlation: seen.correlation.clone(),
            begun: false,
        };
        match event {
            Happened::DeploymentCreated { plan } if plan.chunks > 1 => {
                self.expire_later(job, crate::auth::now_ms());
            }
            Happened::SourceStored { .. } => {
                self.inner.uploads.stop(&seen.key);
                self.offer(job);
            }
            Happened::BuildStarted { .. } => self.withdraw(&job),
            Happened::BuildCanceled { .. } | Happened::DeploymentDeleted {} => {
                self.inner.uploads.stop(&seen.key);
                self.withdraw(&job);
                self.inner.tasks.stop(&seen.key);
            }
            _ => {}
        }
    }
}
