//! Kill -9 at random moments under load: what was acknowledged is there exactly
//! once, the order has no gaps, the chain holds, and the read models are what a
//! rebuild makes of the journal.
//!
//! `STRATA_CRASH_ROUNDS` sets how often the server is killed (30).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{self, archive};
use crate::server::{ROOT_KEY, Server};

/// What the server has acknowledged, or may have done.
#[derive(Default)]
struct Ledger {
    /// Position of a command's last event → stream and event type.
    acknowledged: BTreeMap<u64, (String, &'static str)>,
    functions: BTreeSet<String>,
    deployments: BTreeSet<(String, String)>,
    executions: BTreeSet<(String, String)>,
    /// Sent, not answered: sent again with the same idempotency key.
    open: Vec<String>,
}

#[derive(Clone)]
struct Client {
    http: reqwest::Client,
    address: String,
    ledger: Arc<Mutex<Ledger>>,
    next: Arc<AtomicU64>,
}

impl Client {
    async fn send(
        &self,
        method: reqwest::Method,
        path: &str,
        key: Option<&str>,
        body: Value,
    ) -> Option<(u16, u64, Value)> {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.address))
            .header("x-appwrite-project", "default")
            .header("x-appwrite-key", ROOT_KEY)
            .header("content-type", "application/json")
            .timeout(Duration::from_secs(10));
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let response = request.body(body.to_string()).send().await.ok()?;
        let status = response.status().as_u16();
        let position = response.headers().get("strata-position");
        let position = position.map_or(0, |value| value.to_str().unwrap().parse().unwrap());
        let body = response.text().await.ok()?;
        Some((
            status,
            position,
            serde_json::from_str(&body).unwrap_or(Value::Null),
        ))
    }

    fn acknowledge(&self, position: u64, stream: String, event: &'static str) {
        let mut ledger = self.ledger.lock().unwrap();
        let before = ledger
            .acknowledged
            .insert(position, (stream.clone(), event));
        let same = before.is_none_or(|before| before == (stream, event));
        assert!(same, "two commands were given position {position}");
    }

    async fn create_function(&self, id: &str) -> bool {
        let key = format!("create-{id}");
        let body = json!({"functionId": id, "name": id, "runtime": "node-22"});
        let answer = self
            .send(reqwest::Method::POST, "/v1/functions", Some(&key), body)
            .await;
        let mut ledger = self.ledger.lock().unwrap();
        let Some((status, position, _)) = answer else {
            ledger.open.push(id.to_owned());
            return false;
        };
        assert_eq!(status, 201, "create {id}");
        ledger.functions.insert(id.to_owned());
        drop(ledger);
        self.acknowledge(
            position,
            format!("function-default:{id}"),
            "FunctionCreated",
        );
        true
    }

    /// Commands of every kind until the server is gone.
    async fn work(self, salt: u64) {
        let mut turn = salt;
        loop {
            turn = turn
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(salt);
            let n = self.next.fetch_add(1, Ordering::Relaxed);
            let id = format!("f{n}");
            if !self.create_function(&id).await {
                return;
            }
            let gone = match turn >> 61 {
                0 | 1 => self.set_variable(&id).await,
                2 => self.rename(&id).await,
                3 => self.deploy(&id).await,
                4 | 5 => self.execute(true).await,
                _ => self.execute(false).await,
            };
            if gone.is_none() {
                return;
            }
        }
    }

    async fn set_variable(&self, id: &str) -> Option<()> {
        let path = format!("/v1/functions/{id}/variables");
        let body = json!({"variableId": "v", "key": "A", "value": "s3cret-value"});
        let (status, position, _) = self.send(reqwest::Method::POST, &path, None, body).await?;
        assert_eq!(status, 201);
        self.acknowledge(
            position,
            format!("function-default:{id}"),
            "VariableCreated",
        );
        Some(())
    }

    async fn rename(&self, id: &str) -> Option<()> {
        let path = format!("/v1/functions/{id}");
        let body = json!({"name": "renamed"});
        let (status, position, _) = self.send(reqwest::Method::PUT, &path, None, body).await?;
        assert_eq!(status, 200);
        self.acknowledge(
            position,
            format!("function-default:{id}"),
            "FunctionUpdated",
        );
        Some(())
    }

    async fn deploy(&self, id: &str) -> Option<()> {
        let code = "export default ({ res }: any) => res.text('ok');";
        let form = reqwest::multipart::Form::new()
            .text("activate", "true")
            .text("entrypoint", "main.ts")
            .part(
                "code",
                reqwest::multipart::Part::bytes(archive(&[("main.ts", code.as_bytes())]))
                    .file_name("code.tar.gz"),
            );
        let response = self
            .http
            .post(format!("{}/v1/functions/{id}/deployments", self.address))
            .header("x-appwrite-project", "default")
            .header("x-appwrite-key", ROOT_KEY)
            .timeout(Duration::from_secs(10))
            .multipart(form)
            .send()
            .await
            .ok()?;
        assert_eq!(response.status(), 202);
        let body: Value = serde_json::from_str(&response.text().await.ok()?).unwrap();
        let deployment = body["$id"].as_str().unwrap().to_owned();
        let mut ledger = self.ledger.lock().unwrap();
        ledger.deployments.insert((id.to_owned(), deployment));
        Some(())
    }

    async fn execute(&self, later: bool) -> Option<()> {
        let body = json!({"async": later, "body": "x"});
        let path = "/v1/functions/base/executions";
        let (status, position, answer) = self.send(reqwest::Method::POST, path, None, body).await?;
        assert_eq!(status, if later { 202 } else { 201 }, "{answer}");
        let id = answer["$id"].as_str().unwrap().to_owned();
        let event = if later {
            "ExecutionRequested"
        } else {
            "ExecutionRecorded"
        };
        self.acknowledge(position, format!("execution-default:{id}"), event);
        let mut ledger = self.ledger.lock().unwrap();
        ledger.executions.insert(("base".to_owned(), id));
        Some(())
    }
}

