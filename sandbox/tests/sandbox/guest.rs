//! Makes the JavaScript of `guest/` into a component that exports
//! `wasi:http/incoming-handler`, without any part of the sandbox.

use std::path::Path;

use componentize_qjs::{codegen, default_sync_runtime_wasm, stubwasi};
use wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as ADAPTER;
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::WasiHttpCtx;
use wasmtime_wasi_http::p2::types::{HostFutureIncomingResponse, OutgoingRequestConfig};
use wasmtime_wasi_http::p2::{HttpResult, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};
use wasmtime_wizer::{WasmtimeWizerComponent, Wizer};
use wit_component::StringEncoding;

struct Host {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    hooks: NoRequests,
}

struct NoRequests;

impl WasiHttpHooks for NoRequests {
    fn send_request(
        &mut self,
        _: http::Request<wasmtime_wasi_http::p2::body::HyperOutgoingBody>,
        _: OutgoingRequestConfig,
    ) -> HttpResult<HostFutureIncomingResponse> {
        unreachable!("the guest's top level sends nothing")
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Host {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.hooks,
        }
    }
}

pub async fn build() -> Vec<u8> {
    let folder = Path::new("tests/sandbox/guest");
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_dir(folder).unwrap();
    let world = resolve.select_world(&[package], Some("guest")).unwrap();
    let (mut bindings, metadata) = wit_dylib::create_with_metadata(&resolve, world, None);
    let shim = codegen::generate_shim(&resolve, &metadata);
    wit_component::embed_component_metadata(&mut bindings, &resolve, world, StringEncoding::UTF8)
        .unwrap();
    let mut linker = wit_component::Linker::default();
    let engine_wasm = default_sync_runtime_wasm();
    linker
        .library("componentize_qjs_runtime.wasm", engine_wasm, false)
        .and_then(|linker| linker.library("wit-dylib.wasm", &bindings, false))
        .unwrap();
    linker
        .encoder()
        .adapter("wasi_snapshot_preview1", ADAPTER)
        .unwrap();
    let component = linker.encode().unwrap();

    let engine = Engine::default();
    let wizer = Wizer::new();
    let (context, instrumented) = wizer.instrument_component(&component).unwrap();
    let instrumented = Component::new(&engine, instrumented).unwrap();
    let mut linker = Linker::<Host>::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker).unwrap();
    let mut loader = linker.instance("local:init/module-loader").unwrap();
    loader
        .func_wrap("resolve", |_, (_, _): (String, String)| {
            Ok((Err::<String, String>("no modules".into()),))
        })
        .unwrap();
    loader
        .func_wrap("load", |_, (_,): (String,)| {
            Ok((Err::<String, String>("no modules".into()),))
        })
        .unwrap();
    let host = Host {
        wasi: WasiCtx::builder().build(),
        http: WasiHttpCtx::new(),
        table: ResourceTable::new(),
        hooks: NoRequests,
    };
    let mut store = Store::new(&engine, host);
    let instance = linker
        .instantiate_async(&mut store, &instrumented)
        .await
        .unwrap();
    let init = instance
        .get_typed_func::<(&str, &str, Option<&str>, bool), (Result<(), String>,)>(
            &mut store, "init",
        )
        .unwrap();
    let script = std::fs::read_to_string(folder.join("guest.js")).unwrap();
    let (done,) = init
        .call_async(&mut store, (&shim, &script, None, false))
        .await
        .unwrap();
    done.unwrap();
    let mut access = WasmtimeWizerComponent {
        store: &mut store,
        instance,
    };
    let component = wizer
        .snapshot_component(context, &mut access)
        .await
        .unwrap();
    stubwasi::stub_internal_imports(&component).unwrap()
}
