//! Functions as they are sent (section 6.1), and what is made of them.

use aggregates::package::NewHandler;
use aggregates::{Trigger, TriggerKind, channel, route};
use serde_json::{Map, Value};

use super::error::{Error, Kind};
use super::request::Request;
use super::rules::Object;
use crate::pubnub::packages::{self, LONGEST_CODE};

/// Most functions of a revision.
pub const MOST: usize = 10;

/// Longest path that a function answers, in characters.
const LONGEST_PATH: usize = 1000;

/// A function that was sent and is well formed.
pub struct Sent {
    /// Unique in its revision.
    pub name: String,
    /// When it runs.
    pub trigger: Trigger,
    /// Its place.
    pub sort_order: u32,
    /// The source text.
    pub code: String,
}

/// Reads `functions` of a body.
pub fn read(body: &mut Object<'_>) -> Vec<Sent> {
    let items = match body.any("functions") {
        Some(Value::Array(items)) if !items.is_empty() => items,
        None => {
            body.wrong("functions", "is missing");
            return Vec::new();
        }
        Some(_) => {
            body.wrong("functions", "must be an array of 1 or more functions");
            return Vec::new();
        }
    };
    let mut functions = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let Value::Object(item) = item else {
            body.wrong(&format!("functions[{index}]"), "must be an object");
            continue;
        };
        let mut sent = Object::of(item, format!("functions[{index}]."));
        functions.push(one(&mut sent, item, index));
        body.take(sent);
    }
    functions
}

fn one(sent: &mut Object<'_>, item: &Map<String, Value>, index: usize) -> Sent {
    let name = sent.text("name", 1..=100);
    let word = match sent.has("type") || !sent.has("eventType") {
        true => "type",
        false => "eventType",
    };
    let named = sent.text(word, 1..=100);
    let kind = match named.is_empty() {
        true => None,
        false => match kind(&named) {
            Ok(kind) => Some(kind),
            Err(what) => {
                sent.wrong(word, what);
                None
            }
        },
    };
    let trigger = match item.get("config") {
        None | Some(Value::Null) => aliases(sent, item, kind),
        Some(Value::Object(config)) => {
            let mut below = Object::of(config, format!("functions[{index}].config."));
            let trigger = trigger(&mut below, kind);
            sent.take(below);
            trigger
        }
        Some(_) => {
            sent.wrong("config", "must be an object");
            none(kind)
        }
    };
    let code = match item.get("code") {
        Some(Value::String(code)) if !code.is_empty() => code.clone(),
        Some(Value::String(_)) => {
            sent.wrong("code", "must not be empty");
            String::new()
        }
        Some(_) => {
            sent.wrong("code", "must be a string");
            String::new()
        }
        None => {
            sent.wrong("code", "is missing");
            String::new()
        }
    };
    if let Some(language) = sent.optional_text("language", 0..=100)
        && language != "JAVASCRIPT"
    {
        sent.wrong("language", "must be JAVASCRIPT");
    }
    let sort_order = sent.integer("sortOrder", 0..=i64::from(u32::MAX));
    Sent {
        name,
        trigger,
        sort_order: sort_order.map_or(index as u32, |place| place as u32),
        code,
    }
}

/// The kind that a word means: its own, or the one of an earlier spelling (10.2).
pub fn kind(word: &str) -> Result<TriggerKind, String> {
    let earlier = match word {
        "js-before-publish" => "BEFORE_PUBLISH",
        "js-after-publish" => "AFTER_PUBLISH",
        "js-before-signal" => "BEFORE_SIGNAL",
        "js-after-signal" => "AFTER_SIGNAL",
        "js-after-presence" => "AFTER_PRESENCE",
        "js-on-rest" => "ON_REQUEST",
        "js-on-interval" => "ON_INTERVAL",
        word => word,
    };
    let mut all = TriggerKind::ALL.into_iter();
    all.find(|kind| kind.as_str() == earlier).ok_or_else(|| {
        if earlier == "BEFORE_PRESENCE" {
            return "cannot be BEFORE_PRESENCE: functions run after presence events only"
                .to_owned();
        }
        let words: Vec<&str> = TriggerKind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("must be one of {}", words.join(", "))
    })
}

