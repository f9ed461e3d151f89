//! `/packages`.

use aggregates::PackageId;
use aggregates::package::{Change, Command, Error as Refused, NewRevision, Package, Settings};
use projections::model;
use projections::query::{List, Scalar};

use super::error::{Error, Kind};
use super::paging::{Numbered, USUAL};
use super::reply::Reply;
use super::request::Request;
use super::rules::Object;
use super::{functions, revisions, shapes};
use crate::bus::Committed;
use crate::pubnub::assignments;

/// P1.
pub async fn list(request: Request) -> Result<Reply, Error> {
    let page = Numbered::newest(&request, USUAL)?.search(&request, "search", &["name"]);
    request.must_be_allowed()?;
    let project = request.project.as_str();
    let found = request.view().packages(project, &page.list).await?;
    let rows = found.rows.iter().map(shapes::package).collect();
    Ok(Reply::page(rows, page.told(found.total)))
}

/// P2.
pub async fn create(request: Request) -> Result<Reply, Error> {
    let mut sent = Object::body(request.body.as_ref())?;
    let described = Described::read(&mut sent, "revisionName");
    let functions = functions::read(&mut sent);
    let api_managed = sent.flag("apiManaged").unwrap_or(false);
    sent.finish()?;
    functions::must_fit(&functions)?;
    request.must_be_allowed()?;
    functions::must_be_open(&request, &functions)?;
    functions::must_not_meet(&functions)?;
    if !request.is_repeat().await? {
        must_be_free(&request, &described.settings.name, None).await?;
        must_have_room(&request).await?;
    }
    functions::must_not_be_too_many(&functions)?;
    let revision = NewRevision {
        id: request.new_uuid("revision").into(),
        name: Some(described.revision_name),
        description: None,
        handlers: functions::compile(&request, functions).await?,
    };
    let made = Made {
        settings: described.settings,
        api_managed,
        blueprint: None,
        revision,
    };
    let (id, committed) = made.create(&request).await?;
    answer(&request, 201, &id, &committed).await
}

/// What describes a package, as P2 and C7 send it.
pub struct Described {
    /// For the package.
    pub settings: Settings,
    /// Of its first revision.
    pub revision_name: String,
}

impl Described {
    /// Reads all but the functions.
    pub fn read(sent: &mut Object<'_>, revision_name: &str) -> Self {
        let name = sent.text("name", 1..=100);
        Self::read_named(sent, revision_name, name)
    }

    /// As [`Described::read`], where the name is known.
    pub fn read_named(sent: &mut Object<'_>, revision_name: &str, name: String) -> Self {
        let revision_name = sent.text(revision_name, 1..=100);
        let description = sent.nullable_text("description", 1000).flatten();
        let tags = sent.texts("tags", 20, 1..=50).unwrap_or_default();
        Self {
            settings: Settings {
                name,
                description,
                tags,
            },
            revision_name,
        }
    }
}

/// A package that is to be.
pub struct Made {
    /// What describes it.
    pub settings: Settings,
    /// Made by a program.
    pub api_managed: bool,
    /// What it comes from.
    pub blueprint: Option<String>,
    /// Its first revision.
    pub revision: NewRevision,
}

impl Made {
    /// Makes it, if its name is still free.
    pub async fn create(self, request: &Request) -> Result<(String, Committed), Error> {
        let id = request.new_uuid("package");
        let key = PackageId::from(&*id).key(&request.project);
        let name = self.settings.name.clone();
        let command = Command::Create {
            settings: self.settings,
            api_managed: self.api_managed,
            blueprint: self.blueprint,
            revision: self.revision,
        };
        // Names are compared one after another.
        let _turn = request.shared().making.lock().await;
        if !request.is_repeat().await? {
            must_be_free(request, &name, None).await?;
        }
        let bus = &request.app.bus;
        let sent = bus.execute::<Package>(&key, command, &request.context);
        let committed = sent
            .await
            .map_err(|error| Error::of_bus(error, refused(&id)))?;
        if !request.app.cluster.is_alone() && !committed.duplicate {
            give_way(request, &name, &id, committed.position).await?;
        }
        Ok((id, committed))
    }
}

/// Another node may have taken the name at the same time: who was first in the one order of all
/// changes keeps it, and the other takes back what it made.
async fn give_way(request: &Request, name: &str, id: &str, position: u64) -> Result<(), Error> {
    let view = request.app.reads.view(Some(position));
    let first = view.package_by_name(request.project.as_str(), name).await?;
    if first.is_none_or(|first| first.id.as_str() == id) {
        return Ok(());
    }
    let key = PackageId::from(id).key(&request.project);
    let context = request.further("give-way");
    let bus = &request.app.bus;
    bus.execute::<Package>(&key, Command::Delete, &context)
        .await?;
    let message = format!("A package with the name '{name}' exists already");
    Err(Error::new(Kind::NotUnique, message))
}

/// P3.
pub async fn get(request: Request) -> Result<Reply, Error> {
    let id = request.id_in_path("packageId")?;
    request.must_be_allowed()?;
    let row = existing(&request, &id).await?;
    Ok(Reply::data(200, shapes::package(&row)))
}

