//! Several servers on one PostgreSQL database.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Client, archive, unique};
use crate::postgresql;
use crate::server::{MASTER_KEY, ROOT_KEY, Server, until};

/// What the servers of one world share.
pub struct World {
    folder: TempDir,
    url: String,
}

impl World {
    pub fn new() -> Self {
        let database = postgresql::shared();
        Self {
            folder: tempfile::tempdir().unwrap(),
            url: database.url(&database.create_database()),
        }
    }

    fn data(&self, n: usize) -> PathBuf {
        self.folder.path().join(format!("node{n}"))
    }

    /// A server with a data directory of its own.
    pub fn node(&self, n: usize) -> Server {
        self.node_with(n, &[])
    }

    /// The same, with more in its environment.
    pub fn node_with(&self, n: usize, more: &[(&str, &str)]) -> Server {
        let blobs = self.folder.path().join("blobs");
        let own = [
            ("STRATA_DATABASE_URL", &*self.url),
            ("STRATA_BLOBS", blobs.to_str().unwrap()),
        ];
        Server::start_with(&self.data(n), &[&own, more].concat())
    }

    /// So many servers, started at the same moment.
    pub fn nodes(&self, count: usize) -> Vec<Server> {
        std::thread::scope(|scope| {
            let starting: Vec<_> = (0..count)
                .map(|n| scope.spawn(move || self.node(n)))
                .collect();
            starting
                .into_iter()
                .map(|node| node.join().unwrap())
                .collect()
        })
    }
}

fn root(client: &Client) -> Client {
    client.with("authorization", &format!("Bearer {ROOT_KEY}"))
}

/// Events of a type, oldest first.
async fn events(client: &Client, filter: &str) -> Vec<Value> {
    let path = format!("/strata/v1/audit?limit=1000&{filter}");
    let page = root(client).get(&path).await.json();
    page["events"].as_array().expect("events").clone()
}

/// The node that an event names.
fn worker(event: &Value) -> &str {
    let kind = event["event"].as_str().unwrap();
    event["payload"][kind]["worker"].as_str().unwrap()
}

/// How many nodes events name.
fn workers(events: &[Value]) -> usize {
    events.iter().map(worker).collect::<BTreeSet<_>>().len()
}

