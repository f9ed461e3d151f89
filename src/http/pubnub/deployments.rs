//! Package deployments (section 6.4): a revision on a keyset, whether it runs, and what takes its
//! place.

use std::time::Duration;

use aggregates::pkgdeploy::{self, Command, PackageDeployment, Status};
use aggregates::{AssignmentKey, PackageDeploymentId};
use projections::model;
use projections::query::{Filter, List, Operator, Order, OrderBy, Scalar};
use serde_json::{Value, json};

use super::error::{Error, Kind};
use super::reply::Reply;
use super::request::Request;
use super::rules::Object;
use super::{functions, shapes};
use crate::bus;
use crate::pubnub::deploy::{Asked, Deployments, Refused};

/// How long a start or a stop is waited for (section 7.1).
const WAIT: Duration = Duration::from_secs(5);
/// Most deployments of one package or revision that are looked at.
const MOST: u32 = 100_000;

/// D1
pub async fn create(request: Request) -> Result<Reply, Error> {
    let mut body = Object::body(request.body.as_ref())?;
    let revision = body.id("packageRevisionId");
    let keyset = body.positive("keysetId");
    body.finish()?;
    request.must_be_allowed()?;
    let (view, project) = (request.view(), request.project.as_str());
    let found = view.package_revision(project, &revision).await?;
    let found = found.ok_or_else(|| Error::missing("Package Revision", &revision))?;
    let there = view.keyset(project, keyset).await?;
    there.ok_or_else(|| Error::missing("Keyset", keyset))?;
    request.must_be_allowed_on(keyset)?;
    let key = AssignmentKey::new(&found.id, keyset);
    let handlers = found.handlers.iter();
    let command = Command::Assign {
        id: request.new_uuid("package-deployment").into(),
        package: found.package.clone(),
        revision: found.id.clone(),
        keyset,
        handlers: handlers.map(|handler| handler.revision.clone()).collect(),
    };
    let assigned = deployments(&request).assign(&request.project, command, &request.context);
    let committed = assigned
        .await
        .map_err(|refused| told(refused, Kind::CannotStart))?;
    let row = by_key(&request, &key, Some(committed.position)).await?;
    let row = row.ok_or_else(|| Error::missing("Package Deployment", key))?;
    Ok(Reply::data(201, shapes::deployment(&row)).committed(&committed))
}

/// D2
pub async fn get(request: Request) -> Result<Reply, Error> {
    let row = find(&request).await?;
    Ok(Reply::data(200, shapes::deployment(&row)))
}

/// D3
pub async fn delete(request: Request) -> Result<Reply, Error> {
    let row = find(&request).await?;
    let stream = row.key.key(&request.project);
    let bus = &request.app.bus;
    let deleted = bus.execute::<PackageDeployment>(&stream, Command::Delete, &request.context);
    let committed = deleted.await.map_err(|error| {
        Error::of_bus(error, |refused| match refused {
            pkgdeploy::Error::NotFound => Error::missing("Package Deployment", &row.id),
            refused => Error::new(
                Kind::DeploymentNotDeletable,
                format!("The package deployment cannot be deleted: {refused}"),
            ),
        })
    })?;
    Ok(Reply::empty().committed(&committed))
}

/// D4
pub async fn start(request: Request) -> Result<Reply, Error> {
    let row = find(&request).await?;
    let (project, context) = (&request.project, &request.context);
    let asked = deployments(&request).ask_start(project, &row.key, None, context);
    let asked = asked
        .await
        .map_err(|refused| told(refused, Kind::CannotStart))?;
    started(&request, &row.id, &asked).await
}

/// D5
pub async fn stop(request: Request) -> Result<Reply, Error> {
    let force = match request.in_query("force") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Error::invalid("force must be true or false")),
    };
    let row = find(&request).await?;
    let (project, context) = (&request.project, &request.context);
    let asked = deployments(&request).ask_stop(project, &row.key, force, context);
    let asked = asked
        .await
        .map_err(|refused| told(refused, Kind::CannotStop))?;
    let row = after(&request, &row.id, &asked).await?;
    Ok(reply(&request, &row, &asked))
}

/// D6. The order of checks is that of section 8.
pub async fn roll(request: Request) -> Result<Reply, Error> {
    let old_id = request.id_in_path("packageDeploymentId")?;
    let mut body = Object::body(request.body.as_ref())?;
    let new_id = body.id("newPackageDeploymentId");
    body.finish()?;
    request.must_be_allowed()?;
    let old = visible(&request, &old_id).await?;
    let new = visible(&request, &new_id).await?;
    let mismatch = if old.id == new.id {
        Some("A package deployment cannot replace itself")
    } else if old.keyset != new.keyset {
        Some("Both package deployments must be on the same keyset")
    } else if old.package != new.package {
        Some("Both package deployments must be of revisions of the same package")
    } else {
        None
    };
    if let Some(message) = mismatch {
        return Err(Error::invalid(message));
    }
    if old.status != Status::Running || !matches!(new.status, Status::Stopped | Status::Failed) {
        let message = format!(
            "A running package deployment can be replaced by a stopped one; these are {} and {}",
            old.status.as_str(),
            new.status.as_str()
        );
        return Err(Error::new(Kind::CannotStart, message));
    }
    request.must_be_allowed_on(old.keyset)?;
    let (project, context) = (&request.project, &request.context);
    let replacing = Some(old.id);
    let asked = deployments(&request).ask_start(project, &new.key, replacing, context);
    let asked = asked
        .await
        .map_err(|refused| told(refused, Kind::CannotStart))?;
    started(&request, &new.id, &asked).await
}

