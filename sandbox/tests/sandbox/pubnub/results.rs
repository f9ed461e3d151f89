//! Which call decides, when it takes effect, and what is an error.

use serde_json::{Value, json};

use super::{before, http, message, run, timer};

#[test]
fn abort_carries_its_text() {
    let cases = [
        ("request.abort('no')", json!("no")),
        ("request.abort()", Value::Null),
        ("request.abort({ why: 1 })", json!("{\"why\":1}")),
    ];
    for (code, text) in cases {
        let run = run(
            &format!("export default (request) => {code};"),
            before(json!({ "a": 1 })),
        );
        assert_eq!(run.value()["statusCode"], 400, "{code}");
        assert_eq!(
            run.json(),
            json!({ "decision": "abort", "text": text, "message": { "a": 1 } }),
            "{code}"
        );
    }
    let run = run(
        "export default (event) => event.abort('later');",
        timer("ON_INTERVAL"),
    );
    assert_eq!(run.json(), json!({ "decision": "abort", "text": "later" }));
}

#[test]
fn both_resolve_to_the_request() {
    let code = "export default async (request) => {
        const same = (await request.ok()) === request;
        request.message = { same, error: request.error === undefined };
    };";
    let seen = run(code, before(json!({}))).json();
    assert_eq!(seen["message"], json!({ "same": true, "error": true }));
    let code = "export default async (request) => {
        const same = (await request.abort(TEXT)) === request;
        request.message = { same, error: request.error };
    };";
    for (text, message) in [("'no'", "no"), ("", "Aborted by function")] {
        let seen = run(&code.replace("TEXT", text), before(json!({}))).json();
        assert_eq!(
            seen["message"],
            json!({ "same": true, "error": { "code": 400, "message": message } })
        );
    }
}

#[test]
fn the_first_call_decides_and_later_ones_are_logged() {
    let code = "export default async (request) => { request.abort('first'); request.ok(); return request.abort('third'); };";
    let run = run(code, before(json!({})));
    assert_eq!(run.json()["text"], "first");
    assert_eq!(
        run.lines(),
        [
            "warn ok() is ignored: abort() has decided already",
            "warn abort() is ignored: abort() has decided already",
        ]
    );
}

#[test]
fn only_the_first_send_is_sent() {
    let code = "export default async (request, response) => {
        const first = await response.send({ n: 1 }, 202);
        const second = await response.send('two');
        console.log(first, second);
    };";
    let run = run(code, http("GET", "", json!([]), ""));
    assert_eq!(run.text(), "{\"n\":1}");
    assert_eq!(run.value()["statusCode"], 202);
    assert_eq!(
        run.lines(),
        [
            "warn send() is ignored: send() has decided already",
            r#"log {"body":{"n":1},"status":202} {"body":"two","status":200}"#,
        ]
    );
}

#[test]
fn a_decision_takes_effect_at_the_end() {
    let code = "export default async (request) => {
        request.ok();
        await new Promise((resolve) => setTimeout(resolve, 5));
        request.message.late = true;
    };";
    assert_eq!(
        run(code, before(json!({}))).json()["message"],
        json!({ "late": true })
    );
}

#[test]
fn the_text_of_ok_is_only_logged() {
    let run = run(
        "export default (request) => request.ok('done');",
        before(json!({ "a": 1 })),
    );
    assert_eq!(
        run.json(),
        json!({ "decision": "ok", "text": "done", "message": { "a": 1 } })
    );
    assert_eq!(run.lines(), ["info done"]);
}

