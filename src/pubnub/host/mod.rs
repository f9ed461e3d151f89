//! What a running function of this dialect can do: the host's side of its modules. The protocol is
//! described at the top of `sandbox/prelude/drivers/pubnub.js`; the limits are those of sections 13
//! and 14 of the reference.
//!
//! The driver checks and counts as well, so that errors name the caller's line. What is here holds
//! whatever a function makes of the driver.

mod console;
mod kv;
mod outside;
mod sending;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aggregates::keyset::Keyset;
use aggregates::{ExecutionId, HandlerCall, KeysetId, ProjectId};
use sandbox::{Answer, Cancel, Capability, Pending};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Shared;
use super::underway::Running;
use crate::bus::{Context, Loaded};
use crate::execution::{Session, Written};

pub use console::Line;
pub use outside::Rate;

/// Something that a function asked of its host.
#[derive(Clone, Debug, Serialize)]
pub struct HostCall {
    /// The module and what was called of it, for example `kvstore.set`.
    pub call: &'static str,
    /// What it was about; values of the vault are never part of it.
    pub about: Value,
    /// Whether it was done, or only noted as this is a dry run.
    pub done: bool,
}

/// The host of one run. Cheap to clone.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    project: ProjectId,
    call: HandlerCall,
    execution: ExecutionId,
    correlation: String,
    /// Where subscribers hear what it writes; none: nowhere.
    subscribe_key: Option<String>,
    /// A channel of the function's own for what it writes.
    output: Option<String>,
    /// Nothing is written or sent.
    is_dry: bool,
    noted: Mutex<Noted>,
    running: Option<Running>,
}

#[derive(Default)]
struct Noted {
    lines: Vec<Line>,
    size: usize,
    calls: Vec<HostCall>,
    overlay: kv::Overlay,
    spent: Spent,
}

/// Calls of an execution, by module.
#[derive(Default)]
struct Spent {
    xhr: u32,
    vault: u32,
    kvstore: u32,
    pubnub: u32,
}

/// Why an operation has no answer for the function; the text rejects its call.
struct Failed(String);

impl<E: std::fmt::Display> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

fn no(text: impl Into<String>) -> Failed {
    Failed(text.into())
}

/// JSON, and bytes.
type Answered = Result<(Value, Vec<u8>), Failed>;

fn just(value: Value) -> Answered {
    Ok((value, Vec::new()))
}

fn parse<T: DeserializeOwned>(arg: &str) -> Result<T, Failed> {
    Ok(serde_json::from_str(arg)?)
}

impl Host {
    /// For a run that does what it says. Takes from the request what is not for the driver.
    ///
    /// # Errors
    /// When the keyset is not there.
    pub async fn of(
        shared: &Arc<Shared>,
        project: &ProjectId,
        call: &HandlerCall,
        execution: &ExecutionId,
        request: &mut Value,
    ) -> Result<Self, String> {
        let keyset = KeysetId::from(call.keyset.to_string()).key(project);
        let keyset = shared.bus.load::<Keyset>(&keyset).await;
        let keyset = keyset.map_err(|error| error.to_string())?.state;
        let deployment = call.deployment.as_ref();
        let connected = deployment.and_then(|deployment| keyset.connected(deployment));
        let output = connected.and_then(|connected| {
            let mut handlers = connected.handlers.iter();
            let found = handlers.find(|handler| handler.revision == call.handler);
            found.and_then(|handler| handler.trigger.output_channel.clone())
        });
        let mut host = Self::inner(shared, project, call, execution, request);
        host.subscribe_key = Some(keyset.subscribe_key.clone());
        host.output = output;
        Ok(Self(Arc::new(host)))
    }

    /// For a run on a test input.
    pub fn trial(
        shared: &Arc<Shared>,
        project: &ProjectId,
        call: &HandlerCall,
        execution: &ExecutionId,
        is_dry: bool,
        request: &mut Value,
    ) -> Self {
        let mut host = Self::inner(shared, project, call, execution, request);
        host.is_dry = is_dry;
        Self(Arc::new(host))
    }

