//! `/package-revisions`.

use aggregates::package::{Command, NewRevision, Package};
use aggregates::{PackageId, RevisionId};
use projections::model;
use projections::query::Scalar;
use serde_json::Value;

use super::error::{Error, Kind};
use super::packages::{self, refused, remove_deployments};
use super::paging::{Numbered, Sortable};
use super::reply::Reply;
use super::request::Request;
use super::rules::Object;
use super::{functions, shapes};
use crate::bus::Committed;

/// What functions of a revision can be sorted by.
const FUNCTIONS: Sortable = &[
    ("id", "id"),
    ("name", "name"),
    ("createdDttm", "created_at"),
    ("updatedDttm", "updated_at"),
    ("sortOrder", "sort_order"),
];

/// What deployments can be sorted by: they have no name.
const DEPLOYMENTS: Sortable = &[
    ("id", "id"),
    ("createdDttm", "created_at"),
    ("updatedDttm", "updated_at"),
];

/// R1.
pub async fn create(request: Request) -> Result<Reply, Error> {
    let mut sent = Object::body(request.body.as_ref())?;
    let package = sent.id("packageId");
    let functions = functions::read(&mut sent);
    let named = match sent.has("name") {
        true => "name",
        false => "revisionName",
    };
    let name = sent.optional_text(named, 1..=100);
    let description = sent.nullable_text("description", 1000).flatten();
    sent.finish()?;
    functions::must_fit(&functions)?;
    request.must_be_allowed()?;
    functions::must_be_open(&request, &functions)?;
    packages::existing(&request, &package).await?;
    functions::must_not_meet(&functions)?;
    if let Some(name) = &name
        && !request.is_repeat().await?
    {
        must_be_free(&request, &package, name).await?;
    }
    functions::must_not_be_too_many(&functions)?;
    let revision = RevisionId::from(request.new_uuid("revision"));
    let command = Command::AddRevision {
        revision: NewRevision {
            id: revision.clone(),
            name,
            description,
            handlers: functions::compile(&request, functions).await?,
        },
    };
    let committed = execute(&request, &package, command).await?;
    answer(&request, 201, revision.as_str(), &committed).await
}

/// The package has no revision of this name. The aggregate decides it; asked before anything is
/// compiled.
async fn must_be_free(request: &Request, package: &str, name: &str) -> Result<(), Error> {
    let key = PackageId::from(package).key(&request.project);
    let loaded = request.app.bus.load::<Package>(&key).await?;
    let mut revisions = loaded.state.revisions.values();
    match revisions.any(|revision| revision.name == name) {
        true => {
            let refusal = aggregates::package::Error::RevisionNameTaken(name.to_owned());
            Err(refused(package)(refusal))
        }
        false => Ok(()),
    }
}

/// R2.
pub async fn get(request: Request) -> Result<Reply, Error> {
    let id = request.id_in_path("packageRevisionId")?;
    request.must_be_allowed()?;
    let row = existing(&request, &id).await?;
    let blobs = &request.app.blobs;
    Ok(Reply::data(200, shapes::revision(blobs, &row).await?))
}

/// R3.
pub async fn update(request: Request) -> Result<Reply, Error> {
    let id = request.id_in_path("packageRevisionId")?;
    let mut sent = Object::body(request.body.as_ref())?;
    sent.must_not_be_empty();
    let name = sent.optional_text("name", 1..=100);
    let description = sent.nullable_text("description", 1000);
    sent.finish()?;
    request.must_be_allowed()?;
    let package = existing(&request, &id).await?.package;
    let command = Command::UpdateRevision {
        revision: RevisionId::from(&*id),
        name,
        description,
    };
    let committed = execute(&request, package.as_str(), command).await?;
    answer(&request, 200, &id, &committed).await
}

