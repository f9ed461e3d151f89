//! `/function-revisions/{functionRevisionId}/test-inputs`.

use aggregates::package::{Command, TestInput};
use aggregates::{HandlerRevisionId, PackageId, TestInputId};
use projections::model;
use serde_json::Value;

use super::error::{Error, Kind};
use super::paging::{Numbered, Sortable};
use super::reply::Reply;
use super::request::Request;
use super::revisions::execute;
use super::rules::Object;
use super::shapes;
use crate::bus::Committed;

/// Most bytes of a payload as JSON.
const LONGEST: usize = 32 << 10;

const SORTABLE: Sortable = &[
    ("id", "id"),
    ("createdDttm", "created_at"),
    ("updatedDttm", "updated_at"),
];

/// T1.
pub async fn list(request: Request) -> Result<Reply, Error> {
    let handler = request.id_in_path("functionRevisionId")?;
    let page = Numbered::newest(&request, SORTABLE)?;
    let page = page.search(&request, "search", &["id", "description"]);
    request.must_be_allowed()?;
    of(&request, &handler).await?;
    let (view, project) = (request.view(), request.project.as_str());
    let found = view.test_inputs(project, &handler, &page.list).await?;
    let mut rows = Vec::with_capacity(found.rows.len());
    for row in &found.rows {
        rows.push(shapes::test_input(&request.app.blobs, row).await?);
    }
    Ok(Reply::page(rows, page.told(found.total)))
}

/// T2.
pub async fn create(request: Request) -> Result<Reply, Error> {
    let handler = request.id_in_path("functionRevisionId")?;
    let mut sent = Sent::read(&request)?;
    let payload = sent.payload.take();
    let payload = payload.ok_or_else(|| Error::invalid("payload is missing"))?;
    request.must_be_allowed()?;
    let package = of(&request, &handler).await?;
    let id = TestInputId::from(request.new_uuid("test-input"));
    let command = Command::AddTestInput {
        id: id.clone(),
        handler: HandlerRevisionId::from(handler),
        input: TestInput {
            payload: request.app.blobs.put_text(payload).await?,
            mime_type: sent
                .mime_type
                .unwrap_or_else(|| "application/json".to_owned()),
            description: sent.description.flatten(),
        },
    };
    let committed = execute(&request, package.as_str(), command).await?;
    answer(&request, 201, id.as_str(), &committed).await
}

/// T3.
pub async fn update(request: Request) -> Result<Reply, Error> {
    let handler = request.id_in_path("functionRevisionId")?;
    let id = request.id_in_path("functionTestInputId")?;
    let sent = Sent::read(&request)?;
    request.must_be_allowed()?;
    let package = of(&request, &handler).await?;
    let row = existing(&request, &handler, &id).await?;
    let payload = match sent.payload {
        Some(payload) => request.app.blobs.put_text(payload).await?,
        None => row.input.payload,
    };
    let command = Command::UpdateTestInput {
        id: TestInputId::from(&*id),
        handler: HandlerRevisionId::from(handler),
        input: TestInput {
            payload,
            mime_type: sent.mime_type.unwrap_or(row.input.mime_type),
            description: sent.description.unwrap_or(row.input.description),
        },
    };
    let committed = execute(&request, package.as_str(), command).await?;
    answer(&request, 200, &id, &committed).await
}

/// T4.
pub async fn delete(request: Request) -> Result<Reply, Error> {
    let handler = request.id_in_path("functionRevisionId")?;
    let id = request.id_in_path("functionTestInputId")?;
    request.must_be_allowed()?;
    let package = of(&request, &handler).await?;
    if !request.is_repeat().await? {
        existing(&request, &handler, &id).await?;
    }
    let command = Command::DeleteTestInput {
        id: TestInputId::from(&*id),
        handler: HandlerRevisionId::from(handler),
    };
    let committed = execute(&request, package.as_str(), command).await?;
    Ok(Reply::empty().committed(&committed))
}

/// What a body may hold; all of it may be absent.
struct Sent {
    /// JSON.
    payload: Option<String>,
    mime_type: Option<String>,
    description: Option<Option<String>>,
}

impl Sent {
    fn read(request: &Request) -> Result<Self, Error> {
        let mut sent = Object::body(request.body.as_ref())?;
        sent.must_not_be_empty();
        let payload = sent.any("payload").map(Value::to_string);
        let mime_type = sent.optional_text("mimeType", 1..=255);
        let description = sent.nullable_text("description", 1000);
        sent.finish()?;
        if payload
            .as_ref()
            .is_some_and(|payload| payload.len() > LONGEST)
        {
            let message = format!("A payload has at most {LONGEST} bytes as JSON");
            return Err(Error::new(Kind::TooLarge, message));
        }
        Ok(Self {
            payload,
            mime_type,
            description,
        })
    }
}

/// The package of a function of the account.
async fn of(request: &Request, handler: &str) -> Result<PackageId, Error> {
    let (view, project) = (request.view(), request.project.as_str());
    let found = view.handler(project, handler).await?;
    let found = found.ok_or_else(|| Error::missing("Function Revision", handler))?;
    Ok(found.package)
}

/// A test input of this function.
async fn existing(request: &Request, handler: &str, id: &str) -> Result<model::TestInput, Error> {
    let found = request
        .view()
        .test_input(request.project.as_str(), id)
        .await?;
    let found = found.filter(|row| row.handler.as_str() == handler);
    found.ok_or_else(|| Error::missing("Test Input", id))
}

async fn answer(
    request: &Request,
    status: u16,
    id: &str,
    committed: &Committed,
) -> Result<Reply, Error> {
    let view = request.app.reads.view(Some(committed.position));
    let row = view.test_input(request.project.as_str(), id).await?;
    let row = row.ok_or_else(|| Error::missing("Test Input", id))?;
    let shown = shapes::test_input(&request.app.blobs, &row).await?;
    Ok(Reply::data(status, shown).committed(committed))
}
