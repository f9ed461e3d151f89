//! `kvstore`. A dry run reads what is stored and keeps what it writes to itself.

use std::collections::HashMap;

use aggregates::entry::Kind;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answered, Failed, Host, just, no, parse};
use crate::auth::now_ms;
use crate::pubnub::store::{Listed, Store};

/// Calls in one execution.
const CALLS: u32 = 10;
/// Characters of a key.
const KEY: usize = 1000;
/// Characters of a value.
const VALUE: usize = 32_000;
/// Keys in one answer.
const PAGE: usize = 100;
/// Seconds: a minute, and a year.
const TTL: std::ops::RangeInclusive<u64> = 60..=31_536_000;

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
    ttl_seconds: u64,
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
    match key.encode_utf16().count() <= KEY {
        true => Ok(key),
        false => Err(no(format!("kvstore: the key is longer than {KEY} characters"))),
    }
}

impl Host {
    async fn store(&self) -> Result<Store<'_>, Failed> {
        self.spend("kvstore", CALLS, |spent| &mut spent.kvstore)?;
        let keyset = self.keyset().await?;
        Ok(Store::of(
            &self.0.shared,
            &self.0.project,
            self.0.call.keyset,
            &keyset.state.subscribe_key,
        ))
    }

    pub(super) async fn kv_get(&self, arg: &str) -> Answered {
        let key = named(arg)?;
        let store = self.store().await?;
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
        if text.encode_utf16().count() > VALUE {
            let text = format!("kvstore: the value is longer than {VALUE} characters");
            return Err(no(text));
        }
        let ttl = set.ttl_seconds.clamp(*TTL.start(), *TTL.end());
        let store = self.store().await?;
        let about = json!({ "key": key, "kind": set.kind.as_str(), "ttlSeconds": ttl });
        self.note("kvstore.set", about, !self.0.is_dry);
        if self.0.is_dry {
            let written = Some((set.kind, text));
            self.noted().overlay.entries.insert(key, written);
        } else {
            store.set(&key, set.kind, &text, ttl, &self.context()).await?;
        }
        just(json!({}))
    }

    pub(super) async fn kv_remove(&self, arg: &str) -> Answered {
        let key = named(arg)?;
        let store = self.store().await?;
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
        let store = self.store().await?;
        self.note("kvstore.getCounter", json!({ "key": key }), true);
        let known = self.noted().overlay.counters.get(&key).copied();
        let value = match known {
            Some(known) => known,
            None => store.counter(&key).await?,
        };
        just(json!({ "value": value.to_string() }))
    }

    pub(super) async fn kv_increment(&self, arg: &str) -> Answered {
        let Increment { key, by } = parse(arg)?;
        let key = checked(key)?;
        let store = self.store().await?;
        let about = json!({ "key": key, "by": by });
        self.note("kvstore.incrCounter", about, !self.0.is_dry);
        let value = if self.0.is_dry {
            let known = self.noted().overlay.counters.get(&key).copied();
            let value = match known {
                Some(known) => known,
                None => store.counter(&key).await?,
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
            "entries" => (Listed::Entries, "kvstore.getKeys"),
            "counters" => (Listed::Counters, "kvstore.getCounterKeys"),
            _ => return Err(no("kvstore: there are entries and counters")),
        };
        let store = self.store().await?;
        self.note(call, json!({ "page": token }), true);
        let (keys, next) = store.keys(listed, token.as_deref(), PAGE).await?;
        just(json!({ "keys": keys, "next": next }))
    }
}
