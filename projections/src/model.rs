//! The rows that readers get. Times are milliseconds since the Unix epoch.

use aggregates::deployment::{Artefact, Plan};
use aggregates::function::{Settings, Value};
use aggregates::{Blob, Dialect, HandlerCall, ScriptCall, Sealed, Text};
use serde::{Deserialize, Serialize};

mod nango;
mod pubnub;

pub use nango::{Connection, DryRun, FinishedRun, Integration, NotedFailure, Run, Sync};
pub use pubnub::{
    Counter, Entry, HandlerRow, Keyset, Package, PackageDeployment, PackageRevision,
    ScheduledEvent, TestInput,
};

/// A function as of some position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Function {
    pub id: String,
    /// Insertion order: the position of the event that created it.
    pub sequence: u64,
    pub created_at: i64,
    pub updated_at: i64,
    pub origin: Dialect,
    pub settings: Settings,
    /// Settings and variables are those of the last build.
    pub live: bool,
    /// Empty when no deployment is active.
    pub deployment_id: String,
    pub deployment_created_at: Option<i64>,
    /// The newest deployment by creation; empty when there is none.
    pub latest_deployment_id: String,
    pub latest_deployment_created_at: Option<i64>,
    /// `waiting`, `building`, `ready`, `failed`, `canceled`; empty when none.
    /// Refreshed when a build reaches an end state and when a deployment is
    /// created or deleted.
    pub latest_deployment_status: String,
}

/// A variable as of some position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Variable {
    pub id: String,
    pub function_id: String,
    pub sequence: u64,
    pub created_at: i64,
    pub updated_at: i64,
    pub key: String,
    pub value: Value,
}

/// A deployment as of some position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Deployment {
    pub id: String,
    pub function_id: String,
    pub sequence: u64,
    pub created_at: i64,
    pub updated_at: i64,
    pub plan: Plan,
    /// Whether it still becomes active when it is ready: a newer deployment
    /// that asks for activation clears this on all others of the function.
    pub activate: bool,
    /// `waiting` (uploading or queued), `building`, `ready`, `failed`, `canceled`.
    pub status: String,
    /// The source is complete (so a waiting deployment is queued, not uploading).
    pub source_complete: bool,
    /// Position of the event that completed the source; 0 before.
    pub queued_at: u64,
    pub source: Vec<Blob>,
    pub source_size: u64,
    pub build_size: u64,
    pub artefact: Option<Artefact>,
    pub build_duration_ms: u64,
    pub attempt: u32,
    pub worker: String,
    /// Time of the last `BuildStarted`.
    pub build_started_at: Option<i64>,
    /// Time at which it became `ready`, `failed` or `canceled`.
    pub ended_at: Option<i64>,
    /// The dialect's code of the failure; empty where there is none.
    pub code: String,
    pub failure: String,
}

/// An execution as of some position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Execution {
    pub id: String,
    pub function_id: String,
    pub deployment_id: String,
    pub sequence: u64,
    pub created_at: i64,
    pub updated_at: i64,
    pub trigger: String,
    /// `waiting`, `processing`, `completed`, `failed`, `scheduled`.
    pub status: String,
    pub method: String,
    pub path: String,
    pub request_headers: Vec<(String, String)>,
    pub user: String,
    pub response_status_code: u16,
    pub response_headers: Vec<(String, String)>,
    pub logs: Text,
    pub errors: Text,
    pub duration_us: u64,
    pub scheduled_at: Option<i64>,
    pub input: Option<Blob>,
    pub worker: String,
    pub reason: String,
    /// The script that was called, if the function is one.
    pub script: Option<ScriptCall>,
    /// The call of a function of a package, if it is one.
    pub handler: Option<HandlerCall>,
    /// What an asynchronous call returned, sealed.
    pub output: Option<Blob>,
}

/// A project as of some position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Project {
    pub id: String,
    pub sequence: u64,
    pub created_at: i64,
    pub updated_at: i64,
    pub name: String,
    pub data_key: String,
}

/// An API key as of some position; never the key itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Key {
    pub id: String,
    pub project_id: String,
    pub sequence: u64,
    pub created_at: i64,
    pub name: String,
    /// Lower-case hexadecimal SHA-256 of the secret.
    pub hash: String,
    pub scopes: Vec<String>,
    pub expires_at: Option<i64>,
}

/// One line of the audit log: one event, who caused it and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Audit {
    pub position: u64,
    pub recorded_at: i64,
    pub project: String,
    /// Stream name, for example `function-default:hello`.
    pub stream: String,
    pub sequence: u64,
    pub event: String,
    pub actor: String,
    pub command_id: String,
    pub correlation_id: String,
    pub causation_id: String,
    pub request_id: String,
    /// The payload with every sealed value blanked.
    pub payload: serde_json::Value,
}

/// Blank stand-in that audit rows show in place of a sealed value.
pub fn blank(sealed: &Sealed) -> Sealed {
    Sealed {
        data_key: sealed.data_key.clone(),
        sealed: String::new(),
    }
}