    fn inner(
        shared: &Arc<Shared>,
        project: &ProjectId,
        call: &HandlerCall,
        execution: &ExecutionId,
        request: &mut Value,
    ) -> Inner {
        let taken = request.as_object_mut();
        let correlation = taken.and_then(|request| request.remove("correlation"));
        let correlation = correlation.as_ref().and_then(Value::as_str);
        let deployment = call.deployment.as_ref();
        Inner {
            shared: shared.clone(),
            project: project.clone(),
            call: call.clone(),
            execution: execution.clone(),
            correlation: correlation.unwrap_or_default().to_owned(),
            subscribe_key: None,
            output: None,
            is_dry: false,
            noted: Mutex::default(),
            running: deployment.map(|deployment| shared.underway.begin(deployment)),
        }
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was asked of the host, in order.
    pub fn calls(&self) -> Vec<HostCall> {
        self.noted().calls.clone()
    }

    /// What was written.
    pub fn lines(&self) -> Vec<Line> {
        self.noted().lines.clone()
    }

    fn note(&self, call: &'static str, about: Value, done: bool) {
        self.noted().calls.push(HostCall { call, about, done });
    }

    fn spend(
        &self,
        module: &str,
        limit: u32,
        of: impl FnOnce(&mut Spent) -> &mut u32,
    ) -> Result<(), Failed> {
        let mut noted = self.noted();
        let spent = of(&mut noted.spent);
        if *spent >= limit {
            return Err(no(format!("{module} execution calls exceeds: {limit}")));
        }
        *spent += 1;
        Ok(())
    }

    /// The keyset of the function. A dry run may have none: then nothing is stored.
    async fn keyset(&self) -> Result<Loaded<Keyset>, Failed> {
        let key = KeysetId::from(self.0.call.keyset.to_string()).key(&self.0.project);
        let loaded = self.0.shared.bus.load::<Keyset>(&key).await?;
        match loaded.state.number {
            Some(_) => Ok(loaded),
            None if self.0.is_dry && self.0.call.keyset == 0 => Ok(loaded),
            None => Err(no("the keyset does not exist")),
        }
    }

    /// The context of a command that the function causes.
    fn context(&self) -> Context {
        let actor = format!("function:{}", self.0.call.handler);
        let mut context = Context::once(actor, self.0.project.as_str());
        if !self.0.correlation.is_empty() {
            context.correlation_id = self.0.correlation.clone();
        }
        context.causation_id = self.0.execution.to_string();
        context
    }

    async fn answer(self, op: String, arg: String, data: Vec<u8>) -> Answer {
        let answered = match op.as_str() {
            "pubnub.kv-get" => self.kv_get(&arg).await,
            "pubnub.kv-set" => self.kv_set(&arg).await,
            "pubnub.kv-remove" => self.kv_remove(&arg).await,
            "pubnub.kv-counter" => self.kv_counter(&arg).await,
            "pubnub.kv-increment" => self.kv_increment(&arg).await,
            "pubnub.kv-keys" => self.kv_keys(&arg).await,
            "pubnub.vault-get" => self.vault_get(&arg).await,
            "pubnub.xhr" => self.xhr(&arg, data).await,
            "pubnub.publish" => self.publish(&arg).await,
            "pubnub.here-now" => self.here_now(&arg),
            "pubnub.where-now" => self.where_now(&arg),
            _ => return Err(format!("unknown operation {op}")),
        };
        match answered {
            Ok((value, data)) => Ok((value.to_string(), data)),
            Err(Failed(text)) => Ok((json!({ "error": text }).to_string(), Vec::new())),
        }
    }
}

impl Capability for Host {
    fn call(&self, op: &str, arg: &str, _: &[u8]) -> Option<Answer> {
        if op != "pubnub.console" {
            return None;
        }
        if let Ok(line) = serde_json::from_str(arg) {
            self.write(line);
        }
        Some(Ok((String::new(), Vec::new())))
    }

    fn start(&self, op: &str, arg: &str, data: &[u8]) -> Option<Pending> {
        if !op.starts_with("pubnub.") {
            return None;
        }
        let (op, arg, data) = (op.to_owned(), arg.to_owned(), data.to_vec());
        Some(Box::pin(self.clone().answer(op, arg, data)))
    }
}

impl Session for Host {
    fn written(&self) -> Written {
        console::written(&self.noted().lines)
    }

    fn cancel(&self) -> Cancel {
        let running = self.0.running.as_ref();
        running.map_or_else(Cancel::default, |running| running.cancel.clone())
    }
}
