//! Dry runs: a source is compiled and run once on a connection, and nothing of it is kept.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aggregates::dryrun::{Command, DryRun, DryRunResult, Request, Status};
use aggregates::{DryRunId, Failure, ProjectId, ScriptKind, Text};
use sandbox::{Invocation, Limits, Program};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::build::{Source, kind_of};
use super::compile::{self, Place, runnable};
use super::runtime::{Batch, Host, HttpCall, Log, Recording, Run, Trial};
use super::{Shared, build};
use crate::auth::now_ms;
use crate::bus::{self, Context};
use crate::execution::Input;
use crate::sagas::Tasks;

/// Longest run after compiling; the dialect's own limit.
const TIME_LIMIT: Duration = Duration::from_secs(300);
/// At the same time on this node.
const PARALLEL: usize = 8;
/// Attempts after which a dry run that keeps killing its worker fails.
const MAX_ATTEMPTS: u32 = 2;

/// What a dry run is given beside its source; stored sealed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Given {
    /// The input; `Some(null)` is a null.
    #[serde(default, with = "present", skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// Takes the place of the connection's metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    /// What the run begins with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Value>,
    /// `nango.lastSyncDate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sync_date: Option<String>,
    /// Whether calls that write are refused.
    #[serde(default)]
    pub no_writes: bool,
    /// Answers to calls that write.
    #[serde(default)]
    pub recordings: Vec<Value>,
}

/// Tells a null from nothing.
mod present {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Value;

    pub fn serialize<S: Serializer>(value: &Option<Value>, to: S) -> Result<S::Ok, S::Error> {
        value.clone().unwrap_or(Value::Null).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
        Value::deserialize(from).map(Some)
    }
}

/// Runs dry runs. Cheap to clone.
#[derive(Clone)]
pub struct DryRuns {
    shared: Arc<Shared>,
    tasks: Arc<Tasks>,
    turns: Arc<tokio::sync::Semaphore>,
}

