//! What the store of a component's instance holds.

use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Limited};
use wasmtime::component::ResourceTable;
use wasmtime::{Engine, Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::WasiHttpCtx;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;
use wasmtime_wasi_http::p2::types::{
    HostFutureIncomingResponse, IncomingResponse, OutgoingRequestConfig,
};
use wasmtime_wasi_http::p2::{HttpResult, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

use super::output::Tail;
use crate::guest::{Interrupt, Limiter};
use crate::outbound::{self, Access};
use crate::{Cancel, Invocation};

pub(crate) struct State {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    hooks: Hooks,
    cancel: Cancel,
    pub(super) limiter: Limiter,
    pub(super) deadline: Instant,
    pub(super) interrupt: Option<Interrupt>,
}

impl State {
    /// Lets go of everything that the guest holds.
    pub(super) fn close(&mut self) {
        self.table = ResourceTable::new();
    }
}

struct Hooks(Access);

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.hooks,
        }
    }
}

/// A store for one execution.
pub(super) fn store(
    engine: &Engine,
    invocation: &Invocation,
    access: Access,
    logs: &Tail,
    errors: &Tail,
) -> Store<State> {
    let mut wasi = WasiCtxBuilder::new();
    wasi.stdout(logs.clone()).stderr(errors.clone());
    for (name, value) in invocation.env.iter() {
        wasi.env(name, value);
    }
    let state = State {
        wasi: wasi.build(),
        http: WasiHttpCtx::new(),
        table: ResourceTable::new(),
        hooks: Hooks(access),
        cancel: invocation.cancel.clone(),
        limiter: Limiter::new(invocation.limits.memory),
        deadline: Instant::now() + invocation.limits.wall,
        interrupt: None,
    };
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.limiter);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut store| {
        let state = store.data_mut();
        if Instant::now() >= state.deadline {
            state.interrupt = Some(Interrupt::Timeout);
        } else if state.cancel.is_canceled() {
            state.interrupt = Some(Interrupt::Canceled);
        } else {
            return Ok(UpdateDeadline::Yield(1));
        }
        Ok(UpdateDeadline::Interrupt)
    });
    store
}

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: http::Request<HyperOutgoingBody>,
        config: OutgoingRequestConfig,
    ) -> HttpResult<HostFutureIncomingResponse> {
        let access = self.0.clone();
        let work = wasmtime_wasi::runtime::spawn(async move {
            let pause = config.between_bytes_timeout;
            let time = access.policy().timeout.min(config.first_byte_timeout);
            let answer = tokio::time::timeout(time, send(&access, request, config.use_tls)).await;
            Ok(answer
                .unwrap_or(Err(ErrorCode::HttpResponseTimeout))
                .map(|resp| IncomingResponse {
                    resp,
                    worker: None,
                    between_bytes_timeout: pause.min(Duration::from_secs(600)),
                }))
        });
        Ok(HostFutureIncomingResponse::pending(work))
    }
}

type Body = http_body_util::combinators::UnsyncBoxBody<bytes::Bytes, ErrorCode>;

async fn send(
    access: &Access,
    request: http::Request<HyperOutgoingBody>,
    tls: bool,
) -> Result<http::Response<Body>, ErrorCode> {
    let (head, body) = request.into_parts();
    let limit = access.policy().request_limit;
    let body = Limited::new(body, limit)
        .collect()
        .await
        .map_err(|_| ErrorCode::HttpRequestBodySize(Some(limit as u64)))?
        .to_bytes();
    let scheme = if tls { "https" } else { "http" };
    let authority = head.uri.authority().map_or("", |it| it.as_str());
    let path = head.uri.path_and_query().map_or("/", |it| it.as_str());
    let response = access
        .forward(
            &format!("{scheme}://{authority}{path}"),
            head.method,
            head.headers,
            body,
        )
        .await
        .map_err(code)?;
    let limit = access.policy().response_limit;
    let (head, body) = http::Response::<reqwest::Body>::from(response).into_parts();
    let body = Limited::new(body, limit)
        .map_err(move |_| ErrorCode::HttpResponseBodySize(Some(limit as u64)))
        .boxed_unsync();
    Ok(http::Response::from_parts(head, body))
}

fn code(error: outbound::Error) -> ErrorCode {
    match error {
        outbound::Error::Host(_) => ErrorCode::HttpRequestDenied,
        outbound::Error::Private(_) => ErrorCode::DestinationIpProhibited,
        outbound::Error::Url(_) => ErrorCode::HttpRequestUriInvalid,
        error => ErrorCode::InternalError(Some(error.to_string())),
    }
}
