//! `/kv/strings`, `/kv/jsons`, `/kv/counters`: what the functions of a keyset share.

use aggregates::entry::Kind as Stored;
use projections::model;
use serde_json::{Value, json};

use super::error::{Error, Kind};
use super::paging::Cursor;
use super::reply::Reply;
use super::request::Request;
use super::rules::Object;
use crate::bus::Committed;
use crate::pubnub::store::{self, LONGEST_KEY, LONGEST_VALUE, Store, TTL};

/// Seconds that a value may be kept.
const TTLS: std::ops::RangeInclusive<i64> = 20..=31_536_000;

/// K1.
pub async fn list_strings(request: Request) -> Result<Reply, Error> {
    list(request, Stored::String).await
}

/// K2.
pub async fn get_string(request: Request) -> Result<Reply, Error> {
    get(request, Stored::String).await
}

/// K3.
pub async fn set_string(request: Request) -> Result<Reply, Error> {
    set(request, Stored::String).await
}

/// K4.
pub async fn delete_string(request: Request) -> Result<Reply, Error> {
    delete(request, Stored::String).await
}

/// K5.
pub async fn list_jsons(request: Request) -> Result<Reply, Error> {
    list(request, Stored::Json).await
}

/// K6.
pub async fn get_json(request: Request) -> Result<Reply, Error> {
    get(request, Stored::Json).await
}

/// K7.
pub async fn set_json(request: Request) -> Result<Reply, Error> {
    set(request, Stored::Json).await
}

/// K8.
pub async fn delete_json(request: Request) -> Result<Reply, Error> {
    delete(request, Stored::Json).await
}

async fn list(request: Request, kind: Stored) -> Result<Reply, Error> {
    let subkey = subkey(&request)?;
    let cursor = Cursor::read(&request, subkey, kind.as_str())?;
    let keyset = keyset(&request, subkey).await?;
    request.must_be_allowed_on(keyset.number)?;
    let store = store(&request, &keyset);
    let (view, moment) = (request.view(), request.moment().await?);
    let (after, more) = (cursor.after.as_deref(), cursor.size + 1);
    let entries = store.entries(&view, moment, Some(kind), after, more);
    let mut entries = entries.await?;
    let is_last = entries.len() <= cursor.size as usize;
    entries.truncate(cursor.size as usize);
    let mut rows = Vec::with_capacity(entries.len());
    for row in &entries {
        let text = store.open(&row.value).await?;
        rows.push(shown(&row.key, kind, text, row.value.expires_at - moment)?);
    }
    let last = entries.last().filter(|_| !is_last);
    Ok(Reply::page(rows, cursor.told(last.map(|row| &*row.key))))
}

async fn get(request: Request, kind: Stored) -> Result<Reply, Error> {
    let (subkey, key) = (subkey(&request)?, key(&request)?);
    let keyset = keyset(&request, subkey).await?;
    request.must_be_allowed_on(keyset.number)?;
    let store = store(&request, &keyset);
    let moment = request.moment().await?;
    let found = match request.at {
        None => store.entry(key).await?,
        Some(_) => {
            let (view, id) = (request.view(), store.id(key));
            let row = view.entry(request.project.as_str(), id.as_str()).await?;
            row.map(|row| row.value)
        }
    };
    let found = found.filter(|value| value.kind == kind && value.expires_at > moment);
    let found = found.ok_or_else(|| no_such_key(key))?;
    let text = store.open(&found).await?;
    let left = found.expires_at - moment;
    Ok(Reply::data(200, shown(key, kind, text, left)?))
}

async fn set(request: Request, kind: Stored) -> Result<Reply, Error> {
    let (subkey, key) = (subkey(&request)?, key(&request)?);
    let mut sent = Object::body(request.body.as_ref())?;
    let text = match (sent.any("value"), kind) {
        (None, _) => {
            sent.wrong("value", "is missing");
            String::new()
        }
        (Some(Value::String(text)), Stored::String) => text.clone(),
        (Some(_), Stored::String) => {
            sent.wrong("value", "must be a string");
            String::new()
        }
        (Some(value), Stored::Json) => value.to_string(),
    };
    if text.chars().count() > LONGEST_VALUE {
        let what = format!("must have at most {LONGEST_VALUE} characters");
        sent.wrong("value", what);
    }
    let ttl = sent.integer("ttlSeconds", TTLS).unwrap_or(TTL);
    sent.finish_as(Kind::Parameter)?;
    let keyset = keyset(&request, subkey).await?;
    request.must_be_allowed_on(keyset.number)?;
    let set = store(&request, &keyset);
    let committed = set.set(key, kind, &text, ttl, &request.context).await?;
    seen(&request, &committed).await;
    Ok(Reply::data(200, shown(key, kind, text, ttl * 1000)?).committed(&committed))
}

async fn delete(request: Request, kind: Stored) -> Result<Reply, Error> {
    let (subkey, key) = (subkey(&request)?, key(&request)?);
    let keyset = keyset(&request, subkey).await?;
    request.must_be_allowed_on(keyset.number)?;
    let store = store(&request, &keyset);
    // A value of the other kind is not there, as for who reads it.
    let other = store.entry(key).await?;
    if other.is_some_and(|value| value.kind != kind) {
        return Ok(Reply::empty());
    }
    let committed = store.remove(key, &request.context).await?;
    seen(&request, &committed).await;
    Ok(Reply::empty().committed(&committed))
}

