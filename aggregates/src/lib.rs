//! Commands, events and aggregates of Strata.
//!
//! Pure: a decision follows from state and command alone. Ids, times and
//! random values arrive in the command. This crate does no I/O, has no clock,
//! and depends on no other crate of the workspace.
//!
//! Every aggregate has one module with the same four parts: its `Command`, its
//! `Event`, its `Error`, and the state that is folded from its events.

mod aggregate;
mod blob;
pub mod compilation;
pub mod connection;
pub mod deployment;
pub mod dryrun;
pub mod event;
pub mod execution;
pub mod function;
mod id;
pub mod integration;
pub mod project;
pub mod rejection;
mod script;
mod sealed;
pub mod sync;

pub use aggregate::Fold;
pub use blob::{Blob, Text};
pub use id::{
    ConnectionKey, DeploymentId, Dialect, DryRunId, ExecutionId, FunctionId, IntegrationId, KeyId,
    ProjectId, SyncKey, VariableId, split_key,
};
pub use script::{
    Failure, Script, ScriptArtefact, ScriptCall, ScriptKind, ScriptPlan, ScriptSource,
};
pub use sealed::Sealed;
