//! Actions that run later: one at a time in an environment, in their order, and again when asked.

use std::time::Duration;

use serde_json::{Value, json};

use super::api::root;
use super::bed::{self, Place, start_in};
use super::sources::action;
use super::standin::StandIn;
use crate::client::{Answer, Client};
use crate::cluster::World;
use crate::server::until;

/// Says when it begins and when it ends.
const STEP: &str = "await nango.get({ endpoint: '/begin', params: { n: String(input.n) } });
        await nango.get({ endpoint: '/end', params: { n: String(input.n) } });
        return input.n;";

/// Beginnings and ends of so many runs, each before the next; the first takes a while.
fn in_turn(count: usize) -> Vec<Value> {
    let step = |n: usize, what: &str| {
        let path = format!("/{what}?n={n}");
        let delay = if n == 0 { 400 } else { 0 };
        json!({"method": "GET", "path": path, "reply": {"json": {}, "delay_ms": delay}})
    };
    let both = |n| [step(n, "begin"), step(n, "end")];
    (0..count).flat_map(both).collect()
}

async fn later(client: &Client, name: &str, input: Value) -> String {
    let body = json!({"action_name": name, "input": input});
    let client = client.with("x-async", "true");
    let made = client.post("/action/trigger", body).await;
    assert_eq!(made.status, 202, "{made:?}");
    format!("/action/{}", made.text("id"))
}

async fn ended(client: &Client, url: &str) -> Answer {
    until("an action", async || {
        let answer = client.get(url).await;
        (answer.status != 404).then_some(answer)
    })
    .await
}

#[tokio::test]
async fn they_take_turns_in_their_environment() {
    let (one, two) = (Place::new().await, Place::new().await);
    for place in [&one, &two] {
        place.deploy("action", "step", &action("", STEP)).await;
    }
    let hang = "await nango.get({ endpoint: '/hang' }); return 1;";
    two.deploy("action", "hang", &action("", hang)).await;
    // Another environment's does not hold these up.
    let reply = json!({"json": {}, "delay_ms": 3000});
    let hanging = json!({"method": "GET", "path": "/hang", "reply": reply});
    two.standin.expect(&[hanging], false);
    let first = later(&two.behalf(), "hang", json!({})).await;
    let second = later(&two.behalf(), "step", json!({"n": 0})).await;

    one.standin.expect(&in_turn(5), false);
    let mut urls = Vec::new();
    for n in 0..5 {
        urls.push(later(&one.behalf(), "step", json!({"n": n})).await);
    }
    for (n, url) in urls.iter().enumerate() {
        assert_eq!(ended(&one.client, url).await.good(200), n);
    }
    assert_eq!(one.standin.faults(), Vec::<String>::new());
    // The other one is still at its first, and one that is waited for needs no turn.
    two.client.get(&first).await.denied(404, "not_found");
    two.client.get(&second).await.denied(404, "not_found");
    let quick = action("", "return 'now';");
    two.deploy("action", "quick", &quick).await;
    assert_eq!(two.act("quick", json!({})).await.good(200), "now");
    let answer = ended(&two.client, &first).await;
    answer.good(200);
}