/// The index of the server that holds a lease.
pub async fn holder(servers: &[Option<Server>], lease: &str) -> Option<usize> {
    for (n, server) in servers.iter().enumerate() {
        let Some(server) = server else { continue };
        let page = root(&Client::to(server)).get("/strata/v1/nodes").await;
        let page = page.json();
        let nodes = page["nodes"].as_array().expect("nodes").clone();
        let own = nodes.iter().find(|node| node["id"] == page["node"]);
        let leases = own.expect("itself")["leases"].as_array().unwrap().clone();
        if leases.iter().any(|held| held == lease) {
            return Some(n);
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_share_one_world() {
    let world = World::new();
    let servers = tokio::task::block_in_place(|| world.nodes(3));
    let clients: Vec<Client> = servers.iter().map(Client::to).collect();
    let nodes = root(&clients[0]).get("/strata/v1/nodes").await.json();
    assert_eq!(nodes["nodes"].as_array().unwrap().len(), 3, "{nodes}");
    let said = std::process::Command::new(env!("CARGO_BIN_EXE_strata"))
        .args(["nodes", "--server", &servers[1].url, "--key", ROOT_KEY])
        .output()
        .unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    let naming = |what: &str| said.lines().filter(|line| line.contains(what)).count();
    assert_eq!(naming(" alive "), 3, "{said}");
    assert_eq!(naming(" lag "), 3, "{said}");
    assert_eq!((naming("sagas"), naming("projections")), (1, 1), "{said}");
    for server in &servers {
        assert_eq!(naming(&server.url), 1, "{said}");
    }
    let created = events(&clients[0], "event=ProjectCreated").await;
    assert_eq!(created.len(), 1, "the default project is made once");

    // What one answered, all know.
    let function = clients[0].function(json!({"execute": ["any"]})).await;
    let path = format!("/v1/functions/{function}");
    for client in &clients {
        assert_eq!(client.get(&path).await.status, 200);
    }
    let secret = json!({"variableId": "s", "key": "S", "value": "hidden", "secret": true});
    let set = clients[1].post(&format!("{path}/variables"), secret).await;
    assert_eq!(set.status, 201, "{set:?}");
    let then = set.position();
    for client in &clients {
        let read = client.get(&format!("{path}?as_of={then}")).await;
        assert_eq!(read.status, 200, "{read:?}");
    }
    let code = "export default ({ res }) => res.text('s' + process.env.S.length);";
    clients[2].deploy(&function, code).await;
    for client in &clients {
        until("the activation to be heard of", async || {
            let ran = client.post(&format!("{path}/executions"), json!({})).await;
            (ran.status == 201 && ran.json()["responseBody"] == "s6").then_some(())
        })
        .await;
    }

    // A repeat on another node is a repeat.
    let again = |client: &Client| {
        let body = json!({"functionId": "once", "name": "o", "runtime": "node-22"});
        let ask = client.ask(Method::POST, "/v1/functions");
        ask.header("idempotency-key", "the-same").json(body)
    };
    let first = again(&clients[0]).await;
    let second = again(&clients[1]).await;
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.position(), second.position());

    // Nothing is refused on a state that another node has gone past.
    for round in 0..20 {
        let (one, other) = (&clients[round % 3], &clients[(round + 1) % 3]);
        let id = "reborn";
        let body = json!({"functionId": id, "name": "r", "runtime": "node-22"});
        let made = one.post("/v1/functions", body).await;
        assert_eq!(made.status, 201, "round {round}: {made:?}");
        let named = json!({"variableId": "v", "key": "K", "value": "1"});
        let path = format!("/v1/functions/{id}");
        let set = other.post(&format!("{path}/variables"), named).await;
        assert_eq!(set.status, 201, "round {round}: {set:?}");
        let gone = one.delete(&path).await;
        assert_eq!(gone.status, 204, "round {round}: {gone:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_share_the_work() {
    let world = World::new();
    let servers = tokio::task::block_in_place(|| world.nodes(3));
    let client = Client::to(&servers[0]);
    let mut functions = Vec::new();
    let source = "export default ({ res }) => res.text('done');";
    let source = archive(&[("main.js", source.as_bytes())]);
    for _ in 0..16 {
        let function = client.function(json!({"execute": ["any"]})).await;
        let made = client.upload(&function, &source, true).await;
        assert_eq!(made.status, 202);
        functions.push((function, made.text("$id")));
    }
    for (function, deployment) in &functions {
        let built = client.built(function, deployment).await;
        assert_eq!(built["status"], "ready", "{built}");
    }
    let started = events(&client, "event=BuildStarted").await;
    assert_eq!(started.len(), 16, "each is built once");
    assert!(workers(&started) >= 2, "one node has built everything");

    let (function, _) = &functions[0];
    let path = format!("/v1/functions/{function}/executions");
    until("the activation", async || {
        let asked = client.post(&path, json!({"async": true})).await;
        (asked.status == 202).then_some(())
    })
    .await;
    for _ in 0..23 {
        let asked = client.post(&path, json!({"async": true})).await;
        assert_eq!(asked.status, 202, "{asked:?}");
    }
    until("the executions", async || {
        let page = client.get(&format!("{path}?limit=100")).await.json();
        let all = page["executions"].as_array().unwrap();
        let done = all.iter().filter(|one| one["status"] == "completed");
        (done.count() == 24).then_some(())
    })
    .await;
    let started = events(&client, "event=ExecutionStarted").await;
    assert_eq!(started.len(), 24, "each runs once");
    assert!(workers(&started) >= 2, "one node has run everything");
}

/// Its module takes three seconds to load: so does the build, which starts it.
const SLOW: &str = "await new Promise(done => setTimeout(done, 3000));
    export default ({ res }) => res.text('slow');";

/// The leader hangs, its work goes to the others; when it goes on, what it has
/// to say is refused. Then the new leader is killed, under load.
#[tokio::test(flavor = "multi_thread")]
async fn work_of_a_leader_that_hangs_or_dies_is_taken_over() {
    let world = World::new();
    let mut servers: Vec<Option<Server>> = tokio::task::block_in_place(|| world.nodes(3))
        .into_iter()
        .map(Some)
        .collect();
    for signal in ["STOP", "KILL"] {
        let leader = until("a leader", async || holder(&servers, "sagas").await).await;
        let others: Vec<usize> = (0..3)
            .filter(|n| *n != leader && servers[*n].is_some())
            .collect();
        let client = Client::to(servers[others[0]].as_ref().unwrap());
        let nodes = root(&Client::to(servers[leader].as_ref().unwrap()));
        let name = nodes.get("/strata/v1/nodes").await.text("node");

        let source = archive(&[("main.js", SLOW.as_bytes())]);
        let mut deployments = Vec::new();
        for _ in 0..8 {
            let function = client.function(json!({"execute": ["any"]})).await;
            let made = client.upload(&function, &source, false).await;
            assert_eq!(made.status, 202);
            deployments.push((function, made.text("$id")));
        }
        let held = until("a build on the leader", async || {
            let started = events(&client, "event=BuildStarted").await;
            let mine = |event: &&Value| {
                let stream = event["stream"].as_str().unwrap();
                let new = deployments.iter().any(|(_, id)| stream.ends_with(id));
                new && worker(event) == name
            };
            let stream = started.iter().find(mine)?["stream"].clone();
            Some(stream.as_str().unwrap().to_owned())
        })
        .await;
        let begun = Instant::now();
        match signal {
            "STOP" => servers[leader].as_ref().unwrap().signal("STOP"),
            _ => servers[leader].as_mut().unwrap().kill(),
        }
        let stopped = servers[leader].take();

        // Commands and reads go on, and somebody else leads.
        let load = Arc::new(AtomicBool::new(true));
        let creating = tokio::spawn({
            let (client, load) = (client.clone(), Arc::clone(&load));
            async move {
                let mut made = Vec::new();
                while load.load(Ordering::Relaxed) {
                    made.push(client.function(json!({})).await);
                }
                made
            }
        });
        until("a new leader", async || holder(&servers, "sagas").await).await;
        until("a new leader of the read models", async || {
            holder(&servers, "projections").await
        })
        .await;
        eprintln!("{signal}: taken over after {:?}", begun.elapsed());
        until("another attempt", async || {
            let history = events(&client, &format!("event=BuildStarted&stream={held}")).await;
            (history.len() == 2).then_some(())
        })
        .await;
        eprintln!("{signal}: a build taken over after {:?}", begun.elapsed());
        if signal == "STOP" {
            let server = stopped.unwrap();
            server.signal("CONT");
            servers[leader] = Some(server);
        }
        for (function, deployment) in &deployments {
            let built = client.built(function, deployment).await;
            assert_eq!(built["status"], "ready", "{built}");
        }
        // One that was hanging has had the time to say what it did.
        tokio::time::sleep(Duration::from_secs(2)).await;
        for (_, id) in &deployments {
            let stream = format!("stream=deployment-default:{id}");
            let ends = events(&client, &format!("event=BuildSucceeded&{stream}")).await;
            assert_eq!(ends.len(), 1, "{ends:?}");
            let failed = events(&client, &format!("event=BuildFailed&{stream}")).await;
            assert_eq!(failed.len(), 0, "{failed:?}");
        }
        load.store(false, Ordering::Relaxed);
        let made = creating.await.unwrap();
        assert!(made.len() > 10, "{} functions", made.len());
        for server in servers.iter().flatten() {
            let client = Client::to(server);
            for function in &made {
                let found = client.get(&format!("/v1/functions/{function}")).await;
                assert_eq!(found.status, 200);
            }
            let ready = client.get("/readyz").await;
            assert_eq!(ready.status, 200, "{ready:?}");
        }
    }
}

/// An execution that was running on a node that died ends, with the reason; one
/// that waited there runs elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn executions_of_a_dead_node_end() {
    let world = World::new();
    let mut servers = tokio::task::block_in_place(|| world.nodes(2));
    let client = Client::to(&servers[0]);
    let function = client
        .function(json!({"execute": ["any"], "timeout": 60}))
        .await;
    let code = "export default async ({ res }) => {
        await new Promise(done => setTimeout(done, 6000));
        return res.text('done');
    };";
    client.deploy(&function, code).await;
    let path = format!("/v1/functions/{function}/executions");
    for _ in 0..12 {
        until("an execution", async || {
            let asked = client.post(&path, json!({"async": true})).await;
            (asked.status == 202).then_some(())
        })
        .await;
    }
    let name = root(&Client::to(&servers[1])).get("/strata/v1/nodes").await;
    let name = name.text("node");
    let running = until("an execution on the other node", async || {
        let started = events(&client, "event=ExecutionStarted").await;
        let there = started.iter().filter(|event| worker(event) == name);
        let there = there.count();
        (started.len() == 12 && there > 0).then_some(there)
    })
    .await;
    servers[1].kill();
    let ended = until("the executions", async || {
        let page = client.get(&format!("{path}?limit=100")).await.json();
        let all = page["executions"].as_array().unwrap().clone();
        let ended = all
            .iter()
            .filter(|one| matches!(one["status"].as_str(), Some("completed" | "failed")));
        (ended.count() == 12).then_some(all)
    })
    .await;
    let failed: Vec<_> = ended
        .iter()
        .filter(|one| one["status"] == "failed")
        .collect();
    assert_eq!(failed.len(), running, "{failed:?}");
    for one in failed {
        let errors = one["errors"].as_str().unwrap();
        assert!(errors.contains("not run again"), "{errors}");
    }
}

/// Sends again, to the next server, what one that stops did not answer.
struct Retrying {
    clients: Vec<(reqwest::Client, String)>,
}

impl Retrying {
    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> u16 {
        let key = unique("key");
        let until = Instant::now() + Duration::from_secs(20);
        for (http, url) in self.clients.iter().cycle() {
            let mut request = http
                .request(method.clone(), format!("{url}{path}"))
                .header("x-appwrite-project", "default")
                .header("x-appwrite-key", ROOT_KEY)
                .header("idempotency-key", &key);
            if let Some(body) = &body {
                request = request
                    .header("content-type", "application/json")
                    .body(body.to_string());
            }
            if let Ok(answer) = request.send().await
                && answer.status() != 503
            {
                return answer.status().as_u16();
            }
            assert!(Instant::now() < until, "no answer to {path}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        unreachable!("there are servers");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_fails_no_request() {
    let world = World::new();
    let mut servers = tokio::task::block_in_place(|| world.nodes(3));
    let client = Client::to(&servers[0]);
    let function = client.function(json!({"execute": ["any"]})).await;
    client
        .deploy(&function, "export default ({ res }) => res.text('up');")
        .await;
    // Addresses of their own, kept over restarts.
    let urls: Arc<std::sync::Mutex<Vec<String>>> = Arc::new(std::sync::Mutex::new(
        servers.iter().map(|server| server.url.clone()).collect(),
    ));
    let load = Arc::new(AtomicBool::new(true));
    let mut tasks = Vec::new();
    for n in 0..4 {
        let (urls, load) = (Arc::clone(&urls), Arc::clone(&load));
        let function = function.clone();
        tasks.push(tokio::spawn(async move {
            let mut made = Vec::new();
            let mut sent = 0;
            while load.load(Ordering::Relaxed) {
                let http = reqwest::Client::new();
                let mut now = urls.lock().unwrap().clone();
                now.rotate_left(n % 3);
                let retrying = Retrying {
                    clients: now.into_iter().map(|url| (http.clone(), url)).collect(),
                };
                let id = unique("rolled");
                let body = json!({"functionId": id, "name": "r", "runtime": "node-22"});
                let status = retrying.send(Method::POST, "/v1/functions", Some(body));
                assert_eq!(status.await, 201);
                let path = format!("/v1/functions/{id}");
                assert_eq!(retrying.send(Method::GET, &path, None).await, 200);
                let path = format!("/v1/functions/{function}/executions");
                let ran = retrying.send(Method::POST, &path, Some(json!({})));
                assert_eq!(ran.await, 201);
                made.push(id);
                sent += 3;
            }
            (made, sent)
        }));
    }
    for (n, server) in servers.iter_mut().enumerate() {
        tokio::task::block_in_place(|| {
            server.stop();
            *server = world.node(n);
        });
        urls.lock().unwrap()[n].clone_from(&server.url);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    load.store(false, Ordering::Relaxed);
    let client = Client::to(&servers[0]);
    let mut total = 0;
    for task in tasks {
        let (made, sent) = task.await.expect("no request failed");
        total += sent;
        for id in made {
            let stream = format!("event=FunctionCreated&stream=function-default:{id}");
            assert_eq!(events(&client, &stream).await.len(), 1, "{id}");
        }
    }
    assert!(total > 100, "{total} requests");
}

/// Each due time of a schedule makes one execution, although the leader hangs
/// while it passes, and goes on afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_due_time_runs_once_whoever_leads() {
    let world = World::new();
    let mut servers: Vec<Option<Server>> = tokio::task::block_in_place(|| world.nodes(2))
        .into_iter()
        .map(Some)
        .collect();
    let client = Client::to(servers[0].as_ref().unwrap());
    let function = client.function(json!({"schedule": "* * * * *"})).await;
    client
        .deploy(&function, "export default ({ res }) => res.text('due');")
        .await;
    let past_the_minute = || jiff::Timestamp::now().as_millisecond().rem_euclid(60_000);
    // A little before the minute is over.
    let mut left = 58_500 - past_the_minute();
    if left < 0 {
        left += 60_000;
    }
    tokio::time::sleep(Duration::from_millis(left as u64)).await;
    let due = |events: Vec<Value>| {
        let of = |event: &Value| {
            let stream = event["payload"]["ExecutionRequested"]["request"].clone();
            stream["trigger"] == "schedule" && stream["function"] == *function
        };
        events.into_iter().filter(of).count()
    };
    let leader = until("a leader", async || holder(&servers, "sagas").await).await;
    let other = Client::to(servers[1 - leader].as_ref().unwrap());
    let before = due(events(&other, "event=ExecutionRequested").await);
    servers[leader].as_ref().unwrap().signal("STOP");
    let hung = servers[leader].take();
    until("the execution that is due", async || {
        let now = due(events(&other, "event=ExecutionRequested").await);
        (now == before + 1).then_some(())
    })
    .await;
    let hung = hung.unwrap();
    hung.signal("CONT");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let now = due(events(&other, "event=ExecutionRequested").await);
    assert_eq!(now, before + 1, "one due time, one execution");
}

/// A server that was not given what it needs says so, and does not start.
#[test]
fn a_server_that_does_not_belong_to_the_world_says_why() {
    let world = World::new();
    let _first = world.node(0);
    let blobs = world.folder.path().join("blobs");
    let blobs = blobs.to_str().unwrap();
    let other = world.folder.path().join("other-blobs");
    let attempt = |environment: &[(&str, &str)]| {
        let ended = std::process::Command::new(env!("CARGO_BIN_EXE_strata"))
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "warn"])
            .args(["--root-key", ROOT_KEY, "--data-dir"])
            .arg(world.data(1))
            .env_remove("STRATA_CONFIG")
            .env("STRATA_DATABASE_URL", &world.url)
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        assert!(!ended.status.success());
        String::from_utf8(ended.stderr).unwrap()
    };
    let zeros = "0".repeat(64);
    let said = attempt(&[("STRATA_BLOBS", blobs), ("STRATA_MASTER_KEY", &zeros)]);
    assert!(said.contains("the same master key"), "{said}");
    let said = attempt(&[("STRATA_MASTER_KEY", MASTER_KEY)]);
    assert!(said.contains("see the setting `blobs`"), "{said}");
    std::fs::create_dir_all(&other).unwrap();
    std::fs::write(other.join("installation"), "another").unwrap();
    let said = attempt(&[
        ("STRATA_BLOBS", other.to_str().unwrap()),
        ("STRATA_MASTER_KEY", MASTER_KEY),
    ]);
    assert!(said.contains("belongs to another journal"), "{said}");
    let said = attempt(&[("STRATA_BLOBS", blobs), ("STRATA_MASTER_KEY", "abc")]);
    assert!(said.contains("master-key: 64 hexadecimal digits"), "{said}");
}
