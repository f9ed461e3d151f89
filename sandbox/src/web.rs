//! WebAssembly components that export `wasi:http/incoming-handler`.

mod output;
mod request;
mod state;

use std::sync::OnceLock;

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::sync::oneshot;
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, OptLevel, Trap};
use wasmtime_wasi_http::p2::WasiHttpView as _;
use wasmtime_wasi_http::p2::bindings::ProxyPre;

use crate::engine::{self, Ticker};
use crate::guest::Interrupt;
use crate::logs::Lines;
use crate::outbound::Access;
use crate::service::{Parts, load};
use crate::{Error, Failure, Invocation, LoadError, Program, Response, Thrown};
use state::State;

/// A component ready to be instantiated.
#[derive(Clone)]
pub(crate) struct Ready(ProxyPre<State>);

/// What components run on. They may be of any shape, so that they do not share
/// the pool of the JavaScript engine's instances.
struct Host {
    engine: Engine,
    linker: Linker<State>,
    ticker: Ticker,
}

/// The host for components, made when the first one comes.
#[derive(Default)]
pub(crate) struct Web(OnceLock<Host>);

/// How an execution of a component ended.
pub(crate) struct Ended {
    pub(crate) result: Result<Response, Failure>,
    pub(crate) logs: Lines,
    pub(crate) errors: Lines,
    pub(crate) memory: usize,
}

impl Web {
    fn host(&self) -> Result<&Host, Error> {
        if let Some(host) = self.0.get() {
            return Ok(host);
        }
        let mut config: Config = engine::base();
        config.cranelift_opt_level(OptLevel::Speed);
        let engine = Engine::new(&config).map_err(Error::engine("setting up the engine"))?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)
            .and_then(|()| wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker))
            .map_err(Error::engine("offering the host's functions"))?;
        let ticker = Ticker::start(&engine)?;
        Ok(self.0.get_or_init(|| Host {
            engine,
            linker,
            ticker,
        }))
    }

    /// The program's compiled component: from memory, from the cache, or
    /// compiled now.
    pub(crate) fn ready(
        &self,
        parts: &Parts,
        program: &Program,
        wasm: &[u8],
    ) -> Result<Ready, Failure> {
        let internal = |error: Error| Failure::Internal(error.to_string());
        let host = self.host().map_err(internal)?;
        let name = format!("component-{}.bin", hex::encode(&program.sha256()[..20]));
        let cached = parts
            .artefacts
            .read(&name)
            .and_then(|code| load(&host.engine, &code));
        let component = match cached {
            Some(component) => component,
            None => {
                let component = Component::new(&host.engine, wasm).map_err(unfit)?;
                let code = component.serialize().map_err(unfit)?;
                parts.artefacts.write(&name, &code).map_err(internal)?;
                parts
                    .artefacts
                    .prune("component-", parts.options.artefact_disk);
                component
            }
        };
        let pre = host.linker.instantiate_pre(&component).map_err(unfit)?;
        Ok(Ready(ProxyPre::new(pre).map_err(unfit)?))
    }

    /// Runs a component once.
    pub(crate) async fn execute(
        &self,
        ready: &Ready,
        invocation: &Invocation,
        access: Access,
    ) -> Ended {
        let limits = &invocation.limits;
        let logs = output::Tail::new(limits.logs);
        let errors = output::Tail::new(limits.logs);
        let mut memory = 0;
        let result = match self.host() {
            Ok(host) => {
                let mut store = state::store(&host.engine, invocation, access, &logs, &errors);
                let _running = host.ticker.run();
                let result = handle(&mut store, ready, invocation).await;
                memory = store.data().limiter.peak;
                result
            }
            Err(error) => Err(Failure::Internal(error.to_string())),
        };
        let lines = |name, tail: &output::Tail| {
            let mut lines = Lines::new(name, limits.logs);
            if invocation.logging {
                tail.lines(|line| lines.push(line));
            }
            lines
        };
        Ended {
            result,
            logs: lines("Logs", &logs),
            errors: lines("Errors", &errors),
            memory,
        }
    }
}

