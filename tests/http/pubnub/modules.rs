//! What functions can do, with functions that do it: each module that leaves the sandbox, its
//! budget, and the console. Reference: sections 13 to 15.

use serde_json::{Value, json};

use super::stage::{Stage, function};
use crate::nango::standin::StandIn;
use crate::server::Server;

/// A function that answers at a path with what its code gives.
fn answers(path: &str, code: &str) -> Value {
    let code = format!(
        "const kv = require('kvstore'), xhr = require('xhr'), vault = require('vault'), pubnub = require('pubnub');\n\
         const told = async (call) => {{ try {{ return await call(); }} catch (error) {{ return String(error); }} }};\n\
         export default async (request, response) => {{\n{code}\n}};"
    );
    function(path, "ON_REQUEST", json!({"path": path}), &code)
}

#[tokio::test]
async fn values_are_shared_and_durable() {
    let stage = Stage::new().await;
    let writes = answers(
        "write",
        "await kv.set('json', { a: [1, 'é'] }, 5);\n\
         await kv.setItem('text', 'plain-zq81');\n\
         await kv.set('gone', 1); await kv.removeItem('gone');\n\
         const first = await kv.incrCounter('visits');\n\
         const second = await kv.incrCounter('visits', 41);\n\
         return response.send([first, second, await kv.incrCounter('visits', -2)]);",
    );
    let reads = answers(
        "read",
        "return response.send({ json: await kv.get('json'), text: await kv.get('text'), item: await kv.getItem('json'),\n\
           gone: await kv.get('gone'), never: await kv.getCounter('never'), visits: await kv.getCounter('visits'),\n\
           keys: await kv.getKeys(), counters: await kv.getCounterKeys() });",
    );
    stage.play(&[writes, reads]).await;
    assert_eq!(stage.answer("write").await, json!([1, 42, 40]));
    let read = stage.answer("read").await;
    assert_eq!(read["json"], json!({"a": [1, "é"]}));
    assert_eq!(read["text"], "plain-zq81");
    assert_eq!(read["item"], r#"{"a":[1,"é"]}"#);
    assert_eq!(
        (&read["gone"], &read["never"], &read["visits"]),
        (&json!(null), &json!(0), &json!(40))
    );
    assert_eq!(read["keys"], json!(["json", "text"]));
    assert_eq!(read["counters"], json!(["visits"]));
    // Nothing of it is in the events in clear.
    let audit = stage.bed.strata().get("/strata/v1/audit?limit=1000").await;
    assert_eq!(audit.status, 200);
    assert!(!String::from_utf8_lossy(&audit.bytes).contains("plain-zq81"));
    // Another keyset has its own.
    let other = Stage::new().await;
    let get = "return response.send({ value: await kv.get('json') });";
    other.play(&[answers("get", get)]).await;
    assert_eq!(other.answer("get").await, json!({"value": null}));
}

#[tokio::test]
async fn counters_lose_nothing() {
    let stage = Stage::new().await;
    let code = "for (let i = 0; i < 10; i++) await kv.incrCounter('c');\nreturn response.send([]);";
    let read = "return response.send({ value: await kv.getCounter('c') });";
    stage
        .play(&[answers("add", code), answers("get", read)])
        .await;
    let adding = (0..20).map(|_| stage.answer("add"));
    futures::future::join_all(adding).await;
    assert_eq!(stage.answer("get").await, json!({"value": 200}));
}

#[tokio::test]
async fn secrets_are_read_and_never_shown() {
    let stage = Stage::new().await;
    let code = "const secret = await vault.get('token');\n\
        return response.send({ length: secret.length, none: await vault.get('Token') });";
    stage.play(&[answers("secret", code)]).await;
    stage.secret("token", "s3cr3t-of-the-test").await;
    assert_eq!(
        stage.answer("secret").await,
        json!({"length": 18, "none": null})
    );
    let ran = json!(stage.executions(1).await).to_string();
    assert!(!ran.contains("s3cr3t"), "{ran}");
}

#[tokio::test]
async fn requests_to_the_outside() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start_with(dir.path(), &[("STRATA_ALLOW_PRIVATE_NETWORK", "true")]);
    let stage = Stage::on(&server).await;
    let vendor = StandIn::start();
    let code = format!(
        "const answer = await xhr.fetch('{}/hello?a=1', {{ method: 'POST', body: 'text', headers: {{ 'X-A': 'b' }} }});\n\
         const gone = await told(() => xhr.fetch('http://127.0.0.1:1/', {{ timeout: 500 }}));\n\
         const more = []; for (let i = 0; i < 4; i++) more.push(await told(() => xhr.fetch('{}/').then((a) => a.status)));\n\
         return response.send({{ status: answer.status, body: answer.body, gone, more }});",
        vendor.url, vendor.url
    );
    stage.play(&[answers("fetch", &code)]).await;
    let told = stage.answer("fetch").await;
    assert_eq!(
        (&told["status"], &told["body"]),
        (&json!(200), &json!("{}"))
    );
    assert!(
        told["gone"]
            .as_str()
            .is_some_and(|text| text.starts_with("Error")),
        "{told}"
    );
    // The budget is five.
    let over = "Error: xhr execution calls exceeds: 5";
    assert_eq!(told["more"], json!([200, 200, 200, over]));
}

