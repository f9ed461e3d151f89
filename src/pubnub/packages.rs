//! Compiles functions when a revision is made, so that none is stored that never can run: the file
//! is checked and printed as a bundle, and the bundle is loaded once in the sandbox.

use std::time::Duration;

use aggregates::deployment::{Artefact, ArtefactKind};
use aggregates::{Blob, TriggerKind};
use bytes::Bytes;
use compiler::StackMapper;
use sandbox::{Failure as Ended, Invocation, Limits, LoadError, Program};
use serde_json::json;

use super::Shared;

/// What diagnostics and stack traces call the file of a function.
pub const FILE: &str = "function.js";

/// Most bytes of a function's source (section 14).
pub const LONGEST_CODE: usize = 64 << 10;

/// For loading a bundle.
const LOAD: Duration = Duration::from_secs(1);
const LOAD_MEMORY: usize = 64 << 20;

/// What is wrong with a source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (line {line}, column {column})")]
pub struct NotCompiled {
    /// One sentence.
    pub message: String,
    /// Counts from 1.
    pub line: u32,
    /// Counts from 1, in characters.
    pub column: u32,
}

/// Why there is no artefact.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The source is at fault: at least one place, in the order of the source.
    #[error("the function does not compile")]
    NotCompiled(Vec<NotCompiled>),
    /// A fault of ours, or of what is below us.
    #[error("a function cannot be compiled: {0}")]
    Failed(String),
}

impl From<crate::blobs::Error> for Error {
    fn from(error: crate::blobs::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// A function that compiles and loads, not yet stored.
pub struct Compiled {
    source: String,
    code: String,
    source_map: String,
}

/// Compiles one function. Nothing is stored.
///
/// # Errors
/// See [`Error`].
pub async fn compile(shared: &Shared, source: &str, kind: TriggerKind) -> Result<Compiled, Error> {
    let compiled = match shared.compiler.compile_handler(FILE, source).await {
        Ok(compiled) => compiled,
        Err(compiler::Failure::Diagnostics(found)) => {
            let found = found.iter().map(|diagnostic| NotCompiled {
                message: diagnostic.message.clone(),
                line: diagnostic.line.max(1),
                column: diagnostic.column.max(1),
            });
            return Err(Error::NotCompiled(found.collect()));
        }
        Err(failure) => return Err(Error::Failed(failure.to_string())),
    };
    load(shared, &compiled.code, &compiled.source_map, kind).await?;
    Ok(Compiled {
        source: source.to_owned(),
        code: compiled.code,
        source_map: compiled.source_map,
    })
}

/// Evaluates the module: that its default export is a function is known only then. That it can be
/// started is not asked here.
async fn load(shared: &Shared, code: &str, map: &str, kind: TriggerKind) -> Result<(), Error> {
    let ask = json!({"type": kind.as_str(), "event": {}, "depth": 0, "inspect": true});
    let mut invocation = Invocation::new("pubnub", ask, Bytes::new());
    invocation.logging = false;
    invocation.limits = Limits {
        wall: LOAD,
        memory: LOAD_MEMORY,
        output: 64 << 10,
        logs: 1000,
        connections: 0,
        ..Limits::default()
    };
    let program = Program::javascript(code);
    let outcome = shared.sandbox.execute(&program, invocation).await;
    let thrown = match outcome.result {
        Err(failure @ (Ended::Internal(_) | Ended::Concurrency { .. } | Ended::Canceled)) => {
            return Err(Error::Failed(failure.to_string()));
        }
        Err(
            Ended::Load {
                kind: LoadError::Syntax | LoadError::Signature,
                thrown,
            }
            | Ended::Threw(thrown),
        ) => thrown,
        // A module that throws, or takes its time, may do better when it is started.
        Ok(_) | Err(_) => return Ok(()),
    };
    let stack = StackMapper::parse(map).map(&thrown.stack);
    let (line, column) = place(&stack).unwrap_or((1, 1));
    Err(Error::NotCompiled(vec![NotCompiled {
        message: thrown.message,
        line,
        column,
    }]))
}

/// The first place in the function's file that a stack trace names.
fn place(stack: &str) -> Option<(u32, u32)> {
    let (_, rest) = stack.split_once(&format!("{FILE}:"))?;
    let mut numbers = rest
        .split(|c: char| !c.is_ascii_digit())
        .map(|digits| digits.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

impl Compiled {
    /// Stores source, bundle and source map; repeating it is harmless.
    ///
    /// # Errors
    /// When the blob store fails.
    pub async fn store(self, shared: &Shared) -> Result<(Blob, Artefact), crate::blobs::Error> {
        let put = |text: String| shared.blobs.put(text.into());
        let (source, code, map) =
            tokio::try_join!(put(self.source), put(self.code), put(self.source_map))?;
        let artefact = Artefact {
            kind: ArtefactKind::JavaScript,
            code,
            source_map: Some(map),
            script: None,
        };
        Ok((source, artefact))
    }
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn a_place_is_read_from_a_stack() {
        let stack =
            "Error: no\n    at f (node.js:1:1)\n    at function.js:12:5\n    at function.js:1:1";
        assert_eq!(place(stack), Some((12, 5)));
        assert_eq!(place("Error: no"), None);
    }
}
