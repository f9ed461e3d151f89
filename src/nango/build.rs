//! Building a deployment: source → bundle, definition, version.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aggregates::deployment::{Artefact, ArtefactKind};
use aggregates::{Blob, ScriptArtefact, ScriptKind, ScriptSource};
use compiler::script::Kind;
use projections::model;
use projections::query::{Filter, List, Operator, Scalar};
use sandbox::Program;
use serde::{Deserialize, Serialize};

use super::Shared;
use super::bundle::{self, Bundle};
use super::compile::{self, Place as Named, runnable};
use crate::execution::{Made, NotMade, Place};

/// How long a deployment waits for those of its function that came before.
const TURN: Duration = Duration::from_secs(20);

/// The source of a script as it is stored: the entry and what it imports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The entry's text.
    pub code: String,
    /// Paths relative to the entry, and texts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<(String, String)>,
    /// What the command line has compiled already; then nothing is compiled here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<Bundle>,
}

impl Source {
    /// Stores it.
    ///
    /// # Errors
    /// When the blob store fails.
    pub async fn store(&self, shared: &Shared) -> Result<Blob, crate::blobs::Error> {
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        shared.blobs.put(bytes.into()).await
    }

    /// Reads what was stored.
    ///
    /// # Errors
    /// When the blob store fails, or what it gives is no source.
    pub async fn read(shared: &Shared, chunks: &[Blob]) -> Result<Self, String> {
        let bytes = shared.blobs.get_all(chunks).await;
        let bytes = bytes.map_err(|error| error.to_string())?;
        serde_json::from_slice(&bytes).map_err(|error| error.to_string())
    }
}

/// Where the published command line keeps a script.
pub fn path(integration: &str, kind: ScriptKind, name: &str) -> String {
    let folder = match kind {
        ScriptKind::Action => "actions",
        ScriptKind::Sync => "syncs",
        ScriptKind::OnEvent => "on-events",
        ScriptKind::Function => "functions",
    };
    format!("{integration}/{folder}/{name}.ts")
}

/// The kind of script that a definition is.
pub fn kind_of(kind: Kind) -> ScriptKind {
    match kind {
        Kind::Action => ScriptKind::Action,
        Kind::Sync => ScriptKind::Sync,
        Kind::OnEvent => ScriptKind::OnEvent,
        Kind::Function => ScriptKind::Function,
    }
}

/// Builds; the log is what the command line would print.
pub async fn build(
    shared: &Arc<Shared>,
    place: Place<'_>,
    source: &[Blob],
) -> Result<Made, NotMade> {
    let broken = |cause: String| NotMade::Broken(cause);
    let Some(plan) = &place.plan.script else {
        return Err(broken("the deployment is none of a script".to_owned()));
    };
    let source = Source::read(shared, source).await.map_err(broken)?;
    if let Some(bundle) = &source.bundle {
        return bundle::build(shared, bundle).await;
    }
    let named = Named {
        source: path(&plan.integration, plan.kind, &plan.name),
    };
    let mut files = vec![(named.source.clone(), source.code.clone())];
    let folder = named
        .source
        .rsplit_once('/')
        .map_or("", |(folder, _)| folder)
        .to_owned();
    for (path, text) in &source.files {
        files.push((format!("{folder}/{path}"), text.clone()));
    }
    let request = compile::Request {
        files: Arc::new(files),
        place: named,
        integration: plan.integration.clone(),
        name: plan.name.clone(),
        schemas: true,
    };
    let built = match shared.compiling.compile(request).await {
        Ok(built) => built,
        Err(compile::Failure::Source(found)) => {
            return Err(NotMade::Failed {
                code: "compilation_error",
                log: found.text,
            });
        }
        Err(compile::Failure::Timeout) => {
            return Err(NotMade::Failed {
                code: "timeout",
                log: "Compilation timed out".to_owned(),
            });
        }
        Err(compile::Failure::Unavailable(cause)) => {
            return Err(NotMade::Failed {
                code: "deployment_error",
                log: format!("The function execution environment is unavailable: {cause}"),
            });
        }
        Err(compile::Failure::Internal(cause)) => return Err(broken(cause)),
    };
    if kind_of(built.kind) != plan.kind {
        return Err(NotMade::Failed {
            code: "deployment_error",
            log: "✗ Packaging\nNo functions to deploy".to_owned(),
        });
    }
    if compiler::script::calls_constructor(&built.code) {
        return Err(NotMade::Failed {
            code: "deployment_error",
            log: "✗ Packaging\ndeploy_script_security_rejected: the script calls something named `constructor` with an argument".to_owned(),
        });
    }
    let code = runnable(&built.code);
    let stored = shared.blobs.put(code.clone().into_bytes().into()).await;
    let stored = stored.map_err(|error| broken(error.to_string()))?;
    let map = shared
        .blobs
        .put(built.source_map.clone().into_bytes().into())
        .await;
    let map = map.map_err(|error| broken(error.to_string()))?;
    let definition = shared.blobs.put_text(built.definition.to_string()).await;
    let definition = definition.map_err(|error| broken(error.to_string()))?;
    let in_source = built.definition["version"].as_str();
    turn(shared, &place).await.map_err(broken)?;
    let previous = previous(shared, &place, &source, &stored).await;
    let previous = previous.map_err(broken)?;
    let version = match plan.source {
        ScriptSource::Catalog => in_source.unwrap_or("0.0.1").to_owned(),
        _ => {
            let asked = plan.version.as_deref().filter(|asked| !asked.is_empty());
            version(asked.or(in_source), previous).map_err(|log| NotMade::Failed {
                code: "deployment_error",
                log,
            })?
        }
    };
    let log = report(plan.source, &plan.name, &version);
    let artefact = Artefact {
        kind: ArtefactKind::JavaScript,
        code: stored,
        source_map: Some(map),
        script: Some(ScriptArtefact {
            version,
            definition,
        }),
    };
    Ok(Made {
        artefact,
        program: Program::javascript(code),
        log,
    })
}

