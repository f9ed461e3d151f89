//! Runs of syncs whose server was killed: the next one on the same data takes them over.

use std::time::Duration;

use serde_json::{Value, json};

use super::api::root;
use super::bed::{self, start_in};
use super::sources::sync;
use super::standin::StandIn;
use crate::client::Client;
use crate::server::{Server, until};

/// A data directory with its server, and what answers for GitHub.
struct Life {
    server: Server,
    client: Client,
    standin: StandIn,
    dir: tempfile::TempDir,
}

impl Life {
    async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let standin = StandIn::start();
        let server = start_in(dir.path());
        let client = root(&server);
        bed::integrate(&client, "github", "github").await.good(200);
        let body = json!({
            "provider_config_key": "github", "connection_id": "conn-1",
            "credentials": {"type": "OAUTH2", "access_token": "tok-1"},
            "connection_config": {"standin": standin.port.to_string()},
        });
        client.post("/connections", body).await.good(200);
        Self {
            server,
            client,
            standin,
            dir,
        }
    }

    async fn deploy(&self, code: &str) {
        let deployed = bed::deploy(&self.client, "github", "sync", "things", code).await;
        assert_eq!(deployed["status"], "success", "{deployed}");
    }

    async fn trigger(&self) {
        let body = json!({"syncs": ["things"], "provider_config_key": "github", "connection_id": "conn-1"});
        self.client.post("/sync/trigger", body).await.good(200);
    }

    async fn status(&self) -> Value {
        let path = "/sync/status?syncs=things&provider_config_key=github&connection_id=conn-1";
        self.client.get(path).await.good(200)["syncs"][0].clone()
    }

    /// Waits until so many requests have come to the provider.
    async fn calls(&self, count: usize) {
        until("a request", async || {
            (self.standin.calls().len() >= count).then_some(())
        })
        .await;
    }

    /// Kills the server where it stands and starts another on its data.
    fn again(&mut self) {
        self.server.kill();
        self.server = start_in(self.dir.path());
        self.client = root(&self.server);
    }

    /// Waits for the end of a run that is not `before`.
    async fn ended(&self, before: &Value) -> Value {
        until("the end of the run", async || {
            let status = self.status().await;
            (status["finishedAt"] != *before && status["status"] != "RUNNING").then_some(status)
        })
        .await
    }

    /// Ids of all records, with what last became of each.
    async fn records(&self) -> Vec<(String, String)> {
        let client = self
            .client
            .with("connection-id", "conn-1")
            .with("provider-config-key", "github");
        let shown = client.get("/records?model=Thing&limit=100").await.good(200);
        let list = shown["records"].as_array().expect("a list").iter();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut all: Vec<_> = list
            .map(|one| {
                (
                    text(&one["id"]),
                    text(&one["_nango_metadata"]["last_action"]),
                )
            })
            .collect();
        all.sort();
        all
    }

    /// Events of the sync, of these kinds: kind, run and attempt.
    async fn events(&self, kinds: &[&str]) -> Vec<(String, Value, Value)> {
        let mut found = Vec::new();
        let mut after = 0;
        loop {
            let path = format!("/strata/v1/audit?limit=100&after={after}");
            let page = self.client.get(&path).await.json();
            let events = page["events"].as_array().expect("a list").clone();
            let Some(last) = events.last() else {
                return found;
            };
            after = last["position"].as_u64().expect("a position");
            for event in events {
                let kind = event["event"].as_str().unwrap_or_default();
                if kinds.contains(&kind) {
                    let data = &event["payload"][kind];
                    found.push((
                        kind.to_owned(),
                        data["run"].clone(),
                        data["attempt"].clone(),
                    ));
                }
            }
        }
    }
}

fn page(number: u32, ids: &[&str], delay_ms: u64) -> Value {
    let things: Vec<_> = ids.iter().map(|id| json!({"id": id})).collect();
    json!({
        "method": "GET", "path": format!("/things?page={number}"),
        "reply": {"json": {"things": things}, "delay_ms": delay_ms},
    })
}

fn of(actions: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = actions.iter().copied();
    own.map(|(id, action)| (id.to_owned(), action.to_owned()))
        .collect()
}

/// Longer than any test: nothing comes before the server is killed.
const NEVER: u64 = 600_000;

