//! The executor: decides whether a call may run, runs it, records it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aggregates::deployment::{Artefact, Deployment, Plan, Status};
use aggregates::execution::{self, Command, Execution, Outcome};
use aggregates::function::{Function, Settings};
use aggregates::project::Project;
use aggregates::{Blob, DeploymentId, Dialect, ExecutionId, FunctionId, HandlerCall, ProjectId};
use sandbox::{Invocation, Limits, Program, Sandbox, outbound};

use super::contract::{Contract, Place, Session};
use super::environment::Environments;
use super::outcome::Parts;
use super::{Call, Input, Programs, Ran, Refused};
use crate::blobs::Blobs;
use crate::bus::{Bus, Committed, Context, Loaded};
use crate::sagas::Specialiser;
use crate::vault::Vault;

/// The wait before the first retry; each further one takes twice as long.
const RETRY: Duration = Duration::from_millis(500);

/// How to build an [`Executor`].
pub struct Options {
    /// Where commands go.
    pub bus: Bus,
    /// Where log texts and requests go.
    pub blobs: Blobs,
    /// Opens secrets.
    pub vault: Vault,
    /// Runs.
    pub sandbox: Sandbox,
    /// Code in memory.
    pub programs: Programs,
    /// The dialects' sides.
    pub contracts: HashMap<Dialect, Arc<dyn Contract>>,
    /// What functions may reach.
    pub outbound: Arc<outbound::Policy>,
    /// Executions of one function at the same time.
    pub concurrency: usize,
    /// Counts executions, to see which functions are worth a snapshot.
    pub specialiser: Specialiser,
}

/// Runs calls. Cheap to clone.
#[derive(Clone)]
pub struct Executor {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    environments: Environments,
}

/// Everything that a run needs, decided before it starts.
pub(crate) struct Ready {
    /// None: a handler, which has no variables.
    pub(crate) function: Option<Loaded<Function>>,
    pub(crate) handler: Option<HandlerCall>,
    pub(crate) settings: Settings,
    pub(crate) deployment: DeploymentId,
    pub(crate) plan: Plan,
    pub(crate) artefact: Artefact,
    pub(crate) contract: Arc<dyn Contract>,
}

impl Ready {
    /// Which function, for its contract.
    pub(crate) fn place<'a>(&'a self, project: &'a ProjectId) -> Place<'a> {
        Place {
            project,
            function: &self.plan.function,
            settings: &self.settings,
            deployment: &self.deployment,
            plan: &self.plan,
            handler: self.handler.as_ref(),
        }
    }

    /// The driver's request for a run that nobody called for.
    pub(crate) fn scheduled_request(
        &self,
        project: &ProjectId,
        function: &FunctionId,
        id: &ExecutionId,
    ) -> serde_json::Value {
        let place = Place {
            project,
            function,
            settings: &self.settings,
            deployment: &self.deployment,
            plan: &self.plan,
            handler: None,
        };
        self.contract.scheduled_request(place, id)
    }
}

impl Options {
    /// The executor.
    pub fn build(self) -> Executor {
        let environments = Environments::new(self.vault.clone(), 10_000);
        Executor {
            inner: Arc::new(Inner {
                options: self,
                environments,
            }),
        }
    }
}

