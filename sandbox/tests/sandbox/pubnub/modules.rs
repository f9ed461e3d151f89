//! The modules that functions require: those that ask the host here, those that only compute in
//! `tests/pubnub/*.js`.

use std::path::Path;

use serde_json::{Value, json};

use super::{evaluate, http, run};

#[test]
fn the_modules_that_compute() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let harness = std::fs::read_to_string(tests.join("prelude/harness.js")).unwrap();
    let mut scripts: Vec<_> = std::fs::read_dir(tests.join("pubnub"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    scripts.sort();
    assert!(scripts.len() >= 4);
    let mut failed = Vec::new();
    for path in scripts {
        let script = std::fs::read_to_string(&path).unwrap();
        let code = format!(
            "{harness}\nexport default async (request, response) => {{ {script}\nreturn response.send(report()); }};"
        );
        let report = run(&code, http("GET", "", json!([]), "")).text();
        if !report.starts_with("ok ") {
            failed.push(format!("{}:\n{report}", path.display()));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// What an expression gives and which operations it asks for.
#[track_caller]
fn check(code: &str, answer: Value, expected: Value, asked: Value) {
    let run = evaluate(code, move |_, _| {
        (answer.clone(), b"body \xc3\xa9".to_vec())
    });
    assert_eq!(run.json(), expected, "{code}");
    let ops: Vec<Value> = run
        .asked
        .iter()
        .map(|(op, arg, _)| json!([op, arg]))
        .collect();
    assert_eq!(json!(ops), asked, "{code}");
}

#[test]
fn kvstore_writes() {
    let kv = "require('kvstore')";
    let set = |kind: &str, value: Value, ttl: u64| json!([["pubnub.kv-set", { "key": "k", "kind": kind, "value": value, "ttlSeconds": ttl }]]);
    let cases = [
        (
            "set('k', { a: [1] })",
            set("json", json!({ "a": [1] }), 86_400),
        ),
        ("set('k', 'text')", set("json", json!("text"), 86_400)),
        ("set('k', null, 5)", set("json", json!(null), 300)),
        ("set('k', 1, 1.2)", set("json", json!(1), 120)),
        ("set('k', 1, 0)", set("json", json!(1), 60)),
        ("set('k', 1, -9)", set("json", json!(1), 60)),
        ("set('k', 1, Infinity)", set("json", json!(1), 31_536_000)),
        ("setItem('k', 'v', 2)", set("string", json!("v"), 120)),
        ("setItem('k', 5)", set("string", json!("5"), 86_400)),
        (
            "removeItem('k')",
            json!([["pubnub.kv-remove", { "key": "k" }]]),
        ),
    ];
    for (code, asked) in cases {
        check(&format!("{kv}.{code}"), json!({}), json!(null), asked);
    }
}

#[test]
fn kvstore_reads() {
    let kv = "require('kvstore')";
    let asked = json!([["pubnub.kv-get", { "key": "k" }]]);
    let cases = [
        ("get('k')", json!({ "found": false }), json!(null)),
        ("getItem('k')", json!({ "found": false }), json!(null)),
        (
            "get('k')",
            json!({ "found": true, "kind": "json", "value": { "a": 1 } }),
            json!({ "a": 1 }),
        ),
        (
            "get('k')",
            json!({ "found": true, "kind": "string", "value": "{}" }),
            json!("{}"),
        ),
        (
            "getItem('k')",
            json!({ "found": true, "kind": "string", "value": "v" }),
            json!("v"),
        ),
        (
            "getItem('k')",
            json!({ "found": true, "kind": "json", "value": { "a": 1 } }),
            json!("{\"a\":1}"),
        ),
        (
            "getItem('k')",
            json!({ "found": true, "kind": "json", "value": null }),
            json!("null"),
        ),
    ];
    for (code, answer, expected) in cases {
        check(&format!("{kv}.{code}"), answer, expected, asked.clone());
    }
    let value = json!({ "value": "41" });
    check(
        &format!("{kv}.getCounter('k')"),
        value.clone(),
        json!(41),
        json!([["pubnub.kv-counter", { "key": "k" }]]),
    );
    check(
        &format!("{kv}.incrCounter('k')"),
        value.clone(),
        json!(41),
        json!([["pubnub.kv-increment", { "key": "k", "by": 1 }]]),
    );
    check(
        &format!("{kv}.incrCounter('k', -3)"),
        value,
        json!(41),
        json!([["pubnub.kv-increment", { "key": "k", "by": -3 }]]),
    );
    check(
        &format!("{kv}.incrCounter('k')"),
        json!({ "error": "the counter is at its bound" }),
        json!("threw Error: the counter is at its bound"),
        json!([["pubnub.kv-increment", { "key": "k", "by": 1 }]]),
    );
}

#[test]
fn kvstore_lists_in_both_styles() {
    let code = "(async () => {
        const list = await require('kvstore').getKeys();
        const { keys, next } = list;
        const seen = []; for (const at in list) seen.push(at);
        return [Array.isArray(list), list, keys, next, seen, list.keys !== list];
    })()";
    let answer = json!({ "keys": ["a", "b"], "next": "t" });
    check(
        code,
        answer.clone(),
        json!([true, ["a", "b"], ["a", "b"], "t", ["0", "1"], true]),
        json!([["pubnub.kv-keys", { "kind": "entries" }]]),
    );
    check(
        "require('kvstore').getCounterKeys('t').then((list) => list.next)",
        json!({ "keys": [], "next": null }),
        json!(null),
        json!([["pubnub.kv-keys", { "kind": "counters", "token": "t" }]]),
    );
}

#[test]
fn what_is_wrong_with_arguments_rejects_before_the_host_is_asked() {
    let cases = [
        (
            "require('kvstore').set('k', undefined)",
            "TypeError: kvstore: the value cannot be stored as JSON",
        ),
        (
            "require('kvstore').set('k', () => {})",
            "TypeError: kvstore: the value cannot be stored as JSON",
        ),
        (
            "require('kvstore').set(5, 1)",
            "TypeError: kvstore: the key must be a non-empty string",
        ),
        (
            "require('kvstore').get()",
            "TypeError: kvstore: the key must be a non-empty string",
        ),
        (
            "require('kvstore').get('k'.repeat(1001))",
            "RangeError: kvstore: the key is longer than 1000 characters",
        ),
        (
            "require('kvstore').set('k', 'v'.repeat(32000))",
            "RangeError: kvstore: the value is longer than 32000 characters",
        ),
        (
            "require('kvstore').setItem('k', 'v'.repeat(32001))",
            "RangeError: kvstore: the value is longer than 32000 characters",
        ),
        (
            "require('kvstore').setItem('k', {})",
            "TypeError: kvstore: setItem stores strings",
        ),
        (
            "require('kvstore').set('k', 1, '5')",
            "TypeError: kvstore: the time to live must be a number of minutes",
        ),
        (
            "require('kvstore').set('k', 1, NaN)",
            "TypeError: kvstore: the time to live must be a number of minutes",
        ),
        (
            "require('kvstore').incrCounter('k', 1.5)",
            "TypeError: kvstore: a counter is incremented by an integer",
        ),
        (
            "require('kvstore').getKeys(2)",
            "TypeError: kvstore: the page must be the token of an earlier answer",
        ),
        (
            "require('vault').get()",
            "TypeError: vault: the name must be a string",
        ),
        (
            "require('xhr').fetch('nowhere')",
            "TypeError: xhr: invalid URL nowhere",
        ),
        (
            "require('xhr').fetch('file:///etc/passwd')",
            "TypeError: xhr: the protocol file: is not allowed",
        ),
        (
            "require('xhr').fetch('https://a.b', { method: 'TRACE' })",
            "TypeError: xhr: the method TRACE is not allowed",
        ),
        (
            "require('xhr').fetch('https://a.b', { method: 'POST' })",
            "TypeError: xhr: POST needs a body",
        ),
        (
            "require('xhr').fetch('https://a.b', { method: 'put' })",
            "TypeError: xhr: PUT needs a body",
        ),
        (
            "require('xhr').fetch('https://a.b', { method: 'POST', body: {} })",
            "TypeError: xhr: the body must be a string",
        ),
        (
            "require('xhr').fetch('https://a.b', { timeout: '5' })",
            "TypeError: xhr: the timeout must be a number of milliseconds",
        ),
        (
            "require('xhr').fetch('https://a.b', { encoding: 'x' })",
            "TypeError: xhr: unknown encoding x",
        ),
        (
            "require('pubnub').publish({ message: {} })",
            "Error: pubnub.publish: missing channel",
        ),
        (
            "require('pubnub').fire({ channel: 'a' })",
            "Error: pubnub.fire: missing message",
        ),
        (
            "require('pubnub').publish()",
            "Error: pubnub.publish: missing channel",
        ),
        (
            "require('pubnub').publish({ channel: 'a', message: { a: 'x'.repeat(32768) } })",
            "RangeError: pubnub.publish: the message is longer than 32768 bytes",
        ),
        (
            "require('pubnub').signal({ channel: 'a', message: 'é'.repeat(32) })",
            "RangeError: pubnub.signal: the message is longer than 64 bytes",
        ),
        (
            "require('pubnub').publish({ channel: 'a', message: () => {} })",
            "TypeError: pubnub.publish: the message cannot be serialised",
        ),
        (
            "require('pubnub').whereNow({})",
            "Error: pubnub.whereNow: missing uuid",
        ),
        (
            "require('pubnub').history({ channel: 'a' })",
            "Error: Not supported: pubnub.history",
        ),
        (
            "require('pubnub').objects.getUUIDMetadata()",
            "Error: Not supported: pubnub.objects.getUUIDMetadata",
        ),
        (
            "require('pubnub').channelGroups.addChannels({})",
            "Error: Not supported: pubnub.channelGroups.addChannels",
        ),
    ];
    for (code, expected) in cases {
        // A promise in each case: nothing is thrown at once.
        let code = format!("(() => {{ const p = {code}; return p; }})()");
        check(
            &code,
            json!({}),
            json!(format!("threw {expected}")),
            json!([]),
        );
    }
}

#[test]
fn xhr() {
    let answer = json!({ "status": 404, "headers": [["X-A", "1"], ["x-a", "2"], ["content-type", "text/plain"]] });
    let response = json!({ "status": 404, "body": "body é", "headers": { "x-a": "1, 2", "content-type": "text/plain" } });
    check(
        "require('xhr').fetch('https://example.com/a?b=c')",
        answer.clone(),
        response.clone(),
        json!([["pubnub.xhr", { "url": "https://example.com/a?b=c", "method": "GET", "headers": [], "timeoutMs": 5000 }]]),
    );
    let run = evaluate(
        "require('xhr').fetch('http://example.com', { method: 'post', body: 'é', headers: { 'Content-Type': 'a/b', n: 1, u: undefined }, timeout: 60000, encoding: 'base64' }).then((r) => r.body)",
        move |_, _| (answer.clone(), vec![1, 2, 3]),
    );
    assert_eq!(run.json(), "AQID");
    assert_eq!(
        run.asked,
        [(
            "pubnub.xhr".to_owned(),
            json!({ "url": "http://example.com/", "method": "POST", "headers": [["Content-Type", "a/b"], ["n", "1"]], "timeoutMs": 9000 }),
            "é".to_owned(),
        )]
    );
    check(
        "require('xhr').fetch('https://example.com/')",
        json!({ "error": "timed out" }),
        json!("threw Error: timed out"),
        json!([["pubnub.xhr", { "url": "https://example.com/", "method": "GET", "headers": [], "timeoutMs": 5000 }]]),
    );
}

#[test]
fn vault() {
    let asked = json!([["pubnub.vault-get", { "name": "Key" }]]);
    check(
        "require('vault').get('Key')",
        json!({ "value": "s3" }),
        json!("s3"),
        asked.clone(),
    );
    check(
        "require('vault').get('Key')",
        json!({ "value": null }),
        json!(null),
        asked,
    );
}

#[test]
fn pubnub() {
    let answer = json!({ "answer": [1, "Sent", "17000000000000000"] });
    for mode in ["publish", "fire", "signal"] {
        check(
            &format!(
                "require('pubnub').{mode}({{ channel: 'a.b', message: {{ n: 1 }}, meta: {{ m: 2 }} }})"
            ),
            answer.clone(),
            json!([1, "Sent", "17000000000000000"]),
            json!([["pubnub.publish", { "mode": mode, "channel": "a.b", "message": { "n": 1 }, "meta": { "m": 2 } }]]),
        );
    }
    check(
        "require('pubnub').publish({ channel: 'a', message: null })",
        json!({ "error": "no" }),
        json!("threw Error: no"),
        json!([["pubnub.publish", { "mode": "publish", "channel": "a", "message": null }]]),
    );
    check(
        "require('pubnub').hereNow({ channels: ['a'], includeUUIDs: true })",
        json!({ "answer": { "totalOccupancy": 1 } }),
        json!({ "totalOccupancy": 1 }),
        json!([["pubnub.here-now", { "channels": ["a"], "includeUUIDs": true }]]),
    );
    check(
        "require('pubnub').whereNow({ uuid: 'ann' })",
        json!({ "answer": { "channels": ["a"] } }),
        json!({ "channels": ["a"] }),
        json!([["pubnub.where-now", { "uuid": "ann" }]]),
    );
}