impl DryRuns {
    /// With these parts.
    pub fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            tasks: Arc::default(),
            turns: Arc::new(tokio::sync::Semaphore::new(PARALLEL)),
        }
    }

    /// Dry runs under way.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Takes one that was just asked for, on this node.
    pub fn take(&self, project: ProjectId, id: DryRunId) {
        let this = self.clone();
        self.tasks.spawn(id.key(&project), async move {
            let _turn = this.turns.acquire().await;
            if let Err(error) = this.attempt(&project, &id).await {
                tracing::error!(dryrun = %id, %error, "a dry run was broken off");
            }
        });
    }

    /// Takes up those that nobody is at.
    ///
    /// # Errors
    /// When the read models cannot be asked.
    pub async fn recover(&self) -> Result<(), projections::Error> {
        let rows = self.shared.reads.view(None).unfinished_dryruns().await?;
        for row in rows {
            let worker = row.row.worker.as_str();
            let cluster = &self.shared.cluster;
            let id = DryRunId::from(row.row.id.as_str());
            let project = ProjectId::from(&*row.project);
            let is_free =
                worker.is_empty() || worker == &**cluster.node() || !cluster.is_alive(worker);
            if is_free && !self.tasks.is_running(&id.key(&project)) {
                self.take(project, id);
            }
        }
        Ok(())
    }

    async fn attempt(
        &self,
        project: &ProjectId,
        id: &DryRunId,
    ) -> Result<(), bus::Error<aggregates::dryrun::Error>> {
        let bus = &self.shared.bus;
        let key = id.key(project);
        let state = bus.load::<DryRun>(&key).await?.state;
        let Some(request) = state.request.clone() else {
            return Ok(());
        };
        if matches!(state.status, Status::Success | Status::Failed) {
            return Ok(());
        }
        let attempt = state.attempt + 1;
        let context = |step: &str| {
            let step = format!("{id}/{attempt}/{step}");
            Context::saga("dryrun", project.as_str(), &step, id.as_str(), "")
        };
        let start = Command::Start {
            worker: self.shared.cluster.node().to_string(),
            attempt,
        };
        match bus.execute::<DryRun>(&key, start, &context("start")).await {
            Ok(committed) if !committed.duplicate => {}
            Ok(_) | Err(bus::Error::Refused(_)) => return Ok(()),
            Err(error) => return Err(error),
        }
        let began = Instant::now();
        let performed = if attempt > MAX_ATTEMPTS {
            failed(
                "dryrun_error",
                "The dry run was broken off several times",
                None,
            )
        } else {
            self.perform(project, id, &request).await
        };
        let mut result = self.stored(performed).await;
        result.duration_ms = began.elapsed().as_millis() as u64;
        let finish = Command::Finish { attempt, result };
        match bus
            .execute::<DryRun>(&key, finish, &context("finish"))
            .await
        {
            Ok(_) | Err(bus::Error::Refused(_)) => {}
            Err(error) => return Err(error),
        }
        // What it was given may hold what nobody else should read.
        if let Err(error) = self.shared.blobs.delete(&request.input).await {
            tracing::debug!(%error, "the input of a dry run was not removed");
        }
        Ok(())
    }

    /// With what is long as blobs.
    async fn stored(&self, (mut result, details): Performed) -> DryRunResult {
        let blobs = &self.shared.blobs;
        let details = match details {
            None => Ok(None),
            Some(details) => blobs
                .put(details.to_string().into_bytes().into())
                .await
                .map(Some),
        };
        match details {
            Ok(details) => result.details = details,
            Err(error) => tracing::error!(%error, "the details of a dry run were not kept"),
        }
        result.output = self.short(result.output).await;
        if let Some(text) = result.result.take() {
            result.result = Some(self.short(text).await);
        }
        if let Some(mut error) = result.error.take() {
            error.message = self.short(error.message).await;
            result.error = Some(error);
        }
        result
    }

    /// A text that is a blob when it is long.
    async fn short(&self, text: Text) -> Text {
        let Text::Inline(inline) = text else {
            return text;
        };
        match self.shared.blobs.put_text(inline).await {
            Ok(text) => text,
            Err(error) => {
                tracing::error!(%error, "the output of a dry run was not kept");
                Text::default()
            }
        }
    }

    async fn perform(&self, project: &ProjectId, id: &DryRunId, request: &Request) -> Performed {
        let shared = &self.shared;
        let integration = request.integration.as_str();
        let given = Input::fetch(project, &request.input, &shared.vault, &shared.blobs).await;
        let given: Given = match given.map(|input| serde_json::from_value(input.request)) {
            Ok(Ok(given)) => given,
            Ok(Err(error)) => return failed("dryrun_error", &error.to_string(), None),
            Err(refused) => return failed("dryrun_error", &refused.to_string(), None),
        };
        let source = match Source::read(shared, std::slice::from_ref(&request.source)).await {
            Ok(source) => source,
            Err(error) => return failed("dryrun_error", &error, None),
        };
        let provider = match shared.connections.provider(project, integration).await {
            Ok((provider, _)) => provider,
            Err(error) => return failed("dryrun_error", &error.to_string(), None),
        };
        let named = Place {
            source: build::path(integration, request.kind, "function"),
        };
        let folder = named
            .source
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder)
            .to_owned();
        let mut files = vec![(named.source.clone(), source.code)];
        files.extend(
            source
                .files
                .into_iter()
                .map(|(path, text)| (format!("{folder}/{path}"), text)),
        );
        let asked = compile::Request {
            files: Arc::new(files),
            place: named,
            integration: integration.to_owned(),
            name: "function".to_owned(),
            schemas: true,
        };
        let built = match shared.compiling.compile(asked).await {
            Ok(built) => built,
            Err(compile::Failure::Source(found)) => {
                return failed(
                    "compilation_error",
                    &found.text,
                    Some(json!({"diagnostics": found.diagnostics})),
                );
            }
            Err(compile::Failure::Timeout) => {
                return failed("timeout", "Compilation timed out", None);
            }
            Err(compile::Failure::Unavailable(cause) | compile::Failure::Internal(cause)) => {
                return failed("dryrun_error", &cause, None);
            }
        };
        let kind = kind_of(built.kind);
        if kind == ScriptKind::Function {
            let text =
                format!("No script named \"function\" found in integration \"{integration}\"");
            return failed("dryrun_error", &text, None);
        }
        if kind != request.kind {
            let text = "Unable to find script file for \"function\"";
            return failed("dryrun_error", text, None);
        }
        if let Some(text) = bad_checkpoint(given.checkpoint.as_ref()) {
            return failed("dryrun_error", &text, None);
        }
        let recordings: Vec<Recording> = given
            .recordings
            .iter()
            .filter_map(|recording| serde_json::from_value(recording.clone()).ok())
            .collect();
        let host = Host::trial(
            shared.clone(),
            Run {
                project: project.clone(),
                integration: integration.to_owned(),
                provider: provider.clone(),
                connection: request.connection_id.clone(),
                kind,
                name: "function".to_owned(),
                variant: super::syncs::BASE.to_owned(),
                id: id.to_string(),
                attempt: 0,
                began: now_ms(),
                depth: 0,
            },
            Trial {
                metadata: given.metadata.filter(|_| kind == ScriptKind::Sync),
                checkpoint: given.checkpoint,
                no_writes: given.no_writes,
                recordings,
            },
        );
        let mut more = json!({});
        if let Some(last) = given.last_sync_date {
            more["lastSyncDate"] = last.into();
        }
        let job = if kind == ScriptKind::Sync {
            "sync"
        } else {
            "action"
        };
        let image = match shared.compiling.toolchain().image().await {
            Ok(image) => image,
            Err(error) => return failed("dryrun_error", &error.to_string(), None),
        };
        let driver = host.request(job, given.input, &more);
        let mut invocation = Invocation::new("nango", driver, "");
        invocation.image = Some(image);
        invocation.capability = Some(Arc::new(host.clone()));
        invocation.limits = Limits {
            wall: TIME_LIMIT,
            ..Limits::default()
        };
        let program = Program::javascript(runnable(&built.code));
        let outcome = shared
            .compiling
            .toolchain()
            .sandbox()
            .execute(&program, invocation)
            .await;
        let map = compiler::StackMapper::parse(&built.source_map);
        host.map_logs(&map);
        let ended = match outcome.result {
            Ok(response) if response.value["outcome"]["ok"] == true => {
                let text = String::from_utf8_lossy(&response.body).into_owned();
                Ended::Done(text)
            }
            Ok(response) => {
                let mut error = response.value["outcome"]["error"].clone();
                map.map_json(&mut error);
                Ended::Threw(error)
            }
            Err(sandbox::Failure::Timeout) => {
                return failed("timeout", "Dry run timed out", Some(details(&host)));
            }
            Err(failure) => Ended::Threw(json!({
                "type": "script_internal_error",
                "payload": {"name": "Error", "message": map.map(&failure.to_string())},
                "status": 500,
            })),
        };
        report(&host, &provider, kind, ended)
    }
}