impl Executor {
    /// Runs a call now and records it when it has finished. `at_most`: how long
    /// the caller waits, whatever the function's own timeout.
    pub async fn run(
        &self,
        call: Call,
        context: &Context,
        at_most: Duration,
    ) -> Result<Ran, Refused> {
        let handler = call.handler.as_ref();
        let ready = self.target(&call.project, &call.function, handler);
        let ready = ready.await?;
        let request = call.recorded();
        let timeout = Duration::from_secs(u64::from(ready.settings.timeout));
        let input = Input {
            request: call.request,
            body: call.body,
        };
        let wall = timeout.min(at_most);
        let (parts, logs, errors, mut result) = self
            .perform(&call.project, &ready, &call.id, call.session, input, wall)
            .await?;
        // Who sends the same again is answered the same.
        if context.fingerprint.is_some() {
            result = self
                .with_output(&call.project, &ready, &parts, result)
                .await;
        }
        let cut_off = parts.reason == "timeout" && wall < timeout;
        let command = Command::Record {
            request,
            deployment: ready.deployment.clone(),
            result: result.clone(),
        };
        let key = call.id.key(&call.project);
        let bus = &self.inner.options.bus;
        // Whoever sent what a handler saw waits for a delivery, not for what is read of the run.
        let committed = match ready.handler.is_some() {
            true => bus.record::<Execution>(&key, command, context).await?,
            false => bus.execute_new::<Execution>(&key, command, context).await?,
        };
        if cut_off {
            return Err(Refused::TimedOut(at_most, committed));
        }
        Ok(Ran {
            result,
            headers: parts.headers,
            body: parts.body,
            logs,
            errors,
            failure: parts.failure,
            deployment: ready.deployment,
            committed,
        })
    }

    /// Accepts a call that runs later: at `scheduled_at` (milliseconds since
    /// the Unix epoch), or as soon as possible.
    pub async fn request(
        &self,
        call: Call,
        scheduled_at: Option<i64>,
        context: &Context,
    ) -> Result<Committed, Refused> {
        let handler = call.handler.as_ref();
        let ready = self.target(&call.project, &call.function, handler);
        let ready = ready.await?;
        let options = &self.inner.options;
        let request = call.recorded();
        let key = call.id.key(&call.project);
        let input = Input {
            request: call.request,
            body: call.body,
        };
        let data_key = self.data_key(&call.project).await?;
        let input = input
            .store(&call.project, &data_key, &options.vault, &options.blobs)
            .await?;
        let command = Command::Request {
            request,
            scheduled_at,
            input,
            deployment: ready.deployment,
        };
        let bus = &options.bus;
        Ok(match ready.handler.is_some() {
            true => bus.record::<Execution>(&key, command, context).await?,
            false => bus.execute::<Execution>(&key, command, context).await?,
        })
    }