#[tokio::test]
async fn private_networks_are_refused() {
    let stage = Stage::new().await;
    let vendor = StandIn::start();
    let code = format!(
        "return response.send({{ one: await told(() => xhr.fetch('{}/')), two: await told(() => xhr.fetch('http://169.254.169.254/')) }});",
        vendor.url
    );
    stage.play(&[answers("fetch", &code)]).await;
    let told = stage.answer("fetch").await;
    for way in ["one", "two"] {
        let text = told[way].as_str().unwrap_or_default();
        assert!(text.contains("not a public address"), "{told}");
    }
}

#[tokio::test]
async fn budgets_are_each_modules_own() {
    let stage = Stage::new().await;
    let code = "const last = async (call, count) => { let told; for (let i = 0; i <= count; i++) told = await told_of(call); return told; };\n\
        const told_of = async (call) => { try { await call(); return 'fine'; } catch (error) { return String(error); } };\n\
        return response.send({\n\
          kv: [await last(() => kv.get('a'), 9), await told_of(() => kv.get('a'))],\n\
          vault: [await last(() => vault.get('a'), 9), await told_of(() => vault.get('a'))],\n\
          pubnub: [await last(() => pubnub.fire({ channel: 'a', message: 1 }), 9), await told_of(() => pubnub.hereNow({ channels: ['a'] }))],\n\
        });";
    stage.play(&[answers("spend", code)]).await;
    let over = |module: &str| {
        json!([
            "fine",
            format!("Error: {module} execution calls exceeds: 10")
        ])
    };
    for _ in 0..2 {
        let told = stage.answer("spend").await;
        assert_eq!(told["kv"], over("kvstore"));
        assert_eq!(told["vault"], over("vault"));
        assert_eq!(told["pubnub"], over("pubnub"));
    }
}

