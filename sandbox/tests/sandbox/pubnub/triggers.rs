//! What functions of each trigger are given, and what they answer.

use sandbox::{Failure, Invocation};
use serde_json::{Value, json};

use super::{before, http, message, run, timer};
use crate::harness;

const MESSAGE: [&str; 7] = [
    "BEFORE_PUBLISH",
    "BEFORE_PUBLISH_FILE",
    "BEFORE_SIGNAL",
    "AFTER_PUBLISH",
    "AFTER_PUBLISH_FILE",
    "AFTER_SIGNAL",
    "AFTER_PRESENCE",
];

#[test]
fn every_message_trigger_sees_and_changes_the_message() {
    let code =
        "export default async (request) => { request.message.seen = true; return request.ok(); };";
    for kind in MESSAGE {
        let run = run(code, message(kind, json!({ "n": 1 })));
        assert_eq!(
            run.text(),
            r#"{"decision":"ok","text":null,"message":{"n":1,"seen":true}}"#,
            "{kind}"
        );
        assert_eq!(
            run.value(),
            &json!({ "statusCode": 200, "headers": [["content-type", "application/json"]] })
        );
    }
}

#[test]
fn members_of_the_request() {
    let code = "export default (request) => {
        request.message = Object.fromEntries(Object.entries(request).map(([k, v]) => [k, typeof v === 'function' ? 'function' : v]));
        return request.ok();
    };";
    let seen = run(code, before(json!([1]))).json()["message"].take();
    assert_eq!(
        seen,
        json!({
            "message": [1], "channels": ["chat.room"], "verb": "publish", "method": "publish",
            "pubkey": "pub-c-1", "subkey": "sub-c-1", "version": "v1",
            "meta": { "clientip": "10.0.0.9", "origin": "ps.example.com", "useragent": "test", "custom": { "a": 1 } },
            "params": { "uuid": "ann", "pnsdk": "x" },
            "uri": "/publish/pub-c-1/sub-c-1/0/chat.room/0",
            "ok": "function", "abort": "function",
        })
    );
}

#[test]
fn a_file_without_a_message_has_none() {
    let code = "export default (request) => { request.message.was = String(request.message.message); return request.ok(); };";
    let given = json!({ "file": { "id": "1", "name": "a.png" } });
    let run = run(code, message("BEFORE_PUBLISH_FILE", given));
    assert_eq!(
        run.json()["message"],
        json!({ "file": { "id": "1", "name": "a.png" }, "was": "undefined" })
    );
}

#[test]
fn a_message_may_be_replaced_and_channels_do_not_matter() {
    let code = "export default (request) => { request.message = { fresh: '\\ud800' }; request.channels = ['x']; return request.ok(); };";
    assert_eq!(
        run(code, before(json!({}))).json(),
        json!({ "decision": "ok", "text": null, "message": { "fresh": "\u{fffd}" } })
    );
}

#[test]
fn timers_get_an_event() {
    let code = "export default (event) => event.ok(JSON.stringify(event));";
    let other = run(code, timer("SUBSCRIBE_ON_INTERVAL"));
    let run = run(code, timer("ON_INTERVAL"));
    assert_eq!(run.text(), other.text());
    let answer = run.json();
    assert_eq!(answer["decision"], "ok");
    assert!(answer.get("message").is_none());
    let seen: Value = serde_json::from_str(answer["text"].as_str().unwrap()).unwrap();
    assert_eq!(
        seen,
        json!({
            "timestamp": 1_700_000_000_000_u64, "interval": 5000, "pubkey": "pub-c-1",
            "subkey": "sub-c-1", "version": "v1", "meta": {}, "message": {}, "channels": [],
        })
    );
}

#[test]
fn members_of_an_http_request() {
    let code = "export default async (request, response) => response.send({
        method: request.method, path: request.path, uri: request.uri, params: request.params,
        same: request.params === request.query, headers: request.headers, body: request.body,
        message: request.message, json: await request.json(), meta: request.meta,
        keys: [request.pubkey, request.subkey, request.version], ended: typeof request.ok,
    });";
    let headers = json!([
        ["Content-Type", "application/json"],
        ["X-A", "1"],
        ["x-a", "2"]
    ]);
    let run = run(
        code,
        http("POST", "a=5&b=x+y%21&a=6&flag", headers, r#"{"é":1}"#),
    );
    assert_eq!(
        run.json(),
        json!({
            "method": "POST", "path": "/users/1", "uri": "/users/1?a=5&b=x+y%21&a=6&flag",
            "params": { "a": "6", "b": "x y!", "flag": "" }, "same": true,
            "headers": { "content-type": "application/json", "x-a": "1, 2" },
            "body": r#"{"é":1}"#, "message": { "é": 1 }, "json": { "é": 1 },
            "meta": { "clientip": "10.0.0.9" }, "keys": ["pub-c-1", "sub-c-1", "v1"], "ended": "undefined",
        })
    );
}

