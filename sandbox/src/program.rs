//! Programs: what a deployment's build has made.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

/// The code of a program.
#[derive(Clone)]
pub enum Kind {
    /// One JavaScript expression, a function that takes the platform and gives
    /// the exports (or a promise of them).
    JavaScript(Arc<str>),
    /// A WebAssembly component that exports `wasi:http/incoming-handler`.
    Component(Bytes),
}

/// A program to run. Cheap to clone.
#[derive(Clone)]
pub struct Program {
    sha256: [u8; 32],
    kind: Kind,
}

impl Program {
    /// A program from the text of a JavaScript bundle.
    pub fn javascript(code: impl Into<Arc<str>>) -> Self {
        let code = code.into();
        Self {
            sha256: Sha256::digest(code.as_bytes()).into(),
            kind: Kind::JavaScript(code),
        }
    }

    /// A program from the bytes of a WebAssembly component.
    pub fn component(wasm: impl Into<Bytes>) -> Self {
        let wasm = wasm.into();
        Self {
            sha256: Sha256::digest(&wasm).into(),
            kind: Kind::Component(wasm),
        }
    }

    /// SHA-256 of the code.
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// The code itself.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.kind {
            Kind::JavaScript(_) => "javascript",
            Kind::Component(_) => "component",
        };
        write!(f, "Program({kind} {})", hex::encode(self.sha256))
    }
}
