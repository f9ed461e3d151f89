//! The models that answers are made of, in their newest shape.
//!
//! Each has a table of its fields beside the function that fills them: the
//! description of the API is made from the tables, and a test holds both
//! against each other.

use aggregates::execution::Outcome;
use aggregates::function::Value as VariableValue;
use projections::model::{Deployment, Execution, Function, Variable};
use serde_json::{Value, json};

use super::catalogue::runtimes;
use super::time::{date, date_or_empty};

/// Names of fields and their types (as the description of the API names them).
pub type Fields = &'static [(&'static str, &'static str)];

/// Longest build log that is shown, in characters; the end is kept.
const BUILD_LOG: usize = 1_000_000;

/// Of a function.
pub const FUNCTION: Fields = &[
    ("$id", "string"),
    ("$createdAt", "date"),
    ("$updatedAt", "date"),
    ("execute", "strings"),
    ("name", "string"),
    ("enabled", "boolean"),
    ("live", "boolean"),
    ("logging", "boolean"),
    ("runtime", "string"),
    ("deploymentRetention", "integer"),
    ("deploymentId", "string"),
    ("deploymentCreatedAt", "date"),
    ("latestDeploymentId", "string"),
    ("latestDeploymentCreatedAt", "date"),
    ("latestDeploymentStatus", "string"),
    ("scopes", "strings"),
    ("vars", "Variable[]"),
    ("events", "strings"),
    ("schedule", "string"),
    ("timeout", "integer"),
    ("entrypoint", "string"),
    ("commands", "string"),
    ("version", "string"),
    ("installationId", "string"),
    ("providerRepositoryId", "string"),
    ("providerBranch", "string"),
    ("providerRootDirectory", "string"),
    ("providerSilentMode", "boolean"),
    ("providerBranches", "strings"),
    ("providerPaths", "strings"),
    ("buildSpecification", "string"),
    ("runtimeSpecification", "string"),
];

/// A function and its variables.
pub fn function(row: &Function, variables: &[Variable]) -> Value {
    let settings = &row.settings;
    let provider = &settings.provider;
    json!({
        "$id": row.id,
        "$createdAt": date(row.created_at),
        "$updatedAt": date(row.updated_at),
        "execute": settings.execute,
        "name": settings.name,
        "enabled": settings.enabled,
        "live": row.live,
        "logging": settings.logging,
        "runtime": settings.runtime,
        "deploymentRetention": settings.deployment_retention,
        "deploymentId": row.deployment_id,
        "deploymentCreatedAt": date_or_empty(row.deployment_created_at),
        "latestDeploymentId": row.latest_deployment_id,
        "latestDeploymentCreatedAt": date_or_empty(row.latest_deployment_created_at),
        "latestDeploymentStatus": row.latest_deployment_status,
        "scopes": settings.scopes,
        "vars": variables.iter().map(variable).collect::<Vec<_>>(),
        "events": settings.events,
        "schedule": settings.schedule,
        "timeout": settings.timeout,
        "entrypoint": settings.entrypoint,
        "commands": settings.commands,
        "version": runtimes::PROTOCOL,
        "installationId": provider.installation_id,
        "providerRepositoryId": provider.repository_id,
        "providerBranch": provider.branch,
        "providerRootDirectory": provider.root_directory,
        "providerSilentMode": provider.silent_mode,
        "providerBranches": provider.branches,
        "providerPaths": provider.paths,
        "buildSpecification": settings.build_specification,
        "runtimeSpecification": settings.runtime_specification,
    })
}

/// Of a variable.
pub const VARIABLE: Fields = &[
    ("$id", "string"),
    ("$createdAt", "date"),
    ("$updatedAt", "date"),
    ("key", "string"),
    ("value", "string"),
    ("secret", "boolean"),
    ("resourceType", "string"),
    ("resourceId", "string"),
];

/// A variable; the value of a secret one reads as empty.
pub fn variable(row: &Variable) -> Value {
    let value = match &row.value {
        VariableValue::Clear(text) => text,
        VariableValue::Secret(_) => "",
    };
    json!({
        "$id": row.id,
        "$createdAt": date(row.created_at),
        "$updatedAt": date(row.updated_at),
        "key": row.key,
        "value": value,
        "secret": row.value.is_secret(),
        "resourceType": "function",
        "resourceId": row.function_id,
    })
}