#[tokio::test]
async fn a_failure_is_tried_again_as_often_as_asked() {
    let place = Place::new().await;
    let code =
        "const { data } = await nango.get<{ ok?: boolean }>({ endpoint: '/try', retries: 0 });
        if (!data.ok) { throw new nango.ActionError({ why: 'not yet' }); } return 'done';";
    place.deploy("action", "one", &action("", code)).await;
    let reply = |ok: bool| json!({"method": "GET", "path": "/try", "reply": {"json": {"ok": ok}}});
    let asking = place.behalf().with("x-max-retries", "2");
    place
        .standin
        .expect(&[reply(false), reply(false), reply(true)], false);
    let url = later(&asking, "one", json!({})).await;
    assert_eq!(ended(&place.client, &url).await.good(200), "done");
    assert_eq!(place.standin.faults(), Vec::<String>::new());
    // The last failure is told.
    place
        .standin
        .expect(&[reply(false), reply(false), reply(false)], false);
    let url = later(&asking, "one", json!({})).await;
    let answer = ended(&place.client, &url).await;
    answer.denied_with(500, "action_script_runtime_error", &["payload"]);
    assert_eq!(place.standin.faults(), Vec::<String>::new());
    // One that is waited for is not tried again.
    place.standin.expect(&[reply(false)], false);
    let body = json!({"action_name": "one", "input": {}});
    let answer = asking.post("/action/trigger", body).await;
    answer.denied_with(500, "action_script_runtime_error", &["payload"]);
    assert_eq!(place.standin.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn turns_survive_a_crash() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let standin = StandIn::start();
    let mut server = start_in(dir.path());
    let client = root(&server);
    bed::integrate(&client, "github", "github").await.good(200);
    let body = json!({
        "provider_config_key": "github", "connection_id": "conn-1",
        "credentials": {"type": "OAUTH2", "access_token": "t"},
        "connection_config": {"standin": standin.port.to_string()},
    });
    client.post("/connections", body).await.good(200);
    let code = action("", STEP);
    let deployed = bed::deploy(&client, "github", "action", "step", &code).await;
    assert_eq!(deployed["status"], "success", "{deployed}");
    let begun =
        json!({"method": "GET", "path": "/begin?n=0", "reply": {"json": {}, "delay_ms": 60_000}});
    standin.expect(&[begun], false);
    let behalf = |client: &Client| {
        client
            .with("connection-id", "conn-1")
            .with("provider-config-key", "github")
    };
    let mut urls = Vec::new();
    for n in 0..3 {
        urls.push(later(&behalf(&client), "step", json!({"n": n})).await);
    }
    until("the first has begun", async || {
        (standin.calls().len() == 1).then_some(())
    })
    .await;
    server.kill();
    // The one that ran is told as cut off; those that waited run, in their order.
    standin.expect(&in_turn(3)[2..], false);
    let server = start_in(dir.path());
    let client = root(&server);
    let cut = ended(&client, &urls[0]).await;
    let error = cut.denied(500, "script_internal_error");
    assert!(error.to_string().contains("not run again"), "{error}");
    for (n, url) in urls.iter().enumerate().skip(1) {
        assert_eq!(ended(&client, url).await.good(200), n);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(standin.faults(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn turns_hold_over_nodes() {
    let world = World::new();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = bed::providers_file(folder.path());
    let environment = [
        ("STRATA_PROVIDERS", &*file),
        ("STRATA_ALLOW_PRIVATE_NETWORK", "true"),
    ];
    let start = |n| tokio::task::block_in_place(|| world.node_with(n, &environment));
    let servers = [start(0), start(1)];
    let clients = servers.each_ref().map(root);
    let standin = StandIn::start();
    bed::integrate(&clients[0], "github", "github")
        .await
        .good(200);
    let body = json!({
        "provider_config_key": "github", "connection_id": "conn-1",
        "credentials": {"type": "OAUTH2", "access_token": "t"},
        "connection_config": {"standin": standin.port.to_string()},
    });
    clients[0].post("/connections", body).await.good(200);
    let code = action("", STEP);
    let deployed = bed::deploy(&clients[0], "github", "action", "step", &code).await;
    assert_eq!(deployed["status"], "success", "{deployed}");
    let count = 12;
    standin.expect(&in_turn(count), false);
    let mut urls = Vec::new();
    for n in 0..count {
        let behalf = clients[n % 2]
            .with("connection-id", "conn-1")
            .with("provider-config-key", "github");
        urls.push(later(&behalf, "step", json!({"n": n})).await);
    }
    for (n, url) in urls.iter().enumerate() {
        // Whichever node is asked.
        assert_eq!(ended(&clients[(n + 1) % 2], url).await.good(200), n);
    }
    assert_eq!(standin.faults(), Vec::<String>::new());
}
