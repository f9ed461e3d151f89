//! `POST /functions/compile`: source in, bundle out. Nothing is stored but the fact.

use std::sync::Arc;

use aggregates::compilation::{Command, Compilation, Compiled};
use serde_json::{Value, json};

use super::super::clean::clean;
use super::super::error::Error;
use super::super::reply::Reply;
use super::super::request::Request;
use super::super::rules::{Object, Text};
use super::super::time;
use crate::nango::compile::{self, Checked, Failure, Place};

/// Says what checked the types, or why nothing did.
const CHECK: &str = "strata-type-check";

/// Compiles.
pub async fn create(request: Request) -> Result<Reply, Error> {
    let files = read(&request)?;
    let wanted = compile::Request {
        files: Arc::new(files),
        place: Place::nowhere(),
        integration: "function".to_owned(),
        name: "function".to_owned(),
        schemas: false,
    };
    let outcome = request.app.nango.compiling.compile(wanted).await;
    let committed = record(&request, &outcome).await?;
    match outcome {
        Ok(built) => {
            let mut body = json!({
                "bundle_size_bytes": built.code.len(),
                "bundled_js": built.code,
                "compiled_at": time::now(),
            });
            // The published schema knows no such member; it is there only when it says something.
            if !built.warnings.is_empty() {
                body["warnings"] = json!(built.warnings);
            }
            let mut reply = Reply::json(200, body).committed(&committed);
            reply.header(CHECK, &checked(&built.checked));
            Ok(reply)
        }
        Err(failure) => {
            Err(refusal(failure).header("strata-position", committed.position.to_string()))
        }
    }
}

fn checked(checked: &Checked) -> String {
    match checked {
        Checked::By(checker) => (*checker).to_owned(),
        Checked::Without(reason) => {
            let reason: String = clean(reason).chars().filter(char::is_ascii).collect();
            let reason = reason.replace(['\n', '\r'], " ");
            format!("none; reason=\"{}\"", reason.replace('"', "'"))
        }
    }
}

/// The answer to a failed compilation.
pub fn refusal(failure: Failure) -> Error {
    match failure {
        Failure::Source(mut broken) => {
            for found in &mut broken.diagnostics {
                found.message = clean(&found.message);
            }
            Error::new(400, "compilation_error", clean(&broken.text))
                .with_errors(json!(broken.diagnostics))
                .header(CHECK, checked(&broken.checked))
        }
        Failure::Timeout => Error::new(504, "timeout", "Compilation timed out"),
        Failure::Unavailable(cause) => Error::unavailable(&cause),
        Failure::Internal(cause) => Error::internal(&cause),
    }
}

/// `{"code": string}`; beyond upstream `files`, what the code imports by relative paths.
fn read(request: &Request) -> Result<Vec<(String, String)>, Error> {
    let mut object = Object::body(request.body.as_ref());
    let code = object.text("code", Text::Length(1, usize::MAX)).to_owned();
    let files = super::files(&mut object);
    object.finish()?;
    let place = Place::nowhere();
    Ok(super::sources(&place.source, code, files))
}

/// Audit: that somebody compiled what, and how it ended; never the source.
async fn record(
    request: &Request,
    outcome: &Result<Arc<compile::Built>, Failure>,
) -> Result<crate::bus::Committed, Error> {
    use sha2::{Digest, Sha256};
    let code = match outcome {
        Ok(_) => "",
        Err(Failure::Source(_)) => "compilation_error",
        Err(Failure::Timeout) => "timeout",
        Err(Failure::Unavailable(_)) => "execution_environment_unavailable",
        Err(Failure::Internal(_)) => "server_error",
    };
    let source = request
        .body
        .as_ref()
        .map(Value::to_string)
        .unwrap_or_default();
    let command = Command::Record(Compiled {
        source: hex::encode(Sha256::digest(source.as_bytes())),
        succeeded: code.is_empty(),
        code: code.to_owned(),
    });
    let key = format!("{}:{}", request.project, request.new_uuid().simple());
    let bus = &request.app.bus;
    Ok(bus
        .record::<Compilation>(&key, command, &request.context)
        .await?)
}
