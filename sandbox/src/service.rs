//! The sandbox as its users see it.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use crate::artefact::Store as Artefacts;
use crate::concurrency::{Guard, Owners};
use crate::engine::{self, Ticker};
use crate::execution::Ready;
use crate::guest::{self, Phase, Settled, State};
use crate::incremental::Functions;
use crate::logs::Lines;
use crate::outbound::{Access, Clients};
use crate::specialise::Builder;
use crate::tiers::{Key, Tiers};
use crate::{
    Env, Error, Failure, Invocation, Kind, LoadError, Loaded, Options, Outcome, Program, Response,
    Specialised, Thrown, Tier, image, outbound, web,
};

/// Runs programs. Cheap to clone; clones share engine, caches and limits.
#[derive(Clone)]
pub struct Sandbox(pub(crate) Arc<Parts>);

/// An engine image beyond the shared one, see [`Sandbox::image`]. Cheap to clone.
#[derive(Clone)]
pub struct Image {
    ready: Ready,
    pub(crate) preload: Program,
}

/// Files in the cache that belong to one version of the engine image.
const KINDS: [&str; 6] = [
    "shared-",
    "image-",
    "functions-",
    "instrumented-",
    "own-",
    "refused-",
];

pub(crate) struct Parts {
    pub(crate) options: Options,
    pub(crate) version: String,
    pub(crate) artefacts: Artefacts,
    pub(crate) functions: Arc<Functions>,
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<State>,
    pub(crate) shared: Ready,
    pub(crate) tiers: Arc<Tiers<Ready>>,
    components: Arc<Tiers<web::Ready>>,
    compiling: Mutex<()>,
    web: web::Web,
    pub(crate) builder: Mutex<Option<Builder>>,
    clients: Arc<Clients>,
    ticker: Ticker,
    slots: Arc<Semaphore>,
    owners: Arc<Owners>,
}

impl Sandbox {
    pub(crate) async fn start(options: Options) -> Result<Self, Error> {
        let version = image::VERSION.clone();
        let artefacts = Artefacts::open(&options.cache_dir, options.mac_key)?;
        let functions = Functions::new(artefacts.clone(), format!("functions-{version}.bin"));
        let engine = engine::run(&options, functions.clone())?;
        let linker =
            guest::linker(&engine).map_err(Error::engine("offering the host's functions"))?;
        let ticker = Ticker::start(&engine)?;
        let component = shared_image(&engine, &artefacts, &functions, &version).await?;
        let shared = Ready::new(&linker, &component)?;
        artefacts.sweep(&KINDS, &version);
        Ok(Self(Arc::new(Parts {
            slots: Arc::new(Semaphore::new(options.max_instances as usize)),
            owners: Arc::default(),
            clients: Arc::new(Clients::new()?),
            tiers: Tiers::new(options.artefact_memory),
            components: Tiers::new(options.artefact_memory),
            compiling: Mutex::default(),
            web: web::Web::default(),
            builder: Mutex::default(),
            options,
            version,
            artefacts,
            functions,
            engine,
            linker,
            shared,
            ticker,
        })))
    }

    /// Runs a program once, in an instance of its own.
    pub async fn execute(&self, program: &Program, invocation: Invocation) -> Outcome {
        let started = Instant::now();
        let ended = match self.admit(&invocation).await {
            Ok((_admitted, slot)) => self.run(program, &invocation, slot).await,
            Err(failure) => Ended::before(failure),
        };
        Outcome {
            result: ended.result,
            logs: ended.logs.finish(),
            errors: ended.errors.finish(),
            duration: started.elapsed(),
            tier: ended.tier,
            memory: ended.memory,
        }
    }

    /// Loads a program on tier 0 without calling its function.
    ///
    /// # Errors
    /// Whatever keeps the program from loading, limits included.
    pub async fn smoke_test(
        &self,
        program: &Program,
        mut invocation: Invocation,
    ) -> Result<Loaded, Failure> {
        if let Kind::Component(wasm) = program.kind() {
            self.component(program, wasm).await?;
            return Ok(Loaded {
                handler: true,
                exports: vec!["wasi:http/incoming-handler".to_owned()],
            });
        }
        invocation.driver = "";
        let (_admitted, slot) = self.admit(&invocation).await?;
        let loaded = self.run(program, &invocation, slot).await.result?;
        serde_json::from_value(loaded.value).map_err(|error| Failure::Internal(error.to_string()))
    }

    /// A way out for the platform itself, by the same checks as those of
    /// programs; `connections` requests are in flight at one moment.
    pub fn outbound(&self, policy: Arc<outbound::Policy>, connections: usize) -> Access {
        Access::new(self.0.clients.clone(), policy, connections)
    }

