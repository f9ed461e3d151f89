//! Cron: runs functions at the times that their schedule names, in UTC.
//!
//! A function is armed while it has a schedule, is enabled and has an active
//! deployment. Each due time makes one asynchronous execution whose id is
//! derived from function and time, so that no due time runs twice. Times that
//! passed while no server was running are not made up. Of several nodes the
//! leader does all this; a new one looks back as far as it takes to notice that
//! the old one was gone.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aggregates::function::Function;
use aggregates::{ExecutionId, FunctionId, ProjectId};
use bytes::Bytes;
use projections::ReadModels;
use projections::query::{Cursor, Filter, List, Operator, Scalar};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Saga, Seen};
use crate::bus::{self, Bus, Context};
use crate::cluster::{Cluster, TERM};
use crate::execution::{Call, Executor, Refused};

/// The saga. Cheap to clone.
#[derive(Clone)]
pub struct Schedules {
    inner: Arc<Inner>,
}

struct Inner {
    bus: Bus,
    executor: Executor,
    reads: ReadModels,
    cluster: Cluster,
    armed: Mutex<Armed>,
    changed: Mutex<BTreeSet<Name>>,
    wake: Notify,
}

type Name = (ProjectId, FunctionId);

/// When each armed function is due next.
#[derive(Default)]
struct Armed {
    due: BTreeSet<(i64, Name)>,
    at: HashMap<Name, i64>,
}

impl Armed {
    fn set(&mut self, name: &Name, at: Option<i64>) {
        if let Some(before) = self.at.remove(name) {
            self.due.remove(&(before, name.clone()));
        }
        if let Some(at) = at {
            self.at.insert(name.clone(), at);
            self.due.insert((at, name.clone()));
        }
    }
}

/// Longest sleep, so that a clock that jumps is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
const PAGE: u32 = 500;

impl Schedules {
    /// Nothing is armed yet.
    pub fn new(bus: Bus, executor: Executor, reads: ReadModels, cluster: Cluster) -> Self {
        Self {
            inner: Arc::new(Inner {
                bus,
                executor,
                reads,
                cluster,
                armed: Mutex::default(),
                changed: Mutex::default(),
                wake: Notify::new(),
            }),
        }
    }

    /// Takes note of the functions that there are.
    async fn recover(&self) -> Result<(), projections::Error> {
        let view = self.inner.reads.view(None);
        let mut projects = List {
            limit: PAGE,
            ..List::default()
        };
        loop {
            let page = view.projects(&projects).await?;
            let Some(last) = page.rows.last() else {
                return Ok(());
            };
            projects.cursor = Some(Cursor::After(last.id.clone()));
            for project in &page.rows {
                self.recover_project(&project.id).await?;
            }
        }
    }

    async fn recover_project(&self, project: &str) -> Result<(), projections::Error> {
        let mut list = List {
            filters: vec![Filter::Compare {
                column: "schedule",
                operator: Operator::NotEqual,
                values: vec![Scalar::Text(String::new())],
            }],
            limit: PAGE,
            ..List::default()
        };
        loop {
            let reads = &self.inner.reads;
            let page = reads.view(None).functions(project, &list).await?;
            let Some(last) = page.rows.last() else {
                return Ok(());
            };
            list.cursor = Some(Cursor::After(last.id.clone()));
            let names = page
                .rows
                .iter()
                .map(|row| (project.into(), row.id.as_str().into()));
            lock(&self.inner.changed).extend(names);
        }
    }

