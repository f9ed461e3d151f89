//! What a running function of this dialect can do: the host's side of the member functions of
//! `nango`. The protocol is described at the top of `sandbox/prelude/drivers/nango.js`.

mod account;
mod http;
mod logs;
mod records;
mod state;
mod stop;
mod trigger;

use std::sync::{Arc, Mutex, PoisonError};

use aggregates::{ProjectId, ScriptKind};
use sandbox::{Answer, Capability, Pending};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Shared, keys};
use crate::execution::{Session, Written};

pub use logs::{HttpCall, Log};
pub use stop::{INTERRUPTED, Stop, Stops, WHY};

/// On whose behalf a function runs, and as what.
#[derive(Clone, Debug)]
pub struct Run {
    /// The project.
    pub project: ProjectId,
    /// The integration of script and connection.
    pub integration: String,
    /// The provider of the integration.
    pub provider: String,
    /// The connection, by its id.
    pub connection: String,
    /// What the script is.
    pub kind: ScriptKind,
    /// Its name.
    pub name: String,
    /// The variant of a sync.
    pub variant: String,
    /// Names this run: owner of locks, mark of records.
    pub id: String,
    /// Which attempt holds the sync; 0: it holds none.
    pub attempt: u32,
    /// When it began, in milliseconds since the Unix epoch.
    pub began: i64,
    /// How many functions have called one another to get here.
    pub depth: u32,
}

/// What is only tried in a dry run.
#[derive(Clone, Debug, Default)]
pub struct Trial {
    /// Takes the place of the connection's metadata (syncs only).
    pub metadata: Option<Value>,
    /// What `getCheckpoint` gives first, and what was saved since.
    pub checkpoint: Option<Value>,
    /// Whether calls that write are refused unless a recording answers them.
    pub no_writes: bool,
    /// Answers to calls that write.
    pub recordings: Vec<Recording>,
}

/// The answer to a call that is not made.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Recording {
    /// The method, upper case.
    pub method: String,
    /// The endpoint as the function gives it.
    pub endpoint: String,
    /// The status; 200 unless given.
    #[serde(default = "ok")]
    pub status: u16,
    /// Headers of the answer.
    #[serde(default)]
    pub headers: std::collections::BTreeMap<String, String>,
    /// The answer's JSON.
    #[serde(default)]
    pub data: Value,
}

fn ok() -> u16 {
    200
}

/// A page of records that a dry run would have stored.
#[derive(Clone, Debug)]
pub struct Batch {
    /// `save`, `update` or `delete`.
    pub op: String,
    /// The model.
    pub model: String,
    /// The records as given.
    pub records: Vec<Value>,
}

/// The host of one run. Cheap to clone.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    run: Run,
    /// Set: nothing is kept.
    trial: Option<Mutex<Trial>>,
    stop: Stop,
    noted: Mutex<Noted>,
}

/// What is noted while it runs.
#[derive(Default)]
struct Noted {
    logs: Vec<Log>,
    calls: Vec<HttpCall>,
    batches: Vec<Batch>,
    merging: std::collections::HashMap<String, ::records::Merging>,
    size: usize,
}

/// Why an operation has no answer for the function.
#[derive(Debug)]
struct Failed(String);

impl<E: std::fmt::Display> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// What an operation answers: JSON, and bytes.
type Answered = Result<(Value, Vec<u8>), Failed>;

fn just(value: Value) -> Answered {
    Ok((value, Vec::new()))
}

fn parse<T: DeserializeOwned>(arg: &str) -> Result<T, Failed> {
    Ok(serde_json::from_str(arg)?)
}

impl Host {
    /// For a run that is kept.
    pub fn new(shared: Arc<Shared>, run: Run) -> Self {
        Self::with(shared, run, None, Stop::default())
    }

    /// For a run that can be stopped.
    pub fn stoppable(shared: Arc<Shared>, run: Run, stop: Stop) -> Self {
        Self::with(shared, run, None, stop)
    }

    /// For a run that is only tried.
    pub fn trial(shared: Arc<Shared>, run: Run, trial: Trial) -> Self {
        Self::with(shared, run, Some(trial), Stop::default())
    }

    fn with(shared: Arc<Shared>, run: Run, trial: Option<Trial>, stop: Stop) -> Self {
        Self(Arc::new(Inner {
            shared,
            run,
            trial: trial.map(Mutex::new),
            stop,
            noted: Mutex::default(),
        }))
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }

    /// On whose behalf it runs.
    pub fn run(&self) -> &Run {
        &self.0.run
    }