/// Stands for a trigger that cannot be read; what is wrong has been noted.
fn none(kind: Option<TriggerKind>) -> Trigger {
    Trigger {
        kind: kind.unwrap_or(TriggerKind::BeforePublish),
        input_channel: None,
        output_channel: None,
        path: None,
        interval: None,
    }
}

/// Without `config`, its members may stand beside it.
fn aliases(sent: &mut Object<'_>, item: &Map<String, Value>, kind: Option<TriggerKind>) -> Trigger {
    let named = ["channels", "channel", "path", "interval"];
    if !named.iter().any(|name| item.contains_key(*name)) {
        sent.wrong("config", "is missing");
        return none(kind);
    }
    let mut config = Map::new();
    match item.get("channels") {
        None => {}
        Some(Value::Array(channels)) if channels.len() == 1 => {
            config.insert("inputChannel".to_owned(), channels[0].clone());
        }
        Some(_) => {
            sent.wrong("channels", "must be an array of one channel");
            return none(kind);
        }
    }
    for (alias, name) in [
        ("channel", "inputChannel"),
        ("path", "path"),
        ("interval", "interval"),
        ("outputChannel", "outputChannel"),
    ] {
        if let Some(value) = item.get(alias) {
            config.insert(name.to_owned(), value.clone());
        }
    }
    let mut below = Object::of(&config, sent.below("config."));
    let trigger = trigger(&mut below, kind);
    sent.take(below);
    trigger
}

/// Reads a `config` for a kind of trigger.
pub fn trigger(config: &mut Object<'_>, kind: Option<TriggerKind>) -> Trigger {
    let mut trigger = none(kind);
    let Some(kind) = kind else {
        return trigger;
    };
    if kind.has_channel() {
        let input = raw(config, "inputChannel");
        if let Some(input) = &input {
            if !channel::is_pattern(input) {
                config.wrong(
                    "inputChannel",
                    "must be a channel, or a pattern such as a.*",
                );
            } else if kind == TriggerKind::AfterPresence && input.ends_with(channel::PRESENCE) {
                let what = format!("must be the channel itself, without {}", channel::PRESENCE);
                config.wrong("inputChannel", what);
            }
        }
        trigger.input_channel = input;
        if kind != TriggerKind::SubscribeOnInterval
            && !matches!(config.any("outputChannel"), None | Some(Value::Null))
        {
            let output = raw(config, "outputChannel");
            if output
                .as_deref()
                .is_some_and(|output| !channel::is_name(output))
            {
                config.wrong("outputChannel", "must be a channel");
            }
            trigger.output_channel = output;
        }
    }
    if kind == TriggerKind::OnRequest {
        let path = raw(config, "path");
        if let Some(path) = &path {
            let forbidden = |c: char| c.is_control() || matches!(c, '?' | '#');
            if !(1..=LONGEST_PATH).contains(&path.chars().count()) || path.contains(forbidden) {
                let what = format!("must have 1 to {LONGEST_PATH} characters without ? and #");
                config.wrong("path", what);
            } else if path.starts_with('/') {
                config.wrong("path", "must not begin with a slash");
            }
        }
        trigger.path = path;
    }
    if kind.is_timed() {
        if !config.has("interval") {
            config.wrong("interval", "is missing");
        }
        let interval = config.integer("interval", 1000..=3_600_000);
        trigger.interval = interval.and_then(|interval| u32::try_from(interval).ok());
    }
    trigger
}

