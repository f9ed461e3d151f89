//! Why dependencies could not be resolved or fetched.

use crate::unpack::UnpackError;

/// Each error names the package it is about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The registry does not know the package.
    #[error("the package `{package}`, required by {by}, is not in the registry")]
    Unknown {
        /// Name of the package.
        package: String,
        /// Who depends on it.
        by: String,
    },
    /// No version fits.
    #[error("no version of `{package}` fits `{range}`, required by {by}; the latest is {latest}")]
    NoVersion {
        /// Name of the package.
        package: String,
        /// The range or tag asked for.
        range: String,
        /// Who depends on it.
        by: String,
        /// The version that is tagged `latest`.
        latest: String,
    },
    /// A dependency that does not come from a registry.
    #[error(
        "the dependency `{package}: {spec}` of {by} is not supported: only versions from a registry are (`^1.2.3`, `latest`, `npm:name@range`)"
    )]
    Spec {
        /// Name of the package.
        package: String,
        /// What was asked for.
        spec: String,
        /// Who depends on it.
        by: String,
    },
    /// The registry's answer is not metadata.
    #[error("the metadata of `{package}` cannot be read: {reason}")]
    Metadata {
        /// Name of the package.
        package: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The registry cannot be reached.
    #[error("the registry cannot be reached for `{package}`: {}", chain(.source))]
    Unreachable {
        /// Name of the package.
        package: String,
        /// What happened.
        source: reqwest::Error,
    },
    /// The registry refuses.
    #[error("the registry answers {status} for `{package}`")]
    Status {
        /// Name of the package.
        package: String,
        /// HTTP status.
        status: u16,
    },
    /// An upload names a registry that is not public.
    #[error("`{host}`, asked for `{package}`, is not a public address")]
    Address {
        /// Name of the package.
        package: String,
        /// The host.
        host: String,
    },
    /// An answer is too large.
    #[error("the answer of the registry for `{package}` is larger than {limit} bytes")]
    Size {
        /// Name of the package.
        package: String,
        /// Bytes allowed.
        limit: u64,
    },
    /// The tarball is not what it should be.
    #[error("`{package}` does not have the expected integrity: expected {expected}, got {actual}")]
    Integrity {
        /// Name and version.
        package: String,
        /// What the lock file or the registry says.
        expected: String,
        /// What was received.
        actual: String,
    },
    /// The tarball cannot be unpacked.
    #[error("the package `{package}` cannot be unpacked: {source}")]
    Unpack {
        /// Name and version.
        package: String,
        /// Why.
        source: UnpackError,
    },
    /// The lock file cannot be read.
    #[error("package-lock.json cannot be read: {0}")]
    Lock(String),
    /// `npm ci` with a lock file that does not fit.
    #[error(
        "package-lock.json does not fit package.json: {0}; run `npm install` and upload the new lock file"
    )]
    OutOfSync(String),
    /// There are too many packages.
    #[error("more than {limit} packages are needed")]
    Count {
        /// Packages allowed.
        limit: usize,
    },
    /// It took too long.
    #[error("fetching packages took longer than {seconds} s")]
    Timeout {
        /// Seconds allowed.
        seconds: u64,
    },
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