    fn trying(&self) -> Option<std::sync::MutexGuard<'_, Trial>> {
        let trial = self.0.trial.as_ref()?;
        Some(trial.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn noted(&self) -> std::sync::MutexGuard<'_, Noted> {
        self.0.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lines that were logged.
    pub fn logs(&self) -> Vec<Log> {
        self.noted().logs.clone()
    }

    /// HTTP calls that were made.
    pub fn calls(&self) -> Vec<HttpCall> {
        self.noted().calls.clone()
    }

    /// Pages of records that were not stored.
    pub fn batches(&self) -> Vec<Batch> {
        self.noted().batches.clone()
    }

    /// What the driver of the sandbox takes.
    pub fn request(&self, job: &str, input: Option<Value>, more: &Value) -> Value {
        let run = self.run();
        let sync = matches!(run.kind, ScriptKind::Sync);
        let key = keys::sync(
            &run.integration,
            &run.connection,
            run.kind,
            &run.name,
            &run.variant,
        );
        let mut request = json!({
            "job": job,
            "dryRun": self.0.trial.is_some(),
            "context": {
                "connectionId": run.connection,
                "providerConfigKey": run.integration,
                "provider": run.provider,
                "environmentId": 1,
                "environmentName": run.project.as_str(),
                "accountId": 1,
                "activityLogId": run.id,
                "variant": run.variant,
                "scriptName": run.name,
                "logLevel": "debug",
            },
        });
        if sync {
            request["context"]["syncId"] = key.as_str().into();
            request["context"]["syncJobId"] = run.id.as_str().into();
        }
        if let Some(input) = input {
            request["input"] = input;
        }
        if let Some(more) = more.as_object() {
            for (name, value) in more {
                match name.as_str() {
                    "lastSyncDate" => request["context"][name] = value.clone(),
                    _ => request[name] = value.clone(),
                }
            }
        }
        request
    }

    async fn answer(self, op: String, arg: String, data: Vec<u8>) -> Answer {
        // What is given back, and a checkpoint, is still taken.
        let ends = matches!(
            &*op,
            "nango.unlock" | "nango.unlock-all" | "nango.checkpoint"
        );
        if self.0.stop.is_asked() && !ends {
            return Ok((stop::stopped().to_string(), Vec::new()));
        }
        let answered = match op.as_str() {
            "nango.http" => self.http(parse_or(&arg)?, data).await,
            "nango.fetch" => self.fetch(parse_or(&arg)?, data).await,
            "nango.provider" => self.provider(parse_or(&arg)?).await,
            "nango.connection" => self.connection(parse_or(&arg)?).await,
            "nango.integration" => self.integration(parse_or(&arg)?).await,
            "nango.metadata" => self.metadata(parse_or(&arg)?).await,
            "nango.webhook-url" => just(json!({ "url": self.webhook_url() })),
            "nango.environment" => self.environment().await,
            "nango.trigger-action" => self.trigger_action(parse_or(&arg)?).await,
            "nango.trigger-sync" => self.trigger_sync(parse_or(&arg)?).await,
            "nango.start-sync" => self.start_sync(parse_or(&arg)?).await,
            "nango.lock" => self.lock(parse_or(&arg)?).await,
            "nango.unlock" => self.unlock(parse_or(&arg)?).await,
            "nango.unlock-all" => self.unlock_all().await,
            "nango.checkpoint" => self.checkpoint(parse_or(&arg)?).await,
            "nango.records" => self.records(parse_or(&arg)?, &data).await,
            "nango.records-get" => self.records_get(parse_or(&arg)?).await,
            "nango.records-list" => self.records_list(parse_or(&arg)?).await,
            "nango.track-deletes" => self.track_deletes(parse_or(&arg)?).await,
            "nango.merging" => self.merging(&parse_or(&arg)?),
            _ => return Err(format!("unknown operation {op}")),
        };
        match answered {
            Ok((value, data)) => Ok((value.to_string(), data)),
            Err(Failed(text)) => Err(text),
        }
    }
}

fn parse_or<T: DeserializeOwned>(arg: &str) -> Result<T, String> {
    parse(arg).map_err(|Failed(text)| text)
}

impl Capability for Host {
    fn call(&self, op: &str, arg: &str, _: &[u8]) -> Option<Answer> {
        match op {
            "nango.log" | "nango.console" => {
                if let Ok(log) = serde_json::from_str(arg) {
                    self.note_log(log, op == "nango.console");
                }
                Some(Ok((String::new(), Vec::new())))
            }
            _ => None,
        }
    }

    fn start(&self, op: &str, arg: &str, data: &[u8]) -> Option<Pending> {
        if !op.starts_with("nango.") {
            return None;
        }
        let (op, arg, data) = (op.to_owned(), arg.to_owned(), data.to_vec());
        Some(Box::pin(self.clone().answer(op, arg, data)))
    }
}

impl Session for Host {
    fn written(&self) -> Written {
        logs::written(&self.noted().logs)
    }

    fn cancel(&self) -> sandbox::Cancel {
        self.0.stop.cancel()
    }
}