#[tokio::test]
async fn functions_publish_and_see_who_is_there() {
    let stage = Stage::new().await;
    let code = "const sent = [await pubnub.publish({ channel: 'out', message: { n: 1 }, meta: { m: 2 } }), await pubnub.signal({ channel: 'out', message: 'hi' }),\n\
          await pubnub.fire({ channel: 'out', message: { n: 3 } })];\n\
        const wrong = [await told(() => pubnub.signal({ channel: 'out', message: 'x'.repeat(80) })), await told(() => pubnub.publish({ channel: 'out' })),\n\
          await told(() => pubnub.history({ channel: 'out' }))];\n\
        return response.send({ sent, wrong, here: await pubnub.hereNow({ channels: ['room', 'empty'] }), where: await pubnub.whereNow({ uuid: 'ann' }) });";
    stage.play(&[answers("send", code)]).await;
    stage
        .poll("room,hall", "0", "&uuid=ann&heartbeat=300")
        .await;
    let since = stage.now().await;
    let told = stage.answer("send").await;
    for sent in told["sent"].as_array().expect("a list") {
        assert_eq!((&sent[0], &sent[1]), (&json!(1), &json!("Sent")));
        assert_eq!(sent[2].as_str().map(str::len), Some(17));
    }
    assert!(
        told["wrong"][2] == "Error: Not supported: pubnub.history",
        "{told}"
    );
    let here = &told["here"]["channels"];
    assert_eq!(
        (&here["room"]["occupancy"], &here["empty"]["occupancy"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(here["room"]["occupants"][0]["uuid"], "ann");
    assert_eq!(told["where"]["channels"], json!(["hall", "room"]));
    let (_, heard) = stage.poll("out", &since, "").await;
    let payloads: Vec<_> = heard.iter().map(|message| &message["d"]).collect();
    assert_eq!(
        payloads,
        [&json!({"n": 1}), &json!("hi")],
        "what is fired is not delivered"
    );
    assert_eq!(heard[0]["u"], json!({"m": 2}));
}

#[tokio::test]
async fn lines_go_to_the_log_and_to_channels() {
    let stage = Stage::new().await;
    let code = "export default async (request) => {\n\
        console.log('one', { a: 1 }); console.error('bad');\n\
        for (let i = 0; i < request.message.more; i++) console.log('line ' + i);\n\
        console.log('é'.repeat(1000));\n\
        return request.ok();\n\
      };";
    let config = json!({"inputChannel": "chat", "outputChannel": "debug"});
    let ids = stage
        .play(&[function("a", "BEFORE_PUBLISH", config, code)])
        .await;
    let since = stage.now().await;
    stage.publish("chat", &json!({"more": 0})).await;
    let channel = format!("output-rev-{}-key-{}", ids[0], stage.keyset.subscribe_key);
    for channel in [channel.as_str(), "debug"] {
        let lines = stage.hear(channel, &since, 3).await;
        let texts: Vec<_> = lines
            .iter()
            .map(|line| line["text"].as_str().unwrap_or(""))
            .collect();
        assert_eq!(texts[..2], ["one {\"a\":1}", "bad"]);
        assert_eq!(texts[2].len(), 1024);
        assert_eq!(
            (&lines[0]["level"], &lines[1]["level"]),
            (&json!("log"), &json!("error"))
        );
        assert_eq!(lines[0]["functionRevisionId"], ids[0].as_str());
    }
    let ran = stage.executions(1).await.remove(0);
    let heard = stage.hear("debug", &since, 3).await;
    assert_eq!(heard[0]["executionId"], ran["id"]);
    assert!(
        ran["logs"]
            .as_str()
            .is_some_and(|logs| logs.contains("[log] one {\"a\":1}")),
        "{ran}"
    );
    assert!(
        ran["errors"]
            .as_str()
            .is_some_and(|errors| errors.contains("[error] bad")),
        "{ran}"
    );
    // 250 lines in the life of the deployment, then it is silent; its log is not.
    let since = stage.now().await;
    for _ in 0..2 {
        stage.publish("chat", &json!({"more": 200})).await;
    }
    stage.publish("end", &json!("end")).await;
    let list = format!("{channel},end");
    let (mut since, mut count) = (since, 0);
    'lines: loop {
        let (next, heard) = stage.poll(&list, &since, "").await;
        since = next;
        for message in heard {
            if message["d"] == "end" {
                break 'lines;
            }
            count += 1;
        }
    }
    assert_eq!(count, 247);
    let last = stage.executions(3).await.remove(2);
    assert!(
        last["logs"]
            .as_str()
            .is_some_and(|logs| logs.contains("line 199"))
    );
}