    /// Waits for a free instance, within the bounds of the owner.
    async fn admit(
        &self,
        invocation: &Invocation,
    ) -> Result<(Guard, OwnedSemaphorePermit), Failure> {
        let parts = &self.0;
        let limits = &invocation.limits;
        let limit = limits.concurrency;
        let owned = parts.owners.enter(&invocation.owner, limit);
        let owned = owned.ok_or(Failure::Concurrency { limit })?;
        let slot = tokio::time::timeout(limits.wall, parts.slots.clone().acquire_owned()).await;
        let limit = parts.options.max_instances as usize;
        match slot {
            Ok(Ok(slot)) => Ok((owned, slot)),
            _ => Err(Failure::Concurrency { limit }),
        }
    }

    async fn run(
        &self,
        program: &Program,
        invocation: &Invocation,
        slot: OwnedSemaphorePermit,
    ) -> Ended {
        let parts = &self.0;
        let outbound = Access::new(
            parts.clients.clone(),
            invocation.outbound.clone(),
            invocation.limits.connections,
        );
        let (ready, code, tier) = match program.kind() {
            Kind::JavaScript(code) => {
                match (self.own(program, invocation).await, &invocation.image) {
                    (Some(own), _) => (own, None, Tier::Own),
                    (None, Some(image)) => (image.ready.clone(), Some(&**code), Tier::Shared),
                    (None, None) => (parts.shared.clone(), Some(&**code), Tier::Shared),
                }
            }
            Kind::Component(wasm) => {
                return match self.component(program, wasm).await {
                    Ok(ready) => {
                        let ended = parts.web.execute(&ready, invocation, outbound).await;
                        Ended {
                            result: ended.result,
                            logs: ended.logs,
                            errors: ended.errors,
                            memory: ended.memory,
                            tier: Tier::Own,
                        }
                    }
                    Err(failure) => Ended::before(failure),
                };
            }
        };
        let mut store = guest::store(&parts.engine, invocation, Phase::Run, Some(outbound));
        let job = job(invocation);
        let running = parts.ticker.run();
        let deadline = store.data().host.deadline;
        let settled = {
            let work = ready.execute(&mut store, &job, code, &invocation.body);
            tokio::select! {
                settled = tokio::time::timeout_at(deadline.into(), work) => {
                    settled.unwrap_or(Err(Failure::Timeout))
                }
                () = invocation.cancel.canceled() => Err(Failure::Canceled),
            }
        };
        let state = store.data_mut();
        let ended = Ended {
            result: settled.and_then(|settled| response(settled, invocation)),
            logs: std::mem::replace(&mut state.host.logs, Lines::new("Logs", 0)),
            errors: std::mem::replace(&mut state.host.errors, Lines::new("Errors", 0)),
            memory: state.limiter.peak,
            tier,
        };
        // Nobody waits for the instance's memory to be made clean again.
        tokio::spawn(async move {
            drop(store);
            drop((slot, running));
        });
        ended
    }
}

/// How an execution ended, before its output is put together.
struct Ended {
    result: Result<Response, Failure>,
    logs: Lines,
    errors: Lines,
    memory: usize,
    tier: Tier,
}

impl Ended {
    /// It ended before anything ran.
    fn before(failure: Failure) -> Self {
        Self {
            result: Err(failure),
            logs: Lines::new("Logs", 0),
            errors: Lines::new("Errors", 0),
            memory: 0,
            tier: Tier::Shared,
        }
    }
}

impl Sandbox {
    /// The engine image with what `preload` leaves behind: programs that run on
    /// it find that in place, as they find the platform's own modules. `preload`
    /// must be fit for a snapshot, and gives no promise. Made once and kept in the
    /// cache.
    ///
    /// # Errors
    /// [`Error::Image`] when `preload` does not load or cannot be snapshotted.
    pub async fn image(&self, preload: &Program) -> Result<Image, Error> {
        let env = Arc::<Env>::default();
        if let Specialised::Refused { reason } = self.specialise(preload, &env).await? {
            return Err(Error::Image(reason));
        }
        let ready = self.tier_one(None, preload, &env).await;
        let ready = ready.ok_or_else(|| Error::Image("it is not in the cache".to_owned()))?;
        let preload = preload.clone();
        Ok(Image { ready, preload })
    }

    /// The tier-1 component of the program for this execution, if there is one.
    async fn own(&self, program: &Program, invocation: &Invocation) -> Option<Ready> {
        // Loading is about the shared tier: it asks whether the code loads at all.
        if invocation.driver.is_empty() {
            return None;
        }
        let preload = invocation.image.as_ref().map(|image| &image.preload);
        self.tier_one(preload, program, &invocation.env).await
    }

    /// The tier-1 component of a program with these variables, if there is one.
    async fn tier_one(
        &self,
        preload: Option<&Program>,
        program: &Program,
        env: &Env,
    ) -> Option<Ready> {
        let parts = &self.0;
        let key = Key::on(preload, program, env, &parts.version);
        if let Some(ready) = parts.tiers.get(&key) {
            return Some(ready);
        }
        if parts.tiers.is_absent(&key) {
            return None;
        }
        if !parts.artefacts.has(&key.file(&parts.version)) {
            parts.tiers.note_absent(key);
            return None;
        }
        let parts = parts.clone();
        let work = move || {
            let code = parts.artefacts.read(&key.file(&parts.version))?;
            let component = load(&parts.engine, &code)?;
            let ready = Ready::new(&parts.linker, &component).ok()?;
            parts.tiers.insert(key, ready.clone(), code.len());
            Some(ready)
        };
        tokio::task::spawn_blocking(work).await.ok().flatten()
    }

