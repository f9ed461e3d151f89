//! What can go wrong on the platform's side.

/// An error of the sandbox itself, never of the function that it runs.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine could not be set up, built, or compiled.
    #[error("the engine failed while {step}")]
    Engine {
        /// What was being done.
        step: &'static str,
        /// The engine's own account.
        #[source]
        source: wasmtime::Error,
    },
    /// The cache folder could not be used.
    #[error("the artefact cache at {path} cannot be used")]
    Cache {
        /// File or folder.
        path: std::path::PathBuf,
        /// The operating system's answer.
        #[source]
        source: std::io::Error,
    },
    /// The outbound client could not be set up.
    #[error("the outbound client cannot be set up")]
    Outbound(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// An engine image could not be made.
    #[error("the engine image cannot be made: {0}")]
    Image(String),
    /// A background task ended without an answer.
    #[error("a background task of the sandbox stopped early")]
    Stopped,
}

impl Error {
    pub(crate) fn engine(step: &'static str) -> impl FnOnce(wasmtime::Error) -> Self {
        move |source| Self::Engine { step, source }
    }

    pub(crate) fn link(step: &'static str) -> impl FnOnce(anyhow::Error) -> Self {
        move |source| Self::Engine {
            step,
            source: wasmtime::Error::from_anyhow(source),
        }
    }
}