/// D7
pub async fn intersected(request: Request) -> Result<Reply, Error> {
    let keyset = request.in_query("keyset_id").map(str::parse::<u64>);
    let keyset = match keyset {
        Some(Ok(keyset)) if keyset > 0 => keyset,
        _ => return Err(Error::invalid("keyset_id must be a positive integer")),
    };
    let channels: Vec<&str> = request.all_in_query("channel").collect();
    if !(1..=100).contains(&channels.len()) {
        return Err(Error::invalid("channel must be given 1 to 100 times"));
    }
    if let Some(wrong) = channels
        .iter()
        .find(|text| !aggregates::channel::is_pattern(text))
    {
        return Err(Error::invalid(format!(
            "{wrong:?} is no channel or pattern"
        )));
    }
    let kind = match request.in_query("function_type") {
        None => None,
        Some(word) => {
            let kind = functions::kind(word);
            Some(kind.map_err(|what| Error::invalid(format!("function_type {what}")))?)
        }
    };
    request.must_be_allowed()?;
    let (view, project) = (request.view(), request.project.as_str());
    let there = view.keyset(project, keyset).await?;
    there.ok_or_else(|| Error::missing("Keyset", keyset))?;
    request.must_be_allowed_on(keyset)?;
    let number = i64::try_from(keyset).unwrap_or(i64::MAX);
    let filters = vec![
        equal("keyset", Scalar::Integer(number)),
        equal("status", text(Status::Running.as_str())),
    ];
    let mut running = Vec::new();
    for row in all(&request, filters).await? {
        let revision = view
            .package_revision(project, row.revision.as_str())
            .await?;
        let handlers = revision
            .map(|revision| revision.handlers)
            .unwrap_or_default();
        let triggers = handlers.into_iter().map(|handler| handler.trigger);
        let listening = triggers.filter(|trigger| kind.is_none_or(|kind| trigger.kind == kind));
        let patterns: Vec<String> = listening.filter_map(|found| found.input_channel).collect();
        running.push((patterns, shapes::deployment(&row)));
    }
    let meeting = |channel: &str| -> Vec<&Value> {
        let meets = |patterns: &[String]| {
            let mut patterns = patterns.iter();
            patterns.any(|pattern| aggregates::channel::intersect(pattern, channel))
        };
        let found = running.iter().filter(|(patterns, _)| meets(patterns));
        found.map(|(_, shown)| shown).collect()
    };
    let answer = channels
        .iter()
        .map(|channel| json!({"channel": channel, "packageDeployments": meeting(channel)}));
    Ok(Reply::data(200, answer.collect()))
}

/// D8
pub async fn stop_by(request: Request) -> Result<Reply, Error> {
    let package = request.id_in_query("package_id")?;
    let revision = request.id_in_query("package_revision_id")?;
    request.must_be_allowed()?;
    let (view, project) = (request.view(), request.project.as_str());
    let filter = match (package, revision) {
        (Some(id), None) => {
            let found = view.package(project, &id).await?;
            found.ok_or_else(|| Error::missing("Package", &id))?;
            equal("package", text(&id))
        }
        (None, Some(id)) => {
            let found = view.package_revision(project, &id).await?;
            found.ok_or_else(|| Error::missing("Package Revision", &id))?;
            equal("revision", text(&id))
        }
        _ => {
            let message = "Exactly one of package_id and package_revision_id must be given";
            return Err(Error::invalid(message));
        }
    };
    let rows = all(&request, vec![filter]).await?;
    if !rows.is_empty() && rows.iter().all(|row| row.status.is_transitional()) {
        let message = "Every package deployment is between states";
        return Err(Error::new(Kind::CannotStop, message));
    }
    let running = rows.into_iter().filter(|row| row.status == Status::Running);
    let stops = running.map(|row| stop_one(&request, row));
    let stopped = futures::future::join_all(stops).await;
    let status = if request.prefers(ASYNC) { 202 } else { 200 };
    Ok(applied(
        &request,
        Reply::data(status, stopped.into_iter().flatten().collect()),
    ))
}

/// One of several; none: somebody else is at it. One that cannot be stopped is shown as failed.
async fn stop_one(request: &Request, row: model::PackageDeployment) -> Option<Value> {
    let context = request.further(row.id.as_str());
    let asked = deployments(request).ask_stop(&request.project, &row.key, false, &context);
    let stopped = match asked.await {
        Ok(asked) => after(request, &row.id, &asked).await,
        Err(Refused::Deployment(bus::Error::Refused(_))) => return None,
        Err(refused) => Err(told(refused, Kind::CannotStop)),
    };
    Some(match stopped {
        Ok(row) => shapes::deployment(&row),
        Err(_) => shapes::deployment(&model::PackageDeployment {
            status: Status::Failed,
            ..row
        }),
    })
}