/// P4.
pub async fn update(request: Request) -> Result<Reply, Error> {
    let id = request.id_in_path("packageId")?;
    let mut sent = Object::body(request.body.as_ref())?;
    sent.must_not_be_empty();
    let change = Change {
        name: sent.optional_text("name", 1..=100),
        description: sent.nullable_text("description", 1000),
        tags: sent.texts("tags", 20, 1..=50),
    };
    sent.finish()?;
    request.must_be_allowed()?;
    let _turn = request.shared().making.lock().await;
    if !request.is_repeat().await? {
        existing(&request, &id).await?;
        if let Some(name) = &change.name {
            must_be_free(&request, name, Some(&id)).await?;
        }
    }
    let key = PackageId::from(&*id).key(&request.project);
    let bus = &request.app.bus;
    let sent = bus.execute::<Package>(&key, Command::Update { change }, &request.context);
    let committed = sent
        .await
        .map_err(|error| Error::of_bus(error, refused(&id)))?;
    answer(&request, 200, &id, &committed).await
}

/// P5.
pub async fn delete(request: Request) -> Result<Reply, Error> {
    let id = request.id_in_path("packageId")?;
    request.must_be_allowed()?;
    let key = PackageId::from(&*id).key(&request.project);
    if !request.is_repeat().await? {
        existing(&request, &id).await?;
        request.must_match::<Package>(&key).await?;
        remove_deployments(&request, "package", &id, Kind::PackageActive).await?;
    }
    let bus = &request.app.bus;
    let sent = bus.execute::<Package>(&key, Command::Delete, &request.context);
    let committed = sent
        .await
        .map_err(|error| Error::of_bus(error, refused(&id)))?;
    // One that was assigned meanwhile has no package any more.
    remove_deployments(&request, "package", &id, Kind::PackageActive).await?;
    Ok(Reply::empty().committed(&committed))
}

/// P6.
pub async fn revisions(request: Request) -> Result<Reply, Error> {
    let id = request.id_in_path("packageId")?;
    let page = Numbered::newest(&request, USUAL)?.search(&request, "search", &["name"]);
    request.must_be_allowed()?;
    existing(&request, &id).await?;
    let (view, project) = (request.view(), request.project.as_str());
    let found = view.package_revisions(project, &id, &page.list).await?;
    let rows = revisions::shown(&request, &found.rows).await?;
    Ok(Reply::page(rows, page.told(found.total)))
}

/// A package of the account.
pub async fn existing(request: &Request, id: &str) -> Result<model::Package, Error> {
    let found = request.view().package(request.project.as_str(), id).await?;
    found.ok_or_else(|| Error::missing("Package", id))
}

/// What the aggregate decides against.
pub fn refused(id: &str) -> impl FnOnce(Refused) -> Error {
    let id = id.to_owned();
    move |refused| match refused {
        Refused::NotFound => Error::missing("Package", id),
        Refused::RevisionNotFound(id) => Error::missing("Package Revision", id),
        Refused::HandlerNotFound(id) => Error::missing("Function Revision", id),
        Refused::TestInputNotFound(id) => Error::missing("Test Input", id),
        Refused::TooManyTestInputs(_) => Error::new(Kind::TestInputLimit, refused.to_string()),
        Refused::AlreadyExists | Refused::RevisionNameTaken(_) => {
            Error::new(Kind::NotUnique, refused.to_string())
        }
    }
}

/// The package as a command left it.
pub async fn answer(
    request: &Request,
    status: u16,
    id: &str,
    committed: &Committed,
) -> Result<Reply, Error> {
    let view = request.app.reads.view(Some(committed.position));
    let row = view.package(request.project.as_str(), id).await?;
    let row = row.ok_or_else(|| Error::missing("Package", id))?;
    Ok(Reply::data(status, shapes::package(&row)).committed(committed))
}

/// No other package has this name, whatever the case of its letters.
pub async fn must_be_free(request: &Request, name: &str, but: Option<&str>) -> Result<(), Error> {
    let view = request.app.reads.view(None);
    let found = view.package_by_name(request.project.as_str(), name).await?;
    match found.filter(|found| but != Some(found.id.as_str())) {
        Some(_) => {
            let message = format!("A package with the name '{name}' exists already");
            Err(Error::new(Kind::NotUnique, message))
        }
        None => Ok(()),
    }
}

/// The account may have another package.
pub async fn must_have_room(request: &Request) -> Result<(), Error> {
    let most = request.app.config.pubnub_packages;
    let list = List {
        limit: 1,
        count_up_to: Some(most.saturating_add(1)),
        ..List::default()
    };
    let view = request.app.reads.view(None);
    let page = view.packages(request.project.as_str(), &list).await?;
    match page.total >= most {
        true => {
            let message = format!("An account has at most {most} packages");
            Err(Error::new(Kind::PackageLimit, message))
        }
        false => Ok(()),
    }
}

/// Takes what does not run off its keysets; refuses when anything does. `column` says of what.
pub async fn remove_deployments(
    request: &Request,
    column: &'static str,
    id: &str,
    active: Kind,
) -> Result<(), Error> {
    let of = (column, Scalar::Text(id.to_owned()));
    let further = |step: &str| request.further(step);
    let removed = assignments::remove(request.shared(), &request.project, of, further);
    removed.await.map_err(|error| match error {
        assignments::Error::Active(id) => {
            let message = format!("The deployment {id} is active; stop it first");
            Error::new(active, message)
        }
        assignments::Error::Reads(error) => error.into(),
        assignments::Error::Bus(error) => error.into(),
    })
}
