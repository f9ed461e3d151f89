//! Scheduled events (sections 6.8 and 7.3): windows of time in which a deployment runs.

use aggregates::pkgdeploy::{
    self, Action, ActionState, Command, EventState, PackageDeployment, Scheduled,
};
use aggregates::{ProjectId, ScheduledEventId};
use projections::model;
use projections::query::Scalar;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::deployments::visible;
use super::error::{Error, Kind};
use super::paging::{Numbered, Sortable};
use super::reply::Reply;
use super::request::Request;
use super::rules::Object;
use super::time;
use crate::auth::now_ms;
use crate::bus;

const SORTABLE: Sortable = &[
    ("id", "id"),
    ("name", "description"),
    ("createdDttm", "created_at"),
    ("updatedDttm", "updated_at"),
    ("dttmBegin", "begin"),
    ("dttmEnd", "end"),
];

/// Longest description, in characters.
const DESCRIPTION: usize = 1000;

fn show(project: &ProjectId, row: &model::ScheduledEvent) -> Value {
    let event = &row.event;
    let action = |action: &Action, kind: &str, at: i64, updated_at: i64| {
        json!({
            "id": action.id,
            "accountId": account(project),
            "packageDeploymentId": row.deployment.as_str(),
            "type": kind,
            "dttm": time::format(at),
            "description": event.description,
            "state": action.state.as_str(),
            "createdDttm": time::format(row.created_at),
            "updatedDttm": time::format(updated_at),
        })
    };
    json!({
        "id": row.id.as_str(),
        "dttmBegin": time::format(event.begin),
        "dttmEnd": time::format(event.end),
        "description": event.description,
        "state": event.state().as_str(),
        "scheduledActions": [
            action(&event.start, "START", event.begin, row.start_updated_at),
            action(&event.stop, "STOP", event.end, row.stop_updated_at),
        ],
        "createdDttm": time::format(row.created_at),
        "updatedDttm": time::format(row.updated_at),
    })
}

/// The dialect numbers its accounts; a project has a number that follows from its name.
fn account(project: &ProjectId) -> u32 {
    let digest = Sha256::digest(project.as_str().as_bytes());
    let number = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    (number >> 1).max(1)
}

/// E1
pub async fn list(request: Request) -> Result<Reply, Error> {
    let mut page = Numbered::newest(&request, SORTABLE)?;
    page = page.search(&request, "search", &["id", "description"]);
    request.must_be_allowed()?;
    if let Some(keysets) = request.allowed_keysets() {
        if keysets.is_empty() {
            return Err(Error::forbidden("functions.package-deployment:read"));
        }
        let numbers = keysets
            .into_iter()
            .map(|number| i64::try_from(number).unwrap_or(i64::MAX));
        page = page.only("keyset", numbers.map(Scalar::Integer).collect());
    }
    let view = request.view();
    let found = view
        .scheduled_events(request.project.as_str(), &page.list)
        .await?;
    let rows = found.rows.iter().map(|row| show(&request.project, row));
    Ok(Reply::page(rows.collect(), page.told(found.total)))
}

/// E2
pub async fn create(request: Request) -> Result<Reply, Error> {
    let mut body = Object::body(request.body.as_ref())?;
    let deployment = body.id("packageDeploymentId");
    let description = body.nullable_text("description", DESCRIPTION).flatten();
    for name in ["dttmBegin", "dttmEnd"] {
        if body.any(name).is_none_or(Value::is_null) {
            body.wrong(name, "is missing");
        }
    }
    let (begin, end) = (moment(&body, "dttmBegin"), moment(&body, "dttmEnd"));
    body.finish()?;
    let (begin, end) = (begin?.unwrap_or_default(), end?.unwrap_or_default());
    in_future("dttmBegin", begin)?;
    in_order(begin, end)?;
    request.must_be_allowed()?;
    let row = visible(&request, &deployment).await?;
    request.must_be_allowed_on(row.keyset)?;
    let action = |purpose| Action {
        id: request.new_uuid(purpose),
        state: ActionState::Pending,
    };
    let event = Scheduled {
        id: request.new_uuid("scheduled-event").into(),
        begin,
        end,
        description,
        start: action("start-action"),
        stop: action("stop-action"),
    };
    let id = event.id.clone();
    let command = Command::Schedule { event };
    let stream = row.key.key(&request.project);
    let bus = &request.app.bus;
    let done = bus.execute::<PackageDeployment>(&stream, command, &request.context);
    let committed = done.await.map_err(|error| told(error, &id))?;
    let view = request.app.reads.view(Some(committed.position));
    let row = view.scheduled_event(request.project.as_str(), id.as_str());
    let row = row.await?.ok_or_else(|| missing(&id))?;
    Ok(Reply::data(201, show(&request.project, &row)).committed(&committed))
}