#[test]
fn bodies_that_are_empty_or_no_json() {
    let code = "export default async (request, response) => response.send([
        request.body, request.message, await request.json().catch((error) => error.name),
    ]);";
    let cases = [
        ("", json!(["", {}, null])),
        ("{oops", json!(["{oops", {}, "SyntaxError"])),
    ];
    for (body, expected) in cases {
        assert_eq!(
            run(code, http("POST", "", json!([]), body)).json(),
            expected
        );
    }
}

#[test]
fn http_answers() {
    let text = json!(["content-type", "text/plain; charset=utf-8"]);
    let document = json!(["content-type", "application/json; charset=utf-8"]);
    let cases = [
        ("response.send('hi')", 200, json!([text]), "hi"),
        (
            "response.send({ a: [1] }, 201)",
            201,
            json!([document]),
            "{\"a\":[1]}",
        ),
        ("response.send([1])", 200, json!([document]), "[1]"),
        ("response.send(5)", 200, json!([document]), "5"),
        ("response.send(false)", 200, json!([document]), "false"),
        ("response.send(null)", 200, json!([document]), "null"),
        ("response.send()", 200, json!([]), ""),
        ("response.send('')", 200, json!([text]), ""),
        (
            "(response.status = 404, response.send('no'))",
            404,
            json!([text]),
            "no",
        ),
        (
            "(response.status = 404, response.send('no', 410))",
            410,
            json!([text]),
            "no",
        ),
        (
            "(response.headers['CONTENT-Type'] = 'text/html', response.send('<p>'))",
            200,
            json!([["content-type", "text/html"]]),
            "<p>",
        ),
        (
            "(response.headers = { 'Set-Cookie': ['a=1', 'b=2'], 'Content-Length': 9, connection: 'close', 'Transfer-Encoding': 'x', 'X-N': 1, 'X-U': undefined }, response.send())",
            200,
            json!([["set-cookie", "a=1"], ["set-cookie", "b=2"], ["x-n", "1"]]),
            "",
        ),
        ("response.send('\\ud800')", 200, json!([text]), "\u{fffd}"),
    ];
    for (code, status, headers, body) in cases {
        let run = run(
            &format!("export default async (request, response) => {{ return {code}; }};"),
            http("GET", "", json!([]), ""),
        );
        assert_eq!(run.text(), body, "{code}");
        assert_eq!(run.value()["statusCode"], status, "{code}");
        assert_eq!(run.value()["headers"], headers, "{code}");
    }
}

#[test]
fn a_trigger_that_is_not_known_is_an_error() {
    let code = "export default (request) => request.ok();";
    for kind in ["BEFORE_PRESENCE", "toString", "__proto__"] {
        assert_eq!(
            run(code, message(kind, json!({}))).first_line(),
            format!("Error: unknown trigger type {kind}")
        );
    }
}

#[test]
fn looking_at_a_module_calls_nothing() {
    let inspect = |code: &str| {
        let request = json!({ "type": "BEFORE_PUBLISH", "inspect": true });
        run(code, Invocation::new("pubnub", request, ""))
    };
    let called = inspect("export default (request) => { throw new Error('called'); };");
    assert_eq!(called.value()["statusCode"], 200);
    let late = inspect("let f; export { f as default }; f = async () => {};");
    assert_eq!(late.value()["statusCode"], 200);
    assert_eq!(
        inspect("const f = () => 5; export default f();").first_line(),
        "TypeError: The default export is not a function"
    );
    let thrown = inspect("null.x; export default () => {};");
    match harness::failure(&thrown.outcome) {
        Failure::Load { thrown, .. } => assert_eq!(thrown.name, "TypeError"),
        failure => panic!("{failure:?}"),
    }
}
