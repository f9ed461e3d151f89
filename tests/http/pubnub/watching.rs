//! What is deployed on a keyset, what happened to it, how it differs, and what happens to it.

use std::time::Duration;

use serde_json::{Value, json};

use super::bed::{Bed, Enveloped, Keyset, OK, at, bearer, before};
use crate::client::encode;
use crate::server::Server;

fn path(keyset: &Keyset, rest: &str) -> String {
    format!("/strata/v1/keysets/{}/{rest}", keyset.number)
}

async fn head(bed: &Bed) -> u64 {
    let head = bed.strata().get("/strata/v1/head").await.json();
    head["head"].as_u64().expect("a position")
}

#[tokio::test]
async fn what_is_deployed_now_and_before() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let first = bed.package(&[before("f", "a", OK)]).await;
    let second = bed
        .revision(
            &first.package,
            &[before("f", "a", OK), before("g", "a", OK)],
        )
        .await;
    let empty = head(&bed).await;
    let running = bed.running(&first, &keyset).await;
    let idle = bed.assign(&second, &keyset).await;
    let list = async |query: &str| {
        let shown = bed
            .strata()
            .get(&path(&keyset, &format!("deployments{query}")))
            .await;
        assert_eq!(shown.status, 200, "{shown:?}");
        shown.json()
    };
    let all = list("").await;
    assert_eq!(all["total"], 2);
    let rows = all["deployments"].as_array().expect("a list");
    assert_eq!(
        (&rows[0]["id"], &rows[1]["id"]),
        (&json!(running), &json!(idle))
    );
    assert_eq!(
        (&rows[0]["state"], &rows[0]["place"]),
        (&json!("RUNNING"), &json!(0))
    );
    assert_eq!(
        (&rows[1]["state"], &rows[1]["place"]),
        (&json!("STOPPED"), &Value::Null)
    );
    assert_eq!(rows[0]["packageRevisionName"], "first");
    assert_eq!(rows[1]["functions"][1]["name"], "g");
    assert!(rows[0]["runningSince"].is_string() && rows[1]["runningSince"].is_null());
    assert_eq!(
        list("?state=STOPPED").await["deployments"][0]["id"],
        idle.as_str()
    );
    assert_eq!(list(&format!("?as_of={empty}")).await["total"], 0);
    let wrong = bed
        .strata()
        .get(&path(&keyset, "deployments?state=DONE"))
        .await;
    assert_eq!(
        (wrong.status, wrong.json()["error"]["code"].clone()),
        (400, json!("invalid_argument"))
    );
    let none = bed
        .strata()
        .get("/strata/v1/keysets/999999999/deployments")
        .await;
    assert_eq!(none.status, 404);
}

#[tokio::test]
async fn what_happened_and_who_did_it() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let revision = bed.package(&[before("f", "a", OK)]).await;
    let id = bed.running(&revision, &keyset).await;
    let secret = at(&format!(
        "/kv/secrets/token?subkey={}",
        keyset.subscribe_key
    ));
    bed.client
        .put(&secret, json!({"value": "do-not-tell"}))
        .await
        .data(200);
    bed.stop(&id, "").await.data(200);
    assert_eq!(bed.remove(&id).await.status, 204);
    let shown = bed.strata().get(&path(&keyset, "history")).await;
    assert!(!String::from_utf8_lossy(&shown.bytes).contains("do-not-tell"));
    let events = shown.json()["events"].as_array().expect("a list").clone();
    let kinds: Vec<&str> = events
        .iter()
        .map(|event| event["event"].as_str().expect("a kind"))
        .collect();
    assert_eq!(
        kinds,
        [
            "KeysetCreated",
            "PackageAssigned",
            "StartRequested",
            "FunctionsConnected",
            "PackageStarted",
            "SecretSet",
            "StopRequested",
            "FunctionsDisconnected",
            "PackageStopped",
            "PackageUnassigned",
        ]
    );
    let positions: Vec<u64> = events
        .iter()
        .map(|event| event["position"].as_u64().expect("a position"))
        .collect();
    assert!(positions.is_sorted());
    assert_eq!(events[2]["actor"], "root");
    assert_eq!(events[3]["actor"], "saga:deployment");
    assert_eq!(events[3]["change"]["connected"]["deployment"], id.as_str());
    assert_eq!(events[2]["correlationId"], events[3]["correlationId"]);
    assert_eq!(events[4]["change"], json!({"state": "RUNNING"}));
    assert_eq!(events[4]["deployment"], id.as_str());
    assert_eq!(events[5]["change"], json!({"secret": "token"}));
    // In pages, both ways, and as of an earlier moment.
    let page = async |query: &str| {
        let shown = bed
            .strata()
            .get(&path(&keyset, &format!("history?{query}")))
            .await
            .json();
        let events = shown["events"].as_array().expect("a list").clone();
        events
            .iter()
            .map(|event| event["position"].as_u64().expect("a position"))
            .collect::<Vec<_>>()
    };
    assert_eq!(page("limit=3").await, positions[7..]);
    assert_eq!(
        page(&format!("limit=3&before={}", positions[7])).await,
        positions[4..7]
    );
    assert_eq!(
        page(&format!("limit=2&after={}", positions[0])).await,
        positions[1..3]
    );
    assert_eq!(
        page(&format!("as_of={}", positions[4])).await,
        positions[..5]
    );
}

