//! Syncs: which there are, starting and pausing them, and running what is due.
//!
//! A sync is a deployed script on one connection (and variant). Its state is an aggregate; what it
//! fetches are records, which are no events.

mod agenda;
mod frequency;
mod run;
mod schedule;

use std::sync::Arc;

use aggregates::sync::{Command, Error as Refusal, Place, Sync};
use aggregates::{ConnectionKey, ProjectId, ScriptKind, SyncKey};
use projections::model;
use projections::query::{Cursor, Filter, List};
use serde::Deserialize;
use serde_json::Value;

use super::{Shared, keys};
use crate::bus::{self, Committed, Context};

pub use frequency::{interval_ms, is_frequency};
pub use run::{run_on_event, webhook};
pub use schedule::Syncs;

/// The variant that is there without being made.
pub const BASE: &str = "base";

/// A sync as clients name it: `name`, `name::variant`, or both apart.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Name {
    /// As one text.
    Text(String),
    /// Apart.
    Parts {
        /// Of the sync.
        name: String,
        /// Of the variant.
        variant: String,
    },
}

impl Name {
    /// Name and variant.
    pub fn parts(&self) -> (&str, &str) {
        match self {
            Self::Text(text) => text.split_once("::").unwrap_or((text, BASE)),
            Self::Parts { name, variant } => (name, variant),
        }
    }
}

/// Whose syncs are meant.
#[derive(Clone, Debug)]
pub struct Target {
    /// The project.
    pub project: ProjectId,
    /// The integration.
    pub integration: String,
    /// The connection; none: every one.
    pub connection: Option<String>,
}

/// What is to happen to a sync.
#[derive(Clone, Debug)]
pub enum Change {
    /// Its schedule runs.
    Start,
    /// Its schedule does not run.
    Pause,
    /// It runs now.
    Request {
        /// Without checkpoint.
        reset: bool,
        /// Without records.
        empty: bool,
    },
    /// How often it runs; none: as its definition says.
    Frequency(Option<String>),
}

