//! The host's side of the world `function`: what an instance can reach, and
//! what is kept about it while it runs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream::{AbortHandle, FuturesUnordered};
use futures::{FutureExt as _, future};
use wasmtime::component::{Linker, ResourceTable};
use wasmtime::{Engine, ResourceLimiter, Store, StoreContextMut, UpdateDeadline};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use crate::capability::{Answer, Answered, Capability, Pending, Recorder};
use crate::logs::Lines;
use crate::{Cancel, Env, Invocation, ops, outbound};

/// What comes out of a started operation: its id and the answer, or nothing
/// when it was given up.
type Completion = (u32, Option<Answer>);

/// How loading or running ended, as told by the guest.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) kind: String,
    pub(crate) value: String,
    pub(crate) body: Bytes,
}

/// Why running code was interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interrupt {
    Timeout,
    Canceled,
    /// The response is there; whatever still runs is of no use.
    Settled,
}

/// Whether the instance serves an execution or is about to be snapshotted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Run,
    Snapshot,
}

/// Bounds the linear memory.
pub(crate) struct Limiter {
    limit: usize,
    pub(crate) breached: bool,
    pub(crate) peak: usize,
}

impl Limiter {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            breached: false,
            peak: 0,
        }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.peak = self.peak.max(desired);
        if desired > self.limit {
            // An error, not `false`: the engine would go on with an allocation
            // failure at a place that may not be ready for it.
            self.breached = true;
            return Err(wasmtime::Error::msg("memory limit"));
        }
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= 20_000)
    }
}

/// Everything an instance's store holds.
pub(crate) struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    stderr: MemoryOutputPipe,
    pub(crate) limiter: Limiter,
    pub(crate) host: Host,
}

/// The host as one instance sees it.
pub(crate) struct Host {
    phase: Phase,
    logging: bool,
    env: Arc<Env>,
    cancel: Cancel,
    started: Instant,
    pub(crate) deadline: Instant,
    capability: Option<Arc<dyn Capability>>,
    recorder: Option<Arc<dyn Recorder>>,
    outbound: Option<outbound::Access>,
    next_id: u32,
    pub(crate) pending: FuturesUnordered<future::BoxFuture<'static, Completion>>,
    handles: Vec<(u32, AbortHandle)>,
    /// When the guest wants its next `tick`, on the clock of `now`.
    pub(crate) wake: Option<f64>,
    pub(crate) settled: Option<Settled>,
    /// What makes the program unfit for a snapshot.
    pub(crate) impure: Option<String>,
    /// Whether running code has yielded since this was last cleared.
    pub(crate) yielded: bool,
    pub(crate) interrupt: Option<Interrupt>,
    pub(crate) logs: Lines,
    pub(crate) errors: Lines,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl State {
    /// What the engine itself wrote before it died.
    pub(crate) fn last_words(&self) -> String {
        String::from_utf8_lossy(&self.stderr.contents()).into_owned()
    }
}

/// A store for one execution, or for one snapshot.
pub(crate) fn store(
    engine: &Engine,
    invocation: &Invocation,
    phase: Phase,
    outbound: Option<outbound::Access>,
) -> Store<State> {
    let started = Instant::now();
    let stderr = MemoryOutputPipe::new(4096);
    let mut wasi = WasiCtxBuilder::new();
    wasi.stderr(stderr.clone());
    if let Some(recorder) = &invocation.recorder {
        wasi.wall_clock(RecordedClock(recorder.clone()));
    }
    let limits = &invocation.limits;
    let host = Host {
        phase,
        logging: invocation.logging,
        env: invocation.env.clone(),
        cancel: invocation.cancel.clone(),
        started,
        deadline: started + limits.wall,
        capability: invocation.capability.clone(),
        recorder: invocation.recorder.clone(),
        outbound,
        next_id: 0,
        pending: FuturesUnordered::new(),
        handles: Vec::new(),
        wake: None,
        settled: None,
        impure: None,
        yielded: false,
        interrupt: None,
        logs: Lines::new("Logs", limits.logs),
        errors: Lines::new("Errors", limits.logs),
    };
    let state = State {
        wasi: wasi.build(),
        table: ResourceTable::new(),
        stderr,
        limiter: Limiter::new(limits.memory),
        host,
    };
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.limiter);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut store| {
        let host = &mut store.data_mut().host;
        let interrupt = if host.is_done() {
            Some(Interrupt::Settled)
        } else if Instant::now() >= host.deadline {
            Some(Interrupt::Timeout)
        } else if host.cancel.is_canceled() {
            Some(Interrupt::Canceled)
        } else {
            None
        };
        if interrupt.is_some() {
            host.interrupt = interrupt;
            return Ok(UpdateDeadline::Interrupt);
        }
        host.yielded = true;
        Ok(UpdateDeadline::Yield(1))
    });
    store
}