    /// Runs an execution that was requested before: starts it, runs it,
    /// finishes it. Does nothing when somebody else has started it.
    pub(crate) async fn run_requested(
        &self,
        project: &ProjectId,
        id: &ExecutionId,
        worker: &str,
    ) -> Result<(), Refused> {
        let options = &self.inner.options;
        let key = id.key(project);
        let loaded = options.bus.load::<Execution>(&key).await?;
        let Some(input) = loaded.state.input.clone() else {
            return Ok(());
        };
        let request = &loaded.state.request;
        let ready = self.target(project, &request.function, request.handler.as_ref());
        let ready = match ready.await {
            Ok(ready) => ready,
            Err(refused) => {
                let result = failed(refused.to_string(), "refused");
                return self.finish(project, id, result, &input).await;
            }
        };
        let start = Command::Start {
            worker: worker.to_owned(),
            deployment: ready.deployment.clone(),
        };
        let context = Context::saga(
            "execution",
            project.as_str(),
            &format!("{id}/start"),
            "",
            "",
        );
        match options
            .bus
            .execute::<Execution>(&key, start, &context)
            .await
        {
            Ok(committed) if !committed.duplicate => {}
            Ok(_) | Err(crate::bus::Error::Refused(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        journal::failpoint("execution.started");
        let result = match Input::fetch(project, &input, &options.vault, &options.blobs).await {
            Ok(input) => self.perform_requested(project, &ready, id, input).await,
            Err(refused) => failed(refused.to_string(), "internal"),
        };
        self.finish(project, id, result, &input).await
    }

    /// Runs it, again when it fails and its caller asked for that. The log is
    /// that of the last run.
    async fn perform_requested(
        &self,
        project: &ProjectId,
        ready: &Ready,
        id: &ExecutionId,
        input: Input,
    ) -> Outcome {
        let wall = Duration::from_secs(u64::from(ready.settings.timeout));
        let retries = ready.contract.retries(&input.request);
        for retry in 0..=retries {
            let input = input.clone();
            match self.perform(project, ready, id, None, input, wall).await {
                Ok((parts, _, _, _)) if parts.status_code >= 400 && retry < retries => {}
                Ok((parts, _, _, result)) => {
                    return self.with_output(project, ready, &parts, result).await;
                }
                Err(refused) if retry == retries => {
                    return failed(refused.to_string(), "internal");
                }
                Err(_) => {}
            }
            tokio::time::sleep(RETRY * 2_u32.saturating_pow(retry)).await;
        }
        failed("it was not run".to_owned(), "internal")
    }

    /// Whether an execution has ended or is gone. One that cannot be looked at
    /// has not.
    pub(crate) async fn is_over(&self, project: &ProjectId, id: &ExecutionId) -> bool {
        use aggregates::execution::Status::{Absent, Ended};
        let key = id.key(project);
        let loaded = self.inner.options.bus.load::<Execution>(&key).await;
        loaded.is_ok_and(|loaded| matches!(loaded.state.status, Absent | Ended))
    }

    /// Ends an execution that cannot run or was cut off, with the reason.
    pub(crate) async fn give_up(
        &self,
        project: &ProjectId,
        id: &ExecutionId,
        input: &Blob,
        reason: &str,
    ) -> Result<(), Refused> {
        self.finish(project, id, failed(reason.to_owned(), "interrupted"), input)
            .await
    }

    async fn finish(
        &self,
        project: &ProjectId,
        id: &ExecutionId,
        result: Outcome,
        input: &Blob,
    ) -> Result<(), Refused> {
        let options = &self.inner.options;
        let key = id.key(project);
        let loaded = options.bus.load::<Execution>(&key).await?;
        let is_handler = loaded.state.request.handler.is_some();
        let is_open = loaded.state.status != execution::Status::Ended;
        let needed = match is_handler && is_open && !result.completed {
            true => {
                let contract = self.contract(Dialect::Pubnub).ok_or_else(no_contract)?;
                contract.failed(project, id, &loaded.state, &result).await?
            }
            false => false,
        };
        let context = Context::saga(
            "execution",
            project.as_str(),
            &format!("{id}/finish"),
            "",
            "",
        );
        let finish = Command::Finish { result };
        match options
            .bus
            .execute::<Execution>(&key, finish, &context)
            .await
        {
            // Whoever ended it knows what becomes of its request.
            Err(crate::bus::Error::Refused(_)) if is_handler => return Ok(()),
            Ok(_) | Err(crate::bus::Error::Refused(_)) => {}
            Err(error) => return Err(error.into()),
        }
        // The request is not needed any more, and it may hold credentials.
        if !needed {
            options.blobs.delete(input).await?;
        }
        Ok(())
    }

    /// What a call runs on: the active deployment of a function, or what the dialect of a handler
    /// says.
    async fn target(
        &self,
        project: &ProjectId,
        function: &FunctionId,
        handler: Option<&HandlerCall>,
    ) -> Result<Ready, Refused> {
        let Some(call) = handler else {
            return self.ready(project, function).await;
        };
        let contract = self.contract(Dialect::Pubnub).ok_or_else(no_contract)?;
        let target = contract.resolve(project, function, call).await?;
        Ok(Ready {
            function: None,
            handler: Some(call.clone()),
            settings: target.settings,
            deployment: target.deployment,
            plan: target.plan,
            artefact: target.artefact,
            contract,
        })
    }

    /// Checks that a function can run now and finds out on what.
    pub(crate) async fn ready(
        &self,
        project: &ProjectId,
        function: &FunctionId,
    ) -> Result<Ready, Refused> {
        let options = &self.inner.options;
        let loaded = options.bus.load::<Function>(&function.key(project)).await?;
        let Some(settings) = loaded.state.settings.clone() else {
            return Err(Refused::FunctionNotFound);
        };
        let Some(active) = loaded.state.active.clone() else {
            return Err(Refused::NoActiveDeployment);
        };
        let deployment = options
            .bus
            .load::<Deployment>(&active.key(project))
            .await
            .map_err(|error| Refused::Internal(error.to_string()))?;
        let deployment = &*deployment.state;
        if deployment.status == Status::Absent || deployment.function() != Some(function) {
            return Err(Refused::DeploymentNotFound);
        }
        let (Some(artefact), Some(plan)) = (deployment.artefact.clone(), deployment.plan.clone())
        else {
            return Err(Refused::NotReady);
        };
        let contract = self.contract(loaded.state.origin).ok_or_else(no_contract)?;
        Ok(Ready {
            function: Some(loaded),
            handler: None,
            settings,
            deployment: active,
            plan,
            artefact,
            contract,
        })
    }

    /// What a function would run on now: on which image, if not the shared one, and with which
    /// environment.
    pub(crate) async fn current(
        &self,
        project: &ProjectId,
        function: &FunctionId,
    ) -> Result<(Option<sandbox::Image>, Program, Arc<sandbox::Env>), Refused> {
        let ready = self.ready(project, function).await?;
        if !ready.contract.specialises() {
            return Err(Refused::NotReady);
        }
        let program = self.inner.options.programs.of(&ready.artefact).await?;
        let env = self.environment_of(project, &ready).await?;
        let image = ready.contract.image().await;
        Ok((image.map_err(Refused::Unavailable)?, program, env))
    }

    /// The side of the dialect that a function was made through.
    pub(crate) fn contract(&self, dialect: Dialect) -> Option<Arc<dyn Contract>> {
        self.inner.options.contracts.get(&dialect).cloned()
    }

    /// The environment of a function on a deployment of its own.
    pub(crate) async fn environment_for(
        &self,
        project: &ProjectId,
        function: &Loaded<Function>,
        deployment: &DeploymentId,
        plan: &Plan,
    ) -> Result<Arc<sandbox::Env>, Refused> {
        let settings = function.state.settings.as_ref();
        let settings = settings.ok_or(Refused::FunctionNotFound)?;
        let contract = self.contract(function.state.origin);
        let contract = contract.ok_or_else(no_contract)?;
        let place = Place {
            project,
            function: &plan.function,
            settings,
            deployment,
            plan,
            handler: None,
        };
        let environments = &self.inner.environments;
        Ok(environments.of(function, place, &*contract).await?)
    }

    async fn environment_of(
        &self,
        project: &ProjectId,
        ready: &Ready,
    ) -> Result<Arc<sandbox::Env>, Refused> {
        match &ready.function {
            Some(function) => {
                let (deployment, plan) = (&ready.deployment, &ready.plan);
                self.environment_for(project, function, deployment, plan)
                    .await
            }
            None => Ok(Arc::default()),
        }
    }

    async fn perform(
        &self,
        project: &ProjectId,
        ready: &Ready,
        id: &ExecutionId,
        session: Option<Arc<dyn Session>>,
        mut input: Input,
        wall: Duration,
    ) -> Result<(Parts, String, String, Outcome), Refused> {
        let options = &self.inner.options;
        let function = &ready.plan.function;
        let program = options.programs.of(&ready.artefact).await?;
        let session = match session {
            Some(session) => Some(session),
            None => {
                let place = ready.place(project);
                let request = &mut input.request;
                let made = ready.contract.session(place, id, request).await;
                made.map_err(Refused::Internal)?
            }
        };
        let image = ready.contract.image().await;
        let mut invocation = Invocation::new(ready.contract.driver(), input.request, input.body);
        invocation.image = image.map_err(Refused::Unavailable)?;
        invocation.capability = session
            .clone()
            .map(|session| session as Arc<dyn sandbox::Capability>);
        if let Some(session) = &session {
            invocation.cancel = session.cancel();
        }
        invocation.owner = function.key(project).into();
        invocation.env = self.environment_of(project, ready).await?;
        invocation.logging = ready.settings.logging;
        invocation.outbound = options.outbound.clone();
        invocation.limits = Limits {
            wall,
            memory: ready.contract.memory(&ready.settings.runtime_specification),
            concurrency: options.concurrency,
            ..Limits::default()
        };
        let outcome = options.sandbox.execute(&program, invocation).await;
        if ready.contract.specialises() {
            options.specialiser.executed(project, function);
        }
        let mut parts = Parts::of(outcome.result);
        let (mut logs, mut errors) = (outcome.logs, outcome.errors);
        if let Some(session) = session {
            let written = session.written();
            logs.push_str(&written.logs);
            errors.push_str(&written.errors);
        }
        if let Some(failure) = &parts.failure {
            errors.push_str(failure);
        } else if parts.status_code >= 400
            && let Some(failure) = self.told(ready, &mut parts).await
        {
            errors.push_str(&failure);
        }
        if !ready.settings.logging {
            logs.clear();
            errors.clear();
        }
        let logs = options.programs.map_stack(&ready.artefact, &logs).await;
        let errors = options.programs.map_stack(&ready.artefact, &errors).await;
        let result = Outcome {
            completed: parts.failure.is_none() && parts.status_code < 500,
            status_code: parts.status_code,
            headers: kept(&parts.headers),
            logs: options.blobs.put_text(logs.clone()).await?,
            errors: options.blobs.put_text(errors.clone()).await?,
            duration_us: outcome.duration.as_micros() as u64,
            reason: parts.reason.to_owned(),
            output: None,
        };
        Ok((parts, logs, errors, result))
    }

    /// What a failure says that the dialect answers, with the user's own lines
    /// in its stacks.
    async fn told(&self, ready: &Ready, parts: &mut Parts) -> Option<String> {
        let mut answer = serde_json::from_slice(&parts.body).ok()?;
        ready.contract.failure(&answer)?;
        let programs = &self.inner.options.programs;
        programs.map_answer(&ready.artefact, &mut answer).await;
        parts.body = answer.to_string().into();
        ready.contract.failure(&answer)
    }

    /// Keeps what an asynchronous execution returned, sealed, where the dialect
    /// answers it later.
    async fn with_output(
        &self,
        project: &ProjectId,
        ready: &Ready,
        parts: &Parts,
        mut result: Outcome,
    ) -> Outcome {
        if !ready.contract.keeps_output() {
            return result;
        }
        let options = &self.inner.options;
        let kept = async {
            let data_key = self.data_key(project).await?;
            let output = Input {
                request: serde_json::json!({ "status": parts.status_code }),
                body: parts.body.clone(),
            };
            let stored = output.store(project, &data_key, &options.vault, &options.blobs);
            stored.await
        };
        match kept.await {
            Ok(output) => result.output = Some(output),
            Err(refused) => tracing::error!(%refused, "an output was not kept"),
        }
        result
    }

    async fn data_key(&self, project: &ProjectId) -> Result<String, Refused> {
        let loaded = self
            .inner
            .options
            .bus
            .load::<Project>(project.as_str())
            .await;
        loaded
            .map(|loaded| loaded.state.data_key.clone())
            .map_err(|error| Refused::Internal(error.to_string()))
    }
}

fn no_contract() -> Refused {
    Refused::Internal("functions of this dialect cannot run here".to_owned())
}

/// The headers of an answer that may be recorded.
fn kept(headers: &[(String, String)]) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| matches!(name.as_str(), "content-type" | "content-length"))
        .cloned()
        .collect()
}

fn failed(errors: String, reason: &str) -> Outcome {
    Outcome {
        completed: false,
        status_code: 500,
        errors: aggregates::Text::Inline(errors),
        reason: reason.to_owned(),
        ..Outcome::default()
    }
}
