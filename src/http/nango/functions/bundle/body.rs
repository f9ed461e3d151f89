//! The body of both endpoints: what a set of functions must be.
//!
//! The reference names the members and their rules, and not which of them may be left out: here
//! those may that can be null or empty.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value};

use crate::http::nango::error::{Error, Issue};
use crate::http::nango::request::Request;
use crate::http::nango::rules::{self, BELOW, Object, Text};

/// A set of functions that is as it must be.
pub(super) struct Set {
    /// The integration that the set is about; none: the whole environment.
    pub(super) scope: Option<String>,
    /// The entries, as they were sent.
    pub(super) functions: Vec<Value>,
}

impl Set {
    /// The integrations that it names.
    pub(super) fn integrations(&self) -> BTreeSet<&str> {
        let named = self.functions.iter();
        let named = named.filter_map(|entry| entry["integrationId"].as_str());
        named.chain(self.scope.as_deref()).collect()
    }
}

/// Reads a set.
pub(super) fn read(request: &Request) -> Result<Set, Error> {
    let mut sent = Object::body(request.body.as_ref());
    let scope = sent.any("reconciliationScope");
    let functions = sent.any("functions");
    let mut issues = Vec::new();
    if request.body.as_ref().is_some_and(Value::is_object) {
        scope_issues(scope, &mut issues);
        match functions {
            Some(Value::Array(list)) => {
                for (index, entry) in list.iter().enumerate() {
                    issues.extend(entry_issues(entry, index));
                }
                if issues.is_empty() {
                    together(list, scope, &mut issues);
                }
            }
            other => issues.push(wrong(&["functions"], "array", other)),
        }
    }
    issues.extend(sent.issues());
    if !issues.is_empty() {
        return Err(Error::invalid("invalid_body", &issues));
    }
    let scope = scope.and_then(|scope| scope["integrationId"].as_str());
    Ok(Set {
        scope: scope.map(str::to_owned),
        functions: functions
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default(),
    })
}

