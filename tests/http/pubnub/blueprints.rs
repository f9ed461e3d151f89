//! Packages of the catalogue at work: each does what its description says.

use http::Method;
use serde_json::{Value, json};

use super::bed::{Enveloped, at};
use super::stage::Stage;
use crate::nango::standin::StandIn;
use crate::server::{Server, until};

/// What is given for a parameter, by its name in the source.
type Given<'a> = &'a [(&'a str, &'a str)];

/// Imports a package with these values and starts it. `config` takes the place of the functions' own.
async fn import(stage: &Stage, name: &str, given: Given<'_>, config: Option<Value>) {
    let client = &stage.bed.client;
    let path = at(&format!(
        "/package-blueprints?name={}",
        name.replace(' ', "%20")
    ));
    let id = client.get(&path).await.data(200)[0]["id"].clone();
    let id = id.as_str().expect("an id");
    let path = at(&format!("/package-blueprints/{id}/function-blueprints"));
    let functions = client.get(&path).await.data(200);
    let functions = functions
        .as_array()
        .expect("a list")
        .iter()
        .map(|function| {
            let params = function["params"].as_array().expect("a list").iter();
            let params = params.filter_map(|param| {
                let mut given = given.iter();
                let (_, value) = given.find(|(name, _)| param["sourceName"] == *name)?;
                Some(json!({"id": param["id"], "value": value}))
            });
            let params: Vec<Value> = params.collect();
            let mut chosen = json!({"functionBlueprintId": function["id"], "params": params});
            if let Some(config) = &config {
                chosen["config"] = config.clone();
            }
            chosen
        });
    let functions: Vec<Value> = functions.collect();
    let body = json!({
        "keysetId": stage.keyset.number,
        "revisionName": "v1",
        "functions": functions,
    });
    let path = at(&format!("/package-blueprints/{id}/packages"));
    let made = client.post(&path, body).await.data(201);
    let package = made["id"].as_str().expect("an id");
    let path = at(&format!("/packages/{package}/package-revisions"));
    let revision = client.get(&path).await.data(200)[0]["id"].clone();
    let revision = revision.as_str().expect("an id");
    let path = at(&format!(
        "/package-revisions/{revision}/package-deployments"
    ));
    let deployment = client.get(&path).await.data(200)[0]["id"].clone();
    let deployment = deployment.as_str().expect("an id");
    let started = stage.bed.start(deployment).await.data(200);
    assert_eq!(started["state"], "RUNNING", "{name}");
}

#[tokio::test]
async fn words_are_replaced_wherever_they_stand() {
    let stage = Stage::new().await;
    import(&stage, "Word filter", &[("WORDS", "darn, c++")], None).await;
    let since = stage.now().await;
    let message = json!({
        "text": "Darn! darning, c++.",
        "more": ["oh DARN", {"darn": "x darn"}, 1, null],
    });
    assert_eq!(stage.publish("chat.a", &message).await.0, 200);
    let heard = stage.hear("chat.a", &since, 1).await;
    let expected = json!({
        "text": "***! darning, ***.",
        "more": ["oh ***", {"darn": "x ***"}, 1, null],
    });
    assert_eq!(heard, [expected]);
}

#[tokio::test]
async fn messages_are_counted_and_counts_answered() {
    let stage = Stage::new().await;
    import(&stage, "Message counter", &[], None).await;
    for channel in ["a", "a", "b"] {
        assert_eq!(stage.publish(channel, &json!({})).await.0, 200);
    }
    until("the counts", async || {
        let told = stage.answer("message-counts?channel=a,b,c").await;
        (told == json!({"a": 2, "b": 1, "c": 0})).then_some(())
    })
    .await;
    let none = stage.request(Method::GET, "message-counts").await;
    assert_eq!(none.status, 400, "{none:?}");
}

#[tokio::test]
async fn messages_are_sent_to_a_web_server() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start_with(dir.path(), &[("STRATA_ALLOW_PRIVATE_NETWORK", "true")]);
    let stage = Stage::on(&server).await;
    let standin = StandIn::start();
    let url = format!("{}/hook", standin.url);
    let given = [("URL", url.as_str()), ("WEBHOOK_TOKEN", "t0ken")];
    import(&stage, "Webhook", &given, None).await;
    assert_eq!(stage.publish("webhook.a", &json!({"n": 1})).await.0, 200);
    let calls = until("a call", async || {
        let calls = standin.calls();
        (!calls.is_empty()).then_some(calls)
    })
    .await;
    let call = &calls[0];
    assert_eq!((&*call.method, &*call.path), ("POST", "/hook"));
    assert_eq!(call.headers["authorization"], "Bearer t0ken");
    let body: Value = serde_json::from_slice(&call.body).expect("JSON");
    assert_eq!(body, json!({"channel": "webhook.a", "message": {"n": 1}}));
}