/// All events in order, and that there is no gap between them.
async fn events(server: &client::Client) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    loop {
        let path = format!("/strata/v1/audit?limit=1000&after={}", all.len());
        let page = server.get(&path).await.json();
        let page = page["events"].as_array().unwrap().clone();
        if page.is_empty() {
            return all;
        }
        for event in page {
            all.push(event);
            assert_eq!(
                all.last().unwrap()["position"],
                all.len(),
                "positions are contiguous"
            );
        }
    }
}

fn check_events(events: &[Value], ledger: &Ledger) {
    for (position, (stream, kind)) in &ledger.acknowledged {
        let event = events
            .get(*position as usize - 1)
            .unwrap_or_else(|| panic!("acknowledged position {position} is gone"));
        assert_eq!(event["stream"], *stream, "position {position}");
        assert_eq!(event["event"], *kind, "position {position}");
    }
    let mut created = BTreeMap::<&str, usize>::new();
    for event in events {
        if event["event"] == "FunctionCreated" {
            *created
                .entry(event["stream"].as_str().unwrap())
                .or_default() += 1;
        }
    }
    for id in &ledger.functions {
        let stream = format!("function-default:{id}");
        assert_eq!(
            created.get(stream.as_str()),
            Some(&1),
            "{id} was created once"
        );
    }
}

async fn all_of(server: &client::Client, path: &str, name: &str) -> Vec<Value> {
    let mut rows: Vec<Value> = Vec::new();
    loop {
        let mut queries = vec![json!({"method": "limit", "values": [500]})];
        if let Some(last) = rows.last() {
            queries.push(json!({"method": "cursorAfter", "values": [last["$id"]]}));
        }
        let page = server.list(path, &queries).await.json();
        let page = page[name].as_array().unwrap().clone();
        if page.is_empty() {
            return rows;
        }
        rows.extend(page);
    }
}