/// K9.
pub async fn list_counters(request: Request) -> Result<Reply, Error> {
    let subkey = subkey(&request)?;
    let cursor = Cursor::read(&request, subkey, "counter")?;
    let keyset = keyset(&request, subkey).await?;
    request.must_be_allowed_on(keyset.number)?;
    let view = request.view();
    let after = cursor.after.as_deref();
    let store = store(&request, &keyset);
    let mut counters = store.counters(&view, after, cursor.size + 1).await?;
    let is_last = counters.len() <= cursor.size as usize;
    counters.truncate(cursor.size as usize);
    let rows = counters.iter().map(|row| counter(&row.key, row.value));
    let last = counters.last().filter(|_| !is_last);
    let paging = cursor.told(last.map(|row| &*row.key));
    Ok(Reply::page(rows.collect(), paging))
}

/// K10.
pub async fn get_counter(request: Request) -> Result<Reply, Error> {
    let (subkey, key) = (subkey(&request)?, key(&request)?);
    let keyset = keyset(&request, subkey).await?;
    request.must_be_allowed_on(keyset.number)?;
    let store = store(&request, &keyset);
    let found = match request.at {
        None => store.counter(key).await?,
        Some(_) => {
            let (view, id) = (request.view(), store.id(key));
            let row = view.counter(request.project.as_str(), id.as_str()).await?;
            row.map(|row| row.value)
        }
    };
    let value = found.ok_or_else(|| no_such_key(key))?;
    Ok(Reply::data(200, counter(key, value)))
}

/// K11.
pub async fn increment(request: Request) -> Result<Reply, Error> {
    add(request, false).await
}

/// K12.
pub async fn decrement(request: Request) -> Result<Reply, Error> {
    add(request, true).await
}

async fn add(request: Request, down: bool) -> Result<Reply, Error> {
    let (subkey, key) = (subkey(&request)?, key(&request)?);
    let mut amount = 1;
    if request.body.is_some() {
        let mut sent = Object::body(request.body.as_ref())?;
        amount = sent.integer("value", i64::MIN..=i64::MAX).unwrap_or(1);
        sent.finish_as(Kind::Parameter)?;
    }
    let overflow = || Error::from(store::Error::Overflow);
    if down {
        amount = amount.checked_neg().ok_or_else(overflow)?;
    }
    let keyset = keyset(&request, subkey).await?;
    request.must_be_allowed_on(keyset.number)?;
    let store = store(&request, &keyset);
    let (value, committed) = store.increment(key, amount, &request.context).await?;
    seen(&request, &committed).await;
    let reply = match request.prefers("return=representation") {
        true => Reply::data(200, counter(key, value))
            .header("preference-applied", "return=representation"),
        false => Reply::empty(),
    };
    Ok(reply.committed(&committed))
}

/// Whoever is answered finds the change in lists, too.
async fn seen(request: &Request, committed: &Committed) {
    let bus = &request.shared().bus;
    bus.wait_for_reads(committed.position).await;
}

/// The subscribe key that every call names.
pub fn subkey(request: &Request) -> Result<&str, Error> {
    let named = request.in_query("subkey").filter(|key| !key.is_empty());
    named.ok_or_else(|| Error::new(Kind::NoSubkey, "The parameter subkey is missing"))
}

/// The keyset of the account with this subscribe key.
pub async fn keyset(request: &Request, subkey: &str) -> Result<model::Keyset, Error> {
    let found = request.view().keyset_by_subscribe_key(subkey).await?;
    let found = found.filter(|found| found.project == request.project.as_str());
    let missing = || {
        let message = format!("There is no subscribe key {subkey}");
        Error::new(Kind::UnknownSubkey, message)
    };
    Ok(found.ok_or_else(missing)?.row)
}

fn store<'a>(request: &'a Request, keyset: &'a model::Keyset) -> Store<'a> {
    let shared = request.shared();
    Store::of(
        shared,
        &request.project,
        keyset.number,
        &keyset.subscribe_key,
    )
}

/// The key in the path.
fn key(request: &Request) -> Result<&str, Error> {
    let key = request.in_path("key");
    match (1..=LONGEST_KEY).contains(&key.chars().count()) {
        true => Ok(key),
        false => {
            let message = format!("A key has 1 to {LONGEST_KEY} characters");
            Err(Error::new(Kind::Parameter, message))
        }
    }
}

fn no_such_key(key: &str) -> Error {
    Error::new(Kind::NoSuchKey, format!("There is no key '{key}'"))
}

/// `left` is the life that is left, in milliseconds.
fn shown(key: &str, kind: Stored, text: String, left: i64) -> Result<Value, Error> {
    let damaged = |error| Error::internal(&format!("a stored value is damaged: {error}"));
    let value = match kind {
        Stored::String => Value::String(text),
        Stored::Json => serde_json::from_str(&text).map_err(damaged)?,
    };
    Ok(json!({"key": key, "value": value, "ttlSeconds": (left + 999).div_euclid(1000)}))
}

fn counter(key: &str, value: i64) -> Value {
    json!({"key": key, "value": value})
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Overflow => {
                let message = "value: a counter is a signed integer of 64 bits";
                Self::new(Kind::Parameter, message)
            }
            store::Error::Vault(error) => error.into(),
            store::Error::Project(error) => error.into(),
            store::Error::Entry(error) => error.into(),
            store::Error::Counter(error) => error.into(),
            store::Error::Reads(error) => error.into(),
        }
    }
}
