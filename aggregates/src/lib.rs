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
pub mod channel;
pub mod compilation;
pub mod connection;
pub mod counter;
pub mod deployment;
pub mod dryrun;
pub mod entry;
pub mod event;
pub mod execution;
pub mod function;
mod handler;
mod id;
pub mod integration;
pub mod keyset;
pub mod package;
pub mod pkgdeploy;
pub mod project;
pub mod rejection;
pub mod route;
mod script;
mod sealed;
pub mod sending;
pub mod sync;

pub use aggregate::Fold;
pub use blob::{Blob, Text};
pub use handler::{Handler, HandlerCall, Trigger, TriggerKind};
pub use id::{
    AssignmentKey, ConnectionKey, DeploymentId, Dialect, DryRunId, EntryId, ExecutionId,
    FunctionId, HandlerId, HandlerRevisionId, IntegrationId, KeyId, KeysetId, PackageDeploymentId,
    PackageId, ProjectId, RevisionId, ScheduledEventId, SyncKey, TestInputId, VariableId,
    split_key,
};
pub use script::{
    Failure, Script, ScriptArtefact, ScriptCall, ScriptKind, ScriptPlan, ScriptSource,
};
pub use sealed::Sealed;
