//! What differs between the dialects when a function runs.

use std::collections::BTreeMap;

use aggregates::deployment::Plan;
use aggregates::function::Settings;
use aggregates::{DeploymentId, ExecutionId, FunctionId, ProjectId};

/// Which function an environment is for.
#[derive(Clone, Copy)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Place<'a> {
    pub project: &'a ProjectId,
    pub function: &'a FunctionId,
    pub settings: &'a Settings,
    pub deployment: &'a DeploymentId,
    pub plan: &'a Plan,
}

/// A dialect's side of running a function.
pub trait Contract: Send + Sync {
    /// The sandbox driver that its functions are written for.
    fn driver(&self) -> &'static str;

    /// The name that its build logs carry.
    fn log_name(&self) -> &'static str;

    /// Variables that the platform sets; they win over the function's own.
    fn environment(&self, place: Place<'_>) -> BTreeMap<String, String>;

    /// Memory in bytes that a slug of the dialect stands for.
    fn memory(&self, specification: &str) -> usize;

    /// Makes the driver's request for a run that nobody called for (cron).
    fn scheduled_request(&self, place: Place<'_>, id: &ExecutionId) -> serde_json::Value;

    /// The first time after `after` that a schedule names; both in milliseconds
    /// since the Unix epoch. None: it names no such time.
    fn next_run(&self, schedule: &str, after: i64) -> Option<i64>;
}
