//! What functions of this dialect find around them when they run.

use std::collections::BTreeMap;

use aggregates::ExecutionId;
use serde_json::{Value, json};

use super::catalogue::{runtimes, specifications};
use super::ephemeral::{self, Claims};
use super::error::API_VERSION;
use super::{rules, time};
use crate::execution::{Contract, Place};
use crate::vault::Vault;

/// Seconds that the key of an execution is good for after its function's
/// timeout.
const KEY_SLACK: i64 = 60;

/// The dialect's side of running a function.
#[derive(Clone)]
pub struct Appwrite {
    endpoint: String,
    vault: Vault,
}

/// The contract of functions that reach this server under `public_url`.
pub fn contract(public_url: &str, vault: &Vault) -> Appwrite {
    Appwrite {
        endpoint: format!("{}/v1", public_url.trim_end_matches('/')),
        vault: vault.clone(),
    }
}

/// The key that an execution is given, with the function's scopes. `due`: when
/// it starts, in milliseconds since the Unix epoch.
pub fn key_of_execution(
    vault: &Vault,
    project: &str,
    function: &str,
    scopes: &[String],
    due: i64,
    timeout: u32,
) -> String {
    let claims = Claims {
        project_id: project.to_owned(),
        function_id: function.to_owned(),
        scopes: scopes.to_vec(),
        exp: due / 1000 + i64::from(timeout) + KEY_SLACK,
    };
    format!("ephemeral_{}", ephemeral::mint(vault, &claims))
}

impl Contract for Appwrite {
    fn driver(&self) -> &'static str {
        "appwrite"
    }

    fn log_name(&self) -> &'static str {
        "appwrite"
    }

    fn environment(&self, place: Place<'_>) -> BTreeMap<String, String> {
        let settings = place.settings;
        let runtime = runtimes::find(&settings.runtime);
        let size = specifications::find(&settings.runtime_specification);
        let mut all: BTreeMap<String, String> = [
            ("APPWRITE_FUNCTION_API_ENDPOINT", self.endpoint.clone()),
            ("APPWRITE_FUNCTION_ID", place.function.to_string()),
            ("APPWRITE_FUNCTION_NAME", settings.name.clone()),
            ("APPWRITE_FUNCTION_DEPLOYMENT", place.deployment.to_string()),
            ("APPWRITE_FUNCTION_PROJECT_ID", place.project.to_string()),
            (
                "APPWRITE_FUNCTION_RUNTIME_NAME",
                runtime.map_or("", |runtime| runtime.name).to_owned(),
            ),
            (
                "APPWRITE_FUNCTION_RUNTIME_VERSION",
                runtime.map_or("", |runtime| runtime.version).to_owned(),
            ),
            (
                "APPWRITE_FUNCTION_CPUS",
                size.map_or(1.0, |size| size.cpus).to_string(),
            ),
            (
                "APPWRITE_FUNCTION_MEMORY",
                size.map_or(512, |size| size.memory).to_string(),
            ),
            ("APPWRITE_VERSION", API_VERSION.to_owned()),
            ("APPWRITE_REGION", "default".to_owned()),
            ("APPWRITE_DEPLOYMENT_TYPE", place.plan.kind.clone()),
            (
                "APPWRITE_VCS_ROOT_DIRECTORY",
                settings.provider.root_directory.clone(),
            ),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        for name in ["ID", "NAME", "OWNER", "URL", "BRANCH", "BRANCH_URL"] {
            all.insert(format!("APPWRITE_VCS_REPOSITORY_{name}"), String::new());
        }
        for name in ["HASH", "MESSAGE", "URL", "AUTHOR_NAME", "AUTHOR_URL"] {
            all.insert(format!("APPWRITE_VCS_COMMIT_{name}"), String::new());
        }
        all
    }

    fn memory(&self, specification: &str) -> usize {
        let size = specifications::find(specification);
        size.map_or(512, |size| size.memory as usize) * 1024 * 1024
    }

    fn scheduled_request(&self, place: Place<'_>, id: &ExecutionId) -> Value {
        let key = key_of_execution(
            &self.vault,
            place.project.as_str(),
            place.function.as_str(),
            &place.settings.scopes,
            time::now(),
            place.settings.timeout,
        );
        json!({
            "method": "POST",
            "scheme": "http",
            "host": "",
            "port": 80,
            "path": "/",
            "queryString": "",
            "headers": [
                ["user-agent", format!("Appwrite/{API_VERSION}")],
                ["x-appwrite-execution-id", id.as_str()],
                ["x-appwrite-trigger", "schedule"],
                ["x-appwrite-key", key],
                ["x-appwrite-user-id", ""],
                ["x-appwrite-user-jwt", ""],
                ["x-appwrite-country-code", ""],
                ["x-appwrite-continent-code", ""],
                ["x-appwrite-continent-eu", "false"],
                ["x-appwrite-client-ip", "127.0.0.1"],
            ],
        })
    }

    fn next_run(&self, schedule: &str, after: i64) -> Option<i64> {
        let after = jiff::Timestamp::from_millisecond(after).ok()?;
        let after = after.to_zoned(jiff::tz::TimeZone::UTC);
        let next = rules::schedule(schedule)?.find_next_occurrence(&after, false);
        next.ok().map(|next| next.timestamp().as_millisecond())
    }
}