/// What came of it, and what there is to say beyond the dialect's answer.
type Performed = (DryRunResult, Option<Value>);

/// How the function ended.
enum Ended {
    /// With what it returned, as JSON; empty for nothing.
    Done(String),
    /// With an error in the dialect's form.
    Threw(Value),
}

/// The output as the published command line prints it, and what came of it.
fn report(host: &Host, provider: &str, kind: ScriptKind, ended: Ended) -> Performed {
    let mut output = format!("Executing -> integration:\"{provider}\" script:\"function\" \n");
    let mut errors = String::new();
    let (logs, calls) = (host.logs(), host.calls());
    let mut next = calls.iter().peekable();
    for (index, log) in logs.iter().enumerate() {
        while let Some(call) = next.next_if(|call| call.after <= index) {
            output.push_str(&shown(call));
        }
        match log.level.as_str() {
            "warn" | "error" => errors.push_str(&format!("{}\n", log.message)),
            _ => output.push_str(&format!("{}\n", log.message)),
        }
    }
    for call in next {
        output.push_str(&shown(call));
    }
    let details = Some(details(host));
    let result = match ended {
        Ended::Done(text) => {
            output.push_str("Done\n");
            let mut result = None;
            if kind == ScriptKind::Sync {
                output.push_str(&batches(&host.batches()));
            } else if text.is_empty() {
                output.push_str("undefined\n");
            } else {
                result = Some(text);
            }
            DryRunResult {
                succeeded: true,
                output: Text::Inline(output.trim().to_owned()),
                result: result.map(Text::Inline),
                error: None,
                details: None,
                duration_ms: 0,
            }
        }
        Ended::Threw(error) => {
            let pretty = serde_json::to_string_pretty(&error).unwrap_or_default();
            errors.push_str(&format!("An error occurred during execution\n{pretty}"));
            let text = format!("{}\n{}", output.trim(), errors.trim());
            DryRunResult {
                succeeded: false,
                output: Text::Inline(text.clone()),
                result: None,
                error: Some(Failure {
                    code: "dryrun_error".to_owned(),
                    message: Text::Inline(text),
                    payload: Some(error),
                }),
                details: None,
                duration_ms: 0,
            }
        }
    };
    (result, details)
}