    /// Runs what is due while this node leads, until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let mut view = self.inner.cluster.view();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = view.wait_for(|view| view.epoch.is_some()) => {}
            }
            if let Err(error) = self.recover().await {
                tracing::error!(%error, "the schedules cannot be read");
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
            self.lead(&stop).await;
            *lock(&self.inner.armed) = Armed::default();
            if stop.is_cancelled() {
                return;
            }
        }
    }

    /// Runs what is due until this node does not lead any more.
    async fn lead(&self, stop: &CancellationToken) {
        let mut view = self.inner.cluster.view();
        let missed = if self.inner.cluster.is_alone() {
            0
        } else {
            2 * TERM.as_millis() as i64
        };
        self.arm_changed(crate::auth::now_ms() - missed).await;
        while self.inner.cluster.epoch().is_some() {
            let waiting = self.inner.wake.notified();
            let now = crate::auth::now_ms();
            self.arm_changed(now).await;
            let next = lock(&self.inner.armed).due.first().cloned();
            let sleep = match next {
                Some((at, name)) if at <= now => {
                    if !self.inner.cluster.leads().await {
                        // The view tells in a moment who does.
                        tokio::time::sleep(TERM / 8).await;
                        continue;
                    }
                    self.fire(&name, at).await;
                    self.arm(&name, at).await;
                    continue;
                }
                Some((at, _)) => Duration::from_millis((at - now).unsigned_abs()),
                None => LONGEST_SLEEP,
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = waiting => {}
                _ = view.changed() => {}
                () = tokio::time::sleep(sleep.min(LONGEST_SLEEP)) => {}
            }
        }
    }

    async fn arm_changed(&self, after: i64) {
        let changed = std::mem::take(&mut *lock(&self.inner.changed));
        for name in changed {
            self.arm(&name, after).await;
        }
    }

    /// Finds out when a function is due next after a moment, if at all.
    async fn arm(&self, name: &Name, after: i64) {
        let (project, id) = name;
        let loaded = self.inner.bus.load::<Function>(&id.key(project)).await;
        let next = match loaded {
            Ok(loaded) => loaded.state.settings.as_ref().and_then(|settings| {
                let armed = settings.enabled && loaded.state.active.is_some();
                let contract = self.inner.executor.contract(loaded.state.origin)?;
                let due = armed && !settings.schedule.is_empty();
                due.then(|| contract.next_run(&settings.schedule, after))?
            }),
            Err(error) => {
                tracing::error!(function = %id, %error, "a schedule cannot be read");
                None
            }
        };
        lock(&self.inner.armed).set(name, next);
    }

    /// Asks for the execution of one due time.
    async fn fire(&self, name: &Name, at: i64) {
        let (project, function) = name;
        let key = function.key(project);
        let digest = Sha256::digest(format!("cron/{key}/{at}").as_bytes());
        let id = ExecutionId::from(hex::encode(&digest[..10]));
        let ready = match self.inner.executor.ready(project, function).await {
            Ok(ready) => ready,
            Err(refused) => {
                tracing::warn!(function = key, %refused, "a scheduled run is left out");
                return;
            }
        };
        let call = Call {
            script: None,
            handler: None,
            session: None,
            request: ready.scheduled_request(project, function, &id),
            project: project.clone(),
            function: function.clone(),
            id: id.clone(),
            trigger: "schedule".to_owned(),
            method: "POST".to_owned(),
            path: "/".to_owned(),
            stored_headers: Vec::new(),
            user: String::new(),
            body: Bytes::new(),
        };
        let context = Context::saga("schedule", project.as_str(), id.as_str(), "", "");
        match self.inner.executor.request(call, None, &context).await {
            // Another node asked for the same due time first.
            Ok(_) | Err(Refused::Execution(bus::Error::Refused(_) | bus::Error::KeyReused)) => {}
            Err(error) => tracing::error!(function = key, %error, "a scheduled run did not begin"),
        }
    }
}

impl Saga for Schedules {
    fn wants(&self, kind: &str) -> bool {
        matches!(
            kind,
            "FunctionCreated" | "FunctionUpdated" | "FunctionDeleted" | "DeploymentActivated"
        )
    }

    fn on_event(&self, seen: &Seen) {
        if let Some((project, function)) = aggregates::split_key(&seen.key) {
            let name = (project.into(), function.into());
            lock(&self.inner.changed).insert(name);
            self.inner.wake.notify_one();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
