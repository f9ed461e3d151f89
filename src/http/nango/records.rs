//! `/records`: what syncs have fetched.

use records::{Action, Cursor, Error as StoreError, Query, Scope};
use serde_json::{Value, json};

use super::actions::on_behalf;
use super::error::Error;
use super::reply::Reply;
use super::request::Request;
use super::rules::{Object, Text};
use crate::http::as_of;
use crate::nango::syncs::BASE;
use crate::nango::{keys, records::shown};

/// Dates further back are refused.
const OLDEST: i64 = 365 * 24 * 60 * 60 * 1000;

fn failed(error: StoreError) -> Error {
    match error {
        StoreError::Cursor(_) => Error::new(400, "invalid_cursor_value", "Invalid cursor value"),
        error => Error::unavailable(&error.to_string()),
    }
}

/// Lists records of a model.
pub async fn list(request: Request) -> Result<Reply, Error> {
    let (connection, integration) = on_behalf(&request)?;
    let mut sent = request.query_object();
    if let Some(ids) = sent.as_object_mut().and_then(|sent| sent.remove("ids[]")) {
        sent["ids"] = ids;
    }
    let mut object = Object::body(Some(&sent));
    let model = object.text("model", Text::Model).to_owned();
    let variant = object
        .optional_text("variant", Text::Name)
        .map(str::to_owned);
    let cursor = object
        .optional_text("cursor", Text::Length(1, 4096))
        .map(str::to_owned);
    let limit = match object.optional_text("limit", Text::Length(1, 10)) {
        None => 100,
        Some(text) => match text.parse::<i64>() {
            Ok(number @ 1..=10_000) => number,
            Ok(number) if number > 10_000 => {
                object.refuse("limit", "too_big", "Too big: expected number to be <=10000");
                100
            }
            Ok(_) => {
                object.refuse("limit", "too_small", "Too small: expected number to be >=1");
                100
            }
            Err(_) => {
                object.refuse(
                    "limit",
                    "invalid_type",
                    "Invalid input: expected number, received NaN",
                );
                100
            }
        },
    };
    let filter = object
        .optional_text("filter", Text::Length(1, 255))
        .map(str::to_owned);
    let mut actions = Vec::new();
    for name in filter.iter().flat_map(|filter| filter.split(',')) {
        match name.trim().to_ascii_lowercase().as_str() {
            "added" => actions.push(Action::Added),
            "updated" => actions.push(Action::Updated),
            "deleted" => actions.push(Action::Deleted),
            _ => object.refuse(
                "filter",
                "invalid_value",
                "Invalid option: expected one of \"added\"|\"updated\"|\"deleted\"",
            ),
        }
    }
    let after = object
        .optional_text("modified_after", Text::Length(1, 64))
        .map(str::to_owned);
    let delta = object
        .optional_text("delta", Text::Length(1, 64))
        .map(str::to_owned);
    let after = after.or(delta);
    let mut modified_after = None;
    if let Some(text) = &after {
        match moment(text) {
            Some(at) if at < crate::auth::now_ms() - OLDEST => {
                object.refuse(
                    "modified_after",
                    "custom",
                    "modified_after must be less than 365 days ago",
                );
            }
            Some(at) => modified_after = Some(at),
            None => object.refuse("modified_after", "invalid_format", "Invalid ISO datetime"),
        }
    }
    let ids = match object.any("ids") {
        None => None,
        Some(Value::Array(list)) => Some(
            list.iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        ),
        Some(Value::String(one)) => Some(one.split(',').map(str::to_owned).collect()),
        Some(_) => None,
    };
    if ids.as_ref().is_some_and(|ids| ids.len() > 100) {
        object.refuse(
            "ids",
            "too_big",
            "Too big: expected array to have <=100 items",
        );
    }
    object.finish_as("invalid_query_params")?;
    check_connection(&request, &integration, &connection).await?;
    let cursor: Option<Cursor> = match cursor {
        None => None,
        Some(text) => Some(
            text.parse()
                .map_err(|_| Error::new(400, "invalid_cursor_value", "Invalid cursor value"))?,
        ),
    };
    // Records know times, not positions.
    let as_of = match request.at {
        None => None,
        at => {
            let moment = as_of::moment(&request.app, at).await;
            Some(moment.map_err(|error| Error::unavailable(&error.to_string()))?)
        }
    };
    let scope = Scope {
        project: request.project.to_string(),
        integration,
        connection,
        model,
        variant: variant.unwrap_or_else(|| BASE.to_owned()),
    };
    let query = Query {
        cursor,
        limit: limit as usize,
        filter: actions,
        modified_after,
        ids,
        as_of,
    };
    let page = request
        .app
        .nango
        .records
        .list(&scope, query)
        .await
        .map_err(failed)?;
    let body = json!({
        "records": page.records.iter().map(shown).collect::<Vec<_>>(),
        "next_cursor": page.next_cursor.map(|cursor| cursor.to_string()),
    });
    Ok(Reply::json(200, body))
}

/// Removes the content of records that were read.
pub async fn prune(request: Request) -> Result<Reply, Error> {
    let (connection, integration) = on_behalf(&request)?;
    let mut sent = Object::body(request.body.as_ref());
    let model = sent.text("model", Text::Model).to_owned();
    let variant = sent.optional_text("variant", Text::Name).map(str::to_owned);
    let until = sent.text("until_cursor", Text::Length(1, 4096)).to_owned();
    let limit = sent.optional_number("limit", 1, 10_000).unwrap_or(1000);
    sent.finish()?;
    check_connection(&request, &integration, &connection).await?;
    let until: Cursor = until
        .parse()
        .map_err(|_| Error::new(400, "invalid_cursor_value", "Invalid cursor value"))?;
    let scope = Scope {
        project: request.project.to_string(),
        integration,
        connection,
        model,
        variant: variant.unwrap_or_else(|| BASE.to_owned()),
    };
    let pruned = request
        .app
        .nango
        .records
        .prune(&scope, until, limit as usize)
        .await;
    let (count, has_more) = pruned.map_err(failed)?;
    Ok(Reply::json(
        200,
        json!({ "count": count, "has_more": has_more }),
    ))
}

async fn check_connection(request: &Request, integration: &str, id: &str) -> Result<(), Error> {
    let key = keys::connection(integration, id);
    let found = request
        .view()
        .connection(request.project.as_str(), key.as_str())
        .await?;
    match found {
        Some(_) => Ok(()),
        None => Err(Error::unknown_connection(400, id)),
    }
}

fn moment(text: &str) -> Option<i64> {
    let text = text.replace(' ', "+");
    let time: Option<jiff::Timestamp> = text.parse().ok();
    time.or_else(|| {
        let date: jiff::civil::Date = text.parse().ok()?;
        date.to_zoned(jiff::tz::TimeZone::UTC)
            .ok()
            .map(|zoned| zoned.timestamp())
    })
    .map(|time| time.as_millisecond())
}
