//! A program on plain `postgres-es` (`tests/postgres-es`) beside a server, on
//! one database.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::client::{Client, column};
use crate::postgresql;
use crate::server::{ROOT_KEY, Server, until};

const STREAMS: u64 = 8;
const COMMANDS: u64 = 60;

/// The program: built beside the server.
fn foreign(arguments: &[&str]) -> Command {
    let path = PathBuf::from(env!("CARGO_BIN_EXE_strata")).with_file_name("foreign");
    assert!(
        path.exists(),
        "{} is not there: `scripts/test.sh` builds it with `cargo build --manifest-path \
         tests/postgres-es/Cargo.toml` into the same target directory",
        path.display()
    );
    let mut command = Command::new(path);
    command.args(arguments);
    command
}

/// An event in the one order: position, aggregate type and its version.
type Stored = (Option<i64>, String, String);

async fn stored(url: &str, rest: &str) -> Vec<Stored> {
    let columns = "events.position, events.aggregate_type, events.event_version";
    let select = format!("SELECT {columns} FROM events {rest}");
    let mut connection = PgConnection::connect(url).await.unwrap();
    let rows = sqlx::query_as(AssertSqlSafe(select)).fetch_all(&mut connection);
    rows.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_es_program_appends_and_reads_while_we_write() {
    let database = postgresql::shared();
    let url = database.url(&database.create_database());
    let data = tempfile::tempdir().unwrap();
    let server = Server::start_with(data.path(), &[("STRATA_DATABASE_URL", &*url)]);
    let client = Client::to(&server);

    // Both write until they have written enough and the other one is done.
    let (streams, commands) = (STREAMS.to_string(), COMMANDS.to_string());
    let mut theirs = foreign(&["append", &url, &streams, &commands])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut functions = Vec::new();
    while functions.len() < 40 || theirs.try_wait().unwrap().is_none() {
        let function = client.function(json!({"name": "first"})).await;
        let renamed = client
            .put(
                &format!("/v1/functions/{function}"),
                json!({"name": "second"}),
            )
            .await;
        assert_eq!(renamed.status, 200, "{renamed:?}");
        functions.push(function);
    }
    let theirs = theirs.wait_with_output().unwrap();
    assert!(theirs.status.success());
    let appended: u64 = String::from_utf8(theirs.stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    assert_eq!(appended, STREAMS * COMMANDS * 2);

    // Each event of theirs gets a place, and there is one order without gaps.
    until("the adoption", async || {
        stored(&url, "WHERE position IS NULL")
            .await
            .is_empty()
            .then_some(())
    })
    .await;
    let events = stored(&url, "ORDER BY position").await;
    for (event, position) in events.iter().zip(1..) {
        assert_eq!(event.0, Some(position), "{event:?}");
    }
    let is_theirs = |event: &Stored| event.1 == "account";
    let their_events = events.iter().filter(|event| is_theirs(event));
    assert_eq!(their_events.count() as u64, appended);
    let first = events.iter().position(is_theirs).unwrap();
    let last = events.iter().rposition(is_theirs).unwrap();
    let between = events[first..last].iter().filter(|event| !is_theirs(event));
    assert!(between.count() > 10, "they did not write while we did");
    assert_eq!(events[first].2, "1.0");
    let out_of_order = "JOIN events later USING (aggregate_type, aggregate_id) \
         WHERE events.sequence < later.sequence AND events.position > later.position";
    assert_eq!(stored(&url, out_of_order).await, []);

    // The read models have passed all of it and missed nothing.
    let head = events.len() as u64;
    let ready = until("the read models", async || {
        let ready: Value = serde_json::from_slice(&client.get("/readyz").await.bytes).unwrap();
        let projections = ready["projections"].as_array().unwrap();
        let mut lags = projections.iter().map(|projection| &projection["lag"]);
        (ready["head"] == head && lags.all(|lag| lag == 0)).then_some(ready)
    })
    .await;
    assert_eq!(ready["status"], "ready", "{ready}");
    for projection in ready["projections"].as_array().unwrap() {
        assert_eq!(projection["parked"], Value::Null, "{projection}");
    }
    let mut listed = Vec::new();
    loop {
        let offset = json!({"method": "offset", "values": [listed.len()]});
        let limit = json!({"method": "limit", "values": [100]});
        let page = client.list("/v1/functions", &[limit, offset]).await.json();
        assert_eq!(page["total"], functions.len());
        let names = column(&page, "functions", "name");
        assert!(names.iter().all(|name| *name == "second"), "{page}");
        let ids = column(&page, "functions", "$id");
        if ids.is_empty() {
            break;
        }
        listed.extend(ids.into_iter().map(str::to_owned));
    }
    listed.sort();
    functions.sort();
    assert_eq!(listed, functions);

    // The audit log has every command of ours, and nothing of theirs.
    let api = Client::to(&server).with("authorization", &format!("Bearer {ROOT_KEY}"));
    let function = &functions[0];
    let stream = format!("function-default:{function}");
    let audit = api
        .get(&format!("/strata/v1/audit?stream={stream}"))
        .await
        .json();
    assert_eq!(
        column(&audit, "events", "event"),
        ["FunctionCreated", "FunctionUpdated"]
    );

    // They read a function as they read what is their own.
    let read = foreign(&["read", &url, &format!("default:{function}")])
        .output()
        .unwrap();
    assert!(
        read.status.success(),
        "{}",
        String::from_utf8_lossy(&read.stderr)
    );
    let lines = String::from_utf8(read.stdout).unwrap();
    let mut lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let folded = lines.pop().unwrap();
    assert_eq!(folded, json!({"name": "second", "current_sequence": 2}));
    let ours = audit["events"].as_array().unwrap();
    assert_eq!(lines.len(), ours.len());
    for ((line, event), (sequence, name)) in
        lines.iter().zip(ours).zip([(1, "first"), (2, "second")])
    {
        let kind = event["event"].as_str().unwrap();
        assert_eq!(line["aggregate_type"], "function");
        assert_eq!(line["aggregate_id"], format!("default:{function}"));
        assert_eq!(line["sequence"], sequence);
        assert_eq!(line["event_type"], kind);
        assert_eq!(line["event_version"], "1");
        assert_eq!(line["metadata"], json!({}));
        assert_eq!(line["payload"], event["payload"]);
        assert_eq!(line["payload"][kind]["settings"]["name"], name);
    }
}