/// Why syncs cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such sync on this integration.
    #[error("Sync '{0}' was not found")]
    NotFound(String),
    /// There is no such connection.
    #[error("Connection '{0}' was not found")]
    Connection(String),
    /// The bus did not take it.
    #[error(transparent)]
    Bus(#[from] bus::Error<Refusal>),
    /// The read models could not be asked.
    #[error(transparent)]
    Reads(#[from] projections::Error),
}

/// Changes syncs; gives the last commit, none when there was no connection.
///
/// # Errors
/// See [`Error`].
pub async fn change(
    shared: &Arc<Shared>,
    target: &Target,
    names: &[Name],
    change: Change,
    context: &Context,
) -> Result<Option<Committed>, Error> {
    let project = &target.project;
    let mut committed = None;
    for name in names {
        let (script, variant) = name.parts();
        let Some(definition) = deployed(shared, project, &target.integration, script).await? else {
            return Err(Error::NotFound(script.to_owned()));
        };
        let connections = match &target.connection {
            Some(id) => {
                let key = keys::connection(&target.integration, id);
                let view = shared.reads.view(None);
                let row = view.connection(project.as_str(), key.as_str()).await?;
                vec![row.ok_or_else(|| Error::Connection(id.clone()))?]
            }
            None => connections(shared, project, &target.integration).await?,
        };
        for row in connections {
            let place = Place {
                integration: target.integration.as_str().into(),
                connection_id: row.connection_id.clone(),
                connection: row.key.clone(),
                kind: ScriptKind::Sync,
                name: script.to_owned(),
                variant: variant.to_owned(),
            };
            let key = key_of(&place);
            let step = format!("sync/{key}");
            ensure(shared, project, &place, &definition, context, &step).await?;
            let command = match &change {
                Change::Start => Command::Start,
                Change::Pause => Command::Pause,
                Change::Frequency(frequency) => Command::SetFrequency {
                    frequency: frequency.clone(),
                },
                Change::Request { reset, empty } => Command::Request {
                    run: uuid::Uuid::now_v7().to_string(),
                    reset: *reset,
                    empty_cache: *empty,
                },
            };
            let mut context = context.clone();
            context.command_id = format!("{}/{step}", context.command_id);
            let stream = key.key(project);
            let sent = shared.bus.execute::<Sync>(&stream, command, &context);
            committed = Some(sent.await?);
        }
    }
    shared.changed.notify_waiters();
    Ok(committed)
}

/// Makes the state of a sync unless it is there.
async fn ensure(
    shared: &Shared,
    project: &ProjectId,
    place: &Place,
    definition: &Value,
    context: &Context,
    step: &str,
) -> Result<(), Error> {
    let key = key_of(place).key(project);
    if shared.bus.load::<Sync>(&key).await?.state.place.is_some() {
        return Ok(());
    }
    let mut context = context.clone();
    context.command_id = format!("{}/{step}/create", context.command_id);
    let command = Command::Create {
        place: place.clone(),
        started: definition["autoStart"] == true,
        frequency: None,
    };
    match shared.bus.execute::<Sync>(&key, command, &context).await {
        Ok(_) | Err(bus::Error::Refused(Refusal::AlreadyExists)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The stream of a place.
pub fn key_of(place: &Place) -> SyncKey {
    keys::sync(
        place.integration.as_str(),
        &place.connection_id,
        place.kind,
        &place.name,
        &place.variant,
    )
}

/// The definition of a deployed sync; none: it is not deployed.
pub async fn deployed(
    shared: &Shared,
    project: &ProjectId,
    integration: &str,
    name: &str,
) -> Result<Option<Value>, projections::Error> {
    let function = keys::function(integration, ScriptKind::Sync, name);
    definition(shared, project, function.as_str()).await
}

/// The definition of the active deployment of a function.
pub async fn definition(
    shared: &Shared,
    project: &ProjectId,
    function: &str,
) -> Result<Option<Value>, projections::Error> {
    let view = shared.reads.view(None);
    let Some(row) = view.function(project.as_str(), function).await? else {
        return Ok(None);
    };
    if row.deployment_id.is_empty() {
        return Ok(None);
    }
    let deployment = view
        .deployment(project.as_str(), &row.deployment_id)
        .await?;
    let script = deployment
        .and_then(|row| row.artefact)
        .and_then(|made| made.script);
    let Some(script) = script else {
        return Ok(None);
    };
    let text = shared.blobs.get_text(&script.definition).await;
    let text = text.map_err(|error| projections::Error::Unavailable(error.to_string()))?;
    Ok(serde_json::from_str(&text).ok())
}

/// Every connection of an integration.
pub async fn connections(
    shared: &Shared,
    project: &ProjectId,
    integration: &str,
) -> Result<Vec<model::Connection>, projections::Error> {
    let view = shared.reads.view(None);
    let mut list = List {
        limit: 500,
        ..List::default()
    };
    let mut all = Vec::new();
    loop {
        let page = view
            .connections(project.as_str(), Some(integration), &list)
            .await?;
        let Some(last) = page.rows.last() else {
            return Ok(all);
        };
        list.cursor = Some(Cursor::After(last.key.to_string()));
        all.extend(page.rows);
    }
}

/// Every function of an integration that is deployed and of a kind.
pub async fn functions(
    shared: &Shared,
    project: &ProjectId,
    integration: &str,
    kind: ScriptKind,
) -> Result<Vec<model::Function>, projections::Error> {
    let view = shared.reads.view(None);
    let mut list = List {
        filters: vec![
            Filter::equals("integration", integration),
            Filter::equals("kind", kind.as_str()),
        ],
        limit: 500,
        ..List::default()
    };
    let mut all = Vec::new();
    loop {
        let page = view.functions(project.as_str(), &list).await?;
        let Some(last) = page.rows.last() else {
            return Ok(all);
        };
        list.cursor = Some(Cursor::After(last.id.clone()));
        all.extend(
            page.rows
                .into_iter()
                .filter(|row| !row.deployment_id.is_empty()),
        );
    }
}

/// A sync that must be there: its script is deployed and its connection exists.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) project: ProjectId,
    pub(super) integration: String,
    pub(super) script: Option<String>,
    pub(super) connection: Option<(ConnectionKey, String)>,
    /// Where this follows from: the read models must have come that far.
    pub(super) position: u64,
}

/// Makes the syncs of a new connection, or those of a newly deployed script.
pub(super) async fn make(shared: &Arc<Shared>, wanted: &Wanted) -> Result<(), Error> {
    let (project, integration) = (&wanted.project, &wanted.integration);
    shared
        .reads
        .wait_for(wanted.position, std::time::Duration::from_secs(10))
        .await;
    let scripts = match &wanted.script {
        Some(name) => vec![name.clone()],
        None => {
            let rows = functions(shared, project, integration, ScriptKind::Sync).await?;
            rows.into_iter().map(|row| row.settings.name).collect()
        }
    };
    let connections = match &wanted.connection {
        Some(connection) => vec![connection.clone()],
        None => {
            let rows = connections(shared, project, integration).await?;
            rows.into_iter()
                .map(|row| (row.key, row.connection_id))
                .collect()
        }
    };
    for name in &scripts {
        let Some(definition) = deployed(shared, project, integration, name).await? else {
            continue;
        };
        for (key, id) in &connections {
            let place = Place {
                integration: integration.as_str().into(),
                connection_id: id.clone(),
                connection: key.clone(),
                kind: ScriptKind::Sync,
                name: name.clone(),
                variant: BASE.to_owned(),
            };
            let context = Context::once("saga:syncs", project.as_str());
            ensure(shared, project, &place, &definition, &context, "make").await?;
        }
    }
    shared.changed.notify_waiters();
    Ok(())
}
