//! What tests of this dialect ask and expect: keys, envelopes, published schemas.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::server::{ROOT_KEY, Server};

/// Without a key, to a server of its own.
pub fn guest(server: &Server) -> Client {
    bare(&Client::to(server))
}

/// With the root key, to a server of its own.
pub fn root(server: &Server) -> Client {
    guest(server).with("authorization", &bearer(ROOT_KEY))
}

/// With the root key, to the shared server.
pub fn shared() -> Client {
    bare(&Client::new()).with("authorization", &bearer(ROOT_KEY))
}

/// The value of `Authorization` for a key.
pub fn bearer(key: &str) -> String {
    format!("Bearer {key}")
}

fn bare(client: &Client) -> Client {
    client
        .with("x-appwrite-project", "")
        .with("x-appwrite-key", "")
}

/// With a new key that holds these scopes.
pub async fn keyed(root: &Client, scopes: &[&str]) -> Client {
    let body = json!({"name": "a test's", "scopes": scopes});
    let made = root.post("/strata/v1/projects/default/keys", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    root.with("authorization", &bearer(&made.text("secret")))
}

impl Answer {
    /// The `error` of a request that was turned away. Nothing but code, message and errors is in
    /// it, as the published schema `StdError` has it.
    #[track_caller]
    pub fn denied(&self, status: u16, code: &str) -> Value {
        let error = self.denied_with(status, code, &[]);
        if let Some(errors) = error.get("errors") {
            let errors = errors.as_array().expect("a list");
            assert!(errors.iter().all(Value::is_object), "{error}");
        }
        error
    }

    /// The same with more members.
    #[track_caller]
    pub fn denied_with(&self, status: u16, code: &str, more: &[&str]) -> Value {
        let body = self.json();
        assert_eq!(
            (self.status, &body["error"]["code"]),
            (status, &json!(code)),
            "{body}"
        );
        let names = |value: &Value| -> Vec<String> {
            let members = value.as_object().expect("an object");
            members.keys().cloned().collect()
        };
        assert_eq!(names(&body), ["error"], "{body}");
        for name in names(&body["error"]) {
            let known = ["code", "message", "errors"].contains(&&*name) || more.contains(&&*name);
            assert!(known, "{name} in {body}");
        }
        if let Some(message) = body["error"].get("message") {
            assert!(message.is_string(), "{body}");
        }
        body["error"].clone()
    }

    /// A request whose values were not accepted: the entries as `code · message · path`.
    #[track_caller]
    pub fn invalid(&self, code: &str) -> Vec<String> {
        let error = self.denied(400, code);
        assert_eq!(error.get("message"), None, "{error}");
        let entries = error["errors"].as_array().expect("a list").iter();
        let told = |entry: &Value| {
            let names: Vec<&String> = entry.as_object().expect("an object").keys().collect();
            assert_eq!(names.len(), 3, "{entry}");
            let path = entry["path"].as_array().expect("a list");
            let path: Vec<&str> = path.iter().map(|at| at.as_str().expect("a text")).collect();
            let text = |name: &str| entry[name].as_str().expect("a text").to_owned();
            format!("{} · {} · {path:?}", text("code"), text("message"))
        };
        entries.map(told).collect()
    }

    /// The same, for a body with one thing wrong.
    #[track_caller]
    pub fn wrong(&self, entry: &str) {
        assert_eq!(self.invalid("invalid_body"), [entry]);
    }

    /// The JSON of a good answer.
    #[track_caller]
    pub fn good(&self, status: u16) -> Value {
        let shown = String::from_utf8_lossy(&self.bytes);
        assert_eq!(self.status, status, "{shown}");
        self.json()
    }
}

/// Fails unless an object has all of the first names, and no others but the second.
#[track_caller]
pub fn has_members(value: &Value, needed: &[&str], allowed: &[&str]) {
    let members = value.as_object().expect("an object");
    for name in needed {
        assert!(members.contains_key(*name), "{name} is missing in {value}");
    }
    for name in members.keys() {
        let known = needed.contains(&&**name) || allowed.contains(&&**name);
        assert!(known, "{name} should not be in {value}");
    }
}

/// Fails unless it is RFC 3339 in UTC with milliseconds.
#[track_caller]
pub fn is_time(value: &Value) {
    let text = value.as_str().unwrap_or_default();
    let parsed = text.parse::<jiff::Timestamp>();
    let shape = text.len() == 24 && text.as_bytes()[19] == b'.' && text.ends_with('Z');
    assert!(shape && parsed.is_ok(), "{value} is no time");
}

/// Fails unless it is a UUID.
#[track_caller]
pub fn is_uuid(value: &Value) {
    let text = value.as_str().unwrap_or_default();
    assert!(
        text.len() == 36 && uuid::Uuid::parse_str(text).is_ok(),
        "{value} is no UUID"
    );
}

/// What a program of `tests/nango` prints for an input, both JSON.
pub fn node(program: &str, input: &Value) -> Value {
    let folder = Path::new("tests/nango");
    assert!(
        folder.join("node_modules/zod").exists(),
        "its packages are not installed: run scripts/sdk-packages.sh first"
    );
    let mut child = Command::new("node")
        .arg(program)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin
        .write_all(input.to_string().as_bytes())
        .expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{program} failed");
    serde_json::from_slice(&output.stdout).expect("JSON")
}