/// Everything that the read models answer.
async fn read_models(server: &client::Client, ledger: &Ledger) -> Vec<Value> {
    let mut all = all_of(server, "/v1/functions", "functions").await;
    all.extend(all_of(server, "/v1/functions/base/executions", "executions").await);
    for (function, _) in &ledger.deployments {
        let path = format!("/v1/functions/{function}/deployments");
        all.extend(all_of(server, &path, "deployments").await);
    }
    all
}

fn verify_chain(data: &Path) {
    let output = Command::new(env!("CARGO_BIN_EXE_strata"))
        .args(["verify", "--data-dir"])
        .arg(data)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
}

async fn wait_until_settled(server: &client::Client, ledger: &Ledger) {
    let begun = Instant::now();
    for (function, id) in &ledger.deployments {
        let path = format!("/v1/functions/{function}/deployments/{id}");
        loop {
            let status = server.get(&path).await.json()["status"]
                .as_str()
                .unwrap()
                .to_owned();
            if status == "ready" {
                break;
            }
            assert!(
                status == "waiting" || status == "building",
                "{path} is {status}"
            );
            assert!(
                begun.elapsed() < Duration::from_secs(120),
                "{path} is stuck in {status}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    for (function, id) in &ledger.executions {
        let path = format!("/v1/functions/{function}/executions/{id}");
        loop {
            let execution = server.get(&path).await.json();
            match execution["status"].as_str().unwrap() {
                "completed" => break,
                "failed" => {
                    let errors = execution["errors"].as_str().unwrap();
                    assert!(errors.contains("server stopped"), "{path}: {errors}");
                    break;
                }
                status => assert!(
                    begun.elapsed() < Duration::from_secs(120),
                    "{path} is stuck in {status}"
                ),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_commands_survive_kill_9() {
    let rounds: u64 = std::env::var("STRATA_CRASH_ROUNDS").map_or(30, |text| {
        text.parse().expect("STRATA_CRASH_ROUNDS is a number")
    });
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let next = Arc::new(AtomicU64::new(0));
    {
        let mut server = Server::start_in(&data);
        let client = client::Client::to(&server);
        client.function(json!({"functionId": "base"})).await;
        let code = "export default ({ req, res }) => res.text(req.bodyText);";
        client.deploy("base", code).await;
        server.stop();
    }
    for round in 0..rounds {
        let mut server = Server::start_in(&data);
        let client = Client {
            http: reqwest::Client::new(),
            address: server.url.clone(),
            ledger: ledger.clone(),
            next: next.clone(),
        };
        let open = std::mem::take(&mut ledger.lock().unwrap().open);
        for id in open {
            assert!(client.create_function(&id).await, "a repeat is answered");
        }
        let work: Vec<_> = (0..8)
            .map(|n| tokio::spawn(client.clone().work(round * 8 + n + 1)))
            .collect();
        // Moments spread over 20 to 260 ms without a random source.
        tokio::time::sleep(Duration::from_millis(20 + (round * 97) % 240)).await;
        server.kill();
        for task in work {
            task.await.expect("no command was answered wrongly");
        }
        verify_chain(&data);
    }
    let mut server = Server::start_in(&data);
    let ledger = std::mem::take(&mut *ledger.lock().unwrap());
    assert!(ledger.acknowledged.len() as u64 > rounds, "there was load");
    let client = client::Client::to(&server).with("authorization", &format!("Bearer {ROOT_KEY}"));
    check_events(&events(&client).await, &ledger);
    wait_until_settled(&client, &ledger).await;
    let before = read_models(&client, &ledger).await;
    server.stop();

    for entry in std::fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("readmodels") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let mut server = Server::start_in(&data);
    let after = read_models(&client::Client::to(&server), &ledger).await;
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after, "the read models are what the journal says");
    }
    server.stop();
}