    /// A WebAssembly component, compiled.
    pub(crate) async fn component(
        &self,
        program: &Program,
        wasm: &Bytes,
    ) -> Result<web::Ready, Failure> {
        let parts = &self.0;
        let key = Key::new(program, &Env::default(), "component");
        if let Some(ready) = parts.components.get(&key) {
            return Ok(ready);
        }
        // One at a time: a compilation takes all processors.
        let _turn = parts.compiling.lock().await;
        if let Some(ready) = parts.components.get(&key) {
            return Ok(ready);
        }
        let (parts, program, wasm) = (parts.clone(), program.clone(), wasm.clone());
        let work = move || {
            let ready = parts.web.ready(&parts, &program, &wasm)?;
            // Machine code takes about three times the space.
            parts.components.insert(key, ready.clone(), wasm.len() * 3);
            Ok(ready)
        };
        tokio::task::spawn_blocking(work)
            .await
            .unwrap_or_else(|_| Err(Failure::Internal(Error::Stopped.to_string())))
    }
}

/// Name of the compiled image's file.
pub(crate) fn shared_file(version: &str) -> String {
    format!("shared-{version}.bin")
}

/// The shared engine image, compiled: from the cache or made anew.
async fn shared_image(
    engine: &Engine,
    artefacts: &Artefacts,
    functions: &Arc<Functions>,
    version: &str,
) -> Result<Component, Error> {
    let name = shared_file(version);
    if let Some(compiled) = artefacts.read(&name)
        && let Some(component) = load(engine, &compiled)
    {
        return Ok(component);
    }
    let builder = engine::build()?;
    let linker = guest::linker(&builder).map_err(Error::engine("offering the host's functions"))?;
    let image = image::make(&builder, &linker).await?;
    artefacts.write(&format!("image-{version}.bin"), &image)?;
    let _held = functions.hold();
    let component = Component::new(engine, &image).map_err(Error::engine("compiling the image"))?;
    let compiled = component
        .serialize()
        .map_err(Error::engine("keeping the image"))?;
    artefacts.write(&name, &compiled)?;
    Ok(component)
}

/// A component from machine code whose MAC has held.
#[expect(
    unsafe_code,
    reason = "loading machine code; its MAC has been verified"
)]
pub(crate) fn load(engine: &Engine, compiled: &[u8]) -> Option<Component> {
    // SAFETY: the bytes come from `Component::serialize` of this installation:
    // `Artefacts::read` gives them only when their MAC holds.
    match unsafe { Component::deserialize(engine, compiled) } {
        Ok(component) => Some(component),
        Err(error) => {
            tracing::warn!(error = %format!("{error:#}"), "a cached artefact does not fit this engine; it is built again");
            None
        }
    }
}

/// What the guest is asked to do, as JSON.
fn job(invocation: &Invocation) -> String {
    serde_json::json!({
        "driver": invocation.driver,
        "request": invocation.request,
        "logging": invocation.logging,
    })
    .to_string()
}

fn response(settled: Settled, invocation: &Invocation) -> Result<Response, Failure> {
    if settled.kind == "failed" {
        return Err(told(&settled));
    }
    let size = settled.value.len() + settled.body.len();
    let limit = invocation.limits.output;
    if size > limit {
        return Err(Failure::OutputTooLarge { size, limit });
    }
    let value = serde_json::from_str(&settled.value)
        .map_err(|error| Failure::Internal(error.to_string()))?;
    Ok(Response {
        value,
        body: settled.body,
    })
}

/// The failure that the guest tells about.
pub(crate) fn told(settled: &Settled) -> Failure {
    #[derive(serde::Deserialize)]
    struct Told {
        phase: String,
        reason: String,
        name: String,
        message: String,
        stack: String,
    }
    let told: Told = match serde_json::from_str(&settled.value) {
        Ok(told) => told,
        Err(error) => return Failure::Internal(error.to_string()),
    };
    let thrown = Thrown {
        name: told.name,
        message: told.message,
        stack: told.stack,
    };
    match (told.phase.as_str(), told.reason.as_str()) {
        ("load", reason) => Failure::Load {
            kind: match reason {
                "syntax" => LoadError::Syntax,
                "signature" => LoadError::Signature,
                _ => LoadError::Module,
            },
            thrown,
        },
        (_, "no-return") => Failure::NoResponse(thrown.message),
        _ => Failure::Threw(thrown),
    }
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox")
            .field("version", &self.0.version)
            .finish_non_exhaustive()
    }
}