#[tokio::test]
async fn how_two_moments_differ() {
    let bed = Bed::new().await;
    let keyset = bed.keyset().await;
    let first = bed
        .package(&[
            before("same", "a", OK),
            before("changed", "a", OK),
            before("gone", "a", OK),
        ])
        .await;
    let code = "// Now with a reason.\nexport default (request) => request.ok();";
    let second = bed
        .revision(
            &first.package,
            &[before("changed", "b", code), before("fresh", "a", OK)],
        )
        .await;
    let secret = async |name: &str, value: &str| {
        let path = at(&format!(
            "/kv/secrets/{name}?subkey={}",
            keyset.subscribe_key
        ));
        bed.client
            .put(&path, json!({"value": value}))
            .await
            .data(200);
    };
    secret("kept", "one-value").await;
    secret("replaced", "one-value").await;
    let old = bed.running(&first, &keyset).await;
    let from = head(&bed).await;
    secret("replaced", "another-value").await;
    secret("added", "one-value").await;
    let new = bed.assign(&second, &keyset).await;
    bed.roll(&old, &new).await.data(200);
    let shown = bed
        .strata()
        .get(&path(&keyset, &format!("diff?from={from}")))
        .await;
    assert_eq!(shown.status, 200, "{shown:?}");
    assert!(!String::from_utf8_lossy(&shown.bytes).contains("-value"));
    let diff = shown.json();
    assert_eq!(diff["name"], Value::Null);
    assert_eq!(diff["settings"], json!({}));
    assert_eq!(
        diff["secrets"],
        json!({"added": ["added"], "removed": [], "changed": ["replaced"]})
    );
    assert_eq!(diff["routing"]["from"][0]["deployment"], old.as_str());
    assert_eq!(diff["routing"]["to"][0]["deployment"], new.as_str());
    let names = |what: &str| {
        let rows = diff["functions"][what].as_array().expect("a list");
        rows.iter()
            .map(|row| row["name"].as_str().expect("a name"))
            .collect::<Vec<_>>()
    };
    assert_eq!(names("added"), ["fresh"]);
    assert_eq!(names("removed"), ["gone", "same"]);
    assert_eq!(names("changed"), ["changed"]);
    let changed = &diff["functions"]["changed"][0];
    let unified = changed["code"].as_str().expect("a diff");
    assert!(unified.contains("+// Now with a reason.\n"), "{unified}");
    assert_eq!(changed["config"]["from"]["input_channel"], "a");
    assert_eq!(changed["config"]["to"]["input_channel"], "b");
    // From before it was there, and the other way round.
    let whole = bed.strata().get(&path(&keyset, "diff?from=0")).await.json();
    assert_eq!(whole["routing"]["from"], json!([]));
    assert_eq!(
        whole["secrets"]["added"],
        json!(["added", "kept", "replaced"])
    );
    for query in [
        "",
        "?from=soon",
        &format!("?from={}&to={from}", from + 1),
        "?from=999999999",
    ] {
        let wrong = bed
            .strata()
            .get(&path(&keyset, &format!("diff{query}")))
            .await;
        assert_eq!(wrong.status, 400, "{wrong:?}");
    }
}

/// Server-sent events as they come.
struct Events {
    response: reqwest::Response,
    text: String,
}

impl Events {
    async fn open(bed: &Bed, keyset: &Keyset, last: Option<&str>) -> Self {
        let client = bed.strata();
        let mut ask = client.ask(http::Method::GET, &path(keyset, "watch"));
        if let Some(last) = last {
            ask = ask.header("last-event-id", last);
        }
        let response = ask.stream().await;
        assert_eq!(response.status(), 200);
        let kind = response.headers()["content-type"].to_str().expect("a text");
        assert_eq!(kind, "text/event-stream");
        let text = String::new();
        Self { response, text }
    }

