//! A keyset with functions that run, and its data plane.

use http::Method;
use serde_json::{Value, json};

use super::bed::{Bed, Keyset, at};
use crate::client::{Answer, encode};
use crate::server::{Server, until};

/// A keyset of a project of its own.
pub struct Stage {
    pub bed: Bed,
    pub keyset: Keyset,
}

/// A function.
pub fn function(name: &str, kind: &str, config: Value, code: &str) -> Value {
    let mut config = config;
    config["type"] = kind.into();
    json!({"name": name, "type": kind, "config": config, "code": code})
}

/// A function that listens on a channel.
pub fn on(name: &str, kind: &str, channel: &str, code: &str) -> Value {
    function(name, kind, json!({"inputChannel": channel}), code)
}

impl Stage {
    /// On the server that tests share.
    pub async fn new() -> Self {
        let bed = Bed::new().await;
        let keyset = bed.keyset().await;
        Self { bed, keyset }
    }

    /// On a server of one's own.
    pub async fn on(server: &Server) -> Self {
        let bed = Bed::on(server).await;
        let keyset = bed.keyset().await;
        Self { bed, keyset }
    }

    /// Deploys a package of these functions; gives their ids at the revision, in the order of their
    /// names.
    pub async fn play(&self, functions: &[Value]) -> Vec<String> {
        let revision = self.bed.package(functions).await;
        self.bed.running(&revision, &self.keyset).await;
        let mut functions = revision.functions;
        functions.sort_by_key(|function| function["name"].to_string());
        let ids = functions
            .iter()
            .map(|function| &function["functionRevisionId"]);
        ids.map(|id| id.as_str().expect("an id").to_owned())
            .collect()
    }

    /// Changes the settings of the keyset.
    pub async fn set(&self, settings: Value) {
        let path = format!("/strata/v1/keysets/{}", self.keyset.number);
        let changed = self.bed.strata().patch(&path, settings).await;
        assert_eq!(changed.status, 200, "{changed:?}");
    }

    /// Sets a secret of the keyset.
    pub async fn secret(&self, name: &str, value: &str) {
        let subscribe = &self.keyset.subscribe_key;
        let path = at(&format!("/kv/secrets/{name}?subkey={subscribe}"));
        let set = self.bed.client.put(&path, json!({"value": value})).await;
        assert_eq!(set.status, 200, "{set:?}");
    }

    fn path(&self, what: &str, channel: &str, payload: &str, query: &str) -> String {
        let (publish, subscribe) = (&self.keyset.publish_key, &self.keyset.subscribe_key);
        let payload = encode(payload).replace('+', "%20");
        format!("/{what}/{publish}/{subscribe}/0/{channel}/0/{payload}{query}")
    }

    /// Publishes as the vendor's clients do; gives status and answer.
    pub async fn publish(&self, channel: &str, message: &Value) -> (u16, Value) {
        self.ask("publish", channel, &message.to_string(), "").await
    }

    /// Anything of the data plane that sends.
    pub async fn ask(&self, what: &str, channel: &str, payload: &str, query: &str) -> (u16, Value) {
        let path = self.path(what, channel, payload, query);
        let answer = self.bed.client.with("authorization", "").get(&path).await;
        (answer.status, answer.json())
    }

    /// One poll; gives the next timetoken and the messages.
    pub async fn poll(&self, channels: &str, timetoken: &str, query: &str) -> (String, Vec<Value>) {
        let subscribe = &self.keyset.subscribe_key;
        let path = format!("/v2/subscribe/{subscribe}/{channels}/0?tt={timetoken}{query}");
        let answer = self.bed.client.with("authorization", "").get(&path).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = answer.json();
        let next = body["t"]["t"].as_str().expect("a timetoken").to_owned();
        (next, body["m"].as_array().expect("a list").clone())
    }

    /// The timetoken of now.
    pub async fn now(&self) -> String {
        let (now, messages) = self.poll("nobody", "0", "").await;
        assert!(messages.is_empty());
        now
    }

    /// The next so many payloads of channels.
    pub async fn hear(&self, channels: &str, since: &str, count: usize) -> Vec<Value> {
        let (mut since, mut heard) = (since.to_owned(), Vec::new());
        while heard.len() < count {
            let poll = self.poll(channels, &since, "");
            let poll = tokio::time::timeout(std::time::Duration::from_secs(30), poll).await;
            let (next, messages) = poll.unwrap_or_else(|_| panic!("only {heard:?} is heard"));
            since = next;
            heard.extend(messages.into_iter().map(|message| message["d"].clone()));
        }
        heard
    }

    /// What of the keyset in Strata's own API.
    pub fn own(&self, what: &str) -> String {
        format!("/strata/v1/keysets/{}/{what}", self.keyset.number)
    }

    /// Executions that have ended, oldest first, as soon as there are so many.
    pub async fn executions(&self, count: usize) -> Vec<Value> {
        until("an execution", async || {
            let list = self.bed.strata().get(&self.own("executions")).await;
            assert_eq!(list.status, 200, "{list:?}");
            let mut rows = list.json()["executions"]
                .as_array()
                .expect("a list")
                .clone();
            rows.reverse();
            let ended =
                |row: &Value| matches!(row["status"].as_str(), Some("completed" | "failed"));
            (rows.len() >= count && rows.iter().all(ended)).then_some(rows)
        })
        .await
    }

    /// Dead letters, as soon as there are so many.
    pub async fn letters(&self, count: usize) -> Vec<Value> {
        until("a dead letter", async || {
            let list = self.bed.strata().get(&self.own("dead-letters")).await;
            assert_eq!(list.status, 200, "{list:?}");
            let rows = list.json()["deadLetters"]
                .as_array()
                .expect("a list")
                .clone();
            (rows.len() == count).then_some(rows)
        })
        .await
    }

    /// Asks a function.
    pub async fn request(&self, method: Method, path: &str) -> Answer {
        let path = self.blocks(path);
        self.bed
            .client
            .with("authorization", "")
            .ask(method, &path)
            .send()
            .await
    }

    /// Where functions of the keyset answer.
    pub fn blocks(&self, path: &str) -> String {
        format!("/v1/blocks/sub-key/{}/{path}", self.keyset.subscribe_key)
    }

    /// Asks a function that answers at a path with JSON, which it must.
    pub async fn answer(&self, path: &str) -> Value {
        let answer = self.request(Method::GET, path).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }
}