/// A text as it is.
fn raw(config: &mut Object<'_>, name: &str) -> Option<String> {
    match config.any(name) {
        Some(Value::String(text)) => Some(text.clone()),
        None => {
            config.wrong(name, "is missing");
            None
        }
        Some(_) => {
            config.wrong(name, "must be a string");
            None
        }
    }
}

/// Source texts may only be so large.
pub fn must_fit(functions: &[Sent]) -> Result<(), Error> {
    let too_large = functions
        .iter()
        .filter(|sent| sent.code.len() > LONGEST_CODE);
    let told: Vec<String> = too_large
        .map(|sent| {
            format!(
                "The code of '{}' has more than {LONGEST_CODE} bytes",
                sent.name
            )
        })
        .collect();
    match told.is_empty() {
        true => Ok(()),
        false => Err(Error::several(Kind::TooLarge, told)),
    }
}

/// One trigger is for accounts that it was opened for.
pub fn must_be_open(request: &Request, functions: &[Sent]) -> Result<(), Error> {
    let gated = TriggerKind::SubscribeOnInterval;
    let uses = functions.iter().any(|sent| sent.trigger.kind == gated);
    match uses && !request.app.config.pubnub_subscribe_on_interval {
        true => {
            let message = format!("{gated} is not open to this account");
            Err(Error::new(Kind::Forbidden, message))
        }
        false => Ok(()),
    }
}

/// Names are unique, and paths do not overlap.
pub fn must_not_meet(functions: &[Sent]) -> Result<(), Error> {
    for (index, one) in functions.iter().enumerate() {
        for other in &functions[..index] {
            if one.name == other.name {
                let message = format!("There are two functions with the name '{}'", one.name);
                return Err(Error::new(Kind::NotUnique, message));
            }
            if let (Some(path), Some(taken)) = (&one.trigger.path, &other.trigger.path)
                && route::overlap(path, taken)
            {
                let message = format!(
                    "The path '{path}' of '{}' overlaps with '{taken}' of '{}'",
                    one.name, other.name
                );
                return Err(Error::new(Kind::RouteConflict, message));
            }
        }
    }
    Ok(())
}

/// A revision has so many functions.
pub fn must_not_be_too_many(functions: &[Sent]) -> Result<(), Error> {
    match functions.len() > MOST {
        true => {
            let message = format!("A revision has at most {MOST} functions");
            Err(Error::new(Kind::FunctionLimit, message))
        }
        false => Ok(()),
    }
}

/// Compiles all functions, then stores them. On any error nothing refers to what was stored.
pub async fn compile(request: &Request, functions: Vec<Sent>) -> Result<Vec<NewHandler>, Error> {
    let shared = request.shared();
    let work: Vec<_> = functions
        .iter()
        .map(|sent| packages::compile(shared, &sent.code, sent.trigger.kind))
        .collect();
    let (mut compiled, mut told) = (Vec::new(), Vec::new());
    for (outcome, sent) in futures::future::join_all(work)
        .await
        .into_iter()
        .zip(&functions)
    {
        match outcome {
            Ok(made) => compiled.push(made),
            Err(packages::Error::NotCompiled(places)) => {
                let places = places.iter();
                told.extend(places.map(|place| format!("Function '{}': {place}", sent.name)));
            }
            Err(packages::Error::Failed(cause)) => return Err(Error::internal(&cause)),
        }
    }
    if !told.is_empty() {
        return Err(Error::several(Kind::NotCompiled, told));
    }
    let mut handlers = Vec::with_capacity(functions.len());
    for (sent, made) in functions.into_iter().zip(compiled) {
        let (code, artefact) = made.store(shared).await?;
        handlers.push(NewHandler {
            id: request.new_uuid(&format!("function/{}", sent.name)).into(),
            revision: request
                .new_uuid(&format!("function-revision/{}", sent.name))
                .into(),
            name: sent.name,
            trigger: sent.trigger,
            sort_order: sent.sort_order,
            code,
            artefact,
        });
    }
    Ok(handlers)
}
