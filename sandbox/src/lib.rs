//! Runs functions: JavaScript bundles on a QuickJS engine inside WebAssembly,
//! and WebAssembly components, each execution in an instance of its own.
//!
//! A program runs on one of two tiers. Tier 0 is the shared engine image with
//! the platform's modules preloaded: the bundle is evaluated at the start of
//! each execution. Tier 1 is a component of the program's own, snapshotted
//! after its top level has run. Both give the same answers.

mod artefact;
mod cancel;
mod capability;
mod concurrency;
mod engine;
mod env;
mod error;
mod execution;
mod guest;
mod image;
mod incremental;
mod invocation;
mod logs;
mod ops;
mod options;
pub mod outbound;
mod outcome;
mod program;
mod service;
mod specialise;
mod tiers;
mod web;

pub use cancel::Cancel;
pub use capability::{Answer, Answered, Capability, Pending, Recorder};
pub use env::Env;
pub use error::Error;
pub use invocation::{Invocation, Limits};
pub use options::Options;
pub use outcome::{Failure, LoadError, Loaded, Outcome, Response, Thrown, Tier};
pub use program::{Kind, Program};
pub use service::{Image, Sandbox};
pub use specialise::Specialised;