/// What is preferred by who does not wait.
const ASYNC: &str = "respond-async";

fn deployments(request: &Request) -> &Deployments {
    &request.app.pubnub.deployments
}

/// The deployment of the path, when the caller may do what the route does with it.
async fn find(request: &Request) -> Result<model::PackageDeployment, Error> {
    let id = request.id_in_path("packageDeploymentId")?;
    request.must_be_allowed()?;
    let row = visible(request, &id).await?;
    request.must_be_allowed_on(row.keyset)?;
    Ok(row)
}

/// A deployment of the caller's account.
pub(super) async fn visible(
    request: &Request,
    id: &str,
) -> Result<model::PackageDeployment, Error> {
    let view = request.view();
    let row = view
        .package_deployment(request.project.as_str(), id)
        .await?;
    row.ok_or_else(|| Error::missing("Package Deployment", id))
}

async fn by_key(
    request: &Request,
    key: &AssignmentKey,
    at: Option<u64>,
) -> Result<Option<model::PackageDeployment>, Error> {
    let Some((revision, keyset)) = key.as_str().rsplit_once('@') else {
        return Ok(None);
    };
    let list = List {
        filters: vec![
            equal("revision", text(revision)),
            equal(
                "keyset",
                Scalar::Integer(keyset.parse().unwrap_or_default()),
            ),
        ],
        limit: 1,
        ..List::default()
    };
    let view = request.app.reads.view(at);
    let page = view.package_deployments(request.project.as_str(), &list);
    Ok(page.await?.rows.into_iter().next())
}

/// Every deployment that is meant, oldest first.
async fn all(
    request: &Request,
    filters: Vec<Filter>,
) -> Result<Vec<model::PackageDeployment>, Error> {
    let list = List {
        filters,
        order: vec![Order {
            by: OrderBy::Insertion,
            descending: false,
        }],
        limit: MOST,
        ..List::default()
    };
    let view = request.view();
    let page = view.package_deployments(request.project.as_str(), &list);
    Ok(page.await?.rows)
}

/// The deployment when what was asked has ended, or as it is where nobody waits.
async fn after(
    request: &Request,
    id: &PackageDeploymentId,
    asked: &Asked,
) -> Result<model::PackageDeployment, Error> {
    let wait = match request.prefers(ASYNC) {
        true => Duration::ZERO,
        false => WAIT,
    };
    let row = deployments(request).ended(&request.project, id, asked, wait);
    let row = row.await?;
    row.ok_or_else(|| Error::missing("Package Deployment", id))
}

/// The answer to a start, which may have failed already.
async fn started(
    request: &Request,
    id: &PackageDeploymentId,
    asked: &Asked,
) -> Result<Reply, Error> {
    let row = after(request, id, asked).await?;
    let ended = !row.status.is_transitional();
    match &row.failure {
        Some((code, reason)) if ended && row.status != Status::Running => {
            let (conflict, _) = Kind::RouteConflict.code();
            let kind = match code == conflict {
                true => Kind::RouteConflict,
                false => Kind::StartFailed,
            };
            Err(Error::new(kind, reason))
        }
        _ => Ok(reply(request, &row, asked)),
    }
}

fn reply(request: &Request, row: &model::PackageDeployment, asked: &Asked) -> Reply {
    let status = if request.prefers(ASYNC) { 202 } else { 200 };
    let reply = Reply::data(status, shapes::deployment(row)).committed(&asked.committed);
    applied(request, reply)
}

fn applied(request: &Request, reply: Reply) -> Reply {
    match request.prefers(ASYNC) {
        true => reply.header("preference-applied", ASYNC),
        false => reply,
    }
}

/// Why something was not begun. `between`: what it is called when the deployment is between states.
fn told(refused: Refused, between: Kind) -> Error {
    match refused {
        Refused::RunningLimit(_) => Error::new(Kind::RunningLimit, refused.to_string()),
        Refused::KeysetLimit(_) => Error::new(Kind::KeysetLimit, refused.to_string()),
        Refused::Deployment(error) => Error::of_bus(error, |refused| match refused {
            pkgdeploy::Error::AlreadyAssigned => {
                let message = "This package revision is already assigned to this keyset";
                Error::new(Kind::AlreadyAssigned, message)
            }
            pkgdeploy::Error::NotFound => Error::missing("Package Deployment", ""),
            _ => Error::new(between, "The package deployment is between states"),
        }),
        Refused::Reads(error) => error.into(),
        Refused::Broken(error) => {
            tracing::error!(%error, "a deployment was not stopped");
            Error::new(Kind::StopFailed, "The package deployment failed to stop")
        }
    }
}

pub(super) fn equal(column: &'static str, value: Scalar) -> Filter {
    Filter::Compare {
        column,
        operator: Operator::Equal,
        values: vec![value],
    }
}

fn text(value: &str) -> Scalar {
    Scalar::Text(value.to_owned())
}