/// A store for making the image, where no function runs.
pub(crate) fn quiet_store(engine: &Engine) -> Store<State> {
    let mut invocation = Invocation::new("", serde_json::Value::Null, Bytes::new());
    invocation.limits.wall = Duration::from_secs(600);
    store(engine, &invocation, Phase::Snapshot, None)
}

struct RecordedClock(Arc<dyn Recorder>);

impl wasmtime_wasi::HostWallClock for RecordedClock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        self.0.answered(Answered::Wall(now));
        now
    }
}

/// Everything an instance may import.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::<State>::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;

    // The engine's own way to load modules from files; there are none.
    let mut loader = linker.instance("local:init/module-loader")?;
    loader.func_wrap("resolve", |_, (_, name): (String, String)| {
        Ok((Err::<String, String>(format!(
            "Cannot find module '{name}'"
        )),))
    })?;
    loader.func_wrap("load", |_, (name,): (String,)| {
        Ok((Err::<String, String>(format!(
            "Cannot find module '{name}'"
        )),))
    })?;

    let mut host = linker.instance("strata:sandbox/host")?;
    host.func_wrap(
        "call",
        |mut store: StoreContextMut<'_, State>, (op, arg, data): (String, String, Vec<u8>)| {
            let answer = store.data_mut().host.call(&op, &arg, &data);
            let (ok, text, data) = flatten(answer);
            Ok(((ok, text, data),))
        },
    )?;
    host.func_wrap(
        "start",
        |mut store: StoreContextMut<'_, State>, (op, arg, data): (String, String, Vec<u8>)| {
            Ok((store.data_mut().host.start(&op, &arg, data),))
        },
    )?;
    host.func_wrap(
        "cancel",
        |mut store: StoreContextMut<'_, State>, (id,): (u32,)| {
            store.data_mut().host.abort(id);
            Ok(())
        },
    )?;
    host.func_wrap(
        "log",
        |mut store: StoreContextMut<'_, State>, (error, line): (bool, String)| {
            let host = &mut store.data_mut().host;
            if host.logging {
                let stream = if error {
                    &mut host.errors
                } else {
                    &mut host.logs
                };
                stream.push(line);
            }
            Ok(())
        },
    )?;
    host.func_wrap("now", |mut store: StoreContextMut<'_, State>, (): ()| {
        let host = &mut store.data_mut().host;
        let now = host.now();
        if let Some(recorder) = &host.recorder {
            recorder.answered(Answered::Now(now));
        }
        Ok((now,))
    })?;
    host.func_wrap(
        "wake",
        |mut store: StoreContextMut<'_, State>, (at,): (Option<f64>,)| {
            let host = &mut store.data_mut().host;
            if at.is_some() {
                host.note_impure("a timer");
            }
            host.wake = at;
            Ok(())
        },
    )?;
    host.func_wrap(
        "settle",
        |mut store: StoreContextMut<'_, State>,
         (kind, value, text, body): (String, String, Option<String>, Vec<u8>)| {
            let host = &mut store.data_mut().host;
            if host.settled.is_none() {
                let body = text.map_or_else(|| Bytes::from(body), Bytes::from);
                host.settled = Some(Settled { kind, value, body });
            }
            Ok(())
        },
    )?;
    Ok(linker)
}

/// A pure operation of the platform's own.
fn pure(op: &str, arg: &str, data: &[u8]) -> Option<Answer> {
    let arg = match serde_json::from_str(arg) {
        Ok(arg) => arg,
        Err(error) => return Some(Err(error.to_string())),
    };
    let answer = ops::dispatch(op, &arg, data)?;
    Some(answer.map(|(value, data)| match value {
        serde_json::Value::Null => (String::new(), data),
        value => (value.to_string(), data),
    }))
}

/// An answer in the shape of the world's `answer`.
pub(crate) fn flatten(answer: Answer) -> (bool, String, Vec<u8>) {
    match answer {
        Ok((value, data)) => (true, value, data),
        Err(text) => (false, text, Vec::new()),
    }
}