/// R4.
pub async fn delete(request: Request) -> Result<Reply, Error> {
    let id = request.id_in_path("packageRevisionId")?;
    request.must_be_allowed()?;
    let package = match request.app.reads.view(None) {
        // A repeat: the revision is gone, and which package it was of does not matter.
        _ if request.is_repeat().await? => PackageId::default(),
        view => {
            let row = view.package_revision(request.project.as_str(), &id).await?;
            let package = row.ok_or_else(|| Error::missing("Package Revision", &id))?;
            let package = package.package;
            let key = package.key(&request.project);
            request.must_match::<Package>(&key).await?;
            remove_deployments(&request, "revision", &id, Kind::RevisionActive).await?;
            package
        }
    };
    let revision = RevisionId::from(&*id);
    let command = Command::DeleteRevision { revision };
    let committed = execute(&request, package.as_str(), command).await?;
    remove_deployments(&request, "revision", &id, Kind::RevisionActive).await?;
    Ok(Reply::empty().committed(&committed))
}

/// R5.
pub async fn functions(request: Request) -> Result<Reply, Error> {
    let id = request.id_in_path("packageRevisionId")?;
    let page = Numbered::read(&request, FUNCTIONS, ("sort_order", false))?;
    let page = page.search(&request, "search", &["name"]);
    request.must_be_allowed()?;
    existing(&request, &id).await?;
    let (view, project) = (request.view(), request.project.as_str());
    let found = view.handlers(project, &id, &page.list).await?;
    let mut rows = Vec::with_capacity(found.rows.len());
    for row in &found.rows {
        let shown = shapes::function(&request.app.blobs, &row.handler, &id, row.created_at);
        rows.push(shown.await?);
    }
    Ok(Reply::page(rows, page.told(found.total)))
}

/// R6.
pub async fn deployments(request: Request) -> Result<Reply, Error> {
    let id = request.id_in_path("packageRevisionId")?;
    let page = Numbered::newest(&request, DEPLOYMENTS)?.search(&request, "search", &["id"]);
    request.must_be_allowed()?;
    existing(&request, &id).await?;
    let mut page = page.first("revision", vec![Scalar::Text(id)]);
    // Rows on keysets that the caller may not read are not there.
    if let Some(keysets) = request.allowed_keysets() {
        let numbers = keysets.into_iter();
        let numbers = numbers.filter_map(|number| i64::try_from(number).ok());
        page = page.only("keyset", numbers.map(Scalar::Integer).collect());
    }
    let (view, project) = (request.view(), request.project.as_str());
    let found = view.package_deployments(project, &page.list).await?;
    let rows = found.rows.iter().map(shapes::deployment).collect();
    Ok(Reply::page(rows, page.told(found.total)))
}

/// A revision of the account.
pub async fn existing(request: &Request, id: &str) -> Result<model::PackageRevision, Error> {
    let project = request.project.as_str();
    let found = request.view().package_revision(project, id).await?;
    found.ok_or_else(|| Error::missing("Package Revision", id))
}

/// Revisions with their functions.
pub async fn shown(
    request: &Request,
    rows: &[model::PackageRevision],
) -> Result<Vec<Value>, Error> {
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        shown.push(shapes::revision(&request.app.blobs, row).await?);
    }
    Ok(shown)
}

/// Sends a command to a package.
pub async fn execute(
    request: &Request,
    package: &str,
    command: Command,
) -> Result<Committed, Error> {
    let key = PackageId::from(package).key(&request.project);
    let bus = &request.app.bus;
    let sent = bus.execute::<Package>(&key, command, &request.context);
    sent.await
        .map_err(|error| Error::of_bus(error, refused(package)))
}

async fn answer(
    request: &Request,
    status: u16,
    id: &str,
    committed: &Committed,
) -> Result<Reply, Error> {
    let view = request.app.reads.view(Some(committed.position));
    let row = view.package_revision(request.project.as_str(), id).await?;
    let row = row.ok_or_else(|| Error::missing("Package Revision", id))?;
    let shown = shapes::revision(&request.app.blobs, &row).await?;
    Ok(Reply::data(status, shown).committed(committed))
}
