//! What differs between the dialects when a function runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use aggregates::deployment::{Artefact, Plan};
use aggregates::execution::{Execution, Outcome};
use aggregates::function::Settings;
use aggregates::{Blob, DeploymentId, ExecutionId, FunctionId, HandlerCall, ProjectId};
use sandbox::{Cancel, Capability, Image, Program};
use serde_json::Value;

use super::Refused;

/// Which function an environment is for.
#[derive(Clone, Copy)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Place<'a> {
    pub project: &'a ProjectId,
    pub function: &'a FunctionId,
    pub settings: &'a Settings,
    pub deployment: &'a DeploymentId,
    pub plan: &'a Plan,
    /// The call, where the dialect's functions are no `function` aggregates.
    pub handler: Option<&'a HandlerCall>,
}

/// What a call runs on, where the dialect's functions are no `function` aggregates.
pub struct Target {
    /// How it runs.
    pub settings: Settings,
    /// What executions name as their deployment.
    pub deployment: DeploymentId,
    /// What it was made from.
    pub plan: Plan,
    /// What runs.
    pub artefact: Artefact,
}

/// What a function wrote while it ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// For the log.
    pub logs: String,
    /// For the log of errors.
    pub errors: String,
}

/// The host's side of one execution, for dialects whose functions talk to it.
pub trait Session: Capability {
    /// What was written so far.
    fn written(&self) -> Written;

    /// What ends the execution early.
    fn cancel(&self) -> Cancel {
        Cancel::default()
    }
}

/// What a dialect's own build made.
pub struct Made {
    /// What to keep.
    pub artefact: Artefact,
    /// The same, to run.
    pub program: Program,
    /// For the build log.
    pub log: String,
}

/// Why a dialect's own build made nothing.
pub enum NotMade {
    /// The source is at fault.
    Failed {
        /// The dialect's code of the failure.
        code: &'static str,
        /// For the build log.
        log: String,
    },
    /// Something of ours failed; another attempt may do.
    Broken(String),
}

/// A dialect's side of running a function.
#[async_trait::async_trait]
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

    /// The engine image that its functions run on; none: the shared one.
    ///
    /// # Errors
    /// When it cannot be had right now.
    async fn image(&self) -> Result<Option<Image>, String> {
        Ok(None)
    }

    /// The host's side of an execution. It may complete the driver's request.
    ///
    /// # Errors
    /// When the execution cannot run.
    async fn session(
        &self,
        place: Place<'_>,
        id: &ExecutionId,
        request: &mut Value,
    ) -> Result<Option<Arc<dyn Session>>, String> {
        let _ = (place, id, request);
        Ok(None)
    }

    /// Whether what an asynchronous execution returned is kept.
    fn keeps_output(&self) -> bool {
        false
    }

    /// How often an execution that was to run later runs again when it fails,
    /// by its request.
    fn retries(&self, request: &Value) -> u32 {
        let _ = request;
        0
    }

    /// What the log of errors says about an answer that is a failure, where the
    /// dialect answers failures in the function's place. Stacks in such an
    /// answer are mapped to the user's own lines. None: the answer is the
    /// function's own.
    fn failure(&self, answer: &Value) -> Option<String> {
        let _ = answer;
        None
    }

    /// Whether its programs may get snapshots of their own.
    fn specialises(&self) -> bool {
        true
    }

    /// What a call of a handler runs on.
    ///
    /// # Errors
    /// When it is not there (any more), or the dialect has no handlers.
    async fn resolve(
        &self,
        project: &ProjectId,
        function: &FunctionId,
        call: &HandlerCall,
    ) -> Result<Target, Refused> {
        let _ = (project, function, call);
        Err(Refused::FunctionNotFound)
    }

    /// An execution that was requested has failed, which is not written yet: the dialect may ask
    /// for another attempt. To be repeatable. Whether the stored request is still needed.
    ///
    /// # Errors
    /// When another attempt cannot be asked for.
    async fn failed(
        &self,
        project: &ProjectId,
        id: &ExecutionId,
        execution: &Execution,
        result: &Outcome,
    ) -> Result<bool, Refused> {
        let _ = (project, id, execution, result);
        Ok(false)
    }

    /// Builds a deployment in the dialect's own way; none: it has none.
    async fn build(&self, place: Place<'_>, source: &[Blob]) -> Option<Result<Made, NotMade>> {
        let _ = (place, source);
        None
    }
}
