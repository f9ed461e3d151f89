//! The engine image: the JavaScript engine linked to our world, with the
//! prelude evaluated, as a component that only waits for a program.

use std::sync::LazyLock;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as ADAPTER;
use wasmtime::component::{Component, Instance, Linker};
use wasmtime::{Engine, Store};
use wasmtime_wizer::{WasmtimeWizerComponent, Wizer};
use wit_parser::Resolve;

use crate::Error;
use crate::guest::{self, State};

const WIT: &str = include_str!("../wit/function.wit");
const PRELUDE: &str = include_str!(concat!(env!("OUT_DIR"), "/prelude.js"));

/// Identifies engine, prelude and world: artefacts of another version are
/// never mixed up with those of this one.
pub(crate) static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for part in [
        componentize_qjs::default_runtime_wasm(),
        PRELUDE.as_bytes(),
        WIT.as_bytes(),
        ADAPTER,
        env!("CARGO_PKG_VERSION").as_bytes(),
        // Raised when the way images are made changes.
        b"1",
    ] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex::encode(&hash.finalize()[..12])
});

/// The engine as a component that has run nothing yet, and the script that
/// prepares it.
fn link() -> anyhow::Result<(Vec<u8>, String)> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("function.wit", WIT)?;
    let world = resolve.select_world(&[package], Some("function"))?;
    let (mut bindings, metadata) = wit_dylib::create_with_metadata(&resolve, world, None);
    let shim = componentize_qjs::codegen::generate_shim(&resolve, &metadata);
    wit_component::embed_component_metadata(
        &mut bindings,
        &resolve,
        world,
        wit_component::StringEncoding::UTF8,
    )?;
    let mut linker = wit_component::Linker::default();
    linker.library(
        "componentize_qjs_runtime.wasm",
        componentize_qjs::default_runtime_wasm(),
        false,
    )?;
    linker.library("wit-dylib.wasm", &bindings, false)?;
    linker
        .encoder()
        .adapter("wasi_snapshot_preview1", ADAPTER)?;
    Ok((linker.encode()?, shim))
}

/// Links the engine and evaluates the prelude: the image, uncompiled.
pub(crate) async fn make(engine: &Engine, linker: &Linker<State>) -> Result<Vec<u8>, Error> {
    let (component, shim) = link().map_err(Error::link("linking the engine"))?;
    let step = "evaluating the prelude";
    let instrumented = instrument(&component)?;
    let compiled = Component::new(engine, &instrumented).map_err(Error::engine(step))?;
    let mut store = guest::quiet_store(engine);
    let prepare = async |store: &mut Store<State>, instance: &Instance| {
        let init = instance
            .get_typed_func::<(&str, &str, Option<&str>, bool), (Result<(), String>,)>(
                &mut *store,
                "init",
            )?;
        let (done,) = init
            .call_async(&mut *store, (&shim, PRELUDE, None, false))
            .await?;
        done.map_err(wasmtime::Error::msg)
    };
    snapshot(&mut store, linker, &component, &compiled, prepare)
        .await
        .map_err(Error::engine(step))
}

/// A component with the instruments that a snapshot needs.
pub(crate) fn instrument(component: &[u8]) -> Result<Vec<u8>, Error> {
    let (_, instrumented) = Wizer::new()
        .instrument_component(component)
        .map_err(Error::engine("instrumenting the engine"))?;
    Ok(instrumented)
}

/// Instantiates `compiled`, which is `component` with instruments, lets
/// `prepare` run something in it, and gives the component that starts from
/// there.
pub(crate) async fn snapshot(
    store: &mut Store<State>,
    linker: &Linker<State>,
    component: &[u8],
    compiled: &Component,
    prepare: impl AsyncFnOnce(&mut Store<State>, &Instance) -> wasmtime::Result<()>,
) -> wasmtime::Result<Vec<u8>> {
    let instance = linker.instantiate_async(&mut *store, compiled).await?;
    prepare(store, &instance).await?;
    let wizer = Wizer::new();
    let (context, _) = wizer.instrument_component(component)?;
    // Reading the state calls into the instance once more.
    store.data_mut().host.deadline += Duration::from_secs(60);
    store.data_mut().host.settled = None;
    let mut access = WasmtimeWizerComponent { store, instance };
    wizer.snapshot_component(context, &mut access).await
}