/// Of a deployment.
pub const DEPLOYMENT: Fields = &[
    ("$id", "string"),
    ("$createdAt", "date"),
    ("$updatedAt", "date"),
    ("type", "string"),
    ("resourceId", "string"),
    ("resourceType", "string"),
    ("entrypoint", "string"),
    ("sourceSize", "integer"),
    ("buildSize", "integer"),
    ("totalSize", "integer"),
    ("buildId", "string"),
    ("activate", "boolean"),
    ("screenshotLight", "string"),
    ("screenshotDark", "string"),
    ("status", "string"),
    ("buildLogs", "string"),
    ("buildDuration", "integer"),
    ("providerRepositoryName", "string"),
    ("providerRepositoryOwner", "string"),
    ("providerRepositoryUrl", "string"),
    ("providerCommitHash", "string"),
    ("providerCommitAuthorUrl", "string"),
    ("providerCommitAuthor", "string"),
    ("providerCommitMessage", "string"),
    ("providerCommitUrl", "string"),
    ("providerBranch", "string"),
    ("providerBranchUrl", "string"),
];

/// A deployment and its build log.
pub fn deployment(row: &Deployment, log: &str) -> Value {
    let mut value = json!({
        "$id": row.id,
        "$createdAt": date(row.created_at),
        "$updatedAt": date(row.updated_at),
        "type": row.plan.kind,
        "resourceId": row.function_id,
        "resourceType": "functions",
        "entrypoint": row.plan.entrypoint,
        "sourceSize": row.source_size,
        "buildSize": row.build_size,
        "totalSize": row.source_size + row.build_size,
        "activate": row.activate,
        "status": row.status,
        "buildLogs": tail(log, BUILD_LOG),
        "buildDuration": row.build_duration_ms.div_ceil(1000),
    });
    if let Value::Object(fields) = &mut value {
        // Everything about repositories and screenshots is unused.
        for (name, _) in DEPLOYMENT {
            fields
                .entry(*name)
                .or_insert_with(|| Value::String(String::new()));
        }
    }
    value
}

/// The last `most` characters.
fn tail(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let start = text.char_indices().rev().nth(most - 1);
    start.map_or(text, |(at, _)| &text[at..])
}

/// Of an execution.
pub const EXECUTION: Fields = &[
    ("$id", "string"),
    ("$createdAt", "date"),
    ("$updatedAt", "date"),
    ("$permissions", "strings"),
    ("resourceId", "string"),
    ("resourceType", "string"),
    ("deploymentId", "string"),
    ("trigger", "string"),
    ("status", "string"),
    ("requestMethod", "string"),
    ("requestPath", "string"),
    ("requestHeaders", "Header[]"),
    ("responseStatusCode", "integer"),
    ("responseBody", "string"),
    ("responseHeaders", "Header[]"),
    ("logs", "string"),
    ("errors", "string"),
    ("duration", "number"),
    ("scheduledAt", "date or null"),
];

/// An execution with its log texts; they are empty for those who may not read
/// them.
pub fn execution(row: &Execution, logs: &str, errors: &str) -> Value {
    let permissions: Vec<String> = match row.user.as_str() {
        "" => Vec::new(),
        user => vec![format!("read(\"user:{user}\")")],
    };
    json!({
        "$id": row.id,
        "$createdAt": date(row.created_at),
        "$updatedAt": date(row.updated_at),
        "$permissions": permissions,
        "resourceId": row.function_id,
        "resourceType": "functions",
        "deploymentId": row.deployment_id,
        "trigger": row.trigger,
        "status": row.status,
        "requestMethod": row.method,
        "requestPath": row.path,
        "requestHeaders": headers(&row.request_headers),
        "responseStatusCode": row.response_status_code,
        "responseBody": "",
        "responseHeaders": headers(&row.response_headers),
        "logs": logs,
        "errors": errors,
        "duration": row.duration_us as f64 / 1e6,
        "scheduledAt": row.scheduled_at.map(date),
    })
}

/// The status of an execution that has ended.
pub fn ended(outcome: &Outcome) -> &'static str {
    if outcome.completed {
        "completed"
    } else {
        "failed"
    }
}