/// What the command line prints at the end.
fn report(source: ScriptSource, name: &str, version: &str) -> String {
    match source {
        ScriptSource::Catalog => {
            format!("Successfully deployed the functions:\n- {name}@{version}")
        }
        _ => format!(
            "✓ Packaging\n✓ Deploying\nSuccessfully deployed the functions: \r\n- {name}@v{version}"
        ),
    }
}

/// Deployments of the same function that come before this one, newest first.
async fn before(
    shared: &Shared,
    place: &Place<'_>,
    status: &[&str],
) -> Result<Vec<model::Deployment>, String> {
    let (project, function) = (place.project.as_str(), place.function.as_str());
    let view = shared.reads.view(None);
    let own = view.deployment(project, place.deployment.as_str()).await;
    let own = own.map_err(|error| error.to_string())?;
    // One that is gone comes after all others; nothing comes of it.
    let queued_at = own.map_or(u64::MAX, |own| own.queued_at);
    let list = List {
        filters: vec![Filter::Compare {
            column: "status",
            operator: Operator::Equal,
            values: status
                .iter()
                .map(|status| Scalar::Text((*status).to_owned()))
                .collect(),
        }],
        limit: 5000,
        ..List::default()
    };
    let found = view.deployments(project, function, &list).await;
    let mut rows = found.map_err(|error| error.to_string())?.rows;
    rows.retain(|row| row.source_complete && row.queued_at < queued_at);
    rows.sort_by_key(|row| std::cmp::Reverse(row.queued_at));
    Ok(rows)
}

/// Waits until it is this deployment's turn: its version follows from those before it. When they
/// take too long (their server is gone), it goes on as if they were not.
async fn turn(shared: &Shared, place: &Place<'_>) -> Result<(), String> {
    let journal = shared.bus.journal();
    let begun = Instant::now();
    loop {
        let head = journal.head();
        shared.reads.wait_for(head, TURN).await;
        let unfinished = before(shared, place, &["waiting", "building"]).await?;
        if unfinished.is_empty() || begun.elapsed() > TURN {
            return Ok(());
        }
        journal.wait_beyond(head, Duration::from_millis(250)).await;
    }
}

/// The version before this one, and whether it is of the same code.
async fn previous(
    shared: &Shared,
    place: &Place<'_>,
    source: &Source,
    code: &Blob,
) -> Result<Option<(String, bool)>, String> {
    let made = before(shared, place, &["ready"]).await?;
    let Some(deployment) = made.first() else {
        return Ok(None);
    };
    let Some(artefact) = &deployment.artefact else {
        return Ok(None);
    };
    let Some(script) = &artefact.script else {
        return Ok(None);
    };
    let is_same = artefact.code == *code
        && Source::read(shared, &deployment.source)
            .await
            .is_ok_and(|before| before == *source);
    Ok(Some((script.version.clone(), is_same)))
}

/// The version to deploy: the one asked for, else the next. Code that did not change keeps its own.
fn version(asked: Option<&str>, previous: Option<(String, bool)>) -> Result<String, String> {
    match (asked, previous) {
        (Some(asked), _) => Ok(asked.to_owned()),
        (None, None) => Ok("1".to_owned()),
        (None, Some((version, true))) => Ok(version),
        (None, Some((version, false))) => next(&version)
            .ok_or_else(|| format!("The version '{version}' cannot be counted up; give a version")),
    }
}

/// Text with a dot must be a semantic version and gets another patch; digits one more.
fn next(version: &str) -> Option<String> {
    if !version.contains('.') {
        let number: u64 = version.parse().ok()?;
        return Some(number.checked_add(1)?.to_string());
    }
    let core = version.split(['-', '+']).next()?;
    let mut parts = core.split('.').map(str::parse::<u64>);
    let (major, minor, patch) = (
        parts.next()?.ok()?,
        parts.next()?.ok()?,
        parts.next()?.ok()?,
    );
    if parts.next().is_some() {
        return None;
    }
    // What comes before a release counts up to it.
    let is_before = version[core.len()..].starts_with('-');
    let patch = if is_before {
        patch
    } else {
        patch.checked_add(1)?
    };
    Some(format!("{major}.{minor}.{patch}"))
}

#[cfg(test)]
mod tests {
    use super::{next, version};

    #[test]
    fn versions_count_up() {
        for (before, after) in [
            ("1", Some("2")),
            ("41", Some("42")),
            ("1.0.0", Some("1.0.1")),
            ("1.2.9", Some("1.2.10")),
            ("1.0.0-beta", Some("1.0.0")),
            ("1.0", None),
            ("latest", None),
            ("v1", None),
        ] {
            assert_eq!(next(before).as_deref(), after, "{before}");
        }
    }

    #[test]
    fn unchanged_code_keeps_its_version() {
        let before = |same| Some(("3".to_owned(), same));
        assert_eq!(version(None, None).as_deref(), Ok("1"));
        assert_eq!(version(None, before(true)).as_deref(), Ok("3"));
        assert_eq!(version(None, before(false)).as_deref(), Ok("4"));
        assert_eq!(version(Some("9.9"), before(true)).as_deref(), Ok("9.9"));
    }
}
