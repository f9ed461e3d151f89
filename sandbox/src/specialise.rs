//! Tier 1: a component of a program's own, snapshotted after its top level.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use crate::engine::{self, Ticker};
use crate::execution::Ready;
use crate::guest::{self, Phase, State};
use crate::service::{Parts, load, told};
use crate::tiers::Key;
use crate::{Env, Error, Failure, Image, Invocation, Kind, Program, Sandbox, image};

/// Wall-clock limit of a program's top level while its snapshot is made.
const TOP_LEVEL: Duration = Duration::from_secs(10);

/// What became of a request for a tier-1 component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Specialised {
    /// The component is there; executions use it from now on.
    Done,
    /// The program cannot be snapshotted and stays on tier 0.
    Refused {
        /// What its top level does that a snapshot must not hold.
        reason: String,
    },
}

/// What snapshots are made with: made when the first is wanted.
pub(crate) struct Builder {
    engine: Engine,
    linker: Linker<State>,
    ticker: Ticker,
    image: Vec<u8>,
    instrumented: Component,
    ready: Ready,
}

impl Builder {
    /// Reads the image and its instrumented, compiled form from the cache, or
    /// makes them again.
    pub(crate) async fn new(parts: &Parts) -> Result<Self, Error> {
        let engine = engine::build()?;
        let linker =
            guest::linker(&engine).map_err(Error::engine("offering the host's functions"))?;
        let store = &parts.artefacts;
        let name = format!("image-{}.bin", parts.version);
        let image = match store.read(&name) {
            Some(image) => image,
            None => image::make(&engine, &linker).await?,
        };
        let name = format!("instrumented-{}.bin", parts.version);
        let cached = store.read(&name).and_then(|code| load(&engine, &code));
        let instrumented = match cached {
            Some(component) => component,
            None => {
                let wasm = image::instrument(&image)?;
                let component = Component::new(&engine, &wasm)
                    .map_err(Error::engine("compiling the instrumented engine"))?;
                let code = component
                    .serialize()
                    .map_err(Error::engine("keeping the instrumented engine"))?;
                store.write(&name, &code)?;
                component
            }
        };
        let ready = Ready::new(&linker, &instrumented)?;
        let ticker = Ticker::start(&engine)?;
        Ok(Self {
            engine,
            linker,
            ticker,
            image,
            instrumented,
            ready,
        })
    }

    /// Loads the program, on an image that has this preload in it, and gives the
    /// component that starts behind its top level, or the reason why there can
    /// be none.
    async fn snapshot(
        &self,
        preload: Option<&str>,
        code: &str,
        env: Arc<Env>,
    ) -> Result<Result<Vec<u8>, String>, Error> {
        let mut invocation = Invocation::new("", serde_json::Value::Null, "");
        invocation.env = env;
        invocation.limits.wall = TOP_LEVEL;
        let mut store = guest::store(&self.engine, &invocation, Phase::Snapshot, None);
        let _running = self.ticker.run();
        let mut refused = None;
        let made = image::snapshot(
            &mut store,
            &self.linker,
            &self.image,
            &self.instrumented,
            async |store, instance| {
                let job = match preload {
                    Some(preload) => serde_json::json!({"driver": "", "preload": preload}),
                    None => serde_json::json!({"driver": ""}),
                };
                let job = job.to_string();
                let work = self.ready.drive(store, instance, &job, Some(code));
                let ended = tokio::time::timeout(TOP_LEVEL, work).await;
                let host = &store.data().host;
                refused = match ended.unwrap_or(Err(Failure::Timeout)) {
                    _ if host.impure.is_some() => host.impure.clone(),
                    Ok(settled) if settled.kind == "loaded" => None,
                    Ok(settled) => Some(told(&settled).to_string()),
                    Err(failure) => Some(failure.to_string()),
                };
                match refused {
                    None => Ok(()),
                    Some(_) => Err(wasmtime::Error::msg("refused")),
                }
            },
        )
        .await;
        match (made, refused) {
            (Ok(component), _) => Ok(Ok(component)),
            (Err(_), Some(reason)) => Ok(Err(reason)),
            (Err(error), None) => Err(Error::engine("making a snapshot")(error)),
        }
    }
}

impl Sandbox {
    /// Builds, compiles and caches the tier-1 component of a program with these
    /// variables. Executions with them use it from then on. Takes parts of a
    /// second of one processor; one is built at a time.
    ///
    /// # Errors
    /// When the engine or the cache fails; a program that cannot be
    /// snapshotted is no error.
    pub async fn specialise(
        &self,
        program: &Program,
        env: &Arc<Env>,
    ) -> Result<Specialised, Error> {
        self.specialise_on(None, program, env).await
    }

    /// The same for executions on an image, where one is given.
    ///
    /// # Errors
    /// As [`Self::specialise`].
    pub async fn specialise_on(
        &self,
        image: Option<&Image>,
        program: &Program,
        env: &Arc<Env>,
    ) -> Result<Specialised, Error> {
        let parts = &self.0;
        let preload = image.map(|image| &image.preload);
        let code = match program.kind() {
            Kind::JavaScript(code) => code,
            Kind::Component(wasm) => {
                return Ok(match self.component(program, wasm).await {
                    Ok(_) => Specialised::Done,
                    Err(failure) => Specialised::Refused {
                        reason: failure.to_string(),
                    },
                });
            }
        };
        let key = Key::on(preload, program, env, &parts.version);
        let mut builder = parts.builder.lock().await;
        if parts.artefacts.has(&key.file(&parts.version)) {
            return Ok(Specialised::Done);
        }
        if let Some(reason) = parts.artefacts.read(&key.refusal(&parts.version)) {
            let reason = String::from_utf8_lossy(&reason).into_owned();
            return Ok(Specialised::Refused { reason });
        }
        let builder = match &mut *builder {
            Some(builder) => builder,
            none => none.insert(Builder::new(parts).await?),
        };
        let preload = preload.and_then(|preload| match preload.kind() {
            Kind::JavaScript(code) => Some(&**code),
            // It cannot be one, see `Sandbox::image`.
            Kind::Component(_) => None,
        });
        match builder.snapshot(preload, code, env.clone()).await? {
            Ok(component) => {
                self.install(key, component).await?;
                Ok(Specialised::Done)
            }
            Err(reason) => {
                parts
                    .artefacts
                    .write(&key.refusal(&parts.version), reason.as_bytes())?;
                Ok(Specialised::Refused { reason })
            }
        }
    }

    /// Compiles a snapshot and makes it known to executions.
    async fn install(&self, key: Key, component: Vec<u8>) -> Result<(), Error> {
        let parts = self.0.clone();
        let work = move || {
            let held = parts.functions.hold();
            let component = Component::new(&parts.engine, &component)
                .map_err(Error::engine("compiling a snapshot"))?;
            drop(held);
            let code = component
                .serialize()
                .map_err(Error::engine("keeping a snapshot"))?;
            parts.artefacts.write(&key.file(&parts.version), &code)?;
            parts.artefacts.prune("own-", parts.options.artefact_disk);
            let ready = Ready::new(&parts.linker, &component)?;
            parts.tiers.insert(key, ready, code.len());
            Ok(())
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| Error::Stopped)?
    }
}
