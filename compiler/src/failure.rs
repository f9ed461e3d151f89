//! Why a build failed.

use crate::{commands::Unsupported, diagnostic::Diagnostic, npm, unpack::UnpackError};

/// Why there is no bundle. Its text is meant for the build log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The code has errors; each names its place.
    #[error("{}", render(.0))]
    Diagnostics(Vec<Diagnostic>),
    /// A build command is not supported.
    #[error(transparent)]
    Command(#[from] Unsupported),
    /// The upload could not be unpacked.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// The dependencies could not be resolved or fetched.
    #[error(transparent)]
    Npm(#[from] npm::Error),
    /// The bundle exceeds a limit.
    #[error("{0}")]
    Limit(String),
    /// A fault of the platform.
    #[error("the compiler failed: {0}")]
    Internal(String),
}

fn render(diagnostics: &[Diagnostic]) -> String {
    let mut text = diagnostics
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n\n");
    if diagnostics.len() > 1 {
        text.push_str(&format!("\n\n{} errors", diagnostics.len()));
    }
    text
}