/// Headers as a list of objects.
pub fn headers(pairs: &[(String, String)]) -> Value {
    pairs
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect()
}

#[cfg(test)]
mod tests {
    use aggregates::deployment::Plan;
    use aggregates::function::{Provider, Settings};
    use aggregates::{Dialect, Text};

    use super::*;

    #[track_caller]
    fn same_fields(value: &Value, fields: Fields) {
        let mut have: Vec<&str> = value
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let mut want: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
        have.sort_unstable();
        want.sort_unstable();
        assert_eq!(have, want);
    }

    #[test]
    fn models_have_the_fields_of_their_tables() {
        let variable_row = Variable {
            id: "v".to_owned(),
            function_id: "f".to_owned(),
            sequence: 1,
            created_at: 0,
            updated_at: 0,
            key: "K".to_owned(),
            value: VariableValue::Clear("x".to_owned()),
        };
        let settings = Settings {
            name: "f".to_owned(),
            runtime: "node-22".to_owned(),
            execute: vec![],
            events: vec![],
            schedule: String::new(),
            timeout: 15,
            enabled: true,
            logging: true,
            entrypoint: String::new(),
            commands: String::new(),
            scopes: vec![],
            provider: Provider::default(),
            build_specification: String::new(),
            runtime_specification: String::new(),
            deployment_retention: 0,
            script: None,
        };
        let function_row = Function {
            id: "f".to_owned(),
            sequence: 1,
            created_at: 0,
            updated_at: 0,
            origin: Dialect::Appwrite,
            settings,
            live: true,
            deployment_id: String::new(),
            deployment_created_at: None,
            latest_deployment_id: String::new(),
            latest_deployment_created_at: None,
            latest_deployment_status: String::new(),
        };
        let shown = function(&function_row, std::slice::from_ref(&variable_row));
        same_fields(&shown, FUNCTION);
        same_fields(&shown["vars"][0], VARIABLE);
        assert_eq!(shown["deploymentCreatedAt"], "");

        let deployment_row = Deployment {
            id: "d".to_owned(),
            function_id: "f".to_owned(),
            sequence: 1,
            created_at: 0,
            updated_at: 0,
            plan: Plan {
                function: "f".into(),
                kind: "manual".to_owned(),
                entrypoint: String::new(),
                commands: String::new(),
                activate: true,
                size: 1,
                chunks: 1,
                script: None,
            },
            activate: true,
            status: "ready".to_owned(),
            source_complete: true,
            queued_at: 1,
            source: vec![],
            source_size: 3,
            build_size: 4,
            artefact: None,
            build_duration_ms: 1001,
            attempt: 1,
            worker: String::new(),
            build_started_at: None,
            ended_at: None,
            code: String::new(),
            failure: String::new(),
        };
        let shown = deployment(&deployment_row, "log");
        same_fields(&shown, DEPLOYMENT);
        assert_eq!(shown["buildDuration"], 2);
        assert_eq!(shown["totalSize"], 7);

        let execution_row = Execution {
            id: "e".to_owned(),
            function_id: "f".to_owned(),
            deployment_id: "d".to_owned(),
            sequence: 1,
            created_at: 0,
            updated_at: 0,
            trigger: "http".to_owned(),
            status: "completed".to_owned(),
            method: "GET".to_owned(),
            path: "/".to_owned(),
            request_headers: vec![("host".to_owned(), "h".to_owned())],
            user: "u".to_owned(),
            response_status_code: 200,
            response_headers: vec![],
            logs: Text::default(),
            errors: Text::default(),
            duration_us: 21_000,
            scheduled_at: None,
            input: None,
            worker: String::new(),
            reason: "ok".to_owned(),
            script: None,
            handler: None,
            output: None,
        };
        let shown = execution(&execution_row, "", "");
        same_fields(&shown, EXECUTION);
        assert_eq!(shown["scheduledAt"], Value::Null);
        assert_eq!(shown["duration"], 0.021);
        assert_eq!(shown["$permissions"][0], "read(\"user:u\")");
    }

    #[test]
    fn a_long_log_keeps_its_end() {
        assert_eq!(tail("äöü", 2), "öü");
        assert_eq!(tail("abc", 3), "abc");
    }
}