impl Host {
    /// Monotonic milliseconds since the instance started.
    pub(crate) fn now(&self) -> f64 {
        self.started.elapsed().as_secs_f64() * 1000.0
    }

    /// The moment of `at` milliseconds.
    pub(crate) fn moment(&self, at: f64) -> Instant {
        // Not before: a timer never fires early.
        self.started + Duration::from_secs_f64((at / 1000.0).clamp(0.0, 1e9))
    }

    /// Whether there is nothing more to wait for. An instance that is about to
    /// be snapshotted must come to rest first: one that is left in the middle
    /// of something cannot be entered again.
    pub(crate) fn is_done(&self) -> bool {
        self.settled.is_some() && self.phase == Phase::Run
    }

    fn note_impure(&mut self, what: &str) {
        if self.phase == Phase::Snapshot && self.impure.is_none() {
            self.impure = Some(what.to_owned());
        }
    }

    fn call(&mut self, op: &str, arg: &str, data: &[u8]) -> Answer {
        let answer = self.answer(op, arg, data);
        if let Some(recorder) = &self.recorder {
            recorder.answered(Answered::Call(op, arg, &answer));
        }
        answer
    }

    fn answer(&mut self, op: &str, arg: &str, data: &[u8]) -> Answer {
        match op {
            "env" => Ok((
                match self.phase {
                    Phase::Run => self.env.open(),
                    Phase::Snapshot => self.env.guarded(),
                },
                Vec::new(),
            )),
            "seed" => self.random(16),
            "random" => {
                #[derive(serde::Deserialize)]
                struct Arg {
                    len: usize,
                }
                let arg: Arg = serde_json::from_str(arg).map_err(|error| error.to_string())?;
                self.random(arg.len)
            }
            "impure" => {
                self.note_impure(arg);
                Ok((String::new(), Vec::new()))
            }
            _ => self
                .capability
                .as_ref()
                .and_then(|capability| capability.call(op, arg, data))
                .or_else(|| pure(op, arg, data))
                .unwrap_or_else(|| Err(format!("unknown operation {op}"))),
        }
    }

    fn random(&mut self, len: usize) -> Answer {
        const MOST: usize = 64 << 20;
        if len > MOST {
            return Err(format!("RangeError: at most {MOST} random bytes at once"));
        }
        self.note_impure("random bytes");
        let mut bytes = vec![0; len];
        getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
        Ok((String::new(), bytes))
    }

    fn start(&mut self, op: &str, arg: &str, data: Vec<u8>) -> u32 {
        self.next_id += 1;
        let id = self.next_id;
        self.note_impure(&format!("the operation {op}"));
        let work = self.begin(op, arg, data);
        let (work, handle) = future::abortable(work);
        self.handles.push((id, handle));
        self.pending
            .push(work.map(move |answer| (id, answer.ok())).boxed());
        id
    }

    fn begin(&mut self, op: &str, arg: &str, data: Vec<u8>) -> Pending {
        let refuse = |text: String| -> Pending { Box::pin(future::ready(Err(text))) };
        if self.phase == Phase::Snapshot {
            return refuse(format!("{op} is not available while a snapshot is made"));
        }
        if let Some(capability) = &self.capability
            && let Some(work) = capability.start(op, arg, &data)
        {
            return work;
        }
        match (op, &self.outbound) {
            ("fetch", Some(outbound)) => outbound.fetch(arg, data),
            ("sleep", _) => {
                let ms: f64 = serde_json::from_str(arg).unwrap_or(0.0);
                let time = Duration::from_secs_f64((ms / 1000.0).clamp(0.0, 1e6));
                Box::pin(async move {
                    tokio::time::sleep(time).await;
                    Ok((String::new(), Vec::new()))
                })
            }
            _ => refuse(format!("unknown operation {op}")),
        }
    }

    fn abort(&mut self, id: u32) {
        if let Some(at) = self.handles.iter().position(|(known, _)| *known == id) {
            self.handles.swap_remove(at).1.abort();
        }
    }

    /// Forgets a started operation that has completed.
    pub(crate) fn completed(&mut self, id: u32, answer: &Answer) {
        self.handles.retain(|(known, _)| *known != id);
        if let Some(recorder) = &self.recorder {
            recorder.answered(Answered::Completed(id, answer));
        }
    }
}
