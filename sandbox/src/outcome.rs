//! How an execution ended.

use std::time::Duration;

use bytes::Bytes;

/// What a driver made of the function's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The driver's part, for example status code and headers.
    pub value: serde_json::Value,
    /// The raw body.
    pub body: Bytes,
}

/// An exception as the engine tells it. Positions are those of the bundle
/// (`bundle.js:line:column`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thrown {
    /// Class of the error; empty when what was thrown is no error object.
    pub name: String,
    /// Its message.
    pub message: String,
    /// Header line and frames, one per line; may be empty.
    pub stack: String,
}

/// Why a program could not be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// The code does not parse.
    Syntax,
    /// The top level threw, for example because of a missing module.
    Module,
    /// There is no function to call.
    Signature,
}

/// Why an execution gave no response. The text is what the author of the
/// function reads in the execution's errors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The wall-clock limit passed.
    #[error("Execution timed out.")]
    Timeout,
    /// The memory limit was reached.
    #[error("Memory limit of {} MiB exceeded.", limit >> 20)]
    Memory {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The response is larger than allowed.
    #[error("Response of {size} bytes exceeds the limit of {limit} bytes.")]
    OutputTooLarge {
        /// What the function returned, in bytes.
        size: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// Too deep a recursion.
    #[error("RangeError: Maximum call stack size exceeded")]
    StackOverflow,
    /// The program could not be loaded.
    #[error("{}", load_text(*kind, thrown))]
    Load {
        /// What is wrong with it.
        kind: LoadError,
        /// The exception behind it.
        thrown: Thrown,
    },
    /// The function threw, or rejected its promise.
    #[error("{}", if .0.stack.is_empty() { &.0.message } else { &.0.stack })]
    Threw(Thrown),
    /// The function returned nothing where its contract asks for a response.
    #[error("{0}")]
    NoResponse(String),
    /// The function waits for something that cannot happen any more.
    #[error("The function's promise never settled: nothing is left that could settle it.")]
    NeverSettled,
    /// Too many executions at this moment.
    #[error("Too many concurrent executions: the limit is {limit}.")]
    Concurrency {
        /// The limit.
        limit: usize,
    },
    /// The caller canceled the execution.
    #[error("Execution canceled.")]
    Canceled,
    /// The platform's fault, or a corrupt program.
    #[error("The sandbox failed: {0}")]
    Internal(String),
}

fn load_text(kind: LoadError, thrown: &Thrown) -> String {
    let told = if thrown.stack.is_empty() {
        &thrown.message
    } else {
        &thrown.stack
    };
    match kind {
        LoadError::Syntax => format!("Syntax error in {told}"),
        LoadError::Module => format!("Failed to load module: {told}"),
        LoadError::Signature => told.clone(),
    }
}

/// Where an execution ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// The shared engine image; the program was loaded for this execution.
    Shared,
    /// The program's own snapshot.
    Own,
}

/// All that is known about a finished execution.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The response, or why there is none.
    pub result: Result<Response, Failure>,
    /// What the function logged, one line per call.
    pub logs: String,
    /// What the function logged as errors. The text of a failure is not in it.
    pub errors: String,
    /// Time in the sandbox.
    pub duration: Duration,
    /// Where it ran.
    pub tier: Tier,
    /// Largest linear memory of the instance, in bytes.
    pub memory: usize,
}

/// What a smoke test found.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct Loaded {
    /// Whether there is a function to call as the default export.
    pub handler: bool,
    /// Names of the exports.
    pub exports: Vec<String>,
}