#[test]
fn errors() {
    let circular = "const a = {}; a.a = a; request.message = a;";
    let cases = [
        ("throw new Error('boom');".to_owned(), "Error: boom"),
        (
            "throw new TypeError('boom\\nmore');".to_owned(),
            "TypeError: boom",
        ),
        (
            "return Promise.reject(new RangeError('later'));".to_owned(),
            "RangeError: later",
        ),
        ("throw 'text';".to_owned(), "text"),
        ("throw { a: 1 };".to_owned(), "[object Object]"),
        ("throw undefined;".to_owned(), "undefined"),
        ("throw { toString() { throw 1; } };".to_owned(), "Error"),
        (
            "const e = new Error('a'); e.message = 'b'; throw e;".to_owned(),
            "Error: b",
        ),
        (
            "request.ok(); throw new Error('after ok');".to_owned(),
            "Error: after ok",
        ),
        (
            "".to_owned(),
            "Error: The function ended without calling ok() or abort()",
        ),
        (
            "return request;".to_owned(),
            "Error: The function ended without calling ok() or abort()",
        ),
        (
            "setTimeout(() => request.ok(), 5);".to_owned(),
            "Error: The function ended without calling ok() or abort()",
        ),
        (
            "setTimeout(() => { throw new Error('in a timer'); }, 1); await new Promise(() => {});"
                .to_owned(),
            "Error: in a timer",
        ),
        (
            "setTimeout(() => { throw 'thrown text'; }, 1); await new Promise(() => {});"
                .to_owned(),
            "thrown text",
        ),
        (
            format!("{circular} return request.ok();"),
            "TypeError: circular reference",
        ),
        (
            "request.message = { n: 1n }; return request.ok();".to_owned(),
            "TypeError: BigInt are forbidden in JSON.stringify",
        ),
        (
            "request.message = undefined; return request.ok();".to_owned(),
            "TypeError: The message cannot be serialised",
        ),
        (
            "request.message = () => {}; return request.ok();".to_owned(),
            "TypeError: The message cannot be serialised",
        ),
    ];
    for (body, expected) in cases {
        let code = format!("export default async (request) => {{ {body} }};");
        for kind in ["BEFORE_PUBLISH", "AFTER_SIGNAL"] {
            assert_eq!(
                run(&code, message(kind, json!({}))).first_line(),
                expected,
                "{body}"
            );
        }
    }
    let aborted = format!("export default (request) => {{ {circular} return request.abort(); }};");
    assert_eq!(
        run(&aborted, before(json!({}))).json(),
        json!({ "decision": "abort", "text": null, "message": null })
    );
}

#[test]
fn errors_of_http_functions() {
    let cases = [
        ("", "Error: The function ended without calling send()"),
        (
            "return response.send('x', 199);",
            "RangeError: The status 199 is not in 200..599",
        ),
        (
            "response.send('x', 600).catch(() => {});",
            "RangeError: The status 600 is not in 200..599",
        ),
        (
            "response.status = 'abc'; return response.send('x');",
            "RangeError: The status abc is not in 200..599",
        ),
        (
            "response.headers['X-A'] = 'a\\r\\nSet-Cookie: b'; return response.send();",
            "TypeError: The header x-a of the response is not valid",
        ),
        (
            "response.headers['a b'] = '1'; return response.send();",
            "TypeError: The header a b of the response is not valid",
        ),
        (
            "return response.send(() => {});",
            "TypeError: The body of the response cannot be serialised",
        ),
        (
            "try { await response.send(1n); } catch {} return response.send('fine');",
            "TypeError: BigInt are forbidden in JSON.stringify",
        ),
        ("return request.ok();", "TypeError: not a function"),
    ];
    for (body, expected) in cases {
        let code = format!("export default async (request, response) => {{ {body} }};");
        assert_eq!(
            run(&code, http("GET", "", json!([]), "")).first_line(),
            expected,
            "{body}"
        );
    }
}

#[test]
fn stacks_are_those_of_the_source() {
    let code = "const deep = (n) => {\n  for (const x of [1])   if (n > 0) deep(n - 1); else throw new Error(`at ${x}`);\n};\n\nexport default async (request) => {\n  deep(1);\n};\n";
    let failure = run(code, before(json!({}))).failure();
    let lines: Vec<&str> = failure.lines().collect();
    assert_eq!(lines[0], "Error: at 1");
    assert!(
        lines[1].starts_with("    at deep (handler.js:2:"),
        "{failure}"
    );
    assert!(
        lines[2].starts_with("    at deep (handler.js:2:"),
        "{failure}"
    );
    assert!(lines[3].contains("handler.js:6:"), "{failure}");
    assert!(!failure.contains("bundle.js"), "{failure}");
    let column = |line: &str| -> u32 {
        let place = line.trim_end_matches(')').rsplit(':').next().unwrap();
        place.parse().unwrap()
    };
    // Within ``new Error(`at ${x}`)`` and `deep(n - 1)`: the engine names the end of a call.
    assert!((61..=79).contains(&column(lines[1])), "{failure}");
    assert!((37..=47).contains(&column(lines[2])), "{failure}");
}