fn wrong(path: &[&str], expected: &str, value: Option<&Value>) -> Issue {
    let got = rules::type_of(value);
    Issue {
        code: "invalid_type",
        message: format!("Invalid input: expected {expected}, received {got}"),
        path: path.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn custom(path: &[&str], message: impl Into<String>) -> Issue {
    Issue {
        code: "custom",
        message: message.into(),
        path: path.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn scope_issues(scope: Option<&Value>, issues: &mut Vec<Issue>) {
    const NAME: &str = "reconciliationScope";
    let mut sent = Object::at(scope, &[NAME]);
    sent.any("kind");
    match scope.map(|scope| scope["kind"].as_str()) {
        Some(Some("environment")) | None => {}
        Some(Some("integration")) => {
            sent.text("integrationId", Text::Integration);
        }
        Some(_) => {
            sent.refuse("kind", "invalid_union", "Invalid input");
            sent.loose();
        }
    }
    issues.extend(sent.issues());
}

/// The references to schemas that may be null.
const REFERENCES: [&str; 4] = [
    "input_schema_ref",
    "output_schema_ref",
    "metadata_schema_ref",
    "checkpoint_schema_ref",
];

fn entry_issues(entry: &Value, index: usize) -> Vec<Issue> {
    let index = index.to_string();
    let at = ["functions", index.as_str()];
    let mut issues = Vec::new();
    let mut sent = Object::at(Some(entry), &at);
    sent.text("name", Text::Name);
    sent.text("integrationId", Text::Integration);
    sent.text("description", Text::Length(0, 2000));
    trigger(&mut sent);
    let requires = nullable(&mut sent, "requires");
    let capabilities = sent.any("capabilities");
    nullable(&mut sent, "limits");
    let schemas = nullable(&mut sent, "json_schema");
    let definitions = schemas.and_then(|schemas| schemas.get("definitions"));
    for name in REFERENCES {
        match sent.any(name) {
            None | Some(Value::Null) => {}
            Some(value) => reference(&mut sent, name, value, definitions),
        }
    }
    let models = match sent.any("model_schema_refs") {
        None => &[][..],
        Some(Value::Array(list)) => list.as_slice(),
        other => {
            issues.push(wrong(&[at[0], at[1], "model_schema_refs"], "array", other));
            &[][..]
        }
    };
    for (number, value) in models.iter().enumerate() {
        let name = format!("model_schema_refs{BELOW}{number}");
        reference(&mut sent, &name, value, definitions);
    }
    let body = sent.any("fileBody");
    if entry.is_object() {
        let mut texts = Object::at(body, &[at[0], at[1], "fileBody"]);
        texts.text("js", Text::Length(1, usize::MAX));
        texts.text("ts", Text::Length(1, usize::MAX));
        issues.extend(texts.issues());
        needs(requires, &at, &mut issues);
        let path = [at[0], at[1], "capabilities"];
        issues.extend(capability_issues(entry, capabilities, requires, &path));
    }
    // Members of the entry itself come before what is in them.
    let mut all = sent.issues();
    all.extend(issues);
    all
}

/// An object that may be null or missing.
fn nullable<'a>(sent: &mut Object<'a>, name: &'static str) -> Option<&'a Map<String, Value>> {
    match sent.any(name) {
        None | Some(Value::Null) => None,
        Some(Value::Object(map)) => Some(map),
        other => {
            let got = rules::type_of(other);
            let message = format!("Invalid input: expected record, received {got}");
            sent.refuse(name, "invalid_type", message);
            None
        }
    }
}

fn needs(requires: Option<&Map<String, Value>>, at: &[&str; 2], issues: &mut Vec<Issue>) {
    let known = ["connection", "outbound", "invoke"];
    let unknown = requires.into_iter().flat_map(Map::keys);
    let unknown: Vec<_> = unknown
        .filter(|key| !known.contains(&key.as_str()))
        .collect();
    if let Some(first) = unknown.first() {
        issues.push(Issue {
            code: "unrecognized_keys",
            message: format!("Unrecognized key: \"{first}\""),
            path: [at[0], at[1], "requires"].map(str::to_owned).to_vec(),
        });
    }
}

/// `#/definitions/<name>`, where that is defined.
fn reference(sent: &mut Object<'_>, name: &str, value: &Value, definitions: Option<&Value>) {
    const PATTERN: &str = "Invalid string: must match pattern /^#\\/definitions\\/[a-zA-Z0-9_-]+$/";
    let Value::String(text) = value else {
        let got = rules::type_of(Some(value));
        let message = format!("Invalid input: expected string, received {got}");
        return sent.refuse(name, "invalid_type", message);
    };
    match text.strip_prefix("#/definitions/") {
        Some(defined) if rules::is_name(defined) => {
            if definitions.is_none_or(|all| all.get(defined).is_none()) {
                let message = format!("'{text}' is not defined in json_schema");
                sent.refuse(name, "custom", message);
            }
        }
        _ => sent.refuse(name, "invalid_format", PATTERN),
    }
}

/// What starts a function.
fn trigger(sent: &mut Object<'_>) {
    let Some(trigger) = sent.any("trigger") else {
        return sent.refuse("trigger", "invalid_union", "Invalid input");
    };
    let texts = |value: &Value| {
        let list = value.as_array();
        list.is_some_and(|list| list.iter().all(Value::is_string))
    };
    let missing_or =
        |name: &str, holds: &dyn Fn(&Value) -> bool| trigger.get(name).is_none_or(holds);
    let (members, holds): (&[&str], bool) = match trigger["kind"].as_str() {
        Some("none") => (&[], true),
        Some("schedule") => (
            &["frequency", "autoStart"],
            trigger["frequency"]
                .as_str()
                .is_some_and(crate::nango::syncs::is_frequency)
                && missing_or("autoStart", &Value::is_boolean),
        ),
        Some("http") => (
            &["subscriptions", "debounce"],
            missing_or("subscriptions", &texts) && missing_or("debounce", &debounces),
        ),
        Some("event") => (&["events"], texts(&trigger["events"])),
        _ => (&[], false),
    };
    let known = |key: &String| key == "kind" || members.contains(&key.as_str());
    if !holds || !trigger.as_object().is_some_and(|map| map.keys().all(known)) {
        sent.refuse("trigger", "invalid_union", "Invalid input");
    }
}

fn debounces(debounce: &Value) -> bool {
    let Some(map) = debounce.as_object() else {
        return false;
    };
    let positive = |value: &Value| value.as_u64().is_some_and(|number| number > 0);
    map.get("windowMs").is_some_and(positive)
        && map.iter().all(|(key, value)| match key.as_str() {
            "windowMs" | "maxEntities" => positive(value),
            "take" => matches!(value.as_str(), Some("latest" | "first" | "all")),
            "keyBy" => true,
            _ => false,
        })
}

/// Five booleans that say the same as the rest of the entry.
fn capability_issues(
    entry: &Value,
    capabilities: Option<&Value>,
    requires: Option<&Map<String, Value>>,
    path: &[&str],
) -> Vec<Issue> {
    let is_there = |name: &str| entry.get(name).is_some_and(|value| !value.is_null());
    let required = |name: &str| match requires.and_then(|requires| requires.get(name)) {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Array(list)) => !list.is_empty(),
        Some(_) => true,
    };
    let has_models = entry["model_schema_refs"]
        .as_array()
        .is_some_and(|list| !list.is_empty());
    let all: [(&'static str, bool, &str); 5] = [
        ("usesRecords", has_models, "model_schema_refs"),
        ("usesOutbound", required("outbound"), "requires.outbound"),
        (
            "usesCheckpoints",
            is_there("checkpoint_schema_ref"),
            "checkpoint_schema_ref",
        ),
        (
            "usesMetadata",
            is_there("metadata_schema_ref"),
            "metadata_schema_ref",
        ),
        ("usesInvoke", required("invoke"), "requires.invoke"),
    ];
    let mut sent = Object::at(capabilities, path);
    for (name, holds, other) in all {
        match sent.any(name) {
            Some(Value::Bool(said)) if *said == holds => {}
            Some(Value::Bool(_)) => {
                sent.refuse(name, "custom", format!("{name} must agree with {other}"));
            }
            value => {
                let got = rules::type_of(value);
                let message = format!("Invalid input: expected boolean, received {got}");
                sent.refuse(name, "invalid_type", message);
            }
        }
    }
    sent.issues()
}

/// What holds for the entries together: each once, all inside of the scope.
fn together(list: &[Value], scope: Option<&Value>, issues: &mut Vec<Issue>) {
    let scope = scope.and_then(|scope| scope["integrationId"].as_str());
    let mut names = HashSet::new();
    for (index, entry) in list.iter().enumerate() {
        let index = index.to_string();
        let text = |name: &str| entry[name].as_str().unwrap_or_default();
        let (integration, name) = (text("integrationId"), text("name"));
        if !names.insert((integration, name)) {
            let message = format!("Function '{name}' is there twice for '{integration}'");
            issues.push(custom(&["functions", &index, "name"], message));
        }
        if scope.is_some_and(|scope| scope != integration) {
            let message = format!("Function '{name}' is outside of the reconciliation scope");
            issues.push(custom(&["functions", &index, "integrationId"], message));
        }
    }
}
