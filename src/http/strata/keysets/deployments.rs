//! What is deployed on a keyset.

use std::collections::HashMap;
use std::sync::Arc;

use aggregates::pkgdeploy::Status;
use axum::Json;
use axum::extract::{Path, Query, State};
use projections::model;
use projections::query::{Filter, List, Operator, Order, OrderBy, Scalar};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Error;
use super::super::caller::Caller;
use super::super::page::Page;
use super::super::projects::time;
use super::{DEPLOYMENTS, find, missing, must_allow};
use crate::app::App;

#[derive(Deserialize)]
pub(super) struct Asked {
    /// Only those in this state.
    state: Option<String>,
    limit: Option<u32>,
    offset: Option<u32>,
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(number): Path<u64>,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Error> {
    let keyset = find(&app, &caller, number, caller.as_of).await?;
    let keyset = keyset.ok_or_else(|| missing(number))?;
    must_allow(&caller, DEPLOYMENTS, number)?;
    let project = keyset.project.as_str();
    let on = i64::try_from(number).unwrap_or(i64::MAX);
    let mut filters = vec![equal("keyset", Scalar::Integer(on))];
    if let Some(state) = asked.state {
        let known = [
            Status::Stopped,
            Status::Starting,
            Status::Running,
            Status::Stopping,
            Status::Failed,
        ];
        if !known.iter().any(|status| status.as_str() == state) {
            let names = known.map(Status::as_str).join(", ");
            return Err(Error::Invalid(format!("state must be one of {names}")));
        }
        filters.push(equal("status", Scalar::Text(state)));
    }
    let list = List {
        filters,
        order: vec![Order {
            by: OrderBy::Insertion,
            descending: false,
        }],
        limit: Page::limit(asked.limit)?,
        offset: asked.offset.unwrap_or(0),
        count_up_to: Some(u32::MAX),
        ..List::default()
    };
    let view = app.reads.view(caller.as_of);
    let page = view.package_deployments(project, &list).await?;
    let mut names: HashMap<String, (String, String, Vec<Value>)> = HashMap::new();
    for row in &page.rows {
        if names.contains_key(row.revision.as_str()) {
            continue;
        }
        let package = view.package(project, row.package.as_str()).await?;
        let revision = view
            .package_revision(project, row.revision.as_str())
            .await?;
        let functions = revision.iter().flat_map(|revision| &revision.handlers);
        let functions = functions.map(|handler| {
            json!({
                "functionRevisionId": handler.revision.as_str(),
                "name": handler.name,
                "type": handler.trigger.kind.as_str(),
            })
        });
        let told = (
            package
                .map(|package| package.settings.name)
                .unwrap_or_default(),
            revision
                .as_ref()
                .map(|revision| revision.name.clone())
                .unwrap_or_default(),
            functions.collect(),
        );
        names.insert(row.revision.to_string(), told);
    }
    let place = |row: &model::PackageDeployment| {
        let mut connected = keyset.row.connected.iter();
        connected.position(|id| *id == row.id)
    };
    let show = |row: &model::PackageDeployment| {
        let (package, revision, functions) = &names[row.revision.as_str()];
        let failure = row.failure.as_ref();
        json!({
            "id": row.id.as_str(),
            "packageId": row.package.as_str(),
            "packageName": package,
            "packageRevisionId": row.revision.as_str(),
            "packageRevisionName": revision,
            "state": row.status.as_str(),
            // Among those that take part, in the order in which they are asked.
            "place": place(row),
            "runningSince": row.running_since.map(time),
            "replacing": row.replacing.as_ref().map(|id| id.as_str()),
            "failure": failure.map(|(code, reason)| json!({"code": code, "message": reason})),
            "functions": functions,
            "createdAt": time(row.created_at),
            "updatedAt": time(row.updated_at),
        })
    };
    let rows: Vec<Value> = page.rows.iter().map(show).collect();
    Ok(Json(json!({"total": page.total, "deployments": rows})))
}

fn equal(column: &'static str, value: Scalar) -> Filter {
    Filter::Compare {
        column,
        operator: Operator::Equal,
        values: vec![value],
    }
}