    /// The next event: its id, name and data; none: the stream has ended.
    async fn next(&mut self) -> Option<(String, String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| {
                    let mut lines = event.lines();
                    lines
                        .find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned))
                };
                let Some(data) = field("data") else { continue };
                let data = serde_json::from_str(&data).expect("JSON");
                return Some((
                    field("id").expect("an id"),
                    field("event").expect("a name"),
                    data,
                ));
            }
            let chunk = tokio::time::timeout(Duration::from_secs(30), self.response.chunk());
            let chunk = chunk
                .await
                .expect("something in time")
                .expect("a whole stream")?;
            self.text
                .push_str(std::str::from_utf8(&chunk).expect("text"));
        }
    }

    /// The next transitions, as `from>to`, and the id of the last.
    async fn transitions(&mut self, count: usize) -> (Vec<String>, String) {
        let (mut seen, mut last) = (Vec::new(), String::new());
        while seen.len() < count {
            let (id, name, data) = self.next().await.expect("an event");
            if name == "transition" {
                let word = |state: &Value| state.as_str().unwrap_or("none").to_owned();
                seen.push(format!("{}>{}", word(&data["from"]), word(&data["to"])));
                last = id;
            }
        }
        (seen, last)
    }
}

#[tokio::test]
async fn transitions_are_told_as_they_happen() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut server = Server::start_in(dir.path());
    let bed = Bed::on(&server).await;
    let (keyset, elsewhere) = (bed.keyset().await, bed.keyset().await);
    let mut events = Events::open(&bed, &keyset, None).await;
    let (opened, name, data) = events.next().await.expect("where it begins");
    assert_eq!(
        (name.as_str(), data["position"].to_string()),
        ("open", opened.clone())
    );
    let revision = bed.package(&[before("f", "a", OK)]).await;
    bed.running(&revision, &elsewhere).await;
    let id = bed.running(&revision, &keyset).await;
    let (seen, last) = events.transitions(3).await;
    assert_eq!(
        seen,
        ["none>STOPPED", "STOPPED>STARTING", "STARTING>RUNNING"]
    );
    drop(events);
    bed.start(&id).await.data(200);
    bed.stop(&id, "").await.data(200);
    assert_eq!(bed.remove(&id).await.status, 204);
    let mut events = Events::open(&bed, &keyset, Some(&last)).await;
    let (seen, _) = events.transitions(7).await;
    assert_eq!(
        seen,
        [
            "RUNNING>STOPPING",
            "STOPPING>STOPPED",
            "STOPPED>STARTING",
            "STARTING>RUNNING",
            "RUNNING>STOPPING",
            "STOPPING>STOPPED",
            "STOPPED>none",
        ]
    );
    // From the beginning.
    let mut all = Events::open(&bed, &keyset, Some(&opened)).await;
    assert_eq!(all.transitions(10).await.0.len(), 10);
    // It ends in good order when the server does.
    let ended = tokio::task::spawn_blocking(move || server.stop());
    assert!(events.next().await.is_none());
    assert!(all.next().await.is_none());
    ended.await.expect("it ends");
}

#[tokio::test]
async fn permissions_of_what_is_told() {
    let bed = Bed::new().await;
    let (mine, other) = (bed.keyset().await, bed.keyset().await);
    let deployments = format!("functions.package-deployment:read@{}", mine.number);
    let keyset = format!("keyset:read@{}", mine.number);
    let few = bearer(&bed.client, &bed.key(&[&deployments]).await);
    let more = bearer(&bed.client, &bed.key(&[&deployments, &keyset]).await);
    let most = bearer(
        &bed.client,
        &bed.key(&[&deployments, &keyset, "functions.package:read"])
            .await,
    );
    let stranger = Bed::new().await;
    let stranger = bearer(&stranger.client, &stranger.key(&["*"]).await);
    for (rest, statuses) in [
        ("deployments", [200, 200, 200]),
        ("history", [403, 200, 200]),
        ("diff?from=0", [403, 403, 200]),
    ] {
        for (client, status) in [&few, &more, &most].into_iter().zip(statuses) {
            assert_eq!(
                client.get(&path(&mine, rest)).await.status,
                status,
                "{rest}"
            );
            assert_eq!(client.get(&path(&other, rest)).await.status, 403, "{rest}");
        }
        assert_eq!(stranger.get(&path(&mine, rest)).await.status, 404, "{rest}");
    }
    assert_eq!(few.get(&path(&other, "watch")).await.status, 403);
    assert_eq!(stranger.get(&path(&mine, "watch")).await.status, 404);
    let at = encode("2020-01-01T00:00:00Z");
    let early = most
        .get(&path(&mine, &format!("deployments?as_of={at}")))
        .await;
    assert_eq!(early.status, 404);
}
