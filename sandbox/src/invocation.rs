//! What one execution is asked to do, and within which bounds.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::{Cancel, Capability, Env, Image, Recorder, outbound};

/// Bounds of one execution. A breach ends the execution, or cuts the logs, and
/// is told in the outcome.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Wall-clock time from the start of the execution.
    pub wall: Duration,
    /// Linear memory of the instance, in bytes. The engine itself takes about 4 MiB.
    pub memory: usize,
    /// Body and headers of the response, in bytes.
    pub output: usize,
    /// Each of `logs` and `errors`, in characters. The end is kept.
    pub logs: usize,
    /// Executions of the same owner at one moment.
    pub concurrency: usize,
    /// Outbound requests in flight at one moment.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall: Duration::from_secs(15),
            memory: 512 << 20,
            output: 20 << 20,
            logs: 1_000_000,
            concurrency: 1000,
            connections: 64,
        }
    }
}

/// One execution of a program.
#[derive(Clone)]
pub struct Invocation {
    /// Contract between program and caller: the name of a file in
    /// `prelude/drivers`. Empty = load only.
    pub driver: &'static str,
    /// The engine image to run on; none: the shared one, or the program's own
    /// where it has one.
    pub image: Option<Image>,
    /// Whose concurrency this execution counts in; empty = nobody's.
    pub owner: Arc<str>,
    /// The request, in the driver's own form.
    pub request: serde_json::Value,
    /// The request's raw body.
    pub body: Bytes,
    /// Variables.
    pub env: Arc<Env>,
    /// Bounds.
    pub limits: Limits,
    /// Whether what the function writes is kept.
    pub logging: bool,
    /// Where outbound requests may go.
    pub outbound: Arc<outbound::Policy>,
    /// Ends the execution early.
    pub cancel: Cancel,
    /// Operations beyond the built-in ones, asked first.
    pub capability: Option<Arc<dyn Capability>>,
    /// Hears every answer the host gives to this execution.
    pub recorder: Option<Arc<dyn Recorder>>,
}

impl Invocation {
    /// An execution with defaults for everything but driver, request and body.
    pub fn new(driver: &'static str, request: serde_json::Value, body: impl Into<Bytes>) -> Self {
        Self {
            driver,
            image: None,
            owner: "".into(),
            request,
            body: body.into(),
            env: Arc::default(),
            limits: Limits::default(),
            logging: true,
            outbound: Arc::default(),
            cancel: Cancel::default(),
            capability: None,
            recorder: None,
        }
    }
}
