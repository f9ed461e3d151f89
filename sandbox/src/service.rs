//! The sandbox as its users see it.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{Mutex, Semaphore};
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store};

use crate::artefact::Store as Artefacts;
use crate::concurrency::Owners;
use crate::engine::{self, Ticker};
use crate::execution::Ready;
use crate::guest::{self, Phase, Settled, State};
use crate::incremental::Functions;
use crate::logs::Lines;
use crate::outbound::{Access, Clients};
use crate::specialise::Builder;
use crate::tiers::{Key, Tiers};
use crate::{
    Error, Failure, Invocation, Kind, LoadError, Loaded, Options, Outcome, Program, Response,
    Thrown, Tier, image,
};

/// Runs programs. Cheap to clone; clones share engine, caches and limits.
#[derive(Clone)]
pub struct Sandbox(pub(crate) Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) options: Options,
    pub(crate) version: String,
    pub(crate) artefacts: Artefacts,
    pub(crate) functions: Arc<Functions>,
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<State>,
    pub(crate) shared: Ready,
    pub(crate) tiers: Arc<Tiers>,
    pub(crate) builder: Mutex<Option<Builder>>,
    clients: Arc<Clients>,
    ticker: Ticker,
    slots: Arc<Semaphore>,
    owners: Arc<Owners>,
}

impl Sandbox {
    pub(crate) async fn start(options: Options) -> Result<Self, Error> {
        let version = image::version();
        let artefacts = Artefacts::open(&options.cache_dir, options.mac_key)?;
        let functions = Functions::new(artefacts.clone(), format!("functions-{version}.bin"));
        let engine = engine::run(&options, functions.clone())?;
        let linker =
            guest::linker(&engine).map_err(Error::engine("offering the host's functions"))?;
        let ticker = Ticker::start(&engine)?;
        let component = shared_image(&engine, &artefacts, &functions, &version).await?;
        let shared = Ready::new(&linker, &component)?;
        Ok(Self(Arc::new(Parts {
            slots: Arc::new(Semaphore::new(options.max_instances as usize)),
            owners: Arc::default(),
            clients: Arc::new(Clients::new()?),
            tiers: Tiers::new(options.artefact_memory),
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
        let (ended, store, tier) = self.run(program, &invocation).await;
        let result = ended.and_then(|settled| response(settled, &invocation));
        let (logs, errors, memory) = match store {
            Some(store) => {
                let state = store.into_data();
                (state.host.logs, state.host.errors, state.limiter.peak)
            }
            None => (Lines::new("Logs", 0), Lines::new("Errors", 0), 0),
        };
        Outcome {
            result,
            logs: logs.finish(),
            errors: errors.finish(),
            duration: started.elapsed(),
            tier,
            memory,
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
        invocation.driver = "";
        let (ended, _, _) = self.run(program, &invocation).await;
        let settled = ended?;
        if settled.kind != "loaded" {
            return Err(told(&settled));
        }
        serde_json::from_str(&settled.value).map_err(|error| Failure::Internal(error.to_string()))
    }

    async fn run(
        &self,
        program: &Program,
        invocation: &Invocation,
    ) -> (Result<Settled, Failure>, Option<Store<State>>, Tier) {
        let parts = &self.0;
        let limits = &invocation.limits;
        let Some(_owned) = parts.owners.enter(&invocation.owner, limits.concurrency) else {
            let limit = limits.concurrency;
            return (Err(Failure::Concurrency { limit }), None, Tier::Shared);
        };
        let slot = tokio::time::timeout(limits.wall, parts.slots.acquire()).await;
        let Ok(Ok(_slot)) = slot else {
            let limit = parts.options.max_instances as usize;
            return (Err(Failure::Concurrency { limit }), None, Tier::Shared);
        };
        let (ready, code, tier) = match program.kind() {
            Kind::JavaScript(code) => match self.own(program, invocation).await {
                Some(own) => (own, None, Tier::Own),
                None => (parts.shared.clone(), Some(&**code), Tier::Shared),
            },
            Kind::Component(_) => {
                let text = "components cannot be run yet".to_owned();
                return (Err(Failure::Internal(text)), None, Tier::Own);
            }
        };
        let outbound = Access::new(
            parts.clients.clone(),
            invocation.outbound.clone(),
            limits.connections,
        );
        let mut store = guest::store(&parts.engine, invocation, Phase::Run, Some(outbound));
        let job = job(invocation);
        let _running = parts.ticker.run();
        let deadline = store.data().host.deadline;
        let ended = {
            let work = ready.execute(&mut store, &job, code, &invocation.body);
            tokio::select! {
                ended = tokio::time::timeout_at(deadline.into(), work) => {
                    ended.unwrap_or(Err(Failure::Timeout))
                }
                () = invocation.cancel.canceled() => Err(Failure::Canceled),
            }
        };
        (ended, Some(store), tier)
    }
}

impl Sandbox {
    /// The tier-1 component of the program for this execution, if there is one.
    async fn own(&self, program: &Program, invocation: &Invocation) -> Option<Ready> {
        let parts = &self.0;
        // Loading is about the shared tier: it asks whether the code loads at all.
        if invocation.driver.is_empty() {
            return None;
        }
        let key = Key::new(program, &invocation.env, &parts.version);
        if let Some(ready) = parts.tiers.get(&key) {
            return Some(ready);
        }
        if parts.tiers.is_absent(&key) {
            return None;
        }
        if !parts.artefacts.has(&key.file()) {
            parts.tiers.note_absent(key);
            return None;
        }
        let parts = parts.clone();
        let work = move || {
            let code = parts.artefacts.read(&key.file())?;
            let component = load(&parts.engine, &code)?;
            let ready = Ready::new(&parts.linker, &component).ok()?;
            parts.tiers.insert(key, ready.clone(), code.len());
            Some(ready)
        };
        tokio::task::spawn_blocking(work).await.ok().flatten()
    }

    /// Compiles a WebAssembly component and caches it.
    pub(crate) async fn compile(&self, _program: &Program) -> Result<(), Error> {
        Ok(())
    }
}

/// The shared engine image, compiled: from the cache or made anew.
async fn shared_image(
    engine: &Engine,
    artefacts: &Artefacts,
    functions: &Arc<Functions>,
    version: &str,
) -> Result<Component, Error> {
    let name = format!("shared-{version}.bin");
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
