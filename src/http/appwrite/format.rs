//! The generations of the API that clients announce with
//! `X-Appwrite-Response-Format`, and what older ones want to read.

use http::HeaderMap;
use serde_json::{Map, Value};

/// The newest shape that is known; a newer request gets it with a warning.
const NEWEST: Format = Format([2, 5, 0]);

/// A version of the wire format; the newest when the client names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Format([u32; 3]);

/// The wire models that older formats change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    Function,
    Deployment,
    Execution,
    Variable,
    Runtime,
}

impl Format {
    /// The one that a request announces.
    pub fn of(headers: &HeaderMap) -> Self {
        headers
            .get("x-appwrite-response-format")
            .and_then(|value| value.to_str().ok())
            .and_then(Self::parse)
            .unwrap_or(Self([u32::MAX; 3]))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = [0; 3];
        let mut given = text.trim().split('.');
        for (index, part) in parts.iter_mut().enumerate() {
            match given.next() {
                Some(number) => *part = number.parse().ok()?,
                None if index > 0 => break,
                None => return None,
            }
        }
        given.next().is_none().then_some(Self(parts))
    }

    /// Whether it is older than `major.minor.patch`.
    pub fn before(self, major: u32, minor: u32, patch: u32) -> bool {
        self < Self([major, minor, patch])
    }

    /// What to tell a client that is newer than the server.
    pub fn warning(self) -> Option<String> {
        (self > NEWEST && self.0[0] != u32::MAX).then(|| {
            let [major, minor, patch] = self.0;
            format!("The client announces format {major}.{minor}.{patch}, which is newer than this server knows.")
        })
    }

    /// Turns a model of the newest shape into the shape of this format, newest
    /// change first.
    pub fn apply(self, model: Model, value: &mut Value) {
        let Value::Object(fields) = value else {
            return;
        };
        if self.before(2, 0, 0) && model == Model::Execution {
            rename(fields, "resourceId", "functionId");
            fields.remove("resourceType");
        }
        if self.before(1, 9, 0) && model == Model::Function {
            rename(fields, "buildSpecification", "specification");
            fields.remove("runtimeSpecification");
        }
        if self.before(1, 7, 0) {
            self.apply_1_6(model, fields);
        }
        if self.before(1, 6, 0) {
            apply_1_5(model, fields);
        }
        if self.before(1, 4, 0) {
            apply_1_3(model, fields);
        }
        if model == Model::Function
            && let Some(Value::Array(variables)) = fields.get_mut("vars")
        {
            for variable in variables {
                self.apply(Model::Variable, variable);
            }
        }
    }

    fn apply_1_6(self, model: Model, fields: &mut Map<String, Value>) {
        match model {
            Model::Function => {
                rename(fields, "deploymentId", "deployment");
                for name in [
                    "deploymentCreatedAt",
                    "latestDeploymentId",
                    "latestDeploymentCreatedAt",
                    "latestDeploymentStatus",
                ] {
                    fields.remove(name);
                }
            }
            Model::Deployment => {
                rename(fields, "sourceSize", "size");
                rename(fields, "buildDuration", "buildTime");
                for name in ["totalSize", "screenshotLight", "screenshotDark"] {
                    fields.remove(name);
                }
            }
            Model::Variable => {
                fields.remove("secret");
            }
            Model::Execution | Model::Runtime => {}
        }
    }
}

fn apply_1_5(model: Model, fields: &mut Map<String, Value>) {
    match model {
        Model::Function => {
            fields.remove("scopes");
            fields.remove("specification");
        }
        Model::Execution => {
            fields.remove("scheduledAt");
            let code = fields.get("responseStatusCode").and_then(Value::as_u64);
            let completed = fields.get("status").and_then(Value::as_str) == Some("completed");
            if completed && code.is_some_and(|code| code >= 400) {
                fields.insert("status".to_owned(), "failed".into());
            }
        }
        Model::Runtime => {
            fields.remove("key");
        }
        Model::Deployment | Model::Variable => {}
    }
}

fn apply_1_3(model: Model, fields: &mut Map<String, Value>) {
    match model {
        Model::Execution => {
            rename(fields, "responseStatusCode", "statusCode");
            rename(fields, "responseBody", "response");
            rename(fields, "logs", "stdout");
            rename(fields, "errors", "stderr");
        }
        Model::Deployment => {
            rename(fields, "buildLogs", "buildStdout");
            fields.insert("buildStderr".to_owned(), "".into());
        }
        Model::Function | Model::Variable | Model::Runtime => {}
    }
}

fn rename(fields: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = fields.remove(from) {
        fields.insert(to.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_generation_reads_its_own_shape() {
        let execution = json!({"resourceId": "f", "resourceType": "functions",
            "status": "completed", "responseStatusCode": 404, "scheduledAt": null, "logs": ""});
        let function = json!({"deploymentId": "d", "deploymentCreatedAt": "", "latestDeploymentId": "d",
            "latestDeploymentCreatedAt": "", "latestDeploymentStatus": "ready", "scopes": [],
            "buildSpecification": "s", "runtimeSpecification": "r", "vars": [{"secret": true}]});
        let deployment = json!({"sourceSize": 1, "buildDuration": 2, "totalSize": 3,
            "screenshotLight": "", "screenshotDark": "", "buildLogs": "x"});
        for (format, model, given, expected) in [
            ("2.5.0", Model::Execution, &execution, execution.clone()),
            (
                "1.9.5",
                Model::Execution,
                &execution,
                json!({"functionId": "f", "status": "completed", "responseStatusCode": 404,
                    "scheduledAt": null, "logs": ""}),
            ),
            (
                "1.5",
                Model::Execution,
                &execution,
                json!({"functionId": "f", "status": "failed", "responseStatusCode": 404, "logs": ""}),
            ),
            (
                "1.3.9",
                Model::Execution,
                &execution,
                json!({"functionId": "f", "status": "failed", "statusCode": 404, "stdout": ""}),
            ),
            ("1.9.0", Model::Function, &function, function.clone()),
            (
                "1.8.0",
                Model::Function,
                &function,
                json!({"deploymentId": "d", "deploymentCreatedAt": "", "latestDeploymentId": "d",
                    "latestDeploymentCreatedAt": "", "latestDeploymentStatus": "ready",
                    "scopes": [], "specification": "s", "vars": [{"secret": true}]}),
            ),
            (
                "1.6.2",
                Model::Function,
                &function,
                json!({"deployment": "d", "scopes": [], "specification": "s", "vars": [{}]}),
            ),
            (
                "1.5.7",
                Model::Function,
                &function,
                json!({"deployment": "d", "vars": [{}]}),
            ),
            (
                "1.6.0",
                Model::Deployment,
                &deployment,
                json!({"size": 1, "buildTime": 2, "buildLogs": "x"}),
            ),
        ] {
            let mut value = given.clone();
            Format::parse(format).unwrap().apply(model, &mut value);
            assert_eq!(value, expected, "{format} {model:?}");
        }
    }

    #[test]
    fn a_header_that_is_no_version_means_the_newest() {
        for text in ["", "x", "1.2.3.4", "1..2", "-1.0"] {
            assert_eq!(Format::parse(text), None, "{text}");
        }
        assert!(Format::of(&HeaderMap::new()).warning().is_none());
        assert!(Format::parse("99.0.0").unwrap().warning().is_some());
    }
}