fn shown(call: &HttpCall) -> String {
    let status = call
        .status
        .map_or_else(|| "-".to_owned(), |status| status.to_string());
    format!("http [{status}] {} {}\n", call.method, call.url)
}

/// What a sync would have stored.
fn batches(batches: &[Batch]) -> String {
    if batches.is_empty() {
        return String::new();
    }
    let count = |op: &str| -> usize {
        let of = batches.iter().filter(|batch| batch.op == op);
        of.map(|batch| batch.records.len()).sum()
    };
    let totals = json!({
        "updated": count("update"),
        "added": count("save"),
        "deleted": count("delete"),
    });
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
    let mut text = format!(
        "The dry run would produce the following results: {}\nThe following log messages were generated:\n",
        pretty(&totals)
    );
    for batch in batches {
        let line = match batch.op.as_str() {
            "delete" => "A batch delete call would delete the following data:".to_owned(),
            "update" => format!(
                "A batch update call would save the following data to the {} model:",
                batch.model
            ),
            _ => format!(
                "A batch save call would save the following data to the {} model:",
                batch.model
            ),
        };
        text.push_str(&format!("{}\n", json!(line)));
        for record in &batch.records {
            text.push_str(&format!("{}\n", pretty(record)));
        }
    }
    text
}

/// Beyond the dialect: logs with levels, HTTP calls, records by model.
fn details(host: &Host) -> Value {
    let mut records = serde_json::Map::new();
    for batch in host.batches() {
        let model = records.entry(batch.model).or_insert_with(|| json!({}));
        let list = &mut model[&batch.op];
        match list {
            Value::Array(list) => list.extend(batch.records),
            none => *none = Value::Array(batch.records),
        }
    }
    let logs: Vec<Log> = host.logs();
    json!({"logs": logs, "http": host.calls(), "records": records})
}

fn bad_checkpoint(checkpoint: Option<&Value>) -> Option<String> {
    let object = checkpoint?.as_object()?;
    let bad = object
        .iter()
        .find(|(_, value)| !matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_)));
    bad.map(|(name, _)| {
        format!("Invalid checkpoint: the value of \"{name}\" must be a string, number or boolean")
    })
}

fn failed(code: &str, message: &str, details: Option<Value>) -> Performed {
    let result = DryRunResult {
        succeeded: false,
        output: Text::Inline(message.to_owned()),
        result: None,
        error: Some(Failure {
            code: code.to_owned(),
            message: Text::Inline(message.to_owned()),
            payload: None,
        }),
        details: None,
        duration_ms: 0,
    };
    (result, details)
}