/// E3
pub async fn get(request: Request) -> Result<Reply, Error> {
    let row = find(&request).await?;
    Ok(Reply::data(200, show(&request.project, &row)))
}

/// E4
pub async fn update(request: Request) -> Result<Reply, Error> {
    let mut body = Object::body(request.body.as_ref())?;
    let description = body.nullable_text("description", DESCRIPTION);
    let (begin, end) = (moment(&body, "dttmBegin"), moment(&body, "dttmEnd"));
    body.finish()?;
    let (begin, end) = (begin?, end?);
    let row = find(&request).await?;
    let event = &row.event;
    let begun = event.start.state != ActionState::Pending;
    match event.state() {
        EventState::Pending | EventState::Running => {}
        state => {
            let message = format!("A scheduled event that is {} is frozen", state.as_str());
            return Err(Error::new(Kind::BadDate, message));
        }
    }
    if let Some(begin) = begin.filter(|begin| *begin != event.begin) {
        if begun {
            let message = "dttmBegin cannot be changed once the event has begun";
            return Err(Error::new(Kind::BadDate, message));
        }
        in_future("dttmBegin", begin)?;
    }
    if let Some(end) = end.filter(|end| *end != event.end) {
        in_future("dttmEnd", end)?;
    }
    in_order(begin.unwrap_or(event.begin), end.unwrap_or(event.end))?;
    let command = Command::Reschedule {
        id: row.id.clone(),
        begin,
        end,
        description,
    };
    let stream = row.key.key(&request.project);
    let bus = &request.app.bus;
    let done = bus.execute::<PackageDeployment>(&stream, command, &request.context);
    let committed = done.await.map_err(|error| told(error, &row.id))?;
    let view = request.app.reads.view(Some(committed.position));
    let found = view.scheduled_event(request.project.as_str(), row.id.as_str());
    let found = found.await?.ok_or_else(|| missing(&row.id))?;
    Ok(Reply::data(200, show(&request.project, &found)).committed(&committed))
}

/// E5
pub async fn delete(request: Request) -> Result<Reply, Error> {
    let row = find(&request).await?;
    let command = Command::Unschedule { id: row.id.clone() };
    let stream = row.key.key(&request.project);
    let bus = &request.app.bus;
    let done = bus.execute::<PackageDeployment>(&stream, command, &request.context);
    let committed = done.await.map_err(|error| told(error, &row.id))?;
    Ok(Reply::empty().committed(&committed))
}

/// The event of the path, when the caller may do what the route does with it.
async fn find(request: &Request) -> Result<model::ScheduledEvent, Error> {
    let id = request.id_in_path("scheduledEventId")?;
    request.must_be_allowed()?;
    let view = request.view();
    let row = view.scheduled_event(request.project.as_str(), &id).await?;
    let row = row.ok_or_else(|| missing(&id.into()))?;
    request.must_be_allowed_on(row.keyset)?;
    Ok(row)
}

/// A time with its offset, in milliseconds since the Unix epoch; none: it is not given.
fn moment(body: &Object<'_>, name: &str) -> Result<Option<i64>, Error> {
    let Some(value) = body.any(name).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let parsed = value.as_str().map(str::parse::<jiff::Timestamp>);
    match parsed {
        Some(Ok(time)) => Ok(Some(time.as_millisecond())),
        _ => {
            let message = format!("{name} must be an ISO 8601 time with an offset");
            Err(Error::new(Kind::BadDate, message))
        }
    }
}

fn in_future(name: &str, at: i64) -> Result<(), Error> {
    match at > now_ms() {
        true => Ok(()),
        false => {
            let message = format!("{name} must be in the future");
            Err(Error::new(Kind::BadDate, message))
        }
    }
}

fn in_order(begin: i64, end: i64) -> Result<(), Error> {
    match end > begin {
        true => Ok(()),
        false => Err(Error::new(Kind::BadDate, "dttmEnd must be after dttmBegin")),
    }
}

fn missing(id: &ScheduledEventId) -> Error {
    Error::missing("Scheduled Event", id)
}

fn told(error: bus::Error<pkgdeploy::Error>, id: &ScheduledEventId) -> Error {
    use pkgdeploy::Error as Of;
    Error::of_bus(error, |refused| match refused {
        Of::Overlap => {
            let message = "The package deployment has a scheduled event at that time already";
            Error::new(Kind::NotUnique, message)
        }
        Of::Frozen => Error::new(
            Kind::BadDate,
            "The scheduled event cannot be changed any more",
        ),
        Of::EventRunning => {
            let message = "A running scheduled event cannot be deleted";
            Error::new(Kind::EventNotDeletable, message)
        }
        _ => missing(id),
    })
}
