//! A project in which one function is run, and what is there after it.

use std::time::Duration;

use serde_json::{Value, json};

use super::bed::{self, credentials};
use super::standin::{StandIn, same, subset};
use crate::client::{Answer, Client};
use crate::server::until;

/// A project with one integration and one connection.
pub struct World<'a> {
    pub client: &'a Client,
    pub integration: &'a str,
    pub standin: &'a StandIn,
}

/// Fails with what was answered, unless something holds.
pub fn expect(holds: bool, what: &str, answer: &Answer) -> Result<(), String> {
    if holds {
        return Ok(());
    }
    let shown = String::from_utf8_lossy(&answer.bytes);
    Err(format!("{what}: {} {shown}", answer.status))
}

const CONNECTION: &str = "conn-1";

impl World<'_> {
    fn on_behalf(&self) -> Client {
        self.client
            .with("connection-id", CONNECTION)
            .with("provider-config-key", self.integration)
    }

    pub async fn integrate(&self, test: &Value) -> Result<(), String> {
        let made = bed::integrate(self.client, self.integration, self.integration).await;
        expect(made.status == 200, "the integration", &made)?;
        for variable in test["variables"].as_array().into_iter().flatten() {
            let set = self
                .client
                .put("/environment-variables", variable.clone())
                .await;
            expect(set.status == 200, "the variable", &set)?;
        }
        Ok(())
    }

    pub async fn connect(&self, test: &Value) -> Result<(), String> {
        let made = self.connection(test).await;
        expect(made.status == 200, "the connection", &made)
    }

    async fn connection(&self, test: &Value) -> Answer {
        let provider = self
            .client
            .get(&format!("/providers/{}", self.integration))
            .await
            .good(200);
        let mode = provider["data"]["auth_mode"].as_str().unwrap_or_default();
        let mut body = json!({
            "provider_config_key": self.integration,
            "connection_id": CONNECTION,
            "credentials": credentials(mode),
            "connection_config": {},
        });
        for name in ["credentials", "connection_config"] {
            if let Some(given) = test["connection"].get(name) {
                body[name] = given.clone();
            }
        }
        // What the provider asks for and the test does not care about.
        let asked = provider["data"]["connection_config"].as_object();
        for (name, field) in asked.into_iter().flatten() {
            let needed = field["optional"] != true
                && field["automated"] != true
                && field.get("default_value").is_none();
            if needed && body["connection_config"].get(name).is_none() {
                body["connection_config"][name] = field["example"].clone();
            }
        }
        body["connection_config"]["standin"] = self.standin.port.to_string().into();
        if let Some(metadata) = test.get("metadata") {
            body["metadata"] = metadata.clone();
        }
        self.client.post("/connections", body).await
    }

    /// Lets happen what an on-event waits for.
    pub async fn event(&self, source: &str, test: &Value) -> Result<(), String> {
        let exchanges = test["exchanges"].as_array().cloned().unwrap_or_default();
        if source.contains("'pre-connection-deletion'") {
            self.connect(test).await?;
            self.standin.expect(&exchanges, false);
            let path = format!(
                "/connections/{CONNECTION}?provider_config_key={}",
                self.integration
            );
            let deleted = self.client.delete(&path).await;
            expect(deleted.status == 200, "the deletion", &deleted)?;
        } else {
            self.standin.expect(&exchanges, false);
            let made = self.connection(test).await;
            let refused = test["expect"].get("error").is_some();
            expect((made.status >= 400) == refused, "the connection", &made)?;
        }
        // One that follows a creation is not waited for.
        for _ in 0..100 {
            if self.standin.faults().is_empty() && self.compare("", &test["expect"]).await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        match self.standin.faults().as_slice() {
            [] => self.compare("", &test["expect"]).await,
            faults => Err(faults.join("; ")),
        }
    }

    pub async fn deploy(&self, name: &str, kind: &str, code: &str) -> Result<(), String> {
        let deployed = bed::deploy(self.client, self.integration, kind, name, code).await;
        match deployed["status"] == "success" {
            true => Ok(()),
            false => Err(format!("{name} is not deployed: {deployed}")),
        }
    }

    async fn status(&self, name: &str) -> Value {
        let path = format!(
            "/sync/status?syncs={name}&provider_config_key={}&connection_id={CONNECTION}",
            self.integration
        );
        self.client.get(&path).await.json()["syncs"][0].clone()
    }

    /// Runs a sync and waits for its end.
    pub async fn sync(&self, name: &str) -> Result<Value, String> {
        let before = self.status(name).await["finishedAt"].clone();
        let body = json!({"syncs": [name], "provider_config_key": self.integration, "connection_id": CONNECTION});
        let begun = self.client.post("/sync/trigger", body).await;
        expect(begun.status == 200, "the trigger", &begun)?;
        Ok(self.ended(name, &before).await)
    }

    async fn ended(&self, name: &str, before: &Value) -> Value {
        until(name, async || {
            let status = self.status(name).await;
            let ended = status["finishedAt"] != *before && status["status"] != "RUNNING";
            ended.then_some(status)
        })
        .await
    }

    pub async fn webhook(&self, payload: &Value) -> Result<(), String> {
        let path = format!("/integrations/{}?include=webhook", self.integration);
        let url = self.client.get(&path).await.json()["data"]["webhook_url"].clone();
        let url: url::Url = url
            .as_str()
            .unwrap_or_default()
            .parse()
            .map_err(|_| "no address".to_owned())?;
        let sent = self
            .client
            .with("authorization", "")
            .post(url.path(), payload.clone())
            .await;
        expect(sent.status == 200, "the webhook", &sent)?;
        let runs = sent.json()["runs"].clone();
        expect(runs == 1, "a run of the webhook", &sent)
    }

    pub async fn action(&self, name: &str, test: &Value) -> Result<(), String> {
        let mut body = json!({"action_name": name});
        if let Some(input) = test.get("input") {
            body["input"] = input.clone();
        }
        let answer = self.on_behalf().post("/action/trigger", body).await;
        let wanted = &test["expect"];
        let faults = self.standin.faults();
        let have: Value = serde_json::from_slice(&answer.bytes).unwrap_or(Value::Null);
        let Some(error) = wanted.get("error") else {
            expect(answer.status == 200, &faults.join("; "), &answer)?;
            return match same(&wanted["output"], &have) {
                true => Ok(()),
                false => Err(format!("the output is {have}, not {}", wanted["output"])),
            };
        };
        let have = &have["error"];
        let upstream = error["type"] == "script_http_error";
        let status = if upstream { 424 } else { 500 };
        let as_told = json!({
            "type": have["code"], "payload": have["payload"],
            "status": if upstream { have["upstream"]["status"].clone() } else { answer.status.into() },
        });
        expect(answer.status == status, &faults.join("; "), &answer)?;
        subset(error, &as_told, "error")
    }

    /// What is there after the run.
    pub async fn compare(&self, name: &str, wanted: &Value) -> Result<(), String> {
        if let Some(metadata) = wanted.get("metadata") {
            let path = format!(
                "/connections/{CONNECTION}?provider_config_key={}",
                self.integration
            );
            let have = self.client.get(&path).await.json()["metadata"].clone();
            if !same(metadata, &have) {
                return Err(format!("the metadata is {have}, not {metadata}"));
            }
        }
        if let Some(checkpoint) = wanted.get("checkpoint") {
            let have = self.status(name).await["checkpoint"].clone();
            if !same(checkpoint, &have) {
                return Err(format!("the checkpoint is {have}, not {checkpoint}"));
            }
        }
        for (model, records) in wanted["records"].as_object().into_iter().flatten() {
            let (have, deleted) = self.records(model).await?;
            let mut sorted = records.as_array().cloned().unwrap_or_default();
            sorted.sort_by_key(|one| one["id"].as_str().unwrap_or_default().to_owned());
            if !same(&json!(sorted), &json!(have)) {
                return Err(format!(
                    "{model} are {}, not {}",
                    json!(have),
                    json!(sorted)
                ));
            }
            let mut gone: Vec<Value> = wanted["deleted"][model]
                .as_array()
                .cloned()
                .unwrap_or_default();
            gone.sort_by_key(ToString::to_string);
            if json!(gone) != json!(deleted) {
                return Err(format!("of {model} {deleted:?} are deleted, not {gone:?}"));
            }
        }
        Ok(())
    }

    /// What is stored, without what the platform adds, and the ids of what was deleted; both sorted.
    async fn records(&self, model: &str) -> Result<(Vec<Value>, Vec<String>), String> {
        let answer = self
            .on_behalf()
            .get(&format!("/records?model={model}&limit=1000"))
            .await;
        expect(answer.status == 200, "the records", &answer)?;
        let (mut have, mut deleted) = (Vec::new(), Vec::new());
        for record in answer.json()["records"].as_array().into_iter().flatten() {
            let mut record = record.clone();
            let added = record
                .as_object_mut()
                .and_then(|record| record.remove("_nango_metadata"));
            if added.unwrap_or_default()["last_action"] == "DELETED" {
                deleted.push(record["id"].as_str().unwrap_or_default().to_owned());
            } else {
                have.push(record);
            }
        }
        have.sort_by_key(|one| one["id"].as_str().unwrap_or_default().to_owned());
        deleted.sort();
        Ok((have, deleted))
    }
}