#[tokio::test]
async fn users_that_publish_too_much_are_held_back() {
    let stage = Stage::new().await;
    // A window that no test sees the end of.
    let given = [("MESSAGES", "2"), ("SECONDS", "1000000000")];
    import(&stage, "Rate limit", &given, None).await;
    for (user, status) in [
        ("ann", 200),
        ("ann", 200),
        ("ann", 400),
        ("bob", 200),
        ("ann", 400),
    ] {
        let query = format!("?uuid={user}");
        let (told, answer) = stage.ask("publish", "chat.a", "{}", &query).await;
        assert_eq!(told, status, "{user}: {answer}");
        if status == 400 {
            let text = answer[1].as_str().unwrap_or_default();
            assert!(text.starts_with("Too many messages: at most 2"), "{answer}");
        }
    }
}

#[tokio::test]
async fn a_form_is_shown_and_kept() {
    let stage = Stage::new().await;
    import(&stage, "Form", &[("TITLE", "Say <it>")], None).await;
    let page = stage.request(Method::GET, "form").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let text = String::from_utf8_lossy(&page.bytes).into_owned();
    assert!(text.contains("<h1>Say &#60;it&#62;</h1><form"), "{text}");
    let client = stage.bed.client.with("authorization", "");
    for (sent, status, shown) in [
        ("name=Ann+B&text=Hello%26more", 200, "answer number 1"),
        ("name=&text=x", 400, "Name and text"),
    ] {
        let path = stage.blocks("form");
        let form = "application/x-www-form-urlencoded";
        let ask = client
            .ask(Method::POST, &path)
            .header("content-type", form)
            .body(sent);
        let answer = ask.send().await;
        let text = String::from_utf8_lossy(&answer.bytes).into_owned();
        assert_eq!(answer.status, status, "{text}");
        assert!(text.contains(shown), "{text}");
    }
    assert_eq!(stage.request(Method::PUT, "form").await.status, 405);
    let key = &stage.keyset.subscribe_key;
    let path = at(&format!("/kv/jsons/form%2FAnn%20B?subkey={key}"));
    let kept = stage.bed.client.get(&path).await.data(200);
    assert_eq!(kept["value"]["text"], "Hello&more", "{kept}");
    assert_eq!(kept["value"]["name"], "Ann B");
}

#[tokio::test]
async fn a_heart_beats() {
    let stage = Stage::new().await;
    let since = stage.now().await;
    let often = json!({"interval": 1000});
    import(&stage, "Heartbeat", &[("CHANNEL", "pulse")], Some(often)).await;
    let heard = stage.hear("pulse", &since, 2).await;
    let beats: Vec<&Value> = heard.iter().map(|message| &message["beat"]).collect();
    assert_eq!(beats, [1, 2]);
}

#[tokio::test]
async fn messages_are_signed() {
    let stage = Stage::new().await;
    // The bytes of "key", as crypto.hmac takes them.
    import(&stage, "Signed messages", &[("SIGNING_KEY", "a2V5")], None).await;
    let since = stage.now().await;
    let message = json!({"text": "hi", "signature": "forged"});
    assert_eq!(stage.publish("signed.a", &message).await.0, 200);
    let heard = stage.hear("signed.a", &since, 1).await;
    let signature = heard[0]["signature"].as_str().expect("a signature");
    assert_ne!(signature, "forged");
    // The same message has the same signature, another one another.
    for (message, same) in [
        (json!({"text": "hi"}), true),
        (json!({"text": "ho"}), false),
    ] {
        let since = stage.now().await;
        assert_eq!(stage.publish("signed.a", &message).await.0, 200);
        let heard = stage.hear("signed.a", &since, 1).await;
        assert_eq!(heard[0]["signature"] == signature, same, "{heard:?}");
    }
}

#[tokio::test]
async fn who_joins_is_greeted() {
    let stage = Stage::new().await;
    let greeting = [("GREETING", "Hello, NAME!")];
    import(&stage, "Greeter", &greeting, None).await;
    let since = stage.now().await;
    for action in ["join", "leave"] {
        let event = json!({"action": action, "uuid": "ann$&", "channel": "lobby.a"});
        let sent = stage.bed.strata().post(&stage.own("presence"), event).await;
        assert_eq!(sent.status, 202, "{sent:?}");
    }
    let heard = stage.hear("lobby.a", &since, 1).await;
    assert_eq!(heard, [json!({"text": "Hello, ann$&!", "from": "greeter"})]);
    let ran = stage.executions(2).await;
    assert!(
        ran.iter().all(|run| run["status"] == "completed"),
        "{ran:?}"
    );
}