/// Why a component cannot be run at all.
fn unfit(error: wasmtime::Error) -> Failure {
    Failure::Load {
        kind: LoadError::Signature,
        thrown: Thrown {
            name: String::new(),
            message: format!("The component cannot be run as an HTTP handler: {error:#}"),
            stack: String::new(),
        },
    }
}

async fn handle(
    store: &mut wasmtime::Store<State>,
    ready: &Ready,
    invocation: &Invocation,
) -> Result<Response, Failure> {
    let (scheme, incoming) = request::incoming(invocation).map_err(Failure::Internal)?;
    let (sender, receiver) = oneshot::channel();
    let trap = |error: wasmtime::Error| Failure::Internal(format!("{error:#}"));
    let mut http = store.data_mut().http();
    let incoming = http.new_incoming_request(scheme, incoming).map_err(trap)?;
    let outcome = http.new_response_outparam(sender).map_err(trap)?;

    let limit = invocation.limits.output;
    // The body is taken while the guest writes it.
    let receive = async move {
        let Ok(answer) = receiver.await else {
            return Ok(None);
        };
        let response = answer.map_err(|code| {
            Failure::Threw(Thrown {
                name: "ErrorCode".into(),
                message: format!("{code:?}"),
                stack: String::new(),
            })
        })?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, limit).collect().await.map_err(|error| {
            if error.downcast_ref::<LengthLimitError>().is_some() {
                return Failure::OutputTooLarge {
                    size: limit + 1,
                    limit,
                };
            }
            Failure::Threw(Thrown {
                name: "ErrorCode".into(),
                message: error.to_string(),
                stack: String::new(),
            })
        })?;
        Ok(Some(Response {
            value: request::outgoing(&head),
            body: body.to_bytes(),
        }))
    };
    let deadline = store.data().deadline;
    let work = async {
        let guest = async {
            let called = async {
                let proxy = ready.0.instantiate_async(&mut *store).await?;
                proxy
                    .wasi_http_incoming_handler()
                    .call_handle(&mut *store, incoming, outcome)
                    .await
            };
            let called = called.await;
            // What it left open, a response that it never set or a body that it
            // never finished, will not come any more.
            store.data_mut().close();
            called
        };
        let (called, received) = tokio::join!(guest, receive);
        match (called, received) {
            (Ok(()), Ok(Some(response))) => Ok(response),
            (Ok(()), Ok(None)) => Err(Failure::NoResponse(
                "The component set no response.".to_owned(),
            )),
            // Writing on after the limit makes the guest fail as well.
            (Ok(()), Err(failure)) | (Err(_), Err(failure @ Failure::OutputTooLarge { .. })) => {
                Err(failure)
            }
            (Err(error), _) => Err(failure(store, &error)),
        }
    };
    tokio::select! {
        ended = tokio::time::timeout_at(deadline.into(), work) => {
            ended.unwrap_or(Err(Failure::Timeout))
        }
        () = invocation.cancel.canceled() => Err(Failure::Canceled),
    }
}

fn failure(store: &wasmtime::Store<State>, error: &wasmtime::Error) -> Failure {
    let state = store.data();
    if state.limiter.breached {
        return Failure::Memory {
            limit: state.limiter.limit(),
        };
    }
    match state.interrupt {
        Some(Interrupt::Canceled) => return Failure::Canceled,
        Some(_) => return Failure::Timeout,
        None => {}
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => Failure::StackOverflow,
        Some(trap) => Failure::Threw(Thrown {
            name: "Trap".into(),
            message: trap.to_string(),
            stack: String::new(),
        }),
        None => Failure::Threw(Thrown {
            name: String::new(),
            message: format!("{error:#}"),
            stack: String::new(),
        }),
    }
}