#[tokio::test]
async fn a_run_goes_on_from_its_checkpoint() {
    let mut life = Life::new().await;
    let body = "let page = (await nango.getCheckpoint())?.page ?? 0;
        for (; page < 4; page += 1) {
            const { data } = await nango.get<{ things: { id: string }[] }>({ endpoint: '/things', params: { page: String(page) }, retries: 0 });
            await nango.batchSave(data.things, 'Thing');
            await nango.saveCheckpoint({ page: page + 1 });
        }
        await nango.clearCheckpoint();";
    let more = "checkpoint: z.object({ page: z.number() }),";
    life.deploy(&sync(more, body)).await;
    life.standin.expect(
        &[
            page(0, &["a", "b"], 0),
            page(1, &["c"], 0),
            page(2, &[], NEVER),
            // Not from the beginning, and each page once.
            page(2, &["c", "d"], 0),
            page(3, &["e"], NEVER),
            page(3, &["e", "f"], 0),
        ],
        false,
    );
    life.trigger().await;
    for calls in [3, 5] {
        life.calls(calls).await;
        let status = life.status().await;
        assert_eq!(status["status"], "RUNNING", "{status}");
        life.again();
    }
    let ended = life.ended(&json!(null)).await;
    assert_eq!(ended["latestExecutionStatus"], "SUCCESS", "{ended}");
    assert_eq!(life.standin.faults(), Vec::<String>::new());
    let added = ["a", "b", "c", "d", "e", "f"].map(|id| (id, "ADDED"));
    assert_eq!(life.records().await, of(&added));
    // What came of the whole run, whoever had it.
    let counts = json!({"added": 6, "updated": 0, "deleted": 0});
    assert_eq!(ended["latestResult"]["Thing"], counts, "{ended}");
    assert_eq!(ended["recordCount"]["Thing"], 6);
    assert_eq!(ended["checkpoint"], json!(null));
    // One run, and one end of it.
    let events = life.events(&["RunStarted", "RunFinished"]).await;
    let run = &events[0].1;
    let kinds = ["RunStarted", "RunStarted", "RunStarted", "RunFinished"];
    let attempts = [1, 2, 3, 3];
    let expected: Vec<_> = kinds
        .iter()
        .zip(attempts)
        .map(|(kind, attempt)| ((*kind).to_owned(), run.clone(), json!(attempt)))
        .collect();
    assert_eq!(events, expected);
    // Nobody runs it once more.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(life.standin.calls().len(), 6);
    assert_eq!(life.status().await["finishedAt"], ended["finishedAt"]);
}

#[tokio::test]
async fn deletions_are_found_by_whoever_ends_the_run() {
    let mut life = Life::new().await;
    let body = "await nango.trackDeletesStart('Thing');
        for (let page = 0; page < 2; page += 1) {
            const { data } = await nango.get<{ things: { id: string }[] }>({ endpoint: '/things', params: { page: String(page) }, retries: 0 });
            await nango.batchSave(data.things, 'Thing');
        }
        await nango.trackDeletesEnd('Thing');";
    life.deploy(&sync("", body)).await;
    let first = [page(0, &["a", "b"], 0), page(1, &["c", "d"], 0)];
    life.standin.expect(&first, false);
    life.trigger().await;
    let before = life.ended(&json!(null)).await;
    assert_eq!(before["latestResult"]["Thing"]["added"], 4, "{before}");
    // `b` is there until the crash, and gone afterwards: it counts as seen in this run, so that
    // the next one finds it missing. `c` was never there.
    let second = [
        page(0, &["a", "b"], 0),
        page(1, &[], NEVER),
        page(0, &["a"], 0),
        page(1, &["d", "e"], 0),
    ];
    life.standin.expect(&second, false);
    life.trigger().await;
    life.calls(2).await;
    life.again();
    let ended = life.ended(&before["finishedAt"]).await;
    assert_eq!(ended["latestExecutionStatus"], "SUCCESS", "{ended}");
    assert_eq!(life.standin.faults(), Vec::<String>::new());
    let left = [
        ("a", "ADDED"),
        ("b", "ADDED"),
        ("c", "DELETED"),
        ("d", "ADDED"),
        ("e", "ADDED"),
    ];
    assert_eq!(life.records().await, of(&left));
    let counts = json!({"added": 1, "updated": 0, "deleted": 1});
    assert_eq!(ended["latestResult"]["Thing"], counts, "{ended}");
    let third = [page(0, &["a"], 0), page(1, &["d", "e"], 0)];
    life.standin.expect(&third, false);
    life.trigger().await;
    let last = life.ended(&ended["finishedAt"]).await;
    let counts = json!({"added": 0, "updated": 0, "deleted": 1});
    assert_eq!(last["latestResult"]["Thing"], counts, "{last}");
}

/// A run that was to stop when the server died stops; it is not begun again.
#[tokio::test]
async fn a_run_that_was_to_stop_is_not_resumed() {
    let mut life = Life::new().await;
    let body = "await nango.batchSave([{ id: 'a' }], 'Thing');
        await nango.get({ endpoint: '/things', params: { page: '0' }, retries: 0 });";
    life.deploy(&sync("", body)).await;
    life.standin.expect(&[page(0, &[], NEVER)], false);
    life.trigger().await;
    life.calls(1).await;
    let body =
        json!({"syncs": ["things"], "provider_config_key": "github", "connection_id": "conn-1"});
    life.client.post("/sync/pause", body).await.good(200);
    life.again();
    let ended = life.ended(&json!(null)).await;
    assert_eq!(ended["latestExecutionStatus"], "STOPPED", "{ended}");
    assert_eq!(life.standin.calls().len(), 1);
    assert_eq!(life.records().await, of(&[("a", "ADDED")]));
    assert_eq!(ended["latestResult"]["Thing"]["added"], 1, "{ended}");
}
