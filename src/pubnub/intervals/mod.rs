//! Functions that run by the clock, again and again.
//!
//! The node that leads asks for each run as an execution whose id is derived from deployment,
//! function and due time: a due time that two nodes see is run once, by whichever node begins it.
//! The next run is due an interval after the end of the one before, so runs of one function never
//! overlap; the first one is due an interval after the start. Nothing is remembered: when a run
//! was due follows from the events of the keyset ([`phase`]) and from the last execution.

mod phase;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aggregates::event::Event;
use aggregates::execution::{self, Execution};
use aggregates::keyset::{self, Keyset};
use aggregates::{ExecutionId, KeysetId, PackageDeploymentId, ProjectId};
use bytes::Bytes;
use journal::StreamId;
use projections::query::{Filter, List, Operator, Order, OrderBy, Scalar};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use self::phase::{Line, Phases};
use super::Shared;
use super::scene::{Asked, Scene, VERSION};
use crate::auth::now_ms;
use crate::bus::{self, Context};
use crate::cluster::TERM;
use crate::execution::Refused;
use crate::sagas::{Saga, Seen};

/// Longest sleep, so that a clock that jumps is noticed, and an end that was missed.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);
/// Before something that failed is tried again.
const PAUSE: Duration = Duration::from_secs(1);
const PAGE: usize = 500;

/// The timers. Cheap to clone.
#[derive(Clone)]
pub struct Intervals {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    state: Mutex<State>,
    changed: Mutex<BTreeSet<(ProjectId, KeysetId)>>,
    wake: Notify,
}

/// What this node knows while it leads.
#[derive(Default)]
struct State {
    phases: HashMap<String, Phases>,
    timers: HashMap<Name, Timer>,
    /// Timers by the stream key of the execution that they wait for.
    running: HashMap<String, Name>,
}

/// A line of runs: the stream key of its keyset, the position that began it, and the function.
type Name = (String, u64, String);

#[derive(Clone)]
struct Timer {
    project: ProjectId,
    deployment: PackageDeploymentId,
    line: Line,
    /// When it is due, in milliseconds since the Unix epoch.
    next: i64,
    /// The stream key of the execution that is under way.
    running: Option<String>,
}

