//! `kvstore`. A dry run reads what is stored and keeps what it writes to itself.

use std::collections::HashMap;

use aggregates::entry::Kind;
use aggregates::keyset::Keyset;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answered, Failed, Host, just, no, parse};
use crate::auth::now_ms;
use crate::bus::Loaded;
use crate::pubnub::store::{LONGEST_KEY, LONGEST_VALUE, Listed, Store};

/// Calls in one execution.
const CALLS: u32 = 10;
/// Keys in one answer.
const PAGE: u32 = 100;
/// Seconds: a minute, and a year.
const TTL: std::ops::RangeInclusive<i64> = 60..=31_536_000;

/// What a dry run has written.
#[derive(Default)]
pub(super) struct Overlay {
    entries: HashMap<String, Option<(Kind, String)>>,
    counters: HashMap<String, i64>,
}

#[derive(Deserialize)]
struct Named {
    key: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Set {
    key: String,
    kind: Kind,
    value: Value,
    ttl_seconds: i64,
}

#[derive(Deserialize)]
struct Increment {
    key: String,
    by: i64,
}

#[derive(Deserialize)]
struct Keys {
    kind: String,
    token: Option<String>,
}

fn named(arg: &str) -> Result<String, Failed> {
    let Named { key } = parse(arg)?;
    checked(key)
}

fn checked(key: String) -> Result<String, Failed> {
    match key.encode_utf16().count() <= LONGEST_KEY {
        true => Ok(key),
        false => Err(no(format!(
            "kvstore: the key is longer than {LONGEST_KEY} characters"
        ))),
    }
}

impl Host {
    /// The keyset whose store it is; counts a call.
    async fn owner(&self) -> Result<Loaded<Keyset>, Failed> {
        self.spend("kvstore", CALLS, |spent| &mut spent.kvstore)?;
        self.keyset().await
    }

    fn store<'a>(&'a self, owner: &'a Loaded<Keyset>) -> Store<'a> {
        Store::of(
            &self.0.shared,
            &self.0.project,
            self.0.call.keyset,
            &owner.state.subscribe_key,
        )
    }

    pub(super) async fn kv_get(&self, arg: &str) -> Answered {
        let key = named(arg)?;
        let owner = self.owner().await?;
        let store = self.store(&owner);
        self.note("kvstore.get", json!({ "key": key }), true);
        let known = self.noted().overlay.entries.get(&key).cloned();
        let found = match known {
            Some(known) => known,
            None => store.get(&key, now_ms()).await?,
        };
        let Some((kind, text)) = found else {
            return just(json!({ "found": false }));
        };
        let value: Value = match kind {
            Kind::String => text.into(),
            Kind::Json => serde_json::from_str(&text)?,
        };
        just(json!({ "found": true, "kind": kind.as_str(), "value": value }))
    }

    pub(super) async fn kv_set(&self, arg: &str) -> Answered {
        let set: Set = parse(arg)?;
        let key = checked(set.key)?;
        let text = match (set.kind, set.value) {
            (Kind::String, Value::String(text)) => text,
            (Kind::String, _) => return Err(no("kvstore: the value must be a string")),
            (Kind::Json, value) => value.to_string(),
        };
        if text.encode_utf16().count() > LONGEST_VALUE {
            let text = format!("kvstore: the value is longer than {LONGEST_VALUE} characters");
            return Err(no(text));
        }
        let ttl = set.ttl_seconds.clamp(*TTL.start(), *TTL.end());
        let owner = self.owner().await?;
        let store = self.store(&owner);
        let about = json!({ "key": key, "kind": set.kind.as_str(), "ttlSeconds": ttl });
        self.note("kvstore.set", about, !self.0.is_dry);
        if self.0.is_dry {
            let written = Some((set.kind, text));
            self.noted().overlay.entries.insert(key, written);
        } else {
            store
                .set(&key, set.kind, &text, ttl, &self.context())
                .await?;
        }
        just(json!({}))
    }

    pub(super) async fn kv_remove(&self, arg: &str) -> Answered {
        let key = named(arg)?;
        let owner = self.owner().await?;
        let store = self.store(&owner);
        self.note("kvstore.removeItem", json!({ "key": key }), !self.0.is_dry);
        if self.0.is_dry {
            self.noted().overlay.entries.insert(key, None);
        } else {
            store.remove(&key, &self.context()).await?;
        }
        just(json!({}))
    }

    pub(super) async fn kv_counter(&self, arg: &str) -> Answered {
        let key = named(arg)?;
        let owner = self.owner().await?;
        let store = self.store(&owner);
        self.note("kvstore.getCounter", json!({ "key": key }), true);
        let known = self.noted().overlay.counters.get(&key).copied();
        let value = match known {
            Some(known) => known,
            None => store.counter(&key).await?.unwrap_or(0),
        };
        just(json!({ "value": value.to_string() }))
    }

    pub(super) async fn kv_increment(&self, arg: &str) -> Answered {
        let Increment { key, by } = parse(arg)?;
        let key = checked(key)?;
        let owner = self.owner().await?;
        let store = self.store(&owner);
        let about = json!({ "key": key, "by": by });
        self.note("kvstore.incrCounter", about, !self.0.is_dry);
        let value = if self.0.is_dry {
            let known = self.noted().overlay.counters.get(&key).copied();
            let value = match known {
                Some(known) => known,
                None => store.counter(&key).await?.unwrap_or(0),
            };
            let value = value.checked_add(by);
            let value = value.ok_or_else(|| no("kvstore: the counter would overflow"))?;
            self.noted().overlay.counters.insert(key, value);
            value
        } else {
            store.increment(&key, by, &self.context()).await?.0
        };
        just(json!({ "value": value.to_string() }))
    }

    /// A page of a dry run does not know what the run has written.
    pub(super) async fn kv_keys(&self, arg: &str) -> Answered {
        let Keys { kind, token } = parse(arg)?;
        let (listed, call) = match kind.as_str() {
            "entries" => (Listed::Entries(None), "kvstore.getKeys"),
            "counters" => (Listed::Counters, "kvstore.getCounterKeys"),
            _ => return Err(no("kvstore: there are entries and counters")),
        };
        let owner = self.owner().await?;
        let store = self.store(&owner);
        self.note(call, json!({ "page": token }), true);
        let mut keys = store.keys(listed, token.as_deref(), PAGE + 1).await?;
        // One more than fits says that there is a next page, after the last that does.
        let more = keys.len() > PAGE as usize;
        keys.truncate(PAGE as usize);
        let next = keys.last().filter(|_| more).cloned();
        just(json!({ "keys": keys, "next": next }))
    }
}
