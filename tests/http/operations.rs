//! What an operator does: keys, projects, read models, health, configuration.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{ROOT_KEY, Server, until};

fn strata(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_strata"))
        .args(arguments)
        .env_remove("STRATA_CONFIG")
        .output()
        .expect("the binary runs")
}

/// Runs a command against a server and returns what it prints.
fn admin(server: &Server, arguments: &[&str]) -> String {
    let place = ["--server", &server.url, "--key", ROOT_KEY];
    let output = strata(&[arguments, &place].concat());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout)
        .expect("text")
        .trim()
        .to_owned()
}

fn own_api(server: &Server) -> Client {
    Client::to(server).with("authorization", &format!("Bearer {ROOT_KEY}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_and_keys_are_made_listed_and_ended_on_the_command_line() {
    let server = Server::start();
    assert_eq!(
        admin(&server, &["projects", "create", "shop", "--name", "Shop"]),
        "shop"
    );
    let listed = admin(&server, &["projects", "list"]);
    assert!(
        listed.contains("default") && listed.contains("Shop"),
        "{listed}"
    );

    let made = admin(
        &server,
        &["keysets", "create", "--project", "shop", "--name", "Till"],
    );
    assert!(
        made.starts_with("1001 ") && made.contains("sub-c-"),
        "{made}"
    );
    assert!(made.ends_with("Till"), "{made}");
    assert_eq!(
        admin(&server, &["keysets", "list", "--project", "shop"]),
        made
    );
    assert_eq!(admin(&server, &["keysets", "list"]), "");
    admin(&server, &["keysets", "delete", "1001", "--project", "shop"]);
    assert_eq!(
        admin(&server, &["keysets", "list", "--project", "shop"]),
        ""
    );

    let create = [
        "keys",
        "create",
        "--project",
        "shop",
        "--scope",
        "functions.read",
        "--name",
        "ci",
    ];
    let secret = admin(&server, &create);
    let reader = Client::to(&server)
        .with("x-appwrite-project", "shop")
        .with("x-appwrite-key", &secret);
    assert_eq!(reader.get("/v1/functions").await.status, 200);
    let new = json!({"functionId": "f", "name": "f", "runtime": "node-22"});
    let refused = reader.post("/v1/functions", new).await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.json()["type"], "general_unauthorized_scope");
    let elsewhere = reader.with("x-appwrite-project", "default");
    assert_eq!(
        elsewhere.get("/v1/functions").await.status,
        401,
        "another project's key"
    );

    // Clients of Nango take no other form.
    let create = ["keys", "create", "--project", "shop", "--format", "uuid"];
    let secret = admin(&server, &create);
    let parsed = uuid::Uuid::parse_str(&secret);
    assert_eq!(parsed.map(|uuid| uuid.get_version_num()), Ok(4), "{secret}");
    let nango = Client::to(&server)
        .with("x-appwrite-project", "")
        .with("x-appwrite-key", "")
        .with("authorization", &format!("Bearer {secret}"));
    assert_eq!(nango.get("/integrations").await.status, 200);
    let refused = strata(&["keys", "create", "--format", "roman"]);
    assert!(!refused.status.success());

    let keys = admin(&server, &["keys", "list", "--project", "shop"]);
    assert!(keys.contains("ci") && !keys.contains(&secret), "{keys}");
    let line = keys.lines().find(|line| line.contains("  ci  "));
    let id = line.expect("a key").split_whitespace().next();
    let id = id.expect("an id").to_owned();
    admin(&server, &["keys", "revoke", &id, "--project", "shop"]);
    assert_eq!(
        reader.get("/v1/functions").await.status,
        401,
        "a revoked key"
    );

    admin(&server, &["projects", "delete", "shop"]);
    let gone = own_api(&server).get("/strata/v1/projects/shop").await;
    assert_eq!(gone.status, 404);
    let head = own_api(&server).get("/strata/v1/head").await.json()["head"].clone();
    let before = head.as_u64().expect("a position") - 1;
    let then = own_api(&server)
        .get(&format!("/strata/v1/projects/shop?as_of={before}"))
        .await;
    assert_eq!(then.status, 200, "the past keeps it");
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_api_has_its_own_envelope() {
    let server = Server::start();
    let api = own_api(&server);
    let cases = [
        (api.get("/strata/v1/nothing").await, 404, "route_not_found"),
        (api.get("/nowhere").await, 404, "route_not_found"),
        (
            api.delete("/strata/v1/audit").await,
            405,
            "method_not_allowed",
        ),
        (
            Client::to(&server).get("/strata/v1/projects").await,
            401,
            "unauthorized",
        ),
        (
            api.post("/strata/v1/projects", json!({"id": "no spaces"}))
                .await,
            400,
            "invalid_argument",
        ),
        (
            api.post("/strata/v1/projects", json!({"id": "default"}))
                .await,
            409,
            "already_exists",
        ),
        (
            api.get("/strata/v1/audit?limit=0").await,
            400,
            "invalid_argument",
        ),
        (
            api.get("/strata/v1/projects?as_of=tomorrow").await,
            400,
            "invalid_argument",
        ),
        (
            api.get("/strata/v1/projects?as_of=999999").await,
            400,
            "invalid_argument",
        ),
        (
            api.get("/strata/v1/projects?as_of=2999-01-01T00:00:00Z")
                .await,
            400,
            "invalid_argument",
        ),
        (
            api.delete("/strata/v1/projects/default").await,
            400,
            "invalid_argument",
        ),
        (
            api.post("/strata/v1/projections/none/rebuild", json!({}))
                .await,
            404,
            "not_found",
        ),
    ];
    for (answer, status, code) in cases {
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.json()["error"]["code"], code, "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn read_models_are_rebuilt_beside_the_ones_in_use() {
    let server = Server::start();
    let client = Client::to(&server);
    for n in 0..20 {
        client
            .function(json!({"functionId": format!("f{n}")}))
            .await;
    }
    let before = client.get("/v1/functions").await.json();
    admin(&server, &["projections", "rebuild"]);
    assert_eq!(client.get("/v1/functions").await.json(), before);
    let listed = admin(&server, &["projections", "list"]);
    assert!(
        listed.contains("functions") && listed.contains("lag 0"),
        "{listed}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_metrics_say_how_it_is() {
    let server = Server::start();
    let client = Client::to(&server);
    assert_eq!(client.get("/healthz").await.status, 200);
    client.function(json!({})).await;
    let ready = client.get("/readyz").await;
    assert_eq!(ready.status, 200, "{ready:?}");
    let body: Value = serde_json::from_slice(&ready.bytes).expect("JSON");
    assert_eq!(body["status"], "ready");
    for projection in body["projections"].as_array().expect("projections") {
        assert_eq!(projection["parked"], Value::Null);
        assert_eq!(projection["lag"], 0, "{projection}");
    }
    let metrics = client.get("/metrics").await;
    let text = String::from_utf8_lossy(&metrics.bytes).into_owned();
    assert!(text.contains("strata_journal_head"), "{text}");
    assert!(text.contains(r#"route="/v1/functions""#), "{text}");
    let echoed = client
        .with("x-request-id", "my-request")
        .get("/healthz")
        .await;
    assert_eq!(echoed.headers["x-request-id"], "my-request");
}

#[test]
fn a_wrong_setting_is_a_clear_error_at_start() {
    let cases: [(&[&str], &str); 6] = [
        (&["--root-key", "short"], "root-key"),
        (&["--log", "=,="], "log"),
        (&["--public-url", "ftp://x"], "public-url"),
        (&["--build-parallelism", "0"], "build-parallelism"),
        (&["--database-url", "mysql://x"], "database-url"),
        (&["--listen", "nowhere"], "--listen"),
    ];
    for (arguments, named) in cases {
        let output = strata(&[&["serve", "--data-dir", "/nonexistent/data"], arguments].concat());
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(errors.contains(named), "{arguments:?}: {errors}");
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("strata.toml");
    std::fs::write(&file, "listne = \"127.0.0.1:1\"\n").expect("written");
    let output = strata(&["serve", "--config", file.to_str().expect("text")]);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(errors.contains("listne"), "{errors}");
}

/// The table of `docs/configuration.md` is the one that the program has.
#[test]
fn every_setting_is_documented() {
    let help = strata(&["serve", "--help"]);
    let help = String::from_utf8(help.stdout).expect("text");
    let page = include_str!("../../docs/configuration.md");
    let variables = help
        .split("env: ")
        .skip(1)
        .filter_map(|rest| rest.split([']', '=']).next());
    let mut count = 0;
    for variable in variables {
        assert!(
            page.contains(&format!("`{variable}`")),
            "{variable} is not documented"
        );
        count += 1;
    }
    assert!(count > 15, "{help}");
}

#[tokio::test]
async fn who_is_told_to_stop_twice_stops_at_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut server = Server::start_in(dir.path());
    let client = Client::to(&server);
    let function = client.function(json!({"timeout": 100})).await;
    // Longer than a server that drains waits.
    let code = "export default async ({ res }) => { await new Promise((done) => setTimeout(done, 90000)); return res.empty(); };";
    client.deploy(&function, code).await;
    let executions = format!("/v1/functions/{function}/executions");
    let asked = client.post(&executions, json!({"async": true})).await;
    assert_eq!(asked.status, 202, "{asked:?}");
    let id = asked.text("$id");
    let path = format!("{executions}/{id}");
    until("its begin", async || {
        let execution = client.get(&path).await.json();
        (execution["status"] == "processing").then_some(())
    })
    .await;
    server.signal("TERM");
    let address = server.url.trim_start_matches("http://").to_owned();
    until("the end of its listening", async || {
        std::net::TcpStream::connect(&address)
            .is_err()
            .then_some(())
    })
    .await;
    server.signal("TERM");
    let status = server.wait_for_death().await;
    assert!(!status.success(), "it says that it was cut off: {status}");
    // As after a crash: what was under way has failed.
    let server = Server::start_in(dir.path());
    let client = Client::to(&server);
    until("the end of what was under way", async || {
        let execution = client.get(&path).await.json();
        (execution["status"] == "failed").then_some(())
    })
    .await;
}