/// Why timers cannot be looked after.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Reads(#[from] projections::Error),
    #[error(transparent)]
    Keyset(#[from] bus::Error<keyset::Error>),
    #[error(transparent)]
    Execution(#[from] bus::Error<execution::Error>),
    #[error("the journal failed")]
    Journal(#[from] journal::Error),
    #[error("an event of a keyset cannot be read")]
    Unreadable(#[from] aggregates::event::Unreadable),
}

impl Intervals {
    /// No timer runs yet.
    pub fn new(shared: Arc<Shared>) -> Self {
        Self {
            inner: Arc::new(Inner {
                shared,
                state: Mutex::default(),
                changed: Mutex::default(),
                wake: Notify::new(),
            }),
        }
    }

    /// Runs what is due while this node leads, until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let mut view = self.inner.shared.cluster.view();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = view.wait_for(|view| view.epoch.is_some()) => {}
            }
            if let Err(error) = self.recover().await {
                tracing::error!(%error, "the keysets cannot be read");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            self.lead(&stop).await;
            *self.state() = State::default();
            if stop.is_cancelled() {
                return;
            }
        }
    }

    /// Takes note of the keysets that have functions.
    async fn recover(&self) -> Result<(), Broken> {
        let rows = self.inner.shared.reads.view(None).every_keyset().await?;
        let with_functions = rows.into_iter().filter(|row| !row.row.connected.is_empty());
        let names = with_functions.map(|row| (row.project.into(), row.row.id.into()));
        self.changed().extend(names);
        Ok(())
    }

    /// Runs what is due until this node does not lead any more.
    async fn lead(&self, stop: &CancellationToken) {
        let cluster = &self.inner.shared.cluster;
        let mut view = cluster.view();
        while cluster.epoch().is_some() {
            let woken = self.inner.wake.notified();
            let looked_after = self.look_after().await;
            let sleep = match looked_after {
                Ok(None) => LONGEST_SLEEP,
                Ok(Some(at)) => Duration::from_millis(u64::try_from(at - now_ms()).unwrap_or(0)),
                Err(error) => {
                    tracing::warn!(%error, "functions with an interval cannot be looked after");
                    PAUSE
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = woken => {}
                _ = view.changed() => {}
                () = tokio::time::sleep(sleep.min(LONGEST_SLEEP)) => {}
            }
        }
    }

    /// Takes in what has changed, asks for what is due, and gives when the next thing is.
    async fn look_after(&self) -> Result<Option<i64>, Broken> {
        let changed = std::mem::take(&mut *self.changed());
        for (project, keyset) in changed {
            let taken_in = self.take_in(&project, &keyset).await;
            if taken_in.is_err() {
                self.changed().insert((project, keyset));
            }
            taken_in?;
        }
        let now = now_ms();
        let due: Vec<(Name, Timer)> = {
            let state = self.state();
            let timers = state.timers.iter();
            let due = timers.filter(|(_, timer)| timer.running.is_none() && timer.next <= now);
            due.map(|(name, timer)| (name.clone(), timer.clone()))
                .collect()
        };
        if !due.is_empty() {
            if !self.inner.shared.cluster.leads().await {
                // The view tells in a moment who does.
                return Ok(Some(now + (TERM / 8).as_millis() as i64));
            }
            for (name, timer) in due {
                self.fire(&name, &timer).await?;
            }
        }
        self.notice_ends().await?;
        let state = self.state();
        let idle = state
            .timers
            .values()
            .filter(|timer| timer.running.is_none());
        Ok(idle.map(|timer| timer.next).min())
    }

    /// Makes the timers of a keyset those that its events ask for.
    async fn take_in(&self, project: &ProjectId, keyset: &KeysetId) -> Result<(), Broken> {
        let stream = keyset.key(project);
        let mut phases = self
            .state()
            .phases
            .get(&stream)
            .cloned()
            .unwrap_or_default();
        let journal = self.inner.shared.bus.journal();
        let id = StreamId::new("keyset", stream.as_str());
        loop {
            let events = journal.read_stream(&id, phases.sequence, PAGE).await?;
            let is_last = events.len() < PAGE;
            for event in events {
                phases.sequence = event.sequence;
                let payload = event.payload.get();
                let decoded =
                    aggregates::event::decode("keyset", &event.kind, &event.version, payload)?;
                if let Some(Event::Keyset(decoded)) = decoded {
                    phases.fold(decoded, event.position, event.recorded_at);
                }
            }
            if is_last {
                break;
            }
        }
        let mut wanted = HashMap::new();
        for (deployment, lines) in &phases.lines {
            for line in lines {
                let name = (stream.clone(), line.begun, line.handler.name.clone());
                wanted.insert(name, (deployment.clone(), line.clone()));
            }
        }
        {
            let mut state = self.state();
            let State {
                timers, running, ..
            } = &mut *state;
            timers.retain(|name, timer| {
                let keeps = name.0 != stream || wanted.contains_key(name);
                if let (false, Some(key)) = (keeps, &timer.running) {
                    running.remove(key);
                }
                keeps
            });
            state.phases.insert(stream, phases);
        }
        for (name, (deployment, line)) in wanted {
            let known = {
                let mut state = self.state();
                state.timers.get_mut(&name).map(|timer| {
                    timer.deployment = deployment.clone();
                    timer.line = line.clone();
                })
            };
            if known.is_none() {
                self.arm(project, name, deployment, line).await?;
            }
        }
        Ok(())
    }

    /// Sets a timer by the last execution of its line.
    async fn arm(
        &self,
        project: &ProjectId,
        name: Name,
        deployment: PackageDeploymentId,
        line: Line,
    ) -> Result<(), Broken> {
        let (mut ended, mut running) = (line.since, None);
        for (deployment, handler) in line.past.iter().rev() {
            let list = List {
                filters: vec![Filter::Compare {
                    column: "deployment_id",
                    operator: Operator::Equal,
                    values: vec![Scalar::Text(deployment.to_string())],
                }],
                order: vec![Order {
                    by: OrderBy::Insertion,
                    descending: true,
                }],
                limit: 1,
                ..List::default()
            };
            let view = self.inner.shared.reads.view(None);
            let page = view.executions(project.as_str(), handler.as_str(), &list);
            let last = page.await?.rows.into_iter().next();
            let Some(last) = last.filter(|last| last.created_at >= line.since) else {
                continue;
            };
            match last.status.as_str() {
                "completed" | "failed" => ended = last.updated_at,
                _ => running = Some(ExecutionId::from(last.id).key(project)),
            }
            break;
        }
        let mut state = self.state();
        if let Some(key) = &running {
            state.running.insert(key.clone(), name.clone());
        }
        let timer = Timer {
            project: project.clone(),
            deployment,
            next: ended + line.interval,
            line,
            running,
        };
        state.timers.insert(name, timer);
        Ok(())
    }

    /// Asks for the run of one due time.
    async fn fire(&self, name: &Name, timer: &Timer) -> Result<(), Broken> {
        let shared = &self.inner.shared;
        let loaded = shared.bus.load::<Keyset>(&name.0).await?;
        let keyset = &*loaded.state;
        let Some(connected) = keyset.connected(&timer.deployment) else {
            // Its event is on its way.
            self.put_off(name);
            return Ok(());
        };
        let (project, handler) = (&timer.project, &timer.line.handler);
        let seed = format!(
            "interval/{project}/{}/{}/{}",
            timer.deployment, handler.revision, timer.next
        );
        let mut digest = [0; 16];
        digest.copy_from_slice(&Sha256::digest(seed.as_bytes())[..16]);
        let id = uuid::Builder::from_custom_bytes(digest).into_uuid();
        let id = ExecutionId::from(id.to_string());
        let scene = Scene {
            project,
            keyset,
            connected,
            handler,
            channel: "",
            hop: 1,
            correlation: id.as_str(),
        };
        let event = json!({
            "timestamp": timer.next,
            "interval": timer.line.interval,
            "pubkey": keyset.publish_key,
            "subkey": keyset.subscribe_key,
            "version": VERSION,
        });
        let asked = Asked {
            trigger: "schedule",
            method: "RUN",
            path: "/",
            body: Bytes::new(),
            session: None,
            id: Some(id.clone()),
        };
        let call = scene.call(event, asked);
        let Some(executor) = shared.runs.get() else {
            self.put_off(name);
            return Ok(());
        };
        // Before it is asked for: its end may be told sooner than the answer.
        self.wait_for(name, &id.key(project));
        journal::failpoint("interval.due");
        let context = Context::saga("interval", project.as_str(), id.as_str(), "", "");
        match executor.request(call, None, &context).await {
            // Another node asked for the same due time first.
            Ok(_) | Err(Refused::Execution(bus::Error::Refused(_) | bus::Error::KeyReused)) => {}
            Err(refused) => {
                let function = &handler.name;
                tracing::error!(function, %refused, "a run by the clock did not begin");
                self.finished(&id.key(project));
            }
        }
        Ok(())
    }

    /// Ends whose event was not seen, as this node did not lead yet.
    async fn notice_ends(&self) -> Result<(), Broken> {
        let running: Vec<String> = self.state().running.keys().cloned().collect();
        for key in running {
            let loaded = self.inner.shared.bus.load::<Execution>(&key).await?;
            let status = loaded.state.status;
            // One that is not there at all is being asked for.
            let is_gone = status == execution::Status::Absent && loaded.sequence > 0;
            if status == execution::Status::Ended || is_gone {
                self.finished(&key);
            }
        }
        Ok(())
    }

    fn wait_for(&self, name: &Name, key: &str) {
        let mut state = self.state();
        if let Some(timer) = state.timers.get_mut(name) {
            timer.running = Some(key.to_owned());
            state.running.insert(key.to_owned(), name.clone());
        }
    }

    /// A run has ended: the next is due an interval later.
    fn finished(&self, key: &str) {
        let mut state = self.state();
        let Some(name) = state.running.remove(key) else {
            return;
        };
        if let Some(timer) = state.timers.get_mut(&name) {
            timer.running = None;
            timer.next = now_ms() + timer.line.interval;
        }
        drop(state);
        self.inner.wake.notify_one();
    }

    fn put_off(&self, name: &Name) {
        if let Some(timer) = self.state().timers.get_mut(name) {
            timer.next = now_ms() + PAUSE.as_millis() as i64;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.inner.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) -> MutexGuard<'_, BTreeSet<(ProjectId, KeysetId)>> {
        let changed = self.inner.changed.lock();
        changed.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Saga for Intervals {
    fn wants(&self, kind: &str) -> bool {
        matches!(
            kind,
            "FunctionsConnected"
                | "FunctionsDisconnected"
                | "FunctionsSwitched"
                | "KeysetDeleted"
                | "ProjectDeleted"
                | "ExecutionFinished"
                | "ExecutionRecorded"
                | "ExecutionDeleted"
        )
    }

    fn on_event(&self, seen: &Seen) {
        match &seen.event {
            Event::Execution(_) => self.finished(&seen.key),
            // Its streams stay as they are.
            Event::Project(_) => {
                let mut state = self.state();
                state
                    .timers
                    .retain(|_, timer| timer.project.as_str() != &*seen.key);
            }
            Event::Keyset(_) if self.inner.shared.cluster.epoch().is_some() => {
                if let Some((project, keyset)) = aggregates::split_key(&seen.key) {
                    self.changed().insert((project.into(), keyset.into()));
                    self.inner.wake.notify_one();
                }
            }
            _ => {}
        }
    }
}
