//! Functions as lists show them.

use std::sync::Arc;

use aggregates::ScriptKind;
use projections::model;
use serde_json::{Value, json};

use crate::http::nango::error::Error;
use crate::http::nango::time;
use crate::nango::compile::{self, Place};
use crate::nango::templates::Template;
use crate::nango::{Shared, build};

/// What the definition of a template says; compiled when it is first asked for.
pub async fn of_template(shared: &Arc<Shared>, template: &Template) -> Result<Value, Error> {
    let path = build::path(template.provider, template.kind, template.name);
    let request = compile::Request {
        files: Arc::new(vec![(path.clone(), template.code.to_owned())]),
        place: Place { source: path },
        integration: template.provider.to_owned(),
        name: template.name.to_owned(),
        schemas: true,
    };
    let built = shared.compiling.compile(request).await;
    let built = built.map_err(super::compile::refusal)?;
    Ok(built.definition.clone())
}

/// A template.
pub fn template(template: &Template, definition: &Value) -> Value {
    shown(template.name, template.kind, definition)
}

/// A deployed function.
pub fn deployed(
    row: &model::Function,
    deployment: &model::Deployment,
    definition: &Value,
) -> Value {
    let script = row.settings.script.as_ref();
    let kind = script.map_or(ScriptKind::Action, |script| script.kind);
    let mut entry = shown(&row.settings.name, kind, definition);
    let source = deployment
        .plan
        .script
        .as_ref()
        .map(|plan| plan.source.as_str());
    entry["id"] = row.sequence.into();
    entry["enabled"] = row.settings.enabled.into();
    entry["last_deployed"] =
        time::text(deployment.ended_at.unwrap_or(deployment.updated_at)).into();
    entry["source"] = source.unwrap_or("standalone").into();
    entry
}

fn shown(name: &str, kind: ScriptKind, definition: &Value) -> Value {
    let mut entry = json!({
        "name": name,
        "type": kind.as_str(),
        "returns": definition.get("returns").cloned().unwrap_or_else(|| json!([])),
        "json_schema": definition.get("json_schema").cloned().unwrap_or(Value::Null),
    });
    for member in ["description", "scopes", "input", "version"] {
        if let Some(value) = definition.get(member).filter(|value| !value.is_null()) {
            entry[member] = value.clone();
        }
    }
    match kind {
        ScriptKind::Sync => {
            entry["runs"] = definition["runs"].clone();
            entry["auto_start"] = definition["autoStart"].clone();
            entry["track_deletes"] = (definition["trackDeletes"] == true).into();
        }
        ScriptKind::OnEvent => entry["event"] = definition["event"].clone(),
        ScriptKind::Function => entry["trigger"] = definition["trigger"].clone(),
        ScriptKind::Action => {}
    }
    entry
}
